package watch_test

import (
	"os"
	"testing"
	"time"

	"slipway/watch"
)

// TestNoRetryWithoutTheFile: a folder that is not mounted, and a file that is moved
// together with what tells of its failure, ask for no other try.
func TestNoRetryWithoutTheFile(t *testing.T) {
	for _, away := range []bool{false, true} {
		in(t, func(t *testing.T, w *world) {
			a := &after{w: w}
			w.o.Beside, w.o.Hints = a, w.hints
			w.write("a.jpg", "A")
			w.write("b.jpg", "B")
			w.start()
			w.wait(4 * time.Second)
			w.outcome("a.jpg", watch.Outcome{Owed: 1, Trouble: true})
			w.has("a.jpg.error.txt", "trouble")
			w.wait(2 * time.Minute)
			if away {
				w.ok(os.Rename(w.root, w.root+".away"))
				w.ok(os.Mkdir(w.root, 0o755))
				w.wait(3 * time.Minute)
				w.ok(os.Remove(w.root))
				w.ok(os.Rename(w.root+".away", w.root))
			} else {
				w.rename("a.jpg", "new/a.jpg")
				w.rename("a.jpg.error.txt", "new/a.jpg.error.txt")
				w.hints.tell("", true)
			}
			w.wait(5 * time.Minute)
			if got := w.tree.Removed(); len(got) != 0 {
				t.Errorf("away %t: removed %q", away, got)
			}
			if away {
				w.took("a.jpg=A", "b.jpg=B")
			}
		})
	}
}
