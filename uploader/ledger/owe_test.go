package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// owe owes files to a destination and returns what is said of them.
func (w *world) owe(destination string, again ledger.Again, dry bool, es ...vfs.Entry) (told []ledger.Owing) {
	w.t.Helper()
	var files []ledger.Candidate
	for _, e := range es {
		files = append(files, ledger.Candidate{Entry: e.ID, Path: "/x/" + e.Name, Sum: e.SHA256, Order: 4})
	}
	told, err := w.l.Owe(w.t.Context(), destination, hosts[destination], again, files, dry)
	if err != nil {
		w.t.Fatal(err)
	}
	return told
}

func TestOweOfEveryState(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			state                 uploader.State
			by                    string // the reason
			undone, failed, every ledger.Owing
		}{
			{"", "", ledger.OwingNow, ledger.OwingOther, ledger.OwingNow},
			{uploader.Settling, "backoff", ledger.OwingWaiting, ledger.OwingWaiting, ledger.OwingWaiting},
			{uploader.Sending, "", ledger.OwingWaiting, ledger.OwingWaiting, ledger.OwingWaiting},
			{uploader.Held, "no-album", ledger.OwingNow, ledger.OwingNow, ledger.OwingNow},
			{uploader.Held, "by-hand", ledger.OwingByHand, ledger.OwingByHand, ledger.OwingByHand},
			{uploader.AmbiguousState, "lost-reply", ledger.OwingInDoubt, ledger.OwingInDoubt, ledger.OwingInDoubt},
			{uploader.Awaiting, "", ledger.OwingDone, ledger.OwingDone, ledger.OwingDone},
			{uploader.Done, "", ledger.OwingDone, ledger.OwingDone, ledger.OwingNow},
			{uploader.Failed, "", ledger.OwingNow, ledger.OwingNow, ledger.OwingNow},
			{uploader.Dropped, "by-hand", ledger.OwingNow, ledger.OwingNow, ledger.OwingNow},
			{uploader.Superseded, "moved", ledger.OwingNow, ledger.OwingOther, ledger.OwingNow},
		} {
			for again, want := range map[ledger.Again]ledger.Owing{ledger.AgainUndone: c.undone, ledger.AgainFailed: c.failed, ledger.AgainAll: c.every} {
				name := fmt.Sprintf("%s %s %q", c.state, c.by, again)
				top := "/a/"
				if c.state == "" {
					top = "/nowhere/"
				}
				e := w.put(top+name, name)
				w.tx(func(ctx context.Context, tx vfs.Tx) error {
					_, err := tx.Exec(ctx, "UPDATE uploads SET state = $1, reason = $2, tries = 3, error = 'e', leaving = 'moved' WHERE entry = $3", string(c.state), c.by, int64(e.ID))
					return err
				})
				before := w.states(e)
				if told := w.owe("one", again, true, e); told[0] != want || w.states(e) != before {
					t.Errorf("dry: %s is %s, want %s; rows %s, were %s", name, told[0], want, w.states(e), before)
				}
				if told := w.owe("one", again, false, e); told[0] != want {
					t.Errorf("%s is %s, want %s", name, told[0], want)
				}
				if want != ledger.OwingNow {
					w.want(e, before)
					continue
				}
				w.want(e, "one:settling/replay")
				u := w.only(e)
				if !u.Late || u.Blob != e.Blob || u.Tries != 0 || u.Error != "" || u.Host != "host1" || u.Order != 4 || u.Size != e.Size || u.Due.After(w.clock().Add(time.Millisecond)) {
					t.Errorf("%s: %+v", name, u)
				}
				// Doing it again changes nothing.
				if told := w.owe("one", again, false, e); told[0] != ledger.OwingWaiting {
					t.Errorf("%s twice: %s", name, told[0])
				}
				w.only(e)
			}
		}
	})
}

func TestOweKeepsTheOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var es []vfs.Entry
		for i := range 100 {
			es = append(es, w.put(fmt.Sprintf("/nowhere/%d", i), fmt.Sprint(i)))
		}
		slices.Reverse(es)
		w.owe("two", ledger.AgainUndone, false, es...)
		w.pass(time.Second)
		for i, c := range w.claim("two", 100) {
			if c.Entry != es[i].ID {
				t.Fatalf("the %dth is %d, want %d", i, c.Entry, es[i].ID)
			}
		}
	})
}

func TestOweOfWhatChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e, gone, dir := w.put("/nowhere/a", "A"), w.put("/nowhere/b", "B"), w.lookup("/nowhere")
		w.put("/nowhere/a", "other bytes")
		w.remove(gone)
		for i, told := range w.owe("one", ledger.AgainAll, false, e, gone, dir) {
			if told != ledger.OwingChanged {
				t.Errorf("%d: %s", i, told)
			}
		}
		w.idle("one")
	})
}

// TestOweRefersToItsPicture: what is done and owed again is known to be referred to
// meanwhile, and is sent again only where its picture is gone.
func TestOweRefersToItsPicture(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		there, expired, altered, settled := w.put("/a/1", "1"), w.put("/a/2", "2"), w.put("/a/3", "3"), w.put("/a/4", "4")
		for i, c := range w.claim("one", 4) {
			o := done(fmt.Sprint(i))
			if c.Entry == expired.ID {
				o.Picture.Result.Expires = w.clock().Add(time.Hour)
			}
			w.finish(c, o)
		}
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE uploads SET copy = 1 WHERE entry = $1", int64(altered.ID))
			return err
		})
		w.pass(2 * time.Hour)
		told := w.owe("one", ledger.AgainAll, false, there, expired, altered)
		if !slices.Equal(told, []ledger.Owing{ledger.OwingNow, ledger.OwingNow, ledger.OwingDone}) {
			t.Fatal(told)
		}
		files := []ledger.Candidate{{Entry: settled.ID, Sum: settled.SHA256, Settled: true}}
		if told, err := w.l.Owe(t.Context(), "one", "host1", ledger.AgainAll, files, false); err != nil || told[0] != ledger.OwingDone {
			t.Errorf("%v %v", told, err)
		}
		w.pass(time.Second)
		for _, c := range w.claim("one", 2) {
			if known := len(c.Known); known != map[vfs.ID]int{there.ID: 1, expired.ID: 0}[c.Entry] {
				t.Errorf("%s: %d pictures are known", c.Path, known)
			}
			if c.Entry == there.ID && (c.Picture == nil || c.Picture.URL == "") {
				t.Error("its picture is not noted any more")
			}
		}
	})
}

func TestOweClearsThatASendingLeaves(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/1", "1")
		c := w.claim("one", 1)[0]
		w.move(e, "/nowhere/1")
		w.owe("one", ledger.AgainUndone, false, e)
		w.finish(c, uploader.Outcome{State: uploader.Settling, Reason: uploader.ReasonBackoff, Kind: "temporary", Requested: true, Wait: time.Minute})
		w.want(e, "one:settling/backoff")
	})
}

func TestAddresses(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/ab/1", "old")
		for _, d := range []string{"one", "two"} {
			w.finish(w.claim(d, 1)[0], done("old-"+d))
		}
		w.put("/ab/1", "new")
		o := done("new-one")
		o.Picture.Result.Expires = w.clock().Add(time.Hour)
		w.finish(w.claim("one", 1)[0], o)
		w.pass(2 * time.Hour)
		got, err := w.l.Addresses(t.Context(), []vfs.ID{e.ID, e.ID + 99}, "one", "two", "three")
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, a := range got[e.ID] {
			said = append(said, fmt.Sprint(a.Destination, " ", a.State, " ", a.Present, " ", a.Gone, " ", a.URL))
		}
		want := []string{"two settling true false ", "one done true true https://host/new-one", "two done false false https://host/old-two", "one done false false https://host/old-one"}
		if !slices.Equal(said, want) || len(got) != 1 {
			t.Errorf("%q, want %q", said, want)
		}
	})
}

// BenchmarkOwe owes 100,000 files to a destination, durably, as replay does.
func BenchmarkOwe(b *testing.B) {
	for _, db := range []struct {
		name   string
		source func(testing.TB) string
	}{{"sqlite", sqlite}, {"postgres", postgres}} {
		b.Run(db.name, func(b *testing.B) {
			const n = 100_000
			w := newWorld(b, db.source(b))
			library(b, w, n)
			e := w.put("/nowhere/x", "bytes")
			w.tx(func(ctx context.Context, tx vfs.Tx) error { // the library is made without bytes
				_, err := tx.Exec(ctx, "UPDATE entries SET blob = $1 WHERE dir = 0", string(e.Blob))
				if err == nil && w.db.Postgres() { // and its uploads with ids
					_, err = tx.Exec(ctx, "SELECT setval(pg_get_serial_sequence('uploads', 'id'), 1000000)")
				}
				return err
			})
			for round := 0; b.Loop(); round++ {
				destination := fmt.Sprint("new", round)
				for i := 0; i < n; i += 200 {
					var files []ledger.Candidate
					for j := i; j < i+200; j++ {
						c := ledger.Candidate{Entry: vfs.ID(10000000 + j), Path: "/x"}
						copy(c.Sum[:], fmt.Sprintf("%032d", j))
						files = append(files, c)
					}
					told, err := w.l.Owe(b.Context(), destination, "new", ledger.AgainUndone, files, false)
					if err != nil || told[199] != ledger.OwingNow {
						b.Fatal(told, err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/file")
		})
	}
}
