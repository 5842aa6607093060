package uploader_test

import (
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// forget has the host lose its pictures of these bytes, as if somebody deleted them there.
func (h *fakeHost) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.stored)
}

// withoutURL starts a world in which an upload is done without a URL after two requests.
func withoutURL(t *testing.T, test func(t *testing.T, w *world, h *fakeHost, e vfs.Entry)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", refusing)
		h.then(step{store: true, err: errLost})
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(2 * time.Hour)
		w.want(e, "done/no-url")
		test(t, w, h, e)
	})
}

func (w *world) retry(e vfs.Entry) {
	w.t.Helper()
	if err := w.l.Retry(w.t.Context(), w.upload(e).ID); err != nil {
		w.t.Fatal(err)
	}
}

// TestWithoutURLIsSentAgainByHand: after the picture was deleted at the host, storing its
// bytes again sends nothing; asking for it does.
func TestWithoutURLIsSentAgainByHand(t *testing.T) {
	withoutURL(t, func(t *testing.T, w *world, h *fakeHost, _ vfs.Entry) {
		h.forget()
		w.put("/one/a.jpg", "A")
		later(time.Hour)
		w.erase("/one/a.jpg")
		e := w.put("/one/a.jpg", "A")
		b := w.put("/one/b.jpg", "A")
		later(time.Hour)
		w.want(e, "done/no-url")
		w.want(b, "done/no-url")
		if h.requests() != 2 {
			t.Fatalf("%d requests before anybody asked", h.requests())
		}
		w.retry(e)
		later(2 * time.Hour)
		u := w.want(e, "done")
		if h.requests() != 3 || u.Picture == nil || u.Picture.URL == "" {
			t.Errorf("%d requests, %+v", h.requests(), u)
		}
		w.want(b, "done/no-url")
		w.retry(b) // the same picture
		later(time.Hour)
		if v := w.want(b, "done/reused"); h.requests() != 3 || v.Picture.URL != u.Picture.URL {
			t.Errorf("%d requests, %+v", h.requests(), v)
		}
		h.once()
	})
}

// TestWithoutURLThatIsThereStill: the host refuses it as a repeat, once for each time
// that somebody asks, and it ends as it was.
func TestWithoutURLThatIsThereStill(t *testing.T) {
	for name, c := range map[string]struct {
		before   []step
		requests int // of each retry
	}{
		"at once":     {nil, 1},
		"after a lot": {[]step{fails(errDial), fails(errBusy), fails(errFlood)}, 4},
		"lost again":  {[]step{{err: errLost}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			withoutURL(t, func(t *testing.T, w *world, h *fakeHost, e vfs.Entry) {
				for i := 1; i <= 2; i++ {
					h.then(c.before...)
					w.retry(e)
					later(2 * time.Hour)
					u := w.want(e, "done/no-url")
					if h.requests() != 2+i*c.requests || len(u.Notes) != 1 || u.Error != "" {
						t.Errorf("%d requests, %+v", h.requests(), u)
					}
				}
				b := w.put("/one/b.jpg", "A") // and it is known once more that the host has it
				later(time.Hour)
				if w.want(b, "done/no-url"); h.requests() != 2+2*c.requests {
					t.Errorf("%d requests", h.requests())
				}
				h.once()
			})
		})
	}
}

// TestWithoutURLAndTheReplyLostAgain: the host took what was sent again, and its reply
// was lost once more.
func TestWithoutURLAndTheReplyLostAgain(t *testing.T) {
	withoutURL(t, func(t *testing.T, w *world, h *fakeHost, e vfs.Entry) {
		h.forget()
		h.then(step{store: true, err: errLost})
		w.retry(e)
		later(2 * time.Hour)
		if w.want(e, "done/no-url"); h.requests() != 4 {
			t.Errorf("%d requests", h.requests())
		}
		h.once()
	})
}

// TestWithoutURLRetriedTogether: of several uploads of the same bytes that are retried
// one is sent, and what came of it is what the others get.
func TestWithoutURLRetriedTogether(t *testing.T) {
	for _, deleted := range []bool{true, false} {
		withoutURL(t, func(t *testing.T, w *world, h *fakeHost, e vfs.Entry) {
			all := []vfs.Entry{e, w.put("/one/b.jpg", "A"), w.put("/one/c.jpg", "A")}
			later(time.Hour)
			if deleted {
				h.forget()
			}
			h.delay = time.Second
			for _, e := range all {
				w.retry(e)
			}
			later(time.Hour)
			for _, e := range all {
				if u := w.upload(e); u.State != uploader.Done || (u.Reason == uploader.ReasonNoURL) == deleted {
					t.Errorf("deleted: %v: %+v", deleted, u)
				}
			}
			if h.requests() != 3 {
				t.Errorf("deleted: %v: %d requests", deleted, h.requests())
			}
			h.once()
		})
	}
}
