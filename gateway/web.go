package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/album"
	"slipway/gateway/auth"
	"slipway/gateway/certs"
	"slipway/uploader/local"
)

// davPrefix is where WebDAV's root lies in the server's paths.
const davPrefix = "/dav"

// shutdownGrace is how long a stop waits for requests under way.
const shutdownGrace = 30 * time.Second

// listenWeb binds the HTTP server's address.
func listenWeb(a *app) (net.Listener, error) {
	c := a.settings.Load().config
	if c.Web.Listen == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", c.Web.Listen)
	if err != nil {
		return nil, fmt.Errorf("web.listen: %w", err)
	}
	if host, _, _ := net.SplitHostPort(c.Web.Listen); c.Web.PublicURL == "" && unspecified(host) {
		a.log.Warn("web.public_url is not set: URLs of pictures hosted here begin with an address of this machine, which others may not reach; "+
			"set it to the address that people use", "begins", "http(s)://"+reachable(l.Addr().String()))
	}
	if !c.Web.TLS {
		switch {
		case loopback(l.Addr().String()):
		case c.Web.AllowPlain:
			a.log.Warn("PASSWORDS AND PICTURES CROSS THE NETWORK UNENCRYPTED: web.listen is no loopback address, web.tls is false and web.allow_plain is true; "+
				"set web.tls = true, or put a proxy with TLS in front", "address", l.Addr().String())
		default:
			a.log.Warn("only programs on this machine, and proxies of web.trusted_proxies that speak https to their clients, can sign in: web.tls is false; "+
				"set web.tls = true, or, in a network that is trusted, web.allow_plain = true", "address", l.Addr().String())
		}
		return l, nil
	}
	if err := a.openCerts(); err != nil {
		l.Close()
		return nil, err
	}
	return tls.NewListener(l, a.certs.TLSConfig()), nil
}

// openCerts loads, or makes, the certificate of the doors that have TLS, once.
func (a *app) openCerts() (err error) {
	if a.certs == nil {
		a.certs, err = certs.Load(a.certOptions())
	}
	return err
}

// certOptions says which certificate the configuration asks for.
func (a *app) certOptions() certs.Options {
	c := a.settings.Load().config
	o := certs.Options{
		CertFile: c.resolve(c.TLS.CertFile), KeyFile: c.resolve(c.TLS.KeyFile),
		ACMEDomains: c.TLS.ACMEDomains, ACMEEmail: c.TLS.ACMEEmail,
		DataDir: c.dataDir(), Log: a.log, Hosts: []string{c.FTP.PublicHost},
	}
	for _, listen := range []string{c.Web.Listen, c.FTP.Listen, c.FTP.ImplicitListen} {
		if host, _, err := net.SplitHostPort(listen); err == nil {
			o.Hosts = append(o.Hosts, host)
		}
	}
	return o
}

// serveWeb answers HTTP on l until ctx ends.
func serveWeb(ctx context.Context, a *app, l net.Listener) error {
	server := &http.Server{
		Handler:           a.webHandler(),
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(a.page.Close)
	server.RegisterOnShutdown(a.api.Close)
	return serveHTTP(ctx, server, l)
}

// serveHTTP answers on l until ctx ends, and then lets requests under way come to
// their end for shutdownGrace. What takes longer is aborted, which loses nothing.
func serveHTTP(ctx context.Context, server *http.Server, l net.Listener) error {
	stopped := make(chan error, 1)
	end := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		err := server.Shutdown(grace)
		if err != nil {
			err = server.Close()
		}
		stopped <- err
	})
	if err := server.Serve(l); end() || !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// webHandler joins what the HTTP server serves.
func (a *app) webHandler() http.Handler {
	plain := func() bool { return a.settings.Load().config.Web.AllowPlain }
	dav := auth.Encrypted(a.client, plain, auth.BasicHeard(a.users, "Slipway", a.client, a.heardWebDAV, a.limits.handler(a.dav)))
	pictures := &local.Handler{Pictures: hostedPictures{a, newCuts()}, Log: a.log}
	metrics, albums := a.metricsHandler(), a.albumHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		boundBody(w, r)
		switch {
		case strings.HasPrefix(r.URL.Path, local.Prefix):
			pictures.ServeHTTP(movingReply{w}, r)
		case strings.HasPrefix(r.URL.Path, album.Prefix):
			albums.ServeHTTP(w, r)
		case r.URL.Path == "/healthz":
			a.health(w, r)
		case r.URL.Path == "/readyz":
			a.ready(w, r)
		case r.URL.Path == "/metrics":
			metrics.ServeHTTP(w, r)
		case r.URL.Path == "/favicon.ico":
			http.NotFound(w, r)
		case apiOwn(r):
			a.api.ServeHTTP(w, r)
		case pageOwn(r):
			a.page.ServeHTTP(w, r)
		case r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			http.Redirect(w, r, davPrefix+"/", http.StatusFound)
		default:
			dav.ServeHTTP(w, r)
		}
	})
}

// health answers "ok" where the database does.
func (a *app) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := a.tree.Lookup(r.Context(), "/"); err != nil {
		a.log.Error("the database does not answer", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// userOf returns who made a request that passed auth.Basic.
func userOf(r *http.Request) auth.User {
	u, _ := auth.FromContext(r.Context())
	return u
}

// davView returns the tree as WebDAV shows it to the user of r.
func (a *app) davView(r *http.Request) (afero.Fs, error) {
	addr, _ := a.client(r)
	u := userOf(r)
	if u.Rights == auth.Drop {
		context.AfterFunc(r.Context(), a.drops.hold(u, addr))
	}
	return a.view(u, addr, doorRules{name: doorWebDAV}), nil
}

// client returns the address that r came from, and whether over TLS.
func (a *app) client(r *http.Request) (addr netip.Addr, tls bool) {
	proxies := a.settings.Load().config.Web.TrustedProxies
	if proxies.Hidden(r) {
		a.untrusted.Do(func() {
			a.log.Warn("requests come through a proxy that web.trusted_proxies does not name: all who come through it count as one client, and as without TLS; "+
				"if the proxy is yours, name its address there", "address", r.RemoteAddr)
		})
	}
	return proxies.Client(r)
}

// publicURL returns what URLs of pictures that the gateway hosts begin with, or
// "" while that is not known.
func (a *app) publicURL() string {
	c := a.settings.Load().config
	if c.Web.PublicURL != "" {
		return strings.TrimRight(c.Web.PublicURL, "/")
	}
	addr := a.address("web")
	if _, port, err := net.SplitHostPort(c.Web.Listen); addr == "" && err == nil && port != "0" {
		addr = c.Web.Listen // a command works without the fronts
	}
	if addr == "" {
		return ""
	}
	u := url.URL{Scheme: "http", Host: reachable(addr)}
	if c.Web.TLS {
		u.Scheme = "https"
	}
	return u.String()
}

// unspecified reports whether host stands for every address of the machine.
func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

// reachable returns addr, "host:port", with an address of this machine in place
// of one that stands for all of them.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !unspecified(host) {
		return addr
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return net.JoinHostPort("localhost", port)
	}
	best := "localhost"
	for _, a := range addresses {
		ip, ok := a.(*net.IPNet)
		switch {
		case !ok || !ip.IP.IsGlobalUnicast():
		case ip.IP.To4() != nil:
			return net.JoinHostPort(ip.IP.String(), port)
		case best == "localhost":
			best = ip.IP.String()
		}
	}
	return net.JoinHostPort(best, port)
}
