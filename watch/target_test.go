package watch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

// target is a directory that is written to, which is not mounted while away.
type target struct {
	away, told, released bool
}

func (t *target) Problem() string {
	if !t.told {
		return ""
	}
	return "nothing is mounted at /mnt"
}

func (t *target) Returned(context.Context) bool {
	if !t.told || t.away {
		return false
	}
	t.told = false
	return true
}

func (t *target) Release() { t.released = true }

// intoTarget finishes with files where that is mounted.
type intoTarget struct {
	*after
	*target
}

func (f intoTarget) Finish(ctx context.Context, k watch.Known, o watch.Outcome, store watch.Store) (watch.Known, bool, error) {
	if f.away {
		f.told = true
		return k, false, fmt.Errorf("it is away: %w", watch.ErrAway)
	}
	return f.after.Finish(ctx, k, o, store)
}

// TestTargetAway: that what is written to is not mounted is told once for all files, is
// no trouble of each, and ends by itself.
func TestTargetAway(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		to := &target{away: true}
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
		to.away = false
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
		to := &target{away: true, told: true}
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
		if to.released {
			t.Error("what was not shown was agreed to")
		}
		w.wait(10 * time.Minute)
		w.f.Release()
		if !to.released {
			t.Errorf("what is shown cannot be agreed to: %+v", w.f.Status())
		}
	})
}
