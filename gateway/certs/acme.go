package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// challengeProtocol is what an ACME authority asks for when it checks that a
// domain's server is ours (RFC 8737 §3).
const challengeProtocol = "acme-tls/1"

// issued is the running ACME client.
type issued struct {
	magic *certmagic.Config
	cache *certmagic.Cache
	files *storage
	stop  context.CancelFunc
}

// checkDomains refuses what no authority can check over TLS-ALPN.
func checkDomains(domains []string) error {
	for _, d := range domains {
		_, err := netip.ParseAddr(d)
		switch {
		case strings.HasPrefix(d, "*."):
			return fmt.Errorf("acme_domains %q: a wildcard cannot be checked over TLS; name each host", d)
		case err == nil || !strings.Contains(d, ".") || strings.ContainsAny(d, ":/ ") || certmagic.SubjectIsInternal(d):
			return fmt.Errorf("acme_domains %q: not a public domain name like files.example.org", d)
		}
	}
	return nil
}

// Start begins to get and renew the ACME certificates, in the background, until
// [Manager.Close]. Call it once the TLS door at listen ("host:port", as bound)
// accepts connections, which is where the authority's challenge arrives: from
// port 443 of the domains it has to be led there. With listen "" a listener on
// port 443 is opened for each challenge. Without ACME domains Start does nothing.
func (m *Manager) Start(listen string) error {
	if len(m.o.ACMEDomains) == 0 {
		return nil
	}
	if m.acme.Load() != nil {
		return errors.New("certs: started twice")
	}
	host, port, err := split(listen)
	if err != nil {
		return fmt.Errorf("certs: the address of the TLS door: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a := &issued{stop: stop, files: newStorage(filepath.Join(m.o.DataDir, "acme"))}
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.magic, nil },
		Logger:           zap.NewNop(), // what people should know comes through event
	})
	a.magic = certmagic.New(a.cache, certmagic.Config{
		Storage:            a.files,
		FallbackServerName: m.o.ACMEDomains[0], // many FTP clients name none, or another
		OnEvent:            m.event,
		Logger:             zap.NewNop(),
	})
	a.magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(a.magic, m.issuer(host, port))}
	m.acme.Store(a)
	if err := a.magic.ManageAsync(ctx, m.o.ACMEDomains); err != nil {
		return fmt.Errorf("certs: %w", err)
	}
	return nil
}

// issuer is how the authority is reached, and reaches us.
func (m *Manager) issuer(host string, port int) certmagic.ACMEIssuer {
	return certmagic.ACMEIssuer{
		CA:                   m.o.ACMEDirectory,
		Email:                m.o.ACMEEmail,
		Agreed:               true,
		DisableHTTPChallenge: true,
		ListenHost:           host,
		AltTLSALPNPort:       port,
		Logger:               zap.NewNop(),
	}
}

func split(listen string) (host string, port int, err error) {
	if listen == "" {
		return "", 0, nil
	}
	host, p, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(p)
	return host, port, err
}

// event tells the log what became of a certificate.
func (m *Manager) event(_ context.Context, name string, data map[string]any) error {
	switch name {
	case "cert_obtained":
		m.o.Log.Info("a certificate was issued", "domain", data["identifier"], "issuer", data["issuer"], "renewal", data["renewal"])
	case "cert_failed":
		m.o.Log.Error("no certificate was issued; is port 443 of the domain led to this gateway?", "domain", data["identifier"], "renewal", data["renewal"], "error", data["error"])
	}
	return nil
}

// isChallenge reports whether hello is an ACME authority's.
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return slices.Contains(hello.SupportedProtos, challengeProtocol)
}

// Close ends what Start began. Connections keep the certificate they have, and new
// ones are shown the self-signed one.
func (m *Manager) Close() error {
	if a := m.acme.Swap(nil); a != nil {
		a.stop()
		a.cache.Stop()
		a.files.close()
	}
	return nil
}
