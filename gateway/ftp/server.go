package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"slipway/gateway/ftp/front"
	"slipway/gateway/ftp/passive"
)

// Server is the FTP door. One serves any number of listeners.
type Server struct {
	Options
	ports   passive.Dealer
	waiting passive.Waiting
	crowd   *front.Crowd // the sessions of all listeners
	host    *passive.Host
	buffers sync.Pool // *[largeChunk]byte

	mu      sync.Mutex
	busy    int // calls of the library, and files that it holds
	nothing *sync.Cond
}

// New returns a door.
func New(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Server{Options: o, ports: passive.Dealer{Ports: o.Ports}, crowd: front.NewCrowd()}
	s.host = passive.NewHost(o.PublicHost, o.Clock, o.Log)
	s.buffers.New = func() any { return new([largeChunk]byte) }
	s.nothing = sync.NewCond(&s.mu)
	return s, nil
}

// work notes that something of the file system is in use until the returned
// function is called.
func (s *Server) work() (done func()) {
	s.mu.Lock()
	s.busy++
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.busy--; s.busy == 0 {
			s.nothing.Broadcast()
		}
	}
}

// idle waits until nothing of the file system is in use.
func (s *Server) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy > 0 {
		s.nothing.Wait()
	}
}

// Serve answers on l, where implicit with TLS from the first byte, until ctx ends.
// Transfers under way then have Options.Grace to come to their end; what takes
// longer is broken off, and kept. When Serve returns, nothing of the file systems
// is in use by this door any more.
func (s *Server) Serve(ctx context.Context, l net.Listener, implicit bool) error {
	o := s.Control
	o.Implicit, o.Log, o.Clean = implicit, s.Log, plain
	o.Crowd = s.crowd
	if !s.sharing() {
		o.Passive = s.waiting.Own
	}
	control := front.Listen(l, o)
	// What the file systems do must outlive ctx, and end with the grace.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	library := ftpserver.NewFtpServer(&driver{door: s, control: control, ctx: work})
	library.Logger = slog.New(quiet{s.Log.Handler()})
	ended := make(chan error, 1)
	end := context.AfterFunc(ctx, func() {
		// Before the listener's error: after that the library forgets the ports that
		// its clients share.
		err := library.Stop()
		grace, cancel := context.WithTimeout(work, s.Grace)
		defer cancel()
		if e := control.Shutdown(grace); !errors.Is(e, context.DeadlineExceeded) {
			err = errors.Join(err, e)
		}
		ended <- err
	})
	err := library.ListenAndServe()
	if end() { // the listener failed by itself
		err = errors.Join(err, control.Shutdown(ctx))
	} else {
		err = errors.Join(err, <-ended)
	}
	s.idle()
	return err
}

// driver is what the library asks for one listener.
type driver struct {
	door    *Server
	control *front.Listener
	ctx     context.Context // of the file systems
}

var (
	_ ftpserver.MainDriver                        = (*driver)(nil)
	_ ftpserver.MainDriverExtensionPassiveWrapper = (*driver)(nil)
)

// GetSettings returns how the library is to behave.
func (d *driver) GetSettings() (*ftpserver.Settings, error) {
	o := &ftpserver.Settings{
		Listener: d.control,
		Banner:   "Slipway",
		// Passwords and files, byte by byte: nobody needs the rest.
		DefaultTransferType: ftpserver.TransferTypeBinary, DisableASCIIConversion: true,
		DisableSite: true, EnableHASH: true,
		DisableActiveMode: !d.door.Control.Active, ActiveTransferPortNon20: true,
		ConnectionTimeout: int(connectTimeout.Seconds()),
		PublicIPResolver:  d.announce,
	}
	if d.door.Ports != (passive.Ports{}) {
		o.PassiveTransferPortRange = &d.door.ports
		o.PassiveTransferPortMultiplexing = d.door.sharing()
	}
	return o, nil
}

// announce is the address that PASV tells a client.
func (d *driver) announce(cc ftpserver.ClientContext) (string, error) {
	addr, err := d.door.host.Announce(d.ctx, addrOf(cc.LocalAddr()), addrOf(cc.RemoteAddr()))
	if err != nil {
		return "", err
	}
	return addr.String(), nil
}

// ClientConnected greets.
func (d *driver) ClientConnected(ftpserver.ClientContext) (string, error) {
	return "Slipway", nil
}

// ClientDisconnected ends the account's use. Files that the session holds are closed
// after it.
func (d *driver) ClientDisconnected(cc ftpserver.ClientContext) { d.use(cc, nil) }

// use makes end what ends the account that the connection uses now, and ends the one
// before.
func (d *driver) use(cc ftpserver.ClientContext, end func()) {
	if last, ok := cc.Extra().(func()); ok && last != nil {
		last()
	}
	cc.SetExtra(end)
}

// heard tells of a sign-in, unless it was turned away because the door closes.
func (d *driver) heard(s SignIn) {
	if d.door.Heard != nil && (s.Err == nil || d.ctx.Err() == nil) {
		d.door.Heard(s)
	}
}

// AuthUser lets a user in.
func (d *driver) AuthUser(cc ftpserver.ClientContext, user, password string) (ftpserver.ClientDriver, error) {
	defer d.door.work()()
	c := front.SessionOf(cc.RemoteAddr())
	if c == nil {
		return nil, errors.New("the gateway could not let you in")
	}
	acc, err := d.door.LogIn(d.ctx, user, password, c.Remote().Addr().Unmap(), c.Secure())
	s := SignIn{User: user, Secure: c.Secure(), Implicit: c.Implicit(), Client: cc.GetClientVersion(), Err: err}
	if d.heard(s); err != nil {
		return nil, err
	}
	d.use(cc, func() {
		s.Client, s.End = cc.GetClientVersion(), true
		d.heard(s)
		if acc.End != nil {
			acc.End()
		}
	})
	c.Require(acc.Valid)
	log := d.door.Log.With("door", "ftp", "user", user)
	return &session{door: d.door, cc: cc, front: c, acc: acc, log: log}, nil
}

// GetTLSConfig returns the same pointer each time, so that data connections resume
// the control connection's session.
func (d *driver) GetTLSConfig() (*tls.Config, error) {
	if d.door.Control.TLS == nil {
		return nil, errors.New("this gateway has no TLS")
	}
	return d.door.Control.TLS, nil
}

// WrapPassiveListener watches over the listener for one data connection.
func (d *driver) WrapPassiveListener(l net.Listener) (net.Listener, error) {
	if d.door.sharing() {
		return passive.NewShared(l, d.door.Stall), nil
	}
	return d.door.waiting.Listen(l, d.door.Control.ProxyFrom, d.door.Stall), nil
}

// sharing reports whether clients share passive ports.
func (s *Server) sharing() bool { return s.ShareData && s.Ports != (passive.Ports{}) }

// addrOf returns the address of a connection's end.
func addrOf(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// plain returns a line of a refusal without what the library puts before the
// words for people.
func plain(line string) string {
	if len(line) < 4 || line[0] != '5' && line[0] != '4' {
		return line
	}
	for _, s := range []string{
		"driver error: calling GetHandle: ", "file access error: couldn't stat: ", "file access error: couldn't open directory: ",
		"network error: error transferring data: ", "network error: Unable to open transfer: ",
		"failed to accept passive transfer connection: ", "network error: couldn't send NLST data: ",
		"error writing LIST entry: ", "network error: error writing MLSD entry: ", "network error: could not establish active connection: ",
	} {
		line = line[:4] + strings.Replace(line[4:], s, "", 1)
	}
	return line[:4] + addresses.ReplaceAllString(line[4:], "")
}

// addresses is what an error of package net begins with: whose address is in it is
// nothing for a reply.
var addresses = regexp.MustCompile(`(?:read|write|dial|accept|close) tcp[46]? \S+: `)

// quiet is a log that takes what the library says for details: it calls every
// client that goes away an error.
type quiet struct{ slog.Handler }

// Enabled reports whether details are logged.
func (q quiet) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle logs r as a detail.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return q.Handler.Handle(ctx, r)
}

// WithAttrs keeps the level.
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

// WithGroup keeps the level.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
