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

func TestStopLetsRequestsEndWithinGrace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.delay = 5 * time.Second
		w.config.Grace = 10 * time.Second
		var es []vfs.Entry
		for i := range 10 {
			es = append(es, w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i)))
		}
		w.start()
		later(time.Second)
		begin := time.Now()
		w.halt()
		if d := time.Since(begin); d != 4*time.Second {
			t.Errorf("stopping took %v", d)
		}
		var done, waiting int
		for _, e := range es {
			switch u := w.upload(e); {
			case u.State == uploader.Done:
				done++
			case u.State == uploader.Settling && u.Attempts == 0 && u.Tries == 0:
				waiting++
			}
		}
		if done != 2 || waiting != 8 || h.requests() != 2 {
			t.Errorf("%d done, %d waiting, %d requests", done, waiting, h.requests())
		}
		h.delay = 0
		w.start()
		settle()
		for _, e := range es {
			w.want(e, "done")
		}
	})
}

func TestStopCancelsAfterGrace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.delay = time.Hour
		w.config.Grace = 10 * time.Second
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(time.Second)
		w.halt()
		if u := w.want(e, "settling"); u.Tries != 0 {
			t.Errorf("a try was burnt: %+v", u)
		}
		h.delay = 0
		w.start()
		settle()
		w.want(e, "done")
	})
}

func TestLeasesAreRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.delay = 2 * time.Hour
		w.config.Lease = 2 * time.Minute
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(2*time.Hour + time.Second)
		if w.want(e, "done"); h.requests() != 1 {
			t.Errorf("%d requests", h.requests())
		}
	})
}

// slowLedger is a ledger whose methods fail from outside.
type slowLedger struct {
	uploader.Ledger
	mu                  sync.Mutex
	renew, finish, sent error
	finished            int
}

func (l *slowLedger) locked(f func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return f()
}

// recover lets every method work again.
func (l *slowLedger) recover() {
	_ = l.locked(func() error { l.renew, l.finish, l.sent = nil, nil, nil; return nil })
}

func (l *slowLedger) Renew(ctx context.Context, c []uploader.Claimed, lease time.Duration) ([]uploader.Claimed, error) {
	if err := l.locked(func() error { return l.renew }); err != nil {
		return nil, err
	}
	return l.Ledger.Renew(ctx, c, lease)
}

func (l *slowLedger) Finish(ctx context.Context, c uploader.Claimed, o uploader.Outcome) error {
	if err := l.locked(func() error { l.finished++; return l.finish }); err != nil {
		return err
	}
	return l.Ledger.Finish(ctx, c, o)
}

func (l *slowLedger) Sent(ctx context.Context, c uploader.Claimed) error {
	if err := l.locked(func() error { return l.sent }); err != nil {
		return err
	}
	return l.Ledger.Sent(ctx, c)
}

func TestRequestIsCancelledWhereTheLeaseCannotBeRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		slow := &slowLedger{renew: errors.New("disk full")}
		w.config.Ledger = slow
		w.config.Lease = 90 * time.Second
		ended := make(chan time.Time, 1)
		h.then(step{do: func(ctx context.Context) { <-ctx.Done(); ended <- time.Now() }})
		w.start()
		begin := time.Now()
		e := w.put("/one/a.jpg", "A")
		later(5 * time.Minute)
		if d := (<-ended).Sub(begin); d != time.Minute {
			t.Errorf("cancelled after %v, want two thirds of the lease", d)
		}
		if u := w.upload(e); len(h.stored) != 1 || h.requests() != 2 || u.State != uploader.Done {
			t.Errorf("%d requests, %+v", h.requests(), u) // the body of the first never ended
		}
	})
}

func TestNothingIsSentWholeThatIsNotRecorded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		slow := &slowLedger{sent: errors.New("disk full")}
		w.config.Ledger = slow
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(time.Minute)
		w.want(e, "settling/backoff")
		if len(h.stored) != 0 || h.requests() < 2 {
			t.Errorf("%d stored, %d requests", len(h.stored), h.requests())
		}
		slow.recover()
		later(time.Hour)
		w.want(e, "done")
	})
}

func TestOutcomeIsWrittenWhenTheDatabaseRecovers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		slow := &slowLedger{finish: errors.New("disk full")}
		w.config.Ledger = slow
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(10 * time.Second)
		w.want(e, "sending")
		slow.recover()
		later(20 * time.Second)
		if w.want(e, "done"); h.requests() != 1 || slow.finished < 5 {
			t.Errorf("%d requests, finished %d times", h.requests(), slow.finished)
		}
	})
}

func TestWhatHappensToAFileWhileItIsSent(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     vfs.Op
		good, fail string
		again      bool // new bytes are owed
	}{
		{"replaced", nil, "done", "superseded/replaced", true},
		{"removed", vfs.Remove{Path: "/one/a.jpg"}, "done", "dropped/removed", false},
		{"moved", vfs.Move{From: "/one/a.jpg", To: "/unrouted.jpg"}, "done", "superseded/moved", false},
		{"renamed", vfs.Move{From: "/one/a.jpg", To: "/one/b.jpg"}, "done", "settling/backoff", false},
	} {
		for _, good := range []bool{true, false} {
			t.Run(fmt.Sprint(c.name, good), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					h := w.host("one", uploader.Properties{})
					e := w.put("/one/a.jpg", "A")
					s := step{do: func(context.Context) {
						if c.change == nil {
							w.put("/one/a.jpg", "B")
						} else if _, _, err := w.tree.Apply(context.Background(), c.change); err != nil {
							t.Error(err)
						}
					}}
					want := c.good
					if !good {
						s.half, s.err, want = true, errBusy, c.fail
					}
					h.then(s)
					w.start()
					settle()
					us, err := w.l.Entry(t.Context(), e.ID)
					if err != nil {
						t.Fatal(err)
					}
					got := string(us[0].State)
					if us[0].Reason != "" {
						got += "/" + us[0].Reason
					}
					if got != want || c.again != (len(us) == 2) || c.again && (us[1].State != uploader.Done || !us[1].Present || us[0].Present) {
						t.Errorf("%s, want %s: %+v", got, want, us)
					}
				})
			})
		}
	}
}
