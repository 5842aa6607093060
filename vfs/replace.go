package vfs

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/afero"
)

// Replace opens a staged file as OpenFile does with os.O_RDWR, os.O_CREATE and
// os.O_TRUNC, and describes what stands at name as Stat does (nil: nothing), with
// one look-up for both. before may be told where err says why there is no file.
func (f *FS) Replace(name string) (before os.FileInfo, _ afero.File, err error) {
	p, err := f.real("open", name)
	if err != nil {
		return nil, nil, err
	}
	e, err := f.index.Lookup(f.ctx, p)
	isNew := errors.Is(err, fs.ErrNotExist) && e.Parent != 0
	if err != nil && !isNew {
		return nil, nil, failed("open", name, err)
	}
	if !isNew {
		before = f.info(p, e)
	}
	if err := f.writable("open", name); err != nil {
		return before, nil, err
	}
	if e.Dir {
		return before, nil, &fs.PathError{Op: "open", Path: name, Err: ErrIsDir}
	}
	if isNew {
		e = Entry{}
	}
	s := f.staged(name, p, e)
	s.dirty = true
	if _, err = f.beside(p, s.sameName, false); err == nil {
		s.w, err = f.blobs.Create(f.ctx)
	}
	if err != nil {
		return before, nil, failed("open", name, err)
	}
	f.transfers.begin(s)
	return before, s, nil
}
