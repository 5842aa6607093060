package main

import (
	"path/filepath"
	"testing"
	"time"

	"slipway/gateway/operate"
)

// TestWatchFigures: the files of a folder count once and without their sidecars, also
// after an import and for who only asks; those that were taken before are taken.
func TestWatchFigures(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, "")
	door := g.Door(t)
	const files = 3
	for i := range files {
		if err := door.Put("/in/"+string(rune('a'+i))+".jpg", picture(2000, uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	g.Settle(t)
	folder := g.app.watches.list()[0]
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // each has its sidecar
		if sidecars, err := filepath.Glob(filepath.Join(folder.config.Folder, "*.url")); err != nil {
			t.Fatal(err)
		} else if len(sidecars) == files {
			break
		}
		if time.Now().After(end) {
			t.Fatal("there are no sidecars")
		}
	}
	told := func(when string) {
		t.Helper()
		var w operate.Watch
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if w = folder.shown(t.Context()); w.Files == files && w.Known["taken"] == files && w.Waiting.Files == 0 {
				return
			}
		}
		t.Errorf("%s: %+v, want %d files", when, w, files)
	}
	told("followed")
	for range 2 {
		if _, err := importAll(t, g.app); err != nil {
			t.Fatal(err)
		}
		told("after an import")
	}
	folder.folder.Rescan()
	told("looked at again")

	asking := newWatched(g.app, folder.config) // as a process of its own, or after a restart
	defer asking.end()
	if w := asking.shown(t.Context()); w.Files != files || w.Known["taken"] != files || w.Mode != "" || w.Taken.Files != 0 {
		t.Errorf("who only asks is told %+v", w)
	}
}
