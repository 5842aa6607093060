package uploader_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"slipway/uploader"
)

// TestPreparedOnceThereIsRoom: a picture that cannot be prepared as our own disk is full
// loses no try, says so, and goes by itself when there is room.
func TestPreparedOnceThereIsRoom(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		h := w.host("one", uploader.Properties{})
		full := true
		w.config.Prepare = func(context.Context, uploader.Upload, uploader.Plan, uploader.Properties, uploader.Open) (uploader.Prepared, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if full {
				return uploader.Prepared{}, fmt.Errorf("turn: %w", &uploader.Away{Text: "The disk is full.", Remedy: "Make room.", Err: syscall.ENOSPC})
			}
			return uploader.Prepared{}, nil
		}
		w.start()
		e := w.put("/one/a.jpg", "A")
		later(12 * time.Hour)
		if u := w.want(e, "settling/backoff"); u.Error != "The disk is full." || u.Remedy != "Make room." || u.Tries != 0 || h.requests() != 0 {
			t.Errorf("%+v", u)
		}
		w.set(func() { full = false })
		later(2 * time.Hour)
		if u := w.want(e, "done"); u.Error != "" || h.requests() != 1 {
			t.Errorf("%+v", u)
		}
	})
}
