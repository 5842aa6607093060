package sidecar

import (
	"errors"
	"io/fs"

	"github.com/spf13/afero"
)

// resumer is what the inner file system may offer for uploads that were cut.
type resumer interface {
	Partial(name string) (fs.FileInfo, error)
	Resume(name string, offset int64) (afero.File, error)
	DropPartial(name string) error
}

// Partial describes what the inner file system keeps of an upload that was cut.
func (v *View) Partial(name string) (fs.FileInfo, error) {
	if inner, ok := v.inner.(resumer); ok {
		return inner.Partial(name)
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// Resume continues an upload to the inner file system.
func (v *View) Resume(name string, offset int64) (afero.File, error) {
	if inner, ok := v.inner.(resumer); ok {
		return inner.Resume(name, offset)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}

// DropPartial lets go what the inner file system keeps.
func (v *View) DropPartial(name string) error {
	if inner, ok := v.inner.(resumer); ok {
		return inner.DropPartial(name)
	}
	return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
}
