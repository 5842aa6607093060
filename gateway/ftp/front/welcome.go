package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"

	"slipway/gateway/ftp/front/dialogue"
)

// headerTimeout is how long a balancer may take for its header.
const headerTimeout = 5 * time.Second

// errRefused says that a connection was answered and closed.
var errRefused = errors.New("refused")

// Proxied returns inner with the PROXY protocol spoken by connections from the
// networks given: for passive data ports that lie behind the same balancer, whose
// clients' addresses the library compares with the control connection's.
func Proxied(inner net.Listener, from []netip.Prefix) net.Listener {
	if len(from) == 0 {
		return inner
	}
	return &proxyproto.Listener{
		Listener:          inner,
		ReadHeaderTimeout: headerTimeout,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if trusted(o.Upstream, from) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.SKIP, nil
		},
	}
}

// trusted reports whether addr lies in one of the networks.
func trusted(addr net.Addr, networks []netip.Prefix) bool {
	ip := addrPort(addr).Addr()
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// welcome makes a session of raw and gives it to Accept, or refuses it.
func (l *Listener) welcome(raw net.Conn) {
	s := &Session{listener: l, socket: raw, raw: raw, stream: raw, local: raw.LocalAddr(), since: time.Now(), over: make(chan struct{})}
	s.remote = Addr{addrPort(raw.RemoteAddr()), s}
	s.active = s.since
	s.turn = sync.NewCond(&s.mu)
	if refusal := l.enter(s); refusal != "" {
		l.refuse(s, refusal)
		return
	}
	if err := l.prepare(s); err != nil {
		if !errors.Is(err, errRefused) {
			l.opt.Log.Info("ftp: connection given up", "remote", s.remote.String(), "error", err)
		}
		s.close(s.raw)
		return
	}
	select {
	case l.ready <- &conn{s}:
	case <-l.done:
		s.close(s.raw)
	}
}

// prepare reads the PROXY header, asks for admission, and shakes hands where TLS
// is implicit.
func (l *Listener) prepare(s *Session) error {
	if trusted(s.raw.RemoteAddr(), l.opt.ProxyFrom) {
		if err := s.readHeader(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.talk = dialogue.New(&l.talk, addrPort(s.local).Addr().Is6())
	s.mu.Unlock()
	if refusal := l.admit(s); refusal != "" {
		l.refuse(s, refusal)
		return errRefused
	}
	if l.opt.Implicit {
		return s.secureStream()
	}
	return nil
}

// readHeader takes the client's address, and the one that it connected to, from
// the PROXY header.
func (s *Session) readHeader() error {
	c := proxyproto.NewConn(s.raw, proxyproto.WithPolicy(proxyproto.REQUIRE), proxyproto.SetReadHeaderTimeout(headerTimeout))
	if err := c.SetReadDeadline(s.since.Add(s.listener.opt.LoginTimeout)); err != nil {
		return err
	}
	if c.ProxyHeader() == nil {
		return errors.New("no PROXY header came from a trusted network: let the balancer send it, or take its network out of the list")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw, s.stream = c, c
	s.local = c.LocalAddr()
	s.remote.AddrPort = addrPort(c.RemoteAddr())
	return nil
}

// secureStream shakes hands, within the time left to sign in. Plain bytes that came
// before are forgotten: they are not from the client that TLS proves
// (CVE-2011-0411).
func (s *Session) secureStream() error {
	if s.listener.opt.TLS == nil {
		return errors.New("implicit TLS has no certificate: set Options.TLS")
	}
	s.lines = dialogue.Lines{}
	t := tls.Server(s.raw, s.listener.opt.TLS)
	until := s.since.Add(s.listener.opt.LoginTimeout)
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	if err := s.arm(until); err != nil {
		return err
	}
	if err := t.HandshakeContext(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = t
	return nil
}

// arm sets the deadline for reading, unless the session is to end.
func (s *Session) arm(until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != "" {
		return errRefused
	}
	return s.raw.SetReadDeadline(until)
}
