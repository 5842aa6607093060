package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Place is where an entry stands.
type Place struct {
	Path   string
	Dir    bool
	SHA256 blob.Sum // of a file's bytes
}

// Places returns where the entries with ids stand; those that are gone are left
// out.
func (t *Tree) Places(ctx context.Context, ids []vfs.ID) (there map[vfs.ID]Place, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = t.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		entries, err := entriesWith(ctx, tx, t.db.Postgres(), ids)
		if err != nil {
			return err
		}
		there = make(map[vfs.ID]Place, len(entries))
		dirs := make(map[vfs.ID]string)
		for _, e := range entries {
			dir, known := dirs[e.Parent]
			if !known && e.Parent != 0 {
				if dir, err = PathOf(ctx, tx, e.Parent); errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return err
				}
				dirs[e.Parent] = dir
			}
			there[e.ID] = Place{path.Join("/", dir, e.Name), e.Dir, e.SHA256}
		}
		return nil
	})
	return there, err
}

// entriesWith returns the entries with ids, in any order.
func entriesWith(ctx context.Context, tx vfs.Tx, postgres bool, ids []vfs.ID) (list []vfs.Entry, err error) {
	all, among := idList(postgres, ids, "$1")
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM entries WHERE id "+among, all)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}
