package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// brakes describes those that stand: "/a/del 21".
func (w *world) brakes() (s string) {
	w.t.Helper()
	all, err := w.l.Brakes(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for i, b := range all {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%s %d", b.Folder, b.Waiting)
	}
	return s
}

func (w *world) wantBrakes(want string) {
	w.t.Helper()
	if got := w.brakes(); got != want {
		w.t.Fatalf("brakes are %q, want %q", got, want)
	}
}

// deletionsIn returns how many deletions are in a state.
func (w *world) deletionsIn(state uploader.DeletionState) int {
	w.t.Helper()
	ds, err := w.l.Deletions(w.t.Context(), ledger.DeletionQuery{States: []uploader.DeletionState{state}, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(ds)
}

func (w *world) removeEach(es []vfs.Entry) {
	for _, e := range es {
		w.remove(e)
	}
}

func TestBrake(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(w *world)
		brakes string
	}{
		"20 of 20": {func(w *world) { w.removeEach(w.hostMany("/a/del", 20)) }, ""},
		"21 of 30": {func(w *world) { w.removeEach(w.hostMany("/a/del", 30)[:21]) }, "/a/del 21"},
		"later ones join": {func(w *world) {
			w.removeEach(w.hostMany("/a/del", 60)[:40])
			w.pass(time.Hour)
			w.remove(w.host("/a/del/new.jpg", "new", "9"))
		}, "/a/del 41"},
		"21 of 105": {func(w *world) { w.removeEach(w.hostMany("/a/del", 105)[:21]) }, ""},
		"22 of 105": {func(w *world) { w.removeEach(w.hostMany("/a/del", 105)[:22]) }, "/a/del 22"},
		"slowly": {func(w *world) {
			for _, e := range w.hostMany("/a/del", 60)[:50] {
				w.remove(e)
				w.pass(20 * time.Second)
			}
		}, ""},
		"after additions": {func(w *world) {
			es := w.hostMany("/a/del", 40)
			w.pass(time.Minute)
			w.removeEach(es[:10])
			w.pass(time.Second)
			w.hostMany("/a/del/more", 200)
			w.removeEach(es[10:21])
		}, "/a/del 21"},
		"tree": {func(w *world) {
			w.hostMany("/a/del/x", 21)
			w.removeTree("/a/del/x")
		}, "/a/del/x 21"},
		"small tree": {func(w *world) {
			w.hostMany("/a/del/x", 20)
			w.removeTree("/a/del/x")
		}, ""},
		"many small folders": {func(w *world) {
			for i := range 6 {
				w.hostMany(fmt.Sprintf("/a/del/%d", i), 5)
			}
			for i := range 5 {
				w.removeTree(fmt.Sprintf("/a/del/%d", i))
			}
		}, "/a/del 25"},
		"a tree of small folders": {func(w *world) {
			for i := range 6 {
				w.hostMany(fmt.Sprintf("/a/del/%d", i), 5)
			}
			w.removeTree("/a/del")
		}, "/a/del 30"},
		"a small part of the site": {func(w *world) {
			w.hostMany("/a/x", 200)
			for i := range 6 {
				w.hostMany(fmt.Sprintf("/a/del/%d", i), 5)
				w.removeEach(w.hostMany(fmt.Sprintf("/a/del/%d", i+10), 5))
			}
		}, "/a/del 30"},
		"above a brake": {func(w *world) {
			es := w.hostMany("/a/del/x", 25)
			w.removeEach(es[:21])
			w.remove(w.host("/a/del/y.jpg", "Y", "9")) // alone
			w.wantBrakes("/a/del/x 21")
			w.hostMany("/a/del/z", 21)
			w.removeTree("/a/del")
		}, "/a/del 47"},
		"routes that keep": {func(w *world) { w.removeEach(w.hostMany("/a/x", 40)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				c.do(w)
				w.wantBrakes(c.brakes)
				if c.brakes == "" && w.deletionsIn(uploader.DeletionPaused) > 0 {
					t.Error("something is paused")
				}
			})
		})
	}
}

func TestBrakeHoldsUntilAPersonDecides(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		es := w.hostMany("/a/del/b", 30)
		w.removeEach(es[:25])
		w.pass(24 * time.Hour)
		w.reopen()
		w.takes(0)
		w.wantBrakes("/a/del/b 25")
		w.put("/a/del/b/new.jpg", "/a/del/b0") // of the first
		u := w.claim("one", 1)[0]
		w.finish(u, uploader.Outcome{State: uploader.Done, Picture: &u.Known[0]})
		one, err := w.l.Deletions(t.Context(), ledger.DeletionQuery{Limit: 1})
		if err != nil || one[0].State != uploader.DeletionPaused || one[0].Error == "" || one[0].Remedy == "" || one[0].Brake == 0 {
			t.Fatalf("%+v, %v", one, err)
		}
		if n, err := w.l.RefuseDeletions(t.Context(), ledger.DeletionQuery{IDs: []int64{one[0].ID}}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		w.wantBrakes("/a/del/b 24")
		if n, err := w.l.ReleaseDeletions(t.Context(), ledger.DeletionQuery{Prefix: "/a/del"}); n != 24 || err != nil {
			t.Fatal(n, err)
		}
		w.wantBrakes("")
		// Removing more does not stop what was let go on.
		w.removeEach(es[25:])
		done := 0
		for range 5 {
			c, _, err := w.l.ClaimDeletions(t.Context(), deletionRequest(10))
			if err != nil {
				t.Fatal(err)
			}
			w.deleted(c...)
			done += len(c)
		}
		if done != 23 || w.deletionsIn(uploader.DeletionKept) != 2 || w.deletionsIn(uploader.DeletionWaiting) != 5 {
			t.Errorf("%d were deleted; %s", done, w.deletions())
		}
	})
}

// Undone, there is nothing to ask any more.
func TestBrakeEndsWhenAllIsBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		es := w.hostMany("/a/del", 25)
		w.removeTree("/a/del")
		w.wantBrakes("/a/del 25")
		for i := range es {
			w.put(fmt.Sprintf("/a/del/%03d.jpg", i), fmt.Sprint("/a/del", i))
		}
		for _, u := range w.claim("one", 25) {
			w.finish(u, uploader.Outcome{State: uploader.Done, Picture: &u.Known[0]})
		}
		w.pass(11 * time.Minute)
		w.takes(0)
		w.wantBrakes("")
		if n := w.deletionsIn(uploader.DeletionKept); n != 25 {
			t.Error(n, w.deletions())
		}
	})
}

// Whatever was recorded before the brake, and lies below it, is not deleted.
func TestBrakeAtTheLastMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/first.jpg", "F", "1"))
		w.pass(11 * time.Minute)
		w.removeEach(w.hostMany("/a/del", 25)[:21])
		w.takes(0)
		w.wantBrakes("/a/del 22")
	})
}

// To remove a folder file by file costs the same for each, however many there are.
func TestBrakeIsCheap(t *testing.T) {
	w := newWorld(t, sqlite(t))
	es := w.hostMany("/a/del", 400)
	rows := 0
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		n := 0
		for _, e := range es[:70] {
			if _, err := tx.Exec(ctx, "DELETE FROM entries WHERE id = $1", int64(e.ID)); err != nil {
				return err
			}
			err := w.l.OnCommit(ctx, counted{tx, &n}, []vfs.Change{{Kind: vfs.Removed, Entry: e, Path: "/a/del/" + e.Name, IDs: []vfs.ID{e.ID}}})
			if err != nil {
				return err
			}
		}
		rows = n
		return nil
	})
	if per := rows / 70; per > 16 {
		t.Errorf("%d statements for each file", per)
	}
	w.wantBrakes("")
}
