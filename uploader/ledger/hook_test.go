package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// into brings the only row of a fresh file at /a/x.jpg into a state.
var into = map[uploader.State]func(w *world) vfs.Entry{
	uploader.Settling: func(w *world) vfs.Entry { return w.put("/a/x.jpg", "X") },
	uploader.Sending: func(w *world) vfs.Entry {
		e := w.put("/a/x.jpg", "X")
		w.claim("one", 1)
		return e
	},
	uploader.Superseded: func(w *world) vfs.Entry {
		e := w.put("/a/x.jpg", "X")
		w.put("/a/x.jpg", "between")
		w.tx(func(ctx context.Context, tx vfs.Tx) error { // as if nothing of it were left
			_, err := tx.Exec(ctx, "DELETE FROM uploads WHERE state = 'settling'")
			return err
		})
		w.restore(e)
		return e
	},
	uploader.Dropped: func(w *world) vfs.Entry {
		e := w.put("/a/x.jpg", "X")
		if err := w.l.Drop(w.t.Context(), w.only(e).ID); err != nil {
			w.t.Fatal(err)
		}
		return e
	},
}

func (w *world) into(s uploader.State) vfs.Entry {
	w.t.Helper()
	if f, ok := into[s]; ok {
		return f(w)
	}
	e := w.put("/a/x.jpg", "X")
	o := uploader.Outcome{State: s, Reason: "why", Error: "what happened", Remedy: "what to do", Requested: true, Tries: 3, Wait: -1,
		Lost: s == uploader.AmbiguousState}
	if s == uploader.Done || s == uploader.Awaiting {
		o = done("1")
		o.State = s
	}
	w.finish(w.claim("one", 1)[0], o)
	return e
}

// restore gives e's entry its bytes back behind the ledger's back.
func (w *world) restore(e vfs.Entry) {
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE entries SET sha256 = $1 WHERE id = $2", e.SHA256[:], int64(e.ID))
		return err
	})
}

// only returns the row of e's present bytes for "one".
func (w *world) only(e vfs.Entry) uploader.Upload {
	w.t.Helper()
	us, err := w.l.Entry(w.t.Context(), e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range us {
		if u.Destination == "one" {
			return u
		}
	}
	w.t.Fatal("no row")
	return uploader.Upload{}
}

// owed reports whether the row still holds its bytes.
func owed(u uploader.Upload) bool { return u.Blob != "" }

// TestChangesInEveryState has what each change of a file makes of its row in
// each state.
func TestChangesInEveryState(t *testing.T) {
	changes := map[string]func(w *world, e vfs.Entry){
		"the same bytes": func(w *world, e vfs.Entry) { w.put("/a/x.jpg", "X") },
		"other bytes":    func(w *world, e vfs.Entry) { w.put("/a/x.jpg", "Y") },
		"renamed":        func(w *world, e vfs.Entry) { w.move(e, "/a/y.jpg") },
		"moved away":     func(w *world, e vfs.Entry) { w.move(e, "/b/x.jpg") },
		"removed":        func(w *world, e vfs.Entry) { w.remove(e) },
	}
	for state, want := range map[uploader.State]map[string]string{
		uploader.Settling: {"the same bytes": "settling/quiet", "other bytes": "superseded/replaced", "renamed": "settling/quiet",
			"moved away": "superseded/moved", "removed": "dropped/removed"},
		uploader.Sending: {"the same bytes": "sending", "other bytes": "sending", "renamed": "sending", "moved away": "sending", "removed": "sending"},
		uploader.Held: {"the same bytes": "held/why", "other bytes": "superseded/replaced", "renamed": "held/why",
			"moved away": "superseded/moved", "removed": "dropped/removed"},
		uploader.Awaiting: {"the same bytes": "awaiting", "other bytes": "awaiting", "renamed": "awaiting", "moved away": "awaiting", "removed": "awaiting"},
		uploader.Done:     {"the same bytes": "done", "other bytes": "done", "renamed": "done", "moved away": "done", "removed": "done"},
		uploader.Failed: {"the same bytes": "settling/quiet", "other bytes": "superseded/replaced", "renamed": "failed/why",
			"moved away": "superseded/moved", "removed": "dropped/removed"},
		uploader.AmbiguousState: {"the same bytes": "ambiguous/why", "other bytes": "superseded/replaced", "renamed": "ambiguous/why",
			"moved away": "superseded/moved", "removed": "dropped/removed"},
		uploader.Superseded: {"the same bytes": "settling/quiet", "other bytes": "superseded/replaced", "renamed": "settling/quiet",
			"moved away": "superseded/replaced", "removed": "superseded/replaced"},
		uploader.Dropped: {"the same bytes": "settling/quiet", "other bytes": "dropped/by-hand", "renamed": "dropped/by-hand",
			"moved away": "dropped/by-hand", "removed": "dropped/by-hand"},
	} {
		for change, want := range want {
			t.Run(string(state)+" "+change, func(t *testing.T) {
				w := newWorld(t, sqlite(t))
				e := w.into(state)
				changes[change](w, e)
				u := w.only(e)
				got := string(u.State)
				if u.Reason != "" {
					got += "/" + u.Reason
				}
				if got != want {
					t.Fatalf("is %s, want %s", got, want)
				}
				if owed(u) != u.State.Live() {
					t.Errorf("%s, and its blob is %q", got, u.Blob)
				}
				if n := w.count("SELECT count(*) FROM garbage WHERE ref = $1", string(e.Blob)); n == 0 && !owed(u) {
					t.Errorf("%s, and its blob is not among the garbage", got)
				}
				if u.State == uploader.Settling && state == uploader.Failed && (u.Tries != 0 || u.Error != "") {
					t.Errorf("not a fresh start: %+v", u)
				}
			})
		}
	}
}

func TestOldBytesComeBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "A")
		w.put("/a/x.jpg", "B")
		w.want(e, "one:superseded/replaced one:settling/quiet")
		w.put("/a/x.jpg", "A")
		w.want(e, "one:settling/quiet one:superseded/replaced")
		c := w.claim("one", 1)[0]
		w.put("/a/x.jpg", "B")
		w.put("/a/x.jpg", "A") // and back while it is sent: a failure is tried again
		w.finish(c, uploader.Outcome{State: uploader.Settling, Reason: uploader.ReasonBackoff, Requested: true, Tries: 1})
		w.want(e, "one:settling/backoff one:superseded/replaced")
		w.finish(w.claim("one", 1)[0], done("1"))
		w.put("/a/x.jpg", "B")
		w.put("/a/x.jpg", "A") // done stays done
		w.want(e, "one:done one:superseded/replaced")
		w.idle("one")
	})
}

func TestQuietIsSinceTheLastChange(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.quiet = 2 * time.Second
	e := w.put("/a/x.jpg", "A")
	for range 5 {
		w.pass(1500 * time.Millisecond)
		w.idle("one")
		w.put("/a/x.jpg", "A")
	}
	w.pass(1500 * time.Millisecond)
	w.idle("one")
	w.pass(500 * time.Millisecond)
	w.claim("one", 1)
	w.want(e, "one:sending")
}

func TestCeilingEndsEndlessRewriting(t *testing.T) {
	for name, content := range map[string]func(i int) string{
		"other bytes": func(i int) string { return fmt.Sprint("bytes ", i) },
		"same bytes":  func(int) string { return "bytes" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sqlite(t))
			w.quiet, w.ceiling = 2*time.Second, 10*time.Second
			e := w.put("/a/x.jpg", content(0))
			for i := range 9 {
				w.idle("one")
				w.pass(time.Second)
				e = w.put("/a/x.jpg", content(i+1))
			}
			w.pass(time.Second)
			if c := w.claim("one", 1)[0]; c.Entry != e.ID || c.SHA256 != e.SHA256 {
				t.Errorf("claimed %+v", c)
			}
			e = w.put("/a/x.jpg", "after") // a new time begins
			w.pass(1500 * time.Millisecond)
			w.idle("one")
		})
	}
}

func TestChangedFollowsEveryChange(t *testing.T) {
	w := newWorld(t, sqlite(t))
	e := w.put("/a/x.jpg", "X")
	last := w.only(e).Changed
	step := func(what string, f func()) {
		t.Helper()
		w.pass(time.Second)
		f()
		if got := w.only(e).Changed; !got.Equal(w.clock()) || !got.After(last) {
			t.Errorf("%s: changed at %v, now %v", what, got, w.clock())
		}
		last = w.only(e).Changed
	}
	var c uploader.Claimed
	step("claim", func() { c = w.claim("one", 1)[0] })
	step("finish", func() { w.finish(c, uploader.Outcome{State: uploader.Held, Reason: "why", Wait: -1}) })
	step("release", func() {
		if err := w.l.Release(t.Context(), w.only(e).ID); err != nil {
			t.Fatal(err)
		}
	})
	step("pause", func() {
		if err := w.l.Pause(t.Context(), "one", "by hand"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTemporaryNamesOweNothingUntilTheFinalName(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/ab/x.part", "X")
		w.want(e, "")
		e = w.move(e, "/ab/x.jpg")
		w.want(e, "one:settling/quiet two:settling/quiet")
		c := w.claim("one", 1)[0]
		if c.Path != "/ab/x.jpg" {
			t.Errorf("claimed at %s", c.Path)
		}
		w.put("/a/empty.jpg", "")
	})
}

func TestMoveToARouteOfOtherDestinations(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], done("1"))
		e = w.move(e, "/ab/x.jpg") // one has it already
		w.want(e, "one:done two:settling/quiet")
		e = w.move(e, "/a/y.jpg")
		w.want(e, "one:done two:superseded/moved")
		e = w.move(e, "/b/y.jpg")
		w.want(e, "one:done two:settling/quiet")
		u := w.claim("two", 1)[0]
		if u.Path != "/b/y.jpg" {
			t.Errorf("%+v", u)
		}
	})
}

// rerouting checks what the ledger says of moved trees.
func (w *world) rerouting(want bool) {
	w.t.Helper()
	if under, err := w.l.Rerouting(w.t.Context()); err != nil || under != want {
		w.t.Errorf("moved trees wait: %v (%v), want %v", under, err, want)
	}
}

func TestTreesAreExpandedBeforeAnyClaim(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const files = 603 // more than a batch
		var es []vfs.Entry
		for i := range files {
			es = append(es, w.put(fmt.Sprintf("/unrouted/sub%d/%d.jpg", i%3, i), fmt.Sprint(i)))
		}
		w.move(w.lookup("/unrouted"), "/ab/new")
		w.idle("one") // nothing is decided yet
		w.rerouting(true)
		run(t, w, func() bool { return w.count("SELECT count(*) FROM reroutes") == 0 })
		w.rerouting(false)
		if n := w.count("SELECT count(*) FROM uploads WHERE state = 'settling'"); n != 2*files {
			t.Fatalf("%d rows, want %d", n, 2*files)
		}
		w.want(es[7], "one:settling/quiet two:settling/quiet")
		if u := w.only(es[7]); u.Path != "/ab/new/sub1/7.jpg" {
			t.Errorf("at %s", u.Path)
		}
		w.finish(w.claim("one", 1)[0], done("1"))
		w.move(w.lookup("/ab/new"), "/b/new")
		run(t, w, func() bool { return w.count("SELECT count(*) FROM reroutes") == 0 })
		for query, want := range map[string]int{
			"destination = 'one' AND state = 'superseded' AND reason = 'moved' AND blob IS NULL": files - 1,
			"destination = 'one' AND state = 'done'":                                             1,
			"destination = 'two' AND state = 'settling'":                                         files,
			"path LIKE '/b/new/sub%'":                                                            2 * files,
		} {
			if n := w.count("SELECT count(*) FROM uploads WHERE " + query); n != want {
				t.Errorf("%d rows where %s, want %d", n, query, want)
			}
		}
	})
}

// run runs the ledger's housekeeping until done holds.
func run(t *testing.T, w *world, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	changed, stop := w.l.Watch()
	defer stop()
	ended := make(chan error)
	go func() { ended <- w.l.Run(ctx) }()
	for end := time.After(2 * time.Minute); !done() && !t.Failed(); {
		select {
		case <-changed:
		case <-end:
			t.Error("the ledger's housekeeping does not come to an end")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestExpansionGoesOnAfterACrash(t *testing.T) {
	w := newWorld(t, sqlite(t))
	const files = 1100
	for i := range files {
		w.put(fmt.Sprintf("/unrouted/%d.jpg", i), fmt.Sprint(i))
	}
	w.move(w.lookup("/unrouted"), "/a/new")
	for left := 100; w.count("SELECT count(*) FROM reroutes") > 0; left-- {
		if left == 0 {
			t.Fatal("no end")
		}
		broken := &brokenDatabase{Database: w.db}
		broken.left.Store(1) // deals with one batch, of this or of words, and is gone
		l, err := ledger0(w, broken)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		broken.broke = cancel
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	if n := w.count("SELECT count(*) FROM uploads WHERE state = 'settling'"); n != files {
		t.Fatalf("%d rows, want %d", n, files)
	}
	w.reopen()
	w.claim("one", 10)
}

func TestRemovedTreeLetsEverythingGo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var es []vfs.Entry
		for i := range 333 {
			es = append(es, w.put(fmt.Sprintf("/ab/%d.jpg", i), fmt.Sprint(i)))
		}
		c := w.claim("one", 1)[0]
		w.remove(es...)
		if n := w.count("SELECT count(*) FROM uploads WHERE state = 'dropped' AND reason = 'removed' AND blob IS NULL"); n != 665 {
			t.Errorf("%d rows were dropped", n)
		}
		if n := w.count("SELECT count(*) FROM garbage"); n != 333 {
			t.Errorf("%d blobs were let go of", n)
		}
		w.finish(c, done("1"))
		w.want(es[0], "one:done two:dropped/removed")
		w.idle("one")
	})
}

func TestAlbumFileLooksAgainAtHeldRows(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		held := map[string]vfs.Entry{}
		for _, reason := range []string{uploader.ReasonNoAlbum, uploader.ReasonSettings, uploader.ReasonType, uploader.ReasonByHand} {
			held[reason] = w.put("/a/"+reason, reason)
			w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.Held, Reason: reason, Error: "no"})
		}
		w.put("/unrouted/.album.toml", "album_id = 1")
		for reason, e := range held {
			want := "one:settling/quiet"
			if reason == uploader.ReasonByHand {
				want = "one:held/by-hand"
			}
			w.want(e, want)
		}
	})
}

func TestHookFailsWithTheChange(t *testing.T) {
	w := newWorld(t, sqlite(t))
	bad := errors.New("the change failed after the hook")
	err := w.db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
		if _, err := w.putIn(ctx, tx, "/a/x.jpg", "X"); err != nil {
			return err
		}
		return bad
	})
	if !errors.Is(err, bad) || w.count("SELECT count(*) FROM uploads") != 0 {
		t.Fatal(err, "rows were left")
	}
}

func TestHookIsCheap(t *testing.T) {
	w := newWorld(t, sqlite(t))
	var n int
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		e, err := w.putIn(ctx, tx, "/unrouted/x.jpg", "X")
		if err != nil {
			return err
		}
		return w.l.OnCommit(ctx, counted{tx, &n}, []vfs.Change{{Kind: vfs.Stored, Entry: e, Path: "/a/x.jpg"}})
	})
	if n > 3 {
		t.Errorf("%d statements for a fresh file, want at most 3", n)
	}
}

// What waits behind another of the same bytes goes on when that one is given up,
// be its reply lost or be it the one that was let go first.
func TestSameBytesGoOnBehindOneGivenUp(t *testing.T) {
	for name, giveUp := range map[string]func(*world, vfs.Entry){
		"removed":  func(w *world, e vfs.Entry) { w.remove(e) },
		"replaced": func(w *world, e vfs.Entry) { w.put(e.Name, "B") },
		"dropped": func(w *world, e vfs.Entry) {
			if err := w.l.Drop(t.Context(), w.only(e).ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sqlite(t))
			a := w.put("/a/a.jpg", "A")
			c := w.claim("one", 1)[0]
			w.finish(c, uploader.Outcome{State: uploader.AmbiguousState, Reason: uploader.ReasonLostReply, Lost: true, Wait: time.Hour, Requested: true})
			waiting := []vfs.Entry{w.put("/a/b.jpg", "A"), w.put("/a/c.jpg", "A")}
			w.idle("one")
			w.want(waiting[0], "one:settling/same-bytes")
			w.want(waiting[1], "one:settling/same-bytes")
			a.Name = "/a/a.jpg"
			giveUp(w, a)
			first, last := waiting[0], waiting[1]
			first.Name, last.Name = "/a/b.jpg", "/a/c.jpg"
			if w.states(first) != "one:settling" {
				first, last = last, first
			}
			w.want(first, "one:settling")
			giveUp(w, first)
			w.want(last, "one:settling")
		})
	}
}
