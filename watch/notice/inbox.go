package notice

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// What an inbox keeps is bounded: beyond maxDirty directories everything counts as
// changed, and beyond maxTouched paths it is as if events had been lost.
const (
	maxDirty   = 4096
	maxTouched = 65536
)

// inbox keeps what events told of until the watcher has time for it. It is filled as
// fast as events come, as the kernel drops what is not fetched.
type inbox struct {
	wake chan struct{}

	mu      sync.Mutex
	dirty   map[string]bool // directories; true: with all below
	touched map[string]bool // paths; true: a watch of that path may be another's
	doubt   bool            // something is wrong with the watches
	failed  error
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), dirty: make(map[string]bool), touched: make(map[string]bool)}
}

// listen fetches events until the source is closed.
func (b *inbox) listen(root string, source Source) {
	events, errs := source.Events(), source.Errors()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				b.fail(errors.New("the operating system tells of no more events"))
				return
			}
			b.heed(root, e)
		case err, ok := <-errs:
			switch {
			case !ok:
				errs = nil
			case errors.Is(err, fsnotify.ErrEventOverflow):
				b.fail(errLost)
			default:
				b.suspect()
			}
		}
	}
}

// heed notes an event.
func (b *inbox) heed(root string, e fsnotify.Event) {
	rel, ok := below(root, e.Name)
	if !ok || e.Op == 0 {
		return
	}
	if rel == "" {
		if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
			b.fail(errors.New("the folder was removed or renamed"))
			return
		}
		b.mark("", false)
		return
	}
	b.mark(parent(rel), false)
	switch {
	case e.Has(fsnotify.Create), e.Has(fsnotify.Remove), e.Has(fsnotify.Rename):
		b.touch(rel, true)
	case e.Has(fsnotify.Chmod):
		b.touch(rel, false)
	}
}

// below returns name, a path that a source told, as a path below root.
func below(root, name string) (rel string, ok bool) {
	if name == root {
		return "", true
	}
	prefix := root
	if !strings.HasSuffix(prefix, string(filepath.Separator)) {
		prefix += string(filepath.Separator)
	}
	rel, ok = strings.CutPrefix(name, prefix)
	return filepath.ToSlash(rel), ok
}

// mark notes that something in dir may have changed.
func (b *inbox) mark(dir string, all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, had := b.dirty[dir]
	if had && (before || !all) || b.dirty[""] {
		return
	}
	if len(b.dirty) >= maxDirty {
		clear(b.dirty)
		dir, all = "", true
	}
	b.dirty[dir] = all
	b.poke()
}

// touch notes that there may be another directory at rel now, or one where there was
// none; stale: also if it looks like the one before.
func (b *inbox) touch(rel string, stale bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, had := b.touched[rel]
	if had && (before || !stale) {
		return
	}
	if len(b.touched) >= maxTouched {
		clear(b.touched)
		if b.failed == nil {
			b.failed = errLost
		}
	}
	b.touched[rel] = stale
	b.poke()
}

// fail notes why there are no more events that can be relied on. The first reason
// counts.
func (b *inbox) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = err
	}
	b.poke()
}

// suspect makes all watches be looked at.
func (b *inbox) suspect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubt = true
	b.poke()
}

func (b *inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// structure returns what was noted of directories as such, and forgets it.
func (b *inbox) structure() (touched map[string]bool, doubt bool, failed error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.touched) > 0 {
		touched, b.touched = b.touched, make(map[string]bool)
	}
	doubt, failed, b.doubt = b.doubt, b.failed, false
	return touched, doubt, failed
}

// hints returns what is marked, and forgets it.
func (b *inbox) hints() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.dirty) == 0 {
		return nil
	}
	dirty := b.dirty
	b.dirty = make(map[string]bool)
	return dirty
}

// empty reports whether nothing is marked.
func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.dirty) == 0
}
