package uploader_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

var refusing = uploader.Properties{RefusesRepeats: 24 * time.Hour}

// once fails the test where the host stored any bytes twice.
func (h *fakeHost) once() {
	h.t.Helper()
	for sum, n := range h.stored {
		if n > 1 {
			h.t.Errorf("%v was stored %d times", sum, n)
		}
	}
}

func TestLostReplyIsRetriedWhereRepeatsAreRefused(t *testing.T) {
	for _, c := range []struct {
		rule    string
		stored  bool // by the request whose reply was lost
		want    string
		stores  int
		release string // what a person's release leads to
	}{
		{"", false, "done", 1, ""},
		{uploader.NoURLLostReply, true, "done/no-url", 1, ""},
		{uploader.NewCopyLostReply, true, "done", 2, ""},
		{uploader.HoldLostReply, true, "held/lost-reply", 1, "done/no-url"},
	} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", refusing)
			h.then(step{store: c.stored, err: errLost})
			w.plan.OnLostReply = c.rule
			w.config.Variant = variants
			w.start()
			e := w.put("/one/a.jpg", "A")
			settle()
			w.want(e, "ambiguous/lost-reply")
			later(time.Minute)
			u := w.want(e, c.want)
			if len(h.stored) != c.stores {
				t.Errorf("%q: %d pictures at the host, want %d", c.rule, len(h.stored), c.stores)
			}
			if u.State == uploader.Done && (u.Picture == nil) != (u.Reason == uploader.ReasonNoURL) {
				t.Errorf("%+v", u)
			}
			if c.release != "" {
				if err := w.l.Release(t.Context(), u.ID); err != nil {
					t.Fatal(err)
				}
				settle()
				w.want(e, c.release)
			}
			h.once()
		})
	}
}

func TestLostReplyIsNotRetriedAfterTwentyHours(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", refusing)
		h.then(step{store: true, err: errLost})
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		w.halt()
		later(21 * time.Hour)
		w.start()
		later(6 * time.Hour)
		u := w.want(e, "ambiguous/lost-reply")
		if h.requests() != 1 || !u.Due.IsZero() || u.Remedy == "" {
			t.Errorf("%d requests, %+v", h.requests(), u)
		}
		// Bytes of which one is in doubt are not sent from elsewhere either.
		b := w.put("/one/b.jpg", "A")
		later(time.Hour)
		w.want(b, "settling/same-bytes")
		if err := w.l.Drop(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		later(2 * time.Minute)
		w.want(b, "held/duplicate-elsewhere")
		h.once()
	})
}

func TestLostReplyWithoutAnyHelpStays(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		h.then(step{store: true, err: errLost})
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(12 * time.Hour)
		u := w.want(e, "ambiguous/lost-reply")
		if h.requests() != 1 {
			t.Errorf("%d requests", h.requests())
		}
		if err := w.l.Retry(t.Context(), u.ID); err != nil { // a person takes the risk
			t.Fatal(err)
		}
		settle()
		w.want(e, "done")
	})
}

func TestLostReplyRetryFailingForAWhile(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", refusing)
		h.then(step{store: true, err: errLost}, fails(errDial), fails(errBusy), fails(errFlood), step{err: errLost})
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(30 * time.Second)
		w.want(e, "ambiguous/lost-reply")
		later(30 * time.Minute)
		if w.want(e, "done/no-url"); h.requests() != 6 {
			t.Errorf("%d requests", h.requests())
		}
		h.once()
	})
}

func TestFinder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		var asked int
		h.finder = func(p uploader.Picture) (uploader.Result, bool, error) {
			if p.Upload != h.uploads[0] {
				t.Errorf("asked for %s, sent as %s", p.Upload, h.uploads[0])
			}
			asked++
			return uploader.Result{ID: "9", URL: "https://one.example/9"}, asked == 2, nil
		}
		h.then(step{store: true, err: errLost})
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(10 * time.Minute)
		if u := w.want(e, "done"); u.Picture.URL != "https://one.example/9" || h.requests() != 1 || asked != 2 || u.Attempts != 1 {
			t.Errorf("%d requests, asked %d times, %+v", h.requests(), asked, u)
		}
	})
}

func TestSameBytesGoOnceAtATime(t *testing.T) {
	for _, props := range []uploader.Properties{{}, refusing, {Idempotent: true}} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", props)
			h.delay = time.Second
			two := w.host("two", props)
			two.props.Host = h.props.Host
			w.start()
			var es []vfs.Entry
			for i := range 40 {
				es = append(es, w.put(fmt.Sprintf("/one/%d.jpg", i), "same"), w.put(fmt.Sprintf("/two/%d.jpg", i), "same"))
			}
			later(10 * time.Second)
			done := 0
			for _, e := range es {
				if u := w.upload(e); u.State != uploader.Done || u.Picture.URL == "" {
					t.Fatalf("%+v", u)
				} else if u.Reason == "" {
					done++
				}
			}
			if h.requests()+two.requests() != 1 || done != 1 {
				t.Errorf("%d and %d requests", h.requests(), two.requests())
			}
		})
	}
}

// variants alters bytes as package variant does.
func variants(ctx context.Context, u uploader.Upload, open func(context.Context) (io.ReadSeekCloser, error)) (uploader.Variant, error) {
	r, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if bytes.HasPrefix(content, []byte("no place")) {
		return nil, &uploader.Hold{Reason: uploader.ReasonNoCopy, Text: "no place"}
	}
	return altered(fmt.Sprintf("%s %s %d", content, u.Key, u.Copy)), err
}

type altered string

func (a altered) Size() int64 { return int64(len(a)) }

func (a altered) Open(context.Context) (io.ReadSeekCloser, error) {
	return reader{bytes.NewReader([]byte(a))}, nil
}

// TestNamesOfOthersAreNotShown: where addresses show names, the same bytes under
// another name have an address of their own, and under the same name the same one.
func TestNamesOfOthersAreNotShown(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{Host: "h.example"})
		h.naming = true
		w.start()
		urls := make(map[string]string)
		for i, c := range []struct{ path, state, name string }{
			{"/one/private/mother-ill.jpg", "done", "mother-ill.jpg"}, {"/one/public/a.jpg", "done", "a.jpg"}, {"/one/b/a.jpg", "done/reused", "a.jpg"},
			{"/one/b/mother-ill.jpg", "done/reused", "mother-ill.jpg"},
		} {
			e := w.put(c.path, "A")
			later(time.Minute)
			u := w.want(e, c.state)
			if path.Base(u.Picture.URL) != c.name || urls[c.name] != "" && urls[c.name] != u.Picture.URL {
				t.Errorf("%d: %s is at %s", i, c.path, u.Picture.URL)
			}
			urls[c.name] = u.Picture.URL
		}
		if h.requests() != 2 {
			t.Errorf("%d requests", h.requests())
		}
		w.set(func() { w.plan.OnDuplicate = uploader.HoldDuplicate })
		e := w.put("/one/c/other.jpg", "A")
		later(time.Minute)
		w.want(e, "held/duplicate")
	})
}

func TestOnDuplicate(t *testing.T) {
	for _, c := range []struct {
		rule, content, want string
		requests            int
		release             string
	}{
		{"", "A", "done/reused", 1, ""},
		{uploader.ReuseDuplicate, "A", "done/reused", 1, ""},
		{uploader.NewCopyDuplicate, "A", "done", 2, ""},
		{uploader.NewCopyDuplicate, "no place", "held/no-copy", 1, "done/reused"},
		{uploader.HoldDuplicate, "A", "held/duplicate", 1, "done/reused"},
	} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", refusing)
			w.plan.OnDuplicate = c.rule
			w.config.Variant = variants
			w.start()
			first := w.put("/one/a.jpg", c.content)
			settle()
			e := w.put("/one/b.jpg", c.content)
			settle()
			u := w.want(e, c.want)
			if h.requests() != c.requests {
				t.Errorf("%s: %d requests", c.rule, h.requests())
			}
			switch u.State {
			case uploader.Held:
				if err := w.l.Release(t.Context(), u.ID); err != nil {
					t.Fatal(err)
				}
				settle()
				w.want(e, c.release)
			case uploader.Done:
				same := u.Picture.URL == w.upload(first).Picture.URL
				if same != (u.Reason == uploader.ReasonReused) || (u.Copy == 0) != same || same != (u.Attempts == 0) {
					t.Errorf("%s: %+v", c.rule, u)
				}
			}
			h.once()
		})
	}
}

func TestNewCopySendsTheSameBytesAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", refusing)
		w.plan.OnDuplicate = uploader.NewCopyDuplicate
		w.config.Variant = variants
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		h.then(fails(errBusy), step{store: true, err: errLost})
		e := w.put("/one/b.jpg", "A")
		later(time.Hour)
		if u := w.want(e, "done/no-url"); len(h.stored) != 2 || u.Copy != 1 {
			t.Errorf("%d pictures at the host, %+v", len(h.stored), u)
		}
		h.once()
	})
}

func TestOnePlace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{Idempotent: true, OnePlace: true})
		w.start()
		a := w.put("/one/shoes/a.jpg", "A")
		settle()
		b := w.put("/one/hats/b.jpg", "A") // a needs it under shoes
		c := w.put("/one/shoes/c.jpg", "A")
		settle()
		u := w.want(b, "done/reused")
		w.want(c, "done/reused")
		if h.requests() != 1 || len(u.Notes) != 1 || u.Category != "shoes" {
			t.Errorf("%d requests, %+v", h.requests(), u)
		}
		for _, e := range []string{"/one/shoes/a.jpg", "/one/shoes/c.jpg", "/one/hats/b.jpg"} {
			if _, _, err := w.tree.Apply(t.Context(), vfs.Remove{Path: e}); err != nil {
				t.Fatal(err)
			}
		}
		d := w.put("/one/hats/d.jpg", "A") // nobody needs it under shoes any more
		settle()
		if u := w.want(d, "done"); h.requests() != 2 || u.Category != "hats" || h.keys[1].CategoryID != "hats" {
			t.Errorf("%d requests, %+v", h.requests(), u)
		}
		e := w.put("/one/hats/e.jpg", "A")
		settle()
		if u := w.want(e, "done/reused"); len(u.Notes) != 0 || w.upload(d).Picture.ID != u.Picture.ID {
			t.Errorf("%+v", u)
		}
		_ = a
	})
}

func TestThreeUnusualAnswersAreTheFilesFault(t *testing.T) {
	for _, props := range []uploader.Properties{{Idempotent: true}, refusing} {
		for _, others := range []bool{true, false} {
			bubble(t, func(t *testing.T, w *world) {
				h := w.host("one", props)
				h.then(step{err: errHTML})
				w.start()
				e := w.put("/one/big.jpg", "A")
				settle()
				if others {
					w.put("/one/b.jpg", "B")
					settle()
				}
				h.then(step{err: errHTML}, step{err: errHTML}, step{err: errHTML})
				later(20 * time.Minute)
				u := w.upload(e)
				if others && (u.State != uploader.Failed || u.Attempts != 3 || u.Remedy == "") {
					t.Errorf("%+v", u)
				}
				if !others && u.State != uploader.Done {
					t.Errorf("%+v", u)
				}
			})
		}
	}
}
