package index

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// grace is how long the bytes of a blob outlive its row, for readers that opened
// it before.
const grace = 15 * time.Minute

// collectBatch is how many blobs one transaction of the collector looks at.
const collectBatch = 200

// Collector removes blobs that nothing refers to any more.
type Collector struct {
	DB    *Database
	Store blob.Store
	Clock func() time.Time
}

// Collect makes one pass: rows that nothing refers to are deleted, and the bytes
// of rows deleted a quarter of an hour ago. It returns how many blobs' bytes went.
func (c Collector) Collect(ctx context.Context) (removed int, err error) {
	for {
		n, err := c.rows(ctx)
		if err != nil {
			return 0, err
		}
		if n < collectBatch {
			break
		}
	}
	return c.bytes(ctx)
}

// rows tries to delete the rows of up to collectBatch candidates, and returns how
// many it looked at.
func (c Collector) rows(ctx context.Context) (n int, err error) {
	err = c.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		refs, err := refs(ctx, tx, "SELECT ref FROM garbage ORDER BY ref LIMIT $1", collectBatch)
		if err != nil {
			return err
		}
		n = len(refs)
		for _, ref := range refs {
			if err := c.row(ctx, tx, ref); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// row deletes the row of ref unless something refers to it, which the foreign
// keys of every table that does tell. Whoever lets go of it later says so again.
func (c Collector) row(ctx context.Context, tx vfs.Tx, ref blob.Ref) error {
	if _, err := tx.Exec(ctx, "DELETE FROM garbage WHERE ref = $1", string(ref)); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if _, err := tx.Exec(ctx, "SAVEPOINT referred"); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	// What came again for its bytes is needed no longer, if nothing else names it.
	if err := letSuccessorsGo(ctx, tx, "ref = $2", c.Clock(), string(ref)); err != nil {
		return err
	}
	var stored int64
	err := tx.QueryRow(ctx, "DELETE FROM blobs WHERE ref = $1 RETURNING CASE WHEN bytes IS NULL THEN 1 ELSE 0 END", string(ref)).Scan(&stored)
	if err != nil { // referred to, or gone already
		if _, err := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT referred"); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	} else if stored == 1 {
		_, err = tx.Exec(ctx, "INSERT INTO trash (ref, since) VALUES ($1, $2)", string(ref), nanos(c.Clock()))
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, "RELEASE SAVEPOINT referred"); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

// bytes removes what has lain in the trash for long enough. A file that cannot be
// removed does not keep the others.
func (c Collector) bytes(ctx context.Context) (removed int, err error) {
	var failed []error
	var last blob.Ref
	for {
		var batch, gone []blob.Ref
		err := c.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
			batch, err = refs(ctx, tx, "SELECT ref FROM trash WHERE since < $1 AND ref > $2 ORDER BY ref LIMIT $3",
				nanos(c.Clock().Add(-grace)), string(last), collectBatch)
			return err
		})
		if err != nil || len(batch) == 0 {
			return removed, errors.Join(append(failed, err)...)
		}
		for _, ref := range batch {
			last = ref
			if err := c.Store.Remove(ctx, ref); err != nil {
				failed = append(failed, fmt.Errorf("index: removing the bytes of a deleted file: %w", err))
				continue
			}
			gone = append(gone, ref)
		}
		if err := c.forget(ctx, gone); err != nil {
			return removed, errors.Join(append(failed, err)...)
		}
		removed += len(gone)
	}
}

// forget takes refs out of the trash.
func (c Collector) forget(ctx context.Context, gone []blob.Ref) error {
	if len(gone) == 0 {
		return nil
	}
	return c.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for _, ref := range gone {
			if _, err := tx.Exec(ctx, "DELETE FROM trash WHERE ref = $1", string(ref)); err != nil {
				return fmt.Errorf("index: %w", err)
			}
		}
		return nil
	})
}

// Known reports which of at most 500 refs have a row, of a blob or of a partial
// upload, for blob.Sweeper.
func (c Collector) Known(ctx context.Context, candidates []blob.Ref) (map[blob.Ref]bool, error) {
	known := make(map[blob.Ref]bool, len(candidates))
	if len(candidates) == 0 {
		return known, nil
	}
	marks := make([]string, len(candidates))
	args := make([]any, len(candidates))
	for i, ref := range candidates {
		marks[i], args[i] = "$"+strconv.Itoa(i+1), string(ref)
	}
	err := c.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		in := "(" + strings.Join(marks, ", ") + ")"
		found, err := refs(ctx, tx, "SELECT ref FROM blobs WHERE ref IN "+in+" UNION ALL SELECT ref FROM partials WHERE ref IN "+in, args...)
		for _, ref := range found {
			known[ref] = true
		}
		return err
	})
	return known, err
}

func refs(ctx context.Context, tx vfs.Tx, query string, args ...any) (list []blob.Ref, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var ref blob.Ref
		if err := rows.Scan(&ref); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		list = append(list, ref)
	}
	return list, rows.Err()
}
