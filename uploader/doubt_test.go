package uploader_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// prepared is bytes of their own, as taken out of a picture.
type prepared struct{ content []byte }

func (p prepared) Size() int64 { return int64(len(p.content)) }

func (p prepared) Open(context.Context) (io.ReadSeekCloser, error) {
	return reader{bytes.NewReader(p.content)}, nil
}

// preparing has pictures sent as how says when they are sent; "": as they are.
func (w *world) preparing() (how *string) {
	how = new(string)
	w.config.Prepare = func(ctx context.Context, u uploader.Upload, _ uploader.Plan, _ uploader.Properties, open uploader.Open) (uploader.Prepared, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if *how == "" {
			return uploader.Prepared{}, nil
		}
		r, err := open(ctx)
		if err != nil {
			return uploader.Prepared{}, err
		}
		defer r.Close()
		content, err := io.ReadAll(r)
		return uploader.Prepared{Variant: prepared{append(content, *how...)}, How: *how}, err
	}
	w.config.Alters = func(string) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return *how != ""
	}
	return how
}

// What the route takes out of pictures is changed while a reply is missing: the same
// picture would be another one to the host, which would take it too.
func TestLostReplyOfOtherBytes(t *testing.T) {
	for _, c := range []struct{ rule, before, after, want string }{
		{uploader.NoURLLostReply, "", "strip=gps", "ambiguous/lost-reply"},
		{uploader.NoURLLostReply, "strip=gps", "", "ambiguous/lost-reply"},
		{uploader.HoldLostReply, "strip=gps", "strip=all", "ambiguous/lost-reply"},
		{uploader.NewCopyLostReply, "strip=gps", "strip=all", "done"}, // a second picture is what that is
		{uploader.NoURLLostReply, "strip=gps", "strip=gps", "done/no-url"},
	} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", refusing)
			h.then(step{store: true, err: errLost})
			how := w.preparing()
			*how, w.plan.OnLostReply = c.before, c.rule
			w.start()
			e := w.put("/one/a.jpg", "A")
			settle()
			w.want(e, "ambiguous/lost-reply")
			w.set(func() { *how = c.after })
			later(time.Hour)
			u := w.want(e, c.want)
			if c.want != "ambiguous/lost-reply" {
				return
			}
			if h.requests() != 1 || !u.Due.IsZero() || u.Remedy == "" {
				t.Fatalf("%+v: %d requests, %+v", c, h.requests(), u)
			}
			if err := w.l.Retry(t.Context(), u.ID); err != nil { // somebody looked: it is not there
				t.Fatal(err)
			}
			settle()
			if w.want(e, "done"); h.requests() != 2 {
				t.Errorf("%+v: %d requests", c, h.requests())
			}
		})
	}
}

// A picture that is found is the one that was sent, not the one that would be.
func TestFoundAsItWasSent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.finder = func(uploader.Picture) (uploader.Result, bool, error) {
			return uploader.Result{ID: "9", URL: "https://one.example/9"}, true, nil
		}
		h.then(step{store: true, err: errLost})
		how := w.preparing()
		*how = "strip=gps"
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		w.set(func() { *how = "strip=all" })
		later(time.Minute)
		if u := w.want(e, "done"); u.Picture.Prepared != "strip=gps" || h.requests() != 1 {
			t.Errorf("%d requests, %+v", h.requests(), u.Picture)
		}
	})
}

// A reply that is missing stays so, whatever way its row comes back: nobody asked for
// its bytes to be sent once more.
func TestLostReplyThatComesBack(t *testing.T) {
	for name, back := range map[string]func(t *testing.T, w *world, e vfs.Entry){
		"the bytes of before": func(t *testing.T, w *world, e vfs.Entry) {
			w.put("/one/a.jpg", "B")
			settle()
			w.put("/one/a.jpg", "A")
		},
		"moved away and back": func(t *testing.T, w *world, e vfs.Entry) {
			for _, names := range [][2]string{{"/one/a.jpg", "/none/a.jpg"}, {"/none/a.jpg", "/one/a.jpg"}} {
				if _, _, err := w.tree.Apply(t.Context(), vfs.Mkdir{Path: "/none", Parents: true}); err != nil {
					t.Fatal(err)
				}
				if _, _, err := w.tree.Apply(t.Context(), vfs.Move{From: names[0], To: names[1]}); err != nil {
					t.Fatal(err)
				}
				settle()
			}
		},
		"dropped and stored again": func(t *testing.T, w *world, e vfs.Entry) {
			if err := w.l.Drop(t.Context(), w.upload(e).ID); err != nil {
				t.Fatal(err)
			}
			w.put("/one/a.jpg", "A")
		},
	} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", uploader.Properties{})
			h.then(step{store: true, err: errLost})
			w.start()
			e := w.put("/one/a.jpg", "A")
			settle()
			w.want(e, "ambiguous/lost-reply")
			back(t, w, e)
			later(time.Hour)
			for _, u := range mustEntry(t, w, e) {
				if u.Present && (u.State != uploader.AmbiguousState || !u.Due.IsZero() || u.Error == "" || u.Remedy == "") {
					t.Errorf("%s: it is %s/%s: %s %s", name, u.State, u.Reason, u.Error, u.Remedy)
				}
			}
			h.once()
		})
	}
}

// Settings hold an upload whose reply is missing until the host takes its bytes anew.
func TestLostReplyHeldBySettings(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", refusing)
		h.then(step{store: true, err: errLost})
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		w.set(func() {
			w.planErr = &uploader.Hold{Reason: uploader.ReasonNoAlbum, Text: "no album", Remedy: "make one"}
		})
		later(time.Minute)
		w.halt() // not to look every minute of the two days
		later(48 * time.Hour)
		w.start()
		w.set(func() { w.planErr = nil })
		if err := w.l.Reconsider(t.Context()); err != nil {
			t.Fatal(err)
		}
		later(time.Hour)
		w.want(e, "ambiguous/lost-reply")
		if h.requests() != 1 {
			t.Errorf("%d requests", h.requests())
		}
	})
}

// Who was told of the missing reply and wants the picture sent need not say so again
// because the host is busy.
func TestRetryOfALostReplyGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.then(step{err: errLost}, step{err: errBusy}, step{err: errBusy})
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		u := w.want(e, "ambiguous/lost-reply")
		if err := w.l.Retry(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		later(time.Hour)
		w.want(e, "done")
		if h.requests() != 4 {
			t.Errorf("%d requests", h.requests())
		}
	})
}

// What the host has at an unknown address is what was sent, for the same bytes in
// another file too.
func TestNoURLOfPreparedBytes(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", refusing)
		h.then(step{store: true, err: errLost})
		how := w.preparing()
		*how = "strip=gps"
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(time.Minute)
		w.want(e, "done/no-url")
		b := w.put("/one/b.jpg", "A")
		later(time.Minute)
		if w.want(b, "done/no-url"); h.requests() != 2 {
			t.Errorf("%d requests", h.requests())
		}
		w.set(func() { *how = "" })
		c := w.put("/one/c.jpg", "A") // these bytes it does not have
		later(time.Minute)
		if w.want(c, "done"); h.requests() != 3 {
			t.Errorf("%d requests", h.requests())
		}
	})
}

func mustEntry(t *testing.T, w *world, e vfs.Entry) []uploader.Upload {
	t.Helper()
	us, err := w.l.Entry(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return us
}
