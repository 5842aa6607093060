package form

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Why a request was given up by its own guard.
var (
	errStalled  = errors.New("the host stopped taking bytes")
	errNoAnswer = errors.New("the host did not answer in time")
	errTooLong  = errors.New("the request took too long")
)

// guard ends a request that takes too long: in all, without a byte taken, or
// without an answer. Its timers run no goroutine until they fire.
type guard struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	stopped bool
	end     time.Time   // of the whole request
	whole   *time.Timer // fires at end or before, and then looks again
	idle    *time.Timer // stalling, then waiting for the answer; nil: neither
	stall   time.Duration
}

// newGuard starts the clock; stall 0 watches the whole alone.
func newGuard(parent context.Context, whole, stall time.Duration) *guard {
	ctx, cancel := context.WithCancelCause(parent)
	g := &guard{ctx: ctx, cancel: cancel, end: time.Now().Add(whole), stall: stall}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.whole = time.AfterFunc(whole, g.checkEnd)
	return g
}

// checkEnd gives up at the end, which may have moved since the timer was set.
func (g *guard) checkEnd() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return
	}
	if left := time.Until(g.end); left > 0 {
		g.whole.Reset(left)
		return
	}
	g.cancel(errTooLong)
}

// took notes that the host took bytes.
func (g *guard) took() { g.watch(g.stall, errStalled) }

// waiting notes that the whole body was handed out.
func (g *guard) waiting(answer time.Duration) { g.watch(answer, errNoAnswer) }

// watch gives up with why after d, unless it is called again before.
func (g *guard) watch(d time.Duration, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.idle != nil {
		g.idle.Stop()
	}
	if g.stopped || d <= 0 {
		return
	}
	g.idle = time.AfterFunc(d, func() { g.cancel(why) })
}

// excuse adds d, which passed by our own will, to the request's time.
func (g *guard) excuse(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end = g.end.Add(d)
}

// stop ends the guard and its context.
func (g *guard) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	g.whole.Stop()
	if g.idle != nil {
		g.idle.Stop()
	}
	g.cancel(context.Canceled)
}

// flow is a Body as a request reads it: under its guard, at the host's pace.
type flow struct {
	*Body
	guard  *guard
	limit  *rate.Limiter
	length int64
	answer time.Duration
}

// Read waits for the bandwidth and notes that bytes are taken.
func (f *flow) Read(p []byte) (int, error) {
	p, err := f.pace(p)
	if err != nil {
		return 0, err
	}
	n, err := f.Body.Read(p)
	if f.Complete() {
		f.guard.waiting(f.answer)
	} else {
		f.guard.took()
	}
	return n, err
}

// pace returns as much of p as the bandwidth allows now, after waiting for it.
func (f *flow) pace(p []byte) ([]byte, error) {
	if f.limit == nil || f.limit.Limit() == rate.Inf {
		return p, nil
	}
	n := min(int64(len(p)), int64(f.limit.Burst()), f.length-f.Sent())
	if n <= 0 {
		return p, nil
	}
	f.guard.watch(0, nil)
	r := f.limit.ReserveN(time.Now(), int(n))
	f.guard.excuse(r.Delay())
	if err := sleep(f.guard.ctx, r.Delay()); err != nil {
		r.Cancel()
		return nil, err
	}
	return p[:n], nil
}

// sleep waits for d, or until ctx ends, whose cause it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
