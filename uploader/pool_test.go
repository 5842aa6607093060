package uploader_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

func TestCommitIsSent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		u := w.want(e, "done")
		if u.Picture.URL != "https://one.example/1" || u.Attempts != 1 || u.Category != "one" || u.Sent.IsZero() || h.names[0] != "a.jpg" {
			t.Errorf("%+v", u)
		}
		if active := w.pool.Active(); len(active) != 0 {
			t.Errorf("still active: %v", active)
		}
	})
}

// TestOutcomes has every answer of a host, at hosts of both kinds, and the state
// that it leads to at once.
func TestOutcomes(t *testing.T) {
	refusing := uploader.Properties{RefusesRepeats: 24 * time.Hour}
	for _, c := range []struct {
		name  string
		props uploader.Properties
		step  step
		want  string
		tries int
		error string
	}{
		{"temporary before the last byte", refusing, fails(errBusy), "settling/backoff", 1, "busy (HTTP 503)"},
		{"no connection", refusing, fails(errDial), "settling/backoff", 1, "the host refused the connection"},
		{"an unknown error", refusing, fails(errDisk), "settling/backoff", 1, "the attempt failed: disk"},
		{"permanent", refusing, step{err: errPermanent}, "failed", 1, "not a picture (610)"},
		{"refused", refusing, fails(errRefused), "settling/destination-paused", 0, "invalid key (100)"},
		{"flood", refusing, fails(errFlood), "settling/host-paused", 0, "flooding (130)"},
		{"duplicate that nobody can explain", refusing, step{err: &uploader.Error{Kind: uploader.Duplicate, Message: "dup"}},
			"held/duplicate-elsewhere", 0, "The host has this picture already, but not from here: dup"},
		{"reply lost", refusing, step{store: true, err: errLost}, "ambiguous/lost-reply", 1, "the host broke off"},
		{"reply lost at an idempotent host", uploader.Properties{Idempotent: true}, step{store: true, err: errLost}, "settling/backoff", 1, "the host broke off"},
		{"HTML after the body", refusing, step{err: errHTML}, "ambiguous/lost-reply", 1, "an HTML page (HTTP 500)"},
		{"HTML after the body at an idempotent host", uploader.Properties{Idempotent: true}, step{err: errHTML}, "settling/backoff", 1, "an HTML page (HTTP 500)"},
		{"HTML before the body", refusing, fails(&uploader.Error{Kind: uploader.Unusual, Code: "HTTP 502", Message: "html"}), "settling/backoff", 1, "html (HTTP 502)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				h := w.host("one", c.props)
				h.then(c.step)
				w.start()
				e := w.put("/one/a.jpg", "A")
				settle()
				u := w.want(e, c.want)
				if u.Tries != c.tries || u.Error != c.error || u.Attempts != 1 {
					t.Errorf("tries %d, attempts %d, error %q", u.Tries, u.Attempts, u.Error)
				}
				if h.requests() != 1 {
					t.Errorf("%d requests", h.requests())
				}
			})
		})
	}
}

func TestAwaiting(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		w.config.Destinations = []uploader.Destination{{Name: "one", Driver: moderated{driver{h}}}}
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		w.want(e, "awaiting")
		again := w.put("/one/b.jpg", "A")
		settle()
		if w.want(again, "awaiting/reused"); h.requests() != 1 {
			t.Errorf("%d requests", h.requests())
		}
	})
}

type moderated struct{ driver }

func (d moderated) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	r, err := d.driver.Send(ctx, p)
	r.URL, r.Awaiting = "", true
	return r, err
}

func TestBackoffGrowsAndEndsInFailed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		for range 20 {
			h.then(fails(errBusy))
		}
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(4 * time.Hour)
		u := w.want(e, "failed")
		if h.requests() != 20 || u.Tries != 20 || u.Attempts != 20 || u.Remedy == "" {
			t.Fatalf("%d requests, %+v", h.requests(), u)
		}
		for i := range 19 { // half of the bound, because Rand says 0.5
			bound := min(2*time.Second<<min(i+1, 10), 15*time.Minute)
			want := 2*time.Second + (bound-2*time.Second)/2
			if got := h.asked[i+1].Sub(h.asked[i]); got < want || got > want+time.Second {
				t.Errorf("wait %d was %v, want %v", i+1, got, want)
			}
		}
		if err := w.l.Retry(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		settle()
		if u := w.want(e, "done"); u.Attempts != 21 || u.Tries != 0 || u.Error != "" {
			t.Errorf("%+v", u)
		}
	})
}

func TestRefusedPausesAndResumesByCheck(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		w.host("two", uploader.Properties{})
		var mu sync.Mutex
		var checks []time.Time
		works := time.Now().Add(20 * time.Minute)
		h.checker = func() error {
			mu.Lock()
			defer mu.Unlock()
			if checks = append(checks, time.Now()); time.Now().After(works) {
				return nil
			}
			return errRefused
		}
		h.then(fails(errRefused))
		w.start()
		begin := time.Now()
		e := w.put("/one/a.jpg", "A")
		settle()
		w.want(e, "settling/destination-paused")
		other := w.put("/two/a.jpg", "A")
		later(time.Minute) // one's pause blocks nobody else
		w.want(other, "done")
		later(34 * time.Minute)
		u := w.want(e, "done")
		mu.Lock()
		defer mu.Unlock()
		var at []time.Duration
		for _, c := range checks {
			at = append(at, c.Sub(begin).Round(time.Second))
		}
		want := "[30s 1m30s 3m30s 7m30s 15m30s 30m30s]"
		if fmt.Sprint(at) != want || h.requests() != 2 || u.Attempts != 2 {
			t.Errorf("checked at %v, want %v; %d requests, %+v", at, want, h.requests(), u)
		}
		s, err := w.l.Stats(t.Context())
		if err != nil || !s["one"].Paused.IsZero() || s["one"].Count[uploader.Done] != 1 {
			t.Errorf("%+v, %v", s["one"], err)
		}
	})
}

func TestRefusedLetsOneThroughWithoutChecker(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.then(fails(errRefused), fails(errRefused), fails(errRefused))
		h.delay = time.Second
		w.start()
		var es []vfs.Entry
		for i := range 10 {
			es = append(es, w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i)))
		}
		later(20 * time.Second)
		sent := h.requests() // those that were under way at once
		if sent > 2 {
			t.Fatalf("%d requests although the first was refused", sent)
		}
		for _, e := range es {
			if u := w.want(e, "settling/destination-paused"); u.Tries != 0 {
				t.Errorf("a try was burnt: %+v", u)
			}
		}
		later(20 * time.Second)
		if h.requests() != sent+1 {
			t.Fatalf("%d requests as a probe", h.requests()-sent)
		}
		later(3 * time.Minute)
		for _, e := range es {
			w.want(e, "done")
		}
	})
}

func TestFloodPausesTheHostNotTheFile(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		two := w.host("two", uploader.Properties{})
		two.props.Host = h.props.Host // another account at the same host
		h.then(fails(errFlood))
		w.start()
		begin := time.Now()
		a := w.put("/one/a.jpg", "A")
		settle()
		b := w.put("/two/b.jpg", "B")
		later(89 * time.Second)
		if two.requests() != 0 || h.requests() != 1 {
			t.Fatal("the host was asked while its bucket was paused")
		}
		later(2 * time.Second)
		if u := w.want(a, "done"); u.Attempts != 2 {
			t.Errorf("%+v", u)
		}
		w.want(b, "done")
		if got := h.asked[1].Sub(begin); got < 90*time.Second {
			t.Errorf("asked again after %v", got)
		}
	})
}

func TestWindowsAreCountedPerHost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{Limits: uploader.Limits{PerMinute: 3, PerHour: 5}})
		two := w.host("two", uploader.Properties{})
		two.props.Host = h.props.Host
		w.start()
		begin := time.Now()
		for i := range 4 {
			w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i))
			w.put(fmt.Sprintf("/two/%d.jpg", i), fmt.Sprint("two", i))
		}
		settle()
		count := func() int { return h.requests() + two.requests() }
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{59 * time.Second, 3}, {61 * time.Second, 5}, {59 * time.Minute, 5}} {
			later(time.Until(begin.Add(c.at)))
			if count() != c.want {
				t.Errorf("%d requests after %v, want %d", count(), c.at, c.want)
			}
		}
		w.halt() // the windows are in the database
		w.start()
		later(time.Until(begin.Add(60*time.Minute - time.Second)))
		if count() != 5 {
			t.Errorf("%d requests after a restart, want 5", count())
		}
		later(5 * time.Second)
		if count() != 8 {
			t.Errorf("%d requests after an hour, want 8", count())
		}
	})
}

func TestConcurrency(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{Limits: uploader.Limits{Concurrency: 3}})
		two := w.host("two", uploader.Properties{})
		h.delay, two.delay = time.Second, time.Second
		w.start()
		for i := range 30 {
			w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i))
			w.put(fmt.Sprintf("/two/%d.jpg", i), fmt.Sprint(i))
		}
		later(500 * time.Millisecond)
		if n := len(w.pool.Active()); n != 4 {
			t.Errorf("%d active, want 2 of each", n)
		}
		later(15 * time.Second)
		if h.requests() != 30 || two.requests() != 30 || h.most != 2 || two.most != 2 {
			t.Errorf("%d and %d requests, %d and %d at a time", h.requests(), two.requests(), h.most, two.most)
		}
	})
}

func TestHostConcurrencyIsShared(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{Limits: uploader.Limits{Concurrency: 1}})
		two := w.host("two", uploader.Properties{})
		two.props.Host = h.props.Host
		h.delay = time.Second
		var over bool
		for range 5 {
			two.then(step{do: func(context.Context) { h.mu.Lock(); over = over || h.now > 0; h.mu.Unlock() }})
		}
		w.start()
		for i := range 5 {
			w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i))
			w.put(fmt.Sprintf("/two/%d.jpg", i), fmt.Sprint("two", i))
		}
		later(10 * time.Second)
		if h.requests() != 5 || two.requests() != 5 || h.most != 1 || over {
			t.Errorf("%d and %d requests, %d at a time, both at once: %v", h.requests(), two.requests(), h.most, over)
		}
	})
}

func TestHostDownBurnsNoTries(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		up := time.Now().Add(2 * time.Hour)
		w.config.Destinations = []uploader.Destination{{Name: "one", Driver: downUntil{driver{h}, up}, Slots: 2}}
		var es []vfs.Entry
		for i := range 60 {
			es = append(es, w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i)))
		}
		w.start()
		later(2*time.Hour - time.Second)
		if n := h.requests(); n > 200 || n < 100 {
			t.Errorf("%d requests while the host was down, want about one a minute", n)
		}
		tries := 0
		for _, e := range es {
			u := w.upload(e)
			if tries += u.Tries; u.State != uploader.Settling {
				t.Fatalf("%+v", u)
			}
		}
		if tries > troubled {
			t.Errorf("%d tries were burnt", tries)
		}
		later(2 * time.Minute)
		for _, e := range es {
			if u := w.upload(e); u.State != uploader.Done && u.Due.Before(time.Now()) {
				t.Fatalf("not sent although the host is up again: %+v", u)
			}
		}
		later(20 * time.Minute)
		for _, e := range es {
			w.want(e, "done")
		}
	})
}

// troubled is after how many failures a host is known to be down.
const troubled = 3

type downUntil struct {
	driver
	up time.Time
}

func (d downUntil) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	if time.Now().Before(d.up) {
		d.then(fails(errDial))
	}
	return d.driver.Send(ctx, p)
}

func TestNotWholeIsHeldUntilItChangesOrIsReleased(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		w.whole = &uploader.Hold{Reason: uploader.ReasonNotWhole, Text: "the file ends in the middle", Remedy: "send it again"}
		w.start()
		e := w.put("/one/a.jpg", "A")
		b := w.put("/one/b.jpg", "B")
		later(time.Hour)
		u := w.want(e, "held/not-whole")
		if u.Error != "the file ends in the middle" || u.Remedy != "send it again" || h.requests() != 0 || u.Attempts != 0 {
			t.Errorf("%+v", u)
		}
		if err := w.l.Release(t.Context(), w.upload(b).ID); err != nil {
			t.Fatal(err)
		}
		settle()
		w.want(b, "done") // a person knows better
		w.set(func() { w.whole = nil })
		w.put("/one/a.jpg", "A, whole")
		settle()
		w.want(e, "done")
		us, _ := w.l.Entry(t.Context(), e.ID)
		if us[0].State != uploader.Superseded || us[0].Reason != uploader.ReasonReplaced {
			t.Errorf("%+v", us[0])
		}
	})
}

func TestPlanHoldsRejectsAndFails(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&uploader.Hold{Reason: uploader.ReasonNoAlbum, Text: "no album"}, "held/no-album"},
		{&uploader.Error{Kind: uploader.Permanent, Message: "no album, rejected"}, "failed"},
		{errors.New("disk"), "settling/backoff"},
	} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", uploader.Properties{})
			w.planErr = c.err
			w.start()
			e := w.put("/one/a.jpg", "A")
			settle()
			w.want(e, c.want)
			w.set(func() { w.planErr = nil })
			if c.want == "held/no-album" {
				if err := w.l.Reconsider(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			later(time.Minute)
			if c.want != "failed" {
				w.want(e, "done")
			}
			if h.requests() > 1 {
				t.Errorf("%d requests", h.requests())
			}
		})
	}
}

// TestObserve: who counts hears of each outcome once, with its time and bytes.
func TestObserve(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.then(step{err: errPermanent}, step{do: func(context.Context) { time.Sleep(3 * time.Second) }})
		var mu sync.Mutex
		var seen []uploader.Observation
		w.config.Observe = func(o uploader.Observation) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, o)
		}
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		w.put("/one/b.jpg", "BB")
		later(5 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(seen) != 2 {
			t.Fatalf("%d observations", len(seen))
		}
		if o := seen[0]; o.Outcome.State != uploader.Failed || o.Outcome.Kind != "permanent" || o.Request != 0 {
			t.Errorf("%+v", o)
		}
		if o := seen[1]; o.Outcome.State != uploader.Done || o.Request != 3*time.Second || o.Sent != 2 || o.Upload.Path != "/one/b.jpg" {
			t.Errorf("%+v", o)
		}
	})
}
