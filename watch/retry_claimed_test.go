package watch_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"slipway/watch"
)

// held is a Beside that stays in its work for as long as a test wants.
type held struct {
	*after
	hold chan struct{} // nil: not at all
}

func (h *held) Update(ctx context.Context, k watch.Known, o *watch.Outcome, store watch.Store) (watch.Known, bool, error) {
	k, settled, err := h.after.Update(ctx, k, o, store)
	if h.hold != nil {
		<-h.hold
	}
	return k, settled, err
}

// TestRetryByRemovalMeanwhile: a sidecar that is removed while its file is attended to
// is another try all the same.
func TestRetryByRemovalMeanwhile(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		a := &held{after: &after{w: w}}
		w.o.Beside, w.o.Hints = a, w.hints
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		trouble := watch.Outcome{Owed: 1, Trouble: true}
		w.outcome("a.jpg", trouble)
		w.has("a.jpg.error.txt", "trouble")
		w.wait(2 * time.Minute)

		a.hold = make(chan struct{})
		trouble.Changed++
		w.outcome("a.jpg", trouble)
		w.remove("a.jpg.error.txt")
		w.hints.tell("", false)
		w.wait(100 * time.Millisecond)
		close(a.hold)
		w.wait(time.Second)
		if got := w.tree.Removed(); !slices.Equal(got, []string{"/inbox/a.jpg.error.txt"}) {
			t.Errorf("removed %q", got)
		}
	})
}
