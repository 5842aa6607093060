package uploader_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/blob"
)

// erase removes what stands at p.
func (w *world) erase(p string) {
	w.t.Helper()
	if _, _, err := w.tree.Apply(context.Background(), vfs.Remove{Path: p}); err != nil {
		w.t.Fatal(err)
	}
}

// deletions returns those of the world, newest first.
func (w *world) deletions() []uploader.Deletion {
	w.t.Helper()
	ds, err := w.l.Deletions(context.Background(), ledger.DeletionQuery{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return ds
}

func (w *world) wantDeletion(state uploader.DeletionState) uploader.Deletion {
	w.t.Helper()
	ds := w.deletions()
	if len(ds) == 0 || ds[0].State != state {
		w.t.Fatalf("the last deletion is %+v, want %s", ds, state)
	}
	return ds[0]
}

// shows checks that the address of e's picture shows e's bytes.
func (w *world) shows(h *fakeHost, e vfs.Entry) {
	w.t.Helper()
	us, err := w.l.Entry(context.Background(), e.ID)
	for _, u := range us {
		if u.Present && (u.State != uploader.Done || u.Picture == nil || h.there()[u.Picture.Result.ID] != e.SHA256) {
			w.t.Errorf("%s shows something else: %+v %+v", u.Path, u, u.Picture)
		}
	}
	if err != nil || len(us) == 0 {
		w.t.Fatal(us, err)
	}
}

// there returns what stands at the host's addresses, by id.
func (h *fakeHost) there() map[string]blob.Sum {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.pictures)
}

// gone returns the ids of what was deleted.
func (h *fakeHost) gone() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.erased)
}

func deletingHost(p uploader.Properties) uploader.Properties { p.Deletes = true; return p }

func TestDeletedAtTheHostAfterTheGrace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", deletingHost(refusing))
		w.deletes = true
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		w.erase("/one/a.jpg")
		later(9 * time.Minute)
		w.wantDeletion(uploader.DeletionWaiting)
		later(time.Minute + time.Second)
		w.wantDeletion(uploader.Deleted)
		if len(h.gone()) != 1 || len(h.there()) != 0 {
			t.Errorf("%v was deleted", h.gone())
		}
		e := w.put("/one/a.jpg", "A")
		settle()
		w.want(e, "done")
		w.shows(h, e)
		if h.requests() != 2 {
			t.Errorf("%d requests", h.requests())
		}
	})
}

func TestPutBackWithinTheGrace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", deletingHost(refusing))
		w.deletes = true
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		w.erase("/one/a.jpg")
		later(5 * time.Minute)
		e := w.put("/one/a.jpg", "A")
		later(time.Hour)
		w.want(e, "done/reused")
		w.wantDeletion(uploader.DeletionKept)
		if w.shows(h, e); len(h.gone()) != 0 || h.requests() != 1 {
			t.Errorf("%v deleted, %d requests", h.gone(), h.requests())
		}
	})
}

// What somebody else deletes at the host is neither sent again nor asked for for ever.
func TestDeletedBySomebodyElse(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", deletingHost(refusing))
		w.deletes = true
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		h.mu.Lock()
		clear(h.pictures)
		clear(h.stored)
		h.mu.Unlock()
		later(2 * time.Hour)
		w.put("/one/a.jpg", "A")
		later(2 * time.Hour)
		if w.want(e, "done"); h.requests() != 1 || len(w.deletions()) != 0 {
			t.Errorf("%d requests, %v", h.requests(), w.deletions())
		}
		w.erase("/one/a.jpg")
		later(time.Hour)
		w.wantDeletion(uploader.Deleted)
	})
}

func TestDeletionErrors(t *testing.T) {
	for name, c := range map[string]struct {
		refusals []error
		after    time.Duration
		state    uploader.DeletionState
		asked    int
	}{
		"busy for a while":    {[]error{errBusy, errDial, errLost}, time.Hour, uploader.Deleted, 1},
		"flooding":            {[]error{errFlood}, time.Hour, uploader.Deleted, 1},
		"refused, and probed": {[]error{errRefused}, time.Hour, uploader.Deleted, 1},
		"never":               {[]error{errPermanent}, time.Hour, uploader.DeletionFailed, 0},
		"busy for good":       {[]error{errBusy, errBusy, errBusy, errBusy}, time.Hour, uploader.DeletionFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.config.Tries = 3
				h := w.host("one", deletingHost(refusing))
				w.deletes = true
				h.refusals = c.refusals
				w.start()
				w.put("/one/a.jpg", "A")
				settle()
				w.erase("/one/a.jpg")
				later(10*time.Minute + c.after)
				d := w.wantDeletion(c.state)
				if len(h.gone()) != c.asked {
					t.Errorf("%v deleted", h.gone())
				}
				if c.state == uploader.DeletionFailed && (d.Error == "" || d.Remedy == "") {
					t.Errorf("%+v", d)
				}
			})
		})
	}
}

// A host that refuses deletions for good still gets uploads, and the deletions come to
// their end.
func TestDeletionsRefusedForGood(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", deletingHost(refusing))
		w.deletes = true
		for range 1000 {
			h.refusals = append(h.refusals, errRefused)
		}
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		w.erase("/one/a.jpg")
		later(15 * time.Minute)
		for i := range 6 {
			e := w.put(fmt.Sprintf("/one/b%d.jpg", i), fmt.Sprint("B", i))
			later(time.Hour)
			w.want(e, "done")
		}
		if d := w.wantDeletion(uploader.DeletionFailed); d.Error == "" || d.Remedy == "" || len(h.gone()) != 0 {
			t.Errorf("%+v, %v deleted", d, h.gone())
		}
		if asked := 1000 - len(h.refusals); asked < 10 || asked > 20 {
			t.Errorf("asked %d times", asked)
		}
		again := w.put("/one/c.jpg", "A")
		later(time.Minute)
		w.want(again, "held/duplicate-elsewhere") // whether the host has it still is not known
	})
}

func TestHostThatCannotDeleteIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.host("one", refusing)
		w.deletes = true
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		w.erase("/one/a.jpg")
		later(11 * time.Minute)
		if d := w.wantDeletion(uploader.DeletionKept); d.Error == "" {
			t.Errorf("%+v", d)
		}
	})
}

// TestDeletionCutAtEveryWrite kills the process at each write from the removal on.
func TestDeletionCutAtEveryWrite(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; n <= max(6/slowdown, 3); n++ {
			t.Run(fmt.Sprint(n, after), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					h := w.host("one", deletingHost(refusing))
					w.deletes = true
					h.refusals = []error{errLost}
					w.start()
					w.put("/one/a.jpg", "A")
					settle()
					w.halt()
					m := w.mortally(n, after)
					w.erase("/one/a.jpg")
					w.start()
					later(20 * time.Minute)
					if !m.isDead() && n < 4 {
						t.Errorf("it was not killed at write %d", n)
					}
					w.halt()
					w.mortally(-1, false)
					w.start()
					later(20 * time.Minute)
					w.wantDeletion(uploader.Deleted)
					e := w.put("/one/b.jpg", "A")
					settle()
					w.want(e, "done")
					w.shows(h, e)
				})
			})
		}
	}
}

var replacing = uploader.Properties{Idempotent: true, Replaces: true}

func TestOverwritingKeepsTheAddress(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", replacing)
		w.start()
		e := w.put("/one/a.jpg", "A")
		settle()
		address := w.want(e, "done").Picture.URL
		for _, content := range []string{"B", "A", "C", "B"} {
			e = w.put("/one/a.jpg", content)
			settle()
			us, err := w.l.Entry(t.Context(), e.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range us {
				switch {
				case u.Present && (u.State != uploader.Done || u.Picture.URL != address || u.Picture.Fate != ""):
					t.Errorf("%s: %+v %+v", content, u, u.Picture)
				case !u.Present && u.Picture.Fate != uploader.FateReplaced:
					t.Errorf("%s: an earlier picture is %q", content, u.Picture.Fate)
				}
			}
			if len(h.there()) != 1 || h.there()["1"] != e.SHA256 {
				t.Errorf("%s: the host has %v", content, h.there())
			}
		}
		if h.replaced != 4 {
			t.Errorf("%d were replaced", h.replaced)
		}
	})
}

// A picture that another file has as well is not replaced, and neither is one whose
// file was renamed to keep its version.
func TestSharedPicturesAreNotReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", replacing)
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		if _, _, err := w.tree.Apply(t.Context(), vfs.Copy{From: "/one/a.jpg", To: "/one/copy.jpg"}); err != nil {
			t.Fatal(err)
		}
		settle()
		b := w.put("/one/a.jpg", "B")
		settle()
		c, err := w.tree.Lookup(t.Context(), "/one/copy.jpg")
		if err != nil {
			t.Fatal(err)
		}
		w.shows(h, b)
		w.shows(h, c)
		if h.replaced != 0 || len(h.there()) != 2 {
			t.Errorf("%d replaced, %v", h.replaced, h.there())
		}
	})
}

// A reply that was lost, or a crash before it was written down: the same request again.
func TestReplacingIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", replacing)
		w.config.Variant = variants
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		h.then(step{store: true, err: errLost})
		e := w.put("/one/a.jpg", "B")
		settle()
		other := w.put("/one/b.jpg", "A") // whose picture is in doubt now
		settle()
		w.want(other, "settling/same-bytes")
		later(time.Hour)
		w.want(e, "done")
		w.want(other, "done")
		w.shows(h, e)
		if u := w.upload(other); u.Copy != 1 { // the bytes as they are would take the first one's address
			t.Errorf("the other file was sent as %+v", u)
		}
		if len(h.there()) != 2 || h.replaced != 1 || w.upload(e).Picture.Result.ID != "1" {
			t.Errorf("%v", h.there())
		}
	})
}

func TestDeleteOldAtTheHost(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", deletingHost(refusing))
		w.plan.OnReplace = uploader.DeleteOld
		w.start()
		w.put("/one/a.jpg", "A")
		settle()
		e := w.put("/one/a.jpg", "B")
		later(9 * time.Minute)
		if len(h.there()) != 2 {
			t.Errorf("%v before the grace is over", h.there())
		}
		later(2 * time.Minute)
		if d := w.wantDeletion(uploader.Deleted); d.Why != uploader.WhyReplaced || len(h.there()) != 1 {
			t.Errorf("%+v, %v", d, h.there())
		}
		w.shows(h, e)
		e = w.put("/one/a.jpg", "A")
		settle()
		w.want(e, "done")
		w.shows(h, e)
	})
}

// A pool that is retired ends what it has begun, and the next one goes on.
func TestRetiredPoolsDelete(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", deletingHost(refusing))
		h.delay = 10 * time.Second
		w.config.Grace = time.Minute
		w.deletes = true
		w.start()
		for i := range 5 {
			w.put(fmt.Sprintf("/one/%d.jpg", i), fmt.Sprint(i))
		}
		later(5 * time.Minute)
		for i := range 5 {
			w.erase(fmt.Sprintf("/one/%d.jpg", i))
		}
		later(10*time.Minute + 15*time.Second) // the second is under way
		w.pool.Retire()
		w.halt()
		if len(h.gone()) != 2 {
			t.Errorf("%v were deleted", h.gone())
		}
		w.start()
		later(time.Hour)
		if len(h.gone()) != 5 || len(h.there()) != 0 {
			t.Errorf("%v were deleted", h.gone())
		}
	})
}
