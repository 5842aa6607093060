package ftp

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"
)

// away is a tree whose files cannot be read.
type away struct {
	*tree
	err error
}

func (a away) Open(name string) (afero.File, error) { return a.OpenFile(name, os.O_RDONLY, 0) }

func (a away) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if info, err := a.Fs.Stat(name); err == nil && !info.IsDir() && flag&os.O_TRUNC == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: a.err}
	}
	return a.tree.OpenFile(name, flag, perm)
}

func (a away) Resume(name string, _ int64) (afero.File, error) {
	return a.OpenFile(name, create, 0o666)
}

// awayError is why; it wraps an error of a disk, which is not the gateway's.
type awayError struct{ passing bool }

func (e awayError) Error() string     { return e.Reason() }
func (e awayError) Reason() string    { return "its host is away" }
func (e awayError) Forbidden() bool   { return !e.passing }
func (e awayError) Unavailable() bool { return e.passing }
func (e awayError) Unwrap() error     { return os.NewSyscallError("connect", syscall.ECONNREFUSED) }

// TestAway: what cannot be read for a while is answered so that clients try again
// (RFC 959 §4.2.2), by words and without a log of trouble; nothing else needs the bytes.
func TestAway(t *testing.T) {
	for code, err := range map[string]awayError{"450 ": {true}, "55": {false}} {
		tr := away{newTree(), err}
		tr.put(t, "/a.jpg", "picture")
		c := signIn(t, startFTP(t, tr, nil))
		c.do("213 7", "SIZE a.jpg")
		c.do("213 ", "MDTM a.jpg")
		c.do("250", "MLST a.jpg")
		if list := c.receive("LIST"); !strings.Contains(list, "a.jpg") {
			t.Errorf("it is listed as %q", list)
		}
		for _, line := range []string{"RETR a.jpg", "APPE a.jpg"} {
			c.data()
			if got := c.do(code, line); !strings.Contains(got, "its host is away") && err.passing {
				t.Errorf("%s: %s", line, got)
			}
		}
		for _, line := range []string{"RETR a.jpg", "STOR a.jpg"} {
			c.data()
			c.do("350", "REST 3")
			c.do(code, line)
		}
		c.do("550", "SIZE b.jpg")
		c.data()
		c.do("550", "RETR b.jpg")
		c.send("226", "STOR a.jpg", "anew")
		if got := tr.get("/a.jpg"); got != "anew" {
			t.Errorf("stored again it is %q", got)
		}
	}
}
