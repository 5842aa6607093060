package passive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnnounce(t *testing.T) {
	now := time.Unix(0, 0)
	answer, fail := "203.0.113.7", error(nil)
	h := &Host{name: "ftp.example", clock: func() time.Time { return now }, log: slog.New(slog.DiscardHandler),
		lookup: func(context.Context, string, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr(answer)}, fail
		}}
	ask := func(remote string) string {
		addr, err := h.Announce(t.Context(), netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr(remote))
		if err != nil {
			return err.Error()
		}
		return addr.String()
	}
	expect := func(remote, want string) {
		t.Helper()
		if got := ask(remote); got != want {
			t.Errorf("%s is told %s, want %s", remote, got, want)
		}
	}
	expect("192.168.1.9", "192.168.1.2")
	expect("127.0.0.1", "192.168.1.2")
	expect("::ffff:10.0.0.1", "192.168.1.2")
	expect("198.51.100.1", "203.0.113.7")
	answer = "203.0.113.8"
	expect("198.51.100.1", "203.0.113.7")
	now = now.Add(hostLife)
	expect("198.51.100.1", "203.0.113.8")
	now, fail = now.Add(hostLife), errors.New("no such host")
	expect("198.51.100.1", "203.0.113.8")
	h.name = "203.0.113.9"
	expect("198.51.100.1", "203.0.113.9")
	if addr, err := (&Host{}).Announce(t.Context(), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")); err == nil {
		t.Errorf("PASV over IPv6 is told %s", addr)
	}
}

// TestUnusedPort: a port that a client asked for and then forgot is free again.
func TestUnusedPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		(&Waiting{}).Listen(l, nil, time.Minute)
		time.Sleep(unused)
		synctest.Wait()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the port is held: %v", err)
		}
	})
}

// TestStrangers: whoever comes first is not the owner, and does not end the wait.
func TestStrangers(t *testing.T) {
	for name, proxies := range map[string][]netip.Prefix{
		"at the port": nil, "through a proxy": {netip.MustParsePrefix("127.0.0.0/8")},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var w Waiting
		one := w.Listen(l, proxies, time.Minute)
		port := one.port()
		dial := func(from string) net.Conn {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			if proxies != nil {
				d.LocalAddr = nil
			}
			c, err := d.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Skip("this system has no second loopback address")
			}
			t.Cleanup(func() { c.Close() })
			if proxies != nil {
				fmt.Fprintf(c, "PROXY TCP4 %s 127.0.0.1 1 2\r\n", from)
			}
			return c
		}
		giveUp := w.Own(netip.MustParseAddr("::ffff:127.0.0.2"), port)
		stranger, owner := dial("127.0.0.3"), dial("127.0.0.2")
		c, err := one.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := owner.Write([]byte("x")); err != nil {
			t.Error(name, err)
		}
		if b := make([]byte, 1); true {
			if _, err := c.Read(b); err != nil || b[0] != 'x' {
				t.Errorf("%s: %q, %v", name, b, err)
			}
			if _, err := stranger.Read(b); err == nil {
				t.Errorf("%s: the stranger is let in", name)
			}
		}
		if len(w.by) != 0 {
			t.Errorf("%s: %d ports are known still", name, len(w.by))
		}
		giveUp()
	}
}

// TestGivenUp: a port that is given up is free, and another listener at it is not
// touched by that.
func TestGivenUp(t *testing.T) {
	var w Waiting
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	one := w.Listen(l, nil, time.Minute)
	giveUp := w.Own(netip.MustParseAddr("127.0.0.1"), one.port())
	giveUp()
	if _, err := one.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	l, err = net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	next := w.Listen(l, nil, time.Minute)
	defer next.Close()
	giveUp()
	if w.by[next.port()] != next {
		t.Error("another's port was closed")
	}
}
