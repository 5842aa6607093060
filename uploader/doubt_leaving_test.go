package uploader_test

import (
	"context"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// Who wants a picture sent although a reply is missing has not been told of the one that
// goes missing next: also where the file has other bytes by then, or is elsewhere.
func TestLostReplyOfOneThatLeaves(t *testing.T) {
	for name, leave := range map[string]func(ctx context.Context, w *world) error{
		"other bytes": func(_ context.Context, w *world) error { w.put("/one/a.jpg", "B"); return nil },
		"elsewhere": func(ctx context.Context, w *world) error {
			_, _, err := w.tree.Apply(ctx, vfs.Move{From: "/one/a.jpg", To: "/none/a.jpg"})
			return err
		},
	} {
		bubble(t, func(t *testing.T, w *world) {
			h := w.host("one", uploader.Properties{})
			if _, _, err := w.tree.Apply(t.Context(), vfs.Mkdir{Path: "/none", Parents: true}); err != nil {
				t.Fatal(err)
			}
			left := make(chan error, 1)
			h.then(step{err: errLost}, step{store: true, err: errLost, do: func(ctx context.Context) {
				left <- leave(context.WithoutCancel(ctx), w)
			}})
			w.start()
			e := w.put("/one/a.jpg", "A")
			settle()
			u := w.want(e, "ambiguous/lost-reply")
			if err := w.l.Retry(t.Context(), u.ID); err != nil { // somebody looked: it is not there
				t.Fatal(err)
			}
			settle()
			if err := <-left; err != nil {
				t.Fatal(err)
			}
			later(time.Minute)
			before := h.requests()
			if name == "elsewhere" {
				if _, _, err := w.tree.Apply(t.Context(), vfs.Move{From: "/none/a.jpg", To: "/one/a.jpg"}); err != nil {
					t.Fatal(err)
				}
			}
			w.put("/one/a.jpg", "A")
			later(time.Hour)
			for _, u := range mustEntry(t, w, e) {
				if u.Present && u.State != uploader.AmbiguousState {
					t.Errorf("%s: it is %s/%s", name, u.State, u.Reason)
				}
			}
			if n := h.requests() - before; n > 0 {
				t.Errorf("%s: sent %d times more", name, n)
			}
		})
	}
}
