//go:build linux || darwin

package form

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent is how many bytes the kernel takes of a connection before it has sent them.
// What it has sent is bounded by the path alone, so that fast long lines stay fast:
// this is what it sends while we are being woken (128 KiB are 1 ms at 1 Gbit/s).
const unsent = 128 << 10

// limitUnsent has progress tell of bytes that left this machine. A kernel that takes
// megabytes at once would make it untrue, and stalls late to be seen. One that does
// not know the option (tcp(7), Linux before 3.12) does as it did.
func limitUnsent(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsent) //nolint:errcheck // as said
	})
}
