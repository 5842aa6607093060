package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

func TestEveryWriteNeedsTheClaim(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "X")
		old := w.claim("one", 1)[0]
		if err := w.l.Return(t.Context(), []uploader.Claimed{old}); err != nil {
			t.Fatal(err)
		}
		if u := w.only(e); u.Attempts != 0 || u.State != uploader.Settling {
			t.Errorf("%+v", u)
		}
		now := w.claim("one", 1)[0]
		ctx := t.Context()
		for name, err := range map[string]error{
			"sent":   w.l.Sent(ctx, old),
			"copy":   w.l.Copy(ctx, old, 3),
			"finish": w.l.Finish(ctx, old, done("old")),
		} {
			if !errors.Is(err, uploader.ErrLost) {
				t.Errorf("%s by the old worker: %v", name, err)
			}
		}
		lost, err := w.l.Renew(ctx, []uploader.Claimed{old, now}, time.Minute)
		if err != nil || len(lost) != 1 || lost[0].Attempt != old.Attempt {
			t.Errorf("lost %v, %v", lost, err)
		}
		if err := w.l.Return(ctx, []uploader.Claimed{old}); err != nil {
			t.Error(err)
		}
		w.want(e, "one:sending")
		if err := w.l.Copy(ctx, now, 1); err != nil {
			t.Error(err)
		}
		w.finish(now, done("new"))
		if err := w.l.Finish(ctx, now, done("again")); !errors.Is(err, uploader.ErrLost) {
			t.Errorf("finished twice: %v", err)
		}
		if n := w.count("SELECT count(*) FROM hosted"); n != 1 {
			t.Errorf("%d pictures", n)
		}
	})
}

func TestOneOfTheSameBytesAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a, b := w.put("/a/x.jpg", "X"), w.put("/a/y.jpg", "X")
		c := w.put("/c/z.jpg", "X") // another account at the same host
		d := w.put("/b/z.jpg", "X") // another host
		first := w.claimSome("one", 10)
		w.idle("three")
		if len(first) != 1 || len(w.claimSome("two", 10)) != 1 {
			t.Fatalf("claimed %d", len(first))
		}
		w.want(b, "one:settling/same-bytes")
		w.want(c, "three:settling/same-bytes")
		w.want(d, "two:sending")
		w.finish(first[0], done("1"))
		second := w.claim("three", 1)[0]
		if len(second.Known) != 1 || second.Known[0].URL != "https://host/1" {
			t.Errorf("%+v", second.Known)
		}
		w.idle("one")
		w.finish(second, uploader.Outcome{State: uploader.Done, Reason: uploader.ReasonReused, Picture: &second.Known[0]})
		w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.AmbiguousState, Requested: true, Lost: true, Wait: -1})
		w.put("/a/v.jpg", "X")
		w.idle("one")
		_ = a
	})
}

func (w *world) claimSome(destination string, n int) []uploader.Claimed {
	w.t.Helper()
	got, _, err := w.l.Claim(w.t.Context(), request(destination, n))
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestLockedFilesWait(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a, b := w.put("/a/x.jpg", "X"), w.put("/a/y.jpg", "Y")
		w.locked[a.ID] = true
		if got := w.claim("one", 1); got[0].Entry != b.ID {
			t.Fatalf("claimed %+v", got)
		}
		next := w.idle("one")
		w.want(a, "one:settling/locked")
		delete(w.locked, a.ID)
		w.pass(next.Sub(w.clock()) + 5*time.Second)
		w.claim("one", 1)
	})
}

func TestAheadIsBoundedByBytes(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for i := range 10 {
		w.put(fmt.Sprintf("/a/%d.jpg", i), strings.Repeat(fmt.Sprint(i), 1000))
	}
	r := request("one", 8)
	r.Free, r.Ahead = 2, 3500
	got, next, err := w.l.Claim(t.Context(), r)
	if err != nil || len(got) != 5 || !next.Equal(w.clock()) {
		t.Errorf("claimed %d, next %v, %v", len(got), next, err)
	}
}

func TestClaimsEndWithTheProcess(t *testing.T) {
	w := newWorld(t, sqlite(t))
	a, b, c := w.put("/a/a.jpg", "A"), w.put("/a/b.jpg", "B"), w.put("/a/c.jpg", "C")
	claimed := w.claim("one", 3)
	if err := w.l.Sent(t.Context(), claimed[1]); err != nil {
		t.Fatal(err)
	}
	w.remove(c)
	w.reopen()
	w.want(a, "one:settling")
	w.want(b, "one:ambiguous/lost-reply")
	w.want(c, "one:dropped/removed")
	if u := w.only(a); u.Attempts != 1 || u.Tries != 0 || u.Error == "" {
		t.Errorf("the attempt was not recorded: %+v", u)
	}
	if n := w.count("SELECT count(*) FROM attempts WHERE outcome = 'interrupted'"); n != 3 {
		t.Errorf("%d interrupted attempts", n)
	}
	w.pass(11 * time.Second) // in which the host may still be at work
	got := w.claimSome("one", 3)
	if len(got) != 2 || !got[0].Resolve || got[0].Entry != b.ID || got[1].Resolve {
		t.Fatalf("%+v", got)
	}
	w.reopen() // and again, while it is being found out
	w.want(b, "one:ambiguous/lost-reply")
}

func TestLeasesEndByThemselvesOnPostgres(t *testing.T) {
	w := newWorld(t, postgres(t))
	l, err := ledger.New(t.Context(), w.db, ledger.Options{Router: w.router, Destinations: []string{"one"}}) // by the database's clock
	if err != nil {
		t.Fatal(err)
	}
	w.now = time.Now().Add(-time.Hour)
	e := w.put("/a/x.jpg", "X")
	r := request("one", 1)
	r.Lease = 500 * time.Millisecond
	got, _, err := l.Claim(t.Context(), r)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	other, err := ledger.New(t.Context(), w.db, ledger.Options{Router: w.router, Destinations: []string{"one"}})
	if err != nil {
		t.Fatal(err)
	}
	w.want(e, "one:sending") // another process that starts takes nothing away
	if lost, err := l.Renew(t.Context(), got, time.Second); err != nil || len(lost) != 0 {
		t.Fatal(lost, err)
	}
	w.l = other
	begin := time.Now()
	run(t, w, func() bool { return w.only(e).State == uploader.Settling })
	if d := time.Since(begin); d < 900*time.Millisecond {
		t.Errorf("the renewed lease ended after %v", d)
	}
	if err := l.Finish(t.Context(), got[0], done("1")); !errors.Is(err, uploader.ErrLost) {
		t.Errorf("the late worker: %v", err)
	}
}

func TestManyProcessesShareAHostsConcurrency(t *testing.T) {
	w := newWorld(t, postgres(t))
	for i := range 50 {
		w.put(fmt.Sprintf("/a/%d.jpg", i), fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[int64]int)
	for range 4 {
		db := w.open()
		l, err := ledger0(w, db)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 6 {
				r := request("one", 3)
				r.Limits.Concurrency = 3
				got, _, err := l.Claim(context.Background(), r)
				if err != nil {
					t.Error(err)
					return
				}
				if len(got) > 3 {
					t.Errorf("claimed %d", len(got))
				}
				mu.Lock()
				if n := w.count("SELECT count(DISTINCT owner) FROM uploads WHERE state = 'sending'"); n > 1 {
					if all := w.count("SELECT count(*) FROM uploads WHERE state = 'sending'"); all > 3 {
						t.Errorf("%d sending in %d processes", all, n)
					}
				}
				for _, c := range got {
					seen[c.ID]++
				}
				mu.Unlock()
				for _, c := range got {
					if err := l.Finish(context.Background(), c, done(fmt.Sprint(c.ID))); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for id, n := range seen {
		if n > 1 {
			t.Errorf("upload %d was claimed %d times", id, n)
		}
	}
}

func TestVerbs(t *testing.T) {
	ok := map[string]map[uploader.State]string{
		"retry":   {"settling": "settling", "held": "settling", "failed": "settling", "ambiguous": "settling"},
		"hold":    {"settling": "held/by-hand", "failed": "held/by-hand", "ambiguous": "held/by-hand"},
		"release": {"held": "settling"},
		"drop":    {"settling": "dropped/by-hand", "held": "dropped/by-hand", "failed": "dropped/by-hand", "ambiguous": "dropped/by-hand"},
	}
	for _, state := range uploader.States {
		for verb, want := range ok {
			t.Run(verb+" "+string(state), func(t *testing.T) {
				w := newWorld(t, sqlite(t))
				e := w.into(state)
				before := w.states(e)
				do := map[string]func(context.Context, int64) error{"retry": w.l.Retry, "hold": w.l.Hold, "release": w.l.Release, "drop": w.l.Drop}[verb]
				err := do(t.Context(), w.only(e).ID)
				if want[state] == "" {
					if !errors.Is(err, uploader.ErrState) || !strings.Contains(err.Error(), "is "+string(state)) || w.states(e) != before {
						t.Errorf("%v; %s", err, w.states(e))
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				w.want(e, "one:"+want[state])
				u := w.only(e)
				if owed(u) != (verb != "drop") || verb != "hold" && u.Tries != 0 && verb != "drop" {
					t.Errorf("%+v", u)
				}
				if verb == "retry" || verb == "release" {
					if c := w.claim("one", 1)[0]; c.Released != (verb == "release") {
						t.Errorf("%+v", c)
					}
				} else {
					w.idle("one")
				}
			})
		}
	}
	w := newWorld(t, sqlite(t))
	if err := w.l.Retry(t.Context(), 99); !errors.Is(err, uploader.ErrNoUpload) {
		t.Error(err)
	}
	if _, err := w.l.Get(t.Context(), 99); !errors.Is(err, uploader.ErrNoUpload) {
		t.Error(err)
	}
}

func TestRetryNow(t *testing.T) {
	for state, want := range map[uploader.State]string{
		uploader.Failed: "settling/quiet", uploader.Held: "settling/quiet", uploader.AmbiguousState: "settling/quiet",
		uploader.Done: "done", uploader.Sending: "sending", uploader.Dropped: "dropped/by-hand",
	} {
		w := newWorld(t, sqlite(t))
		e := w.into(state)
		due := w.clock().Add(5 * time.Second)
		if err := w.l.RetryNow(t.Context(), e.ID, due); err != nil {
			t.Fatal(err)
		}
		w.want(e, "one:"+want)
		if u := w.only(e); u.State == uploader.Settling && (!u.Due.Equal(due) || u.Tries != 0) {
			t.Errorf("%+v", u)
		}
	}
}

func TestReturnRemembersALostReply(t *testing.T) {
	w := newWorld(t, sqlite(t))
	e := w.into(uploader.AmbiguousState)
	if err := w.l.Retry(t.Context(), w.only(e).ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c := w.claim("one", 1)
		if c[0].Lost.IsZero() {
			t.Fatal("the lost reply was forgotten")
		}
		if err := w.l.Return(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTextsThatNoDatabaseTakes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.put("/a/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.Failed, Error: "bad \xff bytes\x00", Remedy: "\x00", Notes: []string{"\xff"}, Wait: -1})
	})
}

func TestPauseByHand(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "X")
		if err := w.l.Pause(t.Context(), "one", "holidays"); err != nil {
			t.Fatal(err)
		}
		w.want(e, "one:settling/destination-paused")
		if _, next, err := w.l.Claim(t.Context(), request("one", 1)); !errors.Is(err, uploader.ErrPaused) || !next.IsZero() {
			t.Error(next, err)
		}
		w.pass(time.Hour)
		if mine, err := w.l.Probe(t.Context(), "one"); mine || err != nil {
			t.Error("a pause by hand is probed", err)
		}
		s, err := w.l.Stats(t.Context())
		if err != nil || s["one"].Reason != "by-hand" || s["one"].Error != "holidays" || s["one"].Count["settling"] != 1 || s["one"].Oldest.IsZero() || !s["two"].Configured {
			t.Errorf("%+v, %v", s["one"], err)
		}
		if err := w.l.Resume(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		w.claim("one", 1)
	})
}

func TestProbesGoOnLongerWhereAResumeWasInVain(t *testing.T) {
	w := newWorld(t, sqlite(t))
	w.put("/a/x.jpg", "X")
	refuse := func() time.Duration {
		w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.Settling, PauseDestination: true, Error: "no", Requested: true})
		_, next, _ := w.l.Claim(t.Context(), request("one", 1))
		return next.Sub(w.clock())
	}
	probe := func() {
		_, next, _ := w.l.Claim(t.Context(), request("one", 1))
		w.pass(next.Sub(w.clock()))
		if mine, err := w.l.Probe(t.Context(), "one"); !mine || err != nil {
			t.Fatal("not to be probed", err)
		}
		if mine, _ := w.l.Probe(t.Context(), "one"); mine {
			t.Fatal("probed twice")
		}
		if err := w.l.Resume(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		if got := refuse(); got != want {
			t.Errorf("pause %d is probed after %v, want %v", i, got, want)
		}
		probe()
	}
	w.pass(time.Hour)
	if got := refuse(); got != 30*time.Second {
		t.Errorf("after an hour of work: %v", got)
	}
}

func TestDestinationTakenOutOfTheConfiguration(t *testing.T) {
	w := newWorld(t, sqlite(t))
	e := w.put("/ab/x.jpg", "X")
	w.l.Configure(w.router, []string{"two"})
	w.want(e, "one:settling/destination-removed two:settling/quiet")
	s, err := w.l.Stats(t.Context())
	if err != nil || s["one"].Configured || s["one"].Count["settling"] != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	w.l.Configure(w.router, []string{"one", "two"})
	w.claim("one", 1)
}

func TestListFolderAndPaths(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var es []vfs.Entry
		for i := range 450 {
			es = append(es, w.put(fmt.Sprintf("/ab/d%d/%d.jpg", i%2, i), fmt.Sprint(i)))
		}
		w.finish(w.claim("one", 1)[0], done("1"))
		w.tx(func(ctx context.Context, tx vfs.Tx) error { // moved, and not yet expanded
			_, err := tx.Exec(ctx, "UPDATE entries SET name = 'new', key = 'new' WHERE name = 'd1'")
			return err
		})
		all, err := w.l.List(t.Context(), ledger.Filter{Limit: 1000})
		if err != nil || len(all) != 900 || all[0].Path != "/ab/d0/0.jpg" || all[2].Path != "/ab/new/1.jpg" {
			t.Fatal(len(all), err)
		}
		for name, c := range map[string]struct {
			f    ledger.Filter
			want int
		}{
			"prefix":      {ledger.Filter{Prefix: "/ab/new", Limit: 1000}, 450},
			"near prefix": {ledger.Filter{Prefix: "/ab/ne", Limit: 1000}, 0},
			"one file":    {ledger.Filter{Prefix: "/ab/new/1.jpg"}, 2},
			"done":        {ledger.Filter{States: []uploader.State{uploader.Done, uploader.Failed}}, 1},
			"destination": {ledger.Filter{Destination: "two", Limit: 500}, 450},
			"limit":       {ledger.Filter{Prefix: "/ab/new", Limit: 7}, 7},
			"after":       {ledger.Filter{After: all[895].ID}, 4},
			"default":     {ledger.Filter{}, 100},
		} {
			if got, err := w.l.List(t.Context(), c.f); err != nil || len(got) != c.want {
				t.Errorf("%s: %d uploads, want %d; %v", name, len(got), c.want, err)
			}
		}
		files, err := w.l.Folder(t.Context(), w.lookup("/ab/d0").ID)
		if err != nil || len(files) != 225 || len(files[es[0].ID]) != 2 || files[es[0].ID][0].Picture == nil || !files[es[2].ID][1].Present {
			t.Fatal(len(files), err)
		}
		w.put("/ab/d0/0.jpg", "other")
		us, _ := w.l.Entry(t.Context(), es[0].ID)
		if len(us) != 4 || us[0].Present || us[0].State != uploader.Done || !us[1].Present {
			t.Errorf("%+v", us)
		}
	})
}

func TestOurOwnPicturesKeepTheirBytes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "X")
		o := done("token")
		o.HoldBlob = true
		w.finish(w.claim("one", 1)[0], o)
		b, found, err := w.l.HostedByToken(t.Context(), "token")
		if err != nil || !found || b.Blob != e.Blob || b.Size != 1 || b.SHA256 != e.SHA256 || b.Type != "image/jpeg" || !b.Inline {
			t.Errorf("%+v, %v, %v", b, found, err)
		}
		if _, found, err := w.l.HostedByToken(t.Context(), "other"); found || err != nil {
			t.Error(found, err)
		}
		w.remove(e)
		err = w.db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM blobs WHERE ref = $1", string(e.Blob))
			return err
		})
		if err == nil {
			t.Error("the bytes of a hosted picture could be deleted")
		}
	})
}

func TestOwedBytesCannotBeDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "X")
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE entries SET blob = NULL WHERE id = $1", int64(e.ID))
			return err
		})
		del := func() error {
			return w.db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
				_, err := tx.Exec(ctx, "DELETE FROM blobs WHERE ref = $1", string(e.Blob))
				return err
			})
		}
		if del() == nil {
			t.Fatal("bytes that are owed could be deleted")
		}
	})
}

func TestStatementsUseIndexes(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for query, index := range map[string]string{
		ledger.Candidates: "uploads_due (destination=? AND state=? AND late=? AND due<?)",
		"SELECT id FROM uploads f WHERE f.host = 'h' AND f.sha256 = x'00' AND f.state IN ('sending', 'ambiguous')":   "uploads_flight",
		"SELECT id FROM uploads u WHERE u.state IN ('sending', 'ambiguous') AND u.state = 'sending' AND u.lease < 9": "uploads_flight",
		ledger.NextParked: "uploads_parked",
		"SELECT started FROM attempts WHERE host = 'h' AND started > 5 ORDER BY started DESC LIMIT 3": "attempts_window",
		ledger.Soonest:                           "uploads_due (destination=? AND state=? AND late=?)",
		ledger.Newer:                             "uploads_due (destination=? AND state=? AND late=? AND due<?)",
		"SELECT id FROM uploads WHERE entry = 7": "uploads_owed",
		"SELECT id FROM uploads WHERE entry IN (SELECT value FROM json_each('[1,2,3]'))":             "uploads_owed",
		"SELECT id FROM hosted WHERE host = 'h' AND sha256 = x'00' AND deleted = 0 ORDER BY id DESC": "hosted_sum",
		"SELECT destination, state, count(*), min(due) FROM uploads GROUP BY destination, state":     "uploads_due",
		"SELECT 1 FROM uploads WHERE blob = 'x'":                                                     "uploads_blob",
	} {
		var plan string
		err := w.db.Read(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
			var args []any
			switch query {
			case ledger.Candidates:
				args = []any{"h", "d", "settling", 0, 1, 2}
			case ledger.Soonest:
				args = []any{"d", "settling"}
			case ledger.Newer:
				args = []any{"d", 1, 2}
			case ledger.NextParked:
				args = []any{"h", []byte{0}, "d"}
			}
			rows, err := tx.Query(ctx, "EXPLAIN QUERY PLAN "+query, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var a, b, c any
				var detail string
				if err := rows.Scan(&a, &b, &c, &detail); err != nil {
					return err
				}
				plan += detail + "\n"
			}
			return rows.Err()
		})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(query, err)
		}
		if !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") {
			t.Errorf("%s\nis run as\n%swithout %s", query, plan, index)
		}
	}
}
