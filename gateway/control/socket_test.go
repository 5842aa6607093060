package control

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// shortDir is a folder with a path short enough for a socket whatever the test is
// called.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // a test's leavings
	return dir
}

// longDir is one whose path is too long.
func longDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve answers "hello" over l until the test ends.
func serve(t *testing.T, l net.Listener) {
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello "+r.URL.Path) //nolint:errcheck // the client reads it
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(l) //nolint:errcheck // ends with Close
	}()
	t.Cleanup(func() {
		s.Close() //nolint:errcheck // the test is over
		<-done
	})
}

func TestSocket(t *testing.T) {
	for name, dir := range map[string]string{"short": shortDir(t), "long": longDir(t)} {
		t.Run(name, func(t *testing.T) {
			temp := shortDir(t)
			t.Setenv("TMPDIR", temp)
			if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
				t.Fatalf("before: %v", err)
			}
			for range 2 {
				roundTrip(t, dir)
			}
			for _, d := range []string{dir, temp} {
				if files, _ := os.ReadDir(d); len(files) != 0 {
					t.Errorf("left behind in %s: %v", d, files)
				}
			}
		})
	}
}

// roundTrip starts a server in dir, asks it twice, and ends it.
func roundTrip(t *testing.T, dir string) {
	t.Helper()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	path, err := socketPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Lstat(path)
	if err != nil || fi.Mode().Type() != fs.ModeSocket || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Fatalf("the socket: %v, %v", fi.Mode(), err)
	}
	c, err := Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		r, err := c.HTTP.Get(c.URL + "/v1/queue")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close() //nolint:errcheck // read to its end
		if err != nil || string(body) != "hello /v1/queue" {
			t.Errorf("%q, %v", body, err)
		}
	}
	c.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.HTTP.Get(c.URL); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a request after the end: %v", err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

// A killed gateway leaves its socket, which answers nobody and is replaced.
func TestStaleSockets(t *testing.T) {
	for name, dir := range map[string]string{"short": shortDir(t), "long": longDir(t)} {
		t.Run(name, func(t *testing.T) {
			temp := shortDir(t)
			t.Setenv("TMPDIR", temp)
			dead, err := Listen(dir)
			if err != nil {
				t.Fatal(err)
			}
			dead.(*listener).UnixListener.Close() //nolint:errcheck // killed
			if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
				t.Errorf("a dead socket: %v", err)
			}
			roundTrip(t, dir)
			if files, _ := os.ReadDir(temp); len(files) != 0 {
				t.Errorf("left behind: %v", files)
			}
		})
	}
}

func TestAPointerToAStrangersFileIsNotFollowed(t *testing.T) {
	dir := shortDir(t)
	theirs := filepath.Join(t.TempDir(), socketName)
	if err := os.WriteFile(theirs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, pointerName), []byte(theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, dir)
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
}

func TestListenFails(t *testing.T) {
	if _, err := Listen(filepath.Join(shortDir(t), "none")); err == nil {
		t.Error("listens in no directory")
	}
	t.Setenv("TMPDIR", longDir(t))
	if _, err := Listen(longDir(t)); err == nil || !strings.Contains(err.Error(), "shorter data_dir") {
		t.Errorf("both paths are too long: %v", err)
	}
}

func TestDialFails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	dir := shortDir(t)
	if _, err := Dial(ended, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if os.Getuid() <= 0 {
		return // root may connect to anything, and Windows has no such numbers
	}
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	if err := os.Chmod(filepath.Join(dir, socketName), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), dir); errors.Is(err, ErrNotRunning) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("another user's: %v", err)
	}
}
