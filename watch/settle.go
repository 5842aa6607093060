package watch

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"time"
)

// Phases of a candidate.
const (
	settling = iota
	settled  // waits for a taker
	taking
)

// candidate is a file whose bytes are not the remembered ones.
type candidate struct {
	path  string
	stat  Stat // as it was when it was looked at last
	phase int
	first time.Time // when it was this for the first time
	due   time.Time // when it has settled, if it is this still
	need  time.Duration
	began time.Time // when it became a candidate
	stay  int       // of the folder's home when it became a candidate
	open  bool      // another program had it open for writing, when it was tried last
}

// patience is what a file that surprised us is given: it seemed settled, and was not.
type patience struct {
	need  time.Duration
	until time.Time // after which it is forgotten
}

const (
	maxPatience  = 16   // times the settle time
	maxOpen      = 4    // times, after which a file is looked at that was open
	patienceFor  = 20   // times the need, for which a surprise is remembered
	maxPatiences = 1024 // files of which one is remembered
)

// offer makes x a candidate unless it is one, or is in trouble, or there is no room:
// then the directory is looked at again.
func (c *comparison) offer(path string, s Stat) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.node(c.dir)
	now := c.o.Clock()
	if c.busy[path] || n.finished[path] {
		if had := c.coming[path]; had == nil {
			n.quiet = false
			c.lookLater(c.dir, now.Add(restMin))
		}
		return
	}
	if tr := c.troubles[path]; tr != nil {
		if !tr.after && tr.stat == s && (tr.next.IsZero() || tr.next.After(now)) {
			if !tr.next.IsZero() {
				c.lookLater(c.dir, tr.next)
			}
			return
		}
		if tr.stat != s {
			delete(c.troubles, path)
		}
	}
	if had := c.coming[path]; had != nil {
		if had.phase == settling && had.stat != s {
			had.restart(s, now)
		}
		return
	}
	if len(c.coming) >= maxComing {
		c.full, n.quiet = true, false
		c.todo.push(task{dir: c.dir, force: true}) // as soon as there is room
		return
	}
	x := &candidate{path: path, need: c.needed(path, now), began: now, stay: c.home.stay}
	x.restart(s, now)
	c.coming[path] = x
}

// restart begins the settle time.
func (x *candidate) restart(s Stat, now time.Time) {
	x.phase, x.stat, x.first, x.due = settling, s, now, now.Add(x.need)
}

// needed returns how long the file at path must not change.
func (f *Folder) needed(path string, now time.Time) time.Duration {
	if p, ok := f.patience[path]; ok && now.Before(p.until) {
		return f.doubled(p.need)
	}
	return f.o.Settle
}

func (f *Folder) doubled(need time.Duration) time.Duration {
	return min(2*need, maxPatience*f.o.Settle)
}

// surprise has x, which was not at rest after all, settle again, for longer. Of one that
// is open it is known what it waits for.
func (f *Folder) surprise(x *candidate, err error, now time.Time) {
	need := f.doubled(x.need)
	if x.open = errors.Is(err, errOpen); x.open {
		need = max(x.need, min(need, maxOpen*f.o.Settle))
	}
	x.need = need
	// The next sample differs from this one, whatever the file is then.
	x.restart(Stat{}, now)
	x.due = now
}

// remindPatience notes for how long x had to be at rest: if it changes soon, that was
// not enough.
func (f *Folder) remindPatience(x *candidate, now time.Time) {
	if len(f.patience) >= maxPatiences {
		f.forgetPatience(now)
	}
	if len(f.patience) < maxPatiences {
		f.patience[x.path] = patience{x.need, now.Add(patienceFor * x.need)}
	}
}

func (f *Folder) forgetPatience(now time.Time) {
	for path, p := range f.patience {
		if !now.Before(p.until) {
			delete(f.patience, path)
		}
	}
}

// settle looks at the candidates whose time has come, and hands those that have not
// changed to the takers, in the order of their paths.
func (f *Folder) settle(ctx context.Context) {
	due := f.due()
	if len(due) == 0 {
		return
	}
	root, err := f.open()
	if err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, x := range due {
			x.due = f.o.Clock().Add(f.o.Rescan)
		}
		return
	}
	defer root.Close()
	for _, x := range due {
		if ctx.Err() != nil {
			return
		}
		f.sample(root, x)
	}
}

// due returns the candidates whose time has come.
func (f *Folder) due() (due []*candidate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Clock()
	for _, x := range f.coming {
		if x.phase == settling && !x.due.After(now) {
			due = append(due, x)
		}
	}
	slices.SortFunc(due, func(a, b *candidate) int { return cmp.Compare(a.path, b.path) })
	return due
}

// sample looks at one candidate again.
func (f *Folder) sample(root *os.Root, x *candidate) {
	s, err := f.stat(root, x.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil || s.Size == 0:
		// What is not there any more, no file, or empty, is for the directory to say.
		f.drop(x)
	case s != x.stat:
		x.restart(s, f.o.Clock())
	default:
		x.phase = settled
		f.ready <- x // there is room for maxComing
	}
}

// drop ends x, and looks at its directory.
func (f *Folder) drop(x *candidate) {
	delete(f.coming, x.path)
	dir := parent(x.path)
	if n := f.dirs[dir]; n != nil {
		n.quiet = false
	}
	f.lookLater(dir, f.o.Clock())
	poke(f.wake)
}

// stat looks at a file without following a link.
func (f *Folder) stat(root *os.Root, rel string) (Stat, error) {
	if link, err := linked(root, parent(rel)); err != nil {
		return Stat{}, err
	} else if link != "" {
		return Stat{}, os.ErrNotExist
	}
	info, err := root.Lstat(onDisk(rel))
	if err != nil {
		return Stat{}, err
	}
	if !info.Mode().IsRegular() {
		return Stat{}, os.ErrNotExist
	}
	return f.o.Place.Stat(info), nil
}
