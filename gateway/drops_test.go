package main

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"slipway/gateway/auth"
)

// dropSite is a gateway of webOnly whose sessions of users who only drop files can
// be made to age.
func dropSite(t *testing.T) (davSite, *app) {
	t.Helper()
	a, _ := testApp(t, webOnly, map[string]string{"PASSWORD": "correct-horse"})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return davSite{t, "http://" + a.address("web")}, a
}

// pass lets d of time go by for sessions of users who only drop files.
func (a *app) pass(d time.Duration) {
	a.drops.mu.Lock()
	defer a.drops.mu.Unlock()
	clock := a.drops.clock
	a.drops.clock = func() time.Time { return clock().Add(d) }
}

// becomes waits until ok.
func becomes(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

// TestDropLongUpload: an upload may take longer than a session lives without use,
// and can be renamed to its final name for as long after that as any other.
func TestDropLongUpload(t *testing.T) {
	s, a := dropSite(t)
	body, send := io.Pipe()
	r, err := http.NewRequest("PUT", s.url+"/dav/inbox/video.gif.part", body)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("drop", "correct-horse")
	code := make(chan int)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			close(code)
			return
		}
		resp.Body.Close()
		code <- resp.StatusCode
	}()
	whole := pictureOf("long")
	io.WriteString(send, whole[:10]) //nolint:errcheck // the request tells
	becomes(t, "the upload's begin", func() bool { return a.dropUsers() == 1 })
	a.pass(dropLife + time.Minute)
	s.want(201, "drop", "PUT", "/dav/inbox/other.gif", pictureOf("other"), // what is too old goes now
		"X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
	io.WriteString(send, whole[10:]) //nolint:errcheck // the request tells
	send.Close()
	if c := <-code; c != 201 {
		t.Fatalf("PUT: %d", c)
	}
	becomes(t, "its end", func() bool { return a.dropUsers() == 0 })
	a.pass(dropLife - time.Minute)
	s.want(201, "drop", "MOVE", "/dav/inbox/video.gif.part", "", "Destination: /dav/inbox/video.gif")
	s.done("/dav/inbox/video.gif")
	a.pass(dropLife + time.Minute)
	s.want(404, "drop", "HEAD", "/dav/inbox/video.gif", "")
}

// dropUsers is how many requests and control connections use sessions.
func (a *app) dropUsers() (n int) {
	a.drops.mu.Lock()
	defer a.drops.mu.Unlock()
	for _, s := range a.drops.by {
		n += s.users
	}
	return n
}

// TestDropLockHoldsBack: what a client that only drops files has locked is not
// forwarded before it gives the lock back, under whatever name its file stands, and
// its session lasts as long as the lock.
func TestDropLockHoldsBack(t *testing.T) {
	s, a := dropSite(t)
	s.want(201, "full", "PUT", "/dav/inbox/x.gif", pictureOf("theirs"))
	token := s.want(201, "drop", "LOCK", "/dav/inbox/x.gif", lockIt, "Depth: 0").header.Get("Lock-Token")
	s.want(204, "drop", "PUT", "/dav/inbox/x.gif", pictureOf("mine"), "If: ("+token+")")
	becomes(t, "waiting for the lock", func() bool {
		return strings.Contains(s.do("full", "GET", "/dav/inbox/x%20(1).gif.json", "").body, "locked")
	})
	a.pass(dropLife + time.Minute)
	s.want(423, "drop", "PUT", "/dav/inbox/x.gif", pictureOf("no token"))
	root := a.drops.of(auth.User{Name: "drop", Home: "/"}, netip.MustParseAddr("127.0.0.1")).Root()
	for locked, want := range map[string]string{root + "/inbox/x.gif": "/inbox/x (1).gif", root + "/inbox": "/inbox", root: "/"} {
		if got, ok := a.drops.real(locked); got != want || !ok {
			t.Errorf("a lock on %s is at %q, %v", locked, got, ok)
		}
	}
	s.want(204, "drop", "UNLOCK", "/dav/inbox/x.gif", "", "Lock-Token: "+token)
	s.done("/dav/inbox/x%20(1).gif")
}

// TestDropLocksApart: others' locks show to who only drops files neither by their
// owners nor by their tokens, and turn nothing new away; his are in nobody's way.
func TestDropLocksApart(t *testing.T) {
	s, _ := dropSite(t)
	owner := strings.Replace(lockIt, "</D:lockinfo>", "<D:owner>ann@example.org</D:owner></D:lockinfo>", 1)
	s.want(201, "drop", "PUT", "/dav/inbox/own.gif", pictureOf("own"))
	s.want(200, "drop", "LOCK", "/dav/inbox/own.gif", lockIt)
	for i, folder := range []string{"/dav/", "/dav/inbox"} {
		token := s.want(200, "full", "LOCK", folder, owner).header.Get("Lock-Token")
		s.want(201, "drop", "PUT", "/dav/inbox/new"+string(rune('0'+i))+".gif", pictureOf("new"))
		for _, r := range []told{
			s.do("drop", "PROPFIND", "/dav/inbox", `<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/><D:quota-used-bytes/><D:quota-available-bytes/></D:prop></D:propfind>`, "Depth: 1"),
			s.do("drop", "DELETE", "/dav/inbox/new0.gif", ""),
			s.do("drop", "MOVE", "/dav/inbox/new0.gif", "", "Destination: /dav/inbox/moved.gif"),
		} {
			if strings.Contains(r.body, "ann@example.org") || strings.Contains(r.body, token[1:len(token)-1]) {
				t.Errorf("another's lock is told: %s", r.body)
			}
			if strings.Contains(r.body, "<D:quota-used-bytes>") || r.code == 207 && !strings.Contains(r.body, "<D:quota-available-bytes>") {
				t.Errorf("quota: %s", r.body)
			} else if r.code != 207 && r.code != 423 {
				t.Errorf("a file that another has locked: %d", r.code)
			}
		}
		s.want(204, "full", "UNLOCK", folder, "", "Lock-Token: "+token)
	}
}

// TestDropPartialsApart: cameras of one account all count from 1, and continue
// what came from their own address alone.
func TestDropPartialsApart(t *testing.T) {
	_, a := dropSite(t)
	type camera interface {
		Partial(string) (fs.FileInfo, error)
	}
	at := func(addr string) camera {
		return a.view(auth.User{Name: "drop", Home: "/", Rights: auth.Drop}, netip.MustParseAddr(addr), doorRules{}).(camera)
	}
	view := a.view(auth.User{Name: "drop", Home: "/", Rights: auth.Drop}, netip.MustParseAddr("2001:db8::1"), doorRules{})
	f, err := view.Create("/inbox/DSC_0001.JPG")
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("begin") //nolint:errcheck // Close tells
	f.(interface{ KeepPartial() }).KeepPartial()
	f.(interface{ TransferError(error) }).TransferError(io.ErrUnexpectedEOF)
	if err := f.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{"2001:db8::1": true, "2001:db8::2": true, "2001:db8:0:1::1": false, "192.0.2.1": false} {
		if info, err := at(addr).Partial("/inbox/DSC_0001.JPG"); (err == nil) != want {
			t.Errorf("%s: %v %v", addr, info, err)
		}
	}
}

// TestFTPHeedsLocks: what WebDAV has locked FTP changes only when it is free again,
// and a camera's next picture of that name comes beside it.
func TestFTPHeedsLocks(t *testing.T) {
	g := startFTP(t, "")
	c := g.dial()
	g.put(c, dsc, shot(1))
	g.sent(dsc)
	dav := func(method, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/dav"+dsc, strings.NewReader(map[string]string{"LOCK": lockIt}[method]))
		r.RemoteAddr = "127.0.0.1:1"
		r.SetBasicAuth(ingestUser, ingestPassword)
		r.Header.Set("Lock-Token", token)
		w := httptest.NewRecorder()
		g.app.webHandler().ServeHTTP(w, r)
		return w
	}
	token := dav("LOCK", "").Header().Get("Lock-Token")
	if token == "" {
		t.Fatal("no lock")
	}
	for what, err := range map[string]error{
		"DELE": c.Remove(dsc), "RNFR": c.Rename(dsc, dsc+".old"), "REST": c.PutAt(dsc, 10, shot(2)[10:]),
	} {
		if err == nil || !strings.Contains(err.Error(), "550") || !strings.Contains(err.Error(), "locked") {
			t.Errorf("%s: %v", what, err)
		}
	}
	g.put(c, dsc, shot(2))
	g.holds(c, dsc, shot(1))
	g.holds(c, strings.Replace(dsc, "0001", "0001 (1)", 1), shot(2))
	if w := dav("UNLOCK", token); w.Code != 204 {
		t.Fatal(w.Code)
	}
	if err := c.Remove(dsc); err != nil {
		t.Error(err)
	}
}

// TestFTPHoldsDropSession: a session lasts as long as a control connection of its
// user and address.
func TestFTPHoldsDropSession(t *testing.T) {
	g := startFTP(t, "[[user]]\nname = 'guest'\npassword = 'env:PASSWORD'\nrights = 'drop'")
	one := g.dial("guest")
	g.put(one, dsc, shot(1))
	g.app.pass(dropLife + time.Minute)
	two := g.dial("guest")
	if size, err := two.size(dsc); err != nil || size != int64(len(shot(1))) {
		t.Errorf("SIZE: %d, %v", size, err)
	}
	if n := g.app.dropUsers(); n != 2 {
		t.Errorf("%d connections", n)
	}
	two.must(t, 331, "USER guest")
	two.must(t, 230, "PASS %s", ingestPassword)
	if n := g.app.dropUsers(); n != 2 {
		t.Errorf("%d connections after one signed in again", n)
	}
	one.must(t, 221, "QUIT")
	two.conn.Close()
	becomes(t, "their end", func() bool { return g.app.dropUsers() == 0 })
	g.app.pass(dropLife + time.Minute)
	if _, err := g.dial("guest").size(dsc); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a session outlived its time: %v", err)
	}
}

// TestDropFolders: MKCOL tells nothing of others' files either.
func TestDropFolders(t *testing.T) {
	s, _ := dropSite(t)
	s.want(201, "full", "PUT", "/dav/inbox/sec.gif", pictureOf("secret"))
	for _, name := range []string{"sec.gif", "free.gif"} {
		s.want(409, "drop", "PUT", "/dav/inbox/"+name+"/a.gif", pictureOf(name))
		s.want(201, "drop", "MKCOL", "/dav/inbox/"+name, "")
		s.want(405, "drop", "MKCOL", "/dav/inbox/"+name, "")
		s.want(201, "drop", "PUT", "/dav/inbox/"+name+"/a.gif", pictureOf(name))
	}
	s.want(200, "full", "GET", "/dav/inbox/sec.gif", "")
	s.want(200, "full", "GET", "/dav/inbox/sec%20(1).gif/a.gif", "")
}
