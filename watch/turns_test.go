package watch_test

import (
	"testing"
	"time"

	"slipway/watch"
)

// TestScanAfterRun: a Scan takes what is there also where a Run of the same folder
// has looked at everything before.
func TestScanAfterRun(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "a")
		w.start()
		w.wait(10 * time.Second)
		w.halt()
		w.write("b.jpg", "b")
		w.write("c/d.jpg", "d")
		for i, want := range []int{2, 0} {
			s, err := w.f.Scan(t.Context(), watch.ScanOptions{})
			w.ok(err)
			if s.Taken.Files != want || s.Found.Files != 3 || s.Waiting.Files != 0 {
				t.Errorf("scan %d: %+v, want %d to be taken of 3", i, s, want)
			}
		}
		w.took("a.jpg=a", "b.jpg=b", "c/d.jpg=d")
	})
}
