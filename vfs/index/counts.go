package index

import (
	"context"
	"fmt"

	"slipway/vfs"
)

// Counts is how much a database keeps beside names.
type Counts struct {
	Blobs        int64 // versions of files
	Garbage      int64 // of those, the ones to be looked at by the collector, and bytes let go that are not yet removed
	Partials     int64 // transfers that were cut
	PartialBytes int64
}

// Counts counts. Its cost grows with the number of blobs: some 60 ns each.
func (d *Database) Counts(ctx context.Context) (c Counts, err error) {
	err = d.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		return tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM blobs), (SELECT count(*) FROM garbage) + (SELECT count(*) FROM trash),
			(SELECT count(*) FROM partials), (SELECT COALESCE(CAST(sum(size) AS BIGINT), 0) FROM partials)`).
			Scan(&c.Blobs, &c.Garbage, &c.Partials, &c.PartialBytes)
	})
	if err != nil {
		return c, fmt.Errorf("index: counting: %w", err)
	}
	return c, nil
}
