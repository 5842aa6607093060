package main

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// from returns a client at an address of this machine.
func (g ftpGateway) from(addr string) *ftpClient {
	return &ftpClient{addr: g.app.address("ftp"), from: net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}}
}

// signIn connects from an address and signs in.
func (g ftpGateway) signIn(addr string) *ftpClient {
	g.t.Helper()
	c := g.from(addr)
	c.connect(g.t)
	c.login(g.t, ingestUser, ingestPassword)
	return c
}

// idle opens n connections from an address, of which every second one says a name
// and no password, and the others nothing.
func (g ftpGateway) idle(addr string, n int) {
	g.t.Helper()
	for i := range n {
		c := g.from(addr)
		c.connect(g.t)
		if i%2 == 0 {
			c.must(g.t, 331, "USER %s", ingestUser)
		}
	}
}

// TestFTPIdleConnections: connections that do not sign in keep nobody out, be they
// of one address or of many, and end no session.
func TestFTPIdleConnections(t *testing.T) {
	for name, flood := range map[string]func(g ftpGateway){
		"of one address": func(g ftpGateway) { g.idle("127.0.0.1", 400) },
		"of many addresses": func(g ftpGateway) {
			for i := range 40 {
				g.idle(fmt.Sprintf("127.0.1.%d", i+1), 10)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startFTP(t, "max_sessions = 100\n")
			g.t = t
			before := g.signIn("127.0.0.1")
			conn, err := before.begin("STOR %s", dsc)
			if err != nil {
				t.Fatal(err)
			}
			flood(g)
			g.put(g.signIn("127.0.0.2"), "/in/other.jpg", shot(2))
			g.put(g.signIn("127.0.0.1"), "/in/same.jpg", shot(3))
			if _, err := conn.Write(shot(1)); err != nil {
				t.Error(err)
			}
			conn.Close()
			if _, _, err := before.reply(226); err != nil {
				t.Errorf("a session under way ended: %v", err)
			}
			g.put(before, "/in/after.jpg", shot(4))
			g.Settle(t)
			if n := len(g.Sent()); n != 4 {
				t.Errorf("%d pictures were sent", n)
			}
		})
	}
}

// guesses says wrong passwords for a name, and returns how many were said.
func (g ftpGateway) guesses(addr, name string, n int) {
	g.t.Helper()
	for said := 0; said < n; {
		c := g.from(addr)
		c.connect(g.t)
		for said < n {
			if _, _, err := c.do(331, "USER %s", name); err != nil {
				break // after the fifth it is shown out
			}
			code, text, err := c.do(0, "PASS wrong-%d", said)
			if said++; err != nil || code != 530 && code != 421 {
				g.t.Fatalf("a wrong password is answered %d %s (%v)", code, text, err)
			}
		}
		c.conn.Close()
	}
}

// TestFTPGuessing: 200 wrong passwords end no session, keep nobody out at another
// address, and the user whose name was guessed at only until the wait that is told.
func TestFTPGuessing(t *testing.T) {
	t.Parallel()
	g := startFTP(t, "[[user]]\nname = 'friend'\npassword = 'env:PASSWORD'")
	before := g.signIn("127.0.0.1")
	g.guesses("127.0.0.1", ingestUser, 200)
	g.guesses("127.0.0.1", "nobody", 20)
	g.put(before, "/in/before.jpg", shot(1))
	g.put(g.signIn("127.0.0.2"), "/in/other.jpg", shot(2))

	// The rightful user waits as long as he is told, and no minute.
	wait := regexp.MustCompile(`again in (\d+) s`)
	for waited := time.Duration(0); ; {
		c := g.from("127.0.0.1")
		c.connect(t)
		c.must(t, 331, "USER %s", ingestUser)
		code, text, err := c.do(0, "PASS %s", ingestPassword)
		if err == nil && code == 230 {
			g.put(c, "/in/same.jpg", shot(3))
			break
		}
		m := wait.FindStringSubmatch(text)
		if m == nil || waited > 20*time.Second {
			t.Fatalf("the right password is answered %d %s (%v) after %s", code, text, err, waited)
		}
		seconds, err := strconv.Atoi(m[1])
		if err != nil || seconds > 20 {
			t.Fatalf("the wait is %s s", m[1])
		}
		time.Sleep(time.Duration(seconds) * time.Second)
		waited += time.Duration(seconds) * time.Second
	}
	g.Settle(t)
	if n := len(g.Sent()); n != 3 {
		t.Errorf("%d pictures were sent", n)
	}
}
