package uploader_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// TestAwayIsTriedUntilItIsBack: a file whose bytes cannot be read for hours loses no
// try, is asked for ever more rarely, says why, and goes when they can be read.
func TestAwayIsTriedUntilItIsBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		back, asked := time.Now().Add(6*time.Hour), 0
		away := &uploader.Away{Text: "The host does not answer.", Remedy: "Try again later.", Err: errors.New("refused")}
		w.config.Open = func(ctx context.Context, u uploader.Upload) (blob.Reader, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if asked++; time.Now().Before(back) {
				return nil, fmt.Errorf("open: %w", away)
			}
			return w.content(ctx, u)
		}
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		u := w.want(e, "settling/backoff")
		if u.Error != away.Text || u.Remedy != away.Remedy || u.Tries != 0 || u.Attempts != 0 || time.Until(u.Due) > 3*time.Second {
			t.Errorf("%+v", u)
		}
		later(5 * time.Hour)
		if u = w.want(e, "settling/backoff"); u.Tries != 0 || u.Attempts != 0 {
			t.Errorf("%+v", u)
		}
		if asked < 30 || asked > 80 { // more than the tries that a file has
			t.Errorf("asked %d times in five hours, want about once in 7 minutes", asked)
		}
		w.set(func() { away.After = time.Hour })
		later(20 * time.Minute)
		if u = w.want(e, "settling/backoff"); u.Due.Sub(u.Changed) != time.Hour {
			t.Errorf("the host asks for an hour, and the wait is %v", u.Due.Sub(u.Changed))
		}
		later(2 * time.Hour)
		if u = w.want(e, "done"); u.Error != "" || h.requests() == 0 {
			t.Errorf("%+v", u)
		}
	})
}

// TestAwayIsNoTroubleOfTheDestination: where bytes of many files cannot be read, the
// others are sent at once: the destination is not taken to be down.
func TestAwayIsNoTroubleOfTheDestination(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.host("one", uploader.Properties{})
		here := make(map[blob.Ref]bool)
		w.config.Open = func(ctx context.Context, u uploader.Upload) (blob.Reader, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !here[u.Blob] {
				return nil, &uploader.Away{Text: "The host does not answer."}
			}
			return w.content(ctx, u)
		}
		w.start()
		var waiting []vfs.Entry
		for i := range 2 * troubled {
			waiting = append(waiting, w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i)))
		}
		settle()
		w.mu.Lock()
		e := w.put("/one/here.jpg", "here")
		here[e.Blob] = true
		w.mu.Unlock()
		settle()
		w.want(e, "done")
		for _, e := range waiting {
			if u := w.want(e, "settling/backoff"); u.Tries != 0 {
				t.Errorf("%+v", u)
			}
		}
	})
}

// TestAwayDoesNotResume: a destination that is paused is not taken for well because a
// file let through to try it could not be read.
func TestAwayDoesNotResume(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.then(fails(&uploader.Error{Kind: uploader.Refused, Message: "wrong key"}))
		gone := false
		w.config.Open = func(ctx context.Context, u uploader.Upload) (blob.Reader, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if gone {
				return nil, &uploader.Away{Text: "The host does not answer."}
			}
			return w.content(ctx, u)
		}
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		w.set(func() { gone = true })
		later(24 * time.Hour)
		if s, err := w.l.Stats(t.Context()); err != nil || s["one"].Paused.IsZero() {
			t.Errorf("%+v, error %v", s["one"], err)
		}
		w.set(func() { gone = false })
		later(24 * time.Hour)
		if s, err := w.l.Stats(t.Context()); err != nil || !s["one"].Paused.IsZero() {
			t.Errorf("a day after: %+v, error %v", s["one"], err)
		}
	})
}
