package vfs

import (
	"bytes"
	"io"
	"io/fs"
	"os"

	"slipway/vfs/blob"
)

// bytesReader is a blob.Reader of bytes in memory.
type bytesReader struct{ *bytes.Reader }

func newBytesReader(b []byte) blob.Reader { return bytesReader{bytes.NewReader(b)} }

func (bytesReader) Close() error { return nil }

// readFile is an afero.File of committed bytes, which do not change under it
// whatever becomes of the name.
type readFile struct {
	blob.Reader
	name   string
	entry  Entry
	closed bool
}

func (r *readFile) Name() string               { return r.name }
func (r *readFile) Stat() (os.FileInfo, error) { return Info{r.entry}, nil }
func (r *readFile) Sync() error                { return nil }

func (r *readFile) Close() error {
	if r.closed {
		return &fs.PathError{Op: "close", Path: r.name, Err: fs.ErrClosed}
	}
	r.closed = true
	return r.Reader.Close()
}

func (r *readFile) readOnly(op string) error {
	return &fs.PathError{Op: op, Path: r.name, Err: ErrReadOnly}
}

func (r *readFile) Write([]byte) (int, error)          { return 0, r.readOnly("write") }
func (r *readFile) WriteAt([]byte, int64) (int, error) { return 0, r.readOnly("write") }
func (r *readFile) WriteString(string) (int, error)    { return 0, r.readOnly("write") }
func (r *readFile) Truncate(int64) error               { return r.readOnly("truncate") }

func (r *readFile) Readdir(int) ([]os.FileInfo, error) {
	return nil, &fs.PathError{Op: "readdir", Path: r.name, Err: ErrNotDir}
}

func (r *readFile) Readdirnames(int) ([]string, error) {
	return nil, &fs.PathError{Op: "readdir", Path: r.name, Err: ErrNotDir}
}

// dirPage is how many entries one query of a listing brings.
const dirPage = 1000

// dirFile is an afero.File of a directory, listed in pages.
type dirFile struct {
	fs    *FS
	name  string
	entry Entry
	last  string // the name after which the next page begins
	done  bool
}

func (d *dirFile) Name() string { return d.name }
func (d *dirFile) Close() error { return nil }
func (d *dirFile) Sync() error  { return nil }

func (d *dirFile) Stat() (os.FileInfo, error) { return d.fs.Stat(d.name) }

// Readdir returns the next n entries in the order of their names, all that are
// left where n ≤ 0, and io.EOF after the last where n > 0.
func (d *dirFile) Readdir(n int) ([]os.FileInfo, error) {
	var list []os.FileInfo
	for !d.done && (n <= 0 || len(list) < n) {
		limit := dirPage
		if n > 0 {
			limit = min(limit, n-len(list))
		}
		page, err := d.fs.index.List(d.fs.ctx, d.entry.ID, d.last, limit)
		if err != nil {
			return list, failed("readdir", d.name, err)
		}
		for _, e := range page {
			list = append(list, Info{e})
			d.last = e.Name
		}
		d.done = len(page) < limit
	}
	if n > 0 && len(list) == 0 {
		return nil, io.EOF
	}
	return list, nil
}

// Readdirnames is Readdir with names alone.
func (d *dirFile) Readdirnames(n int) ([]string, error) {
	infos, err := d.Readdir(n)
	return namesOf(infos), err
}

func namesOf(infos []os.FileInfo) []string {
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name()
	}
	return names
}

// page takes the next n of all, or all where n ≤ 0, under the rules of Readdir.
func page(all *[]os.FileInfo, n int) ([]os.FileInfo, error) {
	list := *all
	if n > 0 {
		list = list[:min(n, len(list))]
		if len(list) == 0 {
			return nil, io.EOF
		}
	}
	*all = (*all)[len(list):]
	return list, nil
}

// Seek to the start begins the listing anew.
func (d *dirFile) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekStart {
		return 0, d.isDir("seek")
	}
	d.last, d.done = "", false
	return 0, nil
}

func (d *dirFile) isDir(op string) error {
	return &fs.PathError{Op: op, Path: d.name, Err: ErrIsDir}
}

func (d *dirFile) Read([]byte) (int, error)           { return 0, d.isDir("read") }
func (d *dirFile) ReadAt([]byte, int64) (int, error)  { return 0, d.isDir("read") }
func (d *dirFile) Write([]byte) (int, error)          { return 0, d.isDir("write") }
func (d *dirFile) WriteAt([]byte, int64) (int, error) { return 0, d.isDir("write") }
func (d *dirFile) WriteString(string) (int, error)    { return 0, d.isDir("write") }
func (d *dirFile) Truncate(int64) error               { return d.isDir("truncate") }
