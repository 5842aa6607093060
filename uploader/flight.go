package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// flight is a row in our hands, from its claim to its outcome.
type flight struct {
	Claimed          // the attempt's own: it notes in it what it finds
	claim    Claimed // as it was made; for all
	d        *destination
	probe    bool // of a paused destination
	ctx      context.Context
	cancel   context.CancelCauseFunc
	watchdog *time.Timer // cancels when the lease was not renewed
	claimed  time.Time
	renewed  time.Time // guarded by Pool.mu
	body     *body
	prepared Prepared
	planned  Plan // what the router said of it
	started  atomic.Pointer[time.Time]
	sent     atomic.Int64
	took     time.Duration // the request
}

// errUnrenewed cancels a request whose claim may soon be somebody else's.
var errUnrenewed = fmt.Errorf("its lease could not be renewed: %w", ErrLost)

// start takes c in hand.
func (d *destination) start(ctx context.Context, c Claimed, probe bool) {
	p, now := d.pool, time.Now()
	f := &flight{Claimed: c, claim: c, d: d, probe: probe, claimed: now, renewed: now}
	f.body = newBody(f)
	f.ctx, f.cancel = context.WithCancelCause(p.sending)
	f.watchdog = time.AfterFunc(p.Lease*2/3, func() { f.cancel(errUnrenewed) })
	p.mu.Lock()
	p.flights[c.ID] = f
	p.mu.Unlock()
	d.inHand.Add(1)
	d.size.Add(c.Size)
	p.work.Go(func() {
		f.fly(ctx)
		f.watchdog.Stop()
		f.cancel(nil)
		p.mu.Lock()
		if p.flights[c.ID] == f {
			delete(p.flights, c.ID)
		}
		p.mu.Unlock()
		d.left()
	})
}

// fly waits for a slot, makes the attempt and writes down what came of it. The
// slot is free again before that is written.
func (f *flight) fly(stop context.Context) {
	got := f.enter(stop)
	f.d.size.Add(-f.Size)
	if !got {
		f.body.close()
		f.giveBack()
		return
	}
	now := time.Now()
	f.started.Store(&now)
	o := f.attempt()
	f.body.close()
	if err := f.prepared.close(); err != nil {
		f.d.pool.Log.Warn("what was made for an upload could not be removed", "path", f.Path, "error", err)
	}
	f.started.Store(nil)
	written := f.halts(o)
	f.leave()
	f.finish(o)
	written()
}

// halts keeps the rows that wait behind f from being sent where its outcome
// stops them all.
func (f *flight) halts(o Outcome) (written func()) {
	switch {
	case o.PauseDestination:
		return f.d.halt.set()
	case o.PauseHost > 0:
		return f.d.host.halt.set()
	}
	return func() {}
}

// enter waits for a slot of the destination and of the host. It returns false
// where the row is to be given back: the gateway stops, the claim is lost, or the
// host turned out to be down.
func (f *flight) enter(stop context.Context) bool {
	if !f.acquire(stop, f.d.deck) {
		return false
	}
	f.body.recordAhead()
	entered := f.acquire(stop, f.d.slots)
	<-f.d.deck
	if !entered {
		return false
	}
	if !f.acquire(stop, f.d.host.slots) {
		<-f.d.slots
		return false
	}
	halted := !f.probe && f.d.halt.stands(f.claimed) || f.d.host.halt.stands(f.claimed)
	if stop.Err() != nil || f.ctx.Err() != nil || halted || f.d.down.wait() > 0 {
		f.leave()
		return false
	}
	return true
}

// acquire takes a place in slots, which may be nil.
func (f *flight) acquire(stop context.Context, slots chan struct{}) bool {
	if slots == nil {
		return true
	}
	select {
	case slots <- struct{}{}:
		return true
	case <-f.ctx.Done():
	case <-stop.Done():
	}
	return false
}

func (f *flight) leave() {
	if f.d.host.slots != nil {
		<-f.d.host.slots
	}
	<-f.d.slots
}

func (f *flight) giveBack() {
	f.insist("give an upload back", func(ctx context.Context) error {
		return f.d.pool.Ledger.Return(ctx, []Claimed{f.Claimed})
	})
}

func (f *flight) finish(o Outcome) {
	f.insist("record an upload's outcome", func(ctx context.Context) error {
		return f.d.pool.Ledger.Finish(ctx, f.Claimed, o)
	})
	if observe := f.d.pool.Observe; observe != nil {
		observe(Observation{Upload: f.Upload, Outcome: o, Request: f.took, Sent: f.sent.Load()})
	}
	log := f.d.pool.Log.With("path", f.Path, "destination", f.Destination, "upload", f.ID, "state", o.State)
	switch {
	case o.State == Done, o.State == Awaiting:
		log.Info("uploaded", "reason", o.Reason)
	case o.PauseDestination:
		log.Warn("the destination refuses uploads and is paused", "error", o.Error, "code", o.Code)
	default:
		log.Warn("not uploaded", "reason", o.Reason, "error", o.Error, "code", o.Code, "wait", o.Wait)
	}
	if f.probe && o.Requested && !o.PauseDestination {
		f.d.resume(f.ctx)
	}
}

// insist repeats a write that the database could not make. It is conditional on
// the claim, so a repetition harms nothing.
func (f *flight) insist(what string, write func(context.Context) error) {
	log := f.d.pool.Log.With("path", f.Path, "destination", f.Destination, "upload", f.ID)
	_ = f.d.pool.insist(log, what, write) // it is logged
}

// insist is that of any claim; its error says that nothing was written by it.
func (p *Pool) insist(log *slog.Logger, what string, write func(context.Context) error) error {
	ctx := context.WithoutCancel(p.sending)
	for try := 0; ; try++ {
		err := write(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrLost):
			log.Warn("a claim was lost")
			return err
		}
		log.Error("could not "+what, "error", err)
		select {
		case <-time.After(min(100*time.Millisecond<<min(try, 10), 10*time.Second)):
		case <-p.sending.Done():
			return err // the lease's end decides
		}
	}
}

// renew keeps the leases of everything in hand until ctx ends.
func (p *Pool) renew(ctx context.Context) {
	tick := time.NewTicker(p.Lease / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		p.renewThose(ctx, now, now.Add(-p.Lease/3))
	}
}

// renewThose renews the claims that were last renewed at before or earlier.
func (p *Pool) renewThose(ctx context.Context, now, before time.Time) {
	var flights []*flight
	var claims []Claimed
	p.mu.Lock()
	for _, f := range p.flights {
		if !f.renewed.After(before) {
			flights, claims = append(flights, f), append(claims, f.claim)
		}
	}
	p.mu.Unlock()
	if len(claims) == 0 {
		return
	}
	lost, err := p.Ledger.Renew(ctx, claims, p.Lease)
	if err != nil {
		p.Log.Error("leases could not be renewed", "uploads", len(claims), "error", err)
		return
	}
	gone := make(map[int64]bool, len(lost))
	for _, c := range lost {
		gone[c.ID] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range flights {
		if gone[f.ID] {
			f.cancel(ErrLost)
			continue
		}
		f.renewed = now
		// Stop says whether it had fired; what is cancelled stays so.
		if f.watchdog.Stop() {
			f.watchdog.Reset(time.Until(now.Add(p.Lease * 2 / 3)))
		}
	}
}
