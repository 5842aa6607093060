package watch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

// TestTotalWithoutSidecars: what an import counts to be taken are files alone.
func TestTotalWithoutSidecars(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Ours = func(rel string) (string, bool) {
			of, ours := strings.CutSuffix(rel, ".url")
			return of, ours
		}
		for i := range 20 {
			w.write(fmt.Sprintf("%d.jpg", i), fmt.Sprint(i))
			w.write(fmt.Sprintf("%d.jpg.url", i), "[InternetShortcut]")
		}
		s, err := watch.New(w.o).Scan(t.Context(), watch.ScanOptions{Progress: func(watch.Progress) {}})
		w.ok(err)
		if s.Total.Files != 20 || s.Taken.Files != 20 {
			t.Errorf("%+v", s)
		}
	})
}

// TestFirstScanShowsHowFar: the first scan of a folder that is followed says how much
// there is and how long that takes, until it is through.
func TestFirstScanShowsHowFar(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.tree.Slow = func() { time.Sleep(50 * time.Millisecond) }
		const many = 6000 // of which not all settle at a time
		for i := range many {
			w.write(fmt.Sprintf("%d/%d.jpg", i%7, i), fmt.Sprint(i))
		}
		w.start()
		w.wait(10 * time.Second)
		s := w.f.Status()
		if s.Total.Files != many || s.Taken.Files == 0 || s.Left <= 0 {
			t.Errorf("after 10 s: %+v", s)
		}
		w.wait(s.Left * 2)
		if s := w.f.Status(); s.Taken.Files != many || s.Total.Files != 0 || s.Left != 0 {
			t.Errorf("at the end: %+v", s)
		}
		w.write("new.jpg", "new")
		w.wait(time.Minute)
		if s := w.f.Status(); s.Total.Files != 0 {
			t.Errorf("later: %+v", s)
		}
	})
}
