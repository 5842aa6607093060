package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs"
)

// shown is what a receipt shows of an upload.
func shown(u uploader.Upload) string {
	var b strings.Builder
	fmt.Fprintln(&b, u.ID, u.Entry, u.Destination, u.State, u.Reason, u.Error, u.Remedy, u.SHA256, u.Attempts, u.Order, u.Present,
		u.Changed.UnixNano(), u.Sent.UnixNano(), strings.Join(u.Notes, "\n"), u.Album, u.Category)
	if u.State == uploader.Settling || u.State == uploader.AmbiguousState {
		fmt.Fprintln(&b, u.Due.UnixNano())
	}
	if p := u.Picture; p != nil {
		fmt.Fprintln(&b, p.ID, p.URL, p.ViewerURL, p.ThumbnailURL, p.Result.ID, p.DeleteURL)
	}
	return b.String()
}

// TestReceipts: receipts say of every upload what Folder and Entry say of it, and of
// each file at once.
func TestReceipts(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		sent, failed := w.put("/ab/d/sent.jpg", "first"), w.put("/ab/d/failed.jpg", "F")
		w.put("/ab/d/waits.jpg", "W")
		w.put("/ab/d/none.jpg", "N")
		w.put("/ab/e/elsewhere.jpg", "E")
		for _, c := range w.claim("one", 3) {
			switch c.Entry {
			case sent.ID:
				o := done("1")
				o.Notes = []string{"The host keeps it for a year.", "Or two."}
				w.finish(c, o)
			case failed.ID:
				w.finish(c, uploader.Outcome{State: uploader.Failed, Error: "it is too large", Remedy: "send a smaller one"})
			}
		}
		w.put("/ab/d/sent.jpg", "second")
		check := func(t *testing.T) {
			dir := w.lookup("/ab/d").ID
			want, err := w.l.Folder(t.Context(), dir)
			if err != nil || len(want) != 4 {
				t.Fatal(len(want), err)
			}
			seen := make(map[vfs.ID]bool)
			err = w.l.Receipts(t.Context(), dir, func(file vfs.ID, us []uploader.Upload) {
				alone, err := w.l.Receipt(t.Context(), file)
				if err != nil || seen[file] || !slices.EqualFunc(us, want[file], func(a, b uploader.Upload) bool { return shown(a) == shown(b) }) ||
					!slices.EqualFunc(us, alone, func(a, b uploader.Upload) bool { return shown(a) == shown(b) }) {
					t.Errorf("%v, file %d, again: %v:\n%+v\nalone\n%+v\nwant\n%+v", err, file, seen[file], us, alone, want[file])
				}
				seen[file] = true
			})
			if err != nil || len(seen) != len(want) {
				t.Errorf("%d of %d files, %v", len(seen), len(want), err)
			}
		}
		t.Run("plain", check)
		if us, err := w.l.Receipt(t.Context(), sent.ID); err != nil || len(us) != 3 && len(us) != 4 || us[0].Picture == nil || us[0].Present || len(us[0].Notes) != 2 {
			t.Errorf("%+v, %v", us, err)
		}
		if err := w.l.Pause(t.Context(), "two", "not now"); err != nil {
			t.Fatal(err)
		}
		t.Run("paused", check)
		if us, _ := w.l.Receipt(t.Context(), sent.ID); !slices.ContainsFunc(us, func(u uploader.Upload) bool { return u.Reason == uploader.ReasonPaused && u.Error == "not now" }) {
			t.Errorf("paused: %+v", us)
		}
		claimed := w.claim("one", 1)
		if len(claimed) != 1 {
			t.Fatal(claimed)
		}
		w.finish(claimed[0], uploader.Outcome{State: uploader.Settling, Reason: uploader.ReasonBackoff, Error: "busy", Wait: time.Minute, PauseHost: time.Hour})
		slow := 0
		w.l.Receipts(t.Context(), w.lookup("/ab/d").ID, func(_ vfs.ID, us []uploader.Upload) {
			for _, u := range us {
				if u.Reason == uploader.ReasonSlowDown {
					slow++
				}
			}
		})
		if slow == 0 {
			t.Error("nothing waits for the host")
		}
		t.Run("slow host", check)
		if us, err := w.l.Receipt(t.Context(), 99999); err != nil || len(us) != 0 {
			t.Errorf("of nothing: %v, %v", us, err)
		}
	})
}
