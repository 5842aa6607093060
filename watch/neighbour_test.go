package watch_test

import (
	"testing"
	"time"

	"slipway/watch"
)

// TestNeighbour: what is remembered of a file says nothing about a new one that stands
// before it.
func TestNeighbour(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("b.jpg", "one")
		w.start()
		w.wait(10 * time.Second)
		entry := w.explain("b.jpg").Entry
		var ours *watch.Known
		for _, k := range w.memory.All() {
			ours = &k
		}
		ours.Beside = map[string][32]byte{"b.jpg.url": {1}}
		w.ok(w.memory.Store(t.Context(), "drop", []watch.Known{*ours}, nil))
		w.write("a.jpg", "two")
		w.wait(2 * time.Minute)
		for _, k := range w.memory.All() {
			if k.Path == "a.jpg" && (k.Entry == entry || k.Entry == 0 || len(k.Beside) > 0) {
				t.Errorf("the new file is remembered as %+v, and its neighbour has entry %d", k, entry)
			}
		}
		w.took("a.jpg=two", "b.jpg=one")
	})
}
