package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"slipway/gateway/auth"
	"slipway/uploader"
)

const lockedConfig = `
[web]
listen = "127.0.0.1:0"
[[user]]
name = "ann"
password = "env:PASSWORD"
[destination.home]
driver = "local"
[[route]]
path = "/in/{rest...}"
to = ["home"]
[settle]
quiet = "0s"
`

// opened is an app that nothing runs in: the test claims what is due by itself.
func opened(t *testing.T, path string) *app {
	t.Helper()
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	p := program{version: "test", stderr: testWriter{t}, getenv: func(string) (string, bool) { return "correct-horse", true }}
	a, err := openApp(t.Context(), p.options(c))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask sends ann's request to the WebDAV door, which has to answer with code.
func (a *app) ask(t *testing.T, code int, method, path, body string, header ...string) http.Header {
	t.Helper()
	r := httptest.NewRequest(method, davPrefix+path, strings.NewReader(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	r = r.WithContext(auth.NewContext(r.Context(), auth.User{Name: "ann", Home: "/", Rights: auth.Full}))
	w := httptest.NewRecorder()
	a.dav.ServeHTTP(w, r)
	if w.Code != code {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, code, w.Body)
	}
	return w.Header()
}

// due claims what may be sent now, and returns how many uploads that are.
func (a *app) due(t *testing.T) int {
	t.Helper()
	claimed, _, err := a.ledger.Claim(t.Context(), uploader.ClaimRequest{
		Destination: "home", Host: "home", N: 10, Free: 10, Ahead: 1 << 20, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(claimed)
}

const lockInfo = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`

// TestUploadsWaitForLocks: a file is not sent while it is locked, itself or from
// above, however its name is spelled and whether or not the gateway was started
// anew; and at once when the lock ends.
func TestUploadsWaitForLocks(t *testing.T) {
	path := writeConfig(t, lockedConfig)
	a := opened(t, path)
	defer func() { a.close() }()
	file := "/in/gru%CC%88n.txt" // in normal form D, as macOS sends it
	lockOf := func(path string) string { return a.ask(t, 201, "LOCK", path, lockInfo).Get("Lock-Token") }

	token := lockOf(file)
	if n := a.due(t); n != 0 {
		t.Errorf("%d uploads of the empty file that LOCK made", n)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	a = opened(t, path)
	a.ask(t, 423, "PUT", file, "x")
	a.ask(t, 423, "PUT", "/in/gr%C3%BCn.txt", "x")
	a.ask(t, 204, "PUT", file, "green", "If: ("+token+")")
	if n := a.due(t); n != 0 {
		t.Fatalf("%d uploads of a locked file", n)
	}
	if n := a.due(t); n != 0 {
		t.Fatalf("%d uploads of a locked file", n)
	}
	a.ask(t, 204, "UNLOCK", file, "", "Lock-Token: "+token)
	if n := a.due(t); n != 1 {
		t.Errorf("%d uploads go on after UNLOCK, want 1", n)
	}

	token = lockOf("/in/c.txt")
	a.ask(t, 204, "PUT", "/in/c.txt", "cyan", "If: ("+token+")")
	if n := a.due(t); n != 0 {
		t.Fatalf("%d uploads of a locked file", n)
	}
	a.ask(t, 201, "MOVE", "/in/c.txt", "", "Destination: "+davPrefix+"/in/d.txt", "If: ("+token+")")
	if n := a.due(t); n != 1 {
		t.Errorf("%d uploads go on after MOVE, which ends the lock, want 1", n)
	}

	a.ask(t, 201, "MKCOL", "/in/dir", "")
	above := a.ask(t, 200, "LOCK", "/in/dir", lockInfo).Get("Lock-Token")
	a.ask(t, 201, "PUT", "/in/dir/b.txt", "blue", "If: ("+above+")")
	if n := a.due(t); n != 0 {
		t.Fatalf("%d uploads in a locked folder", n)
	}
	a.ask(t, 201, "MOVE", "/in/dir", "", "Destination: "+davPrefix+"/in/moved", "If: ("+above+")")
	a.ask(t, 409, "UNLOCK", "/in/moved", "", "Lock-Token: "+above)
	if rows, err := a.dav.LockStore.Load(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("rows of locks that ended: %+v, %v", rows, err)
	}
}
