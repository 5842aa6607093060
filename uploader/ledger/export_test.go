package ledger

import (
	"context"
	"time"
)

// Statements whose cost matters.
const (
	Candidates = candidates
	NextParked = nextParked
	Soonest    = soonest
	Newer      = newer

	NoURLPlaces = noURLPlaces
)

// IndexNow writes the words and tallies of all that is waiting for it.
func (l *Ledger) IndexNow(ctx context.Context) error {
	w := &wording{l: l, counts: make(map[string]int), dirs: make(map[int64]bool)}
	for {
		if more, err := w.batch(ctx); err != nil || !more {
			return err
		}
	}
}

// Place returns a cursor.
func Place(changed, id int64) string { return place{changed, id}.String() }

// SetClock has another clock tell this machine's time, beside PostgreSQL's where
// there is one.
func (l *Ledger) SetClock(clock func() time.Time) { l.clock, l.dbClock = clock, l.db.Postgres() }
