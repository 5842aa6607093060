package uploader

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const (
	// idle is the longest time between two looks into the ledger.
	idle = time.Minute
	// ledgerRest is how long a destination rests after an error of the ledger.
	ledgerRest = time.Second
	// checkTime is the most that a probe may take.
	checkTime = 30 * time.Second
)

// destination is the loop of one destination.
type destination struct {
	Destination
	pool   *Pool
	host   *host
	props  Properties
	slots  chan struct{} // one for each request under way
	deck   chan struct{} // one for each row that is next
	freed  chan struct{} // a row left our hands
	inHand atomic.Int64  // rows claimed and not yet finished
	size   atomic.Int64  // bytes of those that were not begun
	down   trouble
	halt   halt
	more   bool // rows are due that there was no slot for; the loop's own
}

// halt is when a destination or a host last said no to everything. Rows claimed
// before that are given back.
type halt struct {
	since   atomic.Int64 // Unix nanoseconds
	writing atomic.Int32 // outcomes that say so and are not yet in the ledger
}

// stands reports whether a row claimed at t is not to be sent.
func (h *halt) stands(t time.Time) bool { return h.since.Load() >= t.UnixNano() }

// set says no from now on; the result is to be called when the ledger knows.
func (h *halt) set() (written func()) {
	h.since.Store(time.Now().UnixNano())
	h.writing.Add(1)
	return func() { h.writing.Add(-1) }
}

// run claims and sends until ctx ends.
func (d *destination) run(ctx context.Context) {
	wakes, cancel := d.pool.Ledger.Wakes(d.Name)
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := time.Now()
	for ctx.Err() == nil {
		if now := time.Now(); !next.After(now) && d.room() > 0 {
			next = d.claim(ctx)
		}
		timer.Reset(d.until(next))
		select {
		case hint := <-wakes:
			if hint.Before(next) {
				next = hint
			}
		case <-d.freed:
			if d.more {
				next, d.more = time.Now(), false
			}
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// until returns how long to sleep. Where there is no room, a row that leaves our
// hands ends the sleep.
func (d *destination) until(next time.Time) time.Duration {
	if rest := d.down.wait(); rest > 0 {
		return rest
	}
	if d.room() <= 0 {
		return idle
	}
	return max(0, min(time.Until(next), idle))
}

// room returns how many rows to claim: none until half of those ahead are used,
// so that claims share transactions, and one at a time while the host is down.
func (d *destination) room() int {
	held, most := int(d.inHand.Load()), cap(d.slots)+d.ahead()
	if d.down.is() {
		most = 1
	}
	if held > cap(d.slots)+d.ahead()/2 || d.down.wait() > 0 || d.halt.writing.Load()+d.host.halt.writing.Load() > 0 {
		return 0
	}
	return most - held
}

// ahead returns how many rows may wait for a slot in our hands. Where the host
// counts requests, none: a row is counted when it is claimed.
func (d *destination) ahead() int {
	if l := d.host.limits; l.PerMinute+l.PerHour+l.PerDay > 0 {
		return 0
	}
	return ahead
}

// claim takes rows and starts them; it returns when to look again.
func (d *destination) claim(ctx context.Context) time.Time {
	r := d.request()
	claimed, next, err := d.pool.Ledger.Claim(ctx, r)
	now := time.Now()
	switch {
	case errors.Is(err, ErrPaused):
		if next.IsZero() || next.After(now) {
			return orIdle(next)
		}
		return d.probe(ctx)
	case err != nil && ctx.Err() == nil:
		d.pool.Log.Error("the ledger gave no uploads", "destination", d.Name, "error", err)
		return now.Add(ledgerRest)
	}
	for _, c := range claimed {
		d.start(ctx, c, false)
	}
	if d.more = len(claimed) == 0 && r.Free == 0; d.more && !next.IsZero() && !next.After(now) {
		return now.Add(idle) // a large row waits for a slot
	}
	return orIdle(next)
}

func (d *destination) request() ClaimRequest {
	n := d.room()
	free := cap(d.slots) - int(d.inHand.Load())
	return ClaimRequest{Destination: d.Name, Host: d.host.name, N: n, Free: max(0, min(free, n)),
		Ahead: max(0, aheadBytes-d.size.Load()), Limits: d.host.limits, Lease: d.pool.Lease, Replaces: d.props.Replaces}
}

func orIdle(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now().Add(idle)
	}
	return t
}

// probe asks a host that refused everything whether it still does, and ends the
// pause if not: by the driver's harmless question where it has one, else by
// letting one row through. It returns when to look again.
func (d *destination) probe(ctx context.Context) time.Time {
	mine, err := d.pool.Ledger.Probe(ctx, d.Name)
	if err != nil {
		if ctx.Err() == nil {
			d.pool.Log.Error("a paused destination could not be probed", "destination", d.Name, "error", err)
		}
		return time.Now().Add(ledgerRest)
	}
	if !mine { // somebody else does, or it was resumed
		return time.Now().Add(ledgerRest)
	}
	checker, ok := d.Driver.(Checker)
	if !ok {
		return d.letOneThrough(ctx)
	}
	asking, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if _, err := checker.Check(asking); err != nil {
		d.pool.Log.Info("a paused destination still refuses", "destination", d.Name, "error", err)
	} else {
		d.resume(ctx)
	}
	return time.Now()
}

func (d *destination) letOneThrough(ctx context.Context) time.Time {
	r := d.request()
	r.N, r.Free, r.Probe = 1, 1, true
	claimed, _, err := d.pool.Ledger.Claim(ctx, r)
	if err != nil && ctx.Err() == nil {
		d.pool.Log.Error("the ledger gave no uploads", "destination", d.Name, "error", err)
	}
	for _, c := range claimed {
		d.start(ctx, c, true)
	}
	if len(claimed) == 0 && err == nil {
		d.deleter().claim(ctx, true)
	}
	return time.Now()
}

func (d *destination) resume(ctx context.Context) {
	if err := d.pool.Ledger.Resume(context.WithoutCancel(ctx), d.Name); err != nil {
		d.pool.Log.Error("a destination that works again could not be resumed", "destination", d.Name, "error", err)
		return
	}
	d.pool.Log.Info("a destination works again", "destination", d.Name)
}

// left says that a row left our hands.
func (d *destination) left() {
	d.inHand.Add(-1)
	select {
	case d.freed <- struct{}{}:
	default:
	}
}
