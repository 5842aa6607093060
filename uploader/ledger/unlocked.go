package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// Unlocked says that a lock on root, or on something below it, has ended: uploads
// there that were put aside because of a lock are looked at again at once. Those
// that another lock covers are put aside again.
func (l *Ledger) Unlocked(ctx context.Context, root string) error {
	var due time.Time
	err := l.write(ctx, func(ctx context.Context, tx vfs.Tx, now time.Time) error {
		var ids []int64
		for destination := range l.config.Load().destinations {
			found, err := underLock(ctx, tx, destination, root, now)
			if err != nil {
				return err
			}
			ids = append(ids, found...)
		}
		if len(ids) == 0 {
			return errNothing
		}
		for _, id := range ids {
			if _, err := tx.Exec(ctx, "UPDATE uploads SET due = $1 WHERE id = $2", nanos(now), id); err != nil {
				return err
			}
		}
		due = now
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	if err == nil {
		l.hear.due("", due)
	}
	return wrap("unlocked", err)
}

// underLock returns the uploads to destination at and below root that a claim put
// aside because of a lock.
func underLock(ctx context.Context, tx vfs.Tx, destination, root string, now time.Time) (ids []int64, err error) {
	err = each(ctx, tx, func(s *sql.Rows) error {
		var id int64
		var path string
		if err := s.Scan(&id, &path); err != nil {
			return err
		}
		if path = vfs.Key(path); path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/") {
			ids = append(ids, id)
		}
		return nil
	}, "SELECT id, path FROM uploads WHERE destination = $1 AND state = 'settling' AND late IN (0, 1) AND due > $2 AND due <= $3 AND reason = $4",
		destination, nanos(now), nanos(now.Add(lockedFor)), uploader.ReasonLocked)
	return ids, err
}
