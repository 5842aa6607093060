// Package front is the control connection of the FTP door: a net.Listener to put
// between the network and github.com/fclairamb/ftpserverlib. Each connection that
// it accepts for the library reads the client's commands one at a time and passes
// the library's replies back line by line, and so adds what the library has no
// place for, whose table of commands is private:
//
//   - TLS is ended here, implicit (Options.Implicit) and explicit (AUTH, RFC 4217),
//     so that commands can be read. The library believes every control connection
//     plain; data connections are protected by the library after PROT P.
//   - Commands that it lacks are rewritten into ones that it has, or into NOOP,
//     whose reply is then replaced: the order of replies remains the library's.
//   - Limits for sessions and for those who have not signed in yet, deadlines, the
//     PROXY protocol, and an orderly end.
//
// No goroutine is spent on a session once the library has it.
package front

import (
	"cmp"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"slipway/gateway/ftp/front/dialogue"
)

// Options says how a Listener behaves. The zero value is a plain FTP port.
type Options struct {
	// TLS is the certificate and the session tickets of control connections. It
	// is used by this pointer for the Listener's whole life, so reload certificates
	// by its GetCertificate: then sessions are resumed across a reload. Nil: AUTH
	// is answered 502. Give the library's GetTLSConfig a config whenever this is
	// set: FEAT and PROT P depend on it. For data that may not be TLS 1.3 with
	// tickets: one that a client has not read turns its close into a reset.
	TLS *tls.Config
	// Implicit begins every connection with a TLS handshake, as on port 990. Data
	// connections are then protected without PROT P, until PROT C. TLS is required.
	Implicit bool
	// TLSRequired refuses USER, and unprotected data connections, to everybody.
	TLSRequired bool
	// RequireTLS reports whether the account named user may sign in and transfer
	// under TLS only. It is asked at USER, before a password is sent, and must not
	// wait or call the session. Nil: nobody. Names that are no account should be
	// answered like most that are.
	RequireTLS func(user string) bool
	// Active allows PORT and EPRT; else they are answered 502, upon which devices
	// fall back to PASV. (The library's own 421 would make them hang up.)
	Active bool
	// Clean, when set, gets every line of every reply without its line end, and
	// returns what the client sees in its place. The first four bytes, the code
	// and its separator, must stay.
	Clean func(line string) string

	// Passive, when set, is told of each passive port before the client is, which
	// will come from the address to. What it returns gives the port up: it is called
	// when the client asks for another one, or for none, and at the end. Neither may wait or call the session.
	Passive func(to netip.Addr, port int) (giveUp func())

	// Crowd are the sessions that the limits below count: give several Listeners the
	// same. Nil: those of this Listener.
	Crowd *Crowd
	// MaxSessions is how many sessions there may be; 0 means 500. When it is
	// reached, the oldest connection that has not signed in makes room.
	MaxSessions int
	// MaxPerAddress is how many sessions one address may have (IPv6: one /64
	// network); 0 means 100.
	MaxPerAddress int
	// MaxWaiting is how many connections of one address may be open that have not
	// signed in; 0 means 16. One more closes the oldest of them.
	MaxWaiting int
	// MaxFailures is how many refused passwords end a connection; 0 means 5.
	MaxFailures int

	// LoginTimeout runs from accept to the reply 230, and includes handshakes and
	// the PROXY header; 0 means 30 s.
	LoginTimeout time.Duration
	// IdleTimeout is how long a session may send no command while it transfers
	// nothing; 0 means 10 min.
	IdleTimeout time.Duration
	// WriteTimeout is how long a client may take to accept a reply; 0 means 30 s.
	WriteTimeout time.Duration
	// HangUpTimeout is how long a transfer may go on whose client has closed the
	// control connection; 0 means 10 s.
	HangUpTimeout time.Duration

	// ProxyFrom are the networks whose connections begin with a header of the PROXY
	// protocol, version 1 or 2, and are refused without one: the balancer's own
	// addresses. What others send is taken as it is.
	ProxyFrom []netip.Prefix
	// Log receives refused connections and broken handshakes; nil discards them.
	// No command and no password is ever logged.
	Log *slog.Logger
}

// withDefaults returns o with the values that 0 stands for.
func (o Options) withDefaults() Options {
	o.MaxSessions = cmp.Or(o.MaxSessions, 500)
	o.MaxPerAddress = cmp.Or(o.MaxPerAddress, 100)
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 16)
	o.MaxFailures = cmp.Or(o.MaxFailures, 5)
	o.LoginTimeout = cmp.Or(o.LoginTimeout, 30*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 10*time.Minute)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 30*time.Second)
	o.HangUpTimeout = cmp.Or(o.HangUpTimeout, 10*time.Second)
	if o.Crowd == nil {
		o.Crowd = NewCrowd()
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// talk returns what of o a dialogue needs to know.
func (o *Options) talk() dialogue.Options {
	return dialogue.Options{
		TLS: o.TLS != nil, Implicit: o.Implicit, TLSRequired: o.TLSRequired, RequireTLS: o.RequireTLS,
		Active: o.Active, Clean: o.Clean, MaxFailures: o.MaxFailures,
	}
}

// Listener accepts control connections for ftpserverlib: give it as
// Settings.Listener, and leave Settings.TLSRequired at ClearOrEncrypted. The
// library's own IdleTimeout has no effect on its connections.
//
// Goroutines: one that accepts, and one for each connection until the library
// has it. Shutdown waits for them.
type Listener struct {
	inner net.Listener
	opt   Options
	talk  dialogue.Options
	ready chan *conn    // sessions for Accept
	done  chan struct{} // closed by Close
	stop  sync.Once
	loops sync.WaitGroup

	crowd *Crowd
	// crowd.mu guards the rest.
	empty    *sync.Cond // sessions has lost one
	sessions map[*Session]struct{}
	leaving  bool
}

var _ net.Listener = (*Listener)(nil)

// Listen begins to accept from inner, which the Listener closes at its end.
func Listen(inner net.Listener, opt Options) *Listener {
	l := &Listener{
		inner:    inner,
		opt:      opt.withDefaults(),
		ready:    make(chan *conn),
		done:     make(chan struct{}),
		sessions: map[*Session]struct{}{},
	}
	l.talk = l.opt.talk()
	l.crowd = l.opt.Crowd
	l.empty = sync.NewCond(&l.crowd.mu)
	l.loops.Go(l.accept)
	return l
}

// Addr is where inner listens.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Accept returns the next session's connection, after its PROXY header and its
// implicit handshake. Its RemoteAddr is an *Addr. After Close the error is a
// *net.OpError of net.ErrClosed, which the library takes for an orderly end.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, &net.OpError{Op: "accept", Net: l.Addr().Network(), Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close accepts no more connections. Sessions remain: Shutdown ends them too.
func (l *Listener) Close() error {
	var err error
	l.stop.Do(func() {
		close(l.done)
		err = l.inner.Close()
	})
	return err
}

// accept hands every connection of inner to a goroutine, until Close. Errors that
// pass, such as too many open files, are waited out.
func (l *Listener) accept() {
	for {
		raw, err := l.inner.Accept()
		if err == nil {
			l.loops.Go(func() { l.welcome(raw) })
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			l.Close() // inner is closed: there is nothing left that could fail
			return
		}
		select {
		case <-l.done:
			return
		case <-time.After(100 * time.Millisecond):
			l.opt.Log.Warn("ftp: a connection could not be accepted", "error", err)
		}
	}
}
