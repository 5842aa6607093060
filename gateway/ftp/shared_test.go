package ftp

import (
	"io"
	"net"
	"strconv"
	"testing"

	"slipway/gateway/ftp/passive"
)

// TestSharedPort: the end of a transfer leaves alone the client that waits on the
// same port with the same address.
func TestSharedPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	tr := newTree()
	addr := startFTP(t, tr, func(o *Options) {
		o.ShareData, o.Ports = true, passive.Ports{First: port, Last: port}
	})
	a, b := signIn(t, addr), signIn(t, addr)
	da := a.data()
	a.do("150", "STOR /a")
	b.do("229", "EPSV")
	da.Close()
	a.expect("226")
	db, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b.do("150", "STOR /b")
	if _, err := io.WriteString(db, "bbbb"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	b.expect("226")
	if got := tr.get("/b"); got != "bbbb" {
		t.Errorf("/b is %q", got)
	}
}
