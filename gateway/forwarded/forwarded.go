// Package forwarded tells where a request came from and whether over TLS, by what
// the connection shows and what proxies that are trusted add.
//
// A header that anybody can send is worth nothing by itself: it is looked at only
// where the connection comes from a trusted proxy, and in it only as far back as
// the hops are trusted too. The first one from the right that is not is the client.
package forwarded

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops is how many hops are looked at.
const maxHops = 32

// Network is an address, or all of a network: "192.0.2.1", "10.0.0.0/8", "fd00::/8".
type Network netip.Prefix

// UnmarshalText reads an address or a network in the form of RFC 4632.
func (n *Network) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	p, err := netip.ParsePrefix(s)
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil {
		return fmt.Errorf(`%q is no address of a proxy; write one as in "192.0.2.1", or a network as in "10.0.0.0/8"`, s)
	}
	*n = Network(p.Masked())
	return nil
}

// SettingExample shows the form in messages.
func (Network) SettingExample() string { return `"192.0.2.1"` }

// Proxies are the networks whose proxies are believed.
type Proxies []Network

// Prefixes returns the networks.
func (p Proxies) Prefixes() []netip.Prefix {
	all := make([]netip.Prefix, len(p))
	for i, n := range p {
		all[i] = netip.Prefix(n)
	}
	return all
}

func (p Proxies) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n Network) bool { return netip.Prefix(n).Contains(a) })
}

// Client returns who made a request: the address without its zone, the zero Addr
// where it is not known, and whether its way to us, or to the outermost trusted
// proxy, was TLS.
//
// X-Forwarded-For and X-Forwarded-Proto count where the former is there, else
// Forwarded (RFC 7239): proxies that set the one often pass on the other.
func (p Proxies) Client(r *http.Request) (addr netip.Addr, tls bool) {
	addr, tls = peer(r), r.TLS != nil
	if !p.trusts(addr) {
		return addr, tls
	}
	hops := fromXForwarded(r.Header)
	if len(r.Header["X-Forwarded-For"]) == 0 {
		hops = fromForwarded(r.Header)
	}
	for i, h := range hops {
		if i == maxHops || !p.trusts(addr) {
			break
		}
		if h.proto != "" {
			tls = strings.EqualFold(h.proto, "https")
		}
		if !h.addr.IsValid() {
			break // a name that hides it: the proxy that says so stands for it
		}
		addr = h.addr
	}
	return addr, tls
}

// Hidden reports whether r says that it was forwarded, by a proxy that is not
// trusted.
func (p Proxies) Hidden(r *http.Request) bool {
	return (len(r.Header["X-Forwarded-For"]) > 0 || len(r.Header["Forwarded"]) > 0) && !p.trusts(peer(r))
}

// peer is the other end of r's connection.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // a unix socket
	}
	return ap.Addr().Unmap().WithZone("")
}

// hop is what one proxy says about where a request came to it from.
type hop struct {
	addr  netip.Addr // zero: not told
	proto string     // "": not told
}

// fromXForwarded returns the hops, the nearest first. A list of protocols as long
// as that of addresses tells one for each; else its last, which the nearest proxy
// wrote, holds for all.
func fromXForwarded(h http.Header) (hops []hop) {
	addrs, protos := items(h["X-Forwarded-For"]), items(h["X-Forwarded-Proto"])
	for i, a := range slices.Backward(addrs) {
		at := hop{addr: address(a)}
		switch {
		case len(protos) == len(addrs):
			at.proto = protos[i]
		case len(protos) > 0:
			at.proto = protos[len(protos)-1]
		}
		hops = append(hops, at)
	}
	return hops
}

// items splits the values of a field that is a list (RFC 9110 §5.6.1).
func items(values []string) (list []string) {
	for _, v := range values {
		for s := range strings.SplitSeq(v, ",") {
			list = append(list, strings.TrimSpace(s))
		}
	}
	return list
}

// address reads an address with or without a port, IPv6 with or without brackets.
func address(s string) netip.Addr {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone("")
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// fromForwarded returns the hops of Forwarded, the nearest first; none where it is
// malformed (RFC 7239 §4).
func fromForwarded(h http.Header) (hops []hop) {
	rest, at := strings.TrimLeft(strings.Join(h["Forwarded"], ","), " \t"), hop{}
	for rest != "" {
		name, value, next, ok := pair(rest)
		if !ok {
			return nil
		}
		switch strings.ToLower(name) {
		case "for":
			at.addr = address(value)
		case "proto":
			at.proto = value
		}
		if next == "" || next[0] == ',' {
			hops, at = append(hops, at), hop{}
		}
		rest = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(next, ","), ";"), " \t")
	}
	slices.Reverse(hops)
	return hops
}

// pair cuts "name=value" or `name="value"` off s; what is left begins with the
// comma or semicolon that ended it. An empty pair has no name.
func pair(s string) (name, value, rest string, ok bool) {
	if s[0] == ',' || s[0] == ';' {
		return "", "", s, true
	}
	name, s, ok = strings.Cut(s, "=")
	if !ok || strings.ContainsAny(name, ",;\" \t") {
		return "", "", "", false
	}
	if quoted, isQuoted := strings.CutPrefix(s, `"`); isQuoted {
		if value, s, ok = unquote(quoted); !ok {
			return "", "", "", false
		}
	} else {
		end := strings.IndexAny(s, ",; \t")
		if end < 0 {
			end = len(s)
		}
		value, s = s[:end], s[end:]
	}
	s = strings.TrimLeft(s, " \t")
	return name, value, s, s == "" || s[0] == ',' || s[0] == ';'
}

// unquote reads a quoted-string (RFC 9110 §5.6.4) up to its closing quote.
func unquote(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
