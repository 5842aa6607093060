package front

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"slipway/gateway/ftp/front/dialogue"
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

// TestHungUp: whatever ends the control connection in mid-transfer, whoever stores what
// came hears that nobody waits for the answer.
func TestHungUp(t *testing.T) {
	for name, end := range map[string]func(c *client, s *Session) error{
		"closed by the client":           func(c *client, _ *Session) error { return c.Close() },
		"closed by us, as after a reset": func(_ *client, s *Session) error { return s.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			c, lib, l := play(t, Options{})
			go func() {
				lib.gets("STOR a")
				lib.says("150 go")
				lib.ends()
			}()
			c.do("STOR a", "150")
			synctest.Wait()
			s := SessionOf(lib.RemoteAddr())
			if s.HungUp() {
				t.Errorf("%s: it has not ended yet", name)
			}
			if err := end(c, s); err != nil {
				t.Error(name, err)
			}
			synctest.Wait()
			if !s.HungUp() {
				t.Errorf("%s: the end counts for none", name)
			}
			if err := l.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
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
		go c.expects(replyStopping)
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
		if _, err := io.WriteString(lib, strings.Repeat("x", 1024)); !errors.Is(err, dialogue.ErrLong) {
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

// TestWhoMakesRoom: who stands about before who has just come or spoken, then who
// came first; but first of all those of the address that holds most places.
func TestWhoMakesRoom(t *testing.T) {
	now := time.Now()
	few, many := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	c := NewCrowd()
	c.counts[few], c.counts[many] = count{3, 1}, count{2, 2}
	session := func(key netip.Prefix, at stage, age time.Duration) *Session {
		s := &Session{since: now.Add(-age), key: key}
		s.stage.Store(int32(at))
		return s
	}
	const ms = time.Millisecond
	for i, tt := range []struct{ first, then *Session }{
		{session(few, silent, 2*ms), session(few, silent, 1*ms)},
		{session(few, silent, 3*time.Second), session(few, spoken, 4*time.Second)},
		{session(few, silent, 1*ms), session(few, spoken, 2*ms)},
		{session(few, spoken, 11*time.Second), session(few, silent, 1*ms)}, // it has just come
		{session(few, spoken, 2*ms), session(few, spoken, 1*ms)},
		{session(many, spoken, 1*ms), session(few, silent, time.Minute)},
	} {
		if !c.before(tt.first, tt.then, now) || c.before(tt.then, tt.first, now) {
			t.Errorf("case %d: the wrong one makes room", i)
		}
	}
}

// TestOneCrowd: the limits count the sessions of several listeners together.
func TestOneCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opt := Options{Crowd: NewCrowd(), MaxSessions: 3, MaxPerAddress: 2}
		plain, other := newPipes(), newPipes()
		serve(t, plain, opt)
		serve(t, other, opt)
		for _, p := range []*pipes{plain, other} {
			c := p.dial(t, "192.0.2.1:1")
			c.want("220")
			c.signIn("u")
		}
		plain.dial(t, "192.0.2.1:2").want(replyMany)
		c := plain.dial(t, "192.0.2.2:1")
		c.want("220")
		c.signIn("u")
		other.dial(t, "192.0.2.3:1").want(replyFull)
	})
}

// TestCutOffInWords: a session whose transfer outlasts the time that Shutdown has is
// told that the server stops.
func TestCutOffInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lib, l := play(t, Options{})
		go func() {
			lib.gets("STOR a")
			lib.says("150 go")
			lib.ends()
		}()
		c.do("STOR a", "150")
		go c.expects(replyStopping)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestPassivePorts: who is told of the ports, and when they are given up.
func TestPassivePorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		c, lib, l := play(t, Options{Passive: func(to netip.Addr, port int) func() {
			got = append(got, fmt.Sprint("given ", port, " to ", to))
			return func() { got = append(got, fmt.Sprint("given up ", port)) }
		}})
		go func() {
			lib.gets("PASV")
			lib.says("227 Entering Passive Mode (10,0,0,1,117,48)")
			lib.gets("EPSV")
			lib.says("229 Entering Extended Passive Mode (|||30001|)")
			for range dialogue.PortTries { // all are in use
				lib.gets("EPSV")
				lib.says("421 no")
			}
			lib.gets("EPSV")
			lib.says("421 no")
			lib.gets("EPSV")
			lib.says("229 Entering Extended Passive Mode (|||30002|)")
			lib.ends()
		}()
		c.do("PASV", "227")
		c.do("EPSV", "229")
		start := time.Now()
		c.do("EPSV", dialogue.ReplyNoPort)
		if d := time.Since(start); d != (dialogue.PortTries-1)*dialogue.PortPause {
			t.Errorf("it waited for %v", d)
		}
		c.do("EPSV", "229")
		want := "given 30000 to 192.0.2.1, given up 30000, given 30001 to 192.0.2.1, given up 30001, given 30002 to 192.0.2.1"
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s; want %s", s, want)
		}
		go c.expects(replyStopping)
		if err := l.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestClosedWhileWaitingForPort: a session that is closed waits for nothing more.
func TestClosedWhileWaitingForPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lib, l := play(t, Options{})
		go func() {
			lib.gets("EPSV")
			lib.says("421 no")
			lib.ends()
		}()
		c.send("EPSV\r\n")
		synctest.Wait()
		l.all()[0].Close()
		start := time.Now()
		if err := l.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if time.Since(start) != 0 {
			t.Error("it waited")
		}
	})
}
