package uploader_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
)

// TestADropInTheMiddleOfAReplay: a file that comes in is sent next at a host that counts
// requests, and elsewhere before all of the replay that is not in hand; the replay then
// goes on, in its order, and nothing is sent twice.
func TestADropInTheMiddleOfAReplay(t *testing.T) {
	const old, inHand = 150, 2 + 16
	for name, c := range map[string]struct {
		limits uploader.Limits
		delay  time.Duration
		behind int // of the replay, at the most
	}{
		"counted": {limits: uploader.Limits{PerMinute: 6}, behind: 0},
		"slow":    {delay: time.Second, behind: inHand},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				h := w.host("one", uploader.Properties{Limits: c.limits})
				h.delay = c.delay
				var files []ledger.Candidate
				for i := range old {
					e := w.put(fmt.Sprintf("/old/%03d.jpg", i), fmt.Sprint(i))
					files = append(files, ledger.Candidate{Entry: e.ID, Path: "/old/" + e.Name, Sum: e.SHA256})
				}
				w.start()
				if _, err := w.l.Owe(context.Background(), "one", h.props.Host, ledger.AgainUndone, files, false); err != nil {
					t.Fatal(err)
				}
				later(30500 * time.Millisecond)
				before := h.requests()
				w.put("/one/new.jpg", "new")
				later(time.Hour)
				at := slices.Index(h.names, "new.jpg")
				if at < before || at > before+c.behind || before == 0 || before+inHand > old {
					t.Errorf("it is the %dth, and %d were sent before it came", at, before)
				}
				if h.requests() != old+1 {
					t.Errorf("%d requests", h.requests())
				}
				if rest := slices.Delete(slices.Clone(h.names), at, at+1); c.behind == 0 && !slices.IsSorted(rest) {
					t.Errorf("the replay's order is %v", rest)
				}
			})
		})
	}
}
