package ftp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/afero"
)

// faulty is a tree whose files panic where its mistake says so.
type faulty struct {
	*tree
	mistake string
}

type faultyFile struct {
	afero.File
	mistake string
}

func (f faulty) Open(name string) (afero.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

func (f faulty) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if f.mistake == "open" {
		panic("a mistake")
	}
	file, err := f.tree.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f.mistake}, nil
}

func (f *faultyFile) fail(what string) {
	if f.mistake == what {
		panic("a mistake")
	}
}

func (f *faultyFile) TransferError(err error)     { f.File.(transferErrorer).TransferError(err) }
func (f *faultyFile) KeepPartial()                { f.File.(keeper).KeepPartial() }
func (f *faultyFile) Write(p []byte) (int, error) { f.fail("write"); return f.File.Write(p) }
func (f *faultyFile) Read(p []byte) (int, error)  { f.fail("read"); return f.File.Read(p) }
func (f *faultyFile) Close() error                { err := f.File.Close(); f.fail("close"); return err }

// TestMistakes: a panic below the door ends its transfer, and neither the session
// nor the door. (startFTP waits for that, and sees files left open.)
func TestMistakes(t *testing.T) {
	for _, mistake := range []string{"open", "write", "read", "close"} {
		t.Run(mistake, func(t *testing.T) {
			tr := newTree()
			tr.put(t, "/old.jpg", "old")
			var log lockedBuffer
			addr := startFTP(t, faulty{tr, mistake}, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			c := signIn(t, addr)
			d := c.data()
			line := "STOR /new.jpg"
			if mistake == "read" {
				line = "RETR /old.jpg"
			}
			c.say(line)
			if mistake != "open" {
				c.expect("150")
				if mistake != "read" {
					c.write(d, "new")
				}
			}
			d.Close()
			c.expect("550")
			c.do("200", "NOOP")
			if tr.partial("/new.jpg") != "-" {
				t.Error("what may be anything is kept")
			}
			if tr.open != 0 {
				t.Errorf("%d files are open", tr.open)
			}
			if !strings.Contains(log.String(), "mishap_test.go") {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

// lockedBuffer is a buffer for a log.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// gathering is a data connection that holds back what is small, and loses it.
type gathering struct{ net.Conn }

var errStalled = errors.New("the client takes nothing")

func (gathering) Write(p []byte) (int, error) { return len(p), nil }
func (gathering) Flush() error                { return errStalled }

// TestTail: a download whose last bytes could not be sent has failed.
func TestTail(t *testing.T) {
	tr := newTree()
	tr.put(t, "/a.jpg", "a picture")
	s, err := New(Options{LogIn: func(context.Context, string, string, netip.Addr, bool) (Account, error) { return Account{}, nil }, Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	send := func(w io.Writer) error {
		f, err := tr.Open("/a.jpg")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_, err = (&download{File: f, s: &session{door: s, log: discard()}, name: "/a.jpg"}).WriteTo(w)
		return err
	}
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	if err := send(gathering{here}); !errors.Is(err, errStalled) {
		t.Errorf("the error is %v", err)
	}
	site := httptest.NewUnstartedServer(nil)
	site.StartTLS()
	defer site.Close()
	lossy := &lossy{Conn: here}
	server := tls.Server(lossy, site.TLS)
	client := tls.Client(there, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	if err := errors.Join(server.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	lossy.on = true
	if err := send(server); !errors.Is(err, errStalled) {
		t.Errorf("under TLS the error is %v", err)
	}
}

// lossy becomes gathering.
type lossy struct {
	net.Conn
	on bool
}

func (l *lossy) Flush() error { return gathering{}.Flush() }

func (l *lossy) Write(p []byte) (int, error) {
	if l.on {
		return len(p), nil
	}
	return l.Conn.Write(p)
}

// TestAllocation: ALLO asks for room, which devices round up, and is about the next
// transfer.
func TestAllocation(t *testing.T) {
	for _, tt := range []struct {
		name, room, data string
		before           string // a command between ALLO and STOR
		ok               bool
	}{
		{"exact", "9", "new bytes", "", true},
		{"more came", "5", "new bytes", "", true},
		{"fewer came", "9", "new", "", false},
		{"nothing came", "4096", "", "", false},
		{"sectors", "512", "new", "", true},
		{"clusters", "131072", "new", "", true},
		{"sectors that the file would not need", "1024", strings.Repeat("x", 511), "", true},
		{"more clusters than the file needs", "262144", "new", "", false},
		{"no sectors", "4000", "new", "", false},
		{"a whole file", "4000", "whole", "", true},
		{"a broken file", "4096", "broken", "", false},
		{"LIST between", "9", "new", "LIST", true},
		{"CWD between", "9", "new", "CWD /sub", true},
		{"PASV between", "9", "new", "NOOP", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTree()
			if err := tr.Mkdir("/sub", 0o755); err != nil {
				t.Fatal(err)
			}
			says := func(word string) func(afero.File, string) bool {
				return func(f afero.File, _ string) bool { return string(f.(*staged).data) == word }
			}
			c := signIn(t, startFTP(t, tr, func(o *Options) { o.Whole, o.Broken = says("whole"), says("broken") }))
			c.do("200", "ALLO "+tt.room)
			switch tt.before {
			case "":
			case "LIST":
				c.receive("LIST")
			default:
				c.do("2", tt.before)
			}
			want := "550"
			if tt.ok {
				want = "226"
			}
			c.send(want, "STOR /photo.jpg", tt.data)
		})
	}
}
