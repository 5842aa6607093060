package webdav

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

// fakeFS is a small tree with the manners that the door relies on: files are
// staged, Close commits, TransferError makes it abort, parents must exist.
type fakeFS struct {
	afero.Fs
	*fakeState
	ctx context.Context
}

type fakeState struct {
	mu      sync.Mutex
	admit   func(path string, size int64) error
	commit  error // what every Close fails with
	write   error // what every Write fails with
	reading error // what opening a file fails with
	limit   int64
	root    string
	commits []string // paths, in the order they were committed
	aborts  []error
	opens   int // of files for reading
	stats   int
	admits  int
	inTwo   bool // Replace is not supported

	props    map[string]map[xml.Name]string // dead properties by path
	propsErr error                          // what reading and writing them fails with
	sums     map[string][]string            // checksums by path
	asked    []int                          // for how many files properties were read, at a time
	readdir  func(page int) error           // what reading a page of a listing fails with
}

func newFake() *fakeFS {
	return &fakeFS{Fs: afero.NewMemMapFs(), ctx: context.Background(), fakeState: &fakeState{
		limit: -1, root: "/", props: map[string]map[xml.Name]string{}, sums: map[string][]string{},
	}}
}

func (f *fakeFS) WithContext(ctx context.Context) afero.Fs {
	return &fakeFS{Fs: f.Fs, fakeState: f.fakeState, ctx: ctx}
}

func (f *fakeFS) Root() string { return f.root }

func (f *fakeFS) Admit(p string, size int64) error {
	f.mu.Lock()
	f.admits++
	f.mu.Unlock()
	if f.admit == nil {
		return nil
	}
	return f.admit(p, size)
}

func (f *fakeFS) Usage() (used, limit int64, err error) { return 1234, f.limit, nil }

func (f *fakeFS) parent(p string) error {
	info, err := f.Fs.Stat(path.Dir(p))
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "open", Path: p, Err: syscall.ENOTDIR}
	}
	return nil
}

func (f *fakeFS) Mkdir(p string, mode os.FileMode) error {
	if err := f.parent(p); err != nil {
		return err
	}
	return f.Fs.Mkdir(p, mode)
}

func (f *fakeFS) Stat(p string) (fs.FileInfo, error) {
	f.mu.Lock()
	f.stats++
	f.mu.Unlock()
	info, err := f.Fs.Stat(p)
	if err != nil {
		return nil, err
	}
	return f.info(p, info), nil
}

func (f *fakeFS) info(p string, info fs.FileInfo) fs.FileInfo {
	if info.IsDir() {
		return fakeDirInfo{info, p}
	}
	data, _ := afero.ReadFile(f.Fs, p)
	return fakeInfo{info, tagOf(data), p, f.sums[p]}
}

func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

type fakeInfo struct {
	fs.FileInfo
	tag  string
	path string
	sums []string
}

func (i fakeInfo) Checksums() []string { return i.sums }
func (i fakeInfo) where() string       { return i.path }

type fakeDirInfo struct {
	fs.FileInfo
	path string
}

func (i fakeDirInfo) where() string { return i.path }

func (f *fakeFS) Properties(infos ...fs.FileInfo) (all []map[xml.Name]string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, len(infos))
	for _, info := range infos {
		all = append(all, f.props[info.(interface{ where() string }).where()])
	}
	return all, f.propsErr
}

func (f *fakeFS) SetProperties(p string, set map[xml.Name]string, remove []xml.Name, modified time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.propsErr != nil {
		return f.propsErr
	}
	kept := maps.Clone(f.props[p])
	if kept == nil {
		kept = map[xml.Name]string{}
	}
	for _, name := range remove {
		delete(kept, name)
	}
	maps.Copy(kept, set)
	f.props[p] = kept
	if modified.IsZero() {
		return nil
	}
	return f.Fs.Chtimes(p, modified, modified)
}

// carryProps has the properties of from and what is below it go to another path.
func (f *fakeFS) carryProps(from, to string) {
	for p, props := range maps.Clone(f.props) {
		if rest, ok := strings.CutPrefix(p, from); ok && (rest == "" || rest[0] == '/') {
			f.props[to+rest] = maps.Clone(props)
		}
	}
}

// dropProps forgets the properties of p and what is below it.
func (f *fakeFS) dropProps(p string) {
	maps.DeleteFunc(f.props, func(other string, _ map[xml.Name]string) bool { return other == p || inside(p, other) })
}

func (f *fakeFS) RemoveAll(p string) error {
	f.dropProps(p)
	return f.Fs.RemoveAll(p)
}

func (i fakeInfo) ETag(context.Context) (string, error) { return i.tag, nil }
func (i fakeInfo) Created() time.Time                   { return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC) }

func (f *fakeFS) Open(p string) (afero.File, error) {
	f.mu.Lock()
	f.opens++
	f.mu.Unlock()
	file, err := f.Fs.Open(p)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); f.reading != nil && err == nil && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: p, Err: errors.Join(f.reading, file.Close())}
	}
	return &fakeReader{File: file, fs: f, path: p}, nil
}

type fakeReader struct {
	afero.File
	fs    *fakeFS
	path  string
	pages int
}

func (r *fakeReader) Stat() (fs.FileInfo, error) {
	info, err := r.File.Stat()
	if err != nil {
		return nil, err
	}
	return r.fs.info(r.path, info), nil
}

func (r *fakeReader) Readdir(n int) ([]fs.FileInfo, error) {
	if r.fs.readdir != nil {
		if err := r.fs.readdir(r.pages); err != nil {
			return nil, err
		}
	}
	r.pages++
	infos, err := r.File.Readdir(n)
	for i, info := range infos {
		infos[i] = r.fs.info(path.Join(r.path, info.Name()), info)
	}
	return infos, err
}

func (f *fakeFS) OpenFile(p string, flag int, mode os.FileMode) (afero.File, error) {
	if flag&(os.O_RDWR|os.O_WRONLY) == 0 {
		return f.Open(p)
	}
	if err := f.parent(p); err != nil {
		return nil, err
	}
	if info, err := f.Fs.Stat(p); err == nil && info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: p, Err: syscall.EISDIR}
	}
	scratch, err := afero.NewMemMapFs().Create(path.Base(p))
	if err != nil {
		return nil, err
	}
	return &fakeStaged{File: scratch, fs: f, path: p}, nil
}

func (f *fakeFS) Replace(p string) (fs.FileInfo, afero.File, error) {
	if f.inTwo {
		return nil, nil, &fs.PathError{Op: "open", Path: p, Err: errors.ErrUnsupported}
	}
	file, err := f.OpenFile(p, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	info, statErr := f.Fs.Stat(p)
	if statErr != nil {
		return nil, file, err
	}
	return f.info(p, info), file, err
}

type fakeStaged struct {
	afero.File
	fs      *fakeFS
	path    string
	data    bytes.Buffer
	aborted error
	mtime   time.Time
	sums    []string
}

func (s *fakeStaged) Write(p []byte) (int, error) {
	if s.fs.write != nil {
		return 0, s.fs.write
	}
	return s.data.Write(p)
}

func (s *fakeStaged) TransferError(err error)    { s.aborted = err }
func (s *fakeStaged) SetModTime(t time.Time)     { s.mtime = t }
func (s *fakeStaged) SetChecksums(sums []string) { s.sums = sums }
func (s *fakeStaged) Sync() error                { return nil }
func (s *fakeStaged) Truncate(int64) error       { return errors.New("not here") }
func (s *fakeStaged) Stat() (fs.FileInfo, error) {
	info, err := s.File.Stat()
	return fakeInfo{info, tagOf(s.data.Bytes()), s.path, s.sums}, err
}

func (s *fakeStaged) Close() error {
	f := s.fs
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.aborted != nil {
		f.aborts = append(f.aborts, s.aborted)
		return s.aborted
	}
	if f.admit != nil {
		if err := f.admit(s.path, int64(s.data.Len())); err != nil {
			return err
		}
	}
	if err := errors.Join(f.ctx.Err(), f.commit); err != nil {
		return err
	}
	f.commits = append(f.commits, s.path)
	f.sums[s.path] = s.sums
	if err := afero.WriteFile(f.Fs, s.path, s.data.Bytes(), 0o666); err != nil || s.mtime.IsZero() {
		return err
	}
	return f.Fs.Chtimes(s.path, s.mtime, s.mtime)
}

func (f *fakeFS) Move(from, to string, overwrite bool) (bool, error) {
	replaced, err := f.Copy(from, to, overwrite, true)
	if err != nil {
		return false, err
	}
	return replaced, f.RemoveAll(from)
}

func (f *fakeFS) Copy(from, to string, overwrite, deep bool) (replaced bool, err error) {
	info, err := f.Fs.Stat(from)
	if err != nil {
		return false, err
	}
	if err := f.parent(to); err != nil {
		return false, err
	}
	if f.admit != nil && !info.IsDir() {
		if err := f.admit(to, info.Size()); err != nil {
			return false, err
		}
	}
	if _, err := f.Fs.Stat(to); err == nil {
		if !overwrite {
			return false, &fs.PathError{Op: "copy", Path: to, Err: fs.ErrExist}
		}
		replaced = true
		if err := f.RemoveAll(to); err != nil {
			return false, err
		}
	}
	f.carryProps(from, to)
	if info.IsDir() && !deep {
		return replaced, f.Fs.Mkdir(to, 0o777)
	}
	return replaced, afero.Walk(f.Fs, from, func(p string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		target := to + p[len(from):]
		if info.IsDir() {
			return f.Fs.MkdirAll(target, 0o777)
		}
		data, err := afero.ReadFile(f.Fs, p)
		if err != nil {
			return err
		}
		return afero.WriteFile(f.Fs, target, data, 0o666)
	})
}
