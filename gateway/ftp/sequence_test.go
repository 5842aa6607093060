package ftp

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"slipway/gateway/ftp/passive"
)

// TestPortsInUse: a client that asks again has its own port back, and one for which
// there is none waits a little; the control connection goes on.
func TestPortsInUse(t *testing.T) {
	port := freeRange(t, 1)
	tr := newTree()
	addr := startFTP(t, tr, func(o *Options) { o.Ports = passive.Ports{First: port, Last: port} })
	holder, other := signIn(t, addr), signIn(t, addr)
	holder.do("229", "EPSV")
	holder.do("229", "EPSV")
	other.do("425 All ports", "EPSV")
	other.say("PASV")
	holder.do("221", "QUIT")
	other.expect("227")
	other.send("226", "STOR /a", "x")
}

// TestStaleOffset: an offset that was for another transfer does not put a file
// behind bytes of an earlier one.
func TestStaleOffset(t *testing.T) {
	tr := newTree()
	tr.put(t, "/a", strings.Repeat("old", 40))
	c := signIn(t, startFTP(t, tr, nil))
	c.do("350", "REST 100")
	c.receive("LIST")
	c.data().Close()
	c.do("503 REST", "STOR /a") // it could be the rest of a file
	c.send("226", "STOR /a", "whole")
	if got := tr.get("/a"); got != "whole" {
		t.Errorf("stored %q", got)
	}
	c.do("350", "REST 2")
	if got := c.receive("RETR /a"); got != "ole" {
		t.Errorf("got %q", got)
	}
}

// TestOffsetBeyond: nothing is sent of a file that ends before the offset, and that
// is no success.
func TestOffsetBeyond(t *testing.T) {
	tr := newTree()
	tr.put(t, "/a", "12345")
	c := signIn(t, startFTP(t, tr, nil))
	c.do("350", "REST 6")
	d := c.data()
	defer d.Close()
	if got := c.do("550", "RETR /a"); !strings.Contains(got, "5 bytes") {
		t.Error(got)
	}
	c.do("350", "REST 5")
	if got := c.receive("RETR /a"); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestStaleRename: RNTO moves nothing that an RNFR long ago named.
func TestStaleRename(t *testing.T) {
	tr := newTree()
	tr.put(t, "/a", "x")
	c := signIn(t, startFTP(t, tr, nil))
	c.do("350", "RNFR /a")
	c.do("550", "RNFR /none")
	c.do("503", "RNTO /zz")
	if tr.get("/a") != "x" {
		t.Error("it was moved")
	}
}

// TestLimitsTogether: a session at one listener counts at the other.
func TestLimitsTogether(t *testing.T) {
	s, err := New(Options{
		LogIn: func(context.Context, string, string, netip.Addr, bool) (Account, error) {
			return Account{FS: newTree()}, nil
		},
		Control: Control{MaxSessions: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var doors sync.WaitGroup
	defer doors.Wait()
	defer stop()
	var addrs []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, l.Addr().String())
		doors.Go(func() {
			if err := s.Serve(ctx, l, false); err != nil {
				t.Error(err)
			}
		})
	}
	signIn(t, addrs[0])
	conn, err := net.Dial("tcp", addrs[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	newClient(t, addrs[1], conn).expect("421")
}
