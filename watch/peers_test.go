package watch_test

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"slipway/watch"
)

// TestPeersPartThenFinalName: events come for the temporary name, none for the final.
func TestPeersPartThenFinalName(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		w.start()
		w.write("a.jpg.part", "A")
		w.hints.tell("", false)
		w.wait(10 * time.Second)
		w.took()
		w.rename("a.jpg.part", "a.jpg")
		w.wait(64 * time.Second)
		w.took("a.jpg=A")
	})
}

// TestPeersDirectoryMovedIn: it has files in it already, and only its name is told.
func TestPeersDirectoryMovedIn(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		w.start()
		elsewhere := t.TempDir()
		w.ok(os.MkdirAll(elsewhere+"/album/deep/deeper", 0o755))
		w.ok(os.WriteFile(elsewhere+"/album/a.jpg", []byte("A"), 0o644))
		w.ok(os.WriteFile(elsewhere+"/album/deep/deeper/b.jpg", []byte("B"), 0o644))
		w.ok(os.Rename(elsewhere+"/album", w.at("album")))
		w.hints.tell("", false)
		w.wait(3*time.Second + 100*time.Millisecond)
		w.took("album/a.jpg=A", "album/deep/deeper/b.jpg=B")
	})
}

// TestPeersManyAtOnce: none of a burst is lost, with one hint for all, and more than
// may settle at a time.
func TestPeersManyAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 5,000 files")
	}
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		w.start()
		for i := range 5000 {
			w.write(fmt.Sprintf("burst/%04d.jpg", i), fmt.Sprint(i))
		}
		w.hints.tell("", false)
		w.wait(10 * time.Second)
		if n := len(w.tree.Versions()); n != 5000 {
			t.Errorf("%d of 5000 were taken", n)
		}
	})
}

// TestPeersTemporaryErrorsAreRetried: with a growing pause, and at once when it changes.
func TestPeersTemporaryErrorsAreRetried(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		var up atomic.Bool
		var asked atomic.Int64
		w.tree.Refuse = func(string, int64) error {
			if asked.Add(1); !up.Load() {
				return errors.New("the database is down")
			}
			return nil
		}
		w.write("a.jpg", "A")
		w.start()
		w.wait(time.Hour)
		if n := asked.Load(); n < 5 || n > 12 {
			t.Errorf("asked %d times in an hour", n)
		}
		if s := w.f.Status(); s.Failed.Files != 1 || s.Troubles[0].Next.IsZero() {
			t.Errorf("%+v", s)
		}
		if e := w.explain("a.jpg"); e.State != watch.Failed || e.Until.IsZero() {
			t.Errorf("%+v", e)
		}
		up.Store(true)
		w.wait(20 * time.Minute)
		w.took("a.jpg=A")
	})
}

// TestPeersDuplicatesAtEachStart: what was taken is not put, read or refused again.
func TestPeersDuplicatesAtEachStart(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.write("again.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		asked := 0
		w.tree.Refuse = func(string, int64) error { asked++; return errors.New("duplicate") }
		for range 3 {
			w.start()
			w.wait(5 * time.Minute)
		}
		if asked != 0 {
			t.Errorf("asked %d times", asked)
		}
		w.took("a.jpg=A", "again.jpg=A")
	})
}

// TestPeersDeletedThereStaysDeleted: an entry that a person removed is not put again,
// as long as the file stays what it is.
func TestPeersDeletedThereStaysDeleted(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.ok(w.tree.Remove("/inbox/a.jpg"))
		w.ok(os.Chtimes(w.at("a.jpg"), time.Unix(5, 0), time.Unix(5, 0)))
		w.wait(5 * time.Minute)
		w.start()
		w.wait(5 * time.Minute)
		w.took("a.jpg=A")
		w.holds()
	})
}

// TestPeersFailedUploadDeletesNothing: neither a refusal nor a failure removes a file.
func TestPeersFailedUploadDeletesNothing(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Finisher = &after{w: w}
		w.write("a.jpg", "A")
		w.write("refused.jpg", "R")
		w.tree.Refuse = func(name string, _ int64) error {
			if name == "/inbox/refused.jpg" {
				return refusal("too odd")
			}
			return nil
		}
		w.start()
		w.wait(4 * time.Second)
		w.outcome("a.jpg", watch.Outcome{Owed: 2, Done: 1, Trouble: true})
		w.wait(time.Hour)
		w.has("a.jpg", "A")
		w.has("refused.jpg", "R")
	})
}

// TestPeersStartIsNotBlocked: while thousands wait and every commit is slow, what is
// known is not read, the status answers, and what is new is looked at.
func TestPeersStartIsNotBlocked(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 6,000 files")
	}
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		for i := range 6000 {
			w.write(fmt.Sprintf("%d/%04d.jpg", i%6, i), fmt.Sprint(i))
		}
		w.tree.Slow = func() { time.Sleep(time.Second) }
		w.start()
		w.wait(time.Minute)
		s := w.f.Status()
		if n := len(w.tree.Versions()); n < 100 || n > 300 {
			t.Errorf("%d were taken in a minute", n)
		}
		if s.Waiting.Files < 3000 || s.Waiting.Files > 4096 {
			t.Errorf("%d wait at a time", s.Waiting.Files)
		}
		w.wait(time.Hour)
		if n := len(w.tree.Versions()); n != 6000 {
			t.Errorf("%d were taken", n)
		}
	})
}
