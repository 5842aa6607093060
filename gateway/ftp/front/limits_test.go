package front

import (
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
)

// pipes is a listener whose connections are made by dial, with any address.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

var ipv4 = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 21}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Addr() net.Addr { return ipv4 }
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// from is a connection that comes from an address.
type from struct {
	net.Conn
	addr net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.addr }
func (c from) LocalAddr() net.Addr  { return ipv4 }

// dial connects from an address such as "192.0.2.1:5".
func (p *pipes) dial(t *testing.T, addr string) *client {
	t.Helper()
	here, there := net.Pipe()
	p.conns <- from{there, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
	return newClient(t, here)
}

// TestIdleConnections: hundreds that say nothing leave room for a good user, who
// comes from the same address or from another.
func TestIdleConnections(t *testing.T) {
	for name, address := range map[string]func(i int) string{
		"one address":    func(i int) string { return fmt.Sprintf("192.0.2.1:%d", i+1) },
		"many addresses": func(i int) string { return fmt.Sprintf("192.0.%d.%d:9", i/250, i%250) },
		"one network":    func(i int) string { return fmt.Sprintf("[2001:db8::%x]:9", i+1) },
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			d := serve(t, p, Options{MaxSessions: 50})
			replies := make(chan string, 400)
			for i := range 400 {
				c := p.dial(t, address(i))
				go func() {
					c.reply()
					replies <- c.reply()
				}()
				synctest.Wait()
			}
			limit := d.ln.opt.MaxSessions
			if name != "many addresses" {
				limit = d.ln.opt.MaxWaiting
			}
			if n := len(d.ln.all()); n != limit {
				t.Errorf("%s: %d sessions are open, and should be %d", name, n, limit)
			}
			if len(replies) != 400-limit {
				t.Errorf("%s: %d were let go", name, len(replies))
			}
			for range len(replies) {
				if got := <-replies; got != replyRoom {
					t.Errorf("%s: %q", name, got)
				}
			}
			good := p.dial(t, address(399))
			good.want("220")
			good.signIn("u")
			for i := range 400 {
				c := p.dial(t, address(i))
				go io.Copy(io.Discard, c)
			}
			synctest.Wait()
			good.do("PWD", "257")
		})
	}
}

// TestAddressLimit: sessions that signed in are refused beyond the limit, and do
// not make room; sessions of others are not touched.
func TestAddressLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		serve(t, p, Options{MaxPerAddress: 2, MaxSessions: 4, MaxWaiting: 1})
		in := func(addr string) *client {
			c := p.dial(t, addr)
			c.want("220")
			c.signIn("u")
			return c
		}
		a := in("192.0.2.1:1")
		gone := p.dial(t, "192.0.2.1:9")
		gone.want("220")
		gone.do("USER u", "331")
		gone.Close()
		synctest.Wait()
		b := in("192.0.2.1:2")
		p.dial(t, "192.0.2.1:3").want(replyMany)
		c := in("192.0.2.2:1")
		in("192.0.2.3:1")
		p.dial(t, "192.0.2.4:1").want(replyFull)
		a.do("PWD", "257")
		a.do("QUIT", "221")
		synctest.Wait()
		in("192.0.2.1:4")
		b.do("PWD", "257")
		c.do("PWD", "257")
	})
}

// TestCheckedIsNotEvicted: who waits for the check of a password keeps his place.
func TestCheckedIsNotEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		d := serve(t, p, Options{MaxWaiting: 1})
		d.check = make(chan struct{})
		c := p.dial(t, "192.0.2.1:1")
		c.want("220")
		c.do("USER u", "331")
		c.send("PASS secret\r\n")
		synctest.Wait()
		p.dial(t, "192.0.2.1:2").want(replyMany)
		close(d.check)
		c.want("230")
	})
}

// TestLoginTimeout: a client that drips bytes, one that says much, and one that says
// nothing, are told to go when the time is over.
func TestLoginTimeout(t *testing.T) {
	for _, drip := range []string{"", "N", "NOOP\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			serve(t, p, Options{})
			c := p.dial(t, "192.0.2.1:1")
			start := time.Now()
			dripped := make(chan struct{})
			go func() {
				defer close(dripped)
				for drip != "" {
					if _, err := io.WriteString(c, drip); err != nil {
						return
					}
					time.Sleep(7 * time.Second)
				}
			}()
			var last string
			for !strings.HasPrefix(last, "(") {
				if strings.HasPrefix(last, "421") && last != replySlow {
					t.Error(last)
				}
				last = c.reply()
			}
			if took := time.Since(start); took != 30*time.Second {
				t.Errorf("%q: it took %v", drip, took)
			}
			c.Close()
			<-dripped
		})
	}
}

// TestHandshakeTimeout: an implicit handshake that does not come is not waited for
// either.
func TestHandshakeTimeout(t *testing.T) {
	config := serverTLS(t)
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		d := serve(t, p, Options{TLS: config, Implicit: true})
		c := p.dial(t, "192.0.2.1:1")
		start := time.Now()
		if got := c.reply(); got != "(EOF)" || time.Since(start) != 30*time.Second {
			t.Errorf("%q after %v", got, time.Since(start))
		}
		synctest.Wait()
		if n := len(d.ln.all()); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// TestIdleTimeout: a session that sends nothing ends, but not while it transfers,
// and not before the time has passed after that.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		d := serve(t, p, Options{})
		c := p.dial(t, "192.0.2.1:1")
		c.want("220")
		c.signIn("u")
		s := d.seen[0]
		start := time.Now()
		time.Sleep(9 * time.Minute)
		s.Transferring(+1)
		time.Sleep(time.Hour)
		c.do("NOOP", "200")
		time.Sleep(time.Hour)
		s.Transferring(-1)
		time.Sleep(9 * time.Minute)
		c.do("NOOP", "200")
		c.want(replyIdle)
		if took, want := time.Since(start), 2*time.Hour+28*time.Minute; took != want {
			t.Errorf("it took %v, and should take %v", took, want)
		}
	})
}

// TestStuckReader: a client that does not take its replies is cut.
func TestStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		d := serve(t, p, Options{})
		p.dial(t, "192.0.2.1:1") // it never reads, and a pipe has no buffer
		synctest.Wait()
		if n := len(d.ln.all()); n != 1 {
			t.Errorf("%d sessions", n)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if n := len(d.ln.all()); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// TestShutdown: idle sessions are told and closed, one that transfers may finish,
// and nobody comes in any more.
func TestShutdown(t *testing.T) {
	d := serve(t, loopback(t), Options{})
	idle, waiting, busy := dial(t, d), dial(t, d), dial(t, d)
	idle.signIn("u")
	busy.signIn("u")
	conn, _ := busy.begin("STOR a")
	d.grip.Lock()
	io.WriteString(conn, "whole")
	conn.Close()
	done := make(chan error, 1)
	go func() { done <- d.ln.Shutdown(context.Background()) }()
	idle.want(replyStopping)
	waiting.want(replyStopping)
	if c, err := net.Dial("tcp", d.ln.Addr().String()); err == nil {
		c.Close()
		t.Error("the port is open")
	}
	select {
	case err := <-done:
		t.Errorf("Shutdown did not wait for the transfer: %v", err)
	default:
	}
	d.grip.Unlock()
	busy.want("226")
	busy.want(replyStopping)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestShutdownInTime: a transfer that does not end is cut when the time is over.
func TestShutdownInTime(t *testing.T) {
	d := serve(t, loopback(t), Options{})
	c := dial(t, d)
	c.signIn("u")
	conn, _ := c.begin("STOR a")
	c.send("NOOP\r\n") // it waits for the transfer
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.ln.Shutdown(ctx) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c.want(replyStopping)
	if got := c.reply(); !strings.HasPrefix(got, "(") {
		t.Errorf("the reply is %q", got)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the data connection is open")
	}
}

// TestProxy: the client's address is taken from the balancer, and from nobody else.
func TestProxy(t *testing.T) {
	trust := Options{ProxyFrom: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	v2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\xc6\x33\x64\x01\x30\x39\x00\x15"
	for name, tt := range map[string]struct{ from, header, want string }{
		"version 1": {"10.1.1.1:5", "PROXY TCP4 203.0.113.7 198.51.100.1 12345 21\r\n", "203.0.113.7:12345"},
		"version 2": {"10.1.1.1:5", v2, "203.0.113.7:12345"},
		"IPv6":      {"10.1.1.1:5", "PROXY TCP6 2001:db8::7 2001:db8::1 12345 21\r\n", "[2001:db8::7]:12345"},
		"untrusted": {"11.1.1.1:5", "", "11.1.1.1:5"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPipes()
			d := serve(t, p, trust)
			c := p.dial(t, tt.from)
			if tt.header != "" {
				c.send(tt.header)
			}
			c.want("220")
			c.signIn("u")
			if got := d.seen[0].Remote().String(); got != tt.want {
				t.Errorf("%s: the client is %s, and should be %s", name, got, tt.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		serve(t, p, trust)
		c := p.dial(t, "11.1.1.1:5")
		c.want("220")
		c.do("PROXY TCP4 203.0.113.7 198.51.100.1 12345 21", "500")
		start := time.Now()
		c = p.dial(t, "10.1.1.1:5")
		if got := c.reply(); !strings.HasPrefix(got, "(") || time.Since(start) != headerTimeout {
			t.Errorf("without a header: %q after %v", got, time.Since(start))
		}
	})
}

// TestProxied: a data port behind the balancer.
func TestProxied(t *testing.T) {
	inner := loopback(t)
	if Proxied(inner, nil) != inner {
		t.Error("a listener is wrapped for nothing")
	}
	ln := Proxied(inner, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "PROXY TCP4 203.0.113.7 198.51.100.1 12345 21\r\n")
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.RemoteAddr().String(); got != "203.0.113.7:12345" {
		t.Error(got)
	}
}

func TestKeys(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:5":           "192.0.2.1/32",
		"[::ffff:192.0.2.1]:5":  "192.0.2.1/32",
		"[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:5":      "fe80::/64",
	} {
		got := addrPort(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
		if keyOf(got.Addr()).String() != want {
			t.Errorf("%s: %s, should be %s", addr, keyOf(got.Addr()), want)
		}
		if host, _, err := net.SplitHostPort(got.String()); err != nil || net.ParseIP(host) == nil {
			t.Errorf("%s prints as %s, which the library cannot read", addr, got)
		}
	}
	if got := keyOf(addrPort(&net.UnixAddr{Name: "x"}).Addr()).String(); got != "0.0.0.0/32" {
		t.Error(got)
	}
}
