package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Rows of what is gone, which nothing is left to be done for, are kept that long.
const keepGone = 24 * time.Hour

// deletes is what is known of files that went.
type deletes struct {
	followed []time.Time // when entries went, of the last brakeTime
	braked   bool
	text     string    // what the brake says
	trusted  time.Time // what went before that, a person has allowed
	waiting  int       // files that are missing from a folder that is not the known one
	why      string    // why they wait
	devices  map[uint64]uint64
	lost     map[uint64]*lost // file systems below the folder that were not mounted some time
	// missed is when files went missing, in this process's time, which is never set.
	missed map[string]time.Time
	// unsearched are directories with missing files that a whole scan has to look for.
	unsearched map[string]bool
}

// lost is a file system that was not mounted. Another may have its number since.
type lost struct {
	at int64 // when that was seen last, nanoseconds since the Unix epoch
	// mine are files that were taken since from what has the number, at most maxMine; full:
	// there were more. No clock says that: it may have been set since.
	mine map[string]bool
	full bool
}

// lose notes that a file system was not mounted at a time.
func (d *deletes) lose(device uint64, now int64) {
	if d.lost == nil {
		d.lost = make(map[uint64]*lost)
	}
	d.lost[device] = &lost{at: now, mine: make(map[string]bool)}
}

// takenNow returns the Since of a file that is about to be remembered as taken from a
// file system, or found there again, and notes that where the file system was lost.
func (f *Folder) takenNow(path string, device uint64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch l := f.deletes.lost[device]; {
	case l == nil || l.mine[path]:
	case len(l.mine) >= maxMine:
		l.full = true
	default:
		l.mine[path] = true
	}
	return f.now()
}

// had reports whether k is known to have been on the file system before it was lost.
func (l *lost) had(k Known) bool { return k.Since <= l.at && !l.full && !l.mine[k.Path] }

// deviceChanged notes that a file system that had one number has another.
func (f *Folder) deviceChanged(from, to uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deletes.devices[from] = to
}

// absent decides about the remembered files that are not there.
func (c *comparison) absent(ctx context.Context) error {
	var device uint64
	asked := false
	for _, k := range c.known {
		if !c.l.gone && c.l.has(base(k.Path)) || c.disputed(k.Path) {
			continue
		}
		if !asked {
			var err error
			if device, err = c.deviceOf(ctx); err != nil {
				return err
			}
			c.askVolume()
			asked = true
		}
		if err := c.missing(ctx, k, device); err != nil {
			return err
		}
	}
	c.endNode()
	return nil
}

// deviceOf returns the device of the directory, or of the nearest above it that is
// there.
func (c *comparison) deviceOf(ctx context.Context) (uint64, error) {
	root, err := c.open()
	if err != nil {
		return 0, err
	}
	defer root.Close()
	device := func(dir string) (uint64, bool, error) {
		info, err := root.Lstat(onDisk(dir))
		if absent(err) || err == nil && !info.IsDir() {
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
		return c.o.Place.Stat(info).Device, true, nil
	}
	dir := c.dir
	if c.l.link != "" {
		dir = parent(c.l.link)
	}
	d, there, err := device(dir)
	for ; err == nil && !there; d, there, err = device(dir) {
		if dir == "" {
			return 0, fs.ErrNotExist
		}
		dir = parent(dir)
	}
	if err != nil {
		return 0, err
	}
	for c.mount = dir; c.mount != ""; c.mount = parent(c.mount) { // where it is mounted
		above, _, err := device(parent(c.mount))
		if err != nil {
			return 0, err
		}
		if above != d {
			break
		}
	}
	c.vouched, err = c.vouchesBelow(ctx, root, d)
	return d, err
}

// vouchesBelow reports whether a file that is remembered stands on the file system that
// is mounted in the folder with number device: it is not another that has the number
// now.
func (c *comparison) vouchesBelow(ctx context.Context, root *os.Root, device uint64) (bool, error) {
	if c.mount == "" {
		return true, nil
	}
	c.mu.Lock()
	lost := c.deletes.lost[device]
	c.mu.Unlock()
	const page, most = 200, 20_000
	after := ""
	for n := 0; n < most; n += page {
		list, err := c.o.Memory.Below(ctx, c.o.Name, c.mount, after, page)
		if err != nil {
			return false, err
		}
		for _, k := range list {
			after = k.Path
			if k.State != Taken && k.State != Removing || lost != nil && !c.hadBefore(lost, k) {
				continue
			}
			if s, err := c.stat(root, k.Path); err == nil && s.Device == device && s.same(k.Stat) {
				return true, nil
			}
		}
		if len(list) < page {
			break
		}
	}
	if lost == nil {
		c.mu.Lock()
		c.deletes.lose(device, c.now())
		c.mu.Unlock()
	}
	return false, nil
}

// hadBefore is lost.had for who does not hold mu.
func (c *comparison) hadBefore(l *lost, k Known) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.had(k)
}

// endNode forgets a directory that is gone with all that was remembered of it.
func (c *comparison) endNode() {
	if !c.l.gone {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) == len(c.forget) {
		c.dropNode(c.dir)
	}
}

// missing decides about k, which is not there.
func (c *comparison) missing(ctx context.Context, k Known, device uint64) error {
	now := c.now()
	switch k.State {
	case Taken, Taking:
		if c.trusts(k, device) {
			c.revise(k, func(k *Known) {
				if !k.sure() {
					k.Entry = 0 // from here on it says that
				}
				k.State, k.Since = Missing, now
			})
			c.mu.Lock()
			if c.deletes.missed == nil {
				c.deletes.missed = make(map[string]time.Time)
			}
			c.deletes.missed[k.Path] = time.Now()
			c.mu.Unlock()
			c.recheck(c.o.Grace)
		}
	case Removing:
		if c.o.Finisher == nil && c.o.Undo == nil {
			c.revise(k, func(k *Known) { k.State, k.Since = Removed, now })
		}
	case Removed, Gone:
		if k.Done && len(k.Beside) == 0 && now-k.Since > int64(keepGone) {
			c.forget = append(c.forget, k.Path)
		}
	case Missing:
		if k.Since > now { // the clock was set back
			c.revise(k, func(k *Known) { k.Since = now })
			c.recheck(c.o.Grace)
			return nil
		}
		left := time.Duration(k.Since + int64(c.o.Grace) - now)
		c.mu.Lock()
		if at, ok := c.deletes.missed[k.Path]; ok { // the clock may have been set forward
			left = max(left, c.o.Grace-time.Since(at))
		}
		c.mu.Unlock()
		if left > 0 {
			c.recheck(left)
			return nil
		}
		if !c.searched(k) {
			c.recheck(c.o.Settle)
			return nil
		}
		return c.gone(ctx, k, device)
	}
	return nil
}

// searched reports whether k has been looked for everywhere since it was missed: a scan
// came by, and nothing that it may be waits to be read.
func (c *comparison) searched(k Known) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.walk.whole.UnixNano() <= k.Since {
		c.deletes.unsearched[c.dir] = true
		return false
	}
	for _, x := range c.coming {
		if x.stat.Size == k.Stat.Size {
			return false
		}
	}
	return true
}

// recheck makes the directory be looked at again.
func (c *comparison) recheck(in time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookLater(c.dir, c.o.Clock().Add(in))
}

// trusts reports whether k can have been deleted: the folder is the one that was
// known, and so is the file system that k was on.
func (c *comparison) trusts(k Known, device uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.o.Clock().Before(c.deletes.trusted) {
		return true
	}
	was := k.Stat.Device
	if now, ok := c.deletes.devices[was]; ok {
		was = now
	}
	switch {
	case !c.home.had(k):
		c.home.unsure = true
		c.deletes.why = "nothing that is remembered stands in the folder that is there now: is the right one there, and what it lies on mounted?"
	case c.l.link != "":
		c.deletes.why = fmt.Sprintf("%s is a symbolic link now, which is not followed: put the directory back in its place, or remove the link", c.l.link)
	case !c.vouched:
		c.deletes.why = fmt.Sprintf("nothing that is remembered stands on the file system that is mounted at %s now: is the right one there?", c.mount)
	case was != device:
		c.deletes.lose(was, c.now())
		c.deletes.why = "files are missing that were on another file system, which is not mounted there now"
	default:
		return true
	}
	c.deletes.waiting++
	c.node(c.dir).quiet = false
	return false
}

// gone does what follows when k has been missing for the grace time.
func (c *comparison) gone(ctx context.Context, k Known, device uint64) error {
	if c.o.Follow {
		if !c.trusts(k, device) {
			return nil
		}
		if ok, err := c.mayFollow(ctx, k); !ok || err != nil {
			return err
		}
		if !c.claim(k.Path) {
			c.recheck(restMin)
			return nil
		}
		defer c.unclaim(k.Path)
		err := c.removeEntry(ctx, k)
		if errors.Is(err, errComing) {
			c.recheck(c.o.Settle)
			return nil
		}
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.trouble(k.Path, Stat{}, fmt.Errorf("it was deleted, and its entry cannot be: %w", err), retryFirst)
			c.node(c.dir).quiet = false
			c.lookLater(c.dir, c.o.Clock().Add(retryFirst))
			return nil
		}
		c.mu.Lock()
		delete(c.troubles, k.Path)
		c.mu.Unlock()
	}
	c.mu.Lock()
	delete(c.deletes.missed, k.Path)
	c.mu.Unlock()
	k.State, k.Since, k.Done = Gone, c.now(), !c.attended() || len(k.Beside) == 0
	if err := c.o.Memory.Store(context.WithoutCancel(ctx), c.o.Name, []Known{k}, nil); err != nil {
		return err
	}
	if !k.Done {
		c.notice(k.Entry)
	}
	return nil
}
