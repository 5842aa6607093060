package sidecar_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs/sidecar"
)

// cutUploads is a file system that keeps something of each upload.
type cutUploads struct {
	afero.Fs
	dropped string
}

func (c *cutUploads) Partial(name string) (fs.FileInfo, error)        { return c.Stat("/kept" + name) }
func (c *cutUploads) Resume(name string, _ int64) (afero.File, error) { return c.Open("/kept" + name) }
func (c *cutUploads) DropPartial(name string) error                   { c.dropped = name; return nil }

func TestPartial(t *testing.T) {
	inner := &cutUploads{Fs: afero.NewMemMapFs()}
	if err := afero.WriteFile(inner, "/kept/x", []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := sidecar.New(inner, nil, sidecar.Options{})
	if info, err := v.Partial("/x"); err != nil || info.Size() != 5 {
		t.Errorf("%v, %v", info, err)
	}
	if f, err := v.Resume("/x", 5); err != nil || f.Name() != "/kept/x" {
		t.Errorf("%v, %v", f, err)
	}
	if err := v.DropPartial("/x"); err != nil || inner.dropped != "/x" {
		t.Errorf("%q was let go, %v", inner.dropped, err)
	}

	v = sidecar.New(inner.Fs, nil, sidecar.Options{}) // that keeps nothing
	if _, err := v.Partial("/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := v.Resume("/x", 5); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	if err := v.DropPartial("/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
