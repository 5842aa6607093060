package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slipway/gateway/forwarded"
	"slipway/gateway/strict"
	"slipway/uploader"
	"slipway/uploader/route"
)

// Config is config.toml. Relative paths in it are relative to its folder.
type Config struct {
	// DataDir holds everything the gateway keeps.
	DataDir     string                       `toml:"data_dir"`
	Web         WebConfig                    `toml:"web"`
	API         APIConfig                    `toml:"api"`
	FTP         FTPConfig                    `toml:"ftp"`
	TLS         TLSConfig                    `toml:"tls"`
	Users       []UserConfig                 `toml:"user"`
	Destination map[string]DestinationConfig `toml:"destination"`
	Routes      []route.Config               `toml:"route"`
	Watches     []WatchConfig                `toml:"watch"`
	Settle      SettleConfig                 `toml:"settle"`
	Sidecar     SidecarConfig                `toml:"sidecar"`
	Storage     StorageConfig                `toml:"storage"`
	Webhooks    []WebhookConfig              `toml:"webhook"`
	Links       LinksConfig                  `toml:"links"`
	Log         LogConfig                    `toml:"log"`

	Places strict.Places `toml:"-"`
	file   string
}

// WebConfig is the HTTP server: WebDAV at /dav/, hosted pictures at /i/.
type WebConfig struct {
	Listen string `toml:"listen"`
	TLS    bool   `toml:"tls"`
	// AllowPlain takes passwords over plain HTTP from other machines too.
	AllowPlain bool `toml:"allow_plain"`
	// QuotaForMacOS tells quotas to Finder too.
	QuotaForMacOS bool `toml:"quota_for_macos"`
	// PublicURL is what URLs of the local driver begin with; "": the bound address.
	PublicURL string `toml:"public_url"`
	// TrustedProxies are believed when they say for whom they ask.
	TrustedProxies forwarded.Proxies `toml:"trusted_proxies"`
	// UploadRate is how many bytes a second one user may send; 0: any.
	UploadRate strict.Size `toml:"upload_rate"`
	// Metrics says who may read /metrics: metricsLoopback, metricsUsers or metricsOff.
	Metrics string `toml:"metrics"`
	// MetricsToken lets programs elsewhere read it.
	MetricsToken strict.Secret `toml:"metrics_token"`

	Places strict.Places `toml:"-"`
}

// TLSConfig says where the certificate comes from.
type TLSConfig struct {
	CertFile    string   `toml:"cert_file"`
	KeyFile     string   `toml:"key_file"`
	ACMEDomains []string `toml:"acme_domains"`
	ACMEEmail   string   `toml:"acme_email"`

	Places strict.Places `toml:"-"`
}

// UserConfig is one account.
type UserConfig struct {
	Name       string        `toml:"name"`
	Password   strict.Secret `toml:"password"`
	Home       string        `toml:"home"`
	Rights     string        `toml:"rights"`
	Expires    time.Time     `toml:"expires"`
	Quota      strict.Size   `toml:"quota"`
	RequireTLS bool          `toml:"require_tls"`

	Places strict.Places `toml:"-"`
}

// DestinationConfig is one account at one host. Which keys apply depends on the
// driver; see the table in drivers.go.
type DestinationConfig struct {
	Driver      string          `toml:"driver"`
	URL         string          `toml:"url"`
	Key         strict.Secret   `toml:"key"`
	Token       strict.Secret   `toml:"token"`
	AlbumPage   string          `toml:"album_page"`
	Replace     bool            `toml:"replace"`
	Concurrency *int            `toml:"concurrency"`
	PerMinute   *int            `toml:"per_minute"`
	PerHour     *int            `toml:"per_hour"`
	PerDay      *int            `toml:"per_day"`
	Bandwidth   strict.Size     `toml:"bandwidth"` // bytes a second
	MaxSize     strict.Size     `toml:"max_size"`
	Timeout     strict.Duration `toml:"timeout"`
	CustomConfig

	Places strict.Places `toml:"-"`
}

// SettleConfig says when a file is left alone for long enough.
type SettleConfig struct {
	Quiet strict.Duration `toml:"quiet"`
	// Ceiling ends endless rewriting.
	Ceiling strict.Duration `toml:"ceiling"`
	// IncompleteAfter is when a file that is not whole is reported.
	IncompleteAfter strict.Duration `toml:"incomplete_after"`

	Places strict.Places `toml:"-"`
}

// SidecarConfig names the sidecars shown.
type SidecarConfig struct {
	File   []string `toml:"file"`
	Folder []string `toml:"folder"`

	Places strict.Places `toml:"-"`
}

// StorageConfig says where names and bytes are kept.
type StorageConfig struct {
	Index    strict.Secret `toml:"index"` // a DSN may hold a password
	Blobs    string        `toml:"blobs"`
	Keep     string        `toml:"keep"`
	Unrouted string        `toml:"unrouted"`

	Places strict.Places `toml:"-"`
}

// LogConfig says what is logged, and how.
type LogConfig struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`

	Places strict.Places `toml:"-"`
}

// defaults returns what holds where the configuration says nothing.
func defaults() Config {
	return Config{
		DataDir: "data",
		Links:   LinksConfig{Allow: []LinkNetwork{}},
		Web:     WebConfig{Listen: "127.0.0.1:8080", TrustedProxies: forwarded.Proxies{}, Metrics: metricsLoopback},
		API:     APIConfig{Wait: strict.Duration(30 * time.Second), Origins: []string{}},
		FTP:     ftpDefaults(),
		Settle: SettleConfig{
			Quiet: strict.Duration(2 * time.Second), Ceiling: strict.Duration(5 * time.Minute),
			IncompleteAfter: strict.Duration(10 * time.Minute),
		},
		Sidecar: SidecarConfig{File: []string{"url", "json"}, Folder: []string{"html", "md", "csv"}},
		Storage: StorageConfig{Index: strict.NewSecret("sqlite"), Blobs: "disk", Keep: "always", Unrouted: route.RefuseUnrouted},
		Log:     LogConfig{Level: "info", Format: "auto"},
	}
}

// loadConfig reads and checks the configuration at path. Its error lists
// everything that is wrong.
func loadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no configuration at %s; make one with `slipway init`, or name another with --config", path)
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	c := defaults()
	if err := strict.Decode(text, path, &c); err != nil {
		return nil, err
	}
	if c.file, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	c.resolveWatches()
	if err := c.check(); err != nil {
		return nil, err
	}
	return &c, nil
}

// resolve returns a path of the configuration as one that can be opened.
func (c *Config) resolve(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(filepath.Dir(c.file), p)
}

// dataDir returns the folder that the lock is on.
func (c *Config) dataDir() string { return c.resolve(c.DataDir) }

// mistakes collects what is wrong with a configuration, each with its place.
type mistakes struct {
	file string
	errs []error
}

// add reports key, one of the table whose places are given and which people know
// as table.
func (m *mistakes) add(places strict.Places, table, key, format string, args ...any) {
	where := filepath.Base(m.file)
	if at := places.Of(key); at.Line > 0 {
		where += fmt.Sprintf(":%d", at.Line)
	}
	if table != "" {
		key = table + "." + key
	}
	m.errs = append(m.errs, fmt.Errorf("%s: %s: %s", where, key, fmt.Sprintf(format, args...)))
}

// oneOf reports a value that is none of known.
func (m *mistakes) oneOf(places strict.Places, table, key, value string, known ...string) {
	if !slices.Contains(known, value) {
		m.add(places, table, key, "%q is not known; %s", value, strict.Suggest(value, known))
	}
}

// check finds what no decoder can.
func (c *Config) check() error {
	m := &mistakes{file: c.file}
	if c.DataDir == "" {
		m.add(c.Places, "", "data_dir", `name a folder, as in "data"`)
	}
	c.FTP.check(m)
	if _, _, err := net.SplitHostPort(c.Web.Listen); err != nil && c.Web.Listen != "" {
		m.add(c.Web.Places, "web", "listen", `%q is no address; write host and port, as in "127.0.0.1:8080"`, c.Web.Listen)
	}
	if u, err := url.Parse(c.Web.PublicURL); c.Web.PublicURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		m.add(c.Web.Places, "web", "public_url", `%q is no address of a site, as in "https://pictures.example"`, c.Web.PublicURL)
	}
	if r := c.Web.UploadRate; r > 0 && r < minUploadRate {
		m.add(c.Web.Places, "web", "upload_rate", `it must be 0 (no limit) or at least "1KiB" a second`)
	}
	m.oneOf(c.Web.Places, "web", "metrics", c.Web.Metrics, metricsLoopback, metricsUsers, metricsOff)
	c.checkOneDoorEach(m)
	c.checkStorage(m)
	c.checkWatches(m)
	c.checkWebhooks(m)
	c.API.check(m)
	for i, u := range c.Users {
		if u.Password.Named() {
			continue
		}
		if text, err := u.Password.Resolve(nil); err != nil || !strings.HasPrefix(text, "$") {
			m.add(u.Places, fmt.Sprintf("user %d (%s)", i+1, u.Name), "password",
				"it is missing or stands in plain text; put in what `slipway passwd` prints, or \"env:NAME\" or \"file:PATH\"")
		}
	}
	m.oneOf(c.Log.Places, "log", "level", c.Log.Level, "debug", "info", "warn", "error")
	m.oneOf(c.Log.Places, "log", "format", c.Log.Format, "auto", "text", "json")
	for _, kind := range c.Sidecar.File {
		m.oneOf(c.Sidecar.Places, "sidecar", "file", kind, "url", "json", "txt", "md", "html", "bbcode")
	}
	for _, kind := range c.Sidecar.Folder {
		m.oneOf(c.Sidecar.Places, "sidecar", "folder", kind, "html", "md", "csv")
	}
	if c.Settle.Ceiling < c.Settle.Quiet {
		m.add(c.Settle.Places, "settle", "ceiling", "it must not be shorter than settle.quiet")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Destination)) {
		c.Destination[name].check(m, "destination."+name)
	}
	return errors.Join(m.errs...)
}

// checkOneDoorEach reports an address that two doors are to listen on.
func (c *Config) checkOneDoorEach(m *mistakes) {
	doors := []struct {
		places             strict.Places
		table, key, listen string
	}{
		{c.Web.Places, "web", "listen", c.Web.Listen},
		{c.FTP.Places, "ftp", "listen", c.FTP.Listen},
		{c.FTP.Places, "ftp", "implicit_listen", c.FTP.ImplicitListen},
	}
	for i, d := range doors {
		if _, port, err := net.SplitHostPort(d.listen); err != nil || port == "0" {
			continue
		}
		for _, e := range doors[:i] {
			if e.listen == d.listen {
				m.add(d.places, d.table, d.key, "%q is the address of %s.%s already; choose another port", d.listen, e.table, e.key)
			}
		}
	}
}

func (c *Config) checkStorage(m *mistakes) {
	s := c.Storage
	if s.Blobs != "disk" {
		m.add(s.Places, "storage", "blobs", `%q is not supported; "disk" is the only one so far`, s.Blobs)
	}
	if err := route.CheckKeep(s.Keep); err != nil {
		m.add(s.Places, "storage", "keep", "%v", err)
	}
	m.oneOf(s.Places, "storage", "unrouted", s.Unrouted, route.RefuseUnrouted, route.StoreUnrouted)
}

// check reports what is wrong with the destination called table.
func (d DestinationConfig) check(m *mistakes, table string) {
	kind, ok := driverNamed(d.Driver)
	if !ok {
		m.oneOf(d.Places, table, "driver", d.Driver, driverNames()...)
		return
	}
	set := d.set()
	for _, key := range slices.Sorted(maps.Keys(set)) {
		switch {
		case set[key] && !slices.Contains(kind.keys, key):
			m.add(d.Places, table, key, "the driver %q has no such key; take it away", d.Driver)
		case !set[key] && slices.Contains(kind.needs, key):
			m.add(d.Places, table, key, "it is missing, and the driver %q needs it", d.Driver)
		}
	}
	for key, n := range map[string]*int{"concurrency": d.Concurrency, "per_minute": d.PerMinute, "per_hour": d.PerHour, "per_day": d.PerDay} {
		if n != nil && *n < 0 {
			m.add(d.Places, table, key, "it must be 0 (no limit) or more")
		}
	}
}

// set tells which of the keys that not every driver has are set.
func (d DestinationConfig) set() map[string]bool {
	set := d.CustomConfig.set()
	maps.Copy(set, map[string]bool{
		"url": d.URL != "", "key": !d.Key.IsZero(), "token": !d.Token.IsZero(), "album_page": d.AlbumPage != "",
		"replace": d.Replace, "per_minute": d.PerMinute != nil, "per_hour": d.PerHour != nil, "per_day": d.PerDay != nil,
		"bandwidth": d.Bandwidth > 0, "timeout": d.Timeout > 0,
	})
	return set
}

// limits returns what holds for the host: what the configuration says, else what
// the driver knows. 0 in the configuration is no limit.
func (d DestinationConfig) limits(known uploader.Limits) uploader.Limits {
	or := func(n *int, known int) int {
		if n != nil {
			return *n
		}
		return known
	}
	return uploader.Limits{
		PerMinute: or(d.PerMinute, known.PerMinute), PerHour: or(d.PerHour, known.PerHour), PerDay: or(d.PerDay, known.PerDay),
		Concurrency: or(d.Concurrency, known.Concurrency), Bandwidth: int64(d.Bandwidth),
	}
}
