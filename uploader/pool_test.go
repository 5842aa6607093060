package uploader_test

import (
	"testing"
	"time"

	"slipway/uploader"
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
		_ = time.Now
	})
}
