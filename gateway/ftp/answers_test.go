package ftp

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway/gateway/ftp/passive"
)

// TestTroubleIsNotTheClients: what the gateway's own disk lacks is no missing file
// of the client's, and the log hears of it.
func TestTroubleIsNotTheClients(t *testing.T) {
	_, missing := os.Open(filepath.Join(t.TempDir(), "staged", "x"))
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	for _, tt := range []struct {
		err    error
		want   string
		logged bool
	}{
		{&fs.PathError{Op: "open", Path: "/a", Err: fs.ErrNotExist}, "there is no such file or folder", false},
		{missing, "trouble with its disk", true},
		{fmt.Errorf("blob: %w", &fs.PathError{Op: "write", Path: "/x", Err: syscall.EIO}), "trouble with its disk", true},
		{&fs.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}, "no space is left", false},
		{&fs.PathError{Op: "open", Path: "/a/b", Err: syscall.ENOTDIR}, "a file stands", false},
		{passive.InWords(reset), "the data connection broke off", false},
		{passive.InWords(os.ErrDeadlineExceeded), "nothing moved", false},
		{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no database")}, "its log says why", true},
		{errors.New("what is this"), "its log says why", true},
	} {
		var log strings.Builder
		got := toClient(slog.New(slog.NewTextHandler(&log, nil)), "STOR", "/a", tt.err)
		if !strings.Contains(got.Error(), tt.want) || strings.Contains(got.Error(), os.TempDir()) {
			t.Errorf("%v: the client hears %q", tt.err, got)
		}
		if logged := strings.Contains(log.String(), "level=ERROR"); logged != tt.logged {
			t.Errorf("%v: logged: %v", tt.err, logged)
		}
	}
}

// TestPlain: no reply tells the addresses of a connection.
func TestPlain(t *testing.T) {
	for line, want := range map[string]string{
		"550 Issue during transfer: read tcp 127.0.0.1:9->[::1]:8: connection reset by peer":                         "550 Issue during transfer: connection reset by peer",
		"425 network error: could not establish active connection: dial tcp 10.0.0.1:5: connect: connection refused": "425 connect: connection refused",
		"226 read tcp 1: x": "226 read tcp 1: x", // a name may be so
	} {
		if got := plain(line); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestBrokenOffInWords: a client hears how much came and what to do next, and no
// address.
func TestBrokenOffInWords(t *testing.T) {
	for name, run := range map[string]func(c *client) string{
		"reset": func(c *client) string {
			d := c.data()
			c.do("150", "STOR /a")
			c.write(d, "new")
			d.SetLinger(0) //nolint:errcheck // The reply shows it.
			d.Close()
			return c.expect("550")
		},
		"stalled": func(c *client) string {
			d := c.data()
			c.do("150", "STOR /a")
			c.write(d, "new")
			return c.expect("550")
		},
		"stalled listing": func(c *client) string {
			d := c.data()
			d.SetReadBuffer(1 << 10) //nolint:errcheck // As above.
			c.do("150", "LIST")
			return c.expect("550")
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree()
			if name == "stalled listing" {
				for i := range 50_000 { // more than the system's buffers hold
					tr.put(t, fmt.Sprintf("/%0100d", i), "")
				}
			}
			c := signIn(t, startFTP(t, tr, func(o *Options) {
				if name != "reset" {
					o.Stall = 100 * time.Millisecond
				}
			}))
			got := run(c)
			for _, bad := range []string{"127.0.0.1", "tcp", "i/o timeout", "network error"} {
				if strings.Contains(got, bad) {
					t.Errorf("the reply tells %q: %s", bad, got)
				}
			}
			if name == "stalled" && !strings.Contains(got, "after 3 bytes") {
				t.Errorf("the reply is %q", got)
			}
		})
	}
}
