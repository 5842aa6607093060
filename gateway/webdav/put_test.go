package webdav

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway/gateway/webdav/digest"
)

func TestPut(t *testing.T) {
	for _, inTwo := range []bool{false, true} {
		t.Run(fmt.Sprintf("looks up and opens in two = %t", inTwo), func(t *testing.T) { testPut(t, inTwo) })
	}
}

func testPut(t *testing.T, inTwo bool) {
	d := open(t)
	d.fs.inTwo = inTwo
	d.seed("/dir/old=1")
	r := d.want(201, "PUT", "/dav/new", "hello")
	if r.Header.Get("ETag") != d.want(200, "HEAD", "/dav/new", "").Header.Get("ETag") || r.Header.Get("ETag") == "" {
		t.Errorf("the PUT's ETag %q is not the HEAD's", r.Header.Get("ETag"))
	}
	if r.Header.Get("Location") != "" {
		t.Errorf("Location: %s", r.Header.Get("Location"))
	}
	d.holds("/new", "hello")
	d.want(204, "PUT", "/dav/new", "")
	d.holds("/new", "")
	d.want(405, "PUT", "/dav/dir", "x")
	d.want(405, "PUT", "/dav/", "x")
	d.want(405, "PUT", "/dav/slash/", "x")
	d.want(409, "PUT", "/dav/none/x", "x")
	d.want(409, "PUT", "/dav/new/x", "x")
	d.want(400, "PUT", "/dav/dir/old", "x", "Content-Range: bytes 0-0/1")
	d.want(415, "PUT", "/dav/dir/old", "x", "Content-Encoding: gzip")
	d.holds("/dir/old", "1")
	d.want(412, "PUT", "/dav/dir/old", "x", "If-None-Match: *")
	d.want(412, "PUT", "/dav/dir/none", "x", "If-Match: *")
	d.holds("/dir/old", "1")
	if want := []string{"/new", "/new"}; !slices.Equal(d.fs.commits, want) {
		t.Errorf("committed %q instead of %q", d.fs.commits, want)
	}
	d.want(201, "PUT", "/dav/"+strings.Repeat("%C3%A4", 5), "x")
	d.holds("/äääää", "x")
}

func TestPutLooksUpOnce(t *testing.T) {
	d := open(t)
	d.want(201, "PUT", "/dav/a", "x")
	if d.fs.stats != 0 {
		t.Errorf("beside opening the file it was looked up %d times", d.fs.stats)
	}
}

func TestPutRefusedEndsWhatWasOpened(t *testing.T) {
	d := open(t)
	d.seed("/a=1")
	d.want(412, "PUT", "/dav/a", "x", "If-None-Match: *")
	if len(d.fs.aborts) != 1 || len(d.fs.commits) != 0 {
		t.Errorf("%d aborted, %d committed, instead of 1 and 0", len(d.fs.aborts), len(d.fs.commits))
	}
}

func TestPutTimes(t *testing.T) {
	d := open(t)
	r := d.want(201, "PUT", "/dav/a", "x", "X-OC-Mtime: 1577934245")
	info, err := d.fs.Fs.Stat("/a")
	if err != nil || !info.ModTime().Equal(time.Unix(1577934245, 0)) || r.Header.Get("X-OC-Mtime") != "accepted" {
		t.Errorf("time %v, %v, header %q", info.ModTime(), err, r.Header.Get("X-OC-Mtime"))
	}
	for _, strange := range []string{"NaN", "-1", "+Inf", "1e300"} {
		if r := d.want(201, "PUT", "/dav/"+strange, "x", "X-OC-Mtime: "+strange); r.Header.Get("X-OC-Mtime") != "" {
			t.Errorf("the time %s was accepted", strange)
		}
	}
	if r := d.want(201, "PUT", "/dav/b", "x", "X-OC-Mtime: yesterday"); r.Header.Get("X-OC-Mtime") != "" {
		t.Errorf("nonsense was accepted")
	}
}

func TestPutConditions(t *testing.T) {
	tag := tagOf([]byte("old"))
	later := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	earlier := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for _, tt := range []struct {
		path, header string
		code         int
	}{
		{"/f", "If-Match: " + tag, 204},
		{"/f", `If-Match: "x", ` + tag, 204},
		{"/f", "If-Match: *", 204},
		{"/f", `If-Match: "x"`, 412},
		{"/f", "If-Match: W/" + tag, 412},
		{"/f", "If-Match: broken", 412},
		{"/g", "If-Match: *", 412},
		{"/f", "If-None-Match: *", 412},
		{"/f", "If-None-Match: " + tag, 412},
		{"/f", "If-None-Match: W/" + tag, 412},
		{"/f", `If-None-Match: broken"`, 204},
		{"/f", "If-None-Match: undefined, " + tag, 412},
		{"/g", "If-None-Match: *", 201},
		{"/f", "If-Unmodified-Since: " + later, 204},
		{"/f", "If-Unmodified-Since: " + earlier, 412},
		{"/f", "If-Unmodified-Since: soon", 204},
		{"/f", "If: ([" + tag + "])", 204},
		{"/f", "If: (Not [" + tag + "])", 412},
		{"/f", "If: ([W/" + tag + "])", 412},
		{"/f", `If: (["x"]) (Not <DAV:no-lock>)`, 204},
		{"/f", "If: <HOST/dav/f> ([" + tag + "])", 204},
		{"/f", "If: <http://elsewhere:81/dav/f> ([" + tag + "])", 204},
		{"/f", "If: </dav/g> ([" + tag + "])", 412},
		{"/f", "If: (<opaquelocktoken:none>)", 412},
		{"/f", "If: (", 400},
	} {
		d := open(t)
		d.seed("/f=old")
		d.want(tt.code, "PUT", "/dav"+tt.path, "new", tt.header)
		want := "old"
		if tt.code == 204 {
			want = "new"
		}
		d.holds("/f", want)
	}
}

// TestUnmodifiedSince: a time in HTTP has no fractions, a file's may.
func TestUnmodifiedSince(t *testing.T) {
	d := open(t)
	d.seed("/f=old")
	when := time.Date(2020, 1, 2, 3, 4, 5, 987654321, time.UTC)
	if err := d.fs.Fs.Chtimes("/f", when, when); err != nil {
		t.Fatal(err)
	}
	d.want(412, "PUT", "/dav/f", "new", "If-Unmodified-Since: Thu, 02 Jan 2020 03:04:04 GMT")
	d.want(204, "PUT", "/dav/f", "new", "If-Unmodified-Since: Thu, 02 Jan 2020 03:04:05 GMT")
}

// TestStalledReader: a client that takes no bytes is let go.
func TestStalledReader(t *testing.T) {
	d := open(t, func(o *Options) { o.Idle = 100 * time.Millisecond })
	d.seed("/f=" + strings.Repeat("x", 32<<20))
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /dav/f HTTP/1.1\r\nHost: x\r\n\r\n")
	<-d.served // nothing is read before the door has given up
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// during sends a PUT with a header whose body ends after meanwhile has run, and
// returns the status.
func (d *door) during(path, header string, meanwhile func()) int {
	d.Helper()
	body, w := io.Pipe()
	r, err := http.NewRequest("PUT", d.url+path, body)
	if err != nil {
		d.Fatal(err)
	}
	name, value, _ := strings.Cut(header, ": ")
	r.Header.Set(name, value)
	r.Header.Set("Expect", "100-continue") // the body is read once the request was looked at
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	got := make(chan int)
	go func() {
		resp, err := transport.RoundTrip(r)
		if err != nil {
			got <- 0
			return
		}
		resp.Body.Close()
		got <- resp.StatusCode
	}()
	w.Write([]byte("slow")) //nolint:errcheck // a pipe
	meanwhile()
	w.Close()
	return <-got
}

// TestPutConditionAtCommit: what came to stand there while the body was under
// way counts.
func TestPutConditionAtCommit(t *testing.T) {
	d := open(t)
	if code := d.during("/dav/f", "If-None-Match: *", func() { d.want(201, "PUT", "/dav/f", "quick") }); code != 412 {
		t.Errorf("status %d", code)
	}
	d.holds("/f", "quick")

	tag := d.do("HEAD", "/dav/f", "").Header.Get("ETag")
	if code := d.during("/dav/f", "If: (["+tag+"])", func() { d.want(204, "PUT", "/dav/f", "quicker") }); code != 412 {
		t.Errorf("with an ETag in the If header: status %d", code)
	}
	d.holds("/f", "quicker")
}

// TestPutAfterItsLock: a lock that ends during the upload spoils nothing, unless
// somebody has changed the file since.
func TestPutAfterItsLock(t *testing.T) {
	d := open(t)
	d.seed("/f=old")
	for content, code := range map[string]int{"": 204, "theirs": 412} {
		token := d.lock("/dav/f")
		got := d.during("/dav/f", "If: (<"+token+">)", func() {
			d.want(204, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">")
			if content != "" {
				d.want(204, "PUT", "/dav/f", content)
			}
		})
		if got != code {
			t.Errorf("after %q: status %d, want %d", content, got, code)
		}
	}
}

func TestDigests(t *testing.T) {
	const data = "some bytes"
	s1, s256, s512, m5 := sha1.Sum([]byte(data)), sha256.Sum256([]byte(data)), sha512.Sum512([]byte(data)), md5.Sum([]byte(data))
	b64 := base64.StdEncoding.EncodeToString
	good := []string{
		"Content-Digest: sha-256=:" + b64(s256[:]) + ":",
		"Repr-Digest: unknown=:AA==:, sha-512=:" + b64(s512[:]) + ":",
		"Content-Digest: sha-256=broken, md9=:AA==:",
		"Content-MD5: " + b64(m5[:]),
		"OC-Checksum: SHA1:" + hex.EncodeToString(s1[:]),
		"OC-Checksum: MD5:" + strings.ToUpper(hex.EncodeToString(m5[:])),
		"OC-Checksum: SHA256:" + hex.EncodeToString(s256[:]),
		fmt.Sprintf("OC-Checksum: SHA1:%x ADLER32:%08x", s1, adler32.Checksum([]byte(data))),
	}
	d := open(t)
	d.seed("/f=old")
	for _, h := range good {
		d.want(204, "PUT", "/dav/f", data, h)
		d.holds("/f", data)
	}
	d.seed("/f=old")
	for _, h := range []string{good[0], good[1], good[3], good[4], good[5], good[6], good[7], "Content-MD5: ?", "OC-Checksum: SHA1:zz"} {
		d.want(400, "PUT", "/dav/f", "some Bytes", h)
		d.holds("/f", "old")
	}
	if len(d.fs.aborts) != 9 {
		t.Errorf("%d aborts", len(d.fs.aborts))
	}
}

// kindError is an error with one of the small interfaces that status.go asks.
type kindError struct{ error }

type (
	tooLargeError   struct{ kindError }
	wrongTypeError  struct{ kindError }
	noSpaceError    struct{ kindError }
	forbiddenError  struct{ kindError }
	notDirError     struct{ kindError }
	isDirError      struct{ kindError }
	notEmptyError   struct{ kindError }
	intoItselfError struct{ kindError }
	changedError    struct{ kindError }
)

func (kindError) Is(target error) bool   { return target == fs.ErrPermission }
func (kindError) Reason() string         { return "do it otherwise" }
func (tooLargeError) TooLarge() bool     { return true }
func (wrongTypeError) WrongType() bool   { return true }
func (noSpaceError) NoSpace() bool       { return true }
func (forbiddenError) Forbidden() bool   { return true }
func (notDirError) NotDir() bool         { return true }
func (isDirError) IsDir() bool           { return true }
func (notEmptyError) NotEmpty() bool     { return true }
func (intoItselfError) IntoItself() bool { return true }
func (changedError) Changed() bool       { return true }

func TestStatus(t *testing.T) {
	base := kindError{errors.New("inner")}
	for _, tt := range []struct {
		err  error
		code int
	}{
		{tooLargeError{base}, 413}, {wrongTypeError{base}, 415}, {noSpaceError{base}, 507}, {forbiddenError{base}, 403},
		{notDirError{base}, 409}, {isDirError{base}, 405}, {notEmptyError{base}, 409}, {intoItselfError{base}, 403},
		{changedError{base}, 412}, {base, 403},
		{syscall.ENOSPC, 507}, {syscall.EDQUOT, 507}, {syscall.EROFS, 403}, {syscall.EACCES, 403}, {syscall.EFBIG, 413},
		{fs.ErrPermission, 403}, {fs.ErrNotExist, 409}, {errors.New("disk on fire"), 500},
	} {
		wrapped := &fs.PathError{Op: "put", Path: "/secret", Err: fmt.Errorf("x: %w", tt.err)}
		for where, set := range map[string]func(*fakeFS){
			"admit":  func(f *fakeFS) { f.admit = func(string, int64) error { return wrapped } },
			"write":  func(f *fakeFS) { f.write = wrapped },
			"commit": func(f *fakeFS) { f.commit = wrapped },
		} {
			d := open(t)
			d.seed("/f=old")
			set(d.fs)
			r := d.want(tt.code, "PUT", "/dav/f", "new")
			if d.holds("/f", "old"); strings.Contains(r.body, "secret") {
				t.Errorf("%s: %s", where, r.body)
			}
			if _, ok := tt.err.(interface{ TooLarge() bool }); ok && !strings.Contains(r.body, "do it otherwise") {
				t.Errorf("%s: the reason is missing: %s", where, r.body)
			}
		}
	}
}

func TestRefusedLock(t *testing.T) {
	d := open(t)
	d.fs.admit = func(string, int64) error { return fs.ErrPermission }
	d.want(403, "LOCK", "/dav/f", lockBody)
	d.holds("/f", "-")
	d.fs.admit = nil
	d.want(409, "LOCK", "/dav/none/f", lockBody)
	d.want(201, "PUT", "/dav/f", "x") // nothing stayed locked
}

// raw sends bytes over a connection of their own, then closes its writing side
// if the client is to seem gone, and returns the reply's status, 0 if none came.
func (d *door) raw(leave bool, parts ...string) int {
	d.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		d.Fatal(err)
	}
	defer c.Close()
	for _, p := range parts {
		if _, err := io.WriteString(c, p); err != nil {
			break
		}
	}
	if leave {
		c.(*net.TCPConn).CloseWrite()
	}
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestAbortedPut(t *testing.T) {
	const put = "PUT /dav/f HTTP/1.1\r\nHost: x\r\n"
	big := strings.Repeat("b", 3<<20)
	for name, tt := range map[string]struct {
		leave bool
		text  string
	}{
		"Content-Length cut short":           {true, put + "Content-Length: 100\r\n\r\nonly this"},
		"a large Content-Length cut short":   {true, put + "Content-Length: 4000000\r\n\r\n" + big},
		"nothing of the body":                {true, put + "Content-Length: 100\r\n\r\n"},
		"chunked cut between chunks":         {true, put + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n"},
		"chunked cut within a chunk":         {true, put + "Transfer-Encoding: chunked\r\n\r\nff\r\nabcd"},
		"malformed chunk":                    {false, put + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nzz\r\n"},
		"X-Expected-Entity-Length too long":  {false, put + "X-Expected-Entity-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"},
		"X-Expected-Entity-Length, no bytes": {false, put + "X-Expected-Entity-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		"X-Expected-Entity-Length too short": {false, put + "X-Expected-Entity-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			d.seed("/f=old")
			if code := d.raw(tt.leave, tt.text); code != 400 {
				t.Errorf("status %d", code)
			}
			d.holds("/f", "old")
			if d.fs.mu.Lock(); len(d.fs.aborts) != 1 || len(d.fs.commits) != 0 {
				t.Errorf("%d aborts, commits %q", len(d.fs.aborts), d.fs.commits)
			}
			d.fs.mu.Unlock()
		})
	}
}

// TestPutClientLeaves: the whole body came, and the client does not wait for the
// answer, which in net/http cancels the request's context.
func TestPutClientLeaves(t *testing.T) {
	d := open(t)
	began, left := make(chan bool), make(chan bool)
	d.fs.admit = func(_ string, size int64) error {
		if d.fs.admits == 1 {
			d.fs.admits++
			return nil
		}
		began <- true
		<-left
		return nil
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "PUT /dav/f HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nwhole")
	<-began // within Close
	c.Close()
	time.Sleep(20 * time.Millisecond) // net/http sees it and cancels; no seam tells when
	close(left)
	for range 100 {
		d.fs.mu.Lock()
		n := len(d.fs.commits)
		d.fs.mu.Unlock()
		if n == 1 {
			d.holds("/f", "whole")
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a whole file was not committed")
}

func TestPutChunked(t *testing.T) {
	d := open(t)
	const put = "PUT /dav/f HTTP/1.1\r\nHost: x\r\nX-Expected-Entity-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
	if code := d.raw(false, put+"4\r\nabcd\r\n0\r\n\r\n"); code != 201 {
		t.Errorf("status %d", code)
	}
	d.holds("/f", "abcd")
	big := strings.Repeat("0123456789", 400_000)
	d.want(204, "PUT", "/dav/f", big)
	d.holds("/f", big)
}

// TestRefusedBeforeBody: a client that waits for 100 Continue sends no byte of
// what is refused.
func TestRefusedBeforeBody(t *testing.T) {
	d := open(t)
	d.fs.admit = func(_ string, size int64) error {
		if size > 1000 {
			return tooLargeError{kindError{errors.New("big")}}
		}
		return nil
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "PUT /dav/f HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 413 || !resp.Close {
		t.Errorf("%v %v", resp, err)
	}
	// One that does not wait still gets to read why; a small body is drained and
	// the connection goes on.
	for size, closed := range map[int]bool{100_000: false, 10_000_000: true} {
		r := d.want(413, "PUT", "/dav/f", strings.Repeat("x", size))
		if r.Close != closed {
			t.Errorf("%d bytes: closed %v", size, r.Close)
		}
	}
	// 100 Continue comes where nothing is in the way.
	c2, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c2.Close()
	fmt.Fprint(c2, "PUT /dav/f HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	br := bufio.NewReader(c2)
	if line, err := br.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Errorf("%q %v", line, err)
	}
}

func TestIdleClient(t *testing.T) {
	d := open(t, func(o *Options) { o.Idle = 200 * time.Millisecond })
	d.seed("/f=old")
	const put = "PUT /dav/f HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
	if code := d.raw(false, put, "12"); code != 408 {
		t.Errorf("an idle client got %d", code)
	}
	d.holds("/f", "old")
	for name, text := range map[string]string{
		"refused": "PUT /dav/f HTTP/1.1\r\nHost: x\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 10\r\n\r\n12",
		"LOCK":    "LOCK /dav/f HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12",
		"DELETE":  "DELETE /dav/none HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12",
	} {
		if code := d.raw(false, text); code == 0 {
			t.Errorf("%s: no reply", name)
		}
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, put)
	for range 10 { // twice the idle time in all, but never idle for long
		time.Sleep(40 * time.Millisecond)
		fmt.Fprint(c, "z")
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 204 {
		t.Errorf("a slow client got %v %v", resp, err)
	}
	d.holds("/f", "zzzzzzzzzz")
}

// readerFrom is a staged file that takes the body by itself.
type readerFrom struct {
	bytes.Buffer
	used bool
}

func (r *readerFrom) ReadFrom(src io.Reader) (int64, error) {
	r.used = true
	return r.Buffer.ReadFrom(src)
}

func TestReaderFrom(t *testing.T) {
	h := New(Options{})
	w := &readerFrom{}
	r, err := http.NewRequest("PUT", "/", io.NopCloser(strings.NewReader("abc")))
	if err != nil {
		t.Fatal(err)
	}
	b := &body{source: r.Body, deadline: &deadline{set: func(time.Time) error { return os.ErrNoDeadline }, idle: time.Second}, sums: digest.FromHeader(r.Header), declared: 3}
	if err := h.copyTo(w, b, -1); err != nil || !w.used || b.whole() != nil || w.String() != "abc" {
		t.Errorf("%v, used %v, %q", err, w.used, w.String())
	}
}
