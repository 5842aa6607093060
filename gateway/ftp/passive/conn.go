package passive

import (
	"errors"
	"net"
	"sync"
	"time"
)

// gather is how much is gathered before it is sent: the library writes a listing
// line by line.
const gather = 32 << 10

// lastFlush is how long closing a connection waits for what was gathered to leave.
const lastFlush = 15 * time.Second

// conn is a data connection that fails when it stands still for stall. Short
// writes are gathered until something is read, or the connection is closed. An
// ABOR closes it from another goroutine.
type conn struct {
	net.Conn
	stall time.Duration

	mu  sync.Mutex
	buf []byte
	err error // of an earlier write
}

// RemoteAddr is the client's address without a zone, which the library cannot read.
func (c *conn) RemoteAddr() net.Addr {
	addr, ok := c.Conn.RemoteAddr().(*net.TCPAddr)
	if !ok || addr.Zone == "" {
		return c.Conn.RemoteAddr()
	}
	return &net.TCPAddr{IP: addr.IP, Port: addr.Port}
}

// Read reads, and waits for at most stall.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.Flush(); err != nil {
		return 0, err
	}
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	return n, InWords(err)
}

// Write writes, at the latest when the connection is closed.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.buf)+len(p) > gather {
		if err := c.flush(c.stall); err != nil {
			return 0, err
		}
	}
	if len(p) >= gather {
		return c.send(p, c.stall)
	}
	c.buf = append(c.buf, p...)
	return len(p), c.err
}

// Flush sends what was gathered; the library calls it before it says that a
// listing is complete.
func (c *conn) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flush(c.stall)
}

func (c *conn) flush(wait time.Duration) error {
	if len(c.buf) == 0 {
		return c.err
	}
	_, err := c.send(c.buf, wait)
	c.buf = c.buf[:0]
	return err
}

// send writes p, and waits for at most wait.
func (c *conn) send(p []byte, wait time.Duration) (n int, err error) {
	if c.err != nil {
		return 0, c.err
	}
	if err = c.Conn.SetWriteDeadline(time.Now().Add(wait)); err == nil {
		n, err = c.Conn.Write(p)
	}
	c.err = InWords(err)
	return n, c.err
}

// Close sends what was gathered, unless a write is under way that this ends, and
// closes the connection.
func (c *conn) Close() error {
	var err error
	if c.mu.TryLock() {
		err = c.flush(min(c.stall, lastFlush))
		c.mu.Unlock()
	}
	return errors.Join(err, c.Conn.Close())
}
