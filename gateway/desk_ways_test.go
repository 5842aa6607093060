package main

import (
	"net/netip"
	"net/textproto"
	"testing"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
)

// TestDeskConnectionsFTP: an FTP session is known by how it was encrypted and, at its
// end, by what the program called itself.
func TestDeskConnectionsFTP(t *testing.T) {
	a, _ := testApp(t, "[web]\nlisten = \"\"\n[ftp]\nlisten = \"127.0.0.1:0\"\npassive_ports = \"\"\n"+
		"[[user]]\nname = \"ann\"\npassword = \"env:PASSWORD\"\n", map[string]string{"PASSWORD": "correct-horse"})
	say := func(lines ...string) {
		t.Helper()
		c, err := textproto.Dial("tcp", a.address("ftp"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, _, err := c.ReadResponse(220); err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if err := c.PrintfLine("%s", line); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.ReadResponse(0); err != nil {
				t.Fatal(line, err)
			}
		}
	}
	way := func(security string) operate.Way {
		t.Helper()
		u, err := a.users.Check(t.Context(), "ann", "correct-horse", netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		ways, err := a.desk(u, annsAddress, doorPage).Connections(t.Context())
		for _, w := range ways {
			if w.Door == operate.FTPDoor && w.Security == security {
				return w
			}
		}
		t.Fatal(ways, err)
		panic("unreachable")
	}
	say("USER ann", "PASS correct-horse", "CLNT camera/2", "QUIT")
	for end := time.Now().Add(patience); way(operate.NoTLS).Client == ""; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the program's name is not known")
		}
	}
	if w := way(operate.NoTLS); !w.Worked || w.Client != "camera/2" || w.Error != "" {
		t.Errorf("signed in: %+v", w)
	}
	if w := way(operate.ExplicitTLS); !w.Last.IsZero() {
		t.Errorf("with TLS: %+v", w)
	}
	say("USER nobody", "PASS x", "QUIT")
	say("USER ann", "PASS wrong", "QUIT")
	if w := way(operate.NoTLS); w.Worked || w.Error != auth.ErrWrong.Error() || w.Client != "camera/2" {
		t.Errorf("turned away: %+v", w)
	}
	if len(a.signIns.by) != 1 {
		t.Errorf("kept of strangers: %v", a.signIns.by)
	}
}
