package ledger

import (
	"context"

	"slipway/vfs"
)

// Rerouting reports whether a directory was moved and what its files owe at their
// new paths is still to be written. Until then a file whose uploads are all done may
// owe more.
func (l *Ledger) Rerouting(ctx context.Context) (under bool, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		var dir int64
		under, err = optional(tx.QueryRow(ctx, "SELECT dir FROM reroutes LIMIT 1"), &dir)
		return err
	})
	return under, wrap("rerouting", err)
}
