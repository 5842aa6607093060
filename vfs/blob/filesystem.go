package blob

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// FileSystem is what a [Disk] asks of the operating system. Tests put one that
// fails in its place.
type FileSystem interface {
	// MkdirAll makes a directory and those above it; one that exists is no error.
	MkdirAll(name string, perm fs.FileMode) error
	// OpenFile is os.OpenFile.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Rename is os.Rename: atomic, and it replaces a file at newname.
	Rename(oldname, newname string) error
	// Link is os.Link: newname becomes another name of the file at oldname. Some
	// file systems cannot.
	Link(oldname, newname string) error
	// Remove is os.Remove.
	Remove(name string) error
	// ReadDir is os.ReadDir.
	ReadDir(name string) ([]fs.DirEntry, error)
	// SyncDir makes the names in a directory durable (fsync of the directory).
	SyncDir(name string) error
	// Free returns how many bytes this process can still write below name, or
	// -1 if unknown.
	Free(name string) (int64, error)
}

// File is an open file of a [FileSystem].
type File interface {
	io.ReadSeekCloser
	io.ReaderAt
	io.WriterAt
	// Truncate sets the size in bytes.
	Truncate(size int64) error
	// Sync makes the bytes durable (fsync).
	Sync() error
}

// OS is the operating system's file system.
type OS struct{}

var _ FileSystem = OS{}

// MkdirAll is os.MkdirAll.
func (OS) MkdirAll(name string, perm fs.FileMode) error { return os.MkdirAll(name, perm) }

// OpenFile is os.OpenFile; the file is an *os.File.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename is os.Rename.
func (OS) Rename(oldname, newname string) error { return os.Rename(oldname, newname) }

// Link is os.Link.
func (OS) Link(oldname, newname string) error { return os.Link(oldname, newname) }

// Remove is os.Remove.
func (OS) Remove(name string) error { return os.Remove(name) }

// ReadDir is os.ReadDir.
func (OS) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }

// SyncDir syncs a directory where the system can: Windows cannot, and some
// network file systems answer that they do not know how, which is as good as
// it gets there.
func (OS) SyncDir(name string) error {
	if !canSyncDir {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// Free asks the file system below name.
func (OS) Free(name string) (int64, error) { return freeBytes(name) }
