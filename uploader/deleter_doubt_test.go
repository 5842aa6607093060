package uploader_test

import (
	"testing"
	"time"

	"slipway/uploader"
)

// A host that refuses to delete what it deleted a moment ago, when the answer to that
// was lost, does not have it: nothing refers to it any more.
func TestRefusedAfterALostDeletion(t *testing.T) {
	for name, c := range map[string]struct {
		refusals []error
		requests int // of uploads, in the end
	}{
		"lost":    {[]error{errLost, errPermanent}, 2},
		"flooded": {[]error{errFlood, errPermanent}, 1}, // it is there, and the next file has its address
		"refused": {[]error{errPermanent}, 1},
	} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", deletingHost(uploader.Properties{}))
			w.deletes = true
			w.start()
			w.put("/one/a.jpg", "A")
			settle()
			h.refusals = c.refusals
			w.erase("/one/a.jpg")
			later(time.Hour)
			w.wantDeletion(uploader.DeletionFailed)
			b := w.put("/one/b.jpg", "A")
			later(time.Minute)
			if w.shows(h, b); h.requests() != c.requests {
				t.Errorf("%s: %d requests, want %d", name, h.requests(), c.requests)
			}
		})
	}
}
