package place

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// renameNew is Rename.
func renameNew(root *os.Root, from, to string) error {
	err := inDirs(root, from, to, func(fromDir, toDir int) error {
		return unix.Renameat2(fromDir, path.Base(from), toDir, path.Base(to), unix.RENAME_NOREPLACE)
	})
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOTSUP) {
		return linkNew(root, from, to) // the file system does not know the flag
	}
	return err
}

// inDirs calls do with the directories of two paths, opened below root.
func inDirs(root *os.Root, from, to string, do func(fromDir, toDir int) error) error {
	a, err := root.Open(path.Dir(from))
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := root.Open(path.Dir(to))
	if err != nil {
		return err
	}
	defer b.Close()
	if err := do(int(a.Fd()), int(b.Fd())); err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	return nil
}
