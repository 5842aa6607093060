package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"slipway/gateway/webdav/lock"
	"slipway/vfs"
	"slipway/vfs/index"
)

// lockRows keeps the WebDAV door's locks in the index's database.
type lockRows struct{ index.Locks }

var _ lock.Store = lockRows{}

// Load returns all locks; see lock.Store.
func (r lockRows) Load(ctx context.Context) ([]lock.Lock, error) {
	rows, err := r.Locks.Load(ctx)
	if err != nil {
		return nil, err
	}
	locks := make([]lock.Lock, len(rows))
	for i, row := range rows {
		locks[i] = lock.Lock(row)
	}
	return locks, nil
}

// Save makes l durable; see lock.Store.
func (r lockRows) Save(ctx context.Context, l lock.Lock) error {
	return r.Locks.Save(ctx, index.Lock(l))
}

// loadLocks takes up the locks of an earlier run, but for those on what is not
// there any more.
func (a *app) loadLocks(ctx context.Context) error {
	return a.dav.LoadLocks(ctx, func(path string) (bool, error) {
		if !inTree(path) {
			return false, nil // of a client that drops files; its session ended with that run
		}
		_, err := a.tree.Lookup(ctx, path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrNotDir) {
			return false, nil
		}
		return err == nil, err
	})
}

// inTree reports whether locks with that root are of the tree that users share, and
// not of one client that drops files.
func inTree(root string) bool { return strings.HasPrefix(root, "/") }

// unlocked lets the uploads at and below path go on that waited for a lock.
func (a *app) unlocked(ctx context.Context, path string) {
	if !inTree(path) {
		real, ok := a.drops.real(path)
		if !ok {
			return
		}
		path = real
	}
	if err := a.ledger.Unlocked(ctx, path); err != nil {
		a.log.Warn("uploads that waited for a lock go on a few seconds later", "path", path, "error", err)
	}
}

// locked returns those of entries that a client holds under a lock.
func (a *app) locked(ctx context.Context, tx vfs.Tx, entries []vfs.ID) (map[vfs.ID]bool, error) {
	held := make(map[vfs.ID]bool)
	if !a.dav.Locks() {
		return held, nil
	}
	for _, id := range entries {
		path, err := index.PathOf(ctx, tx, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		held[id] = a.dav.Locked(path) || a.drops.locked(id, a.dav.Locked)
	}
	return held, nil
}
