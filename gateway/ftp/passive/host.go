package passive

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	hostLife    = time.Minute     // how long a name's address is believed
	hostTimeout = 5 * time.Second // how long a look-up may take
)

// Host finds the address that PASV announces.
type Host struct {
	name   string
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	clock  func() time.Time
	log    *slog.Logger

	mu    sync.Mutex
	known netip.Addr
	until time.Time
}

// NewHost returns that of a name or an address; of "": the address that each client
// reached.
func NewHost(name string, clock func() time.Time, log *slog.Logger) *Host {
	return &Host{name: name, lookup: net.DefaultResolver.LookupNetIP, clock: clock, log: log}
}

var errNoIPv4 = errors.New("PASV is for IPv4; use EPSV")

// Announce returns what a client at remote that reached local is told to connect
// to. Clients of the same machine or network connect to what they reached; the
// public address may not lead back in.
func (h *Host) Announce(ctx context.Context, local, remote netip.Addr) (netip.Addr, error) {
	local, remote = local.Unmap(), remote.Unmap()
	if h.name != "" && !near(remote) {
		if addr, ok := h.resolve(ctx); ok {
			return addr, nil
		}
	}
	if !local.Is4() {
		return netip.Addr{}, errNoIPv4
	}
	return local, nil
}

// near reports whether addr is of a network that is nobody else's.
func near(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// resolve returns the name's IPv4 address. A name that cannot be looked up keeps
// the one that it had.
func (h *Host) resolve(ctx context.Context) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(h.name); err == nil {
		return addr.Unmap(), addr.Unmap().Is4()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clock().Before(h.until) {
		return h.known, h.known.IsValid()
	}
	ctx, cancel := context.WithTimeout(ctx, hostTimeout)
	defer cancel()
	addrs, err := h.lookup(ctx, "ip4", h.name)
	h.until = h.clock().Add(hostLife)
	if err == nil && len(addrs) > 0 {
		h.known = addrs[0].Unmap()
	} else {
		h.log.Warn("the address that FTP clients are to connect to could not be looked up", "public_host", h.name, "error", err)
	}
	return h.known, h.known.IsValid()
}
