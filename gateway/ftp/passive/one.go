package passive

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"slipway/gateway/ftp/front"
)

// unused is how long a passive port is held for a client that asked for one and
// then for nothing.
const unused = 2 * time.Minute

// Waiting knows the ports that wait for a client. The zero value knows none.
type Waiting struct {
	mu sync.Mutex
	by map[int]*One // by port
}

// One is the listener for one data connection.
type One struct {
	net.Listener
	proxied net.Listener // Listener, behind the PROXY protocol
	stall   time.Duration
	known   *Waiting

	mu    sync.Mutex
	timer *time.Timer // nil once it is closed
	owner netip.Addr  // who may connect; the zero value: anybody
}

// Listen watches over l, which it closes once its connection is there, or was not
// asked for in time. Connections from proxies begin with a PROXY protocol header,
// and each fails when it stands still for stall.
func (w *Waiting) Listen(l net.Listener, proxies []netip.Prefix, stall time.Duration) *One {
	p := &One{Listener: l, proxied: front.Proxied(l, proxies), stall: stall, known: w}
	w.mu.Lock()
	if w.by == nil {
		w.by = make(map[int]*One)
	}
	w.by[p.port()] = p
	w.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(unused, func() { p.Close() })
	return p
}

// Own keeps everybody but owner away from the listener at port. What it returns
// closes that, if it waits still.
func (w *Waiting) Own(owner netip.Addr, port int) (giveUp func()) {
	w.mu.Lock()
	p := w.by[port]
	w.mu.Unlock()
	if p == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owner = owner.Unmap().WithZone("")
	return func() { p.Close() }
}

// forget takes p out.
func (w *Waiting) forget(p *One) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by[p.port()] == p {
		delete(w.by, p.port())
	}
}

// port is where p listens.
func (p *One) port() int {
	if addr, ok := p.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// Accept waits for the one connection, which is its owner's: others are closed, and
// do not end the wait. The port is free again once it is there.
func (p *One) Accept() (net.Conn, error) {
	for {
		c, err := p.proxied.Accept()
		if err != nil {
			p.Close()
			return nil, noConnection(err)
		}
		if p.owns(c.RemoteAddr()) {
			p.Close()
			return &conn{Conn: c, stall: p.stall}, nil
		}
		c.Close()
	}
}

// owns reports whether addr is the owner's.
func (p *One) owns(addr net.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.owner.IsValid() {
		return true
	}
	ap, err := netip.ParseAddrPort(addr.String())
	return err == nil && ap.Addr().Unmap().WithZone("") == p.owner
}

// Close frees the port.
func (p *One) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		return nil
	}
	p.timer.Stop()
	p.timer = nil
	p.known.forget(p)
	return p.Listener.Close()
}
