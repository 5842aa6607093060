//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || solaris || aix

package place

import (
	"io/fs"
	"syscall"
)

// system returns what stat(2) said.
func system(info fs.FileInfo) (device, inode uint64, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, 0
	}
	// The fields' types differ between systems.
	return uint64(st.Dev), uint64(st.Ino), changedOf(st)
}
