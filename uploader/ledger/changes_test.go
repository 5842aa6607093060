package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"slipway/uploader/ledger"
	"slipway/vfs"
)

// listen returns a function that waits for what changed, with the ledger's
// housekeeping at work.
func (w *world) listen() func() ledger.Changed {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	l, n := w.l, w.l.Listen()
	go func() { ended <- l.Run(ctx) }()
	w.t.Cleanup(func() { stop(); <-ended; n.Close() })
	return func() ledger.Changed {
		w.t.Helper()
		select {
		case <-n.Changed():
			return n.Take()
		case <-time.After(20 * time.Second):
			w.t.Fatal("nobody said that something changed")
			panic("unreachable")
		}
	}
}

// TestListen: whoever listens is told of each entry whose uploads, name or bytes
// changed, and where what was removed stood.
func TestListen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		next := w.listen()
		is := func(what string, ids ...vfs.ID) {
			t.Helper()
			if got := next(); got.All || !slices.Equal(got.Entries, ids) {
				t.Errorf("%s: %+v, want %v", what, got, ids)
			}
		}
		e := w.put("/a/x.jpg", "X")
		is("stored", e.ID)
		c := w.claim("one", 1)[0]
		is("claimed", e.ID)
		w.finish(c, done("1"))
		is("finished", e.ID)
		e = w.move(e, "/b/x.jpg")
		is("moved", e.ID)
		us, err := w.l.Entry(t.Context(), e.ID)
		if err != nil || len(us) != 2 {
			t.Fatal(us, err)
		}
		if err := w.l.Hold(t.Context(), us[1].ID); err != nil {
			t.Fatal(err)
		}
		is("held", e.ID)
		if err := w.l.Pause(t.Context(), "one", "enough"); err != nil {
			t.Fatal(err)
		}
		if got := next(); !got.All {
			t.Errorf("paused: %+v", got)
		}
		w.remove(e)
		if got := next(); got.All || len(got.Entries) != 0 || got.Gone[e.ID] != "/b/x.jpg" {
			t.Errorf("removed: %+v", got)
		}
	})
}

// TestListenOverflows: who does not keep up hears that it may be anything.
func TestListenOverflows(t *testing.T) {
	w := newWorld(t, sqlite(t))
	early := w.l.Listen()
	defer early.Close()
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		for i := range 1100 {
			if _, err := w.putIn(ctx, tx, fmt.Sprintf("/a/%d.jpg", i), "X"); err != nil {
				return err
			}
		}
		return nil
	})
	next := w.listen() // from here on somebody waits for commits
	if got := next(); !got.All || len(got.Entries) != 0 {
		t.Errorf("%v, %d entries", got.All, len(got.Entries))
	}
	e := w.put("/a/one.jpg", "X")
	if got := next(); got.All || !slices.Equal(got.Entries, []vfs.ID{e.ID}) {
		t.Errorf("after it: %+v", got)
	}
}

// TestListenAfterTheCommit: nothing is told before it can be read.
func TestListenAfterTheCommit(t *testing.T) {
	w := newWorld(t, sqlite(t))
	n := w.l.Listen()
	defer n.Close()
	other := w.put("/a/other.jpg", "O")
	stop := errors.New("the change is undone")
	err := w.db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
		if _, err := w.putIn(ctx, tx, "/a/x.jpg", "X"); err != nil {
			return err
		}
		if got := n.Take(); got.All || len(got.Entries) != 0 {
			t.Errorf("told before the commit: %+v", got)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if err := w.l.RetryNow(t.Context(), other.ID, w.clock()); err != nil {
		t.Fatal(err)
	}
	if got := n.Take(); !slices.Equal(got.Entries, []vfs.ID{other.ID}) {
		t.Errorf("%+v", got)
	}
}
