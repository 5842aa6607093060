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

// notices has one webhook for done and failed, and another for everything held.
type notices struct{ asked *int }

func (n notices) Hears(s uploader.State, _ string) bool {
	*n.asked++
	return s == uploader.Done || s == uploader.Failed || s == uploader.Held
}

func (notices) Wants(u uploader.Upload) []string {
	switch {
	case strings.HasPrefix(u.Path, "/a/secret"):
		return nil
	case u.State == uploader.Held:
		return []string{"second"}
	}
	return []string{"first", "third"}
}

func (notices) Message(n ledger.Notice) []byte {
	url := ""
	if n.Upload.Picture != nil {
		url = n.Upload.Picture.URL
	}
	return fmt.Appendf(nil, "%s %s %s %d %d", n.Upload.State, n.Upload.Path, url, len(n.Uploads), n.File.Size)
}

func (w *world) messages(webhook string) []ledger.Message {
	w.t.Helper()
	ms, _, err := w.l.Messages(w.t.Context(), webhook, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return ms
}

func texts(ms []ledger.Message) string {
	var b strings.Builder
	for _, m := range ms {
		b.Write(m.Body)
		b.WriteByte('\n')
	}
	return b.String()
}

func failed() uploader.Outcome {
	return uploader.Outcome{State: uploader.Failed, Kind: "permanent", Error: "no", Requested: true}
}

// TestNoticesAreWrittenWithTheState: a message for each webhook that wants one, in
// the transaction of the state that it tells of, with the file's present path.
func TestNoticesAreWrittenWithTheState(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		asked := 0
		w.l.SetNotices(notices{&asked})
		wake, end := w.l.NoticeWakes()
		defer end()
		w.put("/a/x.jpg", "X")
		y := w.put("/a/y.jpg", "YY")
		w.put("/a/secret.jpg", "SSS")
		c := w.claim("one", 3)
		w.finish(c[0], done("1"))
		select {
		case <-wake:
		default:
			t.Error("nobody was woken")
		}
		w.move(y, "/a/z.jpg")
		w.finish(c[1], failed())
		w.finish(c[2], done("3"))
		if got := texts(w.messages("first")); got != "done /a/x.jpg https://host/1 1 1\nfailed /a/z.jpg  1 2\n" {
			t.Errorf("%q", got)
		}
		first, third := w.messages("first"), w.messages("third")
		if len(third) != 2 || third[0].Key == first[0].Key || !strings.HasPrefix(first[0].Key, "msg_") || first[0].Event != "done" || first[0].Path != "/a/x.jpg" {
			t.Errorf("%+v %+v", first, third)
		}
		if n := len(w.messages("second")); n != 0 {
			t.Errorf("%d messages for who hears of what is held", n)
		}
		w.put("/a/held.jpg", "H")
		w.finish(w.claim("one", 1)[0], uploader.Outcome{State: uploader.Held, Reason: "not-whole"})
		if n := len(w.messages("second")); n != 1 {
			t.Errorf("%d messages of what is held", n)
		}
		// A row whose file was removed ends in another way.
		e := w.put("/a/gone.jpg", "G")
		g := w.claim("one", 1)[0]
		w.remove(e)
		w.finish(g, failed())
		if n := len(w.messages("first")); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestNoticeOfWhatFailsIsUndone: where the outcome is not written, no message is.
func TestNoticeOfWhatFailsIsUndone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		asked := 0
		w.l.SetNotices(notices{&asked})
		w.put("/a/x.jpg", "X")
		c := w.claim("one", 1)[0]
		c.Attempt++ // somebody else's
		if err := w.l.Finish(t.Context(), c, done("1")); err == nil {
			t.Fatal("a claim of somebody else's was ended")
		}
		if n := len(w.messages("first")); n != 0 || asked != 0 {
			t.Errorf("%d messages, asked %d times", n, asked)
		}
		w.l.SetNotices(nil)
		c.Attempt--
		w.finish(c, done("1"))
		if n := len(w.messages("first")); n != 0 || asked != 0 {
			t.Errorf("%d messages without webhooks, asked %d times", n, asked)
		}
	})
}

// TestMessages: they stay until they are delivered, through failures, the end of the
// process and the loss of their webhook.
func TestMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		asked, ctx := 0, t.Context()
		w.l.SetNotices(notices{&asked})
		for i := range 4 {
			w.put(fmt.Sprintf("/a/%d.jpg", i), fmt.Sprint("X", i))
		}
		for _, c := range w.claim("one", 4) {
			w.pass(time.Second)
			w.finish(c, done(fmt.Sprint(c.ID)))
		}
		w.reopen()
		ms := w.messages("first")
		if len(ms) != 4 || len(w.messages("third")) != 4 {
			t.Fatalf("%d messages", len(ms))
		}
		if err := w.l.MessageDelivered(ctx, ms[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := w.l.MessageFailed(ctx, ms[1].ID, time.Minute, "HTTP 500\x00\xff"); err != nil {
			t.Fatal(err)
		}
		if err := w.l.MessageGivenUp(ctx, ms[2].ID, "HTTP 410"); err != nil {
			t.Fatal(err)
		}
		due, next, err := w.l.Messages(ctx, "first", 100)
		if err != nil || len(due) != 1 || due[0].ID != ms[3].ID || !next.Equal(w.clock().Add(time.Minute)) {
			t.Errorf("%+v %v %v", due, next, err)
		}
		stats, err := w.l.WebhookStats(ctx)
		if s := stats["first"]; err != nil || s.Waiting != 2 || s.GivenUp != 1 || !s.Oldest.Equal(ms[1].Created) || !strings.HasPrefix(s.Error, "HTTP 5") || stats["third"].Waiting != 4 {
			t.Errorf("%+v %v", stats, err)
		}
		w.pass(time.Minute)
		if due := w.messages("first"); len(due) != 2 || due[1].ID != ms[1].ID || due[1].Tries != 1 || due[1].Key != ms[1].Key || string(due[1].Body) != string(ms[1].Body) {
			t.Errorf("%+v", due)
		}
		w.pass(time.Hour)
		if n, err := w.l.ExpireMessages(ctx, w.clock().Add(-time.Minute), w.clock().Add(-time.Hour)); err != nil || n != 6 {
			t.Errorf("%d given up, %v", n, err)
		}
		stats, err = w.l.WebhookStats(ctx)
		if s := stats["first"]; err != nil || s.Waiting != 0 || s.GivenUp != 2 || !s.Oldest.IsZero() { // the one given up an hour ago is forgotten
			t.Errorf("%+v %v", stats, err)
		}
	})
}

// TestMessagesHaveOneClock: a machine whose clock is wrong sends a message again when
// PostgreSQL's clock says.
func TestMessagesHaveOneClock(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		asked, ctx := 0, t.Context()
		w.l.SetNotices(notices{&asked})
		w.put("/a/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], done("1"))
		off := 0 * time.Hour
		if w.db.Postgres() {
			off = -5 * time.Hour
		}
		w.l.SetClock(func() time.Time { return time.Now().Add(off) })
		m := w.messages("first")[0]
		if err := w.l.MessageFailed(ctx, m.ID, time.Hour, "HTTP 500"); err != nil {
			t.Fatal(err)
		}
		due, next, err := w.l.Messages(ctx, "first", 100)
		if d := time.Until(next); err != nil || len(due) != 0 || d < 30*time.Minute || d > 90*time.Minute {
			t.Errorf("%d are due, the next in %v; %v", len(due), d, err)
		}
		if err := w.l.MessageGivenUp(ctx, m.ID, "HTTP 410"); err != nil {
			t.Fatal(err)
		}
		hour := time.Now().Add(-time.Hour)
		if _, err := w.l.ExpireMessages(ctx, hour, hour); err != nil {
			t.Fatal(err)
		}
		if stats, err := w.l.WebhookStats(ctx); err != nil || stats["first"].GivenUp != 1 {
			t.Errorf("%+v %v", stats, err)
		}
	})
}

// TestMessagesUseIndexes: their cost does not grow with how many wait for others.
func TestMessagesUseIndexes(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for query, index := range map[string]string{
		"SELECT id FROM webhooks WHERE webhook = 'w' AND given_up = 0 AND due <= 5 ORDER BY due LIMIT 9": "webhooks_due",
		"UPDATE webhooks SET error = '' WHERE given_up = 0 AND created < 5":                              "webhooks_age",
	} {
		var plan string
		err := w.db.Read(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
			rows, err := tx.Query(ctx, "EXPLAIN QUERY PLAN "+query)
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
		if err != nil || !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis run as\n%s%v", query, plan, err)
		}
	}
}
