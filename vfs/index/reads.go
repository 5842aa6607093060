package index

import (
	"context"
	"sync"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Reads remembers which blobs were read, and writes that down once in a while: their
// order is what bytes go by. It is safe for concurrent use.
type Reads struct {
	DB    *Database
	Clock func() time.Time

	mu   sync.Mutex
	read map[blob.Ref]time.Time // since the last Flush
}

const (
	// readEvery is how exactly the time of a read is known.
	readEvery = time.Hour
	// readsMax is how many blobs are remembered between two calls of Flush; of more, that
	// they were read is forgotten.
	readsMax = 50_000
	// readsBatch is how many one transaction writes down.
	readsBatch = 500
)

// Note remembers that ref is being read. It does not wait for anything.
func (r *Reads) Note(ref blob.Ref) {
	now := r.Clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read == nil {
		r.read = make(map[blob.Ref]time.Time)
	}
	if _, known := r.read[ref]; known || len(r.read) < readsMax {
		r.read[ref] = now
	}
}

// Flush writes down what was read since the last one, of each blob at most once an hour.
func (r *Reads) Flush(ctx context.Context) error {
	r.mu.Lock()
	read := r.read
	r.read = nil
	r.mu.Unlock()
	var batch []blob.Ref
	for ref := range read {
		if batch = append(batch, ref); len(batch) == readsBatch {
			if err := r.write(ctx, batch, read); err != nil {
				return err
			}
			batch = nil
		}
	}
	return r.write(ctx, batch, read)
}

func (r *Reads) write(ctx context.Context, batch []blob.Ref, read map[blob.Ref]time.Time) error {
	var stale []blob.Ref
	err := r.DB.Read(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for _, ref := range batch {
			var n int
			err := tx.QueryRow(ctx, "SELECT count(*) FROM blobs WHERE ref = $1 AND used <= $2", string(ref), nanos(read[ref].Add(-readEvery))).Scan(&n)
			if err != nil {
				return err
			}
			if n > 0 {
				stale = append(stale, ref)
			}
		}
		return nil
	})
	if err != nil || len(stale) == 0 {
		return failedRelease(err)
	}
	return failedRelease(r.DB.Write(ctx, func(ctx context.Context, tx vfs.Tx) error {
		for _, ref := range stale {
			if _, err := tx.Exec(ctx, "UPDATE blobs SET used = $1 WHERE ref = $2 AND used < $1", nanos(read[ref]), string(ref)); err != nil {
				return err
			}
		}
		return nil
	}))
}
