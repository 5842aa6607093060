package index_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"slipway/vfs"
	"slipway/vfs/index"
)

// writeOften has each of several writers write n times, one after the other, with
// commits that take 4 ms. It returns how many commits there were, and the time.
func writeOften(t *testing.T, writers, n int) (commits int64, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		var count atomic.Int64
		index.SlowCommits(db, 4*time.Millisecond, func() { count.Add(1) })
		start := time.Now()
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				for range n {
					err := db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
						_, err := tx.Exec(ctx, "UPDATE counters SET value = value + 1")
						return err
					})
					if err != nil {
						t.Error(err)
					}
					time.Sleep(time.Millisecond) // the client's turn
				}
			})
		}
		all.Wait()
		commits, took = count.Load(), time.Since(start)
	})
	return commits, took
}

// TestWritersShareCommits has four writers, of which the first begins alone. Were
// they to take turns, one against three, they would need two commits a round.
func TestWritersShareCommits(t *testing.T) {
	const rounds = 50
	if commits, _ := writeOften(t, 4, rounds); commits > rounds+5 {
		t.Errorf("%d commits for %d rounds of four writers", commits, rounds)
	}
}

// TestSingleWriterNeverWaits has one writer, who gains nothing by waiting for others.
func TestSingleWriterNeverWaits(t *testing.T) {
	if commits, took := writeOften(t, 1, 20); commits != 20 || took != 20*5*time.Millisecond {
		t.Errorf("%d commits in %v instead of 20 in 100 ms", commits, took)
	}
}
