//go:build unix

package front

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pending looks what stands in a socket for the goroutine that reads it: ended is its
// end (the peer has closed or reset it), and some bytes that are not read yet. Who looks
// takes a reset with him: whoever reads then sees an ordinary end.
func pending(socket any) (ended, some bool) {
	c, ok := socket.(syscall.Conn)
	if !ok {
		return false, false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false, false
	}
	var n int
	var peek error
	if err := raw.Control(func(fd uintptr) {
		n, _, peek = unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	}); err != nil {
		return false, false // it is closed on our side
	}
	switch peek {
	case nil:
		return n == 0, n > 0
	case unix.EAGAIN, unix.EINTR:
		return false, false
	}
	return true, false
}
