package finish

import (
	"os"
	"path/filepath"
	"testing"

	"slipway/watch"
)

// TestBusy: a file that somebody has open for writing stays until he has closed it.
func TestBusy(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	w, err := os.OpenFile(filepath.Join(f.dir, "a.jpg"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	fin := f.finisher("")
	k, done, err := fin.Finish(t.Context(), f.taken("a.jpg"), complete, f.store)
	if err != nil || done || k.State != watch.Taken || k.Stat != f.taken("a.jpg").Stat {
		t.Errorf("got %+v, %v, %v", k, done, err)
	}
	f.has(map[string]string{"a.jpg": "one"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	k, done, err = fin.Finish(t.Context(), k, complete, f.store)
	if err != nil || !done || k.State != watch.Removed {
		t.Errorf("got %+v, %v, %v", k, done, err)
	}
	f.has(map[string]string{})
}
