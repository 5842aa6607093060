// Package web is the page: what people see and do in a browser. It is a door as
// the others are, and stands on an operate.Desk for each request alone.
//
// Every page is whole without scripts: links and forms do all that can be done
// but watching live. Scripts are small modules of the gateway's own that keep
// what is shown up to date, copy to the clipboard, and send dropped files with
// their progress. Nothing is asked of another origin.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"slipway/gateway/operate"
)

// Session is somebody who is signed in, for the time of one request.
type Session struct {
	Desk operate.Desk
	// Bound passes requests to next as the user's limits allow; nil: at once.
	Bound func(next http.Handler) http.Handler
}

// Sessions knows who is signed in. Errors are for people.
type Sessions interface {
	// SignIn checks name and password, as every door does, and begins a session that
	// its secret (up to 512 characters that a cookie may have) leads to. wait is, with
	// an error, how long nothing is looked at; life, how long the session lasts at the
	// most.
	SignIn(r *http.Request, name, password string) (secret string, life, wait time.Duration, err error)
	// Open returns the session that secret leads to. It is an error where there is
	// none, where it has ended, and where its account is not what it was.
	Open(r *http.Request, secret string) (Session, error)
	// SignOut ends the session; no error where there is none.
	SignOut(ctx context.Context, secret string) error
}

// Token is a secret by which a program acts for a user, without the secret.
type Token struct {
	ID      string
	Name    string // that the user gave it
	Made    time.Time
	Used    time.Time // zero: never
	Expires time.Time // zero: never
	Rights  string    // full, drop or read; "": the user's
	Folder  string    // where uploads go that name no place; "": where the user's do
}

// Tokens keeps the tokens of users. Errors are for people.
type Tokens interface {
	// Tokens lists those of the user whose request it is, the newest first.
	Tokens(r *http.Request, user string) ([]Token, error)
	// Make makes one with t's name, rights and folder, which ends after life (0:
	// never), and returns its secret, which cannot be had again.
	Make(r *http.Request, user string, t Token, life time.Duration) (secret string, err error)
	// Revoke ends one of the user's.
	Revoke(r *http.Request, user, id string) error
}

// Options are what a Handler works with. Sessions and Client are needed.
type Options struct {
	Sessions Sessions
	// Tokens keeps the tokens; nil: there are none.
	Tokens Tokens
	// Client tells where a request came from, and whether over TLS.
	Client func(*http.Request) (addr netip.Addr, tls bool)
	// Plain reports whether passwords may cross the network unencrypted; nil: no.
	Plain func() bool
	// Public is the address of the gateway as others reach it, "" while not known.
	Public func() string
	Log    *slog.Logger // nil: nobody hears
	Clock  func() time.Time
}

// Handler serves the page. It is safe for concurrent use.
type Handler struct {
	Options
	mux    *http.ServeMux
	assets *assets
	origin *http.CrossOriginProtection
	gone   chan struct{} // closed by Close
	close  sync.Once
	live   slots
}

// New returns the page's Handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Plain == nil {
		o.Plain = func() bool { return false }
	}
	if o.Public == nil {
		o.Public = func() string { return "" }
	}
	h := &Handler{
		Options: o, mux: http.NewServeMux(), assets: loadAssets(), origin: http.NewCrossOriginProtection(),
		gone: make(chan struct{}), live: slots{most: liveStreams, by: make(map[string]int)},
	}
	h.routes()
	return h
}

// Close ends the replies that would go on for as long as somebody looks. It is for
// the server's shutdown; other requests are answered still.
func (h *Handler) Close() { h.close.Do(func() { close(h.gone) }) }

// routes lists what the page answers.
func (h *Handler) routes() {
	open := func(pattern string, f func(*request) error) { h.mux.Handle(pattern, h.handle(f, false)) }
	in := func(pattern string, f func(*request) error) { h.mux.Handle(pattern, h.handle(f, true)) }
	h.mux.Handle("GET /static/{version}/{name}", h.assets)
	open("GET /sign-in", (*request).signInPage)
	open("POST /sign-in", (*request).signIn)
	in("POST /sign-out", (*request).signOut)

	in("GET /{$}", (*request).now)
	in("POST /destinations", (*request).steer)
	in("GET /files/{path...}", (*request).files)
	in("GET /raw/{path...}", (*request).raw)
	in("GET /thumbnail/{entry}", (*request).thumbnail)
	in("POST /change", (*request).change)
	in("GET /uploads", (*request).uploads)
	in("GET /uploads/{id}", (*request).upload)
	in("POST /act", (*request).act)
	in("GET /deletions", (*request).deletions)
	in("POST /deletions", (*request).answer)
	in("GET /links", (*request).links)
	in("POST /links", (*request).retryLinks)
	in("POST /copy", (*request).copy)
	in("GET /drop/{path...}", (*request).drop)
	in("POST /drop/{path...}", (*request).dropForm)
	in("POST /put/{path...}", (*request).put)
	in("POST /ask", (*request).ask)
	in("POST /status", (*request).status)
	in("GET /connect", (*request).connect)
	in("GET /connect/slipway.reg", (*request).registry)
	in("GET /connect/code/{number}", (*request).code)
	in("GET /tokens", (*request).tokens)
	in("POST /tokens", (*request).changeTokens)
	in("GET /events", (*request).events)
	open("/", func(*request) error { return notFound("there is no page at this address") })
}

// ServeHTTP answers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	h.mux.ServeHTTP(w, r)
}
