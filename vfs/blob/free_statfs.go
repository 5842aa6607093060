//go:build linux || darwin || freebsd

package blob

import (
	"fmt"
	"syscall"
)

// freeBytes returns what statfs(2) says is there for unprivileged processes.
func freeBytes(name string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(name, &st); err != nil {
		return -1, fmt.Errorf("statfs %s: %w", name, err)
	}
	// The fields' types differ between systems. FreeBSD's Bavail is signed: below
	// zero, what is left is kept for root.
	return max(0, int64(st.Bavail)) * int64(st.Bsize), nil
}
