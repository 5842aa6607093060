package front

import (
	"net"
	"net/netip"
	"time"
)

// Replies with which the door closes (RFC 959 §4.2.1: 421 may answer anything).
const (
	replyFull     = "421 Too many sessions here; try again in a minute"
	replyMany     = "421 Too many sessions from your address; close some, or try again later"
	replyRoom     = "421 Others need the place; sign in at once next time"
	replySlow     = "421 Nobody signed in within the time allowed; connect again"
	replyIdle     = "421 No command came within the time allowed; connect again"
	replyFailures = "421 Too many wrong passwords; check the name and the password, then connect again"
	replyStopping = "421 The server is stopping; connect again in a minute"
)

// count is how many sessions one address has, and how many of those have not
// signed in.
type count struct{ all, waiting int }

// keyOf returns what an address is counted by: itself, or its /64 network, which
// is what one IPv6 client has at its disposal (RFC 4291 §2.5.4).
func keyOf(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	key, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // of addresses that are not IP: all are counted as one
	}
	return key
}

// addrPort returns addr as an IP address without a zone, and the port.
func addrPort(addr net.Addr) netip.AddrPort {
	if t, ok := addr.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// enter remembers s, whose address is not known yet. It returns a refusal when so
// many connections are on their way in that more cannot be looked at.
func (l *Listener) enter(s *Session) (refusal string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaving {
		return replyStopping
	}
	if len(l.sessions) >= 2*l.opt.MaxSessions {
		return replyFull
	}
	l.sessions[s] = struct{}{}
	return ""
}

// admit counts s, making room where it may, or returns why it must go.
func (l *Listener) admit(s *Session) (refusal string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := keyOf(s.remote.Addr())
	same := func(other *Session) bool { return other.key == key }
	anybody := func(*Session) bool { return true }
	switch n := l.counts[key]; {
	case l.leaving:
		return replyStopping
	case n.waiting >= l.opt.MaxWaiting && !l.evict(same), l.counts[key].all >= l.opt.MaxPerAddress && !l.evict(same):
		return replyMany
	case l.total >= l.opt.MaxSessions && !l.evict(anybody):
		return replyFull
	}
	s.key, s.counted, s.waiting = key, true, true
	n := l.counts[key]
	l.counts[key] = count{n.all + 1, n.waiting + 1}
	l.total++
	return ""
}

// evict ends one of the counted sessions that have not signed in: first one that
// said nothing, then the oldest. One whose password is being checked stays. It
// reports whether there was one; mu is held.
func (l *Listener) evict(of func(*Session) bool) bool {
	var victim *Session
	for s := range l.sessions {
		if s.counted && s.waiting && of(s) && stage(s.stage.Load()) < checking && s.before(victim) {
			victim = s
		}
	}
	if victim == nil {
		return false
	}
	l.drop(victim)
	victim.mu.Lock()
	victim.end(replyRoom)
	victim.mu.Unlock()
	return true
}

// before reports whether s has to make room rather than other.
func (s *Session) before(other *Session) bool {
	if other == nil {
		return true
	}
	a, b := s.stage.Load(), other.stage.Load()
	return a < b || a == b && s.since.Before(other.since)
}

// promote tells that s has signed in.
func (l *Listener) promote(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.counted && s.waiting {
		s.waiting = false
		n := l.counts[s.key]
		l.counts[s.key] = count{n.all, n.waiting - 1}
	}
}

// drop counts s no more; mu is held.
func (l *Listener) drop(s *Session) {
	if !s.counted {
		return
	}
	n := l.counts[s.key]
	n.all--
	if s.waiting {
		n.waiting--
	}
	l.counts[s.key] = n
	if n.all == 0 {
		delete(l.counts, s.key)
	}
	s.counted = false
	l.total--
}

// uncount counts s no more, because it is closed.
func (l *Listener) uncount(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(s)
}

// forget removes s, which is closed and transfers nothing.
func (l *Listener) forget(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, s)
	l.empty.Broadcast()
}

// refuse says why, where the client can read it, and closes.
func (l *Listener) refuse(s *Session, reply string) {
	l.opt.Log.Info("ftp: connection refused", "remote", s.remote.String(), "reply", reply)
	if !l.opt.Implicit {
		s.raw.SetWriteDeadline(time.Now().Add(time.Second))
		s.raw.Write([]byte(reply + "\r\n")) // nothing is lost if it does not arrive
	}
	s.close(s.raw)
}
