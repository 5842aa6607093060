package index

import (
	"context"
	"fmt"
	"strings"

	"slipway/vfs"
)

// ListPartials returns up to limit of everybody's partials, those that were cut last
// first. Before their paths, which are in normal form C, stands View.Client; one whose
// path is too long to be kept has none.
func (t *Tree) ListPartials(ctx context.Context, limit int) (list []vfs.Partial, err error) {
	err = t.db.readOne(ctx, func(ctx context.Context, tx vfs.Tx) error {
		list = nil
		rows, err := tx.Query(ctx, "SELECT owner, key, ref, size, cut, onto FROM partials ORDER BY cut DESC, owner, key LIMIT $1", limit)
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var p vfs.Partial
			var cut int64
			if err := rows.Scan(&p.Owner, &p.Path, &p.Ref, &p.Size, &cut, &p.Onto); err != nil {
				return fmt.Errorf("index: %w", err)
			}
			if p.Cut = fromNanos(cut); !strings.Contains(p.Path, "/") {
				p.Path = ""
			}
			list = append(list, p)
		}
		return rows.Err()
	})
	return list, err
}
