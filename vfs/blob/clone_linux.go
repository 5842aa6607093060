package blob

import "golang.org/x/sys/unix"

// clone is ioctl_ficlone(2): btrfs, XFS, bcachefs, and some network file systems.
func clone(dst, src uintptr) error { return unix.IoctlFileClone(int(dst), int(src)) }
