// Package api is the way in for programs: JSON under /api/v1, described by an
// OpenAPI document that it serves itself, and two upload calls that other programs
// speak already: PicGo's server (POST /upload) and Chevereto's API 1.1
// (POST /api/1/upload). It is a door as the others are, and stands on an
// operate.Desk for each request alone.
package api

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"slipway/gateway/operate"
	"slipway/gateway/webdav/gate"
)

// Where the API lies in the server's paths.
const (
	Prefix    = "/api/v1/"
	PicGo     = "/upload"
	Chevereto = "/api/1/upload"
)

// Session is who made a request, for its time.
type Session struct {
	Desk operate.Desk
	// From is the address that the request came from.
	From netip.Addr
	// Folder returns where files go whose path the request does not name, a path below
	// the user's home; "": nowhere.
	Folder func() string
	// Leave ends the session's turn; nil: it has none.
	Leave func()
	// Body paces what the user sends; nil: it comes as fast as it comes.
	Body func(io.ReadCloser) io.ReadCloser
	// Still reports, by an error for people, that the sign-in has ended meanwhile;
	// nil: it is not asked.
	Still func() error
}

// Refusal is why somebody is not let in, for people.
type Refusal struct {
	Status int
	Header http.Header // beside others
	Err    error
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Options are what a Handler works with. Enter is needed.
type Options struct {
	// Enter signs a request in. secret is a key that the request carries where only
	// its protocol looks; "": in none such. An error is a *Refusal.
	Enter func(r *http.Request, secret string) (Session, error)
	// Alone waits until nobody else changes anything at, above or below a path, and
	// keeps others out until leave; nil: those who come by the API alone are kept
	// apart. The path is that of the tree, or below the Root that the session's
	// tree says.
	Alone func(path string) (leave func())
	// Wait is how long calls that answer with a URL wait for it; nil: 30 s.
	Wait func() time.Duration
	// Origins are the origins whose pages may read answers, "*" for all; nil: none.
	Origins func() []string
	// Version and Started are the gateway's.
	Version string
	Started time.Time
	// Idle is how long a connection may stand still while bytes come or go; 0: 2 min.
	Idle time.Duration
	Log  *slog.Logger // nil: nobody hears
}

// Handler serves the API. It is safe for concurrent use.
type Handler struct {
	Options
	mux  *http.ServeMux
	gone chan struct{} // closed by Close
	end  sync.Once
	// streams and waits are the answers that go on without a turn.
	streams, waits slots
	held           reservations
}

// New returns the API's Handler.
func New(o Options) *Handler {
	if o.Wait == nil {
		o.Wait = func() time.Duration { return 30 * time.Second }
	}
	if o.Origins == nil {
		o.Origins = func() []string { return nil }
	}
	if o.Alone == nil {
		var gates gate.Gates
		o.Alone = func(path string) func() { return gates.Enter(path) }
	}
	if o.Idle == 0 {
		o.Idle = 2 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{
		Options: o, mux: http.NewServeMux(), gone: make(chan struct{}),
		streams: slots{ofUser: 128, ofAddress: 16, by: make(map[string]int)}, waits: slots{ofUser: 512, ofAddress: 64, by: make(map[string]int)},
		held: reservations{names: make(map[string]bool)},
	}
	h.mux.HandleFunc("GET "+Prefix+"openapi.json", document)
	for _, r := range routes {
		h.mux.Handle(r.method+" "+strings.TrimSuffix(Prefix, "/")+r.path, h.call(r.do))
	}
	h.mux.Handle("POST "+PicGo, http.HandlerFunc(h.picgo))
	h.mux.Handle("POST "+Chevereto, http.HandlerFunc(h.chevereto))
	h.mux.Handle("POST "+Chevereto+"/{$}", http.HandlerFunc(h.chevereto))
	return h
}

// Close ends the replies that would go on for as long as somebody listens. It is
// for the server's shutdown; other requests are answered still.
func (h *Handler) Close() { h.end.Do(func() { close(h.gone) }) }

// route is one call under Prefix. Paths are patterns of http.ServeMux, and, but for
// "...", those of the OpenAPI document.
type route struct {
	method, path string
	do           func(*request) error
}

// routes are all calls.
var routes = []route{
	{"GET", "/status", (*request).status},
	{"GET", "/files/{path...}", (*request).file},
	{"PUT", "/files/{path...}", (*request).put},
	{"DELETE", "/files/{path...}", (*request).remove},
	{"GET", "/content/{path...}", (*request).content},
	{"GET", "/folders/{path...}", (*request).folder},
	{"PUT", "/folders/{path...}", (*request).makeFolder},
	{"DELETE", "/folders/{path...}", (*request).removeFolder},
	{"GET", "/names/{path...}", (*request).names},
	{"POST", "/move", (*request).move},
	{"GET", "/explain/{path...}", (*request).explain},
	{"GET", "/uploads", (*request).uploads},
	{"GET", "/uploads/{id}", (*request).upload},
	{"POST", "/uploads/{id}/{verb}", (*request).actOne},
	{"POST", "/act", (*request).act},
	{"GET", "/deletions", (*request).deletions},
	{"POST", "/deletions/answer", (*request).answerDeletions},
	{"GET", "/destinations", (*request).destinations},
	{"POST", "/destinations/{name}/pause", (*request).pause},
	{"POST", "/destinations/{name}/resume", (*request).resume},
	{"GET", "/transfers", (*request).transfers},
	{"GET", "/events", (*request).events},
	{"GET", "/thumbnails/{entry}", (*request).thumbnail},
}

// ServeHTTP answers requests whose path is one of the API's.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	header.Set("Cache-Control", "no-store")
	if h.origin(w, r) {
		return
	}
	if _, pattern := h.mux.Handler(r); pattern == "" {
		h.unknown(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// unknown answers what no route takes: with 405 where another method is taken.
func (h *Handler) unknown(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := h.mux.Handler(other); pattern != "" {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		problem{Status: http.StatusMethodNotAllowed, Detail: "this address takes " + strings.Join(allow, " and ")}.answer(w)
		return
	}
	problem{Status: http.StatusNotFound, Detail: "there is no such call; " + Prefix + "openapi.json lists them"}.answer(w)
}

// origin tells browsers whether a page of another site may read the answer, and
// answers their question before the request itself (Fetch, §3.2). Cookies and
// remembered passwords are never taken from there.
func (h *Handler) origin(w http.ResponseWriter, r *http.Request) (answered bool) {
	from := r.Header.Get("Origin")
	known := h.Origins()
	if len(known) > 0 {
		w.Header().Add("Vary", "Origin")
	}
	allowed := from != "" && (slices.Contains(known, from) || slices.Contains(known, "*"))
	if allowed {
		w.Header().Set("Access-Control-Allow-Origin", from)
		w.Header().Set("Access-Control-Expose-Headers", "Location, ETag, Retry-After")
	}
	if r.Method != http.MethodOptions {
		return false
	}
	if allowed {
		w.Header().Set("Access-Control-Allow-Methods", "GET, PUT, POST, DELETE")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, X-API-Key, Content-Type, If-Match, If-None-Match, Last-Event-ID")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// call answers with do, for those who are let in.
func (h *Handler) call(do func(*request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := h.enter(w, r, "")
		if err != nil {
			h.fail(w, r, err)
			return
		}
		defer q.leave()
		if err := do(q); err != nil {
			h.fail(w, r, err)
		}
	})
}

// enter signs a request in; leave ends it.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, secret string) (*request, error) {
	s, err := h.Enter(r, secret)
	if err != nil {
		return nil, err
	}
	q := &request{Handler: h, Session: s, w: w, r: r, ctx: r.Context(), me: s.Desk.Me()}
	q.fs = s.Desk.FS(q.ctx, s.From)
	if s.Body != nil && r.ContentLength != 0 {
		q.r.Body = s.Body(r.Body)
	}
	return q, nil
}

// note logs that a request is answered with err. Where its client is gone, that is
// why.
func (h *Handler) note(r *http.Request, status int, err error) {
	level := slog.LevelDebug
	if status == http.StatusInternalServerError && r.Context().Err() == nil {
		level = slog.LevelError
	}
	h.Log.Log(r.Context(), level, "api: request failed", "method", r.Method, "path", r.URL.Path, "status", status, "error", err)
}

// fail answers with err, even where the client is gone: one that has closed its
// side of the connection alone must not take nothing for a success.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errGone) {
		return // the answer has begun
	}
	p := problemOf(err)
	h.note(r, p.Status, err)
	// For what is left of the body, which net/http reads first, and for the answer.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * h.Idle)) //nolint:errcheck // where there are none, there are none
	p.answer(w)
}
