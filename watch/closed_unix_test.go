//go:build unix

package watch_test

import (
	"io/fs"
	"os"
	"testing"
	"time"
)

// TestFollowClosed: what lies in a directory that may not be listed, or not be entered,
// or in one below that, was not deleted.
func TestFollowClosed(t *testing.T) {
	if asNobody(t) {
		return
	}
	for _, mode := range []fs.FileMode{0, 0o111, 0o444, 0o333} {
		in(t, func(t *testing.T, w *world) {
			w.o.Follow, w.o.Hints = true, w.hints
			w.write("a.jpg", "A")
			w.write("d/b.jpg", "B")
			w.write("d/e/c.jpg", "C")
			w.write("d/e/g/h.jpg", "H")
			w.start()
			w.wait(4 * time.Second)
			defer os.Chmod(w.at("d"), 0o755) //nolint:errcheck // For the clean-up.
			w.ok(os.Chmod(w.at("d"), mode))
			w.hints.tell("d", true)
			w.hints.tell("", true)
			w.wait(20 * time.Minute)
			w.holds("a.jpg=A", "d/b.jpg=B", "d/e/c.jpg=C", "d/e/g/h.jpg=H")
			w.start() // and after a restart
			w.wait(20 * time.Minute)
			w.holds("a.jpg=A", "d/b.jpg=B", "d/e/c.jpg=C", "d/e/g/h.jpg=H")
			w.ok(os.Chmod(w.at("d"), 0o755))
			w.remove("d/b.jpg")
			w.wait(20 * time.Minute)
			w.holds("a.jpg=A", "d/e/c.jpg=C", "d/e/g/h.jpg=H")
		})
	}
}
