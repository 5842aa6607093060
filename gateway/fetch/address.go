package fetch

import (
	"net/netip"
)

// never are networks that nothing is fetched from: those of this machine and its
// neighbours, and those that are no machine's (RFC 6890 and the registries of IANA
// that it describes).
var never = prefixes(
	"0.0.0.0/8",         // this network; 0.0.0.0 is this machine on many systems
	"10.0.0.0/8",        // private
	"100.64.0.0/10",     // between a provider and its customers
	"127.0.0.0/8",       // this machine
	"169.254.0.0/16",    // link-local; there clouds tell their machines secrets
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // protocols
	"192.0.2.0/24",      // documentation
	"192.31.196.0/24",   // AS112
	"192.52.193.0/24",   // AMT
	"192.88.99.0/24",    // 6to4 relays
	"192.168.0.0/16",    // private
	"192.175.48.0/24",   // AS112
	"198.18.0.0/15",     // benchmarks
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/4",       // multicast
	"240.0.0.0/4",       // reserved, and broadcast
	"168.63.129.16/32",  // a cloud's own services, in an address like any other
	"64:ff9b:1::/48",    // local translation
	"100::/64",          // discarded
	"2001::/23",         // protocols; Teredo is in it
	"2001:db8::/32",     // documentation
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
	"5f00::/16",         // segment routing
)

// global is what of IPv6 is given to machines at all.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(list))
	for i, s := range list {
		all[i] = netip.MustParsePrefix(s)
	}
	return all
}

// Public reports whether addr is one of a machine on the Internet. An IPv6 address
// that stands for an IPv4 one is judged as that.
func Public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	for _, p := range never {
		if p.Contains(addr) {
			return false
		}
	}
	if addr.Is4() {
		return true
	}
	inner, translated := within(addr)
	if translated {
		return Public(inner)
	}
	return global.Contains(addr)
}

// within returns the IPv4 address that an IPv6 one stands for: those of NAT64 (RFC
// 6052) and of 6to4 (RFC 3056), and ::a.b.c.d (RFC 4291 §2.5.5.1).
func within(addr netip.Addr) (inner netip.Addr, ok bool) {
	b := addr.As16()
	switch {
	case netip.PrefixFrom(addr, 96).Masked().Addr() == netip.MustParseAddr("64:ff9b::"),
		netip.PrefixFrom(addr, 96).Masked().Addr() == netip.IPv6Unspecified():
		return netip.AddrFrom4([4]byte(b[12:])), true
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return addr, false
}
