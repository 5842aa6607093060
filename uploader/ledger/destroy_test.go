package ledger_test

import (
	"testing"
	"time"

	"slipway/uploader"
)

// existing is the outcome of a host that had the very picture before.
func existing(id string) uploader.Outcome {
	o := done(id)
	o.Picture.Existing = true
	return o
}

// What the host had before it was sent from here is somebody else's.
func TestWhatTheHostHadIsNotDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/del/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], existing("7"))
		us, err := w.l.Entry(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.remove(e)
		w.pass(time.Hour)
		w.takes(0)
		w.wantDeletions("7:kept(The host had this picture before it was sent from here. Delete it there by hand if it has to go.)")
		if _, err := w.l.DeleteHosted(t.Context(), us[0].Picture.ID); err != nil { // who asks for it gets it
			t.Fatal(err)
		}
		w.takes(1)
	})
}

// A repeated request is answered with what the one before it made: that is ours.
func TestWhatWasSentTwiceIsDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/del/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.Settling, Kind: "temporary", Requested: true, Tries: 1})
		w.finish(w.claim("one", 1)[0], existing("7"))
		w.remove(e)
		// So is what other bytes of ours made at that address.
		f := w.put("/a/del/y.jpg", "Y")
		w.finish(w.claim("one", 1)[0], done("8"))
		g := w.put("/a/del/z.jpg", "Z")
		w.finish(w.claim("one", 1)[0], existing("8"))
		w.remove(f)
		w.remove(g)
		w.pass(time.Hour)
		w.takes(3)
	})
}

// Nor does anything take its place: pages that somebody wrote show it.
func TestWhatTheHostHadIsNotReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.put("/a/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], existing("7"))
		w.put("/a/x.jpg", "Y")
		r := request("one", 1)
		r.Replaces = true
		got, _, err := w.l.Claim(t.Context(), r)
		if err != nil || len(got) != 1 || got[0].Earlier != nil {
			t.Fatalf("%+v, %v", got, err)
		}
		w.finish(got[0], done("8"))
		w.put("/a/x.jpg", "Z")
		if got, _, err = w.l.Claim(t.Context(), r); err != nil || len(got) != 1 || got[0].Earlier == nil || got[0].Earlier.Result.ID != "8" {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

// A tree that was moved, and is removed before the rows say where its files are: none is
// deleted that a route may keep.
func TestRemovalByTheRightRoute(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.hostMany("/a/x/safe", 2)
		w.hostMany("/a/x", 1)
		w.move(w.lookup("/a/x"), "/a/del")
		w.removeTree("/a/del")
		if n := w.count("SELECT count(*) FROM deletions"); n != 1 {
			t.Errorf("%d deletions of 1: %s", n, w.deletions())
		}
	})
	onBoth(t, func(t *testing.T, w *world) {
		w.hostMany("/a/del/x", 2)
		w.move(w.lookup("/a/del/x"), "/a/del/safe")
		w.removeTree("/a/del")
		w.wantDeletions("")
	})
	onBoth(t, func(t *testing.T, w *world) {
		w.hostMany("/a/x/sub/safe", 2)
		w.hostMany("/a/x/sub/other", 1)
		w.move(w.lookup("/a/x"), "/a/del")
		w.removeTree("/a/del/sub")
		if n := w.count("SELECT count(*) FROM deletions"); n != 1 {
			t.Errorf("%d deletions of 1: %s", n, w.deletions())
		}
	})
}

// Settings that let nothing be deleted any more hold for what waits, too.
func TestRouteThatKeepsByThen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.host("/a/del/x.jpg", "X", "1")
		f := w.host("/a/del/y.jpg", "Y", "2")
		w.remove(e)
		w.l.Configure(keeping{}, []string{"one", "two", "three"})
		w.pass(time.Hour)
		w.takes(0)
		w.wantDeletions("1:kept(The route of its file keeps pictures at the hosts now.)")
		w.l.Configure(w.router, []string{"one", "two", "three"})
		w.remove(f)
		w.pass(time.Hour)
		w.takes(1)
	})
}

// keeping is a router that lets nothing be deleted.
type keeping struct{ router }

func (keeping) OnDelete(string) string { return uploader.KeepHosted }

// What is moved elsewhere at the time has no say.
func TestRemovalBesideAMove(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.hostMany("/a/del/sub", 2)
		w.hostMany("/a/x", 1)
		w.move(w.lookup("/a/x"), "/a/safe")
		w.removeTree("/a/del")
		if n := w.count("SELECT count(*) FROM deletions"); n != 2 {
			t.Errorf("%d deletions of 2: %s", n, w.deletions())
		}
	})
}
