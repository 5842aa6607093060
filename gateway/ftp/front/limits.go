package front

import (
	"cmp"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Replies with which the door closes (RFC 959 §4.2.1: 421 may answer anything).
const (
	replyFull     = "421 Too many sessions here; try again in a minute"
	replyMany     = "421 Too many sessions from your address; close some, or try again later"
	replyRoom     = "421 Others need the place; sign in at once next time"
	replySlow     = "421 Nobody signed in within the time allowed; connect again"
	replyIdle     = "421 No command came within the time allowed; connect again"
	replyUnread   = "421 The listing was not read within the time allowed; connect again"
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

// Crowd are the sessions that limits count together.
type Crowd struct {
	mu     sync.Mutex
	all    map[*Session]struct{} // counted or not
	counts map[netip.Prefix]count
	total  int // sessions that count
}

// NewCrowd returns one of nobody.
func NewCrowd() *Crowd {
	return &Crowd{all: map[*Session]struct{}{}, counts: map[netip.Prefix]count{}}
}

// enter remembers s, whose address is not known yet. It returns a refusal when so
// many connections are on their way in that more cannot be looked at.
func (l *Listener) enter(s *Session) (refusal string) {
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	if l.leaving {
		return replyStopping
	}
	if len(l.crowd.all) >= 2*l.opt.MaxSessions {
		return replyFull
	}
	l.sessions[s] = struct{}{}
	l.crowd.all[s] = struct{}{}
	return ""
}

// admit counts s, making room where it may, or returns why it must go.
func (l *Listener) admit(s *Session) (refusal string) {
	c := l.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	key := keyOf(s.remote.Addr())
	same := func(other *Session) bool { return other.key == key }
	anybody := func(*Session) bool { return true }
	switch n := c.counts[key]; {
	case l.leaving:
		return replyStopping
	case n.waiting >= l.opt.MaxWaiting && !c.evict(same), c.counts[key].all >= l.opt.MaxPerAddress && !c.evict(same):
		return replyMany
	case c.total >= l.opt.MaxSessions && !c.evict(anybody):
		return replyFull
	}
	s.key, s.counted, s.waiting = key, true, true
	n := c.counts[key]
	c.counts[key] = count{n.all + 1, n.waiting + 1}
	c.total++
	return ""
}

// evict ends the first by before of the counted sessions that have not signed in.
// One whose password is being checked stays. It reports whether there was one; mu
// is held.
func (c *Crowd) evict(of func(*Session) bool) bool {
	var victim *Session
	now := time.Now()
	for s := range c.all {
		if s.counted && s.waiting && of(s) && stage(s.stage.Load()) < checking && (victim == nil || c.before(s, victim, now)) {
			victim = s
		}
	}
	if victim == nil {
		return false
	}
	c.drop(victim)
	victim.mu.Lock()
	victim.end(replyRoom)
	victim.mu.Unlock()
	return true
}

// How long a connection may take for its first command, and for signing in, before
// it has to make room rather than one that has just come.
const (
	timeToSpeak  = 2 * time.Second
	timeToSignIn = 10 * time.Second
)

// before reports whether s has to make room rather than other: those of the address
// that has the most waiting go first, of those the ones that stand about, of those
// the oldest; mu is held.
func (c *Crowd) before(s, other *Session, now time.Time) bool {
	return cmp.Or(
		cmp.Compare(c.counts[other.key].waiting, c.counts[s.key].waiting),
		cmp.Compare(other.idleness(now), s.idleness(now)),
		s.since.Compare(other.since),
	) < 0
}

// idleness is the more the less a session that has not signed in looks as if it
// were going to.
func (s *Session) idleness(now time.Time) int {
	age, quiet := now.Sub(s.since), stage(s.stage.Load()) == silent
	switch {
	case quiet && age > timeToSpeak:
		return 3
	case age > timeToSignIn:
		return 2
	case quiet:
		return 1
	}
	return 0
}

// promote tells that s has signed in.
func (l *Listener) promote(s *Session) {
	c := l.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.counted && s.waiting {
		s.waiting = false
		n := c.counts[s.key]
		c.counts[s.key] = count{n.all, n.waiting - 1}
	}
}

// drop counts s no more; mu is held.
func (c *Crowd) drop(s *Session) {
	if !s.counted {
		return
	}
	n := c.counts[s.key]
	n.all--
	if s.waiting {
		n.waiting--
	}
	c.counts[s.key] = n
	if n.all == 0 {
		delete(c.counts, s.key)
	}
	s.counted = false
	c.total--
}

// uncount counts s no more, because it is closed.
func (l *Listener) uncount(s *Session) {
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	l.crowd.drop(s)
}

// forget removes s, which is closed and transfers nothing.
func (l *Listener) forget(s *Session) {
	l.crowd.mu.Lock()
	defer l.crowd.mu.Unlock()
	delete(l.sessions, s)
	delete(l.crowd.all, s)
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
