package front

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// library is the other side of a session, which the test plays.
type library struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// play connects a client to a library that the test plays, and signs it in.
func play(t *testing.T, opt Options) (*client, *library, *Listener) {
	t.Helper()
	p := newPipes()
	l := Listen(p, opt)
	c := p.dial(t, "192.0.2.1:1")
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	lib := &library{conn, t, bufio.NewReader(conn)}
	go func() {
		lib.says("220 hello")
		lib.gets("USER u")
		lib.says("331 OK")
		lib.gets("PASS secret")
		lib.says("230 OK")
	}()
	c.want("220")
	c.signIn("u")
	synctest.Wait()
	return c, lib, l
}

func (l *library) says(line string) {
	if _, err := io.WriteString(l, line+"\r\n"); err != nil {
		l.t.Errorf("%s: %v", line, err)
	}
}

func (l *library) gets(want string) {
	if got, err := l.r.ReadString('\n'); err != nil || got != want+"\r\n" {
		l.t.Errorf("the library gets %q, %v; want %q", got, err, want)
	}
}

// ends wants the end of the session.
func (l *library) ends() {
	if got, err := l.r.ReadString('\n'); err != io.EOF {
		l.t.Errorf("the library gets %q, %v; want the end", got, err)
	}
}

// TestTransferIsNotIdle: from a transfer's command to its last reply, and the whole
// idle time after that, the session stays.
func TestTransferIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lib, l := play(t, Options{})
		go func() {
			lib.gets("STOR a")
			lib.says("150 go")
			go lib.ends()
			time.Sleep(65 * time.Minute)
			lib.says("226 done")
		}()
		c.do("STOR a", "150")
		c.want("226")
		start := time.Now()
		c.want(replyIdle)
		if took := time.Since(start); took != 10*time.Minute {
			t.Errorf("the session ended %v after its transfer", took)
		}
		if err := l.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestCommandBehindTransfer: the library is let go at the end even when a command
// waits for a transfer that hangs; the command is not carried out.
func TestCommandBehindTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lib, l := play(t, Options{})
		go func() {
			lib.gets("STOR a")
			lib.says("150 go")
			lib.ends()
		}()
		c.do("STOR a", "150")
		c.send("DELE a\r\n")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := l.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestShutdownDuringCommand: a command that the library is at is answered before
// the end.
func TestShutdownDuringCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lib, l := play(t, Options{})
		go lib.gets("DELE a")
		c.send("DELE a\r\n")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- l.Shutdown(context.Background()) }()
		synctest.Wait()
		go func() {
			lib.says("250 gone")
			lib.ends()
		}()
		start := time.Now()
		c.want("250 gone")
		c.want(replyStopping)
		if took := time.Since(start); took != 0 {
			t.Errorf("the session ended %v after its command", took)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestShutdownWaitsForTheDriver: what Transferring counts is waited for when the
// client has gone.
func TestShutdownWaitsForTheDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lib, l := play(t, Options{})
		s := SessionOf(lib.RemoteAddr())
		s.Transferring(+1)
		c.Close()
		lib.ends()
		done := make(chan error, 1)
		go func() { done <- l.Shutdown(context.Background()) }()
		synctest.Wait()
		if len(done) != 0 {
			t.Error("Shutdown did not wait")
		}
		s.Transferring(-1)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestEndlessReply: a line of a reply that does not end is not collected for ever.
func TestEndlessReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, lib, l := play(t, Options{})
		for range maxReply / 1024 {
			if _, err := io.WriteString(lib, strings.Repeat("x", 1024)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.WriteString(lib, strings.Repeat("x", 1024)); !errors.Is(err, errLong) {
			t.Error(err)
		}
		lib.ends()
		if err := l.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestManyWithoutHeader: connections that a balancer opened without a word are
// bounded before an address is known.
func TestManyWithoutHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		l := Listen(p, Options{MaxSessions: 3, ProxyFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		for range 6 {
			p.dial(t, "10.0.0.1:1")
		}
		synctest.Wait()
		p.dial(t, "10.0.0.1:1").want(replyFull)
		if err := l.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestLateComer: a connection that was accepted while the Listener stops is refused.
func TestLateComer(t *testing.T) {
	l := Listen(newPipes(), Options{})
	if err := l.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	s := &Session{listener: l}
	if got := l.enter(s); got != replyStopping {
		t.Errorf("enter: %q", got)
	}
	if got := l.admit(s); got != replyStopping {
		t.Errorf("admit: %q", got)
	}
}

// TestWithoutCertificate: implicit TLS that cannot be is an ended connection, and a
// listener that somebody else closed an ended Accept.
func TestWithoutCertificate(t *testing.T) {
	inner := loopback(t)
	l := Listen(inner, Options{Implicit: true})
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if got := newClient(t, c).reply(); !strings.HasPrefix(got, "(") {
		t.Error(got)
	}
	inner.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := l.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestWhoMakesRoom: who said nothing before who did, then who came first.
func TestWhoMakesRoom(t *testing.T) {
	now := time.Now()
	session := func(at stage, age time.Duration) *Session {
		s := &Session{since: now.Add(-age)}
		s.stage.Store(int32(at))
		return s
	}
	for _, tt := range []struct {
		s, other *Session
		want     bool
	}{
		{session(silent, 1), nil, true},
		{session(silent, 2), session(silent, 1), true},
		{session(silent, 1), session(silent, 2), false},
		{session(silent, 1), session(spoken, 2), true},
		{session(spoken, 2), session(silent, 1), false},
	} {
		if got := tt.s.before(tt.other); got != tt.want {
			t.Errorf("stage %d: %v", tt.s.stage.Load(), got)
		}
	}
}
