package anqicms

import (
	"errors"
	"net/url"
	"strings"
)

var errBadAddress = errors.New("the reply holds no address of the file")

// escapeAddress makes a URL of an address as the server writes it: scheme, host
// and the path of the stored file in plain characters. Everything after the
// host is path: a "?", "#" or "%" in it is part of a file's name and is escaped
// too. An address without scheme or host is one on site.
func escapeAddress(site *url.URL, raw string) (string, error) {
	base, path := splitAddress(site, raw)
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
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
	return u.Scheme + "://" + u.Host + strings.Join(segments, "/"), nil
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
