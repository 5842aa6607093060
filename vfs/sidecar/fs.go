package sidecar

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs"
)

// Name returns the inner file system's name.
func (v *View) Name() string { return v.inner.Name() }

// orView returns err, the inner file system's about name, or, where that is that
// there is nothing, the view that is there.
func (v *View) orView(op, name string, err error) (*view, error) {
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, ferr := v.find(name)
	if ferr != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: ferr}
	}
	if f == nil {
		return nil, err
	}
	return f, nil
}

// Stat describes a file, a directory or a view.
func (v *View) Stat(name string) (os.FileInfo, error) {
	info, err := v.inner.Stat(name)
	if err == nil {
		return info, nil
	}
	f, err := v.orView("stat", name, err)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Open opens a file, a directory or a view for reading.
func (v *View) Open(name string) (afero.File, error) { return v.OpenFile(name, os.O_RDONLY, 0) }

// Create opens the inner file for writing, whatever view has the name.
func (v *View) Create(name string) (afero.File, error) { return v.inner.Create(name) }

// OpenFile opens a file, a directory or a view. For writing it is the inner file
// system's file, as that gives it.
func (v *View) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	file, err := v.inner.OpenFile(name, flag, perm)
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return file, err
	}
	if err != nil {
		f, err := v.orView("open", name, err)
		if err != nil {
			return nil, err
		}
		return f.open(name), nil
	}
	info, err := file.Stat()
	if err != nil || !info.IsDir() {
		return file, nil //nolint:nilerr // Whoever asks the file itself gets the error.
	}
	return &dirFile{File: file, view: v, path: name}, nil
}

// Remove removes a file or an empty directory; of a view only the removal is
// acknowledged, and that of an .error.txt tries again.
func (v *View) Remove(name string) error {
	err := v.inner.Remove(name)
	if err == nil {
		return nil
	}
	f, err := v.orView("remove", name, err)
	switch {
	case errors.Is(err, fs.ErrNotExist) && IsName(name) && v.real(path.Dir(path.Clean("/"+name))):
		return nil // the picture went first
	case err != nil:
		return err
	case f.kind.word == "" && v.opts.CanRetry:
		if err := v.source.Retry(v.ctx, f.pictures[0].entry.ID); err != nil {
			return &fs.PathError{Op: "remove", Path: name, Err: err}
		}
	}
	return nil
}

// RemoveAll removes what is at name with everything below it; for a view it is
// Remove.
func (v *View) RemoveAll(name string) error {
	if v.IsView(name) {
		return v.Remove(name)
	}
	return v.inner.RemoveAll(name)
}

// Rename gives a file or directory another path, that of a view too, which then
// yields. A view itself cannot be renamed.
func (v *View) Rename(from, to string) error {
	return v.refuse("rename", from, v.inner.Rename(from, to))
}

// refuse makes the inner file system's error about a view say what is the matter.
func (v *View) refuse(op, name string, err error) error {
	if err != nil && errors.Is(err, fs.ErrNotExist) && v.IsView(name) {
		return &fs.PathError{Op: op, Path: name, Err: vfs.ErrReadOnly}
	}
	return err
}

// accept makes a change of a view's attributes succeed without effect.
func (v *View) accept(op, name string, err error) error {
	if err == nil {
		return nil
	}
	_, err = v.orView(op, name, err)
	return err
}

// Mkdir makes a directory.
func (v *View) Mkdir(name string, perm os.FileMode) error { return v.inner.Mkdir(name, perm) }

// MkdirAll makes a directory and those above it.
func (v *View) MkdirAll(name string, perm os.FileMode) error { return v.inner.MkdirAll(name, perm) }

// Chtimes sets a file's times; a view keeps its own.
func (v *View) Chtimes(name string, atime, mtime time.Time) error {
	return v.accept("chtimes", name, v.inner.Chtimes(name, atime, mtime))
}

// Chmod sets a file's mode; a view keeps its own.
func (v *View) Chmod(name string, mode os.FileMode) error {
	return v.accept("chmod", name, v.inner.Chmod(name, mode))
}

// Chown sets a file's owner; a view has none.
func (v *View) Chown(name string, uid, gid int) error {
	return v.accept("chown", name, v.inner.Chown(name, uid, gid))
}
