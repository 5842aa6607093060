package sidecar_test

import (
	"os"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs/sidecar"
)

// storedFS opens files that know what they were stored as.
type storedFS struct{ *fakeFS }

type storedFile struct{ afero.File }

func (storedFile) Stored() (int64, string) { return 7, "a (1).jpg" }

func (f storedFS) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	file, err := f.fakeFS.OpenFile(name, flag, perm)
	return storedFile{file}, err
}

func (f storedFS) Create(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// TestStoredStays: files opened for writing through the view are the inner ones,
// with all that they know.
func TestStoredStays(t *testing.T) {
	_, inner, source := newView(all)
	view := sidecar.New(storedFS{inner}, source, all)
	for name, open := range map[string]func(string) (afero.File, error){
		"Create":   view.Create,
		"OpenFile": func(name string) (afero.File, error) { return view.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666) },
	} {
		f, err := open("/a.jpg")
		if err != nil {
			t.Fatal(err)
		}
		s, ok := f.(interface{ Stored() (int64, string) })
		if err := f.Close(); err != nil || !ok {
			t.Fatalf("%s: error %v; the file knows its entry: %v", name, err, ok)
		}
		if id, stored := s.Stored(); id != 7 || stored != "a (1).jpg" {
			t.Errorf("%s: entry %d, %q", name, id, stored)
		}
	}
}
