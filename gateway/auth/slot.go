package auth

import (
	"context"
	"time"
)

// slot waits until a check of weight KiB may run for w; the caller then releases
// it. Since others may have failed for w meanwhile, w's own wait is asked again:
// so no more guesses than there are slots slip past it at once.
func (t *Table) slot(ctx context.Context, w who, weight int64) error {
	if err := t.hold(ctx, w); err != nil {
		return err
	}
	if err := t.acquire(ctx, w, weight); err != nil {
		return err
	}
	t.mu.Lock()
	wait := t.guard.wait(w, t.clock())
	t.mu.Unlock()
	if wait > 0 {
		t.slots.Release(weight)
		return &TooManyError{wait}
	}
	return nil
}

// hold puts a stranger off where others guess at the same name.
func (t *Table) hold(ctx context.Context, w who) error {
	t.mu.Lock()
	slow := t.guard.slow(w, t.clock())
	t.mu.Unlock()
	if slow == 0 {
		return nil
	}
	timer := time.NewTimer(slow)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errAbandoned
	}
}

// acquire waits for memory, first come, first served. Strangers are sent away
// from a line that is long already; who signed in before is not.
func (t *Table) acquire(ctx context.Context, w who, weight int64) error {
	t.mu.Lock()
	if t.waiting >= maxWaiting && !t.guard.isKnown(w) {
		t.mu.Unlock()
		return &TooManyError{time.Second}
	}
	t.waiting++
	t.mu.Unlock()
	err := t.slots.Acquire(ctx, weight)
	t.mu.Lock()
	t.waiting--
	t.mu.Unlock()
	if err != nil {
		return errAbandoned
	}
	return nil
}
