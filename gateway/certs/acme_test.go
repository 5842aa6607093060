package certs

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
)

// lines is a log that says when it has been written to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p) //nolint:errcheck // never fails
	select {
	case l.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

// wait waits until the log holds text.
func (l *lines) wait(t *testing.T, text string) {
	t.Helper()
	for {
		l.mu.Lock()
		s := l.text.String()
		l.mu.Unlock()
		if strings.Contains(s, text) {
			return
		}
		select {
		case <-l.news:
		case <-time.After(20 * time.Second):
			t.Fatalf("the log never says %q: %s", text, s)
		}
	}
}

// authority is an ACME authority on this machine that is out of order.
func authority(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, `{"type":"urn:ietf:params:acme:error:malformed","detail":"closed today"}`, http.StatusBadRequest)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/directory"
}

func TestWithoutDomainsNothingStarts(t *testing.T) {
	m := load(t, Options{DataDir: t.TempDir()})
	if err := m.Start("127.0.0.1:443"); err != nil || m.acme.Load() != nil {
		t.Errorf("started: %v", err)
	}
}

func TestAnAuthorityThatFailsIsSaidSoAndTheSelfSignedStandsIn(t *testing.T) {
	log := &lines{news: make(chan struct{}, 1)}
	m := load(t, Options{
		DataDir: t.TempDir(), ACMEDomains: []string{"files.example.org"}, ACMEDirectory: authority(t),
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err := m.Start("no port"); err == nil {
		t.Error("an address without a port is accepted")
	}
	if err := m.Start("127.0.0.1:8443"); err != nil {
		t.Fatal(err)
	}
	if err := m.Start("127.0.0.1:8443"); err == nil {
		t.Error("started twice")
	}
	log.wait(t, "no certificate was issued")
	log.wait(t, "closed today")
	if i := m.Info(); i.Kind != "acme" || i.Fingerprint != "" || i.String() != "acme certificate for files.example.org" {
		t.Errorf("%+v", i)
	}
	if _, err := shake(t, m.TLSConfig(), trusting(m, "localhost")); err != nil {
		t.Errorf("the self-signed one does not stand in: %v", err)
	}
	challenge := &tls.Config{ServerName: "files.example.org", NextProtos: []string{challengeProtocol}, InsecureSkipVerify: true} //nolint:gosec // as authorities do
	if _, err := shake(t, m.TLSConfig(), challenge); err == nil {
		t.Error("a challenge that nobody asked for is answered")
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAnIssuedCertificateIsShown(t *testing.T) {
	dir, ca := t.TempDir(), authority(t)
	m := load(t, Options{DataDir: dir, ACMEDomains: []string{"files.example.org"}, ACMEDirectory: ca})

	// What an earlier run has had issued.
	u, err := url.Parse(ca)
	if err != nil {
		t.Fatal(err)
	}
	key := certmagic.StorageKeys
	issuer := u.Host + "-directory"
	made := t.TempDir()
	certFile, keyFile := pair(t, made, time.Now)
	leaf, err := readLeaf(certFile)
	if err != nil {
		t.Fatal(err)
	}
	issued := fingerprint(leaf)
	meta := filepath.Join(made, "meta.json")
	if err := os.WriteFile(meta, []byte(`{"sans":["files.example.org"],"issuer_data":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		certFile: key.SiteCert(issuer, "files.example.org"),
		keyFile:  key.SitePrivateKey(issuer, "files.example.org"),
		meta:     key.SiteMeta(issuer, "files.example.org"),
	} {
		to = filepath.Join(dir, "acme", filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}

	if err := m.Start(""); err != nil {
		t.Fatal(err)
	}
	own := fingerprint(m.current.Load().Leaf)
	deadline := time.Now().Add(20 * time.Second)
	for _, name := range []string{"files.example.org", "", "nas.local"} { // many FTP clients name no host, or another
		shown := own
		for shown == own && time.Now().Before(deadline) { // until it is read from the disk
			state, err := shake(t, m.TLSConfig(), &tls.Config{ServerName: name, InsecureSkipVerify: true}) //nolint:gosec // looked at below
			if err != nil {
				t.Fatalf("host %q: %v", name, err)
			}
			shown = fingerprint(state.PeerCertificates[0])
		}
		if shown != issued {
			t.Errorf("host %q: %s is shown, not what was issued", name, shown)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := m.certificate(&tls.ClientHelloInfo{}); err != nil || fingerprint(c.Leaf) != own {
		t.Errorf("after Close: %v", err)
	}
}

func TestChallengeSettings(t *testing.T) {
	m := load(t, Options{DataDir: t.TempDir(), ACMEDomains: []string{"files.example.org"}, ACMEEmail: "me@example.org"})
	host, port, err := split("[::1]:8443")
	if err != nil {
		t.Fatal(err)
	}
	i := m.issuer(host, port)
	if !i.DisableHTTPChallenge || i.DisableTLSALPNChallenge || i.ListenHost != "::1" || i.AltTLSALPNPort != 8443 || i.Email != "me@example.org" {
		t.Errorf("%+v", i)
	}
}
