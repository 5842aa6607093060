package thumbnail

import (
	"context"
	"time"
)

// flight is one picture that is drawn, or is to be when it is its turn, for all who
// ask for it meanwhile.
type flight struct {
	done  chan struct{}
	bytes []byte
	err   error

	waiting int                // who waits for it
	drawing bool               // it was its turn
	leave   context.CancelFunc // ends the wait for its turn
}

// draw returns the picture that work makes, once for all who ask for it by the same
// name at a time. The wait for its turn ends when nobody waits for it any more; when
// it has begun it is drawn to its end, as others come later.
func (m *Maker) draw(ctx context.Context, name string, work func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	m.mu.Lock()
	f := m.flights[name]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		m.flights[name] = f
		own := context.WithoutCancel(ctx)
		var turn context.Context
		turn, f.leave = context.WithCancel(own)
		go m.fly(own, turn, name, f, work)
	}
	f.waiting++
	m.mu.Unlock()
	select {
	case <-f.done:
		return f.bytes, f.err
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.waiting--; f.waiting == 0 && !f.drawing {
		f.leave()
		m.land(name, f)
	}
	return nil, ctx.Err()
}

// fly waits for the turn of f, and draws.
func (m *Maker) fly(ctx, turn context.Context, name string, f *flight, work func(ctx context.Context) ([]byte, error)) {
	defer close(f.done)
	defer f.leave()
	if f.err = m.workers.Acquire(turn, 1); f.err != nil {
		return // and nobody waits
	}
	defer m.workers.Release(1)
	m.mu.Lock()
	f.drawing = turn.Err() == nil
	m.mu.Unlock()
	if f.drawing {
		f.bytes, f.err = work(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.land(name, f)
}

// land forgets f; mu is held.
func (m *Maker) land(name string, f *flight) {
	if m.flights[name] == f {
		delete(m.flights, name)
	}
}

// clock ends a context with ErrSlow when it has run for a time. It can be held.
type clock struct {
	timer  *time.Timer
	end    time.Time
	cancel context.CancelCauseFunc
}

// newClock starts one.
func newClock(ctx context.Context, d time.Duration) (context.Context, *clock) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &clock{timer: time.AfterFunc(d, func() { cancel(ErrSlow) }), end: time.Now().Add(d), cancel: cancel}
}

// hold runs f, whose time does not count.
func (c *clock) hold(f func() error) error {
	if !c.timer.Stop() {
		return ErrSlow
	}
	began := time.Now()
	defer func() {
		c.end = c.end.Add(time.Since(began))
		c.timer.Reset(time.Until(c.end))
	}()
	return f()
}

// stop ends it.
func (c *clock) stop() {
	c.timer.Stop()
	c.cancel(nil)
}
