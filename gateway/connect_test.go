package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/gateway/operate"
)

// TestConnections: the ways in that people are told of are those that are open.
func TestConnections(t *testing.T) {
	a := &app{}
	c := &Config{Web: WebConfig{PublicURL: "https://pictures.example:8443/"}, FTP: FTPConfig{TLS: ftpOptional, PublicHost: "ftp.example"}}
	a.settings.Store(&settings{config: c})
	web := operate.Connection{Door: "webdav", URL: "https://pictures.example:8443/dav/", Host: "pictures.example", Port: 8443, Security: "implicit"}
	same := func(want ...operate.Connection) {
		t.Helper()
		if diff := cmp.Diff(want, a.connections()); diff != "" {
			t.Error(diff)
		}
	}
	same(web)
	a.addresses.Store("ftp", "192.0.2.7:2121")
	explicit := operate.Connection{Door: "ftp", Host: "ftp.example", Port: 2121, Security: "explicit"}
	plain := operate.Connection{Door: "ftp", Host: "ftp.example", Port: 2121, Security: "none"}
	same(web, explicit, plain)
	a.addresses.Store("ftps", "192.0.2.7:990")
	c.FTP.TLS = ftpRequired
	same(web, explicit, operate.Connection{Door: "ftp", Host: "ftp.example", Port: 990, Security: "implicit"})
	c.FTP.TLS, c.FTP.PublicHost = ftpPlain, ""
	plain.Host = "192.0.2.7"
	same(web, plain)
	c.Web = WebConfig{}
	same(plain)
}
