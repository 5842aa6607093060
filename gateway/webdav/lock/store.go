package lock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Store keeps locks beyond the life of the program. What Save and Delete report
// as done is durable; of an error nothing follows about what the store has.
type Store interface {
	// Load returns all locks, expired ones too.
	Load(ctx context.Context) ([]Lock, error)
	// Save inserts l, or replaces the lock with the same token.
	Save(ctx context.Context, l Lock) error
	// Delete removes the locks with these tokens; those that are not there are
	// no error.
	Delete(ctx context.Context, tokens ...string) error
}

// nowhere is the Store of a table in memory alone.
type nowhere struct{}

func (nowhere) Load(context.Context) ([]Lock, error)    { return nil, nil }
func (nowhere) Save(context.Context, Lock) error        { return nil }
func (nowhere) Delete(context.Context, ...string) error { return nil }

// Load fills an empty table from the store. It removes locks that expired, and
// those that keep does not want, because what they locked is not there any more.
// None lives longer than its timeout from now, whatever the clock said before.
func (t *Table) Load(ctx context.Context, keep func(Lock) (bool, error)) error {
	locks, err := t.Store.Load(ctx)
	if err != nil {
		return err
	}
	now := t.Now()
	var ended []string
	for _, l := range locks {
		ok := l.Expires.After(now)
		if ok {
			if ok, err = keep(l); err != nil {
				return fmt.Errorf("lock: looking for %s: %w", l.Root, err)
			}
		}
		if !ok {
			ended = append(ended, l.Token)
			continue
		}
		if most := now.Add(l.Timeout); l.Expires.After(most) {
			l.Expires = most
		}
		t.mu.Lock()
		t.enter(&record{Lock: l, write: newTurn()})
		t.mu.Unlock()
	}
	if len(ended) == 0 {
		return nil
	}
	return t.Store.Delete(ctx, ended...)
}

// Sweep forgets expired locks, and makes up for what the store failed to do
// before.
func (t *Table) Sweep(ctx context.Context) error {
	t.mu.Lock()
	t.expire(t.Now())
	t.mu.Unlock()
	return t.settle(ctx)
}

// expire forgets what has ended by time.
func (t *Table) expire(now time.Time) {
	for _, r := range t.byToken {
		if !r.live(now) {
			t.forget(r)
		}
	}
}

// settle brings the rows that are owed in line with the table.
func (t *Table) settle(ctx context.Context) error {
	t.mu.Lock()
	owed := slices.Collect(maps.Values(t.owed))
	clear(t.owed)
	t.mu.Unlock()
	// One order for all, so that two who settle do not wait for each other.
	slices.SortFunc(owed, func(a, b *record) int { return cmp.Compare(a.Token, b.Token) })
	for _, r := range owed {
		r.write.take()
		defer r.write.give()
	}
	var gone, kept []*record
	t.mu.Lock()
	for _, r := range owed {
		if r.gone {
			gone = append(gone, r)
		} else {
			kept = append(kept, r)
		}
	}
	t.mu.Unlock()
	errs := []error{t.remove(ctx, gone)}
	for _, r := range kept {
		errs = append(errs, t.restore(ctx, r))
	}
	return errors.Join(errs...)
}

func (t *Table) remove(ctx context.Context, gone []*record) error {
	if len(gone) == 0 {
		return nil
	}
	tokens := make([]string, len(gone))
	for i, r := range gone {
		tokens[i] = r.Token
	}
	return t.orOwe(t.Store.Delete(ctx, tokens...), gone...)
}

func (t *Table) restore(ctx context.Context, r *record) error {
	return t.orOwe(t.Store.Save(ctx, r.Lock), r)
}

// orOwe leaves the rows to the next settle where the store failed.
func (t *Table) orOwe(err error, rs ...*record) error {
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, r := range rs {
			t.owed[r.Token] = r
		}
	}
	return err
}
