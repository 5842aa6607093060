package main

import (
	"cmp"
	"net"
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
	c := a.settings.Load().config.FTP
	if c.TLS != ftpPlain {
		ways = append(ways, a.ftpConnection("ftp", operate.ExplicitTLS)...)
		ways = append(ways, a.ftpConnection("ftps", operate.ImplicitTLS)...)
	}
	if c.TLS != ftpRequired {
		ways = append(ways, a.ftpConnection("ftp", operate.NoTLS)...)
	}
	return ways
}

// ftpConnection is FTP at the address of a front; none where that is switched off.
func (a *app) ftpConnection(front, security string) []operate.Connection {
	host, port, err := net.SplitHostPort(reachable(a.address(front)))
	if err != nil {
		return nil
	}
	w := operate.Connection{Door: operate.FTPDoor, Host: cmp.Or(a.settings.Load().config.FTP.PublicHost, host), Security: security}
	if w.Port, err = strconv.Atoi(port); err != nil {
		return nil
	}
	if security != operate.NoTLS {
		w.Fingerprint = a.fingerprint()
	}
	return []operate.Connection{w}
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
