package watch_test

import (
	"sync/atomic"
	"testing"
	"time"

	"slipway/watch"
)

// TestClockIsSet: a clock that is set forward does not end the grace time, and one that
// is set back does not hold it for ever.
func TestClockIsSet(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		var off atomic.Int64
		w.o.Clock = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
		w.o.Follow, w.o.Hints, w.o.Grace = true, w.hints, 10*time.Minute
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.remove("a.jpg")
		w.hints.tell("", false)
		w.wait(time.Second)
		w.state("a.jpg", watch.Missing)
		off.Store(int64(48 * time.Hour))
		w.hints.tell("", false)
		w.wait(8 * time.Minute)
		w.holds("a.jpg=A", "b.jpg=B")
		w.wait(4 * time.Minute)
		w.holds("b.jpg=B")

		w.remove("b.jpg")
		w.hints.tell("", false)
		w.wait(time.Second)
		w.halt()
		off.Store(0)
		w.start()
		w.wait(9 * time.Minute)
		w.holds("b.jpg=B")
	})
}

// TestMissingSinceTheFuture: as of a clock that was set back since.
func TestMissingSinceTheFuture(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.halt()
		k := w.memory.All()[0]
		k.State, k.Since = watch.Missing, time.Now().Add(48*time.Hour).UnixNano()
		w.ok(w.memory.Store(t.Context(), "drop", []watch.Known{k}, nil))
		w.remove("a.jpg")
		w.start()
		w.wait(30 * time.Second)
		w.holds("a.jpg=A", "b.jpg=B")
		w.wait(10 * time.Minute)
		w.holds("b.jpg=B")
	})
}
