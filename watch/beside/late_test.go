package beside

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"
)

// removing is a tree that has something done when a view is read.
type removing struct {
	afero.Fs
	read func()
}

func (r removing) Open(name string) (afero.File, error) {
	r.read()
	return r.Fs.Open(name)
}

// TestRetryLate: what told of a failure and is removed while the sidecars are brought in
// line is not written again, but asks for another try.
func TestRetryLate(t *testing.T) {
	for _, when := range []string{"while the views are read", "just before it gets its name"} {
		w := newWorld(t, Options{File: []string{"url"}})
		w.picture("a.jpg")
		w.failed("a.jpg")
		w.must("a.jpg", false)
		told := filepath.Join(w.root, "a.jpg.error.txt")
		gone := false
		remove := func() {
			if !gone {
				gone = true
				if err := os.Remove(told); err != nil {
					t.Fatal(err)
				}
			}
		}
		tree := w.beside.o.Tree
		if when == "while the views are read" {
			w.beside.o.Tree = removing{tree, remove}
		} else {
			w.uploads[w.inner.id("/in/a.jpg")][0].Attempts++ // it says something else now
			w.beside.before = func(step string) error {
				if step == "rename" {
					remove()
				}
				return nil
			}
		}
		if settled, err := w.update("a.jpg", false); err != nil || settled || !gone {
			t.Errorf("%s: settled %v, %v, removed %v", when, settled, err, gone)
		}
		if _, err := os.Stat(told); err == nil {
			t.Errorf("%s: it was written again", when)
		}
		w.beside.o.Tree, w.beside.before = tree, func(string) error { return nil }
		w.must("a.jpg", false)
		if len(w.retried) != 1 {
			t.Errorf("%s: tried again: %v", when, w.retried)
		}
		for name := range w.files(w.root) {
			if name != "a.jpg" {
				t.Errorf("%s: %s is left", when, name)
			}
		}
	}
}
