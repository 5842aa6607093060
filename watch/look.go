package watch

import (
	"context"
	"slices"
	"strings"
	"time"
)

// A directory rests after a look, so that a flood of hints costs a tenth of a core at
// the most.
const (
	restMin  = 20 * time.Millisecond
	restEach = 10 // times what the look took
	restMost = time.Second
)

// restAfter returns for how long to rest after what took so long.
func restAfter(took time.Duration) time.Duration {
	return max(restMin, min(restEach*took, restMost))
}

// look compares a directory with what is remembered of it, and makes tasks of
// directories in it.
func (f *Folder) look(ctx context.Context, t task) {
	began := time.Now()
	f.watchMemory(t.dir)
	l, err := f.list(t.dir)
	if err != nil {
		f.unreadable(t.dir, err)
		return
	}
	if f.heedListing(t, l) {
		return
	}
	err = f.compare(ctx, t.dir, l)
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.dirs[t.dir]
	switch {
	case n == nil:
	case err != nil && ctx.Err() == nil:
		n.quiet = false
		f.o.Log.Error("what is remembered of a watched folder cannot be read or written", "folder", f.o.Root, "directory", t.dir, "error", err)
		f.lookLater(t.dir, f.o.Clock().Add(retryFirst))
	default:
		n.rest = f.o.Clock().Add(restAfter(time.Since(began)))
	}
}

// watchMemory begins to note whose memory changes while dir is looked at.
func (f *Folder) watchMemory(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.dirs[dir]; n != nil {
		n.finished = nil
	}
}

// unreadable notes that a directory cannot be read. What is in it is neither new nor
// missing.
func (f *Folder) unreadable(dir string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.home.missing != "" {
		return // that of the folder itself
	}
	n := f.node(dir)
	n.quiet, n.round = false, f.walk.round
	f.trouble(dir, Stat{}, err, 0)
	if tr := f.troubles[dir]; tr != nil {
		f.lookLater(dir, tr.next)
	}
}

// node returns what is known of dir.
func (f *Folder) node(dir string) *node {
	n := f.dirs[dir]
	if n == nil {
		n = &node{}
		f.dirs[dir] = n
	}
	return n
}

// heedListing notes what the look saw, and reports whether there is nothing else to
// be done.
func (f *Folder) heedListing(t task, l *listing) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.troubles, t.dir)
	if t.dir == "" {
		f.home.emptied = l.none()
	}
	n := f.node(t.dir)
	n.round = f.walk.round
	f.heedSubs(t, n, l)
	if n.quiet && n.digest == l.digest && !t.force && !l.gone {
		return true
	}
	n.digest, n.quiet = l.digest, true
	return false
}

// heedSubs makes tasks of the directories in one: of all, of those that are new, and of
// those that are not there any more, with what lay below them.
func (f *Folder) heedSubs(t task, n *node, l *listing) {
	for _, name := range slices.Backward(l.subs) {
		dir := under(t.dir, name)
		if t.deep || f.dirs[dir] == nil {
			f.todo.push(task{dir: dir, deep: true})
		}
	}
	if t.lost && l.gone {
		n.subs = nil
		return
	}
	var lost []task
	for _, name := range n.subs {
		if _, there := slices.BinarySearch(l.subs, name); there {
			continue
		}
		top := under(t.dir, name)
		if f.o.Ignore(top, true) != "" {
			f.dropBelow(top)
			continue
		}
		lost = f.lostBelow(lost, top)
	}
	f.todo.pushLast(lost...)
	n.subs = l.subs
}

// lostBelow adds to list the directory at top and those below it. Those that nobody has
// looked at since the start are not known there: the walk finds them.
func (f *Folder) lostBelow(list []task, top string) []task {
	n := f.dirs[top]
	if n == nil {
		return list
	}
	list = append(list, task{dir: top, force: true, lost: true})
	for _, name := range n.subs {
		list = f.lostBelow(list, under(top, name))
	}
	return list
}

// comparison is a look at a directory whose listing or memory has changed.
type comparison struct {
	*Folder
	dir      string
	l        *listing
	first    bool // nobody has looked at it before
	known    []Known
	remember []Known
	forget   []string
	ours     map[string]bool // names of sidecars that we wrote
	standing int             // files that are the remembered ones
	mount    string          // where the file system is mounted that the directory is on; "": it is the folder's
	vouched  bool            // that file system is known
	// What was remembered, and had been followed, when the first is to be followed.
	counted        map[State]int
	followedBefore int
}

// compare decides about each file of a directory.
func (f *Folder) compare(ctx context.Context, dir string, l *listing) error {
	known, err := f.o.Memory.Dir(ctx, f.o.Name, dir)
	if err != nil {
		return err
	}
	first := f.firstLook(dir)
	if len(known) == 0 && len(l.files) > 0 && first {
		adopted, err := f.adopt(ctx, dir, l)
		if err != nil {
			return err
		}
		if adopted {
			if known, err = f.o.Memory.Dir(ctx, f.o.Name, dir); err != nil {
				return err
			}
		}
	}
	c := &comparison{Folder: f, dir: dir, l: l, known: known, first: first, ours: make(map[string]bool)}
	for _, k := range known {
		for p := range k.Beside {
			if parent(p) == dir {
				c.ours[base(p)] = true
			}
		}
	}
	c.present()
	if err := c.absent(ctx); err != nil {
		return err
	}
	c.sidecars(ctx)
	f.tidy(dir, l)
	if len(c.remember)+len(c.forget) > 0 {
		return f.o.Memory.Store(ctx, f.o.Name, c.remember, c.forget)
	}
	return nil
}

// first reports whether no look at dir has ended yet.
func (f *Folder) firstLook(dir string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.node(dir)
	first := !n.looked
	n.looked = true
	return first
}

// base returns the last element of a path.
func base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// present decides about the files that are there.
func (c *comparison) present() {
	i := 0
	var files, same Amount // without sidecars
	for _, x := range c.l.files {
		for i < len(c.known) && base(c.known[i].Path) < x.name {
			i++
		}
		var k *Known
		if i < len(c.known) && base(c.known[i].Path) == x.name {
			k = &c.known[i]
		}
		if c.ours[x.name] || k == nil && c.resembles(x) {
			continue
		}
		files.add(x.stat.Size)
		if c.stands(k, x) {
			same.add(x.stat.Size)
			continue
		}
		c.offer(under(c.dir, x.name), x.stat)
	}
	if c.standing > 0 {
		c.recognise()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(c.node(c.dir), files, c.l.empty)
	if c.first {
		c.counts.Same = c.counts.Same.plus(same)
	}
}

// resembles reports whether x, of which nothing is remembered, is a sidecar all the
// same: the memory was lost, or it came here together with its file. What came later
// than its file was taken, and was not written by us, is a person's.
func (c *comparison) resembles(x file) bool {
	if c.o.Ours == nil {
		return false
	}
	companion, ours := c.o.Ours(under(c.dir, x.name))
	if !ours || companion == "" {
		return ours
	}
	i, known := slices.BinarySearchFunc(c.known, companion, func(k Known, path string) int { return strings.Compare(k.Path, path) })
	if !known || max(x.stat.Changed, x.stat.Modified) < c.known[i].Since {
		return true
	}
	for p := range c.known[i].Beside {
		if base(p) == x.name {
			return true // it was written elsewhere, and came with its file
		}
	}
	return false
}

// stands reports whether x is the file that is remembered, and needs no more.
func (c *comparison) stands(k *Known, x file) bool {
	if k == nil {
		return false
	}
	if !k.Stat.same(x.stat) {
		if x.stat.Inode != 0 && x.stat.Inode == k.Stat.Inode && x.stat.Device == k.Stat.Device && c.vouches(*k, false) {
			c.standing++ // another version of the remembered file
		}
		return false
	}
	switch k.State {
	case Taken, Removing:
		if k.Stat.Device == x.stat.Device {
			break
		}
		c.deviceChanged(k.Stat.Device, x.stat.Device)
		c.revise(*k, func(k *Known) { k.Stat.Device, k.Done = x.stat.Device, !c.attended() })
	case Missing:
		if !k.sure() {
			return false
		}
		c.revise(*k, func(k *Known) {
			k.State, k.Stat, k.Since, k.Done = Taken, x.stat, c.takenNow(k.Path, x.stat.Device), !c.attended()
		})
	default:
		return false
	}
	if c.vouches(*k, true) {
		c.standing++
	}
	if c.first {
		c.tell(Step{Path: k.Path, Kind: StepSame, Bytes: x.stat.Size})
	}
	return true
}

// revise changes what is remembered, unless somebody else does.
func (c *comparison) revise(k Known, change func(*Known)) {
	if c.disputed(k.Path) {
		return
	}
	change(&k)
	c.remember = append(c.remember, k)
}

// disputed reports whether somebody changes, or has changed since the memory was
// read, what is remembered of path; dir is looked at again then.
func (c *comparison) disputed(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.node(c.dir)
	if !c.busy[path] && !n.finished[path] {
		return false
	}
	n.quiet = false
	c.lookLater(c.dir, c.o.Clock().Add(restMin))
	return true
}

// now returns the time as it is remembered.
func (f *Folder) now() int64 { return f.o.Clock().UnixNano() }
