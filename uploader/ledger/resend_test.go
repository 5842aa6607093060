package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// noURL is the outcome of an upload that the host has and nobody knows where.
func noURL() uploader.Outcome {
	return uploader.Outcome{State: uploader.Done, Reason: uploader.ReasonNoURL, Kind: "no-url", Code: "101", Requested: true,
		Notes: []string{"The address was lost."}, Picture: &uploader.Hosted{}}
}

// nowhere stores a file whose upload to "one" ends without a URL.
func (w *world) nowhere(p, content string) vfs.Entry {
	e := w.put(p, content)
	w.finish(w.claim("one", 1)[0], noURL())
	w.want(e, "one:done/no-url")
	return e
}

// TestRetryWithoutURL: who retries an upload that is done without a URL has it sent
// again, which nothing else does; others of the same bytes stay as they are.
func TestRetryWithoutURL(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.nowhere("/a/x.jpg", "X")
		other := w.put("/a/y.jpg", "X")
		c := w.claim("one", 1)[0]
		if len(c.Known) != 1 || c.Known[0].URL != "" {
			t.Fatalf("known: %+v", c.Known)
		}
		o := noURL()
		o.Picture, o.Requested = &c.Known[0], false
		w.finish(c, o)
		w.put("/a/x.jpg", "X") // the same bytes again
		w.idle("one")

		w.pass(time.Hour)
		if err := w.l.Retry(t.Context(), w.only(e).ID); err != nil {
			t.Fatal(err)
		}
		w.want(other, "one:done/no-url")
		if u := w.only(e); u.State != uploader.Settling || u.Reason != "" || u.Blob == "" || len(u.Notes) != 0 || !u.Finished.IsZero() {
			t.Errorf("%+v", u)
		}
		c = w.claim("one", 1)[0]
		if c.Entry != e.ID || len(c.Known) != 0 || c.Resolve || c.Lost.IsZero() || c.Blob == "" {
			t.Fatalf("claimed %+v", c)
		}
		w.finish(c, done("7"))
		if u := w.only(e); u.Picture == nil || u.Picture.URL != "https://host/7" || !u.Lost.IsZero() || u.Blob != "" {
			t.Errorf("%+v", u)
		}
		w.want(other, "one:done/no-url")
		if err := w.l.Retry(t.Context(), w.only(other).ID); err != nil { // it finds the other's picture
			t.Fatal(err)
		}
		if c := w.claim("one", 1)[0]; len(c.Known) != 1 || c.Known[0].URL != "https://host/7" {
			t.Errorf("known: %+v", c.Known)
		}
	})
}

// TestRetryWithoutURLRefused: what is done at an address, and what has no bytes to send
// any more, is not sent again.
func TestRetryWithoutURLRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		there := w.put("/a/there.jpg", "T")
		w.finish(w.claim("one", 1)[0], done("1"))
		e := w.nowhere("/a/x.jpg", "X")
		id := w.only(e).ID
		gone := w.nowhere("/a/gone.jpg", "G")
		w.put("/a/x.jpg", "Y")
		w.finish(w.claim("one", 1)[0], done("2"))
		lost := w.only(gone).ID
		w.remove(gone)
		for id, says := range map[int64]string{
			w.only(there).ID: "ambiguous or done without a URL", id: "other bytes", lost: "gone",
		} {
			if err := w.l.Retry(t.Context(), id); !errors.Is(err, uploader.ErrState) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", says, err)
			}
			if err := w.l.Release(t.Context(), id); !errors.Is(err, uploader.ErrState) {
				t.Errorf("release: %v", err)
			}
		}
		if n := w.count("SELECT count(*) FROM hosted WHERE url = ''"); n != 2 {
			t.Errorf("%d pictures without an address are known, want 2", n)
		}
		w.idle("one")
	})
}

// TestRetryNowWithoutURL: the same by removing an .error.txt, but not where that is
// there for another upload's sake.
func TestRetryNowWithoutURL(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/ab/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], noURL())
		w.finish(w.claim("two", 1)[0], uploader.Outcome{State: uploader.Failed, Error: "no", Kind: "permanent", Requested: true})
		again := func() {
			t.Helper()
			if err := w.l.RetryNow(t.Context(), e.ID, w.clock().Add(5*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		again()
		w.want(e, "one:done/no-url two:settling/quiet")
		w.pass(5 * time.Second)
		w.finish(w.claim("two", 1)[0], done("2"))
		again()
		w.want(e, "one:settling/quiet two:done")
		w.idle("one")
		w.pass(5 * time.Second)
		if c := w.claim("one", 1)[0]; len(c.Known) != 0 || c.Lost.IsZero() || c.Resolve {
			t.Errorf("claimed %+v", c)
		}
	})
}

// TestWithoutURLIsNoError: the code of a reply that says "duplicate" is not what a
// destination last had trouble with, in what earlier versions wrote neither.
func TestWithoutURLIsNoError(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.nowhere("/a/x.jpg", "X")
		fine := func() {
			t.Helper()
			all, err := w.l.Stats(t.Context())
			if s := all["one"]; err != nil || s.LastError != "" || !s.LastFailed.IsZero() {
				t.Errorf("%+v, %v", s, err)
			}
		}
		fine()
		if n := w.count("SELECT count(*) FROM attempts WHERE error <> ''"); n != 0 {
			t.Errorf("%d errors", n)
		}
		w.count("UPDATE attempts SET error = ' (101)' RETURNING 1")
		fine()
		w.put("/a/y.jpg", "Y")
		w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.Failed, Error: "no", Code: "5", Kind: "permanent", Requested: true})
		all, err := w.l.Stats(t.Context())
		if err != nil || all["one"].LastError != "no (5)" {
			t.Errorf("%+v, %v", all["one"], err)
		}
	})
}

// TestFindWithoutURL: those that are done without a URL, wherever they are, the last first,
// by an index of their own.
func TestFindWithoutURL(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.put("/a/fine.jpg", "F")
		w.finish(w.claim("one", 1)[0], done("1"))
		var es []vfs.Entry
		for _, p := range []string{"/a/x.jpg", "/a/deep/y.jpg", "/a/deep/z.jpg"} {
			w.pass(time.Second)
			es = append(es, w.nowhere(p, p))
		}
		w.pass(time.Second)
		w.put("/a/x.jpg", "other bytes")
		w.finish(w.claim("one", 1)[0], done("2"))
		deep := w.lookup("/a/deep").ID
		for _, c := range []struct {
			q    ledger.Query
			want string
		}{
			{ledger.Query{}, "/a/deep/z.jpg /a/deep/y.jpg /a/x.jpg"},
			{ledger.Query{Present: true}, "/a/deep/z.jpg /a/deep/y.jpg"},
			{ledger.Query{Limit: 1}, "/a/deep/z.jpg /a/deep/y.jpg /a/x.jpg"},
			{ledger.Query{Dir: deep}, "/a/deep/z.jpg /a/deep/y.jpg"},
			{ledger.Query{Text: "y"}, "/a/deep/y.jpg"},
			{ledger.Query{Entry: es[0].ID}, "/a/x.jpg"},
			{ledger.Query{Destination: "two"}, ""},
			{ledger.Query{States: []uploader.State{uploader.Failed}}, ""},
		} {
			c.q.NoURL = true
			if got := paths(w.all(c.q)); got != c.want {
				t.Errorf("%+v: %q, want %q", c.q, got, c.want)
			}
		}
		if w.db.Postgres() { // it plans by how much there is
			return
		}
		var id, parent, unused int64
		var plan string
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			return tx.QueryRow(ctx, "EXPLAIN QUERY PLAN "+ledger.NoURLPlaces, 1, 1, 1).Scan(&id, &parent, &unused, &plan)
		})
		if !strings.Contains(plan, "uploads_nourl") {
			t.Error(plan)
		}
	})
}
