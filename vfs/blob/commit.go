package blob

import (
	"context"
	"path/filepath"
)

// Commit makes the bytes durable, or hands them back where they are few.
func (w *writer) Commit(ctx context.Context) (Info, error) {
	if w.err != nil {
		return Info{}, w.err
	}
	info, err := w.commit(ctx)
	if err != nil {
		w.fail(err)
		w.release() //nolint:errcheck // The first error counts; the sweep removes what is left.
		return Info{}, w.err
	}
	w.err = errEnded
	w.release() //nolint:errcheck // The blob is safe; the sweep removes what is left.
	return info, nil
}

func (w *writer) commit(ctx context.Context) (Info, error) {
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	sum, err := w.Sum()
	if err != nil {
		return Info{}, err
	}
	info := Info{Size: w.size, SHA256: sum}
	if w.size > InlineMax {
		info.Ref, err = w.publish()
		return info, err
	}
	info.Inline = make([]byte, w.size)
	if w.file == nil {
		copy(info.Inline, w.mem)
	} else if n, err := w.file.ReadAt(info.Inline, 0); n < len(info.Inline) {
		return Info{}, err
	}
	info.Ref = NewRef(w.disk.now())
	return info, nil
}

// publish syncs the staged file and gives it its name. The ref is drawn after
// the slow part, because a transaction must follow within the hour.
func (w *writer) publish() (Ref, error) {
	if err := w.file.Sync(); err != nil {
		return "", err
	}
	f := w.file
	w.file = nil // Windows renames no open file
	if err := f.Close(); err != nil {
		return "", err
	}
	ref := NewRef(w.disk.now())
	into := w.disk.folder(fanOut(ref))
	if err := into.make(); err != nil {
		return "", err
	}
	name := filepath.Join(into.dir, string(ref))
	if err := w.rename(name); err != nil {
		return "", err
	}
	if err := into.sync(); err != nil {
		w.disk.remove(name) //nolint:errcheck // Nobody knows the ref; the sweep removes what is left.
		return "", err
	}
	return ref, nil
}

// rename gives the staged file its name. Kept bytes get a second one, so that they
// are there still if no transaction names the blob; where the file system cannot do
// that, they are lost then.
func (w *writer) rename(name string) error {
	if w.kept && w.disk.fs.Link(w.path(), name) == nil {
		return nil
	}
	if err := w.disk.fs.Rename(w.path(), name); err != nil {
		return err
	}
	if !w.kept {
		w.disk.unstage(w.name, false) //nolint:errcheck // Without removal there is no error.
		w.name = ""
	}
	return nil
}
