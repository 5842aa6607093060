package watch_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"slipway/watch"
)

func TestMoveFile(t *testing.T) {
	for _, follow := range []bool{false, true} {
		in(t, func(t *testing.T, w *world) {
			w.o.Follow = follow
			w.write("a.jpg", "A")
			w.start()
			w.wait(4 * time.Second)
			entry := w.tree.Entry("/inbox/a.jpg")
			w.rename("a.jpg", "sub/b.jpg")
			w.wait(5 * time.Minute)
			w.took("a.jpg=A")
			w.holds("sub/b.jpg=A")
			if got := w.tree.Entry("/inbox/sub/b.jpg"); got != entry {
				t.Errorf("entry %d became %d", entry, got)
			}
			w.state("a.jpg", "")
			w.state("sub/b.jpg", watch.Taken)
		})
	}
}

// TestMoveByCopy: another file system, where only the bytes say that it is the same.
func TestMoveByCopy(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.write("b.jpg", "A")
		w.remove("a.jpg")
		w.wait(70 * time.Second)
		w.took("a.jpg=A")
		w.holds("b.jpg=A")
	})
}

// TestMoveSeenLate: the old place is hinted at, the new one found by a scan that comes
// after the grace time.
func TestMoveSeenLate(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow, w.o.Hints, w.o.Rescan = true, w.hints, 10*time.Minute
		w.write("old/a.jpg", "A")
		w.write("new/b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.rename("old/a.jpg", "new/a.jpg")
		w.hints.tell("old", false)
		w.wait(9 * time.Minute)
		w.state("old/a.jpg", watch.Missing)
		w.wait(2 * time.Minute)
		w.took("old/a.jpg=A", "new/b.jpg=B")
		w.holds("new/a.jpg=A", "new/b.jpg=B")
	})
}

func TestCopyAndHardLinkAreNew(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.write("copy.jpg", "A")
		w.ok(os.Link(w.at("a.jpg"), w.at("link.jpg")))
		w.wait(70 * time.Second)
		w.took("a.jpg=A", "copy.jpg=A", "link.jpg=A")
	})
}

// TestMoveOntoKnown: the bytes of one file at the path of another are a version of that.
func TestMoveOntoKnown(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.rename("b.jpg", "a.jpg")
		w.wait(5 * time.Minute)
		w.took("a.jpg=A", "b.jpg=B", "a.jpg=B")
		w.state("b.jpg", watch.Gone)
	})
}

// TestMoveOfEntryElsewhere: what a person moved or removed in the virtual filesystem
// stays so, and is not put again.
func TestMoveOfEntryElsewhere(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.write("c.jpg", "C")
		w.start()
		w.wait(4 * time.Second)
		w.ok(w.tree.MkdirAll("/else", 0o755))
		_, err := w.tree.Move("/inbox/a.jpg", "/else/a.jpg", false)
		w.ok(err)
		w.ok(w.tree.Remove("/inbox/b.jpg"))
		_, err = w.tree.Move("/inbox/c.jpg", "/inbox/c2.jpg", false)
		w.ok(err)
		w.rename("a.jpg", "x/a.jpg")
		w.rename("b.jpg", "x/b.jpg")
		w.rename("c.jpg", "x/c.jpg")
		w.wait(5 * time.Minute)
		w.took("a.jpg=A", "b.jpg=B", "c.jpg=C")
		w.holds("x/c.jpg=C", "../else/a.jpg=A")
		w.remove("x/c.jpg")
		w.wait(5 * time.Minute)
		w.holds("../else/a.jpg=A")
	})
}

func TestRenamedDirectory(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Hints, w.o.Follow = w.hints, true
		for i := range 100 {
			w.write(fmt.Sprintf("old/in/d%d/%d.jpg", i%7, i), fmt.Sprint(i))
		}
		w.start()
		w.wait(4 * time.Second)
		moves := len(w.tree.Moves())
		w.rename("old", "other/new")
		w.hints.tell("", false)
		w.wait(10 * time.Millisecond) // nothing has to settle
		if got := w.tree.Moves()[moves:]; len(got) != 1 || got[0] != [2]string{"/inbox/old", "/inbox/other/new"} {
			t.Errorf("moves: %v", got)
		}
		w.wait(10 * time.Minute)
		if n := len(w.tree.Versions()); n != 100 {
			t.Errorf("%d versions", n)
		}
		if files := w.tree.Files(); len(files) != 100 {
			t.Errorf("%d files", len(files))
		}
		if s := w.f.Status(); s.Known[watch.Taken] != 100 || len(s.Known) != 1 || s.Dirs != 11 {
			t.Errorf("%+v", s)
		}
		w.write("other/new/in/d0/0.jpg", "changed") // it is watched still
		w.hints.tell("other/new/in/d0", false)
		w.wait(4 * time.Second)
		if n := len(w.tree.Versions()); n != 101 {
			t.Errorf("%d versions", n)
		}
	})
}

// TestRenamedDirectoryFileByFile: where the virtual filesystem has the name already.
func TestRenamedDirectoryFileByFile(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("old/a.jpg", "A")
		w.write("old/b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.ok(w.tree.MkdirAll("/inbox/new", 0o755))
		w.rename("old", "new")
		w.wait(70 * time.Second)
		w.took("old/a.jpg=A", "old/b.jpg=B")
		w.holds("new/a.jpg=A", "new/b.jpg=B")
	})
}

// TestNotARenamedDirectory: most of its files were deleted with it.
func TestNotARenamedDirectory(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		w.write("old/a.jpg", "A")
		w.write("old/b.jpg", "B")
		w.write("old/c.jpg", "C")
		w.start()
		w.wait(4 * time.Second)
		w.rename("old", "new")
		w.remove("new/b.jpg")
		w.remove("new/c.jpg")
		w.hints.tell("", false)
		w.wait(10 * time.Second)
		w.holds("new/a.jpg=A", "old/b.jpg=B", "old/c.jpg=C")
		w.took("old/a.jpg=A", "old/b.jpg=B", "old/c.jpg=C")
	})
}

// TestRenamedWhileAway: the program did not run meanwhile.
func TestRenamedWhileAway(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("old/a.jpg", "A")
		w.write("old/b.jpg", "B")
		w.write("c.jpg", "C")
		w.start()
		w.wait(4 * time.Second)
		w.halt()
		w.rename("old", "new")
		w.rename("c.jpg", "d.jpg")
		w.write("new/b.jpg", "B2")
		w.wait(time.Hour)
		w.start()
		w.wait(5 * time.Minute)
		w.holds("new/a.jpg=A", "new/b.jpg=B2", "d.jpg=C")
		w.took("old/a.jpg=A", "old/b.jpg=B", "c.jpg=C", "new/b.jpg=B2")
	})
}

// TestSwap: two files exchange their names.
func TestSwap(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.rename("a.jpg", "x.part")
		w.rename("b.jpg", "a.jpg")
		w.rename("x.part", "b.jpg")
		w.wait(5 * time.Minute)
		w.holds("a.jpg=B", "b.jpg=A")
	})
}
