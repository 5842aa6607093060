package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"slipway/gateway/operate"
	"slipway/uploader"
	"slipway/uploader/anqicms"
	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/chevereto"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/form"
	"slipway/uploader/ledger"
	"slipway/uploader/uploadertest"
	"slipway/uploader/variant"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
	"slipway/vfs/index"
)

// historyConfig sends to two Chevereto-like sites and one AnQiCMS-like, deletes there
// what is removed or overwritten here, and keeps no bytes here that a site has.
const historyConfig = `
[ftp]
listen = ""
[web]
listen = "127.0.0.1:0"
[[user]]
name = "demo"
password = "env:PASSWORD"
[destination.chev]
driver = "chevereto"
url = "http://chev.test"
key = "secret-key-1"
[destination.new]
driver = "chevereto"
url = "http://new.test"
key = "secret-key-2"
[destination.cms]
driver = "anqicms"
url = "http://cms.test"
token = "secret-key-3"
replace = true
[[route]]
path = "/chev/{rest...}"
to = ["chev"]
on_delete = "delete"
on_replace = "delete-old"
[[route]]
path = "/both/{rest...}"
to = ["chev", "cms"]
on_delete = "delete"
on_replace = "delete-old"
[[route]]
path = "/cms/{rest...}"
to = ["cms"]
on_delete = "delete"
[storage]
keep = "until-sent"
`

// historyFolders are where files lie, and historyContents what they are: few, so that
// the same bytes are in several places and come again.
var (
	historyFolders  = []string{"/chev", "/chev/sub", "/both", "/both/sub", "/cms"}
	historyNames    = []string{"a.jpg", "b.jpg", "c.jpg"}
	historyContents = sync.OnceValue(func() (all [][]byte) {
		for seed := range 5 {
			all = append(all, picture(70_000, uint64(seed)+900)) // too large to lie in the database
		}
		return all
	})
)

// historyTime is how long histories are tried.
const historyTime = 40 * time.Second

// TestHistories does random things to files, while hosts fail and time passes, and
// then lets all come to rest. Whatever happened: each file can be read, or it is said
// why not; no picture is gone that a file needs; nothing was sent twice but what may
// be; every upload and every deletion is in a state that people see and that does not
// stay open; no secret is told.
//
// Every day it is the same ones, so that whoever changes something is told of his own
// mistakes; who looks for new ones says -rapid.checks=N, and gets others each time.
func TestHistories(t *testing.T) {
	historyContents()
	everyDay := !strings.Contains(strings.Join(os.Args, " "), "rapid.")
	if everyDay {
		for name, value := range map[string]string{"rapid.seed": "1", "rapid.checks": "40"} {
			known := flag.Lookup(name)
			before := known.Value.String()
			if err := known.Value.Set(value); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { known.Value.Set(before) })
		}
	}
	began := time.Now()
	rapid.Check(t, func(rt *rapid.T) {
		if time.Since(began) > historyTime && everyDay {
			return
		}
		var caught any // rapid's way out of a failed run must not leave the bubble
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t, rt)
			defer h.close()
			defer func() { caught = recover() }()
			for range rapid.IntRange(1, 3).Draw(rt, "bursts") {
				for range rapid.IntRange(1, 10).Draw(rt, "steps") {
					h.step()
				}
				h.rest()
				h.check()
			}
		})
		if caught != nil {
			panic(caught)
		}
	})
}

// TestHistoryOfATakenAddress: where a picture took an earlier one's place and has its
// address, the earlier one's bytes, sent again for another file, leave it that.
func TestHistoryOfATakenAddress(t *testing.T) {
	historyContents()
	done := false
	rapid.Check(t, func(rt *rapid.T) {
		if done { // it is always the same
			return
		}
		done = true
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t, rt)
			defer h.close()
			for _, put := range []struct {
				path    string
				content int
			}{{"/cms/c.jpg", 4}, {"/cms/c.jpg", 0}, {"/cms/a.jpg", 4}, {"/cms/c.jpg", 4}, {"/cms/b.jpg", 0}} {
				h.put(put.path, put.content)
				h.rest()
				h.check()
			}
		})
	})
}

// history is a gateway without doors, its hosts, and what is to be true of them.
type history struct {
	t    *testing.T
	rt   *rapid.T
	app  *app
	wire *pipes
	chev map[string]*historySite // by destination
	cms  *anqicmstest.Server
	log  *lockedBuffer
	stop func()

	files map[string]int // the content of each path
	done  []string       // what was done, for people
	gone  map[string]int // paths that were removed, and what they had
}

// historySite is a Chevereto-like site, and what is known of what it took.
type historySite struct {
	*cheveretotest.Server
	mu      sync.Mutex
	took    map[string]string // the sum of each picture that was ever stored, by id
	foreign map[string]bool   // those that somebody else deleted, by id
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the buffer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns what was written.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// pipes are the network between the gateway and its hosts, within a bubble.
type pipes struct {
	mu   sync.Mutex
	down map[string]bool
	to   map[string]chan net.Conn
	end  chan struct{}
}

// dial connects to a host that is there.
func (p *pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	p.mu.Lock()
	to, down := p.to[host], p.down[host]
	p.mu.Unlock()
	if to == nil || down {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	here, there := net.Pipe()
	select {
	case to <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.end:
		return nil, net.ErrClosed
	}
}

// pipeListener is one host's end.
type pipeListener struct {
	host  string
	comes chan net.Conn
	end   chan struct{}
}

// Accept waits for a connection.
func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.comes:
		return c, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}

// Close does nothing: the pipes end together.
func (l pipeListener) Close() error { return nil }

// Addr is the host's.
func (l pipeListener) Addr() net.Addr { return pipeAddr(l.host) }

type pipeAddr string

// Network is that of the pipes.
func (pipeAddr) Network() string { return "pipe" }

// String is the host's name.
func (a pipeAddr) String() string { return string(a) + ":80" }

func newHistory(t *testing.T, rt *rapid.T) *history {
	h := &history{t: t, rt: rt, files: make(map[string]int), gone: make(map[string]int), log: &lockedBuffer{}, chev: make(map[string]*historySite),
		wire: &pipes{down: make(map[string]bool), to: make(map[string]chan net.Conn), end: make(chan struct{})}}
	h.cms = anqicmstest.New(anqicmstest.Config{Token: "secret-key-3", Replaces: true})
	servers := []func(){h.serve("cms.test", h.cms)}
	for i, name := range []string{"chev", "new"} {
		s := &historySite{took: make(map[string]string), foreign: make(map[string]bool),
			Server: cheveretotest.New(cheveretotest.Config{Key: fmt.Sprint("secret-key-", i+1), KeepBytes: true, RandomNames: true})}
		h.chev[name] = s
		servers = append(servers, h.serve(name+".test", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer s.note()
			s.ServeHTTP(w, r)
		})))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	h.must(os.WriteFile(file, []byte(historyConfig), 0o600))
	c, err := loadConfig(file)
	h.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	h.app, err = openApp(ctx, appOptions{
		config: c, log: slog.New(slog.NewTextHandler(h.log, nil)), version: "test", unsafe: true,
		getenv: func(string) (string, bool) { return "correct-horse", true }, notice: func(string, ...any) {},
	})
	h.must(err)
	h.join()
	var parts sync.WaitGroup
	for _, f := range []func(context.Context) error{h.app.ledger.Run, h.keepHouse, h.app.runPools} {
		parts.Go(func() { f(ctx) }) //nolint:errcheck // ends with ctx
	}
	h.stop = func() {
		cancel()
		h.cms.Close()
		for _, s := range h.chev {
			s.Close()
		}
		parts.Wait()
		close(h.wire.end)
		for _, end := range servers {
			end()
		}
	}
	return h
}

// keepHouse lets bytes go, and removes what nothing needs, as the gateway does, but not
// every minute: days pass here.
func (h *history) keepHouse(ctx context.Context) error {
	for tick := time.NewTicker(15 * time.Minute); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return nil
		}
		h.app.letGo(ctx)
		_, err := h.app.collector.Collect(ctx)
		if err = errors.Join(err, h.app.store.Drop(ctx, false)); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// join connects the gateway with the hosts of the bubble.
func (h *history) join() {
	a := h.app
	client := form.NewClient("test")
	transport := &http.Transport{DialContext: h.wire.dial, DisableCompression: true, IdleConnTimeout: time.Second}
	client.HTTP = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s := *a.settings.Load()
	s.destinations = slices.Clone(s.destinations)
	for i, d := range s.destinations {
		var err error
		switch d.Name {
		case "cms":
			d.Driver, err = anqicms.New(anqicms.Config{URL: "http://cms.test", Token: "secret-key-3", Replace: true}, client)
		default:
			key := map[string]uploader.Secret{"chev": "secret-key-1", "new": "secret-key-2"}[d.Name]
			d.Driver, err = chevereto.New(chevereto.Config{URL: "http://" + d.Name + ".test", Key: key}, client)
		}
		h.must(err)
		s.destinations[i] = d
	}
	get := func(host, url string) func(context.Context) (io.ReadCloser, error) {
		return func(ctx context.Context) (io.ReadCloser, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return nil, err
			}
			answer, err := client.HTTP.Do(r)
			switch {
			case err != nil:
				return nil, &vfs.AwayError{Text: host + " does not answer", Remedy: "wait", Passing: true, Err: err}
			case answer.StatusCode != http.StatusOK:
				answer.Body.Close() //nolint:errcheck // a test
				return nil, &vfs.AwayError{Text: host + " has it no more", Remedy: "put it again"}
			}
			return answer.Body, nil
		}
	}
	a.store = elsewhere.New(a.disk, elsewhere.Options{
		Releases: index.Releases{DB: a.db}, Places: a.placesOf, Read: a.wasRead, Clock: time.Now,
		Remotes: func(ctx context.Context, rel vfs.Released) ([]elsewhere.Remote, error) {
			list, err := a.remotesOf(ctx, rel)
			for i, r := range list {
				list[i].Open = get(r.Host, r.URL)
			}
			return list, err
		},
	})
	a.fs = vfs.New(vfs.Options{Index: a.tree, Blobs: a.store, Policy: s.table, Arrived: a.arrived})
	a.releaser = a.newReleaser()
	a.releaser.Compare = func(ctx context.Context, c index.Copy, sum blob.Sum, size int64) error {
		return elsewhere.Compare(ctx, elsewhere.Remote{Host: c.Host, URL: c.URL, Open: get(c.Host, c.URL)}, sum, size)
	}
	a.apply(&s)
}

// serve serves a host until the pipes end.
func (h *history) serve(host string, handler http.Handler) (end func()) {
	l := pipeListener{host: host, comes: make(chan net.Conn), end: h.wire.end}
	h.wire.to[host] = l.comes
	s := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		s.Serve(l) //nolint:errcheck // the pipes end
		close(done)
	}()
	return func() {
		<-done
		s.Close() //nolint:errcheck // a test
	}
}

// note remembers what the site has.
func (s *historySite) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.Stored() {
		s.took[p.ID] = p.SHA256
	}
}

func (h *history) close() {
	h.stop()
	h.must(h.app.close())
	synctest.Wait()
}

func (h *history) must(err error) {
	h.t.Helper()
	if err != nil {
		h.fail("%v", err)
	}
}

// fail tells what was done, and what is wrong after it.
func (h *history) fail(format string, args ...any) {
	h.rt.Fatalf("%s\nafter\n  %s", fmt.Sprintf(format, args...), strings.Join(h.done, "\n  "))
}

func (h *history) did(format string, args ...any) {
	h.done = append(h.done, fmt.Sprintf(format, args...))
}

// draw picks one of some, or reports that there are none.
func draw[T any](h *history, label string, from []T) (one T, ok bool) {
	if len(from) == 0 {
		return one, false
	}
	return rapid.SampledFrom(from).Draw(h.rt, label), true
}

func (h *history) paths() []string { return slices.Sorted(maps.Keys(h.files)) }

// anywhere is a path for a file.
func (h *history) anywhere() string {
	return path.Join(rapid.SampledFrom(historyFolders).Draw(h.rt, "in"), rapid.SampledFrom(historyNames).Draw(h.rt, "name"))
}

// step does one thing.
func (h *history) step() {
	switch rapid.SampledFrom([]string{"put", "put", "put", "overwrite", "move", "move folder", "copy", "remove", "remove", "again", "pass", "pass", "host", "fail", "foreign", "replay", "retry"}).Draw(h.rt, "what") {
	case "put":
		h.put(h.anywhere(), rapid.IntRange(0, len(historyContents())-1).Draw(h.rt, "content"))
	case "overwrite":
		if p, ok := draw(h, "which", h.paths()); ok {
			h.put(p, rapid.IntRange(0, len(historyContents())-1).Draw(h.rt, "content"))
		}
	case "move":
		if p, ok := draw(h, "which", h.paths()); ok {
			h.move(p, h.anywhere())
		}
	case "move folder":
		h.moveFolder()
	case "copy":
		if p, ok := draw(h, "which", h.paths()); ok {
			h.copy(p, h.anywhere())
		}
	case "remove":
		if p, ok := draw(h, "which", h.paths()); ok {
			h.did("remove %s (%d)", p, h.files[p])
			h.must(h.app.fs.Remove(p))
			h.gone[p] = h.files[p]
			delete(h.files, p)
		}
	case "again":
		if p, ok := draw(h, "which", slices.Sorted(maps.Keys(h.gone))); ok {
			h.put(p, h.gone[p])
		}
	case "pass":
		d := rapid.SampledFrom([]time.Duration{time.Second, 5 * time.Second, time.Minute, 11 * time.Minute, 3 * time.Hour, 30 * time.Hour}).Draw(h.rt, "time")
		h.did("%v pass", d)
		h.pass(d)
	case "host":
		host := rapid.SampledFrom([]string{"chev.test", "new.test", "cms.test"}).Draw(h.rt, "host")
		h.wire.mu.Lock()
		h.wire.down[host] = !h.wire.down[host]
		h.did("%s is down: %v", host, h.wire.down[host])
		h.wire.mu.Unlock()
	case "fail":
		h.hostFails()
	case "foreign":
		h.deletedByOthers()
	case "replay":
		h.replay()
	case "retry":
		for u, err := range (operations{h.app}).Act(h.t.Context(), operate.Retry, nil, operate.Filter{States: []string{"failed", "held"}}) {
			h.must(err)
			h.did("retry %s to %s", u.Path, u.Destination)
		}
	}
}

func (h *history) put(p string, content int) {
	h.did("put %s (%d)", p, content)
	h.must(h.app.fs.MkdirAll(path.Dir(p), 0o755))
	f, err := h.app.fs.Create(p)
	h.must(err)
	_, err = f.Write(historyContents()[content])
	h.must(errors.Join(err, f.Close()))
	h.files[p] = content
	delete(h.gone, p)
}

func (h *history) move(from, to string) {
	if from == to {
		return
	}
	h.did("move %s to %s", from, to)
	h.must(h.app.fs.MkdirAll(path.Dir(to), 0o755))
	h.must(h.app.fs.Rename(from, to))
	h.files[to] = h.files[from]
	delete(h.files, from)
}

func (h *history) moveFolder() {
	from := rapid.SampledFrom([]string{"/chev/sub", "/both/sub"}).Draw(h.rt, "folder")
	to := path.Join(rapid.SampledFrom([]string{"/chev", "/both", "/cms"}).Draw(h.rt, "folder into"), fmt.Sprint("moved", len(h.done)))
	if _, err := h.app.fs.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return
	}
	h.did("move folder %s to %s", from, to)
	h.must(h.app.fs.Rename(from, to))
	for _, p := range h.paths() {
		if rest, ok := strings.CutPrefix(p, from+"/"); ok {
			h.files[path.Join(to, rest)] = h.files[p]
			delete(h.files, p)
		}
	}
}

func (h *history) copy(from, to string) {
	if from == to {
		return
	}
	h.did("copy %s to %s", from, to)
	h.must(h.app.fs.MkdirAll(path.Dir(to), 0o755))
	if _, ok := h.files[to]; ok {
		return
	}
	_, err := h.app.fs.Copy(from, to, false, true)
	h.must(err)
	h.files[to] = h.files[from]
}

// hostFails makes the next upload to a host fail.
func (h *history) hostFails() {
	host := rapid.SampledFrom([]string{"chev", "new", "cms"}).Draw(h.rt, "host")
	if host == "cms" {
		mode := rapid.SampledFrom([]anqicmstest.Mode{anqicmstest.Page500, anqicmstest.Page502, anqicmstest.LostReset, anqicmstest.CutReply, anqicmstest.DuplicateEntry, anqicmstest.ResetEarly}).Draw(h.rt, "mode")
		h.did("cms fails next: %s", mode)
		h.cms.FailNext(mode)
		return
	}
	mode := rapid.SampledFrom([]uploadertest.Mode{uploadertest.HTML500, uploadertest.HTML502, uploadertest.LoseReply, uploadertest.CutReply, uploadertest.CutJSON, uploadertest.ResetBefore, uploadertest.ResetAfterBody, uploadertest.TooMany}).Draw(h.rt, "mode")
	if rapid.IntRange(0, 3).Draw(h.rt, "small") == 0 {
		h.did("%s fails the next deletion: %s", host, mode)
		h.chev[host].FailNextSmall(mode)
		return
	}
	h.did("%s fails next: %s", host, mode)
	h.chev[host].FailNext(mode)
}

// deletedByOthers deletes a picture at a host, as its owner does there.
func (h *history) deletedByOthers() {
	name := rapid.SampledFrom([]string{"chev", "new"}).Draw(h.rt, "host")
	site := h.chev[name]
	p, ok := draw(h, "picture", site.Stored())
	if !ok {
		return
	}
	h.did("somebody deletes %s at %s", p.ID, name)
	site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/image/"+p.ID+"/delete/"+p.DeleteHash, nil))
	if slices.ContainsFunc(site.Stored(), func(q cheveretotest.Picture) bool { return q.ID == p.ID }) {
		return // the site fails
	}
	site.foreign[p.ID] = true
}

// replay owes what is below a folder to a destination, and may leave off in the middle.
func (h *history) replay() {
	o := operate.ReplayOptions{
		Path: rapid.SampledFrom([]string{"/", "/chev", "/both"}).Draw(h.rt, "below"), To: rapid.SampledFrom([]string{"new", "new", "chev", "cms"}).Draw(h.rt, "to"),
		Only: rapid.SampledFrom([]string{"", "", "failed", "all"}).Draw(h.rt, "only"),
	}
	left := rapid.IntRange(0, 4).Draw(h.rt, "leave after")
	h.did("replay %+v, left after %d", o, left)
	for _, err := range (operations{h.app}).Replay(h.t.Context(), o) {
		h.must(err)
		if left--; left == 0 {
			break
		}
	}
}

func (h *history) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// rest lets everything come to its end: hosts answer, brakes are released, and days
// pass.
func (h *history) rest() {
	h.wire.mu.Lock()
	clear(h.wire.down)
	h.wire.mu.Unlock()
	open := ""
	for range 60 {
		h.pass(2 * time.Hour)
		_, err := h.app.ledger.ReleaseDeletions(h.t.Context(), ledger.DeletionQuery{})
		h.must(err)
		if open = h.open(); open == "" {
			h.did("all is at rest")
			return
		}
	}
	h.fail("after days there is still: %s", open)
}

// open describes something that is still on its way.
func (h *history) open() string {
	for _, u := range h.uploads(onTheWay...) {
		return fmt.Sprintf("%s to %s: %s %s, due %v, %s", u.Path, u.Destination, u.State, u.Reason, u.Due, u.Error)
	}
	for _, u := range h.uploads(uploader.AmbiguousState) {
		if !u.Due.IsZero() {
			return fmt.Sprintf("%s to %s: %s, due %v", u.Path, u.Destination, u.State, u.Due)
		}
	}
	for _, d := range h.deletions() {
		if d.State.Open() {
			return fmt.Sprintf("the deletion of %s at %s: %s, due %v, %s", d.Path, d.Picture.Host, d.State, d.Due, d.Error)
		}
	}
	return ""
}

func (h *history) uploads(states ...uploader.State) []uploader.Upload {
	us, err := h.app.ledger.List(h.t.Context(), ledger.Filter{States: states, Limit: 10_000})
	h.must(err)
	return us
}

func (h *history) deletions() []uploader.Deletion {
	ds, err := h.app.ledger.Deletions(h.t.Context(), ledger.DeletionQuery{Limit: 10_000})
	h.must(err)
	return ds
}

// check looks at all that has to be true at rest.
func (h *history) check() {
	h.checkBytes()
	h.checkUploads()
	for name, s := range h.chev {
		h.checkOnce(name, s)
		h.checkDeletions(name, s)
	}
	h.checkSecrets()
}

// checkBytes: each file has its bytes, or says why not.
func (h *history) checkBytes() {
	for _, p := range h.paths() {
		var got []byte
		f, err := h.app.fs.Open(p)
		if err == nil {
			got, err = io.ReadAll(f)
			f.Close() //nolint:errcheck // only read
		}
		var away *vfs.AwayError
		switch {
		case errors.As(err, &away) && away.Text != "" && away.Remedy != "" && h.anyForeign():
		case err != nil:
			h.fail("%s cannot be read: %v", p, err)
		case !bytes.Equal(got, historyContents()[h.files[p]]):
			h.fail("%s has other bytes", p)
		}
	}
}

// anyForeign reports whether somebody deleted pictures at hosts, which may have been
// all that was left.
func (h *history) anyForeign() bool {
	return len(h.chev["chev"].foreign)+len(h.chev["new"].foreign) > 0
}

// sum is how the Chevereto-like sites name a content.
func sumOf(content int) string {
	sum := sha256.Sum256(historyContents()[content])
	return hex.EncodeToString(sum[:])
}

// checkUploads: each file is owed where its route says, each upload has a state that
// people see, and what is done is at the host.
func (h *history) checkUploads() {
	for _, p := range h.paths() {
		info, err := h.app.fs.Stat(p)
		h.must(err)
		e := info.Sys().(vfs.Entry)
		rows, err := h.app.ledger.Entry(h.t.Context(), e.ID)
		h.must(err)
		for _, o := range h.app.settings.Load().table.Owed(p, e.Type, e.Size) {
			if !slices.ContainsFunc(rows, func(u uploader.Upload) bool { return u.Present && u.Destination == o.Destination }) {
				h.fail("%s is not owed to %s: %+v", p, o.Destination, rows)
			}
		}
		for _, u := range rows {
			if !slices.Contains(uploader.States, u.State) {
				h.fail("%s to %s is %q", p, u.Destination, u.State)
			}
			if (u.State == uploader.Held || u.State == uploader.Failed || u.State == uploader.AmbiguousState) && u.Error == "" {
				h.fail("%s to %s is %s (%s), and nobody says why", p, u.Destination, u.State, u.Reason)
			}
			if u.Present && u.State == uploader.Done {
				h.checkThere(p, u)
			}
		}
	}
}

// sentAs returns what a file was sent as: its bytes, or a copy of them.
func (h *history) sentAs(p string, u uploader.Upload) []byte {
	data := historyContents()[h.files[p]]
	if u.Copy == 0 {
		return data
	}
	open := func(context.Context) (io.ReadSeekCloser, error) { return nopSeekCloser{bytes.NewReader(data)}, nil }
	v, err := variant.New(context.Background(), open, int64(len(data)), u.Type, u.Key, u.Copy)
	h.must(err)
	r, err := v.Open(context.Background())
	h.must(err)
	defer r.Close()
	data, err = io.ReadAll(r)
	h.must(err)
	return data
}

type nopSeekCloser struct{ *bytes.Reader }

func (nopSeekCloser) Close() error { return nil }

// checkThere: the picture of an upload that is done is at its host, unless somebody
// else deleted it.
func (h *history) checkThere(p string, u uploader.Upload) {
	if u.Picture == nil || u.Picture.URL == "" {
		if u.Reason != uploader.ReasonNoURL {
			h.fail("%s to %s is done without an address: %+v", p, u.Destination, u)
		}
		return
	}
	if u.Destination == "cms" {
		path := strings.TrimPrefix(u.Picture.URL, "http://cms.test/")
		f, ok := h.cms.At(path)
		shows := func(as uploader.Upload) bool { // another file's copy shows them as well
			sum := md5.Sum(h.sentAs(p, as))
			return as.SHA256 == u.SHA256 && f.MD5 == hex.EncodeToString(sum[:])
		}
		if !ok || !slices.ContainsFunc(h.uploads(), shows) {
			h.fail("%s is said to be at %s, and there is %v %+v", p, u.Picture.URL, ok, f)
		}
		return
	}
	s := h.chev[u.Destination]
	there := slices.ContainsFunc(s.Stored(), func(q cheveretotest.Picture) bool {
		return q.ID == u.Picture.Result.ID && q.SHA256 == sumOf(h.files[p])
	})
	if !there && !s.foreign[u.Picture.Result.ID] {
		h.fail("%s is said to be at %s as %s, and is not there: %+v, %+v", p, u.Destination, u.Picture.Result.ID, u, *u.Picture)
	}
}

// checkOnce: a site got the same bytes once, and once more for each time that we
// deleted them there.
func (h *history) checkOnce(name string, s *historySite) {
	stored := make(map[string]bool)
	for _, p := range s.Stored() {
		stored[p.ID] = true
	}
	took, may := make(map[string]int), make(map[string]int)
	for id, sum := range s.took {
		took[sum]++
		if !stored[id] && !s.foreign[id] {
			may[sum]++ // we deleted it
		}
	}
	for sum, n := range took {
		if n > 1+may[sum] {
			h.fail("%s got %s %d times, and %d were deleted", name, sum, n, may[sum])
		}
	}
}

// checkDeletions: what no file refers to is deleted, or it is said why not.
func (h *history) checkDeletions(name string, s *historySite) {
	used, told := make(map[string]bool), make(map[string]uploader.Deletion)
	for _, p := range h.paths() {
		info, err := h.app.fs.Stat(p)
		h.must(err)
		rows, err := h.app.ledger.Entry(h.t.Context(), info.Sys().(vfs.Entry).ID)
		h.must(err)
		for _, u := range rows {
			if u.Destination == name && u.Picture != nil {
				used[u.Picture.Result.ID] = true
			}
		}
	}
	for _, d := range h.deletions() {
		if d.Picture.Host == name+".test" {
			told[d.Picture.Result.ID] = d
			if d.State != uploader.Deleted && d.Error == "" {
				h.fail("the deletion of %s at %s is %s, and nobody says why: %+v", d.Path, name, d.State, d)
			}
		}
	}
	known := make(map[string]bool) // to the gateway: other replies were lost
	for _, u := range h.uploads() {
		if u.Picture != nil {
			known[u.Picture.Result.ID] = true
		}
	}
	for _, p := range s.Stored() {
		if _, ok := told[p.ID]; !used[p.ID] && known[p.ID] && !ok {
			h.fail("%s has %s (%s), which no file needs, and nobody says why", name, p.ID, p.Name)
		}
	}
}

// checkSecrets: neither the log nor a receipt tells one.
func (h *history) checkSecrets() {
	var told strings.Builder
	told.WriteString(h.log.String())
	for _, p := range h.paths() {
		info, err := h.app.fs.Stat(p)
		h.must(err)
		rows, err := h.app.ledger.Entry(h.t.Context(), info.Sys().(vfs.Entry).ID)
		h.must(err)
		fmt.Fprintf(&told, "%+v", operations{h.app}.progress(rows))
	}
	text := told.String()
	for _, s := range h.chev {
		for _, p := range s.Stored() {
			if strings.Contains(text, p.DeleteHash) {
				h.fail("the secret that deletes %s is told", p.ID)
			}
		}
	}
	if i := strings.Index(text, "secret-key"); i >= 0 {
		h.fail("a key is told: %s", text[max(0, i-100):min(len(text), i+100)])
	}
}
