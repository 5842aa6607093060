package watch_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

func TestDeleteKeep(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.remove("a.jpg")
		w.wait(70 * time.Second)
		w.state("a.jpg", watch.Missing)
		if e := w.explain("a.jpg"); e.State != watch.Missing || e.Until.IsZero() || !strings.Contains(e.Text, "its entry stays") {
			t.Errorf("%+v", e)
		}
		w.wait(time.Hour)
		w.state("a.jpg", watch.Gone)
		w.holds("a.jpg=A")
		w.wait(25 * time.Hour)
		w.write("b.jpg", "B") // some day a look comes by
		w.wait(70 * time.Second)
		w.state("a.jpg", "")
	})
}

func TestDeleteFollow(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow, w.o.Hints = true, w.hints
		w.write("a.jpg", "A")
		w.write("sub/b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.remove("sub")
		w.remove("a.jpg")
		w.hints.tell("", false)
		w.wait(59 * time.Second)
		w.holds("a.jpg=A", "sub/b.jpg=B")
		w.wait(2 * time.Second)
		w.holds()
		w.state("a.jpg", watch.Gone)
		if s := w.f.Status(); s.Dirs != 2 || s.Problem != "" {
			t.Errorf("%+v", s)
		}
	})
}

// TestComesBack: within the grace time nothing has happened.
func TestComesBack(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow, w.o.Hints = true, w.hints
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.rename("a.jpg", "away.part")
		w.hints.tell("", false)
		w.wait(30 * time.Second)
		w.state("a.jpg", watch.Missing)
		w.rename("away.part", "a.jpg")
		w.wait(5 * time.Minute)
		w.state("a.jpg", watch.Taken)
		w.holds("a.jpg=A")
		w.took("a.jpg=A")
	})
}

// TestFollowOnlyOurs: an entry that a person changed or moved stays.
func TestFollowOnlyOurs(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.write("c.jpg", "C")
		w.start()
		w.wait(4 * time.Second)
		h, err := w.tree.Create("/inbox/a.jpg")
		w.ok(err)
		_, err = h.Write([]byte("edited by WebDAV"))
		w.ok(err)
		w.ok(h.Close())
		_, err = w.tree.Move("/inbox/b.jpg", "/inbox/best.jpg", false)
		w.ok(err)
		h, err = w.tree.Create("/inbox/b.jpg")
		w.ok(err)
		_, err = h.Write([]byte("another's"))
		w.ok(err)
		w.ok(h.Close())
		w.remove("a.jpg")
		w.remove("b.jpg")
		w.remove("c.jpg")
		w.wait(10 * time.Minute)
		w.holds("a.jpg=edited by WebDAV", "best.jpg=B", "b.jpg=another's")
	})
}

// TestDeletedWhileAway: where the scan sees what is missing before anything that it
// knows, it looks again.
func TestDeletedWhileAway(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a/a.jpg", "A")
		w.write("b/b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.halt()
		w.remove("a/a.jpg")
		w.start()
		w.wait(time.Second)
		w.state("a/a.jpg", watch.Missing)
		w.wait(2 * time.Minute)
		w.holds("b/b.jpg=B")
	})
}

func many(w *world, n int) {
	for i := range n {
		w.write(fmt.Sprintf("d%d/%03d.jpg", i%5, i), fmt.Sprint(i))
	}
}

func TestBrake(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		many(w, 60)
		w.start()
		w.wait(4 * time.Second)
		w.remove("d0")
		w.remove("d1")
		w.wait(10 * time.Minute)
		if n := len(w.tree.Files()); n != 60 {
			t.Errorf("%d files are left", n)
		}
		s := w.f.Status()
		if !s.Braked || !strings.Contains(s.Problem, "24 of 60") {
			t.Errorf("%+v", s)
		}
		if e := w.explain("d0/000.jpg"); e.State != watch.Missing || !strings.Contains(e.Text, "24 of 60") {
			t.Errorf("%+v", e)
		}
		w.start() // it outlives a restart
		w.wait(10 * time.Minute)
		if s := w.f.Status(); !s.Braked || len(w.tree.Files()) != 60 {
			t.Errorf("%+v", s)
		}
		w.f.Release()
		w.wait(time.Second)
		if s := w.f.Status(); s.Braked || s.Problem != "" || len(w.tree.Files()) != 36 {
			t.Errorf("%d files; %+v", len(w.tree.Files()), s)
		}
	})
}

func TestBrakeFilesBack(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		many(w, 60)
		w.start()
		w.wait(4 * time.Second)
		w.rename("d0", "d0.part")
		w.rename("d1", "d1.part")
		w.wait(10 * time.Minute)
		if s := w.f.Status(); !s.Braked {
			t.Errorf("%+v", s)
		}
		w.rename("d0.part", "d0")
		w.rename("d1.part", "d1")
		w.wait(130 * time.Second)
		if s := w.f.Status(); s.Braked || s.Problem != "" || s.Known[watch.Taken] != 60 || len(w.tree.Files()) != 60 {
			t.Errorf("%+v", s)
		}
	})
}

// TestUnmounted: an empty mount point, or none, deletes nothing, also after a restart,
// and all is well when the folder is back.
func TestUnmounted(t *testing.T) {
	for _, empty := range []bool{false, true} {
		in(t, func(t *testing.T, w *world) {
			w.o.Follow = true
			w.write("a.jpg", "A")
			w.write("sub/b.jpg", "B")
			w.start()
			w.wait(4 * time.Second)
			w.ok(os.Rename(w.root, w.root+".away"))
			if empty {
				w.ok(os.Mkdir(w.root, 0o755))
			}
			check := func() {
				t.Helper()
				w.wait(time.Hour)
				w.holds("a.jpg=A", "sub/b.jpg=B")
				w.state("a.jpg", watch.Taken)
				if s := w.f.Status(); s.Problem == "" {
					t.Errorf("empty %t: nobody is told: %+v", empty, s)
				}
			}
			check()
			w.start()
			check()
			w.ok(os.RemoveAll(w.root))
			w.ok(os.Rename(w.root+".away", w.root))
			w.write("c.jpg", "C")
			w.remove("a.jpg")
			w.wait(5 * time.Minute)
			w.holds("sub/b.jpg=B", "c.jpg=C")
			w.took("a.jpg=A", "sub/b.jpg=B", "c.jpg=C")
			if s := w.f.Status(); s.Problem != "" {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestOtherRootReleased: a person says that the new, empty folder is right.
func TestOtherRootReleased(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.ok(os.Rename(w.root, w.root+".away"))
		w.ok(os.Mkdir(w.root, 0o755))
		w.wait(5 * time.Minute)
		w.holds("a.jpg=A")
		w.f.Release()
		w.wait(2 * time.Minute)
		w.holds()
	})
}

// TestAnotherFileSystemBelow: a directory in the folder was a mount point.
func TestAnotherFileSystemBelow(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("usb/b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		for _, k := range w.memory.All() { // as if usb had been a file system of its own
			if k.Path == "usb/b.jpg" {
				k.Stat.Device += 99
				w.ok(w.memory.Store(t.Context(), "drop", []watch.Known{k}, nil))
			}
		}
		w.remove("usb")
		w.wait(10 * time.Minute)
		w.holds("a.jpg=A", "usb/b.jpg=B")
		if s := w.f.Status(); !strings.Contains(s.Problem, "another file system") {
			t.Errorf("%+v", s)
		}
	})
}

// TestDeviceRenumbered: after a restart of the machine the same file system has another
// number.
func TestDeviceRenumbered(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.halt()
		for _, k := range w.memory.All() {
			k.Stat.Device += 99
			w.ok(w.memory.Store(t.Context(), "drop", []watch.Known{k}, nil))
		}
		w.remove("b.jpg")
		w.start()
		w.wait(time.Minute)
		w.took("a.jpg=A", "b.jpg=B")
		if k := w.memory.All()[0]; k.Stat.Device > 1<<40 || k.State != watch.Taken {
			t.Errorf("%+v", k)
		}
		w.wait(3 * time.Minute)
		w.holds("a.jpg=A")
	})
}
