package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Keep syncs the bytes of w, which must be of this Disk, and leaves their file
// where it is.
func (d *Disk) Keep(ctx context.Context, from Writer) (Ref, error) {
	w, ok := from.(*writer)
	if !ok || w.disk != d {
		return "", fmt.Errorf("blob: bytes of another store cannot be kept: %w", errors.ErrUnsupported)
	}
	if w.err != nil {
		return "", w.err
	}
	if err := w.keep(ctx); err != nil {
		return "", w.fail(err)
	}
	w.err = errEnded
	return Ref(w.name), nil
}

func (w *writer) keep(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.spill(); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	f := w.file
	w.file = nil
	if err := f.Close(); err != nil || w.kept {
		return err // the name of what was kept before is durable
	}
	if err := w.disk.kept.sync(); err != nil {
		return err
	}
	w.kept = true
	return nil
}

// Continue opens what is kept under ref for appending. Its error is fs.ErrNotExist
// where nothing is, ErrBusy, or that of Create.
func (d *Disk) Continue(ctx context.Context, ref Ref) (Writer, error) {
	if !ref.valid() {
		return nil, fmt.Errorf("blob: %w: %q", fs.ErrNotExist, string(ref))
	}
	if err := d.room(ctx); err != nil {
		return nil, err
	}
	if !d.claim(string(ref)) {
		return nil, ErrBusy
	}
	w := &writer{disk: d, name: string(ref), kept: true, hash: sha256.New()}
	if err := w.reopen(); err != nil {
		w.Abort() //nolint:errcheck // The first error counts.
		return nil, fmt.Errorf("blob: %w", err)
	}
	return w, nil
}

// reopen opens the kept file.
func (w *writer) reopen() (err error) {
	if w.file, err = w.disk.fs.OpenFile(w.path(), os.O_RDWR, 0); err != nil {
		w.file = nil
		return err
	}
	w.size, err = w.file.Seek(0, io.SeekEnd)
	w.flushed = w.size
	return err
}

// claim makes the caller the one writer of a kept file.
func (d *Disk) claim(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, taken := d.writing[name]; taken {
		return false
	}
	d.writing[name] = false
	return true
}

// OpenKept opens what is kept under ref for reading.
func (d *Disk) OpenKept(ctx context.Context, ref Ref) (Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !ref.valid() {
		return nil, fmt.Errorf("blob: %w: %q", fs.ErrNotExist, string(ref))
	}
	f, err := d.fs.OpenFile(filepath.Join(d.staged, string(ref)), os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return f, nil
}

// removeKept removes the kept file, if there is one, now or when its writer ends.
func (d *Disk) removeKept(ref Ref) error {
	d.mu.Lock()
	_, taken := d.writing[string(ref)]
	if taken {
		d.writing[string(ref)] = true
	}
	d.mu.Unlock()
	if taken {
		return nil
	}
	return d.remove(filepath.Join(d.staged, string(ref)))
}
