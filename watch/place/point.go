package place

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MountPoint returns where the file system is mounted that dir is on, or will be when it
// is made: links are followed, and of what is not there the nearest directory above
// counts. It is told by the number of the device alone: a mount of the same file system
// (mount --bind) is none here, and the top of a btrfs subvolume is one. "": the system
// has no such numbers.
func MountPoint(dir string) (string, error) {
	at, device, err := nearest(dir)
	if err != nil || device == 0 {
		return "", err
	}
	for {
		up := filepath.Dir(at)
		if up == at {
			return at, nil
		}
		info, err := os.Stat(up)
		if err != nil {
			return "", err
		}
		if Of(info).Device != device {
			return at, nil
		}
		at = up
	}
}

// nearest returns dir, or the nearest directory above it that is there, without links,
// and its device.
func nearest(dir string) (at string, device uint64, err error) {
	for {
		at, err = filepath.EvalSymlinks(dir)
		if err == nil {
			info, err := os.Stat(at)
			if err != nil {
				return "", 0, err
			}
			return at, Of(info).Device, nil
		}
		up := filepath.Dir(dir)
		if up == dir || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return "", 0, err
		}
		dir = up
	}
}
