// Package blobtest has a file system that fails on purpose, to show what a store
// and everything above it do then.
package blobtest

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"

	"slipway/vfs/blob"
)

// FailingDisk is a blob.FileSystem, to be put into blob.DiskOptions, whose calls
// are counted and fail from a chosen one on. The calls of its files count too. It
// is safe for concurrent use.
type FailingDisk struct {
	fs blob.FileSystem

	mu     sync.Mutex
	calls  int
	from   int // the first call that fails; 0: none
	once   bool
	err    error
	log    []string
	failed int
}

var _ blob.FileSystem = (*FailingDisk)(nil)

// NewFailingDisk returns a disk over the operating system's that works so far.
func NewFailingDisk() *FailingDisk {
	return &FailingDisk{fs: blob.OS{}, err: syscall.ENOSPC}
}

// Over makes it fail on top of another file system. It is called before its use.
func (d *FailingDisk) Over(fs blob.FileSystem) { d.fs = fs }

// FailAt makes the n-th call from now on fail (n ≥ 1) with err (nil:
// syscall.ENOSPC), and every later one too unless once is set. A failing write
// writes half of its bytes before. 0 makes the disk work again.
func (d *FailingDisk) FailAt(n int, once bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		err = syscall.ENOSPC
	}
	d.calls, d.failed, d.from, d.once, d.err, d.log = 0, 0, n, once, err, nil
}

// Calls returns how many calls there were since FailAt.
func (d *FailingDisk) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// Failed returns how many of them failed.
func (d *FailingDisk) Failed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// Log returns the calls since FailAt, such as "sync staged": what was done, and
// in a file of which folder or, for "syncdir", to which folder.
func (d *FailingDisk) Log() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.log...)
}

// call counts a call and returns its failure.
func (d *FailingDisk) call(op, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	d.log = append(d.log, op+" "+filepath.Base(filepath.Dir(name)))
	if d.from == 0 || d.calls < d.from || d.once && d.calls > d.from {
		return nil
	}
	d.failed++
	return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("call %d: %w", d.calls, d.err)}
}

// MkdirAll counts and calls.
func (d *FailingDisk) MkdirAll(name string, perm fs.FileMode) error {
	if err := d.call("mkdir", name); err != nil {
		return err
	}
	return d.fs.MkdirAll(name, perm)
}

// OpenFile counts and calls.
func (d *FailingDisk) OpenFile(name string, flag int, perm fs.FileMode) (blob.File, error) {
	if err := d.call("open", name); err != nil {
		return nil, err
	}
	f, err := d.fs.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &failingFile{File: f, disk: d, name: name}, nil
}

// Rename counts and calls; the log names the folder it goes to.
func (d *FailingDisk) Rename(oldname, newname string) error {
	if err := d.call("rename", newname); err != nil {
		return err
	}
	return d.fs.Rename(oldname, newname)
}

// Link counts and calls; the log names the folder of the new name.
func (d *FailingDisk) Link(oldname, newname string) error {
	if err := d.call("link", newname); err != nil {
		return err
	}
	return d.fs.Link(oldname, newname)
}

// Remove counts and calls.
func (d *FailingDisk) Remove(name string) error {
	if err := d.call("remove", name); err != nil {
		return err
	}
	return d.fs.Remove(name)
}

// Clone counts and calls.
func (d *FailingDisk) Clone(dst blob.File, src blob.Source) error {
	if err := d.call("clone", dst.(*failingFile).name); err != nil {
		return err
	}
	cloner, ok := d.fs.(blob.FileCloner)
	if !ok {
		return errors.ErrUnsupported
	}
	return cloner.Clone(dst.(*failingFile).File, src)
}

// ReadDir counts and calls.
func (d *FailingDisk) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := d.call("readdir", filepath.Join(name, "x")); err != nil {
		return nil, err
	}
	return d.fs.ReadDir(name)
}

// SyncDir counts and calls.
func (d *FailingDisk) SyncDir(name string) error {
	if err := d.call("syncdir", filepath.Join(name, "x")); err != nil {
		return err
	}
	return d.fs.SyncDir(name)
}

// Free counts and calls.
func (d *FailingDisk) Free(name string) (int64, error) {
	if err := d.call("free", name); err != nil {
		return -1, err
	}
	return d.fs.Free(name)
}

// failingFile is an open file of a FailingDisk.
type failingFile struct {
	blob.File
	disk *FailingDisk
	name string
}

func (f *failingFile) Read(p []byte) (int, error) {
	if err := f.disk.call("read", f.name); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f *failingFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.disk.call("read", f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *failingFile) Seek(offset int64, whence int) (int64, error) {
	if err := f.disk.call("seek", f.name); err != nil {
		return 0, err
	}
	return f.File.Seek(offset, whence)
}

func (f *failingFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.call("write", f.name); err != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], off)
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *failingFile) Truncate(size int64) error {
	if err := f.disk.call("truncate", f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *failingFile) Sync() error {
	if err := f.disk.call("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

// Close closes even where it fails, as close(2) does.
func (f *failingFile) Close() error {
	err := f.disk.call("close", f.name)
	if cerr := f.File.Close(); err == nil {
		err = cerr
	}
	return err
}
