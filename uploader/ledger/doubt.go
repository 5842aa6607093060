package ledger

import (
	"context"

	"slipway/uploader"
	"slipway/vfs"
)

// Sent records that a body is about to be complete; see uploader.Records.
func (l *Ledger) Sent(ctx context.Context, c uploader.Claimed) error {
	return l.update(ctx, "sent", c, "body = $3, sent_as = $4", nanos(l.clock()), valid(c.SentAs))
}

// doubt says of a claimed row, which was in a state, what is known of a reply that is
// missing. It stays missing whatever way the row came back: its file had other bytes
// for a while or was elsewhere, settings held it, it was dropped or replayed.
func doubt(ctx context.Context, tx vfs.Tx, c *uploader.Claimed, was uploader.State) error {
	c.Resolve = was == uploader.AmbiguousState
	if c.Lost.IsZero() {
		return nil
	}
	var again int64
	err := tx.QueryRow(ctx, "SELECT sent_as, again FROM uploads WHERE id = $1", c.ID).Scan(&c.SentAs, &again)
	c.Resolve = c.Resolve || again == 0
	return err
}
