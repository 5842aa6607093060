package sidecar

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"sync"
	"time"

	"slipway/vfs"
)

// view is one virtual file. It describes itself as an os.FileInfo.
type view struct {
	name     string
	of       string // the file that it is about; "" for a folder's
	kind     *kind
	pictures []*picture // one, or those of a folder
	render   render
	changed  time.Time

	buffers  *sync.Pool // of *bytes.Buffer
	measured sync.Once  // the following, without keeping the text
	size     int64
	tag      string
}

var _ os.FileInfo = (*view)(nil)

func (v *View) newView(name string, k *kind, pictures []*picture, r render) *view {
	f := &view{name: name, kind: k, pictures: pictures, render: r, buffers: v.buffers}
	for _, p := range pictures {
		if p.receipt.Changed.After(f.changed) {
			f.changed = p.receipt.Changed
		}
	}
	return f
}

// measure finds out size and tag.
func (f *view) measure() {
	f.measured.Do(func() {
		b := f.buffers.Get().(*bytes.Buffer)
		defer f.buffers.Put(b)
		b.Reset()
		f.kind.render(b, f.pictures, f.render)
		sum := sha256.Sum256(b.Bytes())
		f.size, f.tag = int64(b.Len()), `"`+hex.EncodeToString(sum[:16])+`"`
	})
}

// text renders the file.
func (f *view) text() []byte {
	var b bytes.Buffer
	f.kind.render(&b, f.pictures, f.render)
	return b.Bytes()
}

// Name returns the file's name.
func (f *view) Name() string { return f.name }

// Size returns the exact length in bytes.
func (f *view) Size() int64 {
	f.measure()
	return f.size
}

// Mode returns 0444.
func (f *view) Mode() os.FileMode { return 0o444 }

// ModTime returns when anything that the file shows changed last.
func (f *view) ModTime() time.Time { return f.changed }

// IsDir returns false.
func (f *view) IsDir() bool { return false }

// Sys returns nil: a view is no entry.
func (f *view) Sys() any { return nil }

// ETag returns a strong entity tag, quotes included (RFC 9110 §8.8.3).
func (f *view) ETag(context.Context) (string, error) {
	f.measure()
	return f.tag, nil
}

// ContentType returns the media type.
func (f *view) ContentType(context.Context) (string, error) { return f.kind.media, nil }

// openFile is an open view.
type openFile struct {
	*bytes.Reader
	path   string
	info   *view
	closed bool
}

func (f *view) open(path string) *openFile {
	return &openFile{Reader: bytes.NewReader(f.text()), path: path, info: f}
}

func (o *openFile) Name() string               { return o.path }
func (o *openFile) Stat() (os.FileInfo, error) { return o.info, nil }
func (o *openFile) Sync() error                { return nil }

func (o *openFile) Close() error {
	if o.closed {
		return o.fail("close", fs.ErrClosed)
	}
	o.closed = true
	return nil
}

func (o *openFile) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: o.path, Err: err}
}

func (o *openFile) Write([]byte) (int, error)          { return 0, o.fail("write", vfs.ErrReadOnly) }
func (o *openFile) WriteAt([]byte, int64) (int, error) { return 0, o.fail("write", vfs.ErrReadOnly) }
func (o *openFile) WriteString(string) (int, error)    { return 0, o.fail("write", vfs.ErrReadOnly) }
func (o *openFile) Truncate(int64) error               { return o.fail("truncate", vfs.ErrReadOnly) }

func (o *openFile) Readdir(int) ([]os.FileInfo, error) { return nil, o.fail("readdir", vfs.ErrNotDir) }
func (o *openFile) Readdirnames(int) ([]string, error) { return nil, o.fail("readdir", vfs.ErrNotDir) }

// Of returns the name of the file that the view is about, in the same folder; ""
// for a folder's view.
func (f *view) Of() string { return f.of }
