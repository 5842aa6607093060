package ledger_test

import (
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// The brake holds what was in a folder that was moved just before, though the rows do
// not say yet where they are: file managers move to a folder for rubbish, and empty it.
func TestBrakeDuringReroute(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.hostMany("/a/here/sub", 15)
		w.hostMany("/a/here", 15)
		w.move(w.lookup("/a/here"), "/a/del")
		w.removeTree("/a/del")
		w.wantBrakes("/a/del 30")
		w.pass(time.Hour)
		w.takes(0)
		if n, err := w.l.ReleaseDeletions(t.Context(), ledger.DeletionQuery{Prefix: "/a/del"}); n != 30 || err != nil {
			t.Errorf("%d go on, %v", n, err)
		}
	})
}

// nameless is the outcome of a host that gives addresses, but no ids.
func nameless(name string) uploader.Outcome {
	o := done("")
	o.Picture.URL = "https://host/" + name
	return o
}

// A host that files pictures by their name has a new one at the address of the old:
// that is not deleted, whether it came before the deletion is taken in hand or after.
func TestAddressThatIsNeeded(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(func() vfs.Entry {
			e := w.put("/a/del/x.jpg", "X")
			w.finish(w.claim("one", 1)[0], nameless("x.jpg"))
			return e
		}())
		w.pass(time.Minute)
		w.put("/a/del/x.jpg", "new")
		w.finish(w.claim("one", 1)[0], nameless("x.jpg"))
		w.pass(time.Hour)
		w.takes(0)
		w.wantDeletions(":kept(A file that is here has this picture's bytes and its address.)")
	})
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(func() vfs.Entry {
			e := w.put("/a/del/x.jpg", "X")
			w.finish(w.claim("one", 1)[0], nameless("x.jpg"))
			return e
		}())
		w.pass(time.Hour)
		e := w.put("/a/del/x.jpg", "new")
		c := w.claim("one", 1)[0]
		d := w.takes(1)
		w.finish(c, nameless("x.jpg")) // it may be the one that is deleted next
		w.want(e, "one:settling")
		w.deleted(d...)
		w.pass(time.Hour)
		w.finish(w.claim("one", 1)[0], nameless("x.jpg"))
		w.want(e, "one:done")
	})
}

// A new picture at the address of one whose deletion does not come to its end is not
// sent again and again.
func TestAddressThatStaysDoomed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(time.Hour)
		w.takes(1)
		w.put("/a/del/y.jpg", "Y")
		sent := 0
		for range 4 * 3600 / 5 {
			got, _, err := w.l.Claim(t.Context(), request("one", 1))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range got {
				sent++
				w.finish(c, done("1"))
			}
			w.pass(5 * time.Second)
		}
		if sent < 10 || sent > 30 {
			t.Errorf("it was sent %d times in 4 hours", sent)
		}
	})
}

// What a destination has at its old host is not asked for at its new one.
func TestDeletionAtAnotherHost(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(time.Hour)
		moved := deletionRequest(10)
		moved.Host = "new"
		got, _, err := w.l.ClaimDeletions(t.Context(), moved)
		if len(got) != 0 || err != nil {
			t.Fatalf("%v, %v", got, err)
		}
		if s := w.deletions(); !strings.HasPrefix(s, "1:kept(") || !strings.Contains(s, "host1") {
			t.Error(s)
		}
	})
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(time.Hour)
		w.takes(1) // and nobody finishes it
		w.pass(time.Hour)
		moved := deletionRequest(10)
		moved.Host = "new"
		got, _, err := w.l.ClaimDeletions(t.Context(), moved)
		if len(got) != 0 || err != nil {
			t.Fatalf("%v, %v", got, err)
		}
		w.wantDeletions("1:failed")
		// Its bytes can be sent again.
		w.put("/a/y.jpg", "X")
		w.claim("one", 1)
	})
}

// What was being deleted at a destination that the configuration has no more is given
// up, and its bytes can be sent there by another.
func TestDeletionOfAnAbsentDestination(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(time.Hour)
		w.takes(1) // and nobody finishes it
		give := func(want string) {
			t.Helper()
			if err := w.l.GiveUpDeletions(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.wantDeletions(want)
		}
		w.pass(time.Hour)
		give("1:deleting")
		w.l.Configure(w.router, []string{"two"})
		give("1:failed")
		w.l.Configure(w.router, []string{"one", "two"})
		w.put("/a/y.jpg", "X")
		w.claim("one", 1)
	})
}

// A picture stays the file's own while a replay tries to make another and fails.
func TestReplayThatFailsForgetsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.host("/a/x.jpg", "X", "1")
		other := w.put("/a/del/y.jpg", "X")
		c := w.claim("one", 1)[0]
		o := done("1")
		o.Picture = &c.Known[0]
		w.finish(c, o)
		w.owe("one", ledger.AgainAll, false, e)
		c = w.claim("one", 1)[0]
		w.finish(c, uploader.Outcome{State: uploader.Failed, Kind: "permanent", Error: "no", Requested: true})
		w.want(e, "one:failed")
		w.remove(other)
		w.pass(time.Hour)
		w.takes(0)
		w.wantDeletions("1:kept(A file that is here has this picture's bytes and its address.)")
	})
}
