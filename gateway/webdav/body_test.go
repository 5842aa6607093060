package webdav

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"
)

// refusal is an error of a tree that says what it is.
type refusal struct{ text string }

func (r refusal) Error() string  { return r.text }
func (r refusal) Reason() string { return r.text }
func (r refusal) TooLarge() bool { return true }

// chunked sends a PUT without a length, of up to size bytes, and returns the
// status and how many bytes it got rid of.
func (d *door) chunked(path string, size int64, header ...string) (code int, body string, sent int64) {
	d.Helper()
	var n atomic.Int64
	r, err := http.NewRequest("PUT", d.url+path, io.LimitReader(counting{&n}, size))
	if err != nil {
		d.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		// The connection may be closed before the reply was read.
		return 0, err.Error(), n.Load()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), n.Load()
}

type counting struct{ n *atomic.Int64 }

func (c counting) Read(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// TestUnknownLengthIsStoppedEarly: a body without a length that becomes larger
// than may be is not read to its end.
func TestUnknownLengthIsStoppedEarly(t *testing.T) {
	const limit, size = 3 << 20, 1 << 30
	for _, c := range []struct {
		what   string
		change func(*fakeFS)
		header []string
		code   int
	}{
		{"too large", func(f *fakeFS) {
			f.admit = func(_ string, size int64) error {
				if size > limit {
					return &fs.PathError{Op: "open", Path: "/a", Err: refusal{"over the host's limit"}}
				}
				return nil
			}
		}, nil, 413},
		{"quota", func(f *fakeFS) { f.limit = limit }, nil, 507},
		{"more than announced", func(*fakeFS) {}, []string{"X-Expected-Entity-Length: 1000"}, 400},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := open(t)
			d.seed("/a=old")
			c.change(d.fs)
			code, body, sent := d.chunked("/dav/a", size, c.header...)
			if code != c.code && code != 0 || sent > 64<<20 {
				t.Errorf("%d after %d MiB: %s", code, sent>>20, body)
			}
			d.holds("/a", "old")
			if len(d.fs.aborts) != 1 || len(d.fs.commits) != 0 {
				t.Errorf("aborts %v, commits %v", d.fs.aborts, d.fs.commits)
			}
		})
	}
	// What the disk has left shrinks by what comes, and is no reason to end.
	d := open(t)
	d.fs.admit = func(_ string, size int64) error {
		if size > limit && size < 2*limit {
			return &fs.PathError{Op: "open", Path: "/a", Err: errNoRoom{}}
		}
		return nil
	}
	if code, body, _ := d.chunked("/dav/a", 2*limit); code != 201 {
		t.Errorf("%d: %s", code, body)
	}
	if code, body, _ := d.chunked("/dav/b", limit, "X-Expected-Entity-Length: 3145728"); code != 201 {
		t.Errorf("as announced: %d: %s", code, body)
	}
}

type errNoRoom struct{}

func (errNoRoom) Error() string { return "full" }
func (errNoRoom) NoSpace() bool { return true }

// TestRoomSteps: it is asked rarely, and never after much more came than before.
func TestRoomSteps(t *testing.T) {
	d := open(t)
	q := &request{Handler: New(Options{}), fs: d.fs, path: "/a", r: &http.Request{ContentLength: -1}}
	var at []int64
	d.fs.admit = func(_ string, size int64) error {
		at = append(at, size)
		return nil
	}
	r := q.room()
	for n := int64(0); n < 1<<30; n += 32 << 10 {
		if err := r.take(n); err != nil {
			t.Fatal(err)
		}
	}
	if len(at) < 16 || len(at) > 25 || at[0] != roomStep {
		t.Errorf("asked at %v", at)
	}
	if q.r.ContentLength = 5; q.room() != nil {
		t.Error("a length that net/http watches is watched twice")
	}
}

// slowClient is a reply's way to a client that takes each piece only after a while.
type slowClient struct {
	http.ResponseWriter
	pause    time.Duration
	deadline time.Time
}

func (c *slowClient) SetWriteDeadline(t time.Time) error { c.deadline = t; return nil }

func (c *slowClient) Write(p []byte) (int, error) {
	if until := time.Until(c.deadline); c.pause > until {
		time.Sleep(until)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(c.pause)
	return c.ResponseWriter.Write(p)
}

// TestSlowReader: a client that takes a download slowly gets all of it, and one
// that takes nothing is cut off.
func TestSlowReader(t *testing.T) {
	for _, c := range []struct {
		pause time.Duration
		whole bool
	}{{50 * time.Second, true}, {2 * time.Minute, false}} {
		synctest.Test(t, func(t *testing.T) {
			fake := newFake()
			if err := afero.WriteFile(fake.Fs, "/big", make([]byte, 1<<20), 0o666); err != nil {
				t.Fatal(err)
			}
			began, to := time.Now(), httptest.NewRecorder()
			h := New(Options{FS: func(*http.Request) (afero.Fs, error) { return fake, nil }})
			h.ServeHTTP(&slowClient{ResponseWriter: to, pause: c.pause}, httptest.NewRequest("GET", "/big", nil))
			if whole, took := to.Body.Len() == 1<<20, time.Since(began); whole != c.whole || whole != (took > 20*time.Minute) || !whole && took > 2*time.Minute {
				t.Errorf("%d bytes in %v", to.Body.Len(), took)
			}
		})
	}
}
