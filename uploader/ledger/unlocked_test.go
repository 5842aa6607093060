package ledger_test

import (
	"testing"
	"time"

	"slipway/uploader"
)

// TestUnlocked: what waited for a lock goes on at once, at and below the path, and
// nothing else does.
func TestUnlocked(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		in, deep, other, beside := w.put("/a/d/x.jpg", "X"), w.put("/a/d/e/y.jpg", "Y"), w.put("/a/z.jpg", "Z"), w.put("/a/dd/v.jpg", "V")
		w.locked[in.ID], w.locked[deep.ID], w.locked[other.ID], w.locked[beside.ID] = true, true, true, true
		w.idle("one")
		clear(w.locked)
		if got := w.claimSome("one", 10); len(got) != 0 {
			t.Fatalf("claimed %d that rest", len(got))
		}
		wakes, cancel := w.l.Wakes("one")
		defer cancel()
		if err := w.l.Unlocked(t.Context(), "/a/d"); err != nil {
			t.Fatal(err)
		}
		select {
		case at := <-wakes:
			if at.After(w.clock()) {
				t.Errorf("woken for %v", at)
			}
		default:
			t.Error("the workers were not woken")
		}
		got := w.claimSome("one", 10)
		if len(got) != 2 || got[0].Entry+got[1].Entry != in.ID+deep.ID {
			t.Errorf("claimed %+v", got)
		}
		w.want(other, "one:settling/locked")
		w.want(beside, "one:settling/locked")
		if err := w.l.Unlocked(t.Context(), "/"); err != nil || len(w.claimSome("one", 10)) != 2 {
			t.Errorf("the root was unlocked: %v", err)
		}
		if err := w.l.Unlocked(t.Context(), "/none"); err != nil {
			t.Error(err)
		}
		select {
		case <-wakes: // of the root
		default:
		}
		if err := w.l.Unlocked(t.Context(), "/a"); err != nil || len(wakes) > 0 {
			t.Errorf("woken for nothing, %v", err)
		}
	})
}

// TestUnlockedKeepsQuiet: a file written anew under a lock waits for its quiet
// time although the lock ended.
func TestUnlockedKeepsQuiet(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "X")
		w.locked[e.ID] = true
		w.idle("one")
		w.quiet = 30 * time.Second
		w.put("/a/x.jpg", "X")
		clear(w.locked)
		w.want(e, "one:settling/quiet")
		if err := w.l.Unlocked(t.Context(), "/a/x.jpg"); err != nil {
			t.Fatal(err)
		}
		w.idle("one")
		w.pass(30 * time.Second)
		if got := w.claim("one", 1); got[0].State != uploader.Sending {
			t.Errorf("%+v", got)
		}
	})
}
