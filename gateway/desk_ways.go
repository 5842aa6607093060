package main

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode"

	"slipway/gateway/ftp"
	"slipway/gateway/operate"
)

// signIns are the last sign-ins of each user by each way. They are kept in memory
// alone, for users that there are: after a restart nobody has signed in yet.
type signIns struct {
	mu sync.Mutex
	by map[wayKey]*signIn
}

// wayKey is a user and how he comes: WebDAV is one way, whether under TLS or not.
type wayKey struct{ user, door, security string }

type signIn struct {
	at     time.Time
	client string
	err    string // why he was turned away; "": he got in
}

const (
	// clientLong is how many bytes are kept of what a program calls itself.
	clientLong = 200
	// signInsMost bounds what is kept, whatever users come and go with the
	// configuration.
	signInsMost = 4096
)

// note remembers a sign-in of a user that there is.
func (s *signIns) note(k wayKey, client string, err error, now time.Time) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.by[k]
	if known == nil {
		if s.by == nil || len(s.by) >= signInsMost {
			s.by = make(map[wayKey]*signIn)
		}
		known = &signIn{}
		s.by[k] = known
	}
	known.at, known.err = now, text
	if client != "" && client != known.client {
		known.client = printableLine(client)
	}
}

// name remembers what the program of a user who came by a way calls itself.
func (s *signIns) name(k wayKey, client string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.by[k]; known != nil && client != "" {
		known.client = printableLine(client)
	}
}

// of returns the last sign-in by a way.
func (s *signIns) of(k wayKey) (signIn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.by[k]
	if known == nil {
		return signIn{}, false
	}
	return *known, true
}

// printableLine returns the beginning of s without what is not seen.
func printableLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), clientLong)], ""))
	return strings.TrimSpace(s)
}

// heardWebDAV remembers a request's sign-in.
func (a *app) heardWebDAV(r *http.Request, name string, err error) {
	if name, ok := a.users.Canonical(name); ok {
		a.signIns.note(wayKey{user: name, door: operate.WebDAVDoor}, r.UserAgent(), err, time.Now())
	}
}

// heardFTP remembers a session's.
func (a *app) heardFTP(s ftp.SignIn) {
	user, ok := a.users.Canonical(s.User)
	if !ok {
		return
	}
	if s.End { // when he signed in is known; the program may have said its name since
		a.signIns.name(ftpWay(user, s), s.Client)
		return
	}
	a.signIns.note(ftpWay(user, s), s.Client, s.Err, time.Now())
}

// ftpWay is the way of an FTP session.
func ftpWay(user string, s ftp.SignIn) wayKey {
	k := wayKey{user: user, door: operate.FTPDoor, security: operate.NoTLS}
	switch {
	case s.Implicit:
		k.security = operate.ImplicitTLS
	case s.Secure:
		k.security = operate.ExplicitTLS
	}
	return k
}

// Connections are the ways in for this user, and what is known of who used them.
func (d desk) Connections(context.Context) ([]operate.Way, error) {
	var ways []operate.Way
	for _, c := range d.connections() {
		k := wayKey{user: d.user.Name, door: c.Door}
		if c.Door != operate.WebDAVDoor {
			k.security = c.Security
		}
		if d.user.RequireTLS && c.Security == operate.NoTLS && !localhost(c.Host) {
			continue // he would be turned away
		}
		w := operate.Way{Connection: c}
		if known, ok := d.signIns.of(k); ok {
			w.Last, w.Worked, w.Client, w.Error = known.at, known.err == "", known.client, known.err
		}
		ways = append(ways, w)
	}
	return ways, nil
}

// localhost reports whether host is an address of this machine alone.
func localhost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
