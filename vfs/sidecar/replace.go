package sidecar

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/afero"
)

// replacer is what the inner file system may offer: see vfs.FS.Replace.
type replacer interface {
	Replace(name string) (before os.FileInfo, f afero.File, err error)
}

// Replace opens the inner file for writing, whatever view has the name, and
// describes what stands there, which may be that view. It is
// errors.ErrUnsupported where the inner file system cannot do that.
func (v *View) Replace(name string) (before os.FileInfo, f afero.File, err error) {
	inner, ok := v.inner.(replacer)
	if !ok {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
	}
	before, f, err = inner.Replace(name)
	if before != nil || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return before, f, err
	}
	shown, findErr := v.find(name)
	if findErr != nil {
		giveUp(f, findErr)
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: findErr}
	}
	if shown != nil {
		before = shown
	}
	return before, f, err
}

// giveUp ends a staged file, if there is one, so that it changes nothing.
func giveUp(f afero.File, why error) {
	if s, ok := f.(interface{ TransferError(error) }); ok {
		s.TransferError(why)
		f.Close() //nolint:errcheck // it can only say that it was aborted
	}
}
