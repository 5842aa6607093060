package vfs

import (
	"context"
	"errors"
	"io/fs"
)

// heed returns change as it may be made beside the locks of others, or ErrLocked.
// What comes new is no change of anything, also in a folder that is locked: nobody's
// picture waits at the door for somebody else's lock.
func (f *FS) heed(change Op) (Op, error) {
	if f.view.Locked == nil {
		return change, nil
	}
	var err error
	switch c := change.(type) {
	case Remove:
		err = f.unlocked(c.Path, true)
	case Touch:
		err = f.unlocked(c.Path, false)
	case Patch:
		err = f.unlocked(c.Path, false)
	case Move:
		if err = f.unlocked(c.From, true); err == nil && Key(c.From) != Key(c.To) {
			c.SameName, err = f.beside(c.To, c.SameName, true)
		}
		return c, err
	case Copy:
		c.SameName, err = f.beside(c.To, c.SameName, true)
		return c, err
	}
	return change, err
}

// unlocked returns ErrLocked where somebody has locked the real path p, or with
// tree anything below it.
func (f *FS) unlocked(p string, tree bool) error {
	if f.view.Locked != nil && f.view.Locked(p, tree) {
		return ErrLocked
	}
	return nil
}

// beside returns the rule by which something may come to the real path p: where
// what stands there, with tree also below it, is locked, another file of its name
// gets the next free number in place of moving it aside, and what would replace it
// is ErrLocked.
func (f *FS) beside(p string, rule SameName, tree bool) (SameName, error) {
	if rule == NextFree || rule == Refuse || f.unlocked(p, tree || rule == Version) == nil {
		return rule, nil
	}
	switch _, err := f.index.Lookup(f.ctx, p); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrNotDir):
		return rule, nil // the change itself says what is wrong
	case rule == Version:
		return NextFree, nil
	}
	return rule, ErrLocked
}

// put makes the change that a staged file ends in.
func (f *FS) put(ctx context.Context, p Put) (e Entry, replaced bool, err error) {
	if p.SameName, err = f.beside(p.Path, p.SameName, false); err != nil {
		return Entry{}, false, err
	}
	return f.index.Apply(ctx, p)
}

// unheeding returns the same view for what stays beside all that is locked.
func (f *FS) unheeding() *FS {
	v := f.view
	v.Locked = nil
	return &FS{core: f.core, ctx: f.ctx, view: v}
}
