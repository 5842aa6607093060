package fetch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dialer returns one that looks at each address right before it connects there.
func (c *Client) dialer() *net.Dialer {
	return &net.Dialer{
		Timeout: c.o.Limits.Connect,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return c.allowed(to)
		},
	}
}

// connect connects to host:port, if all addresses of the host may be connected to, and
// by address: nobody is asked for the name again.
func (c *Client) connect(ctx context.Context, network, address string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Limits.Connect)
	defer cancel()
	addrs, err := c.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if err := c.allowed(netip.AddrPortFrom(addr, uint16(port))); err != nil {
			return nil, err
		}
	}
	var errs []error
	for _, addr := range addrs[:min(len(addrs), addressesMax)] {
		// Each has its share of the time: one that does not answer is not the last.
		part, cancel := context.WithTimeout(ctx, c.o.Limits.Connect/time.Duration(len(addrs)))
		conn, err := c.dial(part, network, netip.AddrPortFrom(addr, uint16(port)).String())
		cancel()
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// addressesMax is how many addresses of a name are tried.
const addressesMax = 8

// resolve returns the addresses of a host, those of IPv4 first. What is not written as
// an address is left to the resolver, whatever that makes of it (127.1, 0x7f000001).
func (c *Client) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := c.o.Resolver.LookupNetIP(ctx, "ip", strings.ToLower(strings.TrimSuffix(host, ".")))
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, errNoAddress
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return addrs, nil
}
