package front

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"slipway/gateway/ftp/front/dialogue"
)

// Addr is a client's address that leads to its Session: what ftpserverlib's
// ClientContext.RemoteAddr returns. It prints as the client's IP address and port,
// without a zone, as the library parses it.
type Addr struct {
	netip.AddrPort
	session *Session
}

var _ net.Addr = (*Addr)(nil)

// Network returns "tcp".
func (a *Addr) Network() string { return "tcp" }

// SessionOf returns the session of a ClientContext's RemoteAddr, or nil where addr
// is not an address of this package.
func SessionOf(addr net.Addr) *Session {
	if a, ok := addr.(*Addr); ok {
		return a.session
	}
	return nil
}

// stage is how far a session is.
type stage int32

const (
	silent   stage = iota // it has sent no command
	spoken                // it has
	checking              // its password is being checked: it may not be evicted
	signedIn              // it got 230
)

// Session is one control connection. Its methods may be called by any goroutine.
type Session struct {
	listener *Listener
	socket   net.Conn // as it was accepted
	raw      net.Conn // behind the PROXY header
	remote   Addr
	local    net.Addr
	since    time.Time // of accept

	stage   atomic.Int32
	key     netip.Prefix // guarded by the Crowd's mu, as are the next two
	counted bool
	waiting bool // it counts as one that has not signed in

	write   sync.Mutex // held while a reply is written; before mu
	partial []byte     // the beginning of a reply's line; guarded by write

	lines dialogue.Lines // of the goroutine that reads
	rest  []byte         // of a command that the library has not read yet

	mu        sync.Mutex
	turn      *sync.Cond // the transfer is over, or closed is set
	stream    net.Conn   // raw, or TLS over it
	talk      dialogue.Dialogue
	active    time.Time    // of the last command, or the last transfer's end
	transfers int          // as the driver counts them
	leave     string       // the reply with which to end after the transfers
	valid     func() error // see Require
	ended     string       // the reply with which to end now
	said      bool         // ended was
	spare     bool         // the library's next Close is no end
	gone      bool         // the client has closed the connection
	closed    bool
	values    map[any]any
	unused    func()        // gives the passive port up; nil: there is none
	owed      []byte        // replies that come after the transfer's
	over      chan struct{} // closed with the session
}

// Remote returns the client's address, as the PROXY protocol has it.
func (s *Session) Remote() netip.AddrPort { return s.remote.AddrPort }

// Secure reports whether the control connection is under TLS.
func (s *Session) Secure() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.talk.Secure
}

// Implicit reports whether TLS came before the first reply.
func (s *Session) Implicit() bool { return s.listener.opt.Implicit }

// ConnectionState returns what was agreed in the handshake; ok is false while
// the control connection is plain.
func (s *Session) ConnectionState() (state tls.ConnectionState, ok bool) {
	s.mu.Lock()
	t, ok := s.stream.(*tls.Conn)
	s.mu.Unlock()
	if !ok {
		return state, false
	}
	return t.ConnectionState(), true
}

// Glob returns the pattern (path.Match) of the LIST or NLST that is under way, by
// which the directory's names are to be chosen, or "" for all. The library is
// told of the directory alone: `NLST a/*.jpg` reaches it as `NLST a/`.
func (s *Session) Glob() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.talk.Glob
}

// Later tells that the transfer whose command the driver is at fails with what passes:
// the client gets 450 or 451 in place of the library's code, and tries again.
func (s *Session) Later() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.talk.Later()
}

// Value returns what SetValue stored under key, or nil.
func (s *Session) Value(key any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[key]
}

// SetValue stores something for the session's life.
func (s *Session) SetValue(key, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[any]any{}
	}
	s.values[key] = value
}

// Transferring tells that the driver has opened (+1) or finished (-1) a transfer.
// Meanwhile the session is not idle, and Shutdown waits for it. From a transfer's
// command to its last reply the session knows that by itself: the driver need
// call it only for work that outlives the reply, as an aborted file's Close does.
func (s *Session) Transferring(delta int) {
	s.mu.Lock()
	s.transfers += delta
	s.active = time.Now()
	s.quiet()
	gone := s.closed && s.transfers == 0
	s.mu.Unlock()
	if gone {
		s.listener.forget(s)
	}
}

// Require makes valid decide before each command but QUIT, while nothing is
// transferred, whether the session goes on: the text of its error, which is for
// people, ends it with 530. nil: it does.
func (s *Session) Require(valid func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.valid = valid
}

// dismiss ends the session before command c where it may not go on.
func (s *Session) dismiss(c dialogue.Command) {
	s.mu.Lock()
	valid, exempt := s.valid, s.talk.Transferring() || c.Verb == "QUIT"
	s.mu.Unlock()
	if valid == nil || exempt {
		return
	}
	if err := valid(); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end("530 " + dialogue.OneLine(err.Error()))
	}
}

// HungUp reports whether the control connection has ended, by a close or a reset of the
// client's or by ours, so that it will not hear whether its transfer went well. An end
// that has arrived counts though the goroutine that reads has not come to it: it has at
// most catchUp to do so where something else stands before it.
//
// A reset counts too though it ends its transfer by itself: that closes the data
// connection, whose farewell (TLS's close_notify) may meet the reset of that one first
// and take it from the goroutine that reads, for which the data then just end.
func (s *Session) HungUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone || s.closed {
		return true
	}
	ended, some := pending(s.socket)
	if ended || !some {
		return ended
	}
	late := false
	timer := time.AfterFunc(catchUp, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.turn.Broadcast()
	})
	defer timer.Stop()
	for !s.gone && !s.closed && !late {
		s.turn.Wait()
	}
	return s.gone || s.closed
}

// catchUp is how long HungUp waits for what stands in the socket to be read: commands,
// or TLS's own farewell (RFC 8446 §6.1).
const catchUp = 100 * time.Millisecond

// Close closes the control connection at once, and so ends what it transfers. It
// stands in for ClientContext.Close, which does nothing after a refused password.
func (s *Session) Close() error {
	s.close(s.raw)
	return nil
}

// busy reports whether a transfer is under way; mu is held.
func (s *Session) busy() bool { return s.talk.Transferring() || s.transfers > 0 }

// quiet ends a session that is to leave and transfers nothing; mu is held.
func (s *Session) quiet() {
	if s.leave != "" && !s.busy() {
		s.end(s.leave)
	}
}

// end makes the goroutine that reads say reply, which is a whole line, and close
// the connection; mu is held. A command that the library is at is finished first.
func (s *Session) end(reply string) {
	if s.ended == "" {
		s.ended = reply
		s.raw.SetReadDeadline(time.Unix(1, 0)) // an error means that it is closed
	}
}

// close closes c, which is the stream or raw, once.
func (s *Session) close(c net.Conn) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.over)
	s.giveUp()
	s.turn.Broadcast()
	gone := s.transfers == 0
	s.mu.Unlock()
	c.Close() // an error means that the client closed it already
	s.listener.uncount(s)
	if gone {
		s.listener.forget(s)
	}
}
