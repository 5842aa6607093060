package ledger_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// TestWhatComesInGoesBeforeAReplay: in the middle of one, a file that is dropped is sent
// next, its retries too, and the replay goes on with what is left.
func TestWhatComesInGoesBeforeAReplay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var old []vfs.Entry
		for i := range 300 {
			old = append(old, w.put(fmt.Sprintf("/nowhere/%d", i), fmt.Sprint(i)))
		}
		w.owe("one", ledger.AgainUndone, false, old...)
		w.pass(time.Second)
		for i, c := range w.claim("one", 3) {
			if c.Entry != old[i].ID || !c.Late {
				t.Errorf("%+v is the %dth", c.Upload, i)
			}
			w.finish(c, done(fmt.Sprint(i)))
		}
		w.quiet = 2 * time.Second
		fresh := w.put("/a/new.jpg", "new")
		if c := w.claim("one", 1)[0]; c.Entry != old[3].ID { // what is not due keeps nobody waiting
			t.Errorf("%s went before its turn", c.Path)
		}
		w.newer("one", 0)
		w.pass(2 * time.Second)
		w.newer("one", 1)
		got := w.claim("one", 2)
		if got[0].Entry != fresh.ID || got[0].Late || got[1].Entry != old[4].ID {
			t.Fatalf("%s and %s are next", got[0].Path, got[1].Path)
		}
		w.newer("one", 0)
		again := uploader.Outcome{State: uploader.Settling, Reason: uploader.ReasonBackoff, Kind: "temporary", Requested: true, Wait: time.Minute}
		w.finish(got[0], again)
		w.finish(got[1], again)
		w.pass(time.Minute)
		if next := w.claim("one", 3); next[0].Entry != fresh.ID || next[1].Entry != old[5].ID {
			t.Errorf("%s and %s are next", next[0].Path, next[1].Path)
		}
		if u := w.only(old[4]); u.State != uploader.Settling || !u.Late {
			t.Errorf("a retry of the replay: %+v", u)
		}
	})
}

func (w *world) newer(destination string, want int) {
	w.t.Helper()
	if n, err := w.l.Newer(w.t.Context(), destination); err != nil || n != want {
		w.t.Errorf("%d go first, want %d; %v", n, want, err)
	}
}

// TestWhatComesInAgainIsFresh: a file that is stored once more while a replay owes it
// goes with what comes in, whatever its upload waits for; one that moves does not.
func TestWhatComesInAgainIsFresh(t *testing.T) {
	for name, change := range map[string]func(w *world, e vfs.Entry) vfs.Entry{
		"the same bytes": func(w *world, e vfs.Entry) vfs.Entry { return w.put("/a/last", "last") },
		"other bytes":    func(w *world, e vfs.Entry) vfs.Entry { return w.put("/a/last", "other") },
		"and back": func(w *world, e vfs.Entry) vfs.Entry {
			w.put("/a/last", "other")
			return w.put("/a/last", "last")
		},
		"held": func(w *world, e vfs.Entry) vfs.Entry {
			id := w.only(e).ID
			if err := w.l.Hold(w.t.Context(), id); err != nil {
				w.t.Fatal(err)
			}
			e = w.put("/a/last", "last")
			if err := w.l.Release(w.t.Context(), id); err != nil {
				w.t.Fatal(err)
			}
			return e
		},
		"moved":          func(w *world, e vfs.Entry) vfs.Entry { return w.move(e, "/a/moved") },
		"retried":        func(w *world, e vfs.Entry) vfs.Entry { return w.verb(w.l.Retry, e) },
		"restarted":      func(w *world, e vfs.Entry) vfs.Entry { w.reopen(); return e },
		"owed once more": func(w *world, e vfs.Entry) vfs.Entry { w.owe("one", ledger.AgainAll, false, e); return e },
	} {
		late := name == "moved" || name == "retried" || name == "restarted" || name == "owed once more"
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				first, last := w.put("/a/first", "first"), w.put("/a/last", "last")
				for _, c := range w.claim("one", 2) {
					w.finish(c, uploader.Outcome{State: uploader.Failed, Kind: "permanent", Requested: true, Error: "no"})
				}
				w.owe("one", ledger.AgainFailed, false, first, last)
				w.pass(time.Second)
				e := change(w, last)
				w.pass(time.Second)
				want := last.ID
				if late {
					want = first.ID
				}
				if c := w.claim("one", 1)[0]; c.Entry != want {
					t.Errorf("%s is next", c.Path)
				}
				us, err := w.l.Entry(t.Context(), e.ID)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range us {
					if u.Present && u.Late != late {
						t.Errorf("%+v", u)
					}
				}
			})
		})
	}
}

// verb does something to the only upload of e.
func (w *world) verb(do func(context.Context, int64) error, e vfs.Entry) vfs.Entry {
	w.t.Helper()
	if err := do(w.t.Context(), w.only(e).ID); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// TestWhatComesInWhileItIsSentIsFresh: the attempt under way stays the only one; if it
// is to be repeated, that goes first.
func TestWhatComesInWhileItIsSentIsFresh(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		first, last := w.put("/nowhere/1", "1"), w.put("/nowhere/2", "2")
		w.owe("one", ledger.AgainUndone, false, last, first)
		w.pass(time.Second)
		c := w.claim("one", 1)[0]
		w.put("/nowhere/2", "2")
		if next := w.claim("one", 1)[0]; next.Entry != first.ID {
			t.Fatalf("%s is sent twice", next.Path)
		} else if err := w.l.Return(t.Context(), []uploader.Claimed{next}); err != nil {
			t.Fatal(err)
		}
		w.finish(c, uploader.Outcome{State: uploader.Settling, Kind: "temporary", Requested: true})
		if next := w.claim("one", 1)[0]; next.Entry != last.ID || next.Late {
			t.Errorf("%s is next", next.Path)
		}
	})
}

// TestAReplayOfTheSameBytesKeepsNobodyWaiting: of those that wait for the end of the
// same bytes, what came in goes before what a replay owes, and each is sent once.
func TestAReplayOfTheSameBytesKeepsNobodyWaiting(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var old []vfs.Entry
		for i := range 4 {
			old = append(old, w.put(fmt.Sprintf("/nowhere/%d", i), "same"))
		}
		w.owe("one", ledger.AgainUndone, false, old...)
		w.pass(time.Second)
		first := w.claimSome("one", 10)
		if len(first) != 1 {
			t.Fatalf("%d of the same bytes are sent at a time", len(first))
		}
		fresh := w.put("/a/new", "same")
		w.idle("one") // it is put aside
		w.want(fresh, "one:settling/same-bytes")
		w.finish(first[0], done("1"))
		if c := w.claim("one", 1)[0]; c.Entry != fresh.ID || len(c.Known) != 1 {
			t.Errorf("%s is next", c.Path)
		}
	})
}

// TestBlockedFilesComeBeforeAReplay: however many of those that go first are blocked,
// they are looked through before a replay's turn comes.
func TestBlockedFilesComeBeforeAReplay(t *testing.T) {
	w, _ := waiting(t, 2000, func(int) string { return "same" })
	w.claim("one", 1)
	old := w.put("/nowhere/old", "old")
	w.owe("one", ledger.AgainUndone, false, old)
	fresh := w.put("/a/new", "new")
	w.tx(func(ctx context.Context, tx vfs.Tx) error { // the last of all
		_, err := tx.Exec(ctx, "UPDATE uploads SET due = $1 WHERE entry = $2", w.clock().UnixNano()+5, int64(fresh.ID))
		return err
	})
	w.pass(time.Second)
	for range 10 {
		got, next, err := w.l.Claim(t.Context(), request("one", 1))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 && !next.After(w.clock()) {
			continue
		}
		if len(got) != 1 || got[0].Entry != fresh.ID {
			t.Fatalf("claimed %+v; next %v", got, next)
		}
		if c := w.claim("one", 1)[0]; c.Entry != old.ID {
			t.Errorf("%s is next", c.Path)
		}
		return
	}
	t.Error("it was not found")
}

// TestAClaimLooksAheadToAReplay: what a replay owes wakes the worker when it is due.
func TestAClaimLooksAheadToAReplay(t *testing.T) {
	w := newWorld(t, sqlite(t))
	e := w.put("/nowhere/1", "1")
	w.owe("one", ledger.AgainUndone, false, e)
	w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.Settling, Kind: "temporary", Requested: true, Wait: time.Minute})
	if next := w.idle("one"); !next.Equal(w.clock().Add(time.Minute)) {
		t.Errorf("next look at %v", next)
	}
	w.pass(2 * time.Minute)
	s, err := w.l.Stats(t.Context())
	if err != nil || !s["one"].Oldest.Equal(w.clock().Add(-time.Minute)) {
		t.Errorf("%+v, %v", s["one"], err)
	}
}

// TestPostgresClaimsByTheIndex: neither what is done, nor what is not due, nor the
// other half is read for a claim.
func TestPostgresClaimsByTheIndex(t *testing.T) {
	w := newWorld(t, postgres(t))
	library(t, w, 20000)
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE uploads SET state = 'settling', late = id % 2, due = id WHERE destination = 'one' AND id % 3 = 0")
		if err == nil {
			_, err = tx.Exec(ctx, "ANALYZE uploads")
		}
		return err
	})
	for query, args := range map[string]string{
		ledger.Candidates: "'host1', 'one', 'settling', 1, 1000, 128", ledger.Soonest: "'one', 'settling'", ledger.Newer: "'one', 1000, 1000",
	} {
		for i, arg := range strings.Split(args, ", ") {
			query = strings.ReplaceAll(query, fmt.Sprint("$", i+1), arg)
		}
		if plan := w.plan(query); !strings.Contains(plan, "uploads_due") || strings.Contains(plan, "Sort") || strings.Contains(plan, "Seq Scan on uploads") {
			t.Errorf("%s\nis run as\n%s", query, plan)
		}
	}
}

// plan returns what PostgreSQL does for a query.
func (w *world) plan(query string) (plan string) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		rows, err := tx.Query(ctx, "EXPLAIN "+query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				return err
			}
			plan += line + "\n"
		}
		return rows.Err()
	})
	return plan
}
