package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/api"
	"slipway/gateway/operate"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// desk is an operate.Desk over a real tree, whose one destination answers as state
// says, after a delay.
type desk struct {
	fs *vfs.FS

	mu      sync.Mutex
	first   string        // what uploads begin with
	state   string        // what uploads come to
	delay   time.Duration // after which they do
	uploads map[int64]*operate.Upload
	began   map[int64]time.Time
	paused  map[string]bool
	changes chan operate.Change
	drawn   []byte
	retried []int64
	session *vfs.DropSession // where the user only drops files
	broken  bool             // the tree fails
	asked   operate.DeletionFilter
	answers []operate.DeletionAnswer
}

// Deletions has two, and a brake.
func (d *desk) Deletions(_ context.Context, f operate.DeletionFilter) (operate.DeletionPage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = f
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return operate.DeletionPage{Next: 3, Brakes: []operate.Brake{{Folder: "/in", Since: at, Waiting: 21}}, Deletions: []operate.Deletion{
		{ID: 4, Path: "/in/a.jpg", Destination: "host", Why: "removed", State: "paused", Created: at, Changed: at},
		{ID: 3, Path: "/in/b.jpg", Destination: "host", Why: "replaced", State: "deleted", Created: at, Changed: at, Finished: at, URL: "https://h/b.jpg"},
	}}, nil
}

// AnswerDeletions keeps what it was asked.
func (d *desk) AnswerDeletions(_ context.Context, a operate.DeletionAnswer) (operate.Answered, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil {
		return operate.Answered{}, operate.Errorf(operate.Forbidden, "not for you")
	}
	d.answers = append(d.answers, a)
	return operate.Answered{Changed: 21}, nil
}

// BrokenOff has one.
func (d *desk) BrokenOff(context.Context) ([]operate.BrokenOff, error) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return []operate.BrokenOff{{Path: "/in/half.jpg", User: "ann", From: "192.0.2.7", Size: 500_000, Since: at, Until: at.Add(24 * time.Hour)}}, nil
}

// Links has none.
func (d *desk) Links(context.Context, operate.LinkFilter) (operate.LinkPage, error) {
	return operate.LinkPage{}, nil
}

// RetryLinks has none to try.
func (d *desk) RetryLinks(context.Context, string) (operate.Answered, error) {
	return operate.Answered{}, nil
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db := indextest.Open(t, indextest.SQLite(t))
	disk, err := blob.NewDisk(t.TempDir(), blob.DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{
		first: "settling", state: "done", uploads: make(map[int64]*operate.Upload), began: make(map[int64]time.Time), paused: make(map[string]bool),
		changes: make(chan operate.Change), drawn: []byte("a small picture"),
	}
	d.fs = vfs.New(vfs.Options{Index: index.NewTree(db, time.Now, func(_ context.Context, _ vfs.Tx, changes []vfs.Change) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, c := range changes {
			if c.Kind == vfs.Stored && c.Entry.Size > 0 && !strings.HasPrefix(c.Entry.Type, "text/") {
				id := int64(c.Entry.ID)
				if _, ok := d.began[id]; !ok {
					d.began[id] = time.Now()
				}
				d.uploads[id] = &operate.Upload{ID: id, Entry: id, Path: c.Path, Destination: "host", State: d.first, Size: c.Entry.Size, SHA256: c.Entry.SHA256.String(), Present: true}
			}
		}
		return nil
	}), Blobs: disk, Policy: policy{}})
	if err := d.fs.MkdirAll("/in", 0o755); err != nil {
		t.Fatal(err)
	}
	return d
}

// policy refuses what is called no.
type policy struct{}

func (policy) Admit(p string, size int64) error {
	switch {
	case size == 0:
	case strings.HasPrefix(path.Base(p), "no"):
		return &vfs.Refusal{Text: "no route takes it; put it into /in"}
	case size > 1<<20:
		return &vfs.Refusal{Kind: vfs.TooLarge, Text: "the host takes 1 MB"}
	}
	return nil
}

func (policy) SameName(string) (vfs.SameName, bool) { return vfs.Replace, false }

func (d *desk) Me() operate.Person {
	return operate.Person{Name: "anna", Rights: "full", Operator: true}
}

func (d *desk) entry(p string) (*operate.Entry, error) {
	info, err := d.fs.Stat(p)
	if err != nil {
		return nil, err
	}
	e := info.Sys().(vfs.Entry)
	shown := &operate.Entry{ID: int64(e.ID), Path: p, Dir: e.Dir, Size: e.Size, Type: e.Type, Modified: e.Modified}
	if !e.Dir {
		shown.SHA256 = e.SHA256.String()
	}
	return shown, nil
}

func (d *desk) Files(_ context.Context, dir, after string, limit int) (operate.FilePage, error) {
	infos, err := afero.ReadDir(d.fs, dir)
	if err != nil {
		return operate.FilePage{}, operate.Errorf(operate.NotFound, "there is no folder %s", dir)
	}
	page := operate.FilePage{Path: dir, Writable: true}
	for _, info := range infos {
		if info.Name() <= after {
			continue
		}
		if len(page.Entries) == limit {
			page.Next = path.Base(page.Entries[limit-1].Path)
			break
		}
		e, err := d.entry(path.Join(dir, info.Name()))
		if err != nil {
			return page, err
		}
		page.Entries = append(page.Entries, *e)
	}
	return page, nil
}

func (d *desk) Find(_ context.Context, q operate.Query) (operate.UploadPage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var page operate.UploadPage
	for id := range d.uploads {
		u := d.now(id)
		if (len(q.States) == 0 || slices.Contains(q.States, u.State)) && strings.Contains(u.Path, q.Text) && strings.HasPrefix(u.Path, q.Path) {
			page.Uploads = append(page.Uploads, u)
		}
	}
	return page, nil
}

// now returns an upload as it stands, while mu is held.
func (d *desk) now(id int64) operate.Upload {
	u := *d.uploads[id]
	if time.Since(d.began[id]) < d.delay {
		return u
	}
	if u.State = d.state; d.state == "done" {
		u.URL, u.ViewerURL = "https://host.example/"+path.Base(u.Path), "https://host.example/view"
	} else {
		u.Error, u.Remedy = "the host said no", "say please"
	}
	return u
}

func (d *desk) Upload(_ context.Context, id int64) (operate.Upload, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.uploads[id] == nil {
		return operate.Upload{}, operate.Errorf(operate.NotFound, "there is no upload %d", id)
	}
	return d.now(id), nil
}

func (d *desk) Act(_ context.Context, verb operate.Verb, ids []int64) (list []operate.Upload, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		if d.uploads[id] == nil {
			return nil, operate.Errorf(operate.NotFound, "there is no upload %d", id)
		}
		u := d.now(id)
		if verb == operate.Release {
			u.Refused = "it is not held"
		}
		if verb == operate.Retry {
			d.retried = append(d.retried, id)
		}
		list = append(list, u)
	}
	return list, nil
}

func (d *desk) Explain(_ context.Context, p string) (operate.Explanation, error) {
	x := operate.Explanation{Path: p, Route: 1, Pattern: "/in/{rest...}", Captures: map[string]string{"rest": p}}
	e, err := d.entry(p)
	if err == nil {
		x.Entry = e
	}
	x.Takes = []operate.Taker{{Destination: "host", Owed: true, Keys: map[string]string{"title": "x"}}}
	return x, nil
}

func (d *desk) Follow(ctx context.Context, entry int64) iter.Seq2[operate.Progress, error] {
	return func(yield func(operate.Progress, error) bool) {
		for {
			d.mu.Lock()
			var p operate.Progress
			if d.uploads[entry] != nil {
				p.Uploads = []operate.Upload{d.now(entry)}
			}
			d.mu.Unlock()
			if !yield(p, nil) || len(p.Uploads) == 0 || p.Uploads[0].State != "settling" {
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
				yield(operate.Progress{}, ctx.Err())
				return
			}
		}
	}
}

func (d *desk) Destinations(context.Context) ([]operate.Destination, error) {
	return []operate.Destination{{Name: "host", Driver: "chevereto", Host: "host.example", Configured: true, Counts: map[string]int{"done": 1}, Windows: []operate.Window{{Per: time.Minute, Limit: 50, Used: 1}}}}, nil
}

func (d *desk) Pause(_ context.Context, name string) error {
	if name != "host" {
		return operate.Errorf(operate.NotFound, "there is no destination %q", name)
	}
	d.paused[name] = true
	return nil
}

func (d *desk) Resume(_ context.Context, name string) error {
	d.paused[name] = false
	return nil
}

func (d *desk) Transfers(context.Context) ([]operate.Transfer, error) {
	return []operate.Transfer{{ID: "1", Direction: operate.Incoming, Path: "/in/a.jpg", Door: "api", User: "anna", Size: -1, Started: time.Now()}}, nil
}

func (d *desk) Changes(ctx context.Context) iter.Seq[operate.Change] {
	return func(yield func(operate.Change) bool) {
		for {
			select {
			case c := <-d.changes:
				if !yield(c) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (d *desk) Connections(context.Context) ([]operate.Way, error) { return nil, nil }

func (d *desk) Thumbnail(_ context.Context, entry int64, _ int) (operate.Thumbnail, error) {
	if entry > 100 {
		return operate.Thumbnail{}, operate.Errorf(operate.NotFound, "no picture")
	}
	return operate.Thumbnail{Type: "image/jpeg", ETag: `"t"`, Modified: time.Now(), Content: seeker{bytes.NewReader(d.drawn)}}, nil
}

type seeker struct{ *bytes.Reader }

func (seeker) Close() error { return nil }

func (d *desk) FS(ctx context.Context, _ netip.Addr) afero.Fs {
	tree := d.fs.Sub(vfs.View{Root: "/", Door: "api", Owner: "anna"})
	switch {
	case d.session != nil:
		return tree.Drop(d.session).WithContext(ctx)
	case d.broken:
		return brokenFS{tree.WithContext(ctx)}
	}
	return tree.WithContext(ctx)
}

// brokenFS is a tree on a disk that fails.
type brokenFS struct{ afero.Fs }

func (brokenFS) Stat(string) (os.FileInfo, error) { return nil, errors.New("the disk is on fire") }

// world is an API that answers over a desk.
type world struct {
	*testing.T
	desk   *desk
	api    *api.Handler
	server *httptest.Server
	wait   time.Duration
	folder string
	ended  error // what Still says
	open   int   // sessions that have not left
	log    heard
	mu     sync.Mutex
}

// heard is what was logged.
type heard struct {
	mu   sync.Mutex
	text []byte
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, p...)
	return len(p), nil
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.text)
}

// turns returns how many sessions have not left.
func (w *world) turns() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

const rightKey = "slip_right"

func newWorld(t *testing.T) *world {
	w := &world{T: t, desk: newDesk(t), wait: 5 * time.Second, folder: "/in"}
	w.api = api.New(api.Options{
		Enter: w.enter, Wait: func() time.Duration { return w.wait }, Version: "test", Started: time.Now(),
		Origins: func() []string { return []string{"https://pages.example"} }, Idle: time.Second,
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	w.server = httptest.NewServer(w.api)
	t.Cleanup(func() {
		w.api.Close()
		w.server.Close()
		if in := w.desk.fs.Incoming(); len(in) != 0 {
			t.Errorf("%d files are neither stored nor given up", len(in))
		}
		if w.open != 0 {
			t.Errorf("%d sessions never left", w.open)
		}
	})
	return w
}

func (w *world) enter(r *http.Request, secret string) (api.Session, error) {
	if secret == "" {
		secret = r.Header.Get("X-API-Key")
	}
	if secret != rightKey {
		return api.Session{}, &api.Refusal{Status: 401, Header: http.Header{"Www-Authenticate": {"Bearer"}}, Err: errors.New("sign in")}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	return api.Session{
		Desk: w.desk, From: netip.MustParseAddr("192.0.2.1"), Folder: func() string { return w.folder },
		Leave: func() { w.mu.Lock(); w.open--; w.mu.Unlock() },
		Body:  func(r io.ReadCloser) io.ReadCloser { return struct{ io.ReadCloser }{r} },
		Still: func() error { w.mu.Lock(); defer w.mu.Unlock(); return w.ended },
	}, nil
}
