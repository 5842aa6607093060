package watch_test

import (
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

// TestStatusCounts: each file that stands in the folder counts once, and sidecars do not,
// however often it was followed and looked through, and whatever was only rehearsed.
func TestStatusCounts(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Beside, w.o.Hints = &after{w: w}, w.hints
		w.o.Ours = func(rel string) (string, bool) { return strings.CutSuffix(rel, ".url") }
		stands := func(files, taken int) {
			t.Helper()
			if s := w.f.Status(); s.Files != files || s.Known[watch.Taken] != taken || s.Braked || s.Asks {
				t.Errorf("%+v, want %d files, %d of them taken", s, files, taken)
			}
		}
		w.write("a.jpg", "A")
		w.write("d/b.jpg", "B")
		w.write("lost.jpg.url", "of another configuration")
		w.write("empty.jpg", "")
		w.start()
		w.wait(10 * time.Second)
		stands(2, 2)
		for _, name := range []string{"a.jpg", "d/b.jpg"} {
			w.outcome(name, complete)
			w.has(name+".url", "done")
		}
		w.hints.tell("", true)
		w.wait(10 * time.Second)
		stands(2, 2)

		w.start() // after a restart, in a process of its own
		stands(2, 2)
		w.wait(10 * time.Second)
		stands(2, 2)

		for _, dry := range []bool{true, false} { // an import in the same process
			w.halt()
			w.write("c.jpg", "C")
			_, err := w.f.Scan(t.Context(), watch.ScanOptions{DryRun: dry})
			w.ok(err)
			if s := w.f.Status(); dry && s.Taken.Files != 0 {
				t.Errorf("a rehearsal took %d files", s.Taken.Files)
			}
			w.again()
			w.wait(10 * time.Second)
			stands(3, 3)
		}
		w.remove("d")
		w.hints.tell("", true)
		w.wait(10 * time.Second)
		stands(2, 2)
	})
}

// TestStatusWithoutAScan: of a folder that nobody has followed yet, and of one whose first
// scan is not through, that stands which is remembered.
func TestStatusWithoutAScan(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(10 * time.Second)
		w.halt()
		w.f = watch.New(w.o)
		if s := w.f.Status(); s.Files != 2 || s.Known[watch.Taken] != 2 || !s.Scanned.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}

// TestStatusAsks: what a person is to answer is told from what nobody can.
func TestStatusAsks(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		to := new(target)
		w.o.Targets = []watch.Target{to}
		w.write("a.jpg", "A")
		w.start()
		w.wait(10 * time.Second)
		for _, away := range []bool{true, false} {
			to.away.Store(away)
			to.told.Store(away)
			if s := w.f.Status(); s.Asks != away {
				t.Errorf("what is written to is away: %v; %+v", away, s)
			}
		}
		w.remove("")
		w.wait(2 * time.Minute)
		if s := w.f.Status(); s.Problem == "" || s.Asks {
			t.Errorf("%+v", s)
		}
	})
}
