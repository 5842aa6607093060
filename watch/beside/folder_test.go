package beside

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slipway/watch"
)

// folder brings a folder's sidecars in line, however short the last time is ago.
func (w *world) folder(dir string) {
	w.t.Helper()
	clear(w.beside.rest)
	if err := w.beside.Folder(w.t.Context(), dir); err != nil {
		w.t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	w := newWorld(t, Options{File: []string{}, Folder: []string{"md", "csv"}})
	w.picture("d/a.jpg")
	w.folder("d")
	w.has(map[string]string{"d/a.jpg": "picture d/a.jpg"})
	w.sent("d/a.jpg", one)
	w.folder("d")
	files := w.files(w.root)
	if !strings.Contains(files["d/_links.md"], one) || !strings.Contains(files["d/_links.csv"], one) || len(files) != 3 {
		t.Errorf("the folder has %v", files)
	}
	if err := w.beside.Folder(t.Context(), "d"); !errors.Is(err, watch.ErrLater) {
		t.Errorf("again at once: %v", err)
	}
	w.write("d/_links.md", "mine")
	w.sent("d/a.jpg", two)
	w.folder("d")
	files = w.files(w.root)
	if files["d/_links.md"] != "mine" || !strings.Contains(files["d/_links.slipway.md"], two) || !strings.Contains(files["d/_links.csv"], two) {
		t.Errorf("the folder has %v", files)
	}
	w.uploads = nil
	w.folder("d")
	w.has(map[string]string{"d/a.jpg": "picture d/a.jpg", "d/_links.md": "mine"})
}

// TestRenamedFolder knows its sidecars again where a folder was renamed.
func TestRenamedFolder(t *testing.T) {
	w := newWorld(t, Options{Folder: []string{"md"}})
	w.picture("d/a.jpg")
	w.sent("d/a.jpg", one)
	w.folder("d")
	if err := os.Rename(filepath.Join(w.root, "d"), filepath.Join(w.root, "e")); err != nil {
		t.Fatal(err)
	}
	w.inner.Remove("/in/d/a.jpg")
	w.inner.Remove("/in/d")
	w.picture("e/a.jpg")
	w.sent("e/a.jpg", two)
	w.folder("e")
	files := w.files(w.root)
	if !strings.Contains(files["e/_links.md"], two) || len(files) != 2 {
		t.Errorf("the folder has %v", files)
	}
	w.folder("d") // which is not there any more
	if len(w.links.All()) != 1 {
		t.Errorf("remembered is %v", w.links.All())
	}
}

// TestLeftFolder makes sure that a folder that a file was moved out of is brought in
// line too.
func TestLeftFolder(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}, Folder: []string{"md"}})
	w.picture("d/a.jpg")
	w.picture("d/b.jpg")
	w.sent("d/a.jpg", one)
	w.sent("d/b.jpg", two)
	w.must("d/a.jpg", false)
	w.folder("d")
	w.inner.Remove("/in/d/a.jpg")
	k := w.known["d/a.jpg"]
	w.remove("d/a.jpg")
	w.picture("e/a.jpg")
	w.sent("e/a.jpg", one)
	k.Path = "e/a.jpg"
	w.known["e/a.jpg"] = k
	w.must("e/a.jpg", false)
	w.folder("e")
	files := w.files(w.root)
	if strings.Contains(files["d/_links.md"], one) || !strings.Contains(files["d/_links.md"], two) || !strings.Contains(files["e/_links.md"], one) {
		t.Errorf("the folders have %v", files)
	}
	if _, there := files["d/a.jpg.url"]; there {
		t.Error("a sidecar did not follow its file")
	}
}
