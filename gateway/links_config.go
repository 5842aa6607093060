package main

import (
	"fmt"
	"net/netip"
	"strings"

	"slipway/gateway/strict"
)

// LinksConfig is about the pictures that files link to; see route.Config.Links.
type LinksConfig struct {
	// Allow are private networks that pictures are fetched from all the same.
	Allow []LinkNetwork `toml:"allow"`

	Places strict.Places `toml:"-"`
}

// LinkNetwork is an address, or all of a network: "192.168.178.20", "10.1.0.0/16".
type LinkNetwork netip.Prefix

// UnmarshalText reads an address, or a network in the form of RFC 4632.
func (n *LinkNetwork) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	p, err := netip.ParsePrefix(s)
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
		p, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	if err != nil {
		return fmt.Errorf(`%q is no address; write one as in "192.168.178.20", or a network as in "192.168.178.0/24"`, s)
	}
	*n = LinkNetwork(p.Masked())
	return nil
}

// SettingExample shows the form in messages.
func (LinkNetwork) SettingExample() string { return `"192.168.178.20"` }

// allows reports whether pictures are fetched from an address that is not public.
func (c LinksConfig) allows(to netip.AddrPort) bool {
	for _, n := range c.Allow {
		if netip.Prefix(n).Contains(to.Addr()) {
			return true
		}
	}
	return false
}

// roomFor returns the account whose quota counts for what comes to p of itself: the one
// with the nearest home above it, and its least quota; "/" and 0: none.
func (c *Config) roomFor(p string) (root string, quota int64) {
	root = "/"
	for _, u := range c.Users {
		home := "/" + strings.Trim(u.Home, "/")
		if u.Quota <= 0 || home != "/" && !strings.HasPrefix(p, home+"/") {
			continue
		}
		if quota == 0 || len(home) > len(root) || home == root && int64(u.Quota) < quota {
			root, quota = home, int64(u.Quota)
		}
	}
	return root, quota
}
