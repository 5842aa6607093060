package ledger_test

import (
	"context"
	"testing"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// TestAwayComesAgain: an upload whose bytes were nowhere any more goes on when they
// are stored again, and one that is held for another reason does not.
func TestAwayComesAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for reason, want := range map[string]string{uploader.ReasonAway: "one:settling/quiet", uploader.ReasonNotWhole: "one:held/not-whole"} {
			e := w.put("/a/"+reason, reason)
			for _, c := range w.claimSome("one", 10) {
				w.finish(c, uploader.Outcome{State: uploader.Held, Kind: "held", Reason: reason})
			}
			w.put("/a/"+reason, reason)
			w.want(e, want)
		}
	})
}

// TestSpared: nothing needs bytes any more when all their uploads are done with an
// address, and only then.
func TestSpared(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		spared := func(e vfs.Entry) (yes bool) {
			w.tx(func(ctx context.Context, tx vfs.Tx) error {
				why, err := w.l.Needs(ctx, tx, e.SHA256, []blob.Ref{e.Blob, "unknown"})
				yes = why == ""
				return err
			})
			return yes
		}
		finish := func(e vfs.Entry, destination string, o uploader.Outcome) {
			t.Helper()
			for _, c := range w.claimSome(destination, 10) {
				if c.Entry == e.ID {
					w.finish(c, o)
					return
				}
			}
			t.Fatalf("%s has nothing to claim of %d", destination, e.ID)
		}
		e := w.put("/ab/d/a.jpg", "both")
		if spared(e) {
			t.Error("before it was sent")
		}
		finish(e, "one", done("1"))
		if spared(e) {
			t.Error("while one of two is waiting")
		}
		finish(e, "two", done("2"))
		if !spared(e) {
			t.Error("not after both were done: " + w.states(e))
		}
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO reroutes (dir) VALUES ($1)", int64(e.Parent))
			return err
		})
		if spared(e) {
			t.Error("while it is being found out whether more is owed")
		}
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM reroutes")
			return err
		})
		for name, o := range map[string]uploader.Outcome{
			"without an address": {State: uploader.Done, Kind: "done", Reason: uploader.ReasonNoURL},
			"failed":             {State: uploader.Failed, Kind: "permanent"},
			"held":               {State: uploader.Held, Kind: "held", Reason: uploader.ReasonByHand},
			"served by us":       {State: uploader.Done, Kind: "done", Requested: true, HoldBlob: true, Picture: done("9").Picture},
		} {
			e := w.put("/ab/d/"+name, name)
			finish(e, "one", done(name))
			finish(e, "two", o)
			if spared(e) {
				t.Errorf("%s: the bytes may go", name)
			}
		}
		if none := w.put("/none/x", "no route"); spared(none) {
			t.Error("what is sent nowhere may go")
		}
	})
}
