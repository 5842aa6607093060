package watch_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/watch"
)

// after writes one sidecar beside each file that says how its uploads stand, and
// removes files that are done with.
type after struct {
	w       *world
	mu      sync.Mutex
	folders []string
	fail    error
	tries   int
	// closed: no sidecar can be written; reopened: that has ended.
	closed, reopened bool
}

func (a *after) Update(ctx context.Context, k watch.Known, o *watch.Outcome, store watch.Store) (watch.Known, bool, error) {
	a.mu.Lock()
	closed := a.closed
	a.mu.Unlock()
	if closed {
		return k, true, nil
	}
	name, other := k.Path+".url", k.Path+".error.txt"
	text := "waiting"
	switch {
	case o == nil:
		text = ""
	case o.Trouble:
		name, other, text = other, name, "trouble"
	case o.Complete:
		text = "done"
	}
	want := map[string][32]byte{}
	if text != "" {
		want[name] = sha256.Sum256([]byte(text))
	}
	if _, had := k.Beside[other]; !had && len(k.Beside) == len(want) && k.Beside[name] == want[name] {
		return k, text != "waiting", nil
	}
	k.Beside = want
	if err := store(ctx, k); err != nil {
		return k, false, err
	}
	for _, p := range []string{other, name} {
		var err error
		if _, wanted := want[p]; wanted {
			err = os.WriteFile(a.w.at(p), []byte(text), 0o644)
		} else {
			err = os.Remove(a.w.at(p))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return k, false, err
		}
	}
	return k, text != "waiting", nil
}

func (a *after) Folder(_ context.Context, dir string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.folders = append(a.folders, dir)
	return nil
}

func (a *after) Reopened() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.reopened = false }()
	return a.reopened
}

func (a *after) Retries(k watch.Known, rel string) bool { return rel == k.Path+".error.txt" }

func (a *after) Finish(ctx context.Context, k watch.Known, _ watch.Outcome, store watch.Store) (watch.Known, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tries++
	if a.fail != nil {
		return k, false, a.fail
	}
	k.State = watch.Removing
	if err := store(ctx, k); err != nil {
		return k, false, err
	}
	if err := os.Remove(a.w.at(k.Path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return k, false, err
	}
	k.State = watch.Removed
	return k, true, nil
}

// finish says that all destinations have what is at a path, and is it.
func (w *world) outcome(rel string, o watch.Outcome) {
	w.Helper()
	w.tree.Set(w.tree.Entry("/inbox/"+rel), o)
	w.wait(200 * time.Millisecond)
}

var complete = watch.Outcome{Owed: 1, Done: 1, Complete: true}

func (w *world) has(rel, want string) {
	w.Helper()
	got, err := os.ReadFile(w.at(rel))
	if string(got) != want || err != nil && want != "" {
		w.Errorf("%s is %q (%v), want %q", rel, got, err, want)
	}
}

// TestOwnOutputs: what we write is never taken, however often it changes, and nothing
// of it starts anew at the next start.
func TestOwnOutputs(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		a := &after{w: w}
		w.o.Beside, w.o.Hints = a, w.hints
		w.write("sub/a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.has("sub/a.jpg.url", "waiting")
		w.hints.tell("sub", false)
		w.wait(2 * time.Minute)
		w.outcome("sub/a.jpg", complete)
		w.has("sub/a.jpg.url", "done")
		w.wait(2 * time.Minute)
		w.start()
		w.wait(5 * time.Minute)
		w.took("sub/a.jpg=A")
		a.mu.Lock()
		folders := slices.Clone(a.folders)
		a.mu.Unlock()
		if !slices.Contains(folders, "sub") {
			t.Errorf("folders: %q", folders)
		}
		w.remove("sub/a.jpg")
		w.wait(5 * time.Minute)
		w.has("sub/a.jpg.url", "")
		w.state("sub/a.jpg", watch.Gone)
	})
}

// TestRetryByRemoval: removing the sidecar that tells of a failure is another try.
func TestRetryByRemoval(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		a := &after{w: w}
		w.o.Beside, w.o.Hints = a, w.hints
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.outcome("a.jpg", watch.Outcome{Owed: 1, Trouble: true})
		w.has("a.jpg.error.txt", "trouble")
		w.wait(2 * time.Minute)
		if got := w.tree.Removed(); len(got) != 0 {
			t.Errorf("removed %q", got)
		}
		w.remove("a.jpg.error.txt")
		w.hints.tell("", false)
		w.wait(100 * time.Millisecond)
		if got := w.tree.Removed(); !slices.Equal(got, []string{"/inbox/a.jpg.error.txt"}) {
			t.Errorf("removed %q", got)
		}
		w.outcome("a.jpg", complete) // our own removal of it is no try
		w.has("a.jpg.url", "done")
		w.wait(2 * time.Minute)
		if got := w.tree.Removed(); len(got) != 1 {
			t.Errorf("removed %q", got)
		}
		w.took("a.jpg=A")
	})
}

// TestFinish: only what is complete is finished with, and never followed.
func TestFinish(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Finisher, w.o.Follow = &after{w: w}, true
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(4 * time.Second)
		w.outcome("b.jpg", watch.Outcome{Owed: 2, Done: 1, Trouble: true})
		w.outcome("a.jpg", complete)
		w.wait(10 * time.Minute)
		w.has("a.jpg", "")
		w.has("b.jpg", "B")
		w.state("a.jpg", watch.Removed)
		w.holds("a.jpg=A", "b.jpg=B")
		w.write("a.jpg", "A") // the same once more: taken, finished, and no upload
		w.wait(5 * time.Minute)
		w.has("a.jpg", "")
		w.took("a.jpg=A", "b.jpg=B")
	})
}

// TestFinishFails: an error there is tried again, and harms nothing else.
func TestFinishFails(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		a := &after{w: w, fail: errors.New("read-only")}
		w.o.Finisher = a
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.outcome("a.jpg", complete)
		w.has("a.jpg", "A")
		if s := w.f.Status(); len(s.Troubles) != 1 || s.Troubles[0].Path != "a.jpg" || !strings.Contains(s.Troubles[0].Error, "read-only") {
			t.Errorf("%+v", s.Troubles)
		}
		if e := w.explain("a.jpg"); e.State != watch.Failed || !strings.Contains(e.Text, "read-only") {
			t.Errorf("%+v", e)
		}
		w.wait(2 * time.Hour) // it is tried less and less often
		a.mu.Lock()
		if a.tries < 5 || a.tries > 20 {
			t.Errorf("it was tried %d times", a.tries)
		}
		a.fail = nil
		a.mu.Unlock()
		w.wait(17 * time.Minute)
		w.has("a.jpg", "")
		if s := w.f.Status(); len(s.Troubles) != 0 {
			t.Errorf("%+v", s.Troubles)
		}
	})
}

// TestReopened: sidecars that could not be written come when they can be.
func TestReopened(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		a := &after{w: w, closed: true}
		w.o.Beside = a
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.outcome("a.jpg", complete)
		w.wait(10 * time.Minute)
		w.has("a.jpg.url", "")
		a.mu.Lock()
		a.closed, a.reopened = false, true
		a.mu.Unlock()
		w.wait(2 * time.Minute)
		w.has("a.jpg.url", "done")
	})
}

// TestNotFinishedWhenChanged: the uploads are of other bytes than those that stand there.
func TestNotFinishedWhenChanged(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Finisher = &after{w: w}
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		h, err := w.tree.Create("/inbox/a.jpg")
		w.ok(err)
		_, err = h.Write([]byte("other"))
		w.ok(errors.Join(err, h.Close()))
		w.outcome("a.jpg", complete)
		w.wait(5 * time.Minute)
		w.has("a.jpg", "A")
	})
}
