package place

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lease reports whether anybody has file, which is open for reading, open for writing
// (busy), by asking for a lease on it (fcntl(2), F_SETLEASE): whoever opens it for
// writing next waits until it is released. Where the file system has no leases, or the
// file is another user's, that is not known.
func Lease(file *os.File) (release func(), busy, known bool) {
	fd := int(file.Fd())
	set := func(how int) error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, how)
		return err
	}
	err := set(unix.F_RDLCK) // fails where somebody has it open for writing
	if err != nil {
		busy = errors.Is(err, syscall.EAGAIN)
		return func() {}, busy, busy
	}
	return func() { _ = set(unix.F_UNLCK) }, false, true
}
