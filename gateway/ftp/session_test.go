package ftp

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/afero"
	"golang.org/x/text/encoding/charmap"

	"slipway/gateway/ftp/passive"
)

func TestNames(t *testing.T) {
	latin := func(s string) string { u, _ := charmap.Windows1252.NewDecoder().String(s); return u }
	for _, tt := range []struct {
		name, dir string
		decode    func(string) string
		want      string
	}{
		{"/a/b.jpg", "/", Escape, "/a/b.jpg"},
		{"b.jpg", "/a", Escape, "/a/b.jpg"},
		{"//x", "/a", Escape, "/x"},
		{"", "/a", Escape, "/a"},
		{"..", "/a", Escape, "/"},
		{"../../../etc/passwd", "/a", Escape, "/etc/passwd"},
		{`c\d.jpg`, "/", Escape, `/c\d.jpg`},
		{"B\xfcro.jpg", "/", latin, "/Büro.jpg"},
		{"/ü/B\xfcro.jpg", "/", latin, "/ü/Büro.jpg"},
		{"B\xfcro.jpg", "/", Escape, "/B%FCro.jpg"},
		{"a\x81b", "/", latin, "/a%81b"}, // not in that set
		{"\xff", "/", func(string) string { return ".." }, "/%FF"},
		{"\xff", "/", func(string) string { return "a/../../b" }, "/%FF"},
	} {
		if got := clean(tt.name, tt.dir, tt.decode); got != tt.want {
			t.Errorf("%q in %s is %q, want %q", tt.name, tt.dir, got, tt.want)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"/a", "..", "B\xfcro", "\x83\x5c", "//", "a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := clean(name, "/home", Escape)
		if !strings.HasPrefix(got, "/") || !utf8.ValidString(got) || strings.Contains(got+"/", "/../") {
			t.Errorf("%q is %q", name, got)
		}
	})
}

// TestCharset: a device that knows no UTF-8 finds its file again.
func TestCharset(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, func(o *Options) {
		o.Decode = func(s string) string { u, _ := charmap.Windows1252.NewDecoder().String(s); return u }
	}))
	c.do("257", "MKD B\xfcro")
	c.do("250", "CWD B\xfcro")
	c.send("226", "STOR B\xe4r.jpg", "x")
	if tr.get("/Büro/Bär.jpg") != "x" {
		t.Error("the file is not there")
	}
	c.do("213", "SIZE B\xe4r.jpg")
	c.do("213", "SIZE /Büro/Bär.jpg")
}

// TestFolders: what devices do with folders does not stop them.
func TestFolders(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	c.do("257", "MKD /100EOS")
	c.do("257", "MKD /100EOS")
	c.do("257", "MKD /a/b/c")
	c.send("226", "STOR /x/y/z.jpg", "x")
	c.send("226", "APPE /p/q.jpg", "x")
	c.do("550", "MKD /x/y/z.jpg")
	c.do("250", "CWD //100EOS")
	c.do("250", "CWD")
	if got := c.do("257", "PWD"); !strings.Contains(got, `"/100EOS"`) {
		t.Error(got)
	}
	c.do("350", "RNFR /x/y/z.jpg")
	c.do("250", "RNTO /new/z.jpg")
	c.do("550", "DELE /new")
	c.do("550", "RMD /new/z.jpg")
	c.do("250", "RMD /100EOS")

	strict := signIn(t, startFTP(t, newTree(), func(o *Options) { o.Lenient = false }))
	strict.do("257", "MKD /a")
	strict.do("550", "MKD /a")
}

// TestListing: names cannot make lines of their own, and patterns choose.
func TestListing(t *testing.T) {
	tr := newTree()
	tr.put(t, "/d/a.jpg", "1")
	tr.put(t, "/d/evil\r\ndrwxr-xr-x 1 x x 1 Jan 1 2020 b", "2")
	tr.put(t, "/d/c.txt", "3")
	c := signIn(t, startFTP(t, tr, nil))
	for _, command := range []string{"LIST /d", "NLST /d", "MLSD /d"} {
		if got := c.receive(command); strings.Count(got, "\r\n") != 3 || strings.Count(got, "\n") != 3 {
			t.Errorf("%s: %q", command, got)
		}
	}
	if got := c.receive("NLST /d/*.jpg"); got != "d/a.jpg\r\n" && got != "/d/a.jpg\r\n" {
		t.Errorf("%q", got)
	}
	c.do("450", "LIST /none")
}

// TestManyEntries: long listings come whole.
func TestManyEntries(t *testing.T) {
	tr := newTree()
	for i := range 3000 {
		tr.put(t, fmt.Sprintf("/DSC_%05d.JPG", i), "x")
	}
	c := signIn(t, startFTP(t, tr, nil))
	if got := strings.Count(c.receive("LIST"), "\r\n"); got != 3000 {
		t.Errorf("%d lines", got)
	}
	d := c.data()
	c.do("150", "LIST")
	c.do("", "ABOR") // amid the listing, or after it
	d.Close()
}

// TestHash: SHA-256 is known; nothing else is read for.
func TestHash(t *testing.T) {
	tr := newTree()
	tr.put(t, "/d/a.jpg", "bytes")
	c := signIn(t, startFTP(t, tr, nil))
	c.do("250", "CWD /d")
	want := fmt.Sprintf("%x", sha256.Sum256([]byte("bytes")))
	if got := c.do("213", "HASH a.jpg"); !strings.Contains(got, want) {
		t.Error(got)
	}
	if got := c.do("250", "XSHA256 a.jpg"); !strings.Contains(got, want) {
		t.Error(got)
	}
	c.do("550", "XMD5 a.jpg")
	if got := c.do("211", "FEAT"); !strings.Contains(got, "\n HASH SHA-256*\n") || strings.Contains(got, "MD5") || strings.Contains(got, "CRC") {
		t.Error(got)
	}
	c.do("504", "OPTS HASH MD5")
}

// TestSameName: whoever decides about files of one name is told of what the same
// session stored shortly before, for every way of writing.
func TestSameName(t *testing.T) {
	tr := newTree()
	var told []string
	now, again := time.Unix(1e9, 0), 2*time.Second
	addr := startFTP(t, tr, func(o *Options) {
		o.Again = func() time.Duration { return again }
		o.Clock = func() time.Time { return now }
		o.LogIn = func(context.Context, string, string, netip.Addr, bool) (Account, error) {
			return Account{FS: tr, Opened: func(f afero.File, name string, mine fs.FileInfo) {
				size := int64(-1)
				if mine != nil {
					size = mine.Size()
				}
				told = append(told, fmt.Sprintf("%s %s %d", f.(*staged).name, name, size))
			}}, nil
		}
	})
	c := signIn(t, addr)
	c.send("226", "STOR /a", "1")
	c.send("226", "STOR /b", "22")
	now = now.Add(again)
	c.send("226", "STOR /a", "333")
	now = now.Add(again)
	c.do("350", "REST 1")
	c.send("226", "STOR /a", "7")
	c.send("226", "APPE /a", "8")
	c.send("226", "STOR /b", "22")
	signIn(t, addr).send("226", "STOR /a", "6")
	want := []string{"/a /a -1", "/b /b -1", "/a /a 1", "/a /a 3", "/a /a 3", "/b /b -1", "/a /a -1"}
	if !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
}

// TestValid: an account that ends lets its session finish the transfer under way,
// and do nothing after it.
func TestValid(t *testing.T) {
	for _, next := range []string{"STOR /b", "DELE /a", "NOOP", "PWD", "QUIT"} {
		tr := newTree()
		var ended atomic.Bool
		addr := startFTP(t, tr, func(o *Options) {
			o.LogIn = func(context.Context, string, string, netip.Addr, bool) (Account, error) {
				return Account{FS: tr, Valid: func() error {
					if ended.Load() {
						return errors.New("this account has\nexpired")
					}
					return nil
				}}, nil
			}
		})
		c := signIn(t, addr)
		d := c.data()
		c.do("150", "STOR /a")
		ended.Store(true)
		if _, err := io.WriteString(d, "whole"); err != nil {
			t.Fatal(err)
		}
		d.Close()
		c.expect("226")
		want := "530 this account has?expired"
		if next == "QUIT" {
			want = "221"
		}
		c.do(want, next)
		if _, err := c.text.ReadLine(); err != io.EOF {
			t.Errorf("after %s: %v", next, err)
		}
		if got := tr.get("/a"); got != "whole" {
			t.Errorf("/a is %q", got)
		}
	}
}

// TestRenameOfPartial: what was broken off is refused as what is to be renamed.
func TestRenameOfPartial(t *testing.T) {
	tr := newTree()
	tr.partials["/p"] = []byte("half")
	c := signIn(t, startFTP(t, tr, nil))
	c.do("213 4", "SIZE /p")
	c.do("550", "RNFR /p")
	c.do("213 4", "SIZE /p")
}

// TestTLS: control and data are one session, which resumes; a client that sends no
// close_notify loses nothing.
func TestTLS(t *testing.T) {
	site := httptest.NewUnstartedServer(nil)
	site.StartTLS()
	defer site.Close()
	config := &tls.Config{Certificates: site.TLS.Certificates, MaxVersion: tls.VersionTLS12}
	for _, implicit := range []bool{false, true} {
		tr := newTree()
		addr := startFTP(t, tr, func(o *Options) { o.Control.TLS, o.Control.Implicit = config, implicit })
		client := &tls.Config{InsecureSkipVerify: true, ServerName: "slipway", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		c := dialTLS(t, addr, client, implicit)
		for i := range 5 {
			data := strings.Repeat("x", 1<<20+i)
			raw := c.data()
			d := tls.Client(raw, client)
			c.do("150", "STOR /a")
			c.write(d, data)
			if !d.ConnectionState().DidResume {
				t.Error("the data connection made a handshake of its own")
			}
			raw.CloseWrite() // without close_notify
			c.expect("226")
			raw.Close()
			c.listTLS(client)
			if tr.get("/a") != data {
				t.Errorf("%d bytes of %d", len(tr.get("/a")), len(data))
			}
		}
	}
}

// dialTLS signs in over TLS.
func dialTLS(t *testing.T, addr string, config *tls.Config, implicit bool) *client {
	t.Helper()
	var c *client
	if implicit {
		conn, err := tls.Dial("tcp", addr, config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		c = newClient(t, addr, conn)
		c.expect("220")
	} else {
		c = dial(t, addr)
		c.do("234", "AUTH TLS")
		c = newClient(t, addr, tls.Client(c.conn, config))
	}
	c.do("331", "USER ann")
	c.do("230", "PASS pw")
	c.do("200", "PBSZ 0")
	c.do("200", "PROT P")
	return c
}

// listTLS looks whether a listing comes whole.
func (c *client) listTLS(config *tls.Config) {
	c.Helper()
	raw := c.data()
	defer raw.Close()
	d := tls.Client(raw, config)
	c.do("150", "LIST /")
	if text, err := io.ReadAll(d); err != nil || !strings.HasSuffix(string(text), " a\r\n") {
		c.Errorf("the listing is %q (%v)", text, err)
	}
	c.expect("226")
}

// TestPorts: the ports of the range are used in turn, and busy ones passed over.
func TestPorts(t *testing.T) {
	const n = 20
	first := freeRange(t, n)
	busy, err := net.Listen("tcp", fmt.Sprintf(":%d", first+1))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	tr := newTree()
	c := signIn(t, startFTP(t, tr, func(o *Options) { o.Ports = passive.Ports{First: first, Last: first + n - 1} }))
	used := make(map[int]int)
	for range 2 * n {
		d := c.data()
		used[d.RemoteAddr().(*net.TCPAddr).Port-first]++
		c.do("150", "STOR /a")
		d.Close()
		c.expect("226")
	}
	if used[1] > 0 || len(used) < n/2 { // others on this machine may take some
		t.Errorf("used: %v", used)
	}
}

// freeRange returns the first of n ports that nobody listens on.
func freeRange(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		first := l.Addr().(*net.TCPAddr).Port
		l.Close()
		free := first+n < 65536
		for i := range n {
			if l, err := net.Listen("tcp", fmt.Sprintf(":%d", first+i)); err != nil {
				free = false
			} else {
				l.Close()
			}
		}
		if free {
			return first
		}
	}
	t.Fatal("no free ports")
	return 0
}

// TestOnePort: a port is free for the next client while a transfer goes on.
func TestOnePort(t *testing.T) {
	port := freeRange(t, 1)
	tr := newTree()
	addr := startFTP(t, tr, func(o *Options) { o.Ports = passive.Ports{First: port, Last: port} })
	c := signIn(t, addr)
	d := c.data()
	c.do("150", "STOR /a")
	signIn(t, addr).send("226", "STOR /b", "x")
	c.write(d, "x")
	d.Close()
	c.expect("226")
}

// TestSharedPorts: two clients wait on one port.
func TestSharedPorts(t *testing.T) {
	port := freeRange(t, 1)
	tr := newTree()
	addr := startFTP(t, tr, func(o *Options) { o.Ports, o.ShareData = passive.Ports{First: port, Last: port}, true })
	c := signIn(t, addr)
	c.send("226", "STOR /a", "x")
	if c.receive("RETR /a") != "x" {
		t.Error("lost")
	}
	c.do("221", "QUIT")
}

// TestIPv6: EPSV works over IPv6, with a range of ports too.
func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	l.Close()
	first := freeRange(t, 2)
	tr := newTree()
	c := signIn(t, startFTP(t, tr, func(o *Options) { o.Ports = passive.Ports{First: first, Last: first + 1} }, "[::1]:0"))
	c.do("502", "PASV")
	c.send("226", "STOR /a", "x")
	if c.receive("RETR /a") != "x" {
		t.Error("lost")
	}
}

// TestActive: PORT and EPRT where they are switched on, to the client alone.
func TestActive(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, func(o *Options) { o.Control.Active, o.Stall = true, 200*time.Millisecond }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	for _, command := range []string{fmt.Sprintf("PORT 127,0,0,1,%d,%d", port/256, port%256), fmt.Sprintf("EPRT |1|127.0.0.1|%d|", port)} {
		c.do("200", command)
		c.say("STOR /a")
		d, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.expect("150")
		c.write(d, "x")
		d.Close()
		c.expect("226")
	}
	c.do("200", fmt.Sprintf("EPRT |1|127.0.0.1|%d|", port))
	c.say("STOR /b")
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c.expect("150")
	c.write(d, "half")
	c.expect("550") // it stands still
	if tr.partial("/b") != "half" {
		t.Errorf("kept is %q", tr.partial("/b"))
	}
	c.do("501", "PORT 192,0,2,1,0,21") // of another

	passive := signIn(t, startFTP(t, tr, nil))
	passive.do("502", fmt.Sprintf("PORT 127,0,0,1,%d,%d", port/256, port%256))
}

// TestProxied: behind a balancer, control and data connections begin with its
// header, and the client's address is the one in it.
func TestProxied(t *testing.T) {
	tr := newTree()
	var from netip.Addr
	addr := startFTP(t, tr, func(o *Options) {
		o.Control.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.LogIn = func(_ context.Context, _, _ string, a netip.Addr, _ bool) (Account, error) {
			from = a
			return Account{FS: tr}, nil
		}
	})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := newClient(t, addr, conn)
	c.say("PROXY TCP4 198.51.100.7 203.0.113.1 40000 21")
	c.expect("220")
	c.do("331", "USER ann")
	c.do("230", "PASS pw")
	if from.String() != "198.51.100.7" {
		t.Errorf("the client's address is %s", from)
	}
	d := c.data()
	c.write(d, "PROXY TCP4 198.51.100.7 203.0.113.1 40001 30000\r\n")
	c.do("150", "STOR /a")
	c.write(d, "x")
	d.Close()
	c.expect("226")
	d = c.data()
	c.write(d, "PROXY TCP4 198.51.100.8 203.0.113.1 40001 30000\r\n") // somebody else's
	own, err := net.Dial("tcp", d.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	c.write(own, "PROXY TCP4 198.51.100.7 203.0.113.1 40001 30000\r\n")
	c.do("150", "STOR /b")
	c.write(own, "own")
	own.Close()
	c.expect("226")
	if got := tr.get("/b"); got != "own" {
		t.Errorf("stored %q", got)
	}
}

// TestForeignData: a data connection from elsewhere is closed, and does not take the
// place of the client's.
func TestForeignData(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	reply := c.do("229", "EPSV")
	var port int
	if _, err := fmt.Sscanf(reply[strings.Index(reply, "("):], "(|||%d|)", &port); err != nil {
		t.Fatal(err)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	d, err := dialer.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Skip("this machine has no second loopback address: ", err)
	}
	defer d.Close()
	own, err := net.Dial("tcp", d.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	c.do("150", "STOR /a")
	c.write(d, "foreign")
	c.write(own, "own")
	own.Close()
	c.expect("226")
	if got := tr.get("/a"); got != "own" {
		t.Errorf("stored %q", got)
	}
}

// TestStop: a transfer under way comes to its end, one that does not is cut, and
// nothing is used after Serve.
func TestStop(t *testing.T) {
	for _, ends := range []bool{true, false} {
		tr := newTree()
		s, err := New(Options{
			LogIn: func(context.Context, string, string, netip.Addr, bool) (Account, error) { return Account{FS: tr}, nil },
			Grace: map[bool]time.Duration{true: patience, false: 50 * time.Millisecond}[ends],
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, l, false) }()
		c, waiting := signIn(t, l.Addr().String()), signIn(t, l.Addr().String())
		d := c.data()
		c.do("150", "STOR /a")
		c.write(d, "first")
		stop()
		waiting.expect("421")
		if ends {
			c.write(d, " last")
			d.Close()
			c.expect("226")
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := tr.get("/a"); ends && got != "first last" || !ends && got != "-" {
			t.Errorf("the file is %q", got)
		}
		if tr.open != 0 {
			t.Error("Serve ended before a file was closed")
		}
	}
}

// TestStopWaits: Serve does not end before a commit that is longer than the grace.
func TestStopWaits(t *testing.T) {
	tr := newTree()
	committing, commit := make(chan bool), make(chan bool)
	var through atomic.Bool
	tr.closing = func(string) error {
		close(committing)
		<-commit
		time.Sleep(20 * time.Millisecond) // Serve has all the time to be wrong
		through.Store(true)
		return nil
	}
	s, err := New(Options{LogIn: func(context.Context, string, string, netip.Addr, bool) (Account, error) {
		return Account{FS: tr}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, false) }()
	c := signIn(t, l.Addr().String())
	d := c.data()
	c.do("150", "STOR /a")
	d.Close()
	<-committing
	stop()
	io.Copy(io.Discard, c.conn) //nolint:errcheck // until the session is closed
	close(commit)
	if err := <-done; err != nil || !through.Load() {
		t.Errorf("Serve ended (%v) before the commit", err)
	}
}

// plainTree cannot resume.
type plainTree struct{ afero.Fs }

// TestFailedSeek: a REST that leads nowhere changes nothing, though the library
// closes the file as if all were well.
func TestFailedSeek(t *testing.T) {
	tr := newTree()
	tr.put(t, "/a", "old")
	c := signIn(t, startFTP(t, plainTree{tr}, nil))
	c.do("350", "REST 100")
	c.do("550", "STOR /a")
	if tr.get("/a") != "old" || len(tr.commits) > 0 {
		t.Errorf("the file is %q, commits %q", tr.get("/a"), tr.commits)
	}
}
