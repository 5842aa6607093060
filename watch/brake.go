package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// brakeFiles and brakePart (percent) of what is remembered may be deleted within
// brakeTime; more waits for a person.
const (
	brakeFiles = 20
	brakePart  = 20
	brakeTime  = 5 * time.Minute
)

// mayFollow asks the brake.
func (c *comparison) mayFollow(ctx context.Context, k Known) (bool, error) {
	if c.counted == nil { // what is followed in this look changes no sum below
		count, err := c.o.Memory.Count(ctx, c.o.Name)
		if err != nil {
			return false, err
		}
		c.mu.Lock()
		c.deletes.forget(c.o.Clock().Add(-brakeTime))
		c.counted, c.followedBefore = count, len(c.deletes.followed)
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d, count := &c.deletes, c.counted
	if !d.trusted.IsZero() && k.Since <= d.trusted.UnixNano() {
		return true, nil
	}
	n := count[Missing] + c.followedBefore
	total := n + count[Taken]
	if !d.braked && n > brakeFiles && n*100 > total*brakePart {
		d.braked = true
		c.o.Log.Warn("many watched files were deleted at once; their entries stay until a person agrees", "folder", c.o.Root, "files", count[Missing])
	}
	if d.braked {
		d.text = fmt.Sprintf("%d of %d files were deleted within a short time; their entries stay until you agree to it, or the files are back", count[Missing], total)
		c.node(c.dir).quiet = false
		return false, nil
	}
	return true, nil
}

// forget drops what was followed before a time.
func (d *deletes) forget(before time.Time) {
	i := 0
	for i < len(d.followed) && d.followed[i].Before(before) {
		i++
	}
	d.followed = d.followed[i:]
}

// removeEntry removes the entry of k if it still is at that path, with those bytes, and
// no other file is the same entry.
func (c *comparison) removeEntry(ctx context.Context, k Known) error {
	entry, at, err := c.entryOf(ctx, k)
	if entry == 0 || err != nil {
		return err
	}
	other, err := c.held(ctx, entry, k.Path)
	if err != nil {
		return err
	}
	if other != "" {
		c.o.Log.Info("an entry stays although its watched file was deleted, as another file is the same", "folder", c.o.Root, "file", k.Path, "entry", entry, "other", other)
		return nil
	}
	err = c.removeIf(ctx, c.virtual(at), entry, k.Sum)
	var changed interface{ Changed() bool }
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &changed) && changed.Changed():
		return nil // somebody was quicker
	case err != nil:
		return err
	}
	c.mu.Lock()
	c.deletes.followed = append(c.deletes.followed, c.o.Clock())
	c.mu.Unlock()
	c.o.Log.Info("an entry was removed, as its watched file was deleted", "folder", c.o.Root, "file", k.Path, "entry", entry)
	c.tell(Step{Path: k.Path, Kind: StepRemove, Bytes: k.Stat.Size})
	return nil
}

// entryOf returns the entry of k and where it is; 0: it has not those bytes, or is where
// we did not put it.
func (c *comparison) entryOf(ctx context.Context, k Known) (entry int64, at string, err error) {
	if k.Entry == 0 {
		return c.holds(ctx, c.virtual(k.Path), k.Sum), k.Path, nil
	}
	out, err := c.o.Outcomes.Outcomes(ctx, []int64{k.Entry})
	o, there := out[k.Entry]
	if err != nil || !there || o.Path == "" || o.Sum != k.Sum {
		return 0, "", err
	}
	if c.o.Key(o.Path) == c.o.Key(k.Path) {
		return k.Entry, o.Path, nil
	}
	// A crash may have come before it was remembered that the file was moved.
	list, err := c.o.Memory.Entries(ctx, c.o.Name, []int64{k.Entry})
	for _, other := range list {
		if c.o.Key(other.Path) == c.o.Key(o.Path) {
			return k.Entry, o.Path, err
		}
	}
	return 0, "", err
}

// liftBrake lifts the brake where the files are back.
func (f *Folder) liftBrake(ctx context.Context) {
	f.mu.Lock()
	braked := f.deletes.braked
	f.mu.Unlock()
	if !braked {
		return
	}
	count, err := f.o.Memory.Count(ctx, f.o.Name)
	if err != nil || count[Missing] > 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deletes.braked, f.deletes.text = false, ""
}
