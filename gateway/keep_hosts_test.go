package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/vfs"
	"slipway/vfs/index"
)

// keeper is a gateway with one host, whose time is the test's.
type keeper struct {
	*testing.T
	*app
	site *cheveretotest.Server
	host *httptest.Server
	// what comes between the host and those who look at pictures
	mu    sync.Mutex
	front func(w http.ResponseWriter, r *http.Request) bool
	asked int // pictures

	now time.Time
	log bytes.Buffer
	dav *davClient
}

const keepConfig = `
[web]
listen = "127.0.0.1:0"
[ftp]
listen = "127.0.0.1:0"
passive_ports = ""
[[user]]
name = "demo"
password = "env:PASSWORD"
[destination.host]
driver = "chevereto"
url = %q
key = "right-key-1"
per_minute = 0
per_hour = 0
per_day = 0
[destination.home]
driver = "local"
%s
[settle]
quiet = "10ms"
`

const keepRoute = `
[[route]]
path = "/in/{rest...}"
to = ["host"]
`

func startKeeper(t *testing.T, more string) *keeper {
	k := &keeper{T: t, now: time.Now(), site: cheveretotest.New(cheveretotest.Config{Key: "right-key-1", KeepBytes: true, RandomNames: true})}
	k.host = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/images/") {
			k.mu.Lock()
			k.asked++
			front := k.front
			k.mu.Unlock()
			if front != nil && front(w, r) {
				return
			}
		}
		k.site.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { k.site.Close(); k.host.CloseClientConnections(); k.host.Close() })
	c, err := loadConfig(writeConfig(t, fmt.Sprintf(keepConfig, k.host.URL, more)))
	if err != nil {
		t.Fatal(err)
	}
	k.app, err = openApp(t.Context(), appOptions{config: c, log: slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		version: "test", getenv: func(string) (string, bool) { return ingestPassword, true }, notice: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	k.releaser.Clock = func() time.Time { return k.now }
	k.reads.Clock = k.releaser.Clock
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	k.stopPasses()
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- k.app.run(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, k.app.close()); err != nil {
			t.Error(err)
		}
	})
	<-ready
	k.dav = newDAVClient(t, "http://"+k.address("web")+davPrefix, ingestUser, ingestPassword)
	return k
}

// stopPasses has the test alone let bytes go.
func (k *keeper) stopPasses() { k.app.passes = func(context.Context) {} }

// pass is what happens in an hour.
func (k *keeper) pass() (gone int) {
	k.Helper()
	for range 2 {
		n, err := k.keepPass(k.Context())
		if err != nil {
			k.Fatal(err)
		}
		gone += n
		k.now = k.now.Add(16 * time.Minute)
	}
	return gone
}

// put stores a picture and waits until it is sent.
func (k *keeper) put(name string, data []byte) vfs.Entry {
	k.Helper()
	if err := k.dav.Put(name, data); err != nil {
		k.Fatal(err)
	}
	g := &ingestGateway{app: k.app}
	g.Settle(k.T)
	return k.entry(name)
}

func (k *keeper) entry(name string) vfs.Entry {
	k.Helper()
	e, err := k.tree.Lookup(k.Context(), name)
	if err != nil {
		k.Fatal(err)
	}
	return e
}

// here reports whether the bytes of a file lie in the data directory.
func (k *keeper) here(e vfs.Entry) (found bool) {
	err := filepath.WalkDir(k.settings.Load().config.dataDir(), func(p string, d fs.DirEntry, err error) error {
		found = found || err == nil && !d.IsDir() && strings.Contains(p, string(e.Blob))
		return nil
	})
	if err != nil {
		k.Fatal(err)
	}
	return found
}

// get reads a file over WebDAV.
func (k *keeper) get(name string, headers ...string) (status int, body []byte, header http.Header) {
	k.Helper()
	return k.request(http.MethodGet, name, headers...)
}

func (k *keeper) request(method, name string, headers ...string) (status int, body []byte, header http.Header) {
	k.Helper()
	r, err := http.NewRequest(method, k.dav.address(name), nil)
	if err != nil {
		k.Fatal(err)
	}
	r.SetBasicAuth(ingestUser, ingestPassword)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := k.dav.http.Do(r)
	if err != nil {
		k.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		k.Fatal(err)
	}
	return resp.StatusCode, body, resp.Header
}

// behind sets what comes before the host, and drops what was fetched.
func (k *keeper) behind(front func(w http.ResponseWriter, r *http.Request) bool) {
	k.mu.Lock()
	k.front = front
	k.mu.Unlock()
	if err := k.store.Drop(k.Context(), true); err != nil {
		k.Fatal(err)
	}
}

func (k *keeper) requests() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

func (k *keeper) explained(name, want string) {
	k.Helper()
	x, err := operations{k.app}.Explain(k.Context(), name)
	if err != nil || !strings.Contains(x.Bytes, want) {
		k.Errorf("%s is explained as %q, error %v; want %q", name, x.Bytes, err, want)
	}
}

// TestKeepAtHost: what is sent goes when the host gives the very bytes, is listed as
// before, is read from the host, and what the host did to it is said.
func TestKeepAtHost(t *testing.T) {
	k := startKeeper(t, keepRoute+"[storage]\nkeep = \"until-sent\"")
	data := picture(150_000, 1)
	e := k.put("/in/a.jpg", data)
	small := k.put("/in/small.jpg", picture(20_000, 2))
	_, _, before := k.request(http.MethodHead, "/in/a.jpg")
	k.explained("/in/a.jpg", "and may go")
	k.explained("/in/small.jpg", "files up to 64 KiB always stay")
	if n, err := k.keepPass(t.Context()); n != 0 || err != nil {
		t.Errorf("%d went at once, error %v", n, err)
	}
	k.explained("/in/a.jpg", "go within the next half hour")
	k.now = k.now.Add(16 * time.Minute)
	if n, err := k.keepPass(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d files went, error %v", n, err)
	}
	if k.here(e) || small.Size == 0 {
		t.Error("the bytes are in the data directory still")
	}
	asked := k.requests()
	k.explained("/in/a.jpg", "are read from http")
	if _, _, after := k.request(http.MethodHead, "/in/a.jpg"); after.Get("Etag") != before.Get("Etag") || after.Get("Last-Modified") != before.Get("Last-Modified") ||
		after.Get("Content-Length") != "150000" {
		t.Errorf("HEAD was %v, and is %v", before, after)
	}
	if status, _, _ := k.request("PROPFIND", "/in", "Depth", "1"); status != 207 {
		t.Errorf("PROPFIND: %d", status)
	}
	if status, _, _ := k.get("/in/"); status != 200 {
		t.Errorf("a listing: %d", status)
	}
	if n := k.requests(); n != asked {
		t.Errorf("the host was asked %d times for a look", n-asked)
	}
	if status, body, _ := k.get("/in/a.jpg", "Range", "bytes=100000-100099"); status != 206 || !bytes.Equal(body, data[100_000:100_100]) {
		t.Errorf("a range: %d, %d bytes", status, len(body))
	}
	if status, body, _ := k.get("/in/a.jpg"); status != 200 || !bytes.Equal(body, data) {
		t.Errorf("the whole: %d, %d bytes", status, len(body))
	}
	if n := k.requests(); n != asked+1 {
		t.Errorf("the host was asked %d times for two reads", n-asked)
	}
	for name, tt := range map[string]struct {
		front func(w http.ResponseWriter, r *http.Request) bool
		want  string
		gone  bool // for good
	}{
		"deleted": {func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }, "not at 127.0.0.1 any more (404)", true},
		"altered": {func(w http.ResponseWriter, r *http.Request) bool { w.Write(picture(150_000, 9)); return true }, "gives other bytes", true},
		"longer":  {func(w http.ResponseWriter, r *http.Request) bool { w.Write(append(bytes.Clone(data), 1)); return true }, "", true},
		"failing": {func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(502); return true }, "answered 502", false},
		"private": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://127.0.0.1:9/x", http.StatusFound)
			return true
		}, "private network", true},
	} {
		k.behind(tt.front)
		status, body, _ := k.get("/in/a.jpg")
		want := http.StatusForbidden
		if !tt.gone {
			want = http.StatusServiceUnavailable
		}
		if status != want || !strings.Contains(string(body), tt.want) {
			t.Errorf("%s: %d, %q", name, status, body)
		}
		var hold *uploader.Hold
		var away *uploader.Away
		if _, err := k.open(t.Context(), uploader.Upload{Blob: e.Blob}); errors.As(err, &hold) != tt.gone || errors.As(err, &away) == tt.gone {
			t.Errorf("%s: an upload that needs it: %v", name, err)
		}
		if now := k.entry("/in/a.jpg"); now != e {
			t.Errorf("%s: the entry was %+v, and is %+v", name, e, now)
		}
	}
	k.behind(nil)
	if status, body, _ := k.get("/in/a.jpg"); status != 200 || !bytes.Equal(body, data) {
		t.Errorf("afterwards: %d, %d bytes", status, len(body))
	}
	if _, err := k.dav.do("COPY", "/in/a.jpg", nil, "Destination", k.dav.address("/in/b.jpg")); err != nil {
		t.Error(err)
	}
	if status, body, _ := k.get("/in/b.jpg"); status != 200 || !bytes.Equal(body, data) {
		t.Errorf("a copy: %d, %d bytes", status, len(body))
	}
	(&ingestGateway{app: k.app}).Settle(t)
	if n := len(k.site.Stored()); n != 2 {
		t.Errorf("%d pictures were sent", n)
	}
	k.put("/in/a.jpg", data)
	if again := k.entry("/in/a.jpg"); !k.here(again) {
		t.Error("what was stored again is not here")
	}
	if n := len(k.site.Stored()); n != 2 {
		t.Errorf("stored again, and %d pictures were sent", n)
	}
}

// TestKeepUnproven: bytes that the host gives otherwise stay, are not asked for every
// minute, and go once it gives them.
func TestKeepUnproven(t *testing.T) {
	k := startKeeper(t, keepRoute+"[storage]\nkeep = \"until-sent\"")
	e := k.put("/in/a.jpg", picture(150_000, 1))
	k.behind(func(w http.ResponseWriter, r *http.Request) bool { w.Write(picture(150_000, 2)); return true })
	for range 10 {
		if n := k.pass(); n != 0 || !k.here(e) {
			t.Fatal("bytes went that the host does not have")
		}
	}
	if n := k.requests(); n != 1 {
		t.Errorf("the host was asked %d times", n)
	}
	k.explained("/in/a.jpg", "gives other bytes")
	k.behind(nil)
	k.now = k.now.Add(25 * time.Hour)
	if n := k.pass(); n != 1 || k.here(e) {
		t.Errorf("%d files went once the host was right again", n)
	}
}

// TestKeepNeeded: bytes stay that the host altered, that are served from here, that
// expire at the host, or that are not sent.
func TestKeepNeeded(t *testing.T) {
	k := startKeeper(t, keepRoute+`
[[route]]
path = "/both/{rest...}"
to = ["host", "home"]
[[route]]
path = "/short/{rest...}"
to = ["host"]
expiration = "P1D"
[storage]
keep = "until-sent"
`)
	if w := strings.Join(k.settings.Load().warnings, "\n"); !strings.Contains(w, `storage.keep = "until-sent" has no effect on what route 2 takes: "home" serves pictures`) {
		t.Errorf("warnings: %q", w)
	}
	all := map[string]string{"/both/a.jpg": "served from them here", "/short/a.jpg": "neither a host", "/in/altered.jpg": "neither a host", "/in/waiting.jpg": "not done yet"}
	k.put("/both/a.jpg", picture(100_000, 1))
	k.put("/short/a.jpg", picture(100_000, 2))
	k.site.Configure(func(c *cheveretotest.Config) { c.Reencode = true })
	k.put("/in/altered.jpg", picture(100_000, 3))
	if err := (operations{k.app}).Pause(t.Context(), "host"); err != nil {
		t.Fatal(err)
	}
	if err := k.dav.Put("/in/waiting.jpg", picture(100_000, 4)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if n := k.pass(); n != 0 {
			t.Errorf("%d files went", n)
		}
		k.now = k.now.Add(2 * time.Hour)
	}
	for name, why := range all {
		if !k.here(k.entry(name)) {
			t.Errorf("%s is gone", name)
		}
		k.explained(name, why)
	}
	if n := k.requests(); n != 0 {
		t.Errorf("the host was asked for %d pictures", n)
	}
}

// TestKeepAge: bytes go once nobody has read them for as long as the route says.
func TestKeepAge(t *testing.T) {
	k := startKeeper(t, keepRoute+"keep = \"30d\"")
	a, b := k.put("/in/a.jpg", picture(100_000, 1)), k.put("/in/b.jpg", picture(100_000, 2))
	const day = 24 * time.Hour
	k.now = k.now.Add(20 * day)
	if status, _, _ := k.get("/in/b.jpg"); status != 200 {
		t.Fatal(status)
	}
	if n := k.pass(); n != 0 {
		t.Errorf("%d went after 20 days", n)
	}
	k.now = k.now.Add(11 * day)
	if n := k.pass(); n != 1 || k.here(a) || !k.here(b) {
		t.Errorf("after 31 days %d went; the one that was read is here: %v", n, k.here(b))
	}
	k.explained("/in/b.jpg", "last used on "+k.now.Add(-11*day).UTC().Format("2006-01"))
	k.now = k.now.Add(20 * day)
	if n := k.pass(); n != 1 || k.here(b) {
		t.Errorf("after 51 days %d went", n)
	}
}

// TestKeepSize: of too much, what was read least lately goes, until it is no more too
// much; and what cannot go is said once.
func TestKeepSize(t *testing.T) {
	k := startKeeper(t, keepRoute+`
[[route]]
path = "/own/{rest...}"
to = ["host"]
keep = "always"
[storage]
keep = "350kB"
`)
	var all []vfs.Entry
	for i := range 5 {
		all = append(all, k.put(fmt.Sprintf("/in/%d.jpg", i), picture(100_000, uint64(i))))
	}
	own := k.put("/own/a.jpg", picture(100_000, 50))
	k.now = k.now.Add(2 * time.Hour)
	for _, i := range []int{1, 0} {
		if status, _, _ := k.get(fmt.Sprintf("/in/%d.jpg", i)); status != 200 {
			t.Fatal(status)
		}
		if err := k.reads.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.now = k.now.Add(2 * time.Hour)
	}
	if n := k.pass(); n != 2 {
		t.Errorf("%d went", n)
	}
	for i, want := range []bool{true, true, false, false, true} {
		if k.here(all[i]) != want {
			t.Errorf("file %d is here: %v", i, !want)
		}
	}
	if !k.here(own) {
		t.Error("what another setting governs is gone")
	}
	k.now = k.now.Add(time.Hour)
	if n := k.pass(); n != 0 {
		t.Errorf("%d more went", n)
	}
	if s, err := (operations{k.app}).Status(t.Context()); err != nil || len(s.Keeping) != 1 || s.Keeping[0].Over != 0 || s.Keeping[0].Kept != 300_000 {
		t.Errorf("the status is %+v, error %v", s.Keeping, err)
	}
	if err := (operations{k.app}).Pause(t.Context(), "host"); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if err := k.dav.Put(fmt.Sprintf("/in/unsent%d.jpg", i), picture(100_000, uint64(100+i))); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		k.now = k.now.Add(2 * time.Hour)
		k.pass()
	}
	for i := range 6 {
		if !k.here(k.entry(fmt.Sprintf("/in/unsent%d.jpg", i))) {
			t.Errorf("unsent file %d is gone", i)
		}
	}
	said := strings.Count(k.log.String(), "more is kept than storage.keep says")
	if said != 1 || !strings.Contains(k.log.String(), "600 kB stay: an upload of them is not done yet") {
		t.Errorf("it was said %d times: %s", said, k.log.String())
	}
	if s, err := (operations{k.app}).Status(t.Context()); err != nil || len(s.Keeping) != 1 || s.Keeping[0].Over != 250_000 || !strings.Contains(s.Keeping[0].Text, "not done yet") {
		t.Errorf("the status is %+v, error %v", s.Keeping, err)
	}
}

// TestKeepGoesBack: what is about to go stays where the setting is taken back, or the
// host's picture is about to be deleted.
func TestKeepGoesBack(t *testing.T) {
	k := startKeeper(t, keepRoute+"[storage]\nkeep = \"until-sent\"")
	e := k.put("/in/a.jpg", picture(100_000, 1))
	if _, err := k.keepPass(t.Context()); err != nil {
		t.Fatal(err)
	}
	owed := func(state string) {
		err := k.db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO deletions (hosted, host, destination, sha256, entry, path, why, state, due, created, changed)
				SELECT id, host, destination, sha256, 1, '/x', 'removed', $1, 0, 0, 0 FROM hosted`, state)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	owed("waiting")
	k.now = k.now.Add(time.Hour)
	if n := k.pass(); n != 0 || !k.here(e) {
		t.Errorf("%d went although the picture is about to be deleted", n)
	}
	if _, err := (index.Releases{DB: k.db}).Released(t.Context(), e.Blob); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is about to go still: %v", err)
	}
	err := k.db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE deletions SET state = 'kept'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	k.now = k.now.Add(2 * time.Hour)
	if _, err := k.keepPass(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.explained("/in/a.jpg", "go within")
	file := k.settings.Load().config.file
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, bytes.Replace(text, []byte("until-sent"), []byte("always"), 1), 0o600)
	}
	if err == nil {
		_, err = k.reload(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	k.now = k.now.Add(time.Hour)
	if n := k.pass(); n != 0 || !k.here(e) {
		t.Errorf("%d went although all are to be kept", n)
	}
}
