package ftp

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endings are the ways in which a STOR of "new bytes" over name can end.
var endings = []struct {
	name string
	// run does it on a fresh session.
	run func(c *client, name string)
	// file and partial are what is there after it; "old" stood before.
	file, partial string
}{
	{"clean", func(c *client, name string) { c.send("226", "STOR "+name, "new bytes") }, "new bytes", "-"},
	{"reset", func(c *client, name string) {
		d := c.data()
		c.do("150", "STOR "+name)
		c.write(d, "new")
		d.SetLinger(0)
		d.Close()
		c.expect("550")
	}, "old", "any"},
	{"ABOR", func(c *client, name string) {
		d := c.data()
		c.do("150", "STOR "+name)
		c.write(d, "new")
		c.do("426", "ABOR")
		c.expect("226")
		c.do("200", "NOOP")
	}, "old", "any"},
	{"control connection lost", func(c *client, name string) {
		d := c.data()
		c.do("150", "STOR "+name)
		c.write(d, "new")
		c.conn.Close()
		io.Copy(io.Discard, d) //nolint:errcheck // until the door closes it, in whatever way
	}, "old", "any"},
	{"no data connection", func(c *client, name string) { c.do("550", "STOR "+name) }, "old", "-"},
	{"shorter than ALLO said", func(c *client, name string) {
		c.do("200", "ALLO 9")
		if reply := c.send("550", "STOR "+name, "new"); !strings.Contains(reply, "go on after REST 3") {
			c.Errorf("the reply is %q", reply)
		}
	}, "old", "new"},
	{"as long as ALLO said", func(c *client, name string) {
		c.do("200", "ALLO 9")
		c.send("226", "STOR "+name, "new bytes")
	}, "new bytes", "-"},
	{"ALLO says nothing", func(c *client, name string) {
		c.do("200", "ALLO 0")
		c.do("501", "ALLO many")
		c.send("226", "STOR "+name, "new")
	}, "new", "-"},
	{"REST", func(c *client, name string) {
		c.do("350", "REST 2")
		c.send("226", "STOR "+name, "new")
	}, "olnew", "-"},
	{"REST beyond the end", func(c *client, name string) {
		c.do("350", "REST 200")
		c.do("550", "STOR "+name)
		c.send("226", "STOR /other", "REST counts once")
	}, "old", "-"},
	{"APPE", func(c *client, name string) { c.send("226", "APPE "+name, " and new") }, "old and new", "-"},
	{"REST is nothing to APPE", func(c *client, name string) {
		c.do("350", "REST 1")
		c.send("226", "APPE "+name, "er")
	}, "older", "-"},
}

func (c *client) write(w io.Writer, data string) {
	c.Helper()
	if _, err := io.WriteString(w, data); err != nil {
		c.Fatal(err)
	}
}

func TestEndings(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			tr := newTree()
			addr := startFTP(t, tr, nil)
			tr.put(t, "/photo.jpg", "old")
			e.run(signIn(t, addr), "/photo.jpg")
			tr.rest(t)
			if got := tr.get("/photo.jpg"); got != e.file {
				t.Errorf("the file is %q, want %q", got, e.file)
			}
			if got := tr.partial("/photo.jpg"); got != e.partial && (e.partial != "any" || !strings.HasPrefix("new", strings.Trim(got, "-"))) {
				t.Errorf("kept is %q, want %q", got, e.partial)
			}
		})
	}
}

// rest waits until no file is staged.
func (t *tree) rest(tb testing.TB) {
	tb.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		t.mu.Lock()
		open := t.open
		t.mu.Unlock()
		if open == 0 {
			return
		}
		if time.Now().After(end) {
			tb.Fatalf("%d files are staged still", open)
		}
	}
}

// TestStall: a data connection that stands still is cut, and what came is kept.
func TestStall(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, func(o *Options) { o.Stall = 50 * time.Millisecond }))
	d := c.data()
	c.do("150", "STOR /photo.jpg")
	c.write(d, "half")
	c.expect("550")
	if tr.partial("/photo.jpg") != "half" || tr.get("/photo.jpg") != "-" {
		t.Errorf("kept is %q, the file %q", tr.partial("/photo.jpg"), tr.get("/photo.jpg"))
	}
	tr.put(t, "/large", strings.Repeat("x", 64<<20))
	d = c.data()
	c.do("150", "RETR /large")
	c.expect("550") // d takes nothing
	d.Close()
	c.do("200", "NOOP")
}

// TestResume: an upload that broke off is shown where nothing has its name, and
// goes on by REST or APPE.
func TestResume(t *testing.T) {
	for _, how := range []string{"REST", "APPE"} {
		tr := newTree()
		addr := startFTP(t, tr, nil)
		c := signIn(t, addr)
		c.do("550", "SIZE /photo.jpg")
		c.do("200", "ALLO 9")
		c.send("550", "STOR /photo.jpg", "new ")
		c = signIn(t, addr)
		if got := c.do("213", "SIZE /photo.jpg"); got != "213 4" {
			t.Errorf("SIZE: %q", got)
		}
		if how == "REST" {
			c.do("350", "REST 4")
			c.send("226", "STOR /photo.jpg", "bytes")
		} else {
			c.send("226", "APPE /photo.jpg", "bytes")
		}
		if got := tr.get("/photo.jpg"); got != "new bytes" || tr.partial("/photo.jpg") != "-" {
			t.Errorf("%s: the file is %q, kept %q", how, got, tr.partial("/photo.jpg"))
		}
	}
}

// TestAppendToFile: what was kept of an upload over a file is nothing to APPE.
func TestAppendToFile(t *testing.T) {
	tr := newTree()
	tr.put(t, "/photo.jpg", "old")
	c := signIn(t, startFTP(t, tr, nil))
	c.do("200", "ALLO 9")
	c.send("550", "STOR /photo.jpg", "new ")
	c.send("226", "APPE /photo.jpg", "er")
	if got := tr.get("/photo.jpg"); got != "older" {
		t.Errorf("the file is %q", got)
	}
}

// TestDropPartial: DELE forgets what was kept.
func TestDropPartial(t *testing.T) {
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	c.do("200", "ALLO 9")
	c.send("550", "STOR /photo.jpg", "new ")
	c.do("250", "DELE /photo.jpg")
	c.do("550", "SIZE /photo.jpg")
	c.do("550", "DELE /photo.jpg")
}

// kind is an error as the tree has it.
type kind struct {
	text                    string
	noSpace, forbidden, big bool
}

func (k kind) Error() string   { return "/secret/data: " + k.text }
func (k kind) Reason() string  { return k.text }
func (k kind) NoSpace() bool   { return k.noSpace }
func (k kind) Forbidden() bool { return k.forbidden }
func (k kind) TooLarge() bool  { return k.big }

// TestRefusals: each error has its code, its words, and nothing of the machine.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{kind{text: "the quota is used up", noSpace: true}, "552 Issue during transfer: the quota is used up"},
		{kind{text: "too large for every destination", big: true}, "552 Issue during transfer: too large for every destination"},
		{kind{text: "put it into /inbox", forbidden: true}, "553 Issue during transfer: put it into /inbox"},
		{&fs.PathError{Op: "write", Path: "/secret/data", Err: syscall.ENOSPC}, "552 Issue during transfer: no space is left"},
		{&fs.PathError{Op: "write", Path: "/secret/data", Err: syscall.EIO}, "550 Issue during transfer: the gateway has trouble with its disk"},
		{fs.ErrPermission, "550 Issue during transfer: this account may not do that"},
		{&net.OpError{Op: "dial", Err: errors.New("/secret/socket")}, "550 Issue during transfer: the gateway could not do this"},
	} {
		tr := newTree()
		tr.closing = func(string) error { return tt.err }
		c := signIn(t, startFTP(t, tr, nil))
		if got := c.send("", "STOR /photo.jpg", "x"); !strings.HasPrefix(got, tt.want) || strings.Contains(got, "secret") {
			t.Errorf("%v is answered %q, want %q", tt.err, got, tt.want)
		}
	}
}

// TestCommitBefore226: nothing is said before the commit is through.
func TestCommitBefore226(t *testing.T) {
	tr := newTree()
	committing, commit := make(chan bool), make(chan bool)
	tr.closing = func(string) error { close(committing); <-commit; return nil }
	c := signIn(t, startFTP(t, tr, nil))
	d := c.data()
	c.do("150", "STOR /photo.jpg")
	c.write(d, "x")
	d.Close()
	<-committing
	if err := c.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if b, err := c.text.R.Peek(1); err == nil {
		t.Fatalf("%q is said before the commit", b)
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	close(commit)
	c.expect("226")
}

// TestBinary: nobody's bytes are changed, whatever TYPE is.
func TestBinary(t *testing.T) {
	const data = "\r\n\n\r\xff\x00"
	tr := newTree()
	c := signIn(t, startFTP(t, tr, nil))
	c.send("226", "STOR /one", data)
	c.do("200", "TYPE A")
	c.send("226", "STOR /two", data)
	if tr.get("/one") != data || tr.get("/two") != data || c.receive("RETR /one") != data {
		t.Errorf("%q and %q", tr.get("/one"), tr.get("/two"))
	}
	if got := c.do("213", "SIZE /one"); got != "213 6" {
		t.Error(got)
	}
}
