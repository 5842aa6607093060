package webdav

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
)

const lockBody = `<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>` +
	`<D:locktype><D:write/></D:locktype><D:owner><z:me xmlns:z="urn:z&amp;">a&lt;b</z:me><D:href>mailto:x</D:href></D:owner></D:lockinfo>`

// lock takes a lock and returns its token.
func (d *door) lock(path string, header ...string) string {
	d.Helper()
	r := d.do("LOCK", path, lockBody, header...)
	if r.StatusCode/100 != 2 {
		d.Fatalf("LOCK %s: %d %s", path, r.StatusCode, r.body)
	}
	return strings.Trim(r.Header.Get("Lock-Token"), "<>")
}

func TestLock(t *testing.T) {
	d := open(t)
	r := d.want(201, "LOCK", "/dav/f", lockBody, "Timeout: Second-600", "Depth: 0")
	token := strings.Trim(r.Header.Get("Lock-Token"), "<>")
	for _, part := range []string{token, "<D:exclusive/>", "<D:depth>0<", ">Second-600<", ">/dav/f<",
		`<D:owner><z:me xmlns:z="urn:z&amp;">a&lt;b</z:me><D:href xmlns:D="DAV:">mailto:x</D:href></D:owner>`} {
		if !strings.Contains(r.body, part) {
			t.Errorf("%q is missing in\n%s", part, r.body)
		}
	}
	d.holds("/f", "")
	if !strings.HasPrefix(token, "opaquelocktoken:") || len(token) != 16+36 {
		t.Errorf("token %q", token)
	}
	if r := d.want(423, "PUT", "/dav/f", "x"); !strings.Contains(r.body, "<D:lock-token-submitted><D:href>/dav/f</D:href>") {
		t.Errorf("body %s", r.body)
	}
	for _, method := range []string{"DELETE", "PROPPATCH"} {
		body := ""
		if method == "PROPPATCH" {
			body = `<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><a/></D:prop></D:remove></D:propertyupdate>`
		}
		d.want(423, method, "/dav/f", body)
	}
	d.want(423, "LOCK", "/dav/f", lockBody)
	d.want(423, "LOCK", "/dav/", lockBody) // infinity, over it
	d.want(204, "PUT", "/dav/f", "y", "If: (<"+token+">)")
	d.want(423, "PUT", "/dav/f", "z", "If: (Not <DAV:no-lock>)")
	d.want(412, "PUT", "/dav/f", "z", "If: (<opaquelocktoken:x>)")
	d.want(412, "PUT", "/dav/g", "z", "If: (<"+token+">)") // it does not lock this one
	d.want(423, "PUT", "/dav/f", "z", "If: (<"+token+">)", "User: somebody")
	d.want(403, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">", "User: somebody")
	d.want(412, "LOCK", "/dav/f", "", "If: (<"+token+">)", "User: somebody")
	d.want(200, "LOCK", "/dav/f", "", "If: (<"+token+">)")
	d.want(412, "LOCK", "/dav/g", "", "If: (<"+token+">)")
	d.want(400, "LOCK", "/dav/f", "")
	d.want(409, "UNLOCK", "/dav/g", "", "Lock-Token: <"+token+">")
	d.want(400, "UNLOCK", "/dav/f", "")
	find := d.want(207, "PROPFIND", "/dav/f", `<a:propfind xmlns:a="DAV:"><a:prop><a:lockdiscovery/></a:prop></a:propfind>`)
	if !strings.Contains(find.body, token) {
		t.Errorf("lockdiscovery:\n%s", find.body)
	}
	d.want(204, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">")
	d.want(204, "PUT", "/dav/f", "x")
	d.want(400, "LOCK", "/dav/f", "<a/>")
	d.want(400, "LOCK", "/dav/f", lockBody, "Depth: 1")
	long := strings.Replace(lockBody, "mailto:x", strings.Repeat("x", ownerMax), 1)
	d.want(413, "LOCK", "/dav/f", long)
}

func TestLockDeep(t *testing.T) {
	d := open(t)
	d.seed("/dir/sub/f=x", "/other=y")
	token := d.lock("/dav/dir")
	for _, path := range []string{"/dav/dir/sub/f", "/dav/dir/new"} {
		d.want(423, "PUT", path, "z")
	}
	d.want(423, "MOVE", "/dav/other", "", "Destination: /dav/dir/other")
	d.want(423, "MKCOL", "/dav/dir/m", "")
	d.want(204, "PUT", "/dav/dir/sub/f", "z", "If: <HOST/dav/dir/> (<"+token+">)")
	d.want(204, "PUT", "/dav/dir/sub/f", "z", "If: (<"+token+">)")
	d.want(204, "DELETE", "/dav/dir", "", "If: (<"+token+">)")
	d.want(201, "MKCOL", "/dav/dir", "") // the lock went with it
	d.want(201, "PUT", "/dav/dir/f", "x")
	inner := d.lock("/dav/dir/f", "Depth: 0")
	d.want(423, "DELETE", "/dav/dir", "")
	d.want(204, "DELETE", "/dav/dir", "", "If: </dav/dir/f> (<"+inner+">)")
}

// TestLockFlat: a lock of depth 0 on a folder guards which names it holds, not
// what they hold (RFC 4918 §7.4).
func TestLockFlat(t *testing.T) {
	d := open(t)
	d.seed("/dir/f=x")
	d.lock("/dav/dir", "Depth: 0")
	d.want(423, "PUT", "/dav/dir/new", "z")
	d.want(423, "DELETE", "/dav/dir/f", "")
	d.want(204, "PUT", "/dav/dir/f", "z")
}

func TestLockShared(t *testing.T) {
	d := open(t)
	shared := strings.Replace(lockBody, "exclusive", "shared", 1)
	first := d.want(201, "LOCK", "/dav/f", shared).Header.Get("Lock-Token")
	second := d.want(200, "LOCK", "/dav/f", shared).Header.Get("Lock-Token")
	d.want(423, "LOCK", "/dav/f", lockBody)
	d.want(423, "PUT", "/dav/f", "x")
	for _, token := range []string{first, second} {
		d.want(204, "PUT", "/dav/f", "x", "If: ("+token+")")
	}
}

func TestLockMoves(t *testing.T) {
	d := open(t)
	d.seed("/a=1", "/b=2")
	token := d.lock("/dav/a")
	d.want(423, "MOVE", "/dav/a", "", "Destination: /dav/c")
	d.want(201, "COPY", "/dav/a", "", "Destination: /dav/copy") // reading is free
	d.want(423, "COPY", "/dav/b", "", "Destination: /dav/a")
	d.want(201, "MOVE", "/dav/a", "", "Destination: /dav/c", "If: (<"+token+">)")
	d.want(201, "PUT", "/dav/a", "x") // no lock stayed behind,
	d.want(204, "PUT", "/dav/c", "x") // and none went along
}

func TestLockEnds(t *testing.T) {
	now := time.Now()
	d := open(t, func(o *Options) { o.Now = func() time.Time { return now }; o.MaxLocks = 2 })
	d.lock("/dav/f")
	d.lock("/dav/g", "Timeout: Second-10")
	d.want(507, "LOCK", "/dav/h", lockBody)
	d.holds("/h", "-")
	now = now.Add(11 * time.Second)
	d.lock("/dav/h")
	d.want(204, "PUT", "/dav/g", "x")
	now = now.Add(50 * time.Minute)
	d.want(423, "PUT", "/dav/f", "x")
	now = now.Add(10 * time.Minute)
	d.want(204, "PUT", "/dav/f", "x")
}

// TestLockRoots: users with different roots lock the same tree.
func TestLockRoots(t *testing.T) {
	d := open(t)
	d.fs.root = "/home/b"
	token := d.lock("/dav/f")
	d.fs.root = "/"
	d.seed("/home/b/f=x")
	d.want(423, "PUT", "/dav/home/b/f", "y")
	d.want(204, "PUT", "/dav/f", "y") // the fake has one tree only, in which LOCK made it
	d.want(204, "PUT", "/dav/home/b/f", "y", "If: (<"+token+">)")
}

// TestLockTakenDuringPut: a lock that somebody took while the bytes came holds.
func TestLockTakenDuringPut(t *testing.T) {
	d := open(t)
	d.seed("/f=old")
	d.fs.admit = func(_ string, size int64) error { // asked between the first look at the locks and the body
		if size == 0 { // by the LOCK
			return nil
		}
		r, err := http.NewRequest("LOCK", d.url+"/dav/f", strings.NewReader(lockBody))
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	d.want(423, "PUT", "/dav/f", "new")
	d.holds("/f", "old")
}

func TestTimeout(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": time.Hour, "Infinite": time.Hour, "Second-5": 5 * time.Second, "Second-4100000000": time.Hour,
		"Infinite, Second-5": time.Hour, "Extend, Second-7": 7 * time.Second, "Second-": time.Hour,
		"Second--1": time.Hour, "Second-0": time.Second, "x": time.Hour,
	} {
		if got := parseTimeout(header, time.Hour); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func FuzzTimeout(f *testing.F) {
	for _, s := range []string{"Infinite, Second-4100000000", "Second-600", "Second-3600", "infinite", "Second-", "Second--1", "Extend", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := parseTimeout(s, time.Hour); d < time.Second || d > time.Hour {
			t.Errorf("%q: %v", s, d)
		}
	})
}

// TestLockThatNobodyReads: a client that reads no answer holds up nobody else.
func TestLockThatNobodyReads(t *testing.T) {
	tree := newFake()
	h := New(Options{Prefix: "/dav", FS: func(*http.Request) (afero.Fs, error) { return tree, nil }})
	ask := func(w http.ResponseWriter, method, body string) {
		h.ServeHTTP(w, httptest.NewRequest(method, "/dav/f", strings.NewReader(body)))
	}
	for method, body := range map[string]string{
		"LOCK":      strings.Replace(lockBody, "exclusive", "shared", 1),
		"PROPPATCH": `<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><a xmlns="x"/></D:prop></D:remove></D:propertyupdate>`,
	} {
		stuck := stuckWriter{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			ask(stuck, method, body)
		}()
		<-stuck.begun
		other := httptest.NewRecorder()
		ask(other, "LOCK", strings.Replace(lockBody, "exclusive", "shared", 1)) // or never
		if other.Code/100 != 2 {
			t.Errorf("beside a %s: %d %s", method, other.Code, other.Body)
		}
		close(stuck.free)
		<-ended
		h.locks.Drop(t.Context(), "/f") //nolint:errcheck // there is no store
	}
}

// stuckWriter blocks the first Write until it is freed.
type stuckWriter struct {
	http.ResponseWriter
	begun, free chan struct{}
}

func (w stuckWriter) Write(p []byte) (int, error) {
	select {
	case <-w.begun:
	default:
		close(w.begun)
	}
	<-w.free
	return w.ResponseWriter.Write(p)
}

// TestLockedByAnyLock: a shared lock too says that its file may still change.
func TestLockedByAnyLock(t *testing.T) {
	tree := newFake()
	h := New(Options{Prefix: "/dav", FS: func(*http.Request) (afero.Fs, error) { return tree, nil }})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("LOCK", "/dav/f", strings.NewReader(strings.Replace(lockBody, "exclusive", "shared", 1))))
	if w.Code != 201 || !h.Locked("/f") || h.Locked("/g") {
		t.Errorf("%d %s, locked: %v %v", w.Code, w.Body, h.Locked("/f"), h.Locked("/g"))
	}
}
