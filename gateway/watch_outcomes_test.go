package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

// outcomesOf returns the outcomes of a folder that goes to /in, without a gateway.
func outcomesOf(incomplete time.Duration) *watchOutcomes {
	a := &app{}
	a.settings.Store(&settings{config: &Config{Settle: SettleConfig{IncompleteAfter: strict.Duration(incomplete)}}})
	return newWatchOutcomes(a, "/in")
}

// TestWatchOutcome: only what is at every destination, with a URL, is complete.
func TestWatchOutcome(t *testing.T) {
	sum, other := blob.Sum{1}, blob.Sum{2}
	there := &uploader.Hosted{}
	there.URL = "https://anh.im/x"
	done := uploader.Upload{SHA256: sum, State: uploader.Done, Picture: there, Changed: time.Unix(5, 0)}
	with := func(state uploader.State, reason string) uploader.Upload {
		return uploader.Upload{SHA256: sum, State: state, Reason: reason, Changed: time.Now()}
	}
	for _, c := range []struct {
		name       string
		rows       []uploader.Upload
		owed, done int
		complete   bool
		trouble    bool
	}{
		{"nothing is owed", nil, 0, 0, false, false},
		{"everywhere", []uploader.Upload{done, done}, 2, 2, true, false},
		{"one is to go", []uploader.Upload{done, with(uploader.Settling, uploader.ReasonQuiet)}, 2, 1, false, false},
		{"one is sent", []uploader.Upload{done, with(uploader.Sending, "")}, 2, 1, false, false},
		{"one failed", []uploader.Upload{done, with(uploader.Failed, "")}, 2, 1, false, true},
		{"somebody dropped one", []uploader.Upload{done, with(uploader.Dropped, uploader.ReasonByHand)}, 2, 1, false, false},
		{"it left a route", []uploader.Upload{done, with(uploader.Superseded, uploader.ReasonMoved)}, 1, 1, true, false},
		{"nothing but what it left", []uploader.Upload{with(uploader.Superseded, uploader.ReasonMoved)}, 0, 0, false, false},
		{"without a URL", []uploader.Upload{done, {SHA256: sum, State: uploader.Done, Reason: uploader.ReasonNoURL, Picture: &uploader.Hosted{}}}, 2, 1, false, true},
		{"without a picture", []uploader.Upload{{SHA256: sum, State: uploader.Done}}, 1, 0, false, false},
		{"to be approved", []uploader.Upload{with(uploader.Awaiting, "")}, 1, 0, false, false},
		{"held by hand", []uploader.Upload{with(uploader.Held, uploader.ReasonByHand)}, 1, 0, false, false},
		{"held", []uploader.Upload{with(uploader.Held, uploader.ReasonNoAlbum)}, 1, 0, false, true},
		{"of other bytes", []uploader.Upload{{SHA256: other, State: uploader.Done, Picture: there}}, 0, 0, false, false},
	} {
		o := outcomesOf(time.Minute).outcome(1, index.Place{Path: "/in/a/b.jpg", SHA256: sum}, c.rows)
		if o.Owed != c.owed || o.Done != c.done || o.Complete != c.complete || o.Trouble != c.trouble || o.Path != "a/b.jpg" || o.Sum != sum {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
}

func TestBelowInto(t *testing.T) {
	for _, c := range []struct{ into, path, want string }{
		{"/in", "/in/a.jpg", "a.jpg"},
		{"/in", "/in/a/b c.jpg", "a/b c.jpg"},
		{"/", "/a/b.jpg", "a/b.jpg"},
		{"/in", "/in", ""},
		{"/in", "/inn/a.jpg", ""},
		{"/in", "/other/in/a.jpg", ""},
		{"/m\u00fc", "/mu\u0308/a\u0308.jpg", "a\u0308.jpg"}, // the same name in another form
	} {
		if got := belowInto(c.into, c.path); got != c.want {
			t.Errorf("%q in %q is %q, want %q", c.path, c.into, got, c.want)
		}
	}
}

// TestWatchOutcomeRipens: a file that is not whole is no trouble at first, and is told
// of when it is.
func TestWatchOutcomeRipens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := outcomesOf(10 * time.Minute)
		half := []uploader.Upload{{State: uploader.Held, Reason: uploader.ReasonNotWhole, Changed: time.Now()}}
		for _, id := range []int64{7, 8} {
			if o := w.outcome(id, index.Place{Path: "/in/a.jpg"}, half); o.Trouble {
				t.Error("it is trouble at once")
			}
		}
		if ids, next := w.ripened(time.Now()); len(ids) > 0 || !next.Equal(time.Now().Add(10*time.Minute)) {
			t.Errorf("%v at once, the next at %v", ids, next)
		}
		time.Sleep(10*time.Minute + time.Second)
		if ids, next := w.ripened(time.Now()); len(ids) != 2 || !next.IsZero() {
			t.Errorf("%v after ten minutes, and more at %v", ids, next)
		}
		if o := w.outcome(7, index.Place{Path: "/in/a.jpg"}, half); !o.Trouble {
			t.Error("it is no trouble after ten minutes")
		}
	})
}

// TestWatchOutcomesChanges: a folder hears of the entries whose uploads change, of
// those that go, and that it may be any where a folder was moved.
func TestWatchOutcomesChanges(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, "")
	w := newWatchOutcomes(g.app, "/in")
	ctx, stop := context.WithCancel(t.Context())
	told, ended := make(chan []int64, 1000), make(chan error, 1)
	go func() { ended <- w.Changes(ctx, func(ids []int64) { told <- ids }) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	hears := func(what string, ok func(ids []int64) bool) {
		t.Helper()
		for end := time.After(patience); ; {
			select {
			case ids := <-told:
				if ok(ids) {
					return
				}
			case <-end:
				t.Fatal("it did not hear of " + what)
			}
		}
	}
	anything := func(ids []int64) bool { return ids == nil }
	hears("the beginning", anything)
	d := newDAVClient(t, g.dav(), ingestUser, ingestPassword)
	for _, err := range []error{d.Mkdir("/in/d"), d.Put("/in/d/a.jpg", picture(2000, 1))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	e, err := g.app.tree.Lookup(t.Context(), "/in/d/a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	it := func(ids []int64) bool { return len(ids) == 1 && ids[0] == int64(e.ID) }
	hears("a file", it)
	g.Settle(t)
	all, err := w.Outcomes(t.Context(), []int64{int64(e.ID), int64(e.Parent), 99999})
	if o := all[int64(e.ID)]; err != nil || len(all) != 1 || !o.Complete || o.Path != "d/a.jpg" || o.Sum != e.SHA256 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := d.Rename("/in/d", "/in/e"); err != nil {
		t.Fatal(err)
	}
	hears("a folder that was moved", anything)
	if err := d.Remove("/in/e/a.jpg"); err != nil {
		t.Fatal(err)
	}
	hears("a file that is gone", it)
	if all, err := w.Outcomes(t.Context(), []int64{int64(e.ID)}); err != nil || len(all) > 0 {
		t.Errorf("what is gone stands as %+v, %v", all, err)
	}
}
