package main

import (
	"net/url"
	"strconv"

	"slipway/gateway/operate"
)

// connections are the ways in, under the addresses that people use, best first.
func (a *app) connections() []operate.Connection {
	var ways []operate.Connection
	if u, err := url.Parse(a.publicURL()); err == nil && u.Host != "" {
		ways = append(ways, a.webConnection(u))
	}
	return ways
}

// webConnection is WebDAV below the address of the HTTP server.
func (a *app) webConnection(u *url.URL) operate.Connection {
	w := operate.Connection{Door: operate.WebDAVDoor, URL: u.JoinPath(davPrefix, "/").String(), Host: u.Hostname(), Port: 80, Security: operate.NoTLS}
	if u.Scheme == "https" {
		w.Port, w.Security, w.Fingerprint = 443, operate.ImplicitTLS, a.fingerprint()
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		w.Port = port
	}
	return w
}

// fingerprint returns what clients have to compare the certificate with; "" where
// an authority vouches for it.
func (a *app) fingerprint() string {
	if a.certs == nil {
		return ""
	}
	if i := a.certs.Info(); i.Kind == "self-signed" {
		return i.Fingerprint
	}
	return ""
}
