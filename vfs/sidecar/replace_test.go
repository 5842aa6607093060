package sidecar_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs/sidecar"
)

// replacingFS has Replace too.
type replacingFS struct{ *fakeFS }

func (f replacingFS) Replace(name string) (before os.FileInfo, _ afero.File, err error) {
	before, err = f.Stat(name)
	if err != nil && !isNotExist(err) {
		return nil, nil, err
	}
	file, err := afero.NewMemMapFs().Create(name) // nothing is seen of it
	return before, file, err
}

func TestReplace(t *testing.T) {
	_, inner, source := newView(all)
	v := sidecar.New(replacingFS{inner}, source, all)
	source.of[inner.put(t, "/d/a.jpg")] = waiting()
	for name, want := range map[string]string{"/d/a.jpg": "a.jpg", "/d/a.jpg.json": "a.jpg.json", "/d/b.jpg": "", "/d/b.jpg.json": ""} {
		before, file, err := v.Replace(name)
		if err != nil || file == nil {
			t.Errorf("%s: %v, %v", name, file, err)
			continue
		}
		if got := nameOf(before); got != want {
			t.Errorf("at %s stands %q instead of %q", name, got, want)
		}
	}
	if _, _, err := sidecar.New(inner, source, all).Replace("/d/a.jpg"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("where the inner one cannot: %v", err)
	}
}

func nameOf(info fs.FileInfo) string {
	if info == nil {
		return ""
	}
	return info.Name()
}
