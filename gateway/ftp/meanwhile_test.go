package ftp

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ftp/passive"
)

// TestNoopAndAbort: an ABOR that follows a NOOP is seen during the transfer, and
// replies come in the order of the commands.
func TestNoopAndAbort(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	d := c.data()
	c.do("150", "STOR /a")
	c.write(d, "aa")
	c.say("NOOP\r\nNOOP\r\nABOR")
	c.expect("426")
	c.expect("200")
	c.expect("200")
	c.expect("226")
	c.do("257", "PWD")
}

// TestNoopAndEnd: NOOP is answered after the transfer.
func TestNoopAndEnd(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	d := c.data()
	c.do("150", "STOR /a")
	c.say("NOOP")
	if got := c.do("211", "STAT"); !strings.Contains(got, "A transfer is under way") {
		t.Error(got)
	}
	c.write(d, "aa")
	d.Close()
	c.expect("226")
	c.expect("200")
	if got := c.do("211", "STAT"); !strings.Contains(got, "Signed in as ann") || strings.Contains(got, "transfer") {
		t.Error(got)
	}
}

// TestNoopAndHangUp: a client that goes away after a NOOP is seen to.
func TestNoopAndHangUp(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	d := c.data()
	c.do("150", "STOR /a")
	c.write(d, "aa")
	c.say("NOOP")
	c.conn.Close()
	io.Copy(io.Discard, d) //nolint:errcheck // until the door closes it, in whatever way
	tr.rest(t)
	if got := tr.get("/a"); got != "-" {
		t.Errorf("/a is %q", got)
	}
}

// TestManyNoops: a client that sends more of them than are remembered is answered
// all the same.
func TestManyNoops(t *testing.T) {
	const n = 5000
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	d := c.data()
	c.do("150", "STOR /a")
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.conn, strings.Repeat("NOOP\r\n", n))
		sent <- err
	}()
	c.write(d, "aa")
	d.Close()
	c.expect("226")
	for range n {
		c.expect("200")
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestPipelinedStat: STAT and ABOR behind a refused transfer are no race.
func TestPipelinedStat(t *testing.T) {
	c := signIn(t, startFTP(t, newTree(), nil))
	for range 300 {
		c.say("RETR /missing\r\nSTAT\r\nRETR /missing\r\nABOR\r\nNOOP")
		for _, want := range []string{"550", "211", "550", "226", "200"} {
			c.expect(want)
		}
	}
}

// TestAbortBeforeData: ABOR does not wait for a data connection.
func TestAbortBeforeData(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	c.do("229", "EPSV")
	c.say("STOR /a\r\nABOR")
	c.expect("425")
	c.expect("226")
	c.send("226", "STOR /a", "aa")
}

// TestStopBeforeData: the door's end does not wait for a data connection.
// (connectTimeout is longer than patience, in which startFTP must end.)
func TestStopBeforeData(t *testing.T) {
	tr := newTree()
	start := time.Now()
	t.Run("", func(t *testing.T) {
		c := signIn(t, startFTP(t, tr, nil))
		c.do("229", "EPSV")
		c.say("STOR /a")
		for range 1000 { // until it is open
			tr.mu.Lock()
			open := tr.open
			tr.mu.Unlock()
			if open > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
	})
	if took := time.Since(start); took > connectTimeout/2 {
		t.Errorf("the end took %v", took)
	}
}

// TestPortAfterPassive: a client that says PORT holds no passive port.
func TestPortAfterPassive(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	only := free.Addr().(*net.TCPAddr).Port
	free.Close()
	addr := startFTP(t, newTree(), func(o *Options) {
		o.Control.Active, o.Ports = true, passive.Ports{First: only, Last: only}
	})
	c := signIn(t, addr)
	port := l.Addr().(*net.TCPAddr).Port
	for range 3 {
		c.do("227", "PASV")
		c.do("200", fmt.Sprintf("PORT 127,0,0,1,%d,%d", port>>8, port&0xff))
	}
	signIn(t, addr).do("229", "EPSV")
	c.say("STOR /a")
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.expect("150")
	c.write(d, "aa")
	d.Close()
	c.expect("226")
}

// TestActiveListing: a client that takes nothing of a listing over an active data
// connection is gone after the idle time.
func TestActiveListing(t *testing.T) {
	tr := newTree()
	for i := range 30000 {
		tr.put(t, fmt.Sprintf("/d/%0200d", i), "")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for _, line := range []string{"NLST /d"} {
		c := signIn(t, startFTP(t, tr, func(o *Options) {
			o.Control.Active, o.Control.IdleTimeout = true, 300*time.Millisecond
		}))
		c.do("200", fmt.Sprintf("EPRT |1|127.0.0.1|%d|", port))
		c.say(line)
		d, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := d.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		c.expect("150")
		c.expect("421")
		d.Close()
	}
}
