package certs

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
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

const (
	// life is how long a self-signed certificate lasts. Each new one has to be
	// accepted by people again, so as long as clients allow: Apple's refuse more
	// than 825 days (support.apple.com/103769).
	life = 820 * 24 * time.Hour
	// early is how long before its end it is made anew.
	early = 30 * 24 * time.Hour
	// skew is how far clients' clocks may be behind.
	skew = time.Hour
	// retryAfter is how long after a failure making it anew is tried again.
	retryAfter = time.Hour

	// organization marks a certificate as made here, and so to be made anew.
	organization = "Slipway (self-signed)"
)

// selfSigned returns the certificate in the data directory, made or made anew
// where that is due. One that somebody else put there is taken as it is.
func (m *Manager) selfSigned() (*tls.Certificate, error) {
	certFile, keyFile := m.file("cert.pem"), m.file("key.pem")
	leaf, err := readLeaf(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m.make()
	}
	if err != nil {
		return nil, fmt.Errorf("certs: %s: %w; delete it to have a new one made", certFile, err)
	}
	if ours(leaf) && m.due(leaf) {
		return m.make()
	}
	c, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil && ours(leaf) { // the key is lost, or a crash came between the two
		return m.make()
	}
	if err != nil {
		return nil, fmt.Errorf("certs: %s with %s: %w; delete both to have new ones made", certFile, keyFile, err)
	}
	return &c, nil
}

func (m *Manager) file(name string) string { return filepath.Join(m.o.DataDir, name) }

func readLeaf(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no certificate in PEM form")
	}
	return x509.ParseCertificate(block.Bytes)
}

func ours(c *x509.Certificate) bool {
	return slices.Contains(c.Subject.Organization, organization)
}

// due reports whether c, which is ours, ends soon or lacks one of the hosts asked
// for. The machine's own name is not asked for: it may change daily, and each new
// certificate has to be accepted by people.
func (m *Manager) due(c *x509.Certificate) bool {
	names, ips := sans(m.o.Hosts)
	lacks := func(ip net.IP) bool { return !slices.ContainsFunc(c.IPAddresses, ip.Equal) }
	return m.ending(c) || slices.ContainsFunc(ips, lacks) ||
		slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(c.DNSNames, name) })
}

func (m *Manager) ending(c *x509.Certificate) bool {
	return m.o.Clock().After(c.NotAfter.Add(-early))
}

// sans sorts hosts into the names and the addresses that a certificate can bear,
// each once.
func sans(hosts []string) (names []string, ips []net.IP) {
	for _, host := range hosts {
		ip, err := netip.ParseAddr(host)
		if err == nil && !ip.IsUnspecified() {
			ips = append(ips, ip.Unmap().WithZone("").AsSlice())
		}
		if name, ok := dnsName(host); ok && err != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	slices.SortFunc(ips, func(a, b net.IP) int { return bytes.Compare(a, b) })
	return slices.Compact(names), slices.CompactFunc(ips, net.IP.Equal)
}

// dnsName writes a host's name as certificates do (RFC 5280 §7.2), and is false
// for what is none. Underscores pass: machines have them.
func dnsName(s string) (string, bool) {
	name, err := idna.Punycode.ToASCII(strings.ToLower(strings.TrimSuffix(s, ".")))
	foreign := func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}
	return name, err == nil && name != "" && len(name) <= 253 && !strings.ContainsFunc(name, foreign)
}

// renew makes the certificate anew while the gateway runs. Where that fails the old
// one stays, and the log says so once an hour.
func (m *Manager) renew() *tls.Certificate {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, now := m.current.Load(), m.o.Clock()
	if !m.ending(old.Leaf) || now.Before(m.retry) {
		return old
	}
	c, err := m.selfSigned()
	if err != nil {
		m.retry = now.Add(retryAfter)
		m.o.Log.Error("the self-signed certificate could not be made anew", "expires", old.Leaf.NotAfter, "error", err)
		return old
	}
	m.current.Store(c)
	return c
}

// make makes the self-signed certificate.
func (m *Manager) make() (*tls.Certificate, error) {
	c, err := m.keep(m.template())
	if err == nil {
		m.o.Log.Info("made a self-signed certificate; clients ask whether to trust it", "sha256", fingerprint(c.Leaf), "expires", c.Leaf.NotAfter)
	}
	return c, err
}

// keep makes a key and a certificate of its own after template, and writes both.
// The key is written first: a certificate without its key is then always one to
// be made anew.
func (m *Manager) keep(template *x509.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("certs: making a key: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certs: making a certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("certs: making a key: %w", err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := writeFile(m.file("key.pem"), keyPEM, 0o600); err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	if err := writeFile(m.file("cert.pem"), certPEM, 0o644); err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	c, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	return &c, nil
}

func (m *Manager) template() *x509.Certificate {
	now := m.o.Clock()
	t := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{organization}, CommonName: "localhost"},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, m.o.Hosts...)
	if name, err := os.Hostname(); err == nil && name != "" {
		t.Subject.CommonName = name[:min(len(name), 64)] // RFC 5280, appendix A.1: ub-common-name
		hosts = append(hosts, name)
	}
	t.DNSNames, t.IPAddresses = sans(hosts)
	return t
}

// writeFile puts data at path whole or not at all: durable before it has its name.
func writeFile(path string, data []byte, perm fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone once it is renamed
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
