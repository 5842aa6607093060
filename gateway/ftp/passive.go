package ftp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"slipway/gateway/ftp/front"
)

// Ports is a range of TCP ports, both ends included. The zero value stands for
// any that is free.
type Ports struct{ First, Last int }

// ParsePorts reads "30000-30099", one port, or "" for any.
func ParsePorts(s string) (Ports, error) {
	bad := fmt.Errorf(`%q is no range of ports; write it as in "30000-30099"`, s)
	if s == "" {
		return Ports{}, nil
	}
	first, last, found := strings.Cut(s, "-")
	if !found {
		last = first
	}
	var p Ports
	var err error
	if p.First, err = strconv.Atoi(strings.TrimSpace(first)); err != nil {
		return Ports{}, bad
	}
	if p.Last, err = strconv.Atoi(strings.TrimSpace(last)); err != nil {
		return Ports{}, bad
	}
	if p == (Ports{}) {
		return p, nil
	}
	if p.First < 1 || p.Last < p.First || p.Last > 65535 {
		return Ports{}, bad
	}
	return p, nil
}

// count is how many ports there are to try; 1 where any will do.
func (p Ports) count() int { return p.Last - p.First + 1 }

// dealer gives out the ports of a range in turn. The library's own draws all of
// them from crypto/rand for each PASV.
type dealer struct {
	ports Ports
	next  atomic.Uint32
}

// FetchNext returns the next port, which is announced as it is. The library fetches
// NumberAttempts of them and tries one after the other until one is free.
func (d *dealer) FetchNext() (exposed, listened int, ok bool) {
	port := d.ports.First + int((d.next.Add(1)-1)%uint32(d.ports.count()))
	return port, port, true
}

// portAttempts is how many ports are tried at the most.
const portAttempts = 100

// NumberAttempts is how many ports are tried. It is called before they are fetched,
// and passes one over, so that the next transfer begins at another port though all
// of the range is fetched each time.
func (d *dealer) NumberAttempts() int {
	d.next.Add(1)
	return min(d.ports.count(), portAttempts)
}

// unused is how long a passive port is held for a client that asked for one and
// then for nothing.
const unused = 2 * time.Minute

// passive is the listener for one data connection.
type passive struct {
	net.Listener
	proxied net.Listener // Listener, behind the PROXY protocol
	stall   time.Duration

	mu    sync.Mutex
	timer *time.Timer // nil once it is closed
}

func newPassive(l net.Listener, proxies []netip.Prefix, stall time.Duration) *passive {
	p := &passive{Listener: l, proxied: front.Proxied(l, proxies), stall: stall}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(unused, func() { p.Close() })
	return p
}

// Accept waits for the one connection. The port is free again once it is there.
func (p *passive) Accept() (net.Conn, error) {
	conn, err := p.proxied.Accept()
	p.Close()
	if err != nil {
		return nil, noConnection(err)
	}
	return &dataConn{Conn: conn, stall: p.stall}, nil
}

// noConnection hides the addresses in an error that the library shows to clients.
func noConnection(err error) error {
	return &answer{text: "no data connection came", err: err}
}

// Close frees the port.
func (p *passive) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		return nil
	}
	p.timer.Stop()
	p.timer = nil
	return p.Listener.Close()
}

// shared is a passive listener on a port that others wait on too.
type shared struct {
	net.Listener
	stall time.Duration
}

// Accept waits for the client's connection.
func (s shared) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, noConnection(err)
	}
	return &dataConn{Conn: conn, stall: s.stall}, nil
}

// gather is how much is gathered before it is sent: the library writes a listing
// line by line.
const gather = 32 << 10

// lastFlush is how long closing a connection waits for what was gathered to leave.
const lastFlush = 15 * time.Second

// dataConn is a data connection that fails when it stands still for stall. Short
// writes are gathered until something is read, or the connection is closed. An
// ABOR closes it from another goroutine.
type dataConn struct {
	net.Conn
	stall time.Duration

	mu  sync.Mutex
	buf []byte
	err error // of an earlier write
}

// RemoteAddr is the client's address without a zone, which the library cannot read.
func (c *dataConn) RemoteAddr() net.Addr {
	addr, ok := c.Conn.RemoteAddr().(*net.TCPAddr)
	if !ok || addr.Zone == "" {
		return c.Conn.RemoteAddr()
	}
	return &net.TCPAddr{IP: addr.IP, Port: addr.Port}
}

// Read reads, and waits for at most stall.
func (c *dataConn) Read(p []byte) (int, error) {
	if err := c.Flush(); err != nil {
		return 0, err
	}
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write writes, at the latest when the connection is closed.
func (c *dataConn) Write(p []byte) (int, error) {
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
func (c *dataConn) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flush(c.stall)
}

func (c *dataConn) flush(wait time.Duration) error {
	if len(c.buf) == 0 {
		return c.err
	}
	_, err := c.send(c.buf, wait)
	c.buf = c.buf[:0]
	return err
}

// send writes p, and waits for at most wait.
func (c *dataConn) send(p []byte, wait time.Duration) (n int, err error) {
	if c.err != nil {
		return 0, c.err
	}
	if err = c.Conn.SetWriteDeadline(time.Now().Add(wait)); err == nil {
		n, err = c.Conn.Write(p)
	}
	c.err = err
	return n, err
}

// Close sends what was gathered, unless a write is under way that this ends, and
// closes the connection.
func (c *dataConn) Close() error {
	var err error
	if c.mu.TryLock() {
		err = c.flush(min(c.stall, lastFlush))
		c.mu.Unlock()
	}
	return errors.Join(err, c.Conn.Close())
}
