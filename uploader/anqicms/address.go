package anqicms

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

var errBadAddress = errors.New("the reply holds no address of the file")

// escapeAddress makes a URL of an address as the server writes it: scheme, host
// and the path of the stored file in plain characters. Everything after the
// host is path: a "?", "#" or "%" in it is part of a file's name and is escaped
// too. An address without scheme or host is one on site.
func escapeAddress(site *url.URL, raw string) (string, error) {
	base, path := splitAddress(site, raw)
	u, err := url.Parse(base)
	if err != nil || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", errBadAddress
	}
	host, ok := asciiHost(u)
	if !ok {
		return "", errBadAddress
	}
	if strings.Trim(path, "/") == "" {
		return "", errBadAddress
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == ".." || s == "." {
			return "", errBadAddress
		}
		segments[i] = url.PathEscape(s)
	}
	return u.Scheme + "://" + host + strings.Join(segments, "/"), nil
}

// splitAddress cuts raw into "scheme://host" and the path behind it, which
// begins with a slash or is "".
func splitAddress(site *url.URL, raw string) (base, path string) {
	rest := raw
	scheme, after, found := strings.Cut(raw, "://")
	switch {
	case found && !strings.ContainsAny(scheme, "/?#"):
		rest = after
	case strings.HasPrefix(raw, "//"):
		scheme, rest = site.Scheme, raw[2:]
	default:
		return site.Scheme + "://" + site.Host, "/" + strings.TrimPrefix(raw, "/")
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return scheme + "://" + rest[:i], rest[i:]
	}
	return scheme + "://" + rest, ""
}

// asciiHost returns u's host and port as they may stand in any document; a name
// in another script in its ASCII form (RFC 5891 §5).
func asciiHost(u *url.URL) (string, bool) {
	name := u.Hostname()
	if net.ParseIP(name) == nil && strings.ContainsFunc(name, notInHost) {
		var err error
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			return "", false
		}
	}
	if name == "" {
		return "", false
	}
	if u.Port() != "" {
		return net.JoinHostPort(name, u.Port()), true
	}
	return strings.TrimSuffix(net.JoinHostPort(name, ""), ":"), true
}

// notInHost reports whether r needs a second look in a host's name. Underscores
// are common in networks of containers.
func notInHost(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r))
}
