package ledger

import (
	"context"
	"time"

	"slipway/vfs"
)

// Used returns how many requests went to a host within each of some spans before
// now, up to most for each.
func (l *Ledger) Used(ctx context.Context, host string, spans []time.Duration, most int) (used []int, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		now, err := l.now(ctx, tx)
		if err != nil {
			return err
		}
		for _, span := range spans {
			var n int
			err := tx.QueryRow(ctx, "SELECT count(*) FROM (SELECT started FROM attempts WHERE host = $1 AND started > $2 LIMIT $3) AS latest",
				host, nanos(now.Add(-span)), most).Scan(&n)
			if err != nil {
				return err
			}
			used = append(used, n)
		}
		return nil
	})
	return used, wrap("used", err)
}
