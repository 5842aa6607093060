// Package certs keeps the certificate that every TLS door of the gateway shows:
// one from files, one that an ACME authority (Let's Encrypt) issues, or a
// self-signed one made once in the data directory.
package certs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say which certificate to use. With neither files nor domains it is the
// self-signed one.
type Options struct {
	// CertFile and KeyFile name PEM files: the certificate followed by its
	// intermediates, and its key. Both or none.
	CertFile, KeyFile string
	// ACMEDomains are the names to have a certificate issued for. Not with files.
	ACMEDomains []string
	// ACMEEmail is told to the authority for its warnings; "" is fine.
	ACMEEmail string
	// ACMEDirectory is the authority's address; "" is Let's Encrypt.
	ACMEDirectory string
	// DataDir holds cert.pem, key.pem and, for ACME, the folder acme. It exists.
	DataDir string
	// Hosts are further names and addresses for the self-signed certificate.
	// Unspecified addresses ("", "0.0.0.0", "::") are passed over, and what is no
	// host's name.
	Hosts []string
	// Log hears of new certificates and of trouble with them; nil: nobody does.
	Log *slog.Logger
	// Clock tells the time; nil: time.Now.
	Clock func() time.Time
}

// Manager holds the current certificate. It is safe for concurrent use.
type Manager struct {
	o        Options
	web, ftp *tls.Config

	current atomic.Pointer[tls.Certificate] // from files, or self-signed
	acme    atomic.Pointer[issued]          // nil: not asked for, or not started

	mu    sync.Mutex // for making current anew
	retry time.Time  // before it, a self-signed one that could not be renewed is not tried again
}

// Info says for people what a gateway's certificate is.
type Info struct {
	// Kind is "file", "acme" or "self-signed".
	Kind string
	// Names are the names and addresses it is for.
	Names []string
	// Expires is its last moment; zero for ACME, which renews by itself.
	Expires time.Time
	// Fingerprint is the SHA-256 of the certificate as clients show it,
	// "AB:CD:…"; "" for ACME, whose certificates clients check by themselves.
	Fingerprint string
}

// Load reads, or makes, the certificate that o asks for. It uses no network and
// starts nothing: an ACME certificate comes after [Manager.Start], the
// self-signed one stands in until then.
func Load(o Options) (*Manager, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	m := &Manager{o: o}
	m.configure()
	c, err := m.read()
	if err != nil {
		return nil, err
	}
	if err := usable(c.Leaf, o.Clock()); err != nil {
		o.Log.Warn("clients will refuse the certificate", "file", o.CertFile, "reason", err.Error())
	}
	m.current.Store(c)
	return m, nil
}

// Check reports what [Load] would refuse, and files that clients will. It makes
// nothing.
func (o Options) Check() error {
	if err := o.check(); err != nil || o.CertFile == "" {
		return err
	}
	c, err := o.fromFiles()
	if err != nil {
		return err
	}
	now := time.Now
	if o.Clock != nil {
		now = o.Clock
	}
	if err := usable(c.Leaf, now()); err != nil {
		return fmt.Errorf("certs: clients will refuse %s: %w", o.CertFile, err)
	}
	return nil
}

func (o Options) check() error {
	switch {
	case o.CertFile != "" && o.KeyFile == "":
		return errors.New("cert_file without key_file: name the certificate's key too")
	case o.CertFile == "" && o.KeyFile != "":
		return errors.New("key_file without cert_file: name the key's certificate too")
	case o.CertFile != "" && len(o.ACMEDomains) > 0:
		return errors.New("cert_file and acme_domains exclude each other: remove one of them")
	}
	return checkDomains(o.ACMEDomains)
}

// configure makes the two configurations, once: their pointers are what sessions
// are resumed by.
func (m *Manager) configure() {
	m.web = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: m.certificate}
	if len(m.o.ACMEDomains) > 0 {
		m.web.NextProtos = append(m.web.NextProtos, challengeProtocol)
	}
	m.ftp = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, GetCertificate: m.certificate}
}

// TLSConfig is the configuration of HTTP doors, always the same pointer: TLS 1.2
// and above, HTTP/1.1, and the ACME challenge (RFC 8737) where that is asked for.
func (m *Manager) TLSConfig() *tls.Config { return m.web }

// FTPConfig is the configuration of FTP doors, always the same pointer, so that
// data connections resume the control connection's session. It is TLS 1.2 alone:
// with 1.3 an unread session ticket turns a client's close into a reset, which
// loses the end of uploads. It names no protocol, because clients that offer
// "ftp" would be refused for offering no other.
func (m *Manager) FTPConfig() *tls.Config { return m.ftp }

// certificate is the answer to a client's hello.
func (m *Manager) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if a := m.acme.Load(); a != nil {
		c, err := a.magic.GetCertificate(hello)
		if err == nil || isChallenge(hello) {
			return c, err
		}
	}
	c := m.current.Load()
	if m.o.CertFile == "" && ours(c.Leaf) && m.ending(c.Leaf) {
		return m.renew(), nil
	}
	return c, nil
}

// Reload reads the files again and shows new connections what they hold. A file
// that is missing, broken or out of its time is an error and changes nothing.
// An ACME certificate needs no reload.
func (m *Manager) Reload(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.current.Load()
	c, err := m.read()
	if err == nil {
		err = usable(c.Leaf, m.o.Clock())
	}
	if err != nil {
		return fmt.Errorf("the certificate stays as it was: %w", err)
	}
	m.current.Store(c)
	if fingerprint(c.Leaf) != fingerprint(old.Leaf) {
		m.o.Log.Info("the certificate has changed", "sha256", fingerprint(c.Leaf), "expires", c.Leaf.NotAfter)
	}
	return nil
}

// read reads the files, or the self-signed certificate's, which it makes where
// needed.
func (m *Manager) read() (*tls.Certificate, error) {
	if m.o.CertFile == "" {
		return m.selfSigned()
	}
	return m.o.fromFiles()
}

func (o Options) fromFiles() (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("certs: cert_file %s with key_file %s: %w", o.CertFile, o.KeyFile, err)
	}
	return &c, nil
}

// usable says why clients refuse c at now; nil: they do not.
func usable(c *x509.Certificate, now time.Time) error {
	switch {
	case now.After(c.NotAfter):
		return fmt.Errorf("it expired on %s; put a new one in its place", c.NotAfter.Format(time.DateOnly))
	case now.Before(c.NotBefore):
		return fmt.Errorf("it begins on %s only; check this machine's clock", c.NotBefore.Format(time.DateOnly))
	}
	return nil
}

// Info describes the current certificate.
func (m *Manager) Info() Info {
	if len(m.o.ACMEDomains) > 0 {
		return Info{Kind: "acme", Names: m.o.ACMEDomains}
	}
	c := m.current.Load().Leaf
	i := Info{Kind: "file", Names: c.DNSNames, Expires: c.NotAfter, Fingerprint: fingerprint(c)}
	for _, ip := range c.IPAddresses {
		i.Names = append(i.Names, ip.String())
	}
	if m.o.CertFile == "" && ours(c) {
		i.Kind = "self-signed"
	}
	return i
}

// String is one line for people.
func (i Info) String() string {
	s := fmt.Sprintf("%s certificate for %s", i.Kind, cmp.Or(strings.Join(i.Names, ", "), "no name"))
	if i.Fingerprint != "" {
		s += fmt.Sprintf(", until %s, SHA-256 %s", i.Expires.Format(time.DateOnly), i.Fingerprint)
	}
	return s
}

func fingerprint(c *x509.Certificate) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(c.Raw)), " ", ":")
}
