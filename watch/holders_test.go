package watch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway/watch"
)

// caseless makes names one that differ in case alone, as forms of Unicode are.
func caseless(w *world) {
	w.o.Key, w.tree.Key = strings.ToLower, strings.ToLower
}

// TestTwoNamesThatAreOne: the bytes of the first are not superseded, and the other is
// taken when it has a name of its own. If both came to be one entry before that was
// seen to, the entry goes with the last of them.
func TestTwoNamesThatAreOne(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		caseless(w)
		w.write("a.jpg", "one")
		w.write("A.jpg", "other")
		w.tree.Slow = func() { time.Sleep(time.Second) } // both are on their way at once
		w.start()
		w.wait(5 * time.Minute)
		if got := w.versions(); len(got) != 1 {
			t.Fatalf("put %q", got)
		}
		s := w.f.Status()
		if len(s.Troubles) != 1 || !strings.Contains(s.Troubles[0].Error, "another file of this folder, ") || s.Troubles[0].Next.IsZero() {
			t.Fatalf("%+v", s.Troubles)
		}
		second := s.Troubles[0].Path
		if e := w.explain(second); e.State != watch.Failed || !strings.Contains(e.Text, "rename one of them") {
			t.Errorf("%+v", e)
		}
		w.rename(second, "b.jpg")
		w.wait(70 * time.Second)
		if got := w.versions(); len(got) != 2 || len(w.f.Status().Troubles) != 0 {
			t.Errorf("put %q; %+v", got, w.f.Status().Troubles)
		}
	})
}

// TestTwoNamesOneIsFreed: where the one that was taken goes, the other is.
func TestTwoNamesOneIsFreed(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		caseless(w)
		w.write("a.jpg", "one")
		w.start()
		w.wait(4 * time.Second)
		w.write("A.jpg", "other")
		w.wait(5 * time.Minute)
		w.took("a.jpg=one")
		w.remove("a.jpg")
		w.wait(20 * time.Minute)
		w.took("a.jpg=one", "a.jpg=other")
		w.state("A.jpg", watch.Taken)
	})
}

// TestRenamedToTheSame: a file whose name is only written otherwise is the same.
func TestRenamedToTheSame(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		caseless(w)
		w.o.Follow = true
		w.write("a.jpg", "one")
		w.start()
		w.wait(4 * time.Second)
		w.rename("a.jpg", "A.jpg")
		w.wait(5 * time.Minute)
		w.took("a.jpg=one")
		w.holds("a.jpg=one")
		w.state("A.jpg", watch.Taken)
		w.remove("A.jpg")
		w.wait(5 * time.Minute)
		w.holds()
	})
}

// TestFollowOnlyTheLast: an entry that two remembered files are goes with the last one.
func TestFollowOnlyTheLast(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.halt()
		caseless(w)
		w.write("A.jpg", "A")
		info, err := os.Lstat(w.at("A.jpg"))
		w.ok(err)
		k := w.memory.All()[0]
		k.Path, k.Stat = "A.jpg", local{}.Stat(info)
		w.ok(w.memory.Store(t.Context(), "drop", []watch.Known{k}, nil))
		w.remove("a.jpg")
		w.start()
		w.wait(10 * time.Minute)
		w.state("a.jpg", watch.Gone)
		w.holds("a.jpg=A")
		w.remove("A.jpg")
		w.wait(10 * time.Minute)
		w.holds()
	})
}

// TestOtherFoldersFile: what is another folder's file too is neither removed nor put
// over.
func TestOtherFoldersFile(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		theirs := filepath.Join(t.TempDir(), "b.jpg")
		var entry atomic.Int64
		var broken atomic.Bool
		w.o.Others = func(_ context.Context, id int64) (string, error) {
			if broken.Load() {
				return "", errors.New("the memory cannot be read")
			}
			if id == entry.Load() {
				return theirs, nil
			}
			return "", nil
		}
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		broken.Store(true)
		w.remove("b.jpg")
		w.wait(5 * time.Minute)
		w.holds("a.jpg=A", "b.jpg=B")
		broken.Store(false)
		w.wait(20 * time.Minute)
		w.holds("a.jpg=A")
		entry.Store(w.tree.Entry("/inbox/a.jpg"))
		w.ok(os.WriteFile(theirs, nil, 0o600))
		w.write("a.jpg", "A2")
		w.wait(5 * time.Minute)
		w.took("a.jpg=A", "b.jpg=B")
		if s := w.f.Status(); len(s.Troubles) != 1 || !strings.Contains(s.Troubles[0].Error, "of another watched folder, "+theirs) {
			t.Errorf("%+v", s.Troubles)
		}
		w.remove("a.jpg")
		w.wait(20 * time.Minute)
		w.holds("a.jpg=A")
	})
}

// TestFollowNotWhatIsPutMeanwhile: bytes that come between the look and the removal
// stay.
func TestFollowNotWhatIsPutMeanwhile(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		var armed atomic.Bool
		w.tree.Slow = func() {
			if !armed.CompareAndSwap(true, false) {
				return
			}
			h, err := w.tree.Create("/inbox/a.jpg")
			w.ok(err)
			_, err = h.Write([]byte("by WebDAV"))
			w.ok(errors.Join(err, h.Close()))
		}
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		armed.Store(true)
		w.remove("a.jpg")
		w.wait(10 * time.Minute)
		w.holds("a.jpg=by WebDAV")
		w.state("a.jpg", watch.Gone)
		if s := w.f.Status(); len(s.Troubles) != 0 {
			t.Errorf("%+v", s.Troubles)
		}
	})
}
