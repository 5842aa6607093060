// Package webdav is the WebDAV door (RFC 4918, classes 1, 2 and 3): an http.Handler
// over an afero.Fs that the gateway chooses for each request.
//
// What afero cannot say, the Fs and its files say through the optional interfaces of
// view.go. What needs no request is in packages below this one: locks, the If
// header, other preconditions, digests, foreign XML, properties, the Multi-Status
// body and the page for browsers.
//
// A PUT is staged: the file is closed, and so committed, only after the whole
// body came as declared; anything else ends in TransferError and changes nothing.
package webdav

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/gate"
	"slipway/gateway/webdav/lock"
)

// Options says how the door behaves. Prefix and FS are required.
type Options struct {
	// Prefix is the URL path of the tree's root, without a slash at its end,
	// such as "/dav"; "" for the server's root.
	Prefix string
	// FS returns the tree of the user who made the request. Its error is
	// answered as an error of the tree would be.
	FS func(*http.Request) (afero.Fs, error)
	// User names who made the request; lock tokens are of use to their user
	// only. Nil: everybody is the same user.
	User func(*http.Request) string
	// Key returns a path in the form in which the tree compares names; nil: as it
	// is. Locks are kept by it.
	Key func(path string) string
	// Uploads returns what became of files that the user's Fs described, in the
	// order of infos: one Upload for each destination, none for a directory or a
	// file that owes nothing; a nil slice where this user is not told. A URL is of
	// http or https and percent-encoded. Nil: nobody knows.
	Uploads func(r *http.Request, infos []fs.FileInfo) ([][]Upload, error)
	// Log receives what went wrong; nil discards it.
	Log *slog.Logger
	// Idle is how long a client may take to send or to accept any byte at all
	// before its request ends; 0 means one minute. A transfer that makes
	// progress, however slowly, is never cut.
	Idle time.Duration
	// MaxLocks is how many locks may be held at a time; 0 means 10,000.
	MaxLocks int
	// MaxUserLocks is how many of them one user may hold; 0 means 1,000.
	MaxUserLocks int
	// LockStore keeps the locks, so that they outlive the program; LoadLocks
	// reads them. Nil: they end with it.
	LockStore lock.Store
	// Unlocked is told a path, in the form of Key, at which and below which what
	// was locked may be so no longer, because its owner gave a lock back or moved
	// the file there. Nil: nobody wants to know.
	Unlocked func(ctx context.Context, path string)
	// MacQuota reports whether quotas are told to macOS (WebDAVFS) too, of which some
	// versions hang for a minute and a half on mounting where they are; nil: no.
	MacQuota func() bool
	// LockTimeout is the longest life of a lock between two refreshes, and what
	// a client gets that asks for none; 0 means one hour.
	LockTimeout time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Upload is what became of a file at one destination.
type Upload struct {
	Destination string
	State       string // a word, such as "sending" or "done"
	Reason      string // why it is in that state, if there is something to say
	URL         string // of the hosted picture itself; "" while there is none
	ViewerURL   string // of the host's page about it; "" where there is none
}

// bodyMax is the largest body of a request that is not a file, in bytes.
const bodyMax = 64 << 10

// New returns the door.
func New(o Options) *Handler {
	o.Prefix = strings.TrimRight(o.Prefix, "/")
	if o.User == nil {
		o.User = func(*http.Request) string { return "" }
	}
	if o.Key == nil {
		o.Key = func(path string) string { return path }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Idle = orElse(o.Idle, time.Minute)
	o.LockTimeout = orElse(o.LockTimeout, time.Hour)
	return &Handler{
		Options: o,
		locks: lock.NewTable(lock.Options{
			Now: o.Now, Max: o.MaxLocks, MaxPerUser: o.MaxUserLocks, Store: o.LockStore, Unlocked: o.Unlocked,
		}),
		buffers: sync.Pool{New: func() any { return new([bufferSize]byte) }},
	}
}

// Locked reports whether somebody holds a lock on path, a path of the tree that all
// users share: such a file may still change.
func (h *Handler) Locked(path string) bool { return len(h.locks.Covering(h.Key(path))) > 0 }

// LocksOn returns the locks that are held on path, as Locked means it.
func (h *Handler) LocksOn(path string) []lock.Lock { return h.locks.Covering(h.Key(path)) }

// Blocked reports whether a lock forbids whoever holds none to change what stands at
// path, a path of the tree that all users share; with tree, to remove or to replace
// it with all below it.
func (h *Handler) Blocked(path string, tree bool) bool {
	scope := lock.Content
	if tree {
		scope = lock.Tree
	}
	return len(h.locks.Blocking(h.Key(path), scope, lock.Holder{})) > 0
}

// Alone waits until no request changes anything at, above or below a path, a clean
// one below a root as locks are kept by, and keeps all others out until leave. By it
// another door keeps what a condition held of and what it does about it together, for
// WebDAV's clients too. Nobody may wait for a client before leave.
func (h *Handler) Alone(path string) (leave func()) { return h.gates.Enter(h.Key(path)) }

// Locks reports whether there is any lock at all.
func (h *Handler) Locks() bool { return h.locks.Any() }

// LoadLocks takes up the locks of LockStore, before the first request. Those that
// have ended, and those at whose path nothing stands any more, are removed.
func (h *Handler) LoadLocks(ctx context.Context, exists func(path string) (bool, error)) error {
	return h.locks.Load(ctx, func(l lock.Lock) (bool, error) { return exists(l.Root) })
}

// SweepLocks removes locks that have ended from LockStore. It is to be called now
// and then.
func (h *Handler) SweepLocks(ctx context.Context) error { return h.locks.Sweep(ctx) }

func orElse[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Handler is the door, an http.Handler.
type Handler struct {
	Options
	locks   *lock.Table
	gates   gate.Gates
	buffers sync.Pool // of *[bufferSize]byte
}

// ServeHTTP answers one request (http.Handler).
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{Handler: h, w: w, r: r}
	if r.ContentLength != 0 {
		// Even of a body that nobody reads: net/http takes what is left of a small
		// one before it sends the reply.
		q.readDeadline().extend()
	}
	if err := q.serve(); err != nil {
		q.refuse(err)
	}
}

// request is one request on its way.
type request struct {
	*Handler
	w    http.ResponseWriter
	r    *http.Request
	fs   afero.Fs
	path string             // clean, absolute, within fs
	root string             // of fs; see rooted; locks are kept by it
	held map[[2]string]bool // by resource and token of the If header: what state.Locked said
}

func (q *request) serve() error {
	name, ok := q.within(q.r.URL.Path)
	if !ok {
		return q.outside()
	}
	if !validPath(name) {
		return fail(http.StatusBadRequest, "the name must be UTF-8 without control characters")
	}
	method := q.method()
	if method == nil {
		return fail(http.StatusMethodNotAllowed, "this method is not supported here")
	}
	fs, err := q.FS(q.r)
	if err != nil {
		return err
	}
	q.fs, q.path, q.root = q.bind(fs), name, rootOf(fs)
	q.limitBody()
	return method(q)
}

const allowed = "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, MOVE, COPY, LOCK, UNLOCK, PROPFIND, PROPPATCH"

func (q *request) method() func(*request) error {
	switch q.r.Method {
	case http.MethodOptions:
		return (*request).options
	case http.MethodGet, http.MethodHead:
		return (*request).get
	case http.MethodPut:
		return (*request).put
	case http.MethodDelete:
		return (*request).remove
	case "MKCOL":
		return (*request).mkcol
	case "MOVE":
		return (*request).move
	case "COPY":
		return (*request).copy
	case "LOCK":
		return (*request).lock
	case "UNLOCK":
		return (*request).unlock
	case "PROPFIND":
		return (*request).propfind
	case "PROPPATCH":
		return (*request).proppatch
	}
	return nil
}

// allowedBut is what a path allows that does not allow method (RFC 9110 §15.5.6).
func allowedBut(method string) string {
	methods := strings.Split(allowed, ", ")
	return strings.Join(slices.DeleteFunc(methods, func(m string) bool { return m == method }), ", ")
}

// bind gives fs the request's context. A change outlives its client: once the
// bytes are here whole, a client that leaves must not undo them.
func (q *request) bind(fs afero.Fs) afero.Fs {
	c, ok := fs.(contextual)
	if !ok {
		return fs
	}
	ctx := q.r.Context()
	switch q.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, "PROPFIND":
	default:
		ctx = context.WithoutCancel(ctx)
	}
	return c.WithContext(ctx)
}

// within returns the path in the tree that a URL's path means, or false where
// it lies outside the prefix.
func (h *Handler) within(urlPath string) (string, bool) {
	if !strings.HasPrefix(urlPath, "/") {
		return "", false
	}
	clean := path.Clean(urlPath)
	if clean == h.Prefix {
		return "/", true
	}
	rest, ok := strings.CutPrefix(clean, h.Prefix)
	if !ok || !strings.HasPrefix(rest, "/") {
		return "", false
	}
	return rest, true
}

// validPath reports whether every element of p may be a name at all.
func validPath(p string) bool {
	return utf8.ValidString(p) && !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// depth returns the Depth header (RFC 4918 §10.2), in lower case.
func (q *request) depth() string { return strings.ToLower(q.r.Header.Get("Depth")) }

// key is the name of a path in the tree that all users share.
func (q *request) key(p string) string { return q.Key(path.Join(q.root, p)) }

// options answers OPTIONS (RFC 4918 §10.1; MS-Author-Via for Windows).
func (q *request) options() error {
	davHeader(q.w.Header())
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func davHeader(h http.Header) {
	h.Set("Allow", allowed)
	h.Set("DAV", "1, 2, 3")
	h.Set("MS-Author-Via", "DAV")
}
