package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T, o Options) *Manager {
	t.Helper()
	m, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() }) //nolint:errcheck // never fails
	return m
}

// shake lets a client and a server of these configurations greet each other, and
// returns what the client saw.
func shake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		s := tls.Server(c, server)
		if s.Handshake() == nil {
			s.Write([]byte("x")) //nolint:errcheck // the client's read says it
		}
	}()
	defer func() { <-done }()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := tls.Client(raw, client)
	if err := c.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	_, err = c.Read(make([]byte, 1)) // a ticket of TLS 1.3 comes with it
	return c.ConnectionState(), err
}

// trusting is a client that believes in m's current certificate alone.
func trusting(m *Manager, host string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(m.current.Load().Leaf)
	return &tls.Config{RootCAs: pool, ServerName: host, Time: m.o.Clock}
}

// pair makes a certificate with its key, as somebody's own, in files of dir.
func pair(t *testing.T, dir string, clock func() time.Time) (certFile, keyFile string) {
	t.Helper()
	m := &Manager{o: Options{DataDir: dir, Log: slog.New(slog.DiscardHandler), Clock: clock, Hosts: []string{"files.example.org"}}}
	template := m.template()
	template.Subject.Organization = nil
	if _, err := m.keep(template); err != nil {
		t.Fatal(err)
	}
	return m.file("cert.pem"), m.file("key.pem")
}

func TestOptionsThatContradict(t *testing.T) {
	for what, o := range map[string]Options{
		"no key":      {CertFile: "c"},
		"no cert":     {KeyFile: "k"},
		"both":        {CertFile: "c", KeyFile: "k", ACMEDomains: []string{"a.example.org"}},
		"not there":   {CertFile: "nowhere.pem", KeyFile: "nowhere.key"},
		"a wildcard":  {ACMEDomains: []string{"*.example.org"}},
		"an address":  {ACMEDomains: []string{"192.0.2.1"}},
		"a port":      {ACMEDomains: []string{"a.example.org:443"}},
		"a bare name": {ACMEDomains: []string{"a.example.org", "server"}},
		"an own name": {ACMEDomains: []string{"nas.local"}},
		"a URL":       {ACMEDomains: []string{"https://a.example.org"}},
	} {
		o.DataDir = t.TempDir()
		if _, err := Load(o); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func TestSelfSignedIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	o := Options{DataDir: dir, Hosts: []string{"", "0.0.0.0", "::", "Bücher.example.", "192.0.2.7", "not a host", "nas_1"}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	m := load(t, o)
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "xn--bcher-kva.example", "192.0.2.7"} {
		for _, server := range []*tls.Config{m.TLSConfig(), m.FTPConfig()} {
			if _, err := shake(t, server, trusting(m, host)); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
	}
	if _, err := shake(t, m.TLSConfig(), trusting(m, "other.example")); err == nil {
		t.Error("the certificate is for any name")
	}
	i := m.Info()
	if i.Kind != "self-signed" || !regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(i.Fingerprint) || !slices.Contains(i.Names, "192.0.2.7") || !slices.Contains(i.Names, "nas_1") {
		t.Errorf("%+v", i)
	}
	if s := i.String(); !strings.Contains(s, i.Fingerprint) || !strings.Contains(s, "localhost") {
		t.Error(s)
	}
	if !strings.Contains(log.String(), i.Fingerprint) {
		t.Errorf("the log does not name the fingerprint: %s", &log)
	}
	for name, perm := range map[string]os.FileMode{"cert.pem": 0o644, "key.pem": 0o600} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != perm {
			t.Errorf("%s: %v, %v", name, fi.Mode(), err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("%v are in the data directory", files)
	}
	if again := load(t, o).Info(); again.Fingerprint != i.Fingerprint {
		t.Error("the next start makes another one")
	}
	o.Hosts = nil
	if fewer := load(t, o).Info(); fewer.Fingerprint != i.Fingerprint {
		t.Error("a host less makes another one")
	}
	o.Hosts = []string{"198.51.100.1"}
	if more := load(t, o).Info(); more.Fingerprint == i.Fingerprint {
		t.Error("a host more does not")
	}
}

func TestSelfSignedIsMadeAnewBeforeItEnds(t *testing.T) {
	dir, now := t.TempDir(), time.Unix(1.7e9, 0)
	o := Options{DataDir: dir, Clock: func() time.Time { return now }}
	m := load(t, o)
	first := m.Info()
	if first.Expires.Sub(now) > 825*24*time.Hour-skew {
		t.Errorf("lasts until %v, which Apple's clients refuse", first.Expires)
	}
	ask := func() string {
		t.Helper()
		state, err := shake(t, m.TLSConfig(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is looked at below
		if err != nil {
			t.Fatal(err)
		}
		return fingerprint(state.PeerCertificates[0])
	}
	now = first.Expires.Add(-early)
	if got := ask(); got != first.Fingerprint {
		t.Error("made anew too early")
	}
	now = now.Add(time.Second)
	second := ask()
	if second == first.Fingerprint || second != m.Info().Fingerprint || second != load(t, o).Info().Fingerprint {
		t.Errorf("shown %s after %s", second, first.Fingerprint)
	}
	now = m.Info().Expires.Add(time.Hour)
	if third := load(t, o).Info().Fingerprint; third == second {
		t.Error("an expired one is taken at the start")
	}
}

func TestSelfSignedStaysWhereItCannotBeMadeAnew(t *testing.T) {
	dir, now := filepath.Join(t.TempDir(), "data"), time.Unix(1.7e9, 0)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	m := load(t, Options{DataDir: dir, Clock: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	first := m.Info()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	now = first.Expires
	for range 3 {
		if c, err := m.certificate(&tls.ClientHelloInfo{}); err != nil || fingerprint(c.Leaf) != first.Fingerprint {
			t.Fatalf("%v", err)
		}
	}
	if n := strings.Count(log.String(), "could not be made anew"); n != 1 {
		t.Errorf("said %d times", n)
	}
	now = now.Add(retryAfter)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if c, _ := m.certificate(&tls.ClientHelloInfo{}); fingerprint(c.Leaf) == first.Fingerprint {
		t.Error("not tried again after an hour")
	}
}

func TestDataDirectoryOfAnotherState(t *testing.T) {
	t.Run("the key is lost", func(t *testing.T) {
		dir := t.TempDir()
		old := load(t, Options{DataDir: dir}).Info().Fingerprint
		os.Remove(filepath.Join(dir, "key.pem")) //nolint:errcheck // the next start says it
		if load(t, Options{DataDir: dir}).Info().Fingerprint == old {
			t.Error("the same certificate without its key")
		}
	})
	t.Run("the key is another one", func(t *testing.T) { // a crash between the two
		dir, other := t.TempDir(), t.TempDir()
		load(t, Options{DataDir: other})
		m := load(t, Options{DataDir: dir})
		if err := os.Rename(filepath.Join(other, "key.pem"), filepath.Join(dir, "key.pem")); err != nil {
			t.Fatal(err)
		}
		if err := m.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := shake(t, m.TLSConfig(), trusting(m, "localhost")); err != nil {
			t.Error(err)
		}
	})
	t.Run("broken", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(Options{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "delete it") {
			t.Error(err)
		}
	})
	t.Run("somebody's own, expired", func(t *testing.T) {
		dir := t.TempDir()
		pair(t, dir, func() time.Time { return time.Unix(1e9, 0) })
		var log bytes.Buffer
		m := load(t, Options{DataDir: dir, Hosts: []string{"more.example"}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if i := m.Info(); i.Kind != "file" || !strings.Contains(log.String(), "expired on 2003-12-08") {
			t.Errorf("%+v, log %s", i, &log)
		}
		before := m.current.Load()
		if c, err := m.certificate(&tls.ClientHelloInfo{}); err != nil || c != before {
			t.Errorf("made or read anew: %v", err)
		}
	})
	t.Run("no directory", func(t *testing.T) {
		if _, err := Load(Options{DataDir: filepath.Join(t.TempDir(), "none")}); err == nil {
			t.Error("accepted")
		}
	})
}

func TestReloadOfFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := pair(t, dir, time.Now)
	m := load(t, Options{DataDir: t.TempDir(), CertFile: certFile, KeyFile: keyFile})
	web, ftp := m.TLSConfig(), m.FTPConfig()
	first := m.Info()
	if first.Kind != "file" {
		t.Errorf("%+v", first)
	}
	sessions := map[*tls.Config]*tls.Config{}
	for _, server := range []*tls.Config{web, ftp} {
		client := trusting(m, "files.example.org")
		client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		if _, err := shake(t, server, client); err != nil {
			t.Fatal(err)
		}
		sessions[server] = client
	}

	if err := os.WriteFile(keyFile, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), keyFile) || !strings.Contains(err.Error(), "stays as it was") {
		t.Errorf("a broken key: %v", err)
	}
	pair(t, dir, func() time.Time { return time.Unix(1e9, 0) })
	if err := m.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "expired on 2003-12-08") {
		t.Errorf("an expired certificate: %v", err)
	}
	pair(t, dir, func() time.Time { return time.Now().Add(24 * time.Hour) })
	if err := m.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("one that begins tomorrow: %v", err)
	}
	if m.Info().Fingerprint != first.Fingerprint {
		t.Error("a failed reload changes the certificate")
	}

	pair(t, dir, time.Now)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Reload(ended); err == nil || m.Info().Fingerprint != first.Fingerprint {
		t.Errorf("a reload that was cancelled: %v", err)
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.Info().Fingerprint == first.Fingerprint || m.TLSConfig() != web || m.FTPConfig() != ftp {
		t.Error("a reload keeps the certificate or changes the configuration")
	}
	for server, client := range sessions {
		if state, err := shake(t, server, client); err != nil || !state.DidResume {
			t.Errorf("TLS %x: resumed after a reload: %v, %v", state.Version, state.DidResume, err)
		}
		if state, err := shake(t, server, trusting(m, "files.example.org")); err != nil || fingerprint(state.PeerCertificates[0]) != m.Info().Fingerprint {
			t.Errorf("TLS %x: a new client: %v", state.Version, err)
		}
	}
}

func TestProtocols(t *testing.T) {
	m := load(t, Options{DataDir: t.TempDir()})
	for _, c := range []struct {
		what    string
		server  *tls.Config
		offer   []string
		max     uint16
		version uint16 // 0: refused
		alpn    string
	}{
		{"a browser", m.TLSConfig(), []string{"h2", "http/1.1"}, 0, tls.VersionTLS13, "http/1.1"},
		{"curl --http1.0", m.TLSConfig(), nil, tls.VersionTLS12, tls.VersionTLS12, ""},
		{"an old printer", m.TLSConfig(), nil, tls.VersionTLS11, 0, ""},
		{"an authority without ACME", m.TLSConfig(), []string{challengeProtocol}, 0, 0, ""},
		{"FileZilla", m.FTPConfig(), []string{"x-filezilla-ftp", "ftp"}, 0, tls.VersionTLS12, ""},
		{"an old camera", m.FTPConfig(), nil, tls.VersionTLS11, 0, ""},
	} {
		client := trusting(m, "localhost")
		client.NextProtos, client.MaxVersion, client.MinVersion = c.offer, c.max, tls.VersionTLS10
		state, err := shake(t, c.server, client)
		if (err == nil) != (c.version != 0) || state.Version != c.version || state.NegotiatedProtocol != c.alpn {
			t.Errorf("%s: TLS %x, %q, %v", c.what, state.Version, state.NegotiatedProtocol, err)
		}
	}
}
