package index

import (
	"context"
	"fmt"
	"sync"

	"slipway/vfs"
)

// idBlock is how many entry ids are drawn at a time for changes that make one
// entry each. Those that a process has left at its end are never used.
const idBlock = 1000

// ids hands out entry ids that nobody else gets, from blocks that are drawn in
// transactions of their own, so that few changes wait for one.
type ids struct {
	mu         sync.Mutex
	next, last vfs.ID
}

// draw returns one id. It must not be called inside a transaction.
func (i *ids) draw(ctx context.Context, db *Database) (vfs.ID, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.next == 0 || i.next > i.last {
		var last vfs.ID
		err := db.Write(ctx, func(ctx context.Context, tx vfs.Tx) (err error) {
			last, err = newIDs(ctx, tx, idBlock)
			return err
		})
		if err != nil {
			return 0, err
		}
		i.next, i.last = last-idBlock+1, last
	}
	i.next++
	return i.next - 1, nil
}

// newIDs draws n entry ids and returns the last of them.
func newIDs(ctx context.Context, tx vfs.Tx, n int64) (last vfs.ID, err error) {
	err = tx.QueryRow(ctx, "UPDATE counters SET value = value + $1 WHERE name = 'entry' RETURNING value", n).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("index: %w", err)
	}
	return last, nil
}
