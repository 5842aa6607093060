package ledger_test

import (
	"fmt"
	"testing"

	"slipway/vfs"
)

// TestPresent: the uploads of the bytes that files have now, for many files at a
// time, in the order of each route.
func TestPresent(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/ab/x.jpg", "first")
		c := w.claim("one", 1)[0]
		w.finish(c, done("1"))
		e = w.put("/ab/x.jpg", "second")
		none, other := w.put("/none/y.jpg", "Y"), w.put("/a/z.jpg", "Z")
		ids := []vfs.ID{e.ID, none.ID, other.ID, 99999}
		for i := range 500 { // many more than there are, and repeated
			ids = append(ids, vfs.ID(100000+i), e.ID)
		}
		files, err := w.l.Present(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, id := range []vfs.ID{e.ID, none.ID, other.ID} {
			for _, u := range files[id] {
				got += fmt.Sprintf("%s:%s:%v ", u.Destination, u.State, u.Picture != nil)
			}
			got += "| "
		}
		if got != "one:settling:false two:settling:false | | one:settling:false | " || len(files) != 2 {
			t.Errorf("%s in %d files", got, len(files))
		}
		w.put("/ab/x.jpg", "first") // the same bytes as before again
		if files, err = w.l.Present(t.Context(), []vfs.ID{e.ID}); err != nil || len(files[e.ID]) != 2 || files[e.ID][0].Picture == nil ||
			files[e.ID][0].Picture.URL != "https://host/1" || files[e.ID][0].Picture.DeleteURL != "" {
			t.Errorf("%+v, %v", files, err)
		}
		if files, err = w.l.Present(t.Context(), nil); err != nil || len(files) != 0 {
			t.Errorf("of nothing: %v, %v", files, err)
		}
	})
}
