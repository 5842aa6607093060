package ledger

import (
	"context"

	"slipway/uploader"
	"slipway/vfs"
)

// hadBefore reports whether the host says that it had p before c sent it, and nothing of
// ours made it: no request before this one, and no other upload. It is somebody else's
// then: it is neither deleted nor replaced because of what becomes of a file here.
func hadBefore(ctx context.Context, tx vfs.Tx, c uploader.Claimed, p *uploader.Hosted) (bool, error) {
	if !p.Existing || c.Attempts > 1 || !c.Lost.IsZero() {
		return false, nil
	}
	var id int64
	ours, err := optional(tx.QueryRow(ctx, `SELECT id FROM hosted WHERE host = $1 AND remote = $2 AND remote <> '' AND existing = 0
		UNION ALL SELECT id FROM hosted WHERE url = $3 AND url <> '' AND host || '' = $1 AND existing = 0 LIMIT 1`, c.Host, p.Result.ID, p.URL), &id)
	return err == nil && !ours, err
}
