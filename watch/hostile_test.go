package watch_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway/watch"
	"slipway/watch/finish"
)

// TestFinishTouched: a file whose times alone change between its take and its end is
// finished with all the same, once it has been looked at again.
func TestFinishTouched(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		fin, err := finish.New(finish.Options{Root: w.root})
		w.ok(err)
		w.o.Finisher = fin
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.ok(os.Link(w.at("b.jpg"), w.at("c.jpg"))) // with b.jpg the number of its links changes
		w.start()
		w.wait(4 * time.Second)
		now := time.Now().Add(time.Hour) // in the future, what is more
		w.ok(os.Chtimes(w.at("a.jpg"), now, now))
		for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
			w.outcome(name, complete)
		}
		w.wait(10 * time.Minute)
		for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
			w.has(name, "")
			w.state(name, watch.Removed)
		}
		w.took("a.jpg=A", "b.jpg=B", "c.jpg=B")
	})
}

// TestUnmountedBeforeTheClockIsRight: a machine without a clock of its own begins in the
// past and is set later; what was taken before it was restarted is no younger than the
// empty directory that stands in the place of the folder.
func TestUnmountedBeforeTheClockIsRight(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		var off atomic.Int64
		w.o.Clock = func() time.Time { return time.Now().Add(time.Duration(off.Add(1000))) } // no two looks are at once
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("d/b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.halt()
		w.ok(os.Rename(w.root, w.root+".away"))
		w.ok(os.Mkdir(w.root, 0o755))
		off.Store(-int64(30 * 365 * 24 * time.Hour))
		w.start()
		w.wait(5 * time.Minute)
		w.holds("a.jpg=A", "d/b.jpg=B")
		off.Store(0)
		w.wait(30 * time.Minute)
		w.holds("a.jpg=A", "d/b.jpg=B")
		w.ok(os.Remove(w.root))
		w.ok(os.Rename(w.root+".away", w.root))
		w.remove("a.jpg")
		w.wait(30 * time.Minute)
		w.holds("d/b.jpg=B")
	})
}

// TestLinkInPlaceOfADirectory: files of a directory that was moved away, with a link to
// it left in its place, were not deleted.
func TestLinkInPlaceOfADirectory(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		away := filepath.Join(t.TempDir(), "away")
		w.write("a.jpg", "A")
		w.write("d/b.jpg", "B")
		w.write("d/e/c.jpg", "C")
		w.start()
		w.wait(4 * time.Second)
		w.ok(os.Rename(w.at("d"), away))
		w.ok(os.Symlink(away, w.at("d")))
		w.wait(30 * time.Minute)
		w.holds("a.jpg=A", "d/b.jpg=B", "d/e/c.jpg=C")
		if s := w.f.Status(); !strings.Contains(s.Problem, "d is a symbolic link") {
			t.Errorf("%q", s.Problem)
		}
		w.ok(os.Remove(w.at("d")))
		w.ok(os.Rename(away, w.at("d")))
		w.remove("d/b.jpg")
		w.wait(30 * time.Minute)
		w.holds("a.jpg=A", "d/e/c.jpg=C")
		if s := w.f.Status(); s.Problem != "" {
			t.Errorf("%q", s.Problem)
		}
		w.took("a.jpg=A", "d/b.jpg=B", "d/e/c.jpg=C")
	})
}

// TestLinkToADirectoryMovedWithin: what was moved within the folder, with a link left in
// its place, is not doubled.
func TestLinkToADirectoryMovedWithin(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("d/b.jpg", "B")
		w.write("d/e/c.jpg", "C")
		w.start()
		w.wait(4 * time.Second)
		w.rename("d", "all/d")
		w.ok(os.Symlink("all/d", w.at("d")))
		w.wait(30 * time.Minute)
		w.holds("all/d/b.jpg=B", "all/d/e/c.jpg=C")
		w.took("d/b.jpg=B", "d/e/c.jpg=C")
	})
}
