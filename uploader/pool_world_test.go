package uploader_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

func TestMain(m *testing.M) {
	// A run of the property test is a gateway's whole life: fewer do, and fewer
	// still where each takes longer, unless the command line says otherwise.
	if err := flag.Set("rapid.checks", strconv.Itoa(30/slowdown)); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// bubble runs a test with the clock of a synctest bubble, which passes only when
// everything waits.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, filepath.Join(t.TempDir(), "index.db"))
		test(t, w)
		w.close()
	})
}

// world is a gateway without doors: names, ledger, hosts and a pool.
type world struct {
	t      testing.TB
	source string
	db     *index.Database
	// database is what the ledger sees of db.
	database vfs.Database
	tree     *index.Tree
	l        *ledger.Ledger
	hosts    map[string]*fakeHost // by destination
	mu       sync.Mutex
	plan     uploader.Plan
	planErr  error
	whole    error
	config   uploader.Config
	durable  bool                  // with fsync
	deletes  bool                  // the routes say on_delete = "delete"
	copies   map[blob.Sum]blob.Sum // of altered copies that were made, the bytes that they are of
	stop     func()
	pool     *uploader.Pool
}

func newWorld(t testing.TB, source string) *world {
	w := &world{t: t, source: source, hosts: make(map[string]*fakeHost)}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	ctx := context.Background()
	if w.db, err = index.Open(ctx, w.source, index.Options{Unsafe: !w.durable}); err != nil {
		w.t.Fatal(err)
	}
	w.database = w.db
	w.tree = index.NewTree(w.db, time.Now, func(ctx context.Context, tx vfs.Tx, changes []vfs.Change) error {
		return w.l.OnCommit(ctx, tx, changes)
	})
	w.ledger()
}

// ledger makes the ledger of a process that starts.
func (w *world) ledger() {
	w.t.Helper()
	var err error
	w.l, err = ledger.New(context.Background(), w.database, ledger.Options{Router: w, Destinations: []string{"one", "two"},
		Quiet: func(vfs.Change) time.Duration { return 0 }, Clock: time.Now})
	if errors.Is(err, errDead) { // killed while starting: start again
		w.database = w.db
		w.ledger()
		return
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	w.halt()
	w.db.Close()
}

// Owed routes /one/… and /two/… to the destination of that name.
func (w *world) OnDelete(string) string {
	if w.deletes {
		return uploader.DeleteHosted
	}
	return uploader.KeepHosted
}
func (w *world) Links(string) bool { return false }
func (w *world) Owed(p, _ string, size int64) (owed []uploader.Owed) {
	d, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	if h := w.hosts[d]; h != nil && size > 0 {
		owed = append(owed, uploader.Owed{Destination: d, Host: h.props.Host})
	}
	return owed
}

func (w *world) Plan(_ context.Context, u uploader.Upload, _ func() (map[string]string, error)) (uploader.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.plan
	p.Keys.CategoryID = path.Base(path.Dir(u.Path))
	return p, w.planErr
}

// set changes what the running pool looks at.
func (w *world) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// host adds a destination.
func (w *world) host(name string, p uploader.Properties) *fakeHost {
	p.Host = name + ".example"
	w.hosts[name] = &fakeHost{t: w.t, props: p, stored: make(map[blob.Sum]int), pictures: make(map[string]blob.Sum)}
	return w.hosts[name]
}

// start runs a pool until halt.
func (w *world) start() {
	c := w.config
	if slow, ok := c.Ledger.(*slowLedger); ok {
		slow.Ledger = w.l
	} else {
		c.Ledger = w.l
	}
	c.Router = w
	c.Rand = func() float64 { return 0.5 }
	if c.Open == nil {
		c.Open = w.content
	}
	c.Whole = func(context.Context, uploader.Upload, uploader.Open) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.whole
	}
	if c.Destinations == nil {
		for name, h := range w.hosts {
			c.Destinations = append(c.Destinations, uploader.Destination{Name: name, Driver: h.driver(), Limits: h.props.Limits, Slots: 2})
		}
	}
	w.pool = uploader.NewPool(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.pool.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) halt() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

func (w *world) content(ctx context.Context, u uploader.Upload) (blob.Reader, error) {
	content, err := w.tree.Bytes(ctx, u.Blob)
	return reader{bytes.NewReader(content)}, err
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// put stores content at p.
func (w *world) put(p, content string) vfs.Entry {
	w.t.Helper()
	return w.putSize(p, content, int64(len(content)))
}

// putSize is put of bytes that are said to be size.
func (w *world) putSize(p, content string, size int64) vfs.Entry {
	w.t.Helper()
	ctx := context.Background()
	if _, _, err := w.tree.Apply(ctx, vfs.Mkdir{Path: path.Dir(p), Parents: true}); err != nil {
		w.t.Fatal(err)
	}
	e, _, err := w.tree.Apply(ctx, vfs.Put{Path: p, Type: "image/jpeg", Blob: blob.Info{Ref: blob.NewRef(time.Now()),
		Size: size, SHA256: sha256.Sum256([]byte(content)), Inline: []byte(content)}})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) upload(e vfs.Entry) uploader.Upload {
	w.t.Helper()
	us, err := w.l.Entry(context.Background(), e.ID)
	if err != nil || len(us) == 0 {
		w.t.Fatalf("no uploads of entry %d: %v", e.ID, err)
	}
	return us[len(us)-1]
}

// want checks the state, as "held/not-whole".
func (w *world) want(e vfs.Entry, state string) uploader.Upload {
	w.t.Helper()
	u := w.upload(e)
	got := string(u.State)
	if u.Reason != "" {
		got += "/" + u.Reason
	}
	if got != state {
		w.t.Fatalf("%s is %s (%s), want %s", u.Path, got, u.Error, state)
	}
	return u
}

// settle waits until nothing moves at the present time.
func settle() { synctest.Wait() }

// later lets d pass and then settles.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// fakeHost is a host and its driver, which does what script says for each
// request in turn, and takes everything after that.
type fakeHost struct {
	t       testing.TB
	props   uploader.Properties
	checker func() error
	finder  func(uploader.Picture) (uploader.Result, bool, error)
	naming  bool          // addresses end in the file's name
	delay   time.Duration // of each request

	mu      sync.Mutex
	script  []step
	stored  map[blob.Sum]int // how often bytes were stored
	asked   []time.Time      // of each request
	names   []string
	uploads []string
	keys    []uploader.Keys
	now     int // requests under way
	most    int
	id      int

	pictures map[string]blob.Sum // what stands at its address, by id
	erased   []string            // ids, in the order in which they were deleted
	refusals []error             // of deletions, in turn
	replaced int
	erasing  func(id string) // hears of each deletion before it happens
}

// step is what a host does with a request. It returns the error of the driver;
// store says whether the bytes were stored all the same.
type step struct {
	store bool
	half  bool // the body breaks off before its last byte
	err   error
	do    func(ctx context.Context)
}

func fails(err error) step { return step{half: true, err: err} }

func (h *fakeHost) then(steps ...step) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.script = append(h.script, steps...)
}

func (h *fakeHost) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked)
}

type driver struct{ *fakeHost }
type checking struct{ driver }
type finding struct{ driver }
type naming struct{ driver }
type deleting struct{ driver }

func (h *fakeHost) driver() uploader.Driver {
	switch {
	case h.checker != nil:
		return checking{driver{h}}
	case h.finder != nil:
		return finding{driver{h}}
	case h.naming:
		return naming{driver{h}}
	case h.props.Deletes:
		return deleting{driver{h}}
	}
	return driver{h}
}

// Delete does what refusals say, in turn; a half error did it all the same.
func (d deleting) Delete(ctx context.Context, r uploader.Result) error {
	h := d.fakeHost
	if h.delay > 0 {
		select {
		case <-time.After(h.delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if h.erasing != nil {
		h.erasing(r.ID)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	if len(h.refusals) > 0 {
		err, h.refusals = h.refusals[0], h.refusals[1:]
	}
	var e *uploader.Error
	if err != nil && !(errors.As(err, &e) && e.Kind == uploader.Ambiguous) {
		return err
	}
	if sum, ok := h.pictures[r.ID]; ok {
		delete(h.pictures, r.ID)
		h.stored[sum]--
		h.erased = append(h.erased, r.ID)
	}
	return err
}

func (d checking) Check(context.Context) ([]string, error) { return nil, d.checker() }

func (d finding) Find(_ context.Context, p uploader.Picture) (uploader.Result, bool, error) {
	return d.finder(p)
}

func (d naming) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	r, err := d.driver.Send(ctx, p)
	r.URL += "/" + p.Name
	return r, err
}

func (naming) Named(r uploader.Result, name string) bool { return path.Base(r.URL) == name }

func (d driver) Properties() uploader.Properties { return d.props }

func (d driver) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	h := d.fakeHost
	s := h.enter(p)
	defer h.leave()
	r, err := p.Open(ctx)
	if err != nil {
		return uploader.Result{}, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil || int64(len(content)) != p.Size {
		return uploader.Result{}, fmt.Errorf("read %d of %d bytes: %w", len(content), p.Size, err)
	}
	if h.delay > 0 {
		select {
		case <-time.After(h.delay):
		case <-ctx.Done():
			return uploader.Result{}, &uploader.Error{Kind: uploader.Temporary, Message: "cancelled", Err: context.Cause(ctx)}
		}
	}
	if s.do != nil {
		s.do(ctx)
	}
	if !s.half {
		p.Progress(p.Size)
		if err := p.BeforeLastByte(); err != nil {
			return uploader.Result{}, &uploader.Error{Message: "stopped", Err: err}
		}
	}
	return h.store(content, p.Replaces, s)
}

func (h *fakeHost) enter(p uploader.Picture) (s step) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked, h.names, h.keys = append(h.asked, time.Now()), append(h.names, p.Name), append(h.keys, p.Keys)
	h.uploads = append(h.uploads, p.Upload)
	h.now++
	h.most = max(h.most, h.now)
	if len(h.script) > 0 {
		s, h.script = h.script[0], h.script[1:]
	}
	return s
}

func (h *fakeHost) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now--
}

// store is the host's side: it refuses repeats if its properties say so.
func (h *fakeHost) store(content []byte, replaces string, s step) (uploader.Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := blob.Sum(sha256.Sum256(content))
	if s.err != nil && !s.store {
		return uploader.Result{}, s.err
	}
	if h.stored[sum] > 0 && h.props.RefusesRepeats > 0 {
		return uploader.Result{}, &uploader.Error{Kind: uploader.Duplicate, Code: "101", Message: "duplicate", BodySent: true}
	}
	id := ""
	if h.props.Idempotent {
		for there, has := range h.pictures {
			if has == sum {
				id = there
			}
		}
	}
	old, replaced := h.pictures[replaces]
	switch {
	case id != "":
		replaced = id == replaces
	case replaced:
		h.stored[old]--
		h.stored[sum]++
		h.replaced++
		id = replaces
	default:
		h.stored[sum]++
		h.id++
		id = fmt.Sprint(h.id)
	}
	h.pictures[id] = sum
	return uploader.Result{ID: id, URL: "https://" + h.props.Host + "/" + id, Replaced: replaced}, s.err
}

// Errors that hosts make.
var (
	errDial      = &uploader.Error{Message: "the host refused the connection"}
	errPermanent = &uploader.Error{Kind: uploader.Permanent, Code: "610", Message: "not a picture", Remedy: "send a picture", BodySent: true}
	errRefused   = &uploader.Error{Kind: uploader.Refused, Code: "100", Message: "invalid key", Remedy: "put the right key into the configuration"}
	errFlood     = &uploader.Error{Kind: uploader.RetryAfter, Code: "130", Message: "flooding", After: 90 * time.Second}
	errBusy      = &uploader.Error{Code: "HTTP 503", Message: "busy"}
	errLost      = &uploader.Error{Kind: uploader.Ambiguous, Message: "the host broke off", BodySent: true}
	errHTML      = &uploader.Error{Kind: uploader.Unusual, Code: "HTTP 500", Message: "an HTML page", BodySent: true}
	errDisk      = errors.New("disk")
	_            = fs.ErrNotExist
)
