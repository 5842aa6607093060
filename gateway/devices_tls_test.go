package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"slipway/uploader/whole/wholetest"
)

// secureWays are the ways to TLS: how a session begins, and the newest version that
// the client can. The door itself decides for 1.2 (see certs.Manager.FTPConfig).
var secureWays = []struct {
	name     string
	implicit bool
	newest   uint16
}{
	{"explicit, TLS 1.2", false, tls.VersionTLS12},
	{"explicit, up to TLS 1.3", false, tls.VersionTLS13},
	{"implicit, TLS 1.2", true, tls.VersionTLS12},
	{"implicit, up to TLS 1.3", true, tls.VersionTLS13},
}

// secure connects with TLS, signs in and protects the data connections.
func (g ftpGateway) secure(user string, implicit bool, config *tls.Config) *ftpClient {
	g.t.Helper()
	c := &ftpClient{addr: g.app.address("ftp")}
	if implicit {
		c.addr, c.tls = g.app.address("ftps"), config
	}
	c.connect(g.t)
	if !implicit {
		c.startTLS(g.t, config)
	}
	c.login(g.t, user, ingestPassword)
	return c
}

// upTo is a client that remembers sessions and speaks TLS up to a version.
func upTo(newest uint16) *tls.Config {
	c := deviceTLS()
	c.MinVersion, c.MaxVersion = tls.VersionTLS12, newest
	return c
}

// TestFTPSWithoutCloseNotify: uploads of clients that close their connection without
// saying so in TLS arrive whole. A session ticket that such a client has not read
// would turn its close into a reset, which takes the end of the file with it.
func TestFTPSWithoutCloseNotify(t *testing.T) {
	g := startFTP(t, "")
	for i, w := range secureWays {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			g := ftpGateway{g.ingestGateway, t}
			c := g.secure(ingestUser, w.implicit, upTo(w.newest))
			data := wholetest.Noise(700_000, uint64(i))
			for n := range 20 {
				name := fmt.Sprintf("/in/%d-%d.mov", i, n)
				if err := c.putRude(name, data); err != nil {
					t.Fatalf("upload %d: %v", n, err)
				}
				if size, err := c.size(name); err != nil || size != int64(len(data)) {
					t.Errorf("upload %d has %d bytes of %d (%v)", n, size, len(data), err)
				}
			}
			g.holds(c, fmt.Sprintf("/in/%d-19.mov", i), data)
		})
	}
}

// putRude stores data and closes the connection below TLS.
func (c *ftpClient) putRude(name string, data []byte) error {
	conn, err := c.begin("STOR %s", name)
	if err != nil {
		return err
	}
	if _, err := conn.Write(data); err != nil {
		return err
	}
	if err := conn.(*tls.Conn).NetConn().Close(); err != nil {
		return err
	}
	_, _, err = c.reply(226)
	return err
}

// putResumed stores data, and reports whether the data connection resumed a session.
func (c *ftpClient) putResumed(name string, data []byte) (resumed bool, err error) {
	conn, err := c.begin("STOR %s", name)
	if err != nil {
		return false, err
	}
	_, err = conn.Write(data)
	resumed = conn.(*tls.Conn).ConnectionState().DidResume
	err = errors.Join(err, conn.Close())
	if _, _, e := c.reply(226); e != nil {
		return resumed, e
	}
	return resumed, err
}

// TestFTPSResumption: data connections resume the control connection's session, also
// after the certificate was changed under a session; who comes anew sees the new
// one.
func TestFTPSResumption(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := newCertificate(t, cert, key)
	g := startFTP(t, fmt.Sprintf("[tls]\ncert_file = %q\nkey_file = %q", cert, key))
	type open struct {
		*ftpClient
		config *tls.Config
	}
	var sessions []open
	for i, w := range secureWays {
		config := upTo(w.newest)
		c := g.secure(ingestUser, w.implicit, config)
		if got := c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw; !bytes.Equal(got, first) {
			t.Fatal("another certificate than the configured one")
		}
		sessions = append(sessions, open{c, config})
		for n := range 3 {
			if resumed, err := c.putResumed(fmt.Sprintf("/in/a%d-%d.jpg", i, n), shot(uint64(100*i+n))); err != nil || !resumed {
				t.Errorf("%s: upload %d: resumed %v, %v", w.name, n, resumed, err)
			}
		}
	}
	second := newCertificate(t, cert, key)
	if done, err := g.app.reload(t.Context()); err != nil || len(done.Restart) > 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	for i, w := range secureWays {
		if resumed, err := sessions[i].putResumed(fmt.Sprintf("/in/b%d.jpg", i), shot(uint64(100*i+50))); err != nil || !resumed {
			t.Errorf("%s, after the reload: resumed %v, %v", w.name, resumed, err)
		}
		c := g.secure(ingestUser, w.implicit, sessions[i].config)
		if !c.conn.(*tls.Conn).ConnectionState().DidResume {
			t.Errorf("%s: a control connection after the reload resumed nothing", w.name)
		}
		c = g.secure(ingestUser, w.implicit, upTo(w.newest))
		if got := c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw; !bytes.Equal(got, second) {
			t.Errorf("%s: who comes anew does not see the new certificate", w.name)
		}
	}
}

// newCertificate writes a self-signed certificate and its key, and returns the first.
func newCertificate(t *testing.T, cert, key string) []byte {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "camera"}, DNSNames: []string{"x"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return der
}

// TestFTPSRequired: of whom TLS is required, neither a password nor a picture
// crosses the network without it.
func TestFTPSRequired(t *testing.T) {
	for name, tt := range map[string]struct{ more, user string }{
		"of a user": {"[[user]]\nname = 'careful'\npassword = 'env:PASSWORD'\nrequire_tls = true", "careful"},
		"of all":    {"tls = 'required'", ingestUser},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startFTP(t, tt.more)
			c := &ftpClient{addr: g.app.address("ftp")}
			c.connect(t)
			c.must(t, 530, "USER %s", tt.user)
			c.must(t, 503, "PASS %s", ingestPassword)
			c.upgradeOnly(t)
			c.login(t, tt.user, ingestPassword)
			for _, command := range []string{"PASV", "EPSV", "STOR " + dsc, "LIST"} {
				c.must(t, 521, "%s", command)
			}
			c.must(t, 200, "PBSZ 0")
			c.must(t, 534, "PROT C")
			c.must(t, 534, "CCC")
			c.must(t, 200, "PROT P")
			g.put(c, dsc, shot(1))
			g.put(g.secure(tt.user, true, deviceTLS()), "/in/implicit.jpg", shot(2))
			g.Settle(t)
			if n := len(g.Sent()); n != 2 {
				t.Errorf("%d pictures were sent", n)
			}
			if _, _, err := g.plainLogin(); (err == nil) != (tt.user != ingestUser) {
				t.Errorf("a user of whom it is not required: %v", err)
			}
		})
	}
}

// upgradeOnly switches to TLS, and asks for no protection of data.
func (c *ftpClient) upgradeOnly(t *testing.T) {
	t.Helper()
	c.must(t, 234, "AUTH TLS")
	c.tls = deviceTLS()
	c.upgraded(tls.Client(c.conn, c.tls))
}

// plainLogin says a name without TLS.
func (g ftpGateway) plainLogin() (int, string, error) {
	c := &ftpClient{addr: g.app.address("ftp")}
	c.connect(g.t)
	return c.do(331, "USER %s", ingestUser)
}
