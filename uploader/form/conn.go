package form

import (
	"context"
	"net"
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

// conn is a connection whose write errors wait until it is closed or linger has
// passed.
type conn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

// Write writes p; an error is held back for a moment.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
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
