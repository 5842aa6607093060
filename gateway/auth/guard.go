package auth

import (
	"net/netip"
	"time"
)

// How failures become waiting; the package's doc says why.
const (
	firstDelay = 500 * time.Millisecond
	maxDelay   = time.Minute
	decay      = time.Minute // a counter loses one failure in this time
	maxCount   = 32          // so that no counter takes longer than this many minutes to be forgotten

	freePerAddr = 10 // failures of an address over all names before it waits
	freePerName = 20 // failures of a name over all addresses before strangers wait

	maxSlow = 2 * time.Second // the longest that a stranger waits for a name

	guardEntries = 8192 // of each table
)

// who is one address asking for one name.
type who struct {
	addr netip.Prefix
	name string
}

// Network is what counts as one address: an IPv4 address or an IPv6 /64. An
// address that is not known (a unix socket's) is the zero Prefix.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) //nolint:errcheck // fails for the zero Addr only, and then p is zero too
	return p
}

// strikes counts the failures of somebody.
type strikes struct {
	count int // as it was at last
	last  time.Time
}

// left is how many failures still count at now.
func (s strikes) left(now time.Time) int {
	return max(0, s.count-int(now.Sub(s.last)/decay))
}

// add counts one more failure at now.
func (s strikes) add(now time.Time) strikes {
	return strikes{min(s.left(now)+1, maxCount), now}
}

// wait is how long from now the failures beyond the free ones have to be waited
// out.
func (s strikes) wait(now time.Time, free int) time.Duration {
	return max(0, s.last.Add(double(s.count-free, maxDelay)).Sub(now))
}

// double is firstDelay doubled n-1 times, at most limit, and 0 for n < 1.
func double(n int, limit time.Duration) time.Duration {
	if n < 1 {
		return 0
	}
	return min(firstDelay<<min(n-1, 16), limit)
}

// guard counts failures per address, per name, and per both. It is not safe for
// concurrent use.
type guard struct {
	both  *lru[who, strikes]
	addrs *lru[netip.Prefix, strikes]
	names *lru[string, strikes]
	known *lru[who, struct{}] // who has signed in before
}

func newGuard() *guard {
	return &guard{
		both:  newLRU[who, strikes](guardEntries),
		addrs: newLRU[netip.Prefix, strikes](guardEntries),
		names: newLRU[string, strikes](guardEntries),
		known: newLRU[who, struct{}](guardEntries),
	}
}

// wait is how long w has to wait before its next password is looked at.
func (g *guard) wait(w who, now time.Time) time.Duration {
	both, _ := g.both.get(w)
	wait := both.wait(now, 0)
	if addr, ok := g.addrs.get(w.addr); ok && !g.isKnown(w) {
		wait = max(wait, addr.wait(now, freePerAddr))
	}
	return wait
}

// slow is how long the check of a stranger is put off because others guess at
// this name.
func (g *guard) slow(w who, now time.Time) time.Duration {
	name, ok := g.names.get(w.name)
	if !ok || g.isKnown(w) {
		return 0
	}
	return double(name.left(now)-freePerName, maxSlow)
}

func (g *guard) isKnown(w who) bool {
	_, ok := g.known.get(w)
	return ok
}

// failed counts a wrong password.
func (g *guard) failed(w who, now time.Time) {
	both, _ := g.both.get(w)
	g.both.put(w, both.add(now))
	addr, _ := g.addrs.get(w.addr)
	g.addrs.put(w.addr, addr.add(now))
	name, _ := g.names.get(w.name)
	g.names.put(w.name, name.add(now))
}

// passed notes a right password. The address's own counter stays: else somebody
// with an account could clear it between guesses at others.
func (g *guard) passed(w who) {
	g.both.remove(w)
	g.known.put(w, struct{}{})
}
