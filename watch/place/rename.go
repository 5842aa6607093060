package place

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// Rename renames a file below root to a name that nothing has; else it is an
// fs.ErrExist. Where the system cannot do so in one step, it is done by a second link,
// which a crash may leave, or, where the file system has none, by a look before.
func Rename(root *os.Root, from, to string) error { return renameNew(root, from, to) }

// linkNew is Rename in two steps.
func linkNew(root *os.Root, from, to string) error {
	err := root.Link(from, to)
	switch {
	case err == nil:
		return root.Remove(from)
	case errors.Is(err, fs.ErrExist) || CrossesDevices(err) || errors.Is(err, fs.ErrNotExist):
		return err
	}
	if _, err := root.Lstat(to); err == nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return root.Rename(from, to)
}

// CrossesDevices reports whether err, of Rename, says that the two paths are on
// different file systems.
func CrossesDevices(err error) bool {
	const notSameDevice = syscall.Errno(17) // ERROR_NOT_SAME_DEVICE, on Windows
	return errors.Is(err, syscall.EXDEV) || runtime.GOOS == "windows" && errors.Is(err, notSameDevice)
}

// SyncDir makes what names a directory below root has durable.
func SyncDir(root *os.Root, dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be flushed there
	}
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
