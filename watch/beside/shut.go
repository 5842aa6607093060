package beside

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"slipway/watch"
)

const (
	probeEvery = 2 * time.Minute
	probeLast  = time.Hour
	maxShut    = 1024 // directories that are remembered as such
	probeName  = prefix + "probe"
)

// shut is a directory in which sidecars could not be written.
type shut struct {
	open bool // by now it can be written
	wait time.Duration
	next time.Time // when it is looked at again
}

var _ watch.Reopener = (*Beside)(nil)

// failed returns k where err keeps its sidecars from being written into dir.
func (b *Beside) failed(k watch.Known, dir string, err error) (watch.Known, bool, error) {
	if !b.readOnly(dir, err) {
		return k, false, err
	}
	return k, true, nil
}

// readOnly reports whether err says that nothing can be written into dir, and says so,
// once.
func (b *Beside) readOnly(dir string, err error) bool {
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.told {
		b.o.Log.Warn("sidecars cannot be written; let this program's user write there, or set sidecars = [] or a sidecar_dir", "folder", b.o.Root, "error", err)
	}
	b.told = true
	b.giveUp(dir)
	return true
}

// giveUp notes that dir cannot be written. One that looked as if it could is let be for
// longer.
func (b *Beside) giveUp(dir string) {
	if dir == "." {
		dir = ""
	}
	s := b.shut[dir]
	switch {
	case s == nil && len(b.shut) >= maxShut:
		dir = "" // it stands for the others
		if s = b.shut[dir]; s != nil && !s.open {
			return
		}
	case s != nil && !s.open:
		return
	}
	if s == nil {
		s = &shut{wait: b.probes}
		b.shut[dir] = s
	} else {
		s.wait = min(2*s.wait, probeLast)
	}
	s.open, s.next = false, time.Now().Add(s.wait)
}

// Reopened reports whether a directory that could not be written can be now; see
// watch.Reopener.
func (b *Beside) Reopened() (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var due []string
	now := time.Now()
	for dir, s := range b.shut {
		if !s.open && !s.next.After(now) {
			due = append(due, dir)
			s.next = now.Add(s.wait)
		}
	}
	if len(due) == 0 {
		return false
	}
	b.mu.Unlock()
	defer b.mu.Lock()
	root, err := b.open(context.Background(), true)
	if err != nil {
		return false
	}
	defer root.Close()
	for _, dir := range due {
		if b.probe(root, dir) {
			b.reopen(dir)
			opened = true
		}
	}
	return opened
}

// reopen notes that dir can be written.
func (b *Beside) reopen(dir string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut[dir].open, b.told = true, false
}

// probe tries to write into dir, or, where it is not there, into the one above it.
func (b *Beside) probe(root *os.Root, dir string) bool {
	for b.before("probe") == nil {
		name := path.Join(dir, probeName)
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			return errors.Join(f.Close(), root.Remove(name)) == nil
		}
		if dir == "" || !errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
	}
	return false
}
