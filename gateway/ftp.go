package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/afero"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"slipway/gateway/auth"
	"slipway/gateway/forwarded"
	"slipway/gateway/ftp"
	"slipway/gateway/ftp/passive"
	"slipway/gateway/strict"
	"slipway/uploader/whole"
	"slipway/vfs"
)

// FTPConfig is the FTP door.
type FTPConfig struct {
	Listen string `toml:"listen"`
	// ImplicitListen is for clients that begin with TLS.
	ImplicitListen string `toml:"implicit_listen"`
	// TLS is off, optional or required.
	TLS string `toml:"tls"`
	// PassivePorts is a range; "": any port that is free.
	PassivePorts strict.Ports `toml:"passive_ports"`
	PublicHost   string       `toml:"public_host"`
	Active       bool         `toml:"active"`
	// SharePorts lets clients of different addresses wait on one passive port.
	SharePorts bool `toml:"share_ports"`
	// ProxyFrom are the balancers that send the PROXY protocol.
	ProxyFrom forwarded.Proxies `toml:"proxy_from"`
	Lenient   bool              `toml:"lenient"`
	// Charset is that of names which are not UTF-8.
	Charset               string          `toml:"charset"`
	MaxSessions           int             `toml:"max_sessions"`
	MaxSessionsPerAddress int             `toml:"max_sessions_per_address"`
	LoginTimeout          strict.Duration `toml:"login_timeout"`
	IdleTimeout           strict.Duration `toml:"idle_timeout"`
	StallTimeout          strict.Duration `toml:"stall_timeout"`
	// PartialLife is how long uploads that were broken off are kept.
	PartialLife strict.Duration `toml:"partial_life"`

	Places strict.Places `toml:"-"`
}

// What ftp.tls may be.
const (
	ftpPlain    = "off"
	ftpOptional = "optional"
	ftpRequired = "required"
)

// ftpDefaults returns what holds where [ftp] says nothing.
func ftpDefaults() FTPConfig {
	return FTPConfig{
		Listen: "127.0.0.1:2121", TLS: ftpOptional, PassivePorts: strict.Ports{First: 30000, Last: 30099}, ProxyFrom: forwarded.Proxies{}, Lenient: true, Charset: "latin1",
		MaxSessions: 500, MaxSessionsPerAddress: 100,
		LoginTimeout: strict.Duration(30 * time.Second), IdleTimeout: strict.Duration(10 * time.Minute),
		StallTimeout: strict.Duration(time.Minute), PartialLife: strict.Duration(24 * time.Hour),
	}
}

// check reports what is wrong with [ftp].
func (c FTPConfig) check(m *mistakes) {
	for key, addr := range map[string]string{"listen": c.Listen, "implicit_listen": c.ImplicitListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil && addr != "" {
			m.add(c.Places, "ftp", key, `%q is no address; write host and port, as in "0.0.0.0:21"`, addr)
		}
	}
	m.oneOf(c.Places, "ftp", "tls", c.TLS, ftpPlain, ftpOptional, ftpRequired)
	if c.TLS == ftpPlain && c.ImplicitListen != "" {
		m.add(c.Places, "ftp", "implicit_listen", `it is for TLS alone, which ftp.tls = "off" forbids`)
	}
	if c.SharePorts && c.PassivePorts == (strict.Ports{}) {
		m.add(c.Places, "ftp", "share_ports", "it needs a range in passive_ports")
	}
	if c.SharePorts && len(c.ProxyFrom) > 0 {
		m.add(c.Places, "ftp", "share_ports", "behind proxy_from all clients have the balancer's address, by which ports are shared; give passive_ports more ports instead")
	}
	if strings.ContainsAny(c.PublicHost, ":/ ") {
		m.add(c.Places, "ftp", "public_host", `%q is no name or IPv4 address, as in "ftp.example.org"; clients over IPv6 need none`, c.PublicHost)
	}
	if _, err := c.decoder(); err != nil {
		m.add(c.Places, "ftp", "charset", "%v", err)
	}
	for key, n := range map[string]int{"max_sessions": c.MaxSessions, "max_sessions_per_address": c.MaxSessionsPerAddress} {
		if n < 1 {
			m.add(c.Places, "ftp", key, "it must be 1 or more")
		}
	}
	for key, d := range map[string]strict.Duration{"login_timeout": c.LoginTimeout, "idle_timeout": c.IdleTimeout,
		"stall_timeout": c.StallTimeout, "partial_life": c.PartialLife} {
		if d < strict.Duration(time.Second) {
			m.add(c.Places, "ftp", key, "it must be 1s or more")
		}
	}
}

// differs reports whether a running door would have to be started anew for next.
func (c FTPConfig) differs(next FTPConfig) bool {
	c.Places, next.Places = nil, nil
	c.PartialLife, next.PartialLife = 0, 0
	return !reflect.DeepEqual(c, next)
}

// decoder returns what makes UTF-8 of names in the charset; nil for "".
func (c FTPConfig) decoder() (func(string) string, error) {
	if c.Charset == "" {
		return nil, nil
	}
	e, err := htmlindex.Get(c.Charset)
	if err != nil || e == encoding.Nop {
		return nil, fmt.Errorf(`%q is no character set that is known, as in "latin1", "shift_jis" or "gbk"`, c.Charset)
	}
	return func(name string) string {
		s, err := e.NewDecoder().String(name)
		if err != nil {
			return "" // the door escapes it
		}
		return s
	}, nil
}

// ftpDoor returns the door, made when the first of its listeners is bound.
func (a *app) ftpDoor() (*ftp.Server, error) {
	if a.ftp != nil {
		return a.ftp, nil
	}
	c := a.settings.Load().config.FTP
	decode, err := c.decoder() // check has seen that it is right
	if err != nil {
		return nil, err
	}
	o := ftp.Options{
		LogIn: a.ftpLogIn,
		Control: ftp.Control{
			TLSRequired: c.TLS == ftpRequired, RequireTLS: a.needsTLS, Active: c.Active, ProxyFrom: c.ProxyFrom.Prefixes(),
			MaxSessions: c.MaxSessions, MaxPerAddress: c.MaxSessionsPerAddress,
			LoginTimeout: time.Duration(c.LoginTimeout), IdleTimeout: time.Duration(c.IdleTimeout),
		},
		Ports: passive.Ports(c.PassivePorts), ShareData: c.SharePorts, PublicHost: c.PublicHost, Lenient: c.Lenient, Decode: decode,
		Stall: time.Duration(c.StallTimeout), Grace: shutdownGrace, Log: a.log,
		Whole: provenWhole, Broken: provenBroken, Heard: a.heardFTP,
		Again: func() time.Duration { return time.Duration(a.settings.Load().config.Settle.Quiet) },
	}
	if c.TLS != ftpPlain {
		if err := a.openCerts(); err != nil {
			return nil, err
		}
		o.Control.TLS = a.certs.FTPConfig()
	}
	a.ftp, err = ftp.New(o)
	return a.ftp, err
}

// listenFTP binds the FTP door's address.
func listenFTP(a *app) (net.Listener, error) {
	c := a.settings.Load().config.FTP
	l, err := a.bindFTP("ftp.listen", c.Listen)
	if l != nil && c.TLS != ftpRequired && !loopback(l.Addr().String()) {
		a.log.Warn(`PASSWORDS AND PICTURES MAY CROSS THE NETWORK UNENCRYPTED: ftp.listen is no loopback address; `+
			`set ftp.tls = "required" if every device can do FTPS`, "address", l.Addr().String())
	}
	return l, err
}

// listenFTPS binds the address of implicit FTPS.
func listenFTPS(a *app) (net.Listener, error) {
	return a.bindFTP("ftp.implicit_listen", a.settings.Load().config.FTP.ImplicitListen)
}

func (a *app) bindFTP(key, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	if _, err := a.ftpDoor(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return l, nil
}

func serveFTP(ctx context.Context, a *app, l net.Listener) error { return a.ftp.Serve(ctx, l, false) }

func serveFTPS(ctx context.Context, a *app, l net.Listener) error { return a.ftp.Serve(ctx, l, true) }

// needsTLS reports whether an account may come through TLS only. It says so of
// names that are nobody's where all accounts are so, and tells no guesser more.
func (a *app) needsTLS(user string) bool {
	users := a.settings.Load().config.Users
	all := len(users) > 0
	for _, u := range users {
		if u.Name == user {
			return u.RequireTLS
		}
		all = all && u.RequireTLS
	}
	return all
}

// ftpLogIn lets a user in at the FTP door.
func (a *app) ftpLogIn(ctx context.Context, user, password string, from netip.Addr, secure bool) (ftp.Account, error) {
	u, err := a.users.Check(ctx, user, password, from)
	switch {
	case err != nil && ctx.Err() != nil:
		return ftp.Account{}, errors.New("the gateway is stopping")
	case err != nil:
		return ftp.Account{}, err
	case u.RequireTLS && !secure:
		return ftp.Account{}, errors.New("this account is for FTPS only; switch TLS on")
	}
	var end func()
	if u.Rights == auth.Drop {
		end = a.drops.hold(u, from)
	}
	return ftp.Account{
		End:    end,
		Valid:  func() error { return a.users.Still(u) },
		FS:     underContext(ctx, a.view(u, from, doorRules{name: doorFTP, sameName: vfs.Version, heed: true, apart: true})),
		GoesOn: func(f afero.File, name string, own fs.FileInfo) bool { return a.goesOn(ctx, f, name, own) },
		Opened: func(f afero.File, name string, mine fs.FileInfo) {
			if y, ok := f.(interface{ YieldIf(func(vfs.Entry) bool) }); ok {
				y.YieldIf(func(before vfs.Entry) bool { return a.yields(ctx, before, f, name, mine) })
			}
		},
	}, nil
}

// goesOn reports whether f, which was opened at name to be written on, may be: not
// where it goes on from a picture that is whole, unless the session has stored that
// itself. Whoever was cut and comes back would put the end of his picture after the
// head of another.
func (a *app) goesOn(ctx context.Context, f afero.File, name string, own fs.FileInfo) bool {
	o, ok := f.(interface{ Onto() (vfs.Entry, bool) })
	if !ok {
		return true
	}
	base, began := o.Onto()
	if e, ok := entryOf(own); !began || ok && e.ID == base.ID && e.SHA256 == base.SHA256 {
		return true
	}
	r, err := a.fs.OpenEntry(ctx, base)
	if err != nil {
		return false // whatever it is, it is not to be lost
	}
	defer r.Close()
	return !whole.Proves(r, base.Size, base.Type, name)
}

// yields reports whether before gives way to the staged f of its name: what broke
// off, or is only for a time, does, and what the session has just stored does for
// a file that is whole too, because scanners store a file anew for each page.
func (a *app) yields(ctx context.Context, before vfs.Entry, f afero.File, name string, mine fs.FileInfo) bool {
	if vfs.Temporary(name) || vfs.Junk(name) || !a.isWhole(ctx, before, name) {
		return true
	}
	own, ok := entryOf(mine)
	if !ok || own.ID != before.ID || own.SHA256 != before.SHA256 {
		return false
	}
	e, ok := stagedEntry(f)
	return ok && e.Size > 0 && whole.Check(f, e.Size, e.Type, name) == nil
}

// entryOf returns the entry that info, which may be nil, is of.
func entryOf(info fs.FileInfo) (e vfs.Entry, ok bool) {
	if info != nil {
		e, ok = info.Sys().(vfs.Entry)
	}
	return e, ok
}

// stagedEntry returns the entry that f, which is being written, is to become.
func stagedEntry(f afero.File) (vfs.Entry, bool) {
	info, err := f.Stat()
	if err != nil {
		return vfs.Entry{}, false
	}
	return entryOf(info)
}

// provenWhole reports whether what is staged shows that nothing of it is missing.
func provenWhole(f afero.File, name string) bool {
	e, ok := stagedEntry(f)
	return ok && whole.Proves(f, e.Size, e.Type, name)
}

// provenBroken reports whether what is staged shows that something of it is missing.
func provenBroken(f afero.File, name string) bool {
	e, ok := stagedEntry(f)
	var problem *whole.Problem
	return ok && errors.As(whole.Check(f, e.Size, e.Type, name), &problem)
}

// underContext returns view for the time of ctx.
func underContext(ctx context.Context, view afero.Fs) afero.Fs {
	if v, ok := view.(interface {
		WithContext(context.Context) afero.Fs
	}); ok {
		return v.WithContext(ctx)
	}
	return view
}

// isWhole reports whether e, which stood at name, has come whole, so that another
// file of that name is another picture.
func (a *app) isWhole(ctx context.Context, e vfs.Entry, name string) bool {
	if e.Size == 0 {
		return false
	}
	r, err := a.fs.OpenEntry(ctx, e)
	if err != nil {
		return true // whatever it is, it is not to be lost
	}
	defer r.Close()
	var problem *whole.Problem
	return !errors.As(whole.Check(r, e.Size, e.Type, name), &problem)
}
