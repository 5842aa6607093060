package sidecar_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs"
	"slipway/vfs/sidecar"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// fakeFS is a file system in memory whose infos have a vfs.Entry, as vfs.FS's do.
type fakeFS struct {
	afero.Fs
	ids map[string]vfs.ID
}

func newFake() *fakeFS {
	f := &fakeFS{Fs: afero.NewMemMapFs(), ids: map[string]vfs.ID{"/": vfs.Root}}
	f.Fs.MkdirAll("/", 0o755)
	return f
}

func (f *fakeFS) id(name string) vfs.ID {
	if f.ids[name] == 0 {
		f.ids[name] = vfs.ID(len(f.ids) + 1)
	}
	return f.ids[name]
}

// put makes a file and returns its id.
func (f *fakeFS) put(t testing.TB, name string) vfs.ID {
	t.Helper()
	if err := f.Fs.MkdirAll(path.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(f.Fs, name, []byte("real "+path.Base(name)), 0o644); err != nil {
		t.Fatal(err)
	}
	f.Fs.Chtimes(name, noon, noon)
	return f.id(name)
}

func clean(name string) string { return path.Clean("/" + name) }

type fakeInfo struct {
	os.FileInfo
	entry vfs.Entry
}

func (i fakeInfo) Sys() any { return i.entry }

func (f *fakeFS) info(at string, i os.FileInfo) os.FileInfo {
	e := vfs.Entry{ID: f.id(at), Name: i.Name(), Dir: i.IsDir(), Modified: i.ModTime()}
	if !i.IsDir() {
		e.Size, e.SHA256 = i.Size(), sha256.Sum256([]byte("real "+i.Name()))
		if strings.EqualFold(path.Ext(i.Name()), ".jpg") {
			e.Type = "image/jpeg"
		}
	}
	return fakeInfo{i, e}
}

func (f *fakeFS) Stat(name string) (os.FileInfo, error) {
	i, err := f.Fs.Stat(clean(name))
	if err != nil {
		return nil, err
	}
	return f.info(clean(name), i), nil
}

func (f *fakeFS) Open(name string) (afero.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

func (f *fakeFS) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if len(path.Base(name)) > 255 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: vfs.ErrBadName}
	}
	file, err := f.Fs.OpenFile(clean(name), flag, perm)
	if err != nil {
		return nil, err
	}
	return &fakeFile{File: file, fs: f, path: clean(name)}, nil
}

func (f *fakeFS) Remove(name string) error {
	if list, err := afero.ReadDir(f.Fs, clean(name)); err == nil && len(list) > 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: vfs.ErrNotEmpty}
	}
	return f.Fs.Remove(clean(name))
}

func (f *fakeFS) Rename(from, to string) error {
	if err := f.Fs.Rename(clean(from), clean(to)); err != nil {
		return err
	}
	f.ids[clean(to)] = f.id(clean(from))
	return nil
}

// fakeFile knows the interface by which uploads are aborted.
type fakeFile struct {
	afero.File
	fs      *fakeFS
	path    string
	aborted error
}

func (f *fakeFile) TransferError(err error) { f.aborted = err }

// ReadAt says io.EOF where the file in memory forgets to.
func (f *fakeFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// Seek begins the listing of a directory anew, which the one in memory does not.
func (f *fakeFile) Seek(off int64, whence int) (int64, error) {
	if info, err := f.File.Stat(); err == nil && info.IsDir() {
		f.File, err = f.fs.Fs.Open(f.path)
		return 0, err
	}
	return f.File.Seek(off, whence)
}

func (f *fakeFile) Stat() (os.FileInfo, error) {
	i, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return f.fs.info(f.path, i), nil
}

func (f *fakeFile) Readdir(n int) ([]os.FileInfo, error) {
	list, err := f.File.Readdir(n)
	for i := range list {
		list[i] = f.fs.info(path.Join(f.path, list[i].Name()), list[i])
	}
	return list, err
}

// receipts is a Source in memory.
type receipts struct {
	fs      *fakeFS
	of      map[vfs.ID]sidecar.Receipt
	folders int
	files   int
	retried []vfs.ID
	err     error
}

func (r *receipts) Folder(_ context.Context, dir vfs.ID) (map[vfs.ID]sidecar.Receipt, error) {
	r.folders++
	found := make(map[vfs.ID]sidecar.Receipt)
	for name, id := range r.fs.ids {
		if receipt, ok := r.of[id]; ok && r.fs.ids[path.Dir(name)] == dir {
			found[id] = receipt
		}
	}
	return found, r.err
}

func (r *receipts) File(_ context.Context, id vfs.ID) (sidecar.Receipt, error) {
	r.files++
	return r.of[id], r.err
}

func (r *receipts) Retry(_ context.Context, id vfs.ID) error {
	r.retried = append(r.retried, id)
	return r.err
}

var all = sidecar.Options{
	File:     []string{"url", "json", "txt", "md", "html", "bbcode"},
	Folder:   []string{"html", "md", "csv"},
	CanRetry: true,
}

// newView returns a view of an empty file system.
func newView(opts sidecar.Options) (*sidecar.View, *fakeFS, *receipts) {
	inner := newFake()
	source := &receipts{fs: inner, of: make(map[vfs.ID]sidecar.Receipt)}
	return sidecar.New(inner, source, opts), inner, source
}

// done is a receipt with one address.
func done(url string) sidecar.Receipt {
	return sidecar.Receipt{Changed: noon, Uploads: []sidecar.Upload{{Destination: "home", State: "done", URL: url, SentAt: noon, Attempts: 1}}}
}

func failed() sidecar.Receipt {
	return sidecar.Receipt{Changed: noon, Uploads: []sidecar.Upload{{Destination: "home", State: "failed", Attempts: 20, Error: "the host refused it", Trouble: true}}}
}

func waiting() sidecar.Receipt {
	return sidecar.Receipt{Changed: noon, Uploads: []sidecar.Upload{{Destination: "home", State: "settling", Reason: "quiet"}}}
}

func names(t testing.TB, v afero.Fs, dir string) []string {
	t.Helper()
	f, err := v.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func read(t testing.TB, v afero.Fs, name string) string {
	t.Helper()
	b, err := afero.ReadFile(v, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
