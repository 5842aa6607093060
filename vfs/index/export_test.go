package index

import (
	"context"
	"time"

	"slipway/vfs"
)

// SlowCommits makes each commit take at least d, as on a slow disk, and tells of
// each.
func SlowCommits(db *Database, d time.Duration, tell func()) {
	db.commit = func(ctx context.Context, tx vfs.Tx) error {
		time.Sleep(d)
		tell()
		return commit(ctx, tx)
	}
}
