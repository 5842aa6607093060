package index

import (
	"context"
	"fmt"

	"slipway/vfs"
)

// Children returns up to limit directories, or files, in dir whose names come after
// the name after, in the order of List.
func (t *Tree) Children(ctx context.Context, dir vfs.ID, dirs bool, after string, limit int) (list []vfs.Entry, err error) {
	kind := "dir = 0"
	if dirs {
		kind = "dir = 1" // an index has them by themselves
	}
	err = t.db.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+listColumns+" FROM entries WHERE parent = $1 AND "+kind+" AND key > $2 ORDER BY key LIMIT $3",
			int64(dir), vfs.Key(after), limit)
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		defer rows.Close()
		list, err = children(rows, dir, min(limit, 256))
		return err
	})
	return list, err
}

// At returns the entry with an id, and its path; fs.ErrNotExist where there is none.
func (t *Tree) At(ctx context.Context, id vfs.ID) (e vfs.Entry, p string, err error) {
	err = t.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
		if e, err = byID(ctx, tx, id); err == nil {
			p, err = PathOf(ctx, tx, id)
		}
		return err
	})
	return e, p, err
}
