package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/term"

	"slipway/gateway/operate"
)

// newLogger logs to w: text for people at a terminal, JSON for machines.
func newLogger(c LogConfig, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: levelOf(c)}
	text := c.Format == "text"
	if f, ok := w.(*os.File); c.Format == "auto" && ok {
		text = term.IsTerminal(int(f.Fd()))
	}
	if text {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// levelOf is the level that is logged from.
func levelOf(c LogConfig) slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}

// serve runs a gateway until ctx ends or a front fails.
func (p program) serve(ctx context.Context, path string) error {
	c, err := loadConfig(path)
	if err != nil {
		return usage(err)
	}
	a, err := openApp(ctx, p.options(c))
	if err != nil {
		return err
	}
	ready := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- a.run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		return errors.Join(err, a.close())
	}
	p.welcome(a)
	notify(a, daemon.SdNotifyReady)
	living, dead := context.WithCancel(context.WithoutCancel(ctx)) // also while it stops
	defer dead()
	go a.feedWatchdog(living)
	hangups, stop := context.WithCancel(ctx)
	defer stop()
	a.reloadOnHangup(hangups)
	select {
	case <-ctx.Done():
		a.log.Info("stopping: transfers and uploads under way come to their end; a second signal ends at once")
	case err = <-done:
		done <- err
	}
	notify(a, daemon.SdNotifyStopping)
	return errors.Join(<-done, a.close())
}

// notify tells systemd how the service stands; without systemd nobody hears it.
func notify(a *app, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		a.log.Warn("systemd could not be told", "error", err)
	}
}

// welcome prints how to connect.
func (p program) welcome(a *app) {
	s := a.settings.Load()
	for _, w := range s.warnings {
		a.log.Warn(w)
	}
	ways := a.ways()
	if len(ways) == 0 {
		return
	}
	fmt.Fprintf(p.stderr, "Slipway %s is ready.\n\n", p.version)
	facts := []any{"version", p.version}
	if page, ok := strings.CutSuffix(ways[0].url, davPrefix+"/"); ok {
		fmt.Fprintf(p.stderr, "    %-12s %s/\n", "the page", page)
	}
	for _, w := range ways {
		fmt.Fprintf(p.stderr, "    %-12s %s\n", w.name, w.url)
		facts = append(facts, strings.ToLower(w.name), w.url)
	}
	if folder := s.tryFolder(); folder != "" {
		try := strings.TrimRight(ways[0].url, "/") + folder
		fmt.Fprintf(p.stderr, "    %-12s curl -u USER -T picture.jpg %s\n    %-12s then fetch picture.jpg.url beside it\n", "try", try, "")
	}
	fmt.Fprintln(p.stderr)
	if a.certs != nil {
		fmt.Fprintf(p.stderr, "    %-12s %s\n\n", "certificate", a.certs.Info())
	}
	a.log.Info("ready", append(facts, "data_dir", s.config.dataDir())...)
}

// tryFolder returns a folder that is there and that a route takes files from, as in
// "/inbox/"; "": each of them has a part that somebody has to choose.
func (s *settings) tryFolder() string {
	for _, f := range s.table.Folders() {
		if !strings.Contains(f, "{") {
			return strings.TrimRight(f, "/") + "/"
		}
	}
	return ""
}

// way is one way in, as people type it.
type way struct{ name, url string }

// ways returns the ways in that are open.
func (a *app) ways() (all []way) {
	c := a.settings.Load().config
	for _, d := range []struct {
		front string
		way
	}{
		{"web", way{"WebDAV", "http://"}}, {"ftp", way{"FTP", "ftp://"}}, {"ftps", way{"FTPS", "ftps://"}},
	} {
		addr := a.address(d.front)
		if addr == "" {
			continue
		}
		d.url += reachable(addr)
		if d.front == "web" {
			d.url += davPrefix
			if c.Web.TLS {
				d.url = strings.Replace(d.url, "http:", "https:", 1)
			}
		}
		all = append(all, way{d.name, d.url + "/"})
	}
	return all
}

// reloadOnHangup reloads for each SIGHUP until ctx ends.
func (a *app) reloadOnHangup(ctx context.Context) {
	if len(reloadSignals) == 0 {
		return // signal.Notify would take all
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, reloadSignals...)
	go func() {
		defer signal.Stop(hangups)
		for {
			select {
			case <-hangups:
				notify(a, daemon.SdNotifyReloading)
				done, err := a.reload(ctx)
				if err != nil {
					a.log.Error("reload refused; everything goes on as before", "error", err)
				} else {
					a.log.Info("reloaded", "changed", done.Changed, "needs_restart", done.Restart)
				}
				notify(a, daemon.SdNotifyReady)
			case <-ctx.Done():
				return
			}
		}
	}()
}

// reload takes over what can change while the gateway runs: destinations, routes,
// users, sidecars, the quiet time and certificates. Where anything is wrong with
// them, nothing changes.
func (a *app) reload(ctx context.Context) (done operate.Reloaded, err error) {
	a.reloads.Lock()
	defer a.reloads.Unlock()
	old := a.settings.Load().config
	c, err := loadConfig(old.file)
	if err != nil {
		return done, err
	}
	done.Restart = old.needsRestart(c, a.getenv)
	c.keep(old)
	s, err := a.newSettings(c)
	if err != nil {
		return done, err
	}
	accounts, err := a.accounts(c)
	if err != nil {
		return done, err
	}
	if a.certs != nil {
		if err := a.certs.Reload(ctx); err != nil {
			return done, err
		}
		done.Changed = append(done.Changed, "certificate")
	}
	if err := a.users.Reload(accounts); err != nil {
		return done, err
	}
	if last := a.pool.Load(); last != nil {
		last.Retire() // nothing is claimed any more by what held before
	}
	a.apply(s)
	done.Changed = append(done.Changed, "users", "destinations", "routes", "sidecar", "settle", "webhooks", "watch")
	// The configuration holds now; what follows hurries it.
	if err := errors.Join(a.ledger.Reconsider(ctx), a.ledger.ProbeNow(ctx), a.makeFolders(ctx, s)); err != nil {
		a.log.Error("reloaded, but not everything that waits was looked at again", "error", err)
	}
	return done, nil
}

// needsRestart returns the tables of which next differs in what a running gateway
// cannot change.
func (c *Config) needsRestart(next *Config, getenv func(string) (string, bool)) (tables []string) {
	differs := func(table string, is bool) {
		if is {
			tables = append(tables, table)
		}
	}
	differs("data_dir", c.dataDir() != next.dataDir())
	differs("web", c.Web.Listen != next.Web.Listen || c.Web.TLS != next.Web.TLS)
	differs("ftp", c.FTP.differs(next.FTP))
	differs("tls", c.TLS.CertFile != next.TLS.CertFile || c.TLS.KeyFile != next.TLS.KeyFile ||
		!slices.Equal(c.TLS.ACMEDomains, next.TLS.ACMEDomains) || c.TLS.ACMEEmail != next.TLS.ACMEEmail)
	was, _ := c.Storage.Index.Resolve(getenv) // loadConfig's caller has resolved both
	is, _ := next.Storage.Index.Resolve(getenv)
	differs("storage.index", was != is)
	differs("log", c.Log.Level != next.Log.Level || c.Log.Format != next.Log.Format)
	return tables
}

// keep puts what needs a restart back to what holds.
func (c *Config) keep(old *Config) {
	life := c.FTP.PartialLife
	c.FTP = old.FTP
	c.FTP.PartialLife = life
	c.DataDir, c.Web.Listen, c.Web.TLS, c.TLS, c.Log, c.Storage.Index = old.DataDir, old.Web.Listen, old.Web.TLS, old.TLS, old.Log, old.Storage.Index
}

// serveControl answers the commands on the control socket until ctx ends. It calls
// ready, if not nil.
func (a *app) serveControl(ctx context.Context, l net.Listener, ready func()) error {
	if ready != nil {
		ready()
	}
	server := &http.Server{Handler: operate.Handler(operations{a}), ReadHeaderTimeout: 30 * time.Second,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	return serveHTTP(ctx, server, l)
}
