package passive

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// place stands for the library's reservation, whose Close takes away whichever one
// its address has on the port.
type place struct {
	net.Listener
	mu       sync.Mutex
	waiting  net.Conn
	closed   int
	deadline time.Time
}

func (p *place) SetDeadline(t time.Time) error { p.deadline = t; return nil }

func (p *place) Accept() (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		return nil, errors.New("timeout")
	}
	c := p.waiting
	p.waiting = nil
	return c, nil
}

func (p *place) Close() error { p.closed++; return nil }

// TestSharedClose: once its connection has come, accepted or not, a place is not
// given up again.
func TestSharedClose(t *testing.T) {
	for _, tt := range []struct {
		name         string
		come, accept bool
		want         int
	}{
		{"nobody came", false, false, 1},
		{"accepted", true, true, 0},
		{"came and was not asked for", true, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			here, there := net.Pipe()
			defer here.Close()
			defer there.Close()
			p := &place{}
			if tt.come {
				p.waiting = here
			}
			s := NewShared(p, time.Minute)
			if tt.accept {
				c, err := s.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			for range 2 {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if p.closed != tt.want {
				t.Errorf("given up %d times, want %d", p.closed, tt.want)
			}
			if err := here.SetDeadline(time.Time{}); tt.come && !tt.accept && err == nil {
				t.Error("the connection that nobody asked for is open")
			}
		})
	}
}
