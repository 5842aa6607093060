package watch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

// TestDryRunOurs: what is said to be taken is what a scan takes: no sidecars but a
// person's.
func TestDryRunOurs(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Ours = func(rel string) (string, bool) {
			if rel == "_links.html" {
				return "", true
			}
			return strings.CutSuffix(rel, ".url")
		}
		w.write("a.jpg", "A")
		w.write("_links.html", "ours")
		w.write("lost.jpg.url", "ours")
		w.wait(time.Minute)
		w.scan(watch.ScanOptions{})
		w.wait(time.Minute)
		w.write("a.jpg.url", "a person's")
		w.write("b.jpg", "B")
		var told []string
		w.scan(watch.ScanOptions{DryRun: true, Step: func(s watch.Step) { told = append(told, s.Kind+" "+s.Path) }})
		if want := []string{"same a.jpg", "take a.jpg.url", "take b.jpg"}; !slices.Equal(told, want) {
			t.Errorf("%q, want %q", told, want)
		}
		w.wait(time.Minute)
		w.scan(watch.ScanOptions{})
		w.took("a.jpg=A", "a.jpg.url=a person's", "b.jpg=B")
	})
}
