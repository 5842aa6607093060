package form

import (
	"context"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

// linger is how long a failed write waits for the answer that may explain it.
const linger = 250 * time.Millisecond

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// lingering makes connections whose failed writes are told late. A host that
// answers 413 and closes while the body is still going out makes the next write
// fail; net/http would report that and throw away the answer that has arrived.
func lingering(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: c, closed: make(chan struct{})}, nil
	}
}

// conn is a connection that counts what the kernel took, and whose write errors
// wait until it is closed or linger has passed.
type conn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}

	mu      sync.Mutex // held while writing
	written int64
}

// Write writes p; an error is held back for a moment.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.written += int64(n)
	if err == nil {
		return n, nil
	}
	t := time.NewTimer(linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.closed:
	}
	return n, err
}

// Close closes the connection and lets a waiting Write go.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// count returns how many bytes were written, once no Write is under way.
func (c *conn) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// line follows one request to its connection, to know what of it left this
// machine: net/http takes small bodies whole before it writes their first byte.
type line struct {
	conn  *conn
	start int64
}

// trace returns a context under which l learns the request's connection.
func (l *line) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		c := info.Conn
		for c != nil {
			if own, ok := c.(*conn); ok {
				l.conn, l.start = own, own.count()
				return
			}
			outer, ok := c.(interface{ NetConn() net.Conn }) // *tls.Conn
			if !ok {
				return
			}
			c = outer.NetConn()
		}
	}})
}

// cut ends the connection of a failed request and reports whether fewer than
// length bytes of it had left this machine: then the host cannot have it whole.
// TLS only adds bytes, so that the comparison stays safe.
func (l *line) cut(length int64) bool {
	if l.conn == nil {
		return false
	}
	l.conn.Close()
	return l.conn.count()-l.start < length
}
