package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/operate"
)

// testNow is the time of the tests' clock.
var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// hostile are names that people do not give.
var hostile = []string{
	`<img src=x onerror=alert(1)>.jpg`,
	"\u202egpj.exe",
	"two\nlines\r.jpg",
	`"onmouseover=alert(1) x=".jpg`,
	"javascript:alert(1)",
	"{{.CSRF}}.jpg",
	"</textarea><script>alert(1)</script>",
	strings.Repeat("n", 251) + ".jpg",
	"\x7f\u0085\u2028\u2066zero\u200bwidth.jpg",
	"Mu\u0308nchen & Ø % # ? + ;.jpg",
}

// fakeDesk is a gateway of one user, in memory.
type fakeDesk struct {
	me        operate.Person
	mu        sync.Mutex
	uploads   []operate.Upload
	entries   []operate.Entry
	acted     []string
	tree      *fakeTree
	changes   chan operate.Change
	moving    []operate.Transfer
	paused    map[string]bool
	ways      []operate.Way
	query     operate.Query // the last
	brakes    []operate.Brake
	deletions []operate.Deletion
	links     []operate.ListedLink
	broken    []operate.BrokenOff
	moves     bool // a retry has an upload wait
}

func newFakeDesk() *fakeDesk {
	d := &fakeDesk{
		me:      operate.Person{Name: "ann", Rights: "full", Operator: true},
		changes: make(chan operate.Change, 10),
		paused:  map[string]bool{"anh": true},
		tree:    &fakeTree{Fs: afero.NewMemMapFs()},
	}
	d.tree.Fs.MkdirAll("/inbox/trip", 0o777) //nolint:errcheck // in memory
	states := operate.States
	for i := range 24 {
		name := fmt.Sprintf("IMG_%04d.jpg", i)
		if i < len(hostile) {
			name = hostile[i]
		}
		d.add(int64(i+1), path.Join("/inbox", name), states[i%len(states)])
	}
	d.entries = append(d.entries, operate.Entry{ID: 800, Path: "/inbox/t.part", Modified: testNow})
	d.moving = []operate.Transfer{
		{ID: "a", Direction: operate.Incoming, Path: "/inbox/coming.jpg", Door: "ftp", User: "ann", Done: 4 << 20, Size: 9 << 20, Rate: 1.5e6, Started: testNow},
		{ID: "b", Direction: operate.Outgoing, Path: "/inbox/" + hostile[0], To: "anh", Done: 1 << 20, Size: 8 << 20, Rate: 3e5, Started: testNow},
		{ID: "c", Direction: operate.Incoming, Path: "/inbox/scan.pdf", Door: "webdav", User: "ann", Done: 100, Size: -1, Started: testNow},
	}
	d.brakes = []operate.Brake{{Folder: "/inbox/" + hostile[5], Since: testNow.Add(-time.Minute), Waiting: 21}}
	for i, name := range hostile {
		d.deletions = append(d.deletions, operate.Deletion{
			ID: int64(100 - i), Path: path.Join("/inbox", name), Destination: "anh", Why: "removed", State: operate.DeletionStates[i%len(operate.DeletionStates)],
			Due: testNow.Add(time.Minute), Created: testNow, Changed: testNow, URL: "https://anh.im/" + strconv.Itoa(i) + ".jpg", Error: "it is " + name, Remedy: "do " + name,
		})
	}
	d.deletions[0].URL = "javascript:alert(1)"
	for i, name := range hostile {
		d.links = append(d.links, operate.ListedLink{
			Link: operate.Link{URL: "https://pictures.example/" + strings.Repeat("long/", i) + name, State: operate.LinkStates[i%len(operate.LinkStates)]},
			Path: path.Join("/inbox", name), Entry: int64(i + 1), Changed: testNow.Add(-time.Minute),
		})
		switch k := &d.links[i]; k.State {
		case "settling":
			k.NextTry, k.Error, k.Tries = testNow.Add(90*time.Second), "pictures.example did not answer "+name, 3
		case "failed":
			k.Error, k.Remedy, k.Tries = "it is a page, not a picture "+name, "Drop the address of the picture.", 1
		case "done":
			k.Picture = name
		}
	}
	for i, name := range hostile {
		d.broken = append(d.broken, operate.BrokenOff{
			Path: path.Join("/inbox", name), User: "ann", From: "192.0.2.7", Size: 500_000 + int64(i), Since: testNow.Add(-time.Hour), Until: testNow.Add(23 * time.Hour),
		})
	}
	d.links[0].Fetching, d.links[3].URL, d.links[7].URL = true, "javascript:alert(1)", ""
	d.ways = []operate.Way{
		{Connection: operate.Connection{Door: operate.WebDAVDoor, URL: "https://pictures.example:8443/dav/", Host: "pictures.example", Port: 8443, Security: operate.ImplicitTLS, Fingerprint: "AB:CD:EF:00:11:22"},
			Last: testNow.Add(-time.Minute), Worked: true, Client: "Microsoft-WebDAV-MiniRedir/10.0"},
		{Connection: operate.Connection{Door: operate.FTPDoor, Host: "pictures.example", Port: 2121, Security: operate.ExplicitTLS, Fingerprint: "AB:CD:EF:00:11:22"},
			Last: testNow.Add(-time.Hour), Error: "the name or the password is wrong"},
		{Connection: operate.Connection{Door: operate.FTPDoor, Host: "pictures.example", Port: 2121, Security: operate.NoTLS}},
	}
	return d
}

// add gives the tree a file, and it an upload in a state.
func (d *fakeDesk) add(id int64, p, state string) {
	u := operate.Upload{
		ID: id, Path: p, Destination: "home", State: state, Size: 2_400_000, Present: true, Entry: id, Type: "image/jpeg",
		SHA256: strings.Repeat("ab", 32), Changed: testNow.Add(-time.Duration(id) * time.Minute), Attempts: 1,
	}
	switch state {
	case "done":
		u.URL = fmt.Sprintf("https://img.example/i/%d/picture.jpg", id)
	case "failed":
		u.Error, u.Remedy = "The host says <b>no</b>.", "Make it smaller."
	case "settling":
		u.Reason, u.Due = "backoff", testNow.Add(time.Minute)
	}
	d.uploads = append(d.uploads, u)
	d.entries = append(d.entries, operate.Entry{ID: id, Path: p, Size: u.Size, SHA256: u.SHA256, Type: u.Type, Modified: testNow.Add(-time.Hour), Uploads: []operate.Upload{u}})
	afero.WriteFile(d.tree.Fs, p, []byte("bytes of "+p), 0o666) //nolint:errcheck // in memory
}

func (d *fakeDesk) Me() operate.Person { return d.me }

func (d *fakeDesk) Files(_ context.Context, dir, after string, limit int) (page operate.FilePage, err error) {
	page.Path, page.Writable = dir, strings.HasPrefix(dir, "/inbox")
	switch dir {
	case "/":
		page.Entries = []operate.Entry{{ID: 900, Path: "/inbox", Dir: true}}
	case "/inbox":
		all := append([]operate.Entry{{ID: 901, Path: "/inbox/trip", Dir: true}}, d.entries...)
		from := 0
		if after != "" {
			from = slices.IndexFunc(all, func(e operate.Entry) bool { return e.Path == after }) + 1
		}
		page.Entries = all[from:]
		if len(page.Entries) > limit {
			page.Entries = page.Entries[:limit]
			page.Next = page.Entries[limit-1].Path
		}
	case "/inbox/trip":
	default:
		return page, operate.Errorf(operate.NotFound, "there is no folder %s", dir)
	}
	return page, nil
}

func (d *fakeDesk) Find(_ context.Context, q operate.Query) (page operate.UploadPage, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.query = q
	for _, u := range d.uploads {
		if (!q.NoURL || u.State == "done" && u.Reason == "no-url") && (len(q.States) == 0 || slices.Contains(q.States, u.State)) && (q.Path == "" || u.Path == q.Path || strings.HasPrefix(u.Path, q.Path+"/")) {
			page.Uploads = append(page.Uploads, u)
		}
	}
	if len(page.Uploads) > q.Limit {
		page.Uploads, page.Next = page.Uploads[:q.Limit], "next"
	}
	return page, nil
}

func (d *fakeDesk) Upload(_ context.Context, id int64) (operate.Upload, error) {
	for _, u := range d.uploads {
		if u.ID == id {
			return u, nil
		}
	}
	return operate.Upload{}, operate.Errorf(operate.NotFound, "there is no upload %d", id)
}

func (d *fakeDesk) Act(_ context.Context, verb operate.Verb, ids []int64) (list []operate.Upload, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acted = append(d.acted, fmt.Sprint(verb, ids))
	for _, id := range ids {
		u, err := d.Upload(context.Background(), id)
		if err != nil {
			return nil, err
		}
		if u.State == "done" {
			u.Refused = "it is done already"
		}
		for i := range d.uploads {
			if d.moves && d.uploads[i].ID == id && verb == operate.Retry {
				d.uploads[i].State = "settling"
			}
		}
		list = append(list, u)
	}
	return list, nil
}

func (d *fakeDesk) Explain(_ context.Context, p string) (operate.Explanation, error) {
	x := operate.Explanation{Path: p, Route: 1, Pattern: "/inbox/{rest...}"}
	if p == "/" || p == "/inbox" {
		x.Entry = &operate.Entry{ID: 900, Path: p, Dir: true}
	}
	for _, e := range d.entries {
		if e.Path == p {
			x.Entry = &e
			if len(e.Uploads) == 0 {
				x.Why = "its name is one that programs give to files that are not whole yet"
				x.Bytes = "its bytes are read from https://anh.example/" + hostile[0]
				x.Links = []operate.Link{
					{URL: "https://pictures.example/" + strings.Repeat("long/", 40) + hostile[0], State: "failed", Error: "the picture is not there any more (404)", Remedy: "Look for its address anew.", NextTry: testNow.Add(time.Minute)},
					{URL: "javascript:alert(1)", State: "done", Picture: hostile[1]}, {State: "plain"},
				}
				continue
			}
			x.Takes = []operate.Taker{{Destination: "home", Owed: true, Upload: &e.Uploads[0], Keys: map[string]string{"title": hostile[0]}}, {Destination: "anh", Why: "it takes no such files"}}
		}
	}
	return x, nil
}

func (d *fakeDesk) Follow(context.Context, int64) iter.Seq2[operate.Progress, error] {
	return func(func(operate.Progress, error) bool) {}
}

func (d *fakeDesk) Destinations(context.Context) ([]operate.Destination, error) {
	return []operate.Destination{
		{Name: "anh", Driver: "chevereto", Host: "anh.im", Configured: true, Paused: d.paused["anh"], Error: "The key is wrong.", Remedy: "Put in the right one.", Probe: testNow.Add(time.Minute),
			Counts: map[string]int{"settling": 12345, "failed": 2}, Windows: []operate.Window{{Per: time.Hour, Limit: 100, Used: 40}, {Per: 24 * time.Hour, Limit: 1000}}, LastFailed: testNow.Add(-time.Minute), LastError: "invalid API key"},
		{Name: "home", Driver: "local", Host: "local", Configured: true, Counts: map[string]int{"done": 7}, LastDone: testNow.Add(-time.Second)},
	}, nil
}

func (d *fakeDesk) Pause(_ context.Context, name string) error {
	d.paused[name] = true
	return nil
}

func (d *fakeDesk) Resume(_ context.Context, name string) error {
	delete(d.paused, name)
	return nil
}

func (d *fakeDesk) Deletions(_ context.Context, f operate.DeletionFilter) (operate.DeletionPage, error) {
	page := operate.DeletionPage{Brakes: d.brakes}
	for _, one := range d.deletions {
		if len(f.States) == 0 || slices.Contains(f.States, one.State) {
			page.Deletions = append(page.Deletions, one)
		}
	}
	return page, nil
}

func (d *fakeDesk) AnswerDeletions(_ context.Context, a operate.DeletionAnswer) (operate.Answered, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.me.Rights != "full" {
		return operate.Answered{}, operate.Errorf(operate.Forbidden, "no")
	}
	d.acted = append(d.acted, fmt.Sprint(a.Verb, a.IDs, a.Path))
	return operate.Answered{Changed: 3}, nil
}

func (d *fakeDesk) Links(_ context.Context, f operate.LinkFilter) (page operate.LinkPage, err error) {
	for _, one := range d.links {
		if len(f.States) == 0 || slices.Contains(f.States, one.State) {
			page.Links = append(page.Links, one)
		}
	}
	if f.Limit < len(page.Links) {
		page.Links, page.Next = page.Links[:f.Limit], "next"
	}
	return page, nil
}

func (d *fakeDesk) RetryLinks(_ context.Context, p string) (operate.Answered, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acted = append(d.acted, "links "+p)
	if p == "/inbox/none" {
		return operate.Answered{}, nil
	}
	return operate.Answered{Changed: 1}, nil
}

func (d *fakeDesk) Watches(context.Context) ([]operate.Watch, error) {
	return []operate.Watch{
		{Folder: "/home/ann/Drop", Into: "/inbox", Mode: "events", Scanned: testNow.Add(-time.Minute), Files: 1204, Known: map[string]int{"taken": 1197, "gone": 3}, Total: operate.Amount{Files: 1209}, Taken: operate.Amount{Files: 12}},
		{Folder: "/mnt/camera/" + hostile[0], Into: "/inbox/trip", Mode: "polling", Braked: true, Why: "a network share tells nobody what others change", Refused: operate.Amount{Files: 2},
			Troubles: []operate.WatchTrouble{{Path: hostile[1], Error: "permission denied"}}},
		{Folder: "/mnt/scans", Into: "/inbox/scans", Mode: "events", Problem: "nothing is mounted at /mnt/mirror now", Asks: true},
	}, nil
}

func (d *fakeDesk) ReleaseWatch(_ context.Context, folder string) error {
	d.acted = append(d.acted, "release "+folder)
	return nil
}

func (d *fakeDesk) Transfers(context.Context) ([]operate.Transfer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.moving), nil
}

func (d *fakeDesk) BrokenOff(context.Context) ([]operate.BrokenOff, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.broken), nil
}

func (d *fakeDesk) Changes(ctx context.Context) iter.Seq[operate.Change] {
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

func (d *fakeDesk) Connections(context.Context) ([]operate.Way, error) { return d.ways, nil }

func (d *fakeDesk) Thumbnail(_ context.Context, entry int64, edge int) (operate.Thumbnail, error) {
	if entry != 1 {
		return operate.Thumbnail{}, operate.Errorf(operate.NotFound, "it cannot be drawn")
	}
	return operate.Thumbnail{Type: "image/jpeg", ETag: fmt.Sprintf(`"t%d"`, edge), Modified: testNow, Content: nopCloser{strings.NewReader("small picture")}}, nil
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func (d *fakeDesk) FS(context.Context, netip.Addr) afero.Fs { return d.tree }

// fakeTree is a tree whose staged files are committed by Close.
type fakeTree struct {
	afero.Fs
	refuse error // of Admit
	mu     sync.Mutex
	cuts   []string // paths of what was thrown away
}

func (t *fakeTree) Admit(_ string, size int64) error {
	if size > 1000 && t.refuse != nil {
		return t.refuse
	}
	return nil
}

func (t *fakeTree) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if flag&os.O_CREATE == 0 {
		return t.Fs.OpenFile(name, flag, perm)
	}
	f, err := afero.NewMemMapFs().Create(name)
	return &fakeFile{File: f, tree: t, path: name}, err
}

type fakeFile struct {
	afero.File
	tree *fakeTree
	path string
	data bytes.Buffer
	cut  error
	mod  time.Time
}

func (f *fakeFile) Write(p []byte) (int, error) { return f.data.Write(p) }
func (f *fakeFile) TransferError(err error)     { f.cut = err }
func (f *fakeFile) SetModTime(t time.Time)      { f.mod = t }
func (f *fakeFile) Stored() (int64, string)     { return 77, f.path }

func (f *fakeFile) Close() error {
	if f.cut != nil {
		f.tree.mu.Lock()
		defer f.tree.mu.Unlock()
		f.tree.cuts = append(f.tree.cuts, f.path)
		return f.cut
	}
	if err := afero.WriteFile(f.tree.Fs, f.path, f.data.Bytes(), 0o666); err != nil || f.mod.IsZero() {
		return err
	}
	return f.tree.Chtimes(f.path, f.mod, f.mod)
}

// refusal is an error of the tree with words for people.
type refusal struct {
	text  string
	space bool
}

func (r refusal) Error() string     { return "inside: " + r.text }
func (r refusal) Reason() string    { return r.text }
func (r refusal) NoSpace() bool     { return r.space }
func (r refusal) TooLarge() bool    { return !r.space }
func (r refusal) Is(err error) bool { return err == fs.ErrPermission }

// fakeSessions has one user, whose password is "right".
type fakeSessions struct {
	desk *fakeDesk
	mu   sync.Mutex
	in   map[string]bool
	next string // the secret of the next session; "": "secret"
	wait time.Duration
}

func (s *fakeSessions) SignIn(_ *http.Request, name, password string) (string, time.Duration, time.Duration, error) {
	if s.wait > 0 {
		return "", 0, s.wait, errors.New("too many wrong passwords; try again in 5 s")
	}
	if name != s.desk.me.Name || password != "right" {
		return "", 0, 0, errors.New("the name or the password is wrong")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := cmp.Or(s.next, "secret")
	s.in[secret] = true
	return secret, time.Hour, 0, nil
}

func (s *fakeSessions) Open(_ *http.Request, secret string) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.in[secret] {
		return Session{}, errors.New("signed out")
	}
	return Session{Desk: s.desk}, nil
}

func (s *fakeSessions) SignOut(_ context.Context, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.in, secret)
	return nil
}

// fakeTokens keeps tokens by their ids.
type fakeTokens map[string]Token

func (f fakeTokens) Tokens(*http.Request, string) ([]Token, error) {
	return slices.SortedFunc(maps.Values(f), func(a, b Token) int { return strings.Compare(a.ID, b.ID) }), nil
}

func (f fakeTokens) Make(_ *http.Request, _ string, t Token, _ time.Duration) (string, error) {
	f["t1"] = Token{ID: "t1", Name: t.Name, Rights: t.Rights, Folder: t.Folder, Made: testNow}
	return "slip_verysecret", nil
}

func (f fakeTokens) Revoke(_ *http.Request, _, id string) error {
	delete(f, id)
	return nil
}

// site is a page that is served, and a browser of somebody who is signed in there.
type site struct {
	*testing.T
	desk     *fakeDesk
	sessions *fakeSessions
	handler  *Handler
	server   *httptest.Server
	client   *http.Client
}

// newSite serves a page; ann is signed in.
func newSite(t *testing.T) *site {
	desk := newFakeDesk()
	s := &site{T: t, desk: desk, sessions: &fakeSessions{desk: desk, in: map[string]bool{"secret": true}}}
	s.handler = New(Options{
		Sessions: s.sessions, Tokens: fakeTokens{}, Clock: func() time.Time { return testNow },
		Client: func(r *http.Request) (netip.Addr, bool) {
			return netip.MustParseAddrPort(r.RemoteAddr).Addr(), r.Header.Get("X-Test-TLS") != ""
		},
	})
	s.server = httptest.NewServer(s.handler)
	t.Cleanup(func() { s.handler.Close(); s.server.CloseClientConnections(); s.server.Close() })
	s.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

// do makes a request of the session, with headers in pairs.
func (s *site) do(method, address string, body io.Reader, headers ...string) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequest(method, s.server.URL+address, body)
	if err != nil {
		s.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "slipway", Value: "secret"})
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp, string(text)
}

// get returns a page that is there.
func (s *site) get(address string) string {
	s.Helper()
	resp, text := s.do(http.MethodGet, address, nil)
	if resp.StatusCode != http.StatusOK {
		s.Fatalf("%s: %s: %s", address, resp.Status, text)
	}
	return text
}

// token is what forms of the session carry.
func (s *site) token() string { return csrfToken("secret", "/") }
