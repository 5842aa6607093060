package passive

import (
	"net"
	"sync"
	"time"
)

// Shared is a passive listener on a port that others wait on too, each address for
// one connection.
type Shared struct {
	net.Listener
	stall time.Duration

	mu   sync.Mutex
	over bool // its connection is there, or it is closed
}

// NewShared returns one whose connection fails when it stands still for stall.
func NewShared(l net.Listener, stall time.Duration) *Shared {
	return &Shared{Listener: l, stall: stall}
}

// Accept waits for the client's connection.
func (s *Shared) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, noConnection(err)
	}
	s.end()
	return &conn{Conn: c, stall: s.stall}, nil
}

// end reports whether s had not ended before.
func (s *Shared) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.over
	s.over = true
	return first
}

// closeWait is how long Close looks for a connection that has come already.
const closeWait = time.Millisecond

// Close gives the place up. Once its connection has come, the place is not its own
// any more: the library would take away that of another client with the same
// address.
func (s *Shared) Close() error {
	if !s.end() {
		return nil
	}
	if l, ok := s.Listener.(interface{ SetDeadline(time.Time) error }); ok && l.SetDeadline(time.Now().Add(closeWait)) == nil {
		if c, err := s.Listener.Accept(); err == nil {
			return c.Close()
		}
	}
	return s.Listener.Close()
}
