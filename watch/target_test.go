package watch_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway/watch"
)

// target is a directory that is written to, which is not mounted while away.
type target struct {
	away, told, released atomic.Bool
}

func (t *target) Problem() string {
	if !t.told.Load() {
		return ""
	}
	return "nothing is mounted at /mnt"
}

func (t *target) Returned(context.Context) bool {
	if !t.told.Load() || t.away.Load() {
		return false
	}
	t.told.Store(false)
	return true
}

func (t *target) Release() { t.released.Store(true) }

// intoTarget finishes with files where that is mounted.
type intoTarget struct {
	*after
	*target
}

func (f intoTarget) Finish(ctx context.Context, k watch.Known, o watch.Outcome, store watch.Store) (watch.Known, bool, error) {
	if f.away.Load() {
		f.told.Store(true)
		return k, false, fmt.Errorf("it is away: %w", watch.ErrAway)
	}
	return f.after.Finish(ctx, k, o, store)
}

// TestTargetAway: that what is written to is not mounted is told once for all files, is
// no trouble of each, and ends by itself.
func TestTargetAway(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		to := new(target)
		to.away.Store(true)
		w.o.Finisher, w.o.Targets = intoTarget{&after{w: w}, to}, []watch.Target{to}
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.outcome("a.jpg", complete)
		w.wait(2 * time.Hour)
		w.has("a.jpg", "A")
		if s := w.f.Status(); len(s.Troubles) != 0 || !strings.Contains(s.Problem, "/mnt") {
			t.Errorf("%+v", s)
		}
		to.away.Store(false)
		w.wait(2 * time.Minute)
		w.has("a.jpg", "")
		if s := w.f.Status(); s.Problem != "" {
			t.Errorf("%+v", s)
		}
	})
}

// TestTargetReleased: who lets deletions go that the brake keeps agrees to nothing else.
func TestTargetReleased(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		to := new(target)
		to.away.Store(true)
		to.told.Store(true)
		w.o.Follow, w.o.Targets = true, []watch.Target{to}
		for i := range 30 {
			w.write(fmt.Sprintf("%02d.jpg", i), "A")
		}
		w.start()
		w.wait(4 * time.Second)
		for i := range 25 {
			w.remove(fmt.Sprintf("%02d.jpg", i))
		}
		w.wait(5 * time.Minute)
		if s := w.f.Status(); !s.Braked {
			t.Fatalf("%+v", s)
		}
		w.f.Release()
		if to.released.Load() {
			t.Error("what was not shown was agreed to")
		}
		w.wait(10 * time.Minute)
		w.f.Release()
		if !to.released.Load() {
			t.Errorf("what is shown cannot be agreed to: %+v", w.f.Status())
		}
	})
}
