package beside

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"slipway/watch"
)

// TestAway: while what the mirror lies on is not mounted nothing is written there and
// nothing forgotten, that nothing stands there is no person's doing, and when it is
// mounted again all is brought in line.
func TestAway(t *testing.T) {
	parent := t.TempDir()
	dir, disk := filepath.Join(parent, "mirror"), filepath.Join(parent, "disk")
	away := false
	w := newWorld(t, Options{File: []string{"url"}, Folder: []string{"csv"}, Dir: dir, Mounted: func(context.Context) error {
		if away {
			return fmt.Errorf("the disk: %w", watch.ErrAway)
		}
		return nil
	}})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	w.picture("b.jpg")
	w.failed("b.jpg")
	w.must("b.jpg", false)
	if err := w.beside.Folder(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	before := w.files(dir)
	if before["a.jpg.url"] == "" || before["b.jpg.error.txt"] == "" || before["_links.csv"] == "" {
		t.Fatalf("the mirror has %v", before)
	}

	away = true
	if err := os.Rename(dir, disk); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, name := range []string{"a.jpg", "b.jpg"} {
			if _, err := w.update(name, false); err != nil {
				t.Error(err)
			}
		}
		if settled, err := w.update("a.jpg", true); settled || err != nil { // its entry is gone
			t.Errorf("settled: %v, %v", settled, err)
		}
		w.picture("c.jpg")
		w.sent("c.jpg", two)
		if settled, err := w.update("c.jpg", false); settled || err != nil {
			t.Errorf("settled: %v, %v", settled, err)
		}
		clear(w.beside.rest)
		if err := w.beside.Folder(t.Context(), ""); err != nil {
			t.Error(err)
		}
	}
	if list := w.files(dir); len(list) != 0 {
		t.Errorf("into what is mounted on was written: %v", list)
	}
	if len(w.retried) != 0 {
		t.Errorf("that nothing is mounted is another try: %v", w.retried)
	}

	away = false
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(disk, dir); err != nil {
		t.Fatal(err)
	}
	w.must("a.jpg", true)
	w.must("c.jpg", false)
	clear(w.beside.rest)
	if err := w.beside.Folder(t.Context(), "elsewhere"); err != nil { // what was missed is made up for
		t.Fatal(err)
	}
	after := w.files(dir)
	if after["a.jpg.url"] != "" || after["c.jpg.url"] != shortcut(two) || after["b.jpg.error.txt"] != before["b.jpg.error.txt"] || after["_links.csv"] == before["_links.csv"] {
		t.Errorf("the mirror has %v", after)
	}
}
