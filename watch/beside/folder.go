package beside

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"slipway/watch"
)

// A folder's sidecars list all its files, so they are written again only after
// restTimes the time that it took.
const (
	restTimes = 20
	restMost  = 30 * time.Second
)

// noteStale notes folders whose files have left them.
func (b *Beside) noteStale(dirs map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.folder) > 0 {
		maps.Copy(b.stale, dirs)
	}
}

// Folder brings the sidecars of the directory dir in line, and those of directories
// that files have been moved out of since; see watch.Beside.
func (b *Beside) Folder(ctx context.Context, dir string) error {
	b.mu.Lock()
	dirs := slices.Collect(maps.Keys(b.stale))
	clear(b.stale)
	b.mu.Unlock()
	for _, d := range dirs {
		if d == dir {
			continue
		}
		if err := b.folderNow(ctx, d); err != nil {
			b.noteStale(map[string]bool{d: true})
			return err
		}
	}
	if len(b.folder) == 0 {
		return nil
	}
	if b.rests(dir) {
		return watch.ErrLater
	}
	return b.folderNow(ctx, dir)
}

// rests reports whether dir was done a short while ago.
func (b *Beside) rests(dir string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(b.rest, func(_ string, until time.Time) bool { return !until.After(now) })
	_, rests := b.rest[dir]
	return rests
}

// folderNow does it.
func (b *Beside) folderNow(ctx context.Context, dir string) error {
	began := time.Now()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.rest[dir] = time.Now().Add(min(restMost, restTimes*time.Since(began)))
	}()
	place, err := b.open(ctx, true)
	if errors.Is(err, watch.ErrAway) {
		b.noteStale(map[string]bool{dir: true})
		return nil
	}
	if err != nil {
		return b.unlessReadOnly("", err)
	}
	defer place.Close()
	had, err := b.folderMemory(ctx, dir)
	if err != nil {
		return err
	}
	s := newSet(b, place, path.Join(dir, folderStem), had, func(ctx context.Context, beside map[string][32]byte) error {
		return b.remember(ctx, had, beside)
	})
	s.others = b.wroteSomewhere
	if s.want, err = b.folderViews(ctx, path.Join("/", b.o.Into, dir)); err != nil {
		return err
	}
	err = s.align(ctx)
	return b.unlessReadOnly(dir, errors.Join(err, b.remember(ctx, had, s.now)))
}

func (b *Beside) unlessReadOnly(dir string, err error) error {
	if err != nil && b.readOnly(dir, err) {
		return nil
	}
	return err
}

// folderName is the name under which what belongs to folders is remembered.
func (b *Beside) folderName() string { return b.o.Name + "\nfolders\n" + b.o.Dir }

// folderMemory returns what was written for dir.
func (b *Beside) folderMemory(ctx context.Context, dir string) (map[string][32]byte, error) {
	list, err := b.o.Memory.Dir(ctx, b.folderName(), dir)
	if err != nil {
		return nil, err
	}
	had := make(map[string][32]byte, len(list))
	for _, k := range list {
		had[b.key(k.Path)] = k.Sum
	}
	return had, nil
}

// remember makes durable what is written for a folder.
func (b *Beside) remember(ctx context.Context, had, now map[string][32]byte) error {
	var list []watch.Known
	var gone []string
	for key, sum := range now {
		if before, ok := had[key]; !ok || before != sum {
			list = append(list, watch.Known{Path: strings.TrimPrefix(key, mirrored), Sum: sum, State: watch.Taken, Since: time.Now().UnixNano(), Done: true})
		}
	}
	for key := range had {
		if _, ok := now[key]; !ok {
			gone = append(gone, strings.TrimPrefix(key, mirrored))
		}
	}
	if len(list)+len(gone) == 0 {
		return nil
	}
	err := b.o.Memory.Store(context.WithoutCancel(ctx), b.folderName(), list, gone)
	if err == nil {
		clear(had)
		maps.Copy(had, now)
	}
	return err
}

// wroteSomewhere reports whether these bytes were written for another folder: this one
// was called so, or has its files now.
func (b *Beside) wroteSomewhere(ctx context.Context, sum [32]byte) bool {
	twins, err := b.o.Memory.Twins(ctx, b.folderName(), math.MaxUint64, math.MaxUint64, sum)
	return err == nil && slices.ContainsFunc(twins, func(k watch.Known) bool { return k.Sum == sum })
}

// folderViews returns what the views of a folder of the virtual filesystem say.
func (b *Beside) folderViews(ctx context.Context, dir string) (map[string][]byte, error) {
	want := make(map[string][]byte)
	tree := b.tree(ctx)
	if _, err := tree.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return want, nil
	}
	for _, suffix := range b.folder {
		text, err := b.read(tree, path.Join(dir, folderStem), suffix, "")
		if err != nil {
			return nil, err
		}
		if text != nil {
			want[suffix] = text
		}
	}
	return want, nil
}
