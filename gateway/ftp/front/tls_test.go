package front

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// TestInjection: plain bytes behind AUTH count for nothing (CVE-2011-0411), whether
// they come with it or look like a login.
func TestInjection(t *testing.T) {
	d := serve(t, loopback(t), Options{TLS: serverTLS(t)})
	c := dial(t, d)
	c.send("USER u\r\n")
	c.want("331")
	c.send("AUTH TLS\r\nUSER u\r\nPASS secret\r\nSTRU F\r\n")
	c.want("234")
	k := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
	if err := k.Handshake(); err != nil {
		t.Fatal(err)
	}
	c = newClient(t, k)
	c.do("NOOP", "200 OK")
	c.do("PASS secret", "503 USER")
	c.do("PWD", "530")
}

// TestTLSVersions: explicit and implicit, with protected data and without.
func TestTLSVersions(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, implicit := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s implicit %v", tls.VersionName(version), implicit), func(t *testing.T) {
				d := serve(t, loopback(t), Options{TLS: serverTLS(t), Implicit: implicit, TLSRequired: true})
				config := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}
				conn, err := net.Dial("tcp", d.ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				if implicit {
					conn = tls.Client(conn, config)
				}
				c := newClient(t, conn)
				c.want("220")
				if !implicit {
					c.do("USER u", "530 This account needs FTPS")
					c.startTLS(config)
				}
				c.signIn("u")
				if !implicit {
					c.do("EPSV", "521")
					c.do("STOR a", "521")
					c.do("PBSZ 0", "200 PBSZ=0")
					c.do("PROT P", "200")
				}
				c.do("PROT C", "534")
				plain := c.data()
				c.send("STOR a\r\n")
				data := tls.Client(plain, config)
				c.want("150")
				io.WriteString(data, "picture")
				data.Close()
				c.want("226")
				c.do("SIZE a", "213 7")
			})
		}
	}
}

// TestImplicitWithoutProtection: PROT C works where nobody requires more.
func TestImplicitWithoutProtection(t *testing.T) {
	d := serve(t, loopback(t), Options{TLS: serverTLS(t), Implicit: true})
	conn, err := tls.Dial("tcp", d.ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, conn)
	c.want("220")
	c.signIn("u")
	c.do("PROT C", "200")
	c.store("STOR a", "plain")
}

// TestResumption: a session is resumed after the certificate was replaced, and who
// comes without one sees the new certificate.
func TestResumption(t *testing.T) {
	var current atomic.Pointer[tls.Certificate]
	current.Store(certificate(t, 1))
	d := serve(t, loopback(t), Options{TLS: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return current.Load(), nil
	}}})
	roots := x509.NewCertPool()
	trust := func() {
		leaf, err := x509.ParseCertificate(current.Load().Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		roots.AddCert(leaf)
	}
	trust()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{ServerName: "localhost", RootCAs: roots, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		connect := func(config *tls.Config) tls.ConnectionState {
			c := dial(t, d)
			k := c.startTLS(config)
			c.do("NOOP", "200") // after which the tickets of TLS 1.3 have come
			return k.ConnectionState()
		}
		if connect(config).DidResume {
			t.Errorf("%s: the first connection was resumed", tls.VersionName(version))
		}
		old := current.Load()
		current.Store(certificate(t, 2))
		trust()
		if !connect(config).DidResume {
			t.Errorf("%s: the reload of the certificate ended the session", tls.VersionName(version))
		}
		fresh := config.Clone()
		fresh.ClientSessionCache = nil
		if got := connect(fresh).PeerCertificates[0].SerialNumber.Int64(); got != 2 {
			t.Errorf("a new client sees certificate %d", got)
		}
		current.Store(old)
	}
}

// TestNoHandshake: a client that says AUTH and then speaks plainly, or hangs up, is
// let go.
func TestNoHandshake(t *testing.T) {
	d := serve(t, loopback(t), Options{TLS: serverTLS(t)})
	c := dial(t, d)
	c.do("AUTH TLS", "234")
	c.send("USER u\r\nPASS secret\r\n")
	if got := c.reply(); got[:1] == "2" || got[:1] == "3" {
		t.Errorf("the reply is %q", got)
	}
	c = dial(t, d)
	c.do("AUTH TLS", "234")
	c.Close()
}
