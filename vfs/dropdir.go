package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// where returns where in the tree the clean path p of the client's is: a directory
// that the session made stands under a number where another's file has its name.
func (d *DropFS) where(p string) string {
	for dir := p; dir != "/"; dir = path.Dir(dir) {
		what, ok := d.s.get(dir)
		if !ok || Key(what.path) == Key(dir) {
			continue
		}
		info, err := d.fs.Stat(what.path)
		if err == nil && info.IsDir() && info.Sys().(Entry).ID == what.id {
			return path.Join(what.path, p[len(dir):])
		}
	}
	return p
}

// unseen returns err about name as the client may hear of it: where a file stands
// in place of a directory, which may be another's, there is nothing.
func unseen(op, name string, err error) error {
	if errors.Is(err, ErrNotDir) {
		err = fs.ErrNotExist
	}
	return failed(op, name, err)
}

// besideMax is how many numbers Mkdir tries.
const besideMax = 100

// Mkdir makes a directory; where another's file has its name, under the next free
// number, below which the session finds it by the name that it chose.
func (d *DropFS) Mkdir(name string, perm os.FileMode) error {
	p, err := Clean(name)
	if err != nil {
		return failed("mkdir", name, err)
	}
	if _, err := d.Stat(p); err == nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	want := d.where(p)
	real := want
	err = d.fs.Mkdir(real, perm)
	for n := 1; errors.Is(err, fs.ErrExist) && n <= besideMax; n++ {
		if info, statErr := d.fs.Stat(want); statErr == nil && info.IsDir() {
			break // somebody made it meanwhile
		}
		real = path.Join(path.Dir(want), Numbered(path.Base(want), n))
		err = d.fs.Mkdir(real, perm)
	}
	if err != nil {
		return unseen("mkdir", name, err)
	}
	return failed("mkdir", name, d.made(p, real))
}

// MkdirAll makes a directory and those above it that are missing, each as Mkdir
// does.
func (d *DropFS) MkdirAll(name string, perm os.FileMode) error {
	p, err := Clean(name)
	if err != nil {
		return failed("mkdir", name, err)
	}
	switch info, err := d.Stat(p); {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: name, Err: ErrNotDir} // a file of this session
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := d.MkdirAll(path.Dir(p), perm); err != nil {
		return failed("mkdir", name, err)
	}
	err = d.Mkdir(p, perm)
	if errors.Is(err, fs.ErrExist) {
		if info, statErr := d.Stat(p); statErr == nil && info.IsDir() {
			return nil // somebody made it meanwhile
		}
	}
	return err
}

// made remembers the directory real, which the session made and calls p.
func (d *DropFS) made(p, real string) error {
	info, err := d.fs.Stat(real)
	if err != nil {
		return err
	}
	d.s.set(p, dropped{real, info.Sys().(Entry).ID})
	return nil
}
