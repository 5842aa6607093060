package sidecar

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
	"time"
)

// What the inner file system may offer beyond afero.Fs, and View hands on.
type (
	mover interface {
		Move(from, to string, overwrite bool) (replaced bool, err error)
	}
	copier interface {
		Copy(from, to string, overwrite, deep bool) (replaced bool, err error)
	}
	usager interface {
		Usage() (used, limit int64, err error)
	}
	admitter interface {
		Admit(name string, size int64) error
	}
	remover interface {
		RemoveIf(name string, id int64, sum [32]byte) error
	}
	rooted     interface{ Root() string }
	propertied interface {
		Properties(infos ...fs.FileInfo) ([]map[xml.Name]string, error)
		SetProperties(name string, set map[xml.Name]string, remove []xml.Name, modified time.Time) error
	}
)

// Move is the inner file system's, in one transaction; views below a directory
// follow by themselves. A view cannot be moved.
func (v *View) Move(from, to string, overwrite bool) (replaced bool, err error) {
	inner, ok := v.inner.(mover)
	if !ok {
		return false, &fs.PathError{Op: "rename", Path: from, Err: errors.ErrUnsupported}
	}
	replaced, err = inner.Move(from, to, overwrite)
	return replaced, v.refuse("rename", from, err)
}

// Copy is the inner file system's, in one transaction; views below a directory
// are not copied. The copy of a view is a real file with its present text.
func (v *View) Copy(from, to string, overwrite, deep bool) (replaced bool, err error) {
	inner, ok := v.inner.(copier)
	if !ok {
		return false, &fs.PathError{Op: "copy", Path: from, Err: errors.ErrUnsupported}
	}
	replaced, err = inner.Copy(from, to, overwrite, deep)
	if err == nil {
		return replaced, nil
	}
	f, ferr := v.orView("copy", from, err)
	if ferr != nil {
		return false, ferr
	}
	replaced = v.real(to)
	if replaced && !overwrite {
		return false, &fs.PathError{Op: "copy", Path: to, Err: fs.ErrExist}
	}
	return replaced, v.write(to, f.text())
}

// write makes a real file.
func (v *View) write(name string, text []byte) error {
	file, err := v.inner.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if staged, ok := file.(interface{ TransferError(error) }); ok && err != nil {
		staged.TransferError(err)
	}
	return errors.Join(err, file.Close())
}

// Usage returns how many bytes the files have and may have (RFC 4331). Views take
// no room. Limit is -1 where it is not known.
func (v *View) Usage() (used, limit int64, err error) {
	if inner, ok := v.inner.(usager); ok {
		return inner.Usage()
	}
	return 0, -1, &fs.PathError{Op: "stat", Path: "/", Err: errors.ErrUnsupported}
}

// Admit reports why a file of size bytes (-1: not known) would be refused at
// name.
func (v *View) Admit(name string, size int64) error {
	if inner, ok := v.inner.(admitter); ok {
		return inner.Admit(name, size)
	}
	return nil
}

// RemoveIf is the inner file system's; a view is no entry.
func (v *View) RemoveIf(name string, id int64, sum [32]byte) error {
	if inner, ok := v.inner.(remover); ok {
		return inner.RemoveIf(name, id, sum)
	}
	return &fs.PathError{Op: "remove", Path: name, Err: errors.ErrUnsupported}
}

// Root returns where "/" lies in the tree that others see too.
func (v *View) Root() string {
	if inner, ok := v.inner.(rooted); ok {
		return inner.Root()
	}
	return "/"
}

// Properties returns the dead properties (RFC 4918 §4) of what this view
// described, in the order of infos; views have none.
func (v *View) Properties(infos ...fs.FileInfo) ([]map[xml.Name]string, error) {
	if inner, ok := v.inner.(propertied); ok {
		return inner.Properties(infos...)
	}
	return make([]map[xml.Name]string, len(infos)), nil
}

// SetProperties changes dead properties of a file or directory. Those of a view
// cannot be changed.
func (v *View) SetProperties(name string, set map[xml.Name]string, remove []xml.Name, modified time.Time) error {
	inner, ok := v.inner.(propertied)
	if !ok {
		return &fs.PathError{Op: "setproperties", Path: name, Err: errors.ErrUnsupported}
	}
	return v.refuse("setproperties", name, inner.SetProperties(name, set, remove, modified))
}
