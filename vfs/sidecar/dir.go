package sidecar

import (
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/afero"
)

// dirFile is an open directory in which the views are listed too.
type dirFile struct {
	afero.File
	view   *View
	path   string
	list   []os.FileInfo // what is left of the listing
	loaded bool
}

// Readdir returns the next n entries and views in the order of their names, all
// that are left where n ≤ 0, and io.EOF after the last where n > 0.
func (d *dirFile) Readdir(n int) ([]os.FileInfo, error) {
	if !d.loaded {
		list, err := d.load()
		if err != nil {
			return nil, err
		}
		d.list, d.loaded = list, true
	}
	if n <= 0 {
		n = len(d.list)
	} else if len(d.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.list))
	page := d.list[:n:n]
	d.list = d.list[n:]
	return page, nil
}

func (d *dirFile) load() ([]os.FileInfo, error) {
	real, err := d.File.Readdir(-1)
	if err != nil {
		return nil, err
	}
	info, err := d.File.Stat()
	if err != nil {
		return nil, err
	}
	views, err := d.view.viewsIn(d.path, info, real)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: d.path, Err: err}
	}
	slices.SortFunc(real, byName)
	return merge(real, views), nil
}

// merge returns two sorted lists as one.
func merge(a, b []os.FileInfo) []os.FileInfo {
	list := make([]os.FileInfo, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if byName(a[0], b[0]) < 0 {
			list, a = append(list, a[0]), a[1:]
		} else {
			list, b = append(list, b[0]), b[1:]
		}
	}
	return append(append(list, a...), b...)
}

// Readdirnames is Readdir with names alone.
func (d *dirFile) Readdirnames(n int) ([]string, error) {
	infos, err := d.Readdir(n)
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name()
	}
	return names, err
}

// ReadDir is Readdir in the form of fs.ReadDirFile.
func (d *dirFile) ReadDir(n int) ([]fs.DirEntry, error) {
	infos, err := d.Readdir(n)
	entries := make([]fs.DirEntry, len(infos))
	for i, info := range infos {
		entries[i] = fs.FileInfoToDirEntry(info)
	}
	return entries, err
}

// Seek to the start begins the listing anew.
func (d *dirFile) Seek(offset int64, whence int) (int64, error) {
	n, err := d.File.Seek(offset, whence)
	if err == nil {
		d.list, d.loaded = nil, false
	}
	return n, err
}
