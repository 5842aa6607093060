package uploader

import (
	"context"
	"errors"
	"time"
)

// deleteAhead is how many deletions are claimed at a time. They are performed one
// after the other, each within its share of the lease, so that no claim has to be
// renewed.
const deleteAhead = 4

// deleter performs the deletions of one destination.
type deleter struct {
	d       *destination
	driver  Deleter   // nil: it cannot
	silence int       // requests in a row to which nobody answered
	refused int       // requests in a row that the host refused whatever picture it was
	rest    time.Time // not before
}

func (d *destination) deleter() *deleter {
	t := &deleter{d: d}
	if driver, ok := d.Driver.(Deleter); ok && d.props.Deletes {
		t.driver = driver
	}
	return t
}

// run claims and performs until ctx ends; what it has begun it ends.
func (t *deleter) run(ctx context.Context) {
	wakes, cancel := t.d.pool.Ledger.DeletionWakes(t.d.Name)
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := time.Now()
	for ctx.Err() == nil {
		if now := time.Now(); t.rest.After(now) {
			next = t.rest
		} else if !next.After(now) {
			next = t.claim(ctx, false)
		}
		timer.Reset(max(0, min(time.Until(next), idle)))
		select {
		case hint := <-wakes:
			if hint.Before(next) {
				next = hint
			}
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// claim performs what is due, of a paused destination one; it returns when to look
// again.
func (t *deleter) claim(ctx context.Context, probe bool) time.Time {
	p := t.d.pool
	r := DeletionRequest{Deletes: t.driver != nil, ClaimRequest: ClaimRequest{Destination: t.d.Name, Host: t.d.host.name,
		N: deleteAhead, Limits: t.d.host.limits, Lease: p.Lease, Probe: probe}}
	if probe {
		r.N = 1
	}
	claimed, next, err := p.Ledger.ClaimDeletions(ctx, r)
	switch {
	case errors.Is(err, ErrPaused): // the loop that sends probes it, and wakes us
		return time.Now().Add(idle)
	case err != nil:
		if ctx.Err() == nil {
			p.Log.Error("the ledger gave no deletions", "destination", t.d.Name, "error", err)
		}
		return time.Now().Add(ledgerRest)
	}
	halted := false
	for _, c := range claimed {
		o := DeletionOutcome{State: Deleting, Error: c.Error, Remedy: c.Remedy, Tries: c.Tries}
		if !halted && ctx.Err() == nil {
			o = t.perform(c)
		}
		halted = halted || t.rest.After(time.Now()) || o.PauseHost > 0
		t.finish(c, o)
		if probe && o.Requested && t.refused == 0 {
			t.d.resume(ctx)
		}
	}
	return orIdle(next)
}

// perform makes one request.
func (t *deleter) perform(c ClaimedDeletion) DeletionOutcome {
	p := t.d.pool
	o := DeletionOutcome{State: Deleting, Error: c.Error, Remedy: c.Remedy, Tries: c.Tries}
	if t.driver == nil { // the configuration changed since this was begun
		o.State, o.Error, o.Remedy = DeletionFailed, "This host cannot delete pictures for us now.", "Delete it there by hand if it has to go."
		return o
	}
	ctx, cancel := context.WithTimeout(p.sending, p.Lease/(deleteAhead+1))
	defer cancel()
	if slots := t.d.host.slots; slots != nil {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return o
		}
	}
	err := t.driver.Delete(ctx, c.Result())
	o.Requested = true
	if err == nil {
		t.silence, t.refused = 0, 0
		return DeletionOutcome{State: Deleted, Requested: true}
	}
	if p.sending.Err() != nil { // we ended it ourselves
		return o
	}
	return t.judge(o, AsError(err))
}

// judge decides what a failed request means.
func (t *deleter) judge(o DeletionOutcome, e *Error) DeletionOutcome {
	o.Error, o.Remedy = e.Error(), e.Remedy
	o.There = e.Kind == Permanent || e.Kind == RetryAfter
	if answered(e) {
		t.silence = 0
	} else {
		t.silence++
	}
	if e.Kind == Refused {
		// That may be so for good, for deletions alone: uploads go on, and find out for
		// themselves whether they are refused too.
		t.refused++
		t.rest = time.Now().Add(t.d.pool.backoff(t.refused))
	} else if answered(e) {
		t.refused = 0
	}
	switch {
	case e.Kind == Permanent:
		o.State = DeletionFailed
	case e.Kind == RetryAfter:
		if o.PauseHost = e.After; o.PauseHost <= 0 {
			o.PauseHost = slowDown
		}
	case !answered(e) && e.Kind != Refused: // the network's fault, not the picture's
		o.Wait = t.d.pool.backoff(t.silence)
	default:
		if o.Tries++; o.Tries >= t.d.pool.Tries {
			o.State = DeletionFailed
			if o.Remedy == "" {
				o.Remedy = "It was tried many times. Retry it when the cause is gone, or delete the picture there by hand."
			}
			return o
		}
		o.Wait = t.d.pool.backoff(o.Tries)
	}
	return o
}

// finish writes down what came of a deletion.
func (t *deleter) finish(c ClaimedDeletion, o DeletionOutcome) {
	p := t.d.pool
	log := p.Log.With("path", c.Path, "destination", t.d.Name, "deletion", c.ID)
	err := p.insist(log, "record a deletion's outcome", func(ctx context.Context) error { return p.Ledger.FinishDeletion(ctx, c, o) })
	switch {
	case err != nil:
	case o.State == Deleted:
		log.Info("deleted at the host", "why", c.Why)
	case o.Requested || o.State == DeletionFailed:
		log.Warn("not deleted at the host", "state", o.State, "error", o.Error, "wait", o.Wait)
	}
}
