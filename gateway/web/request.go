package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"slipway/gateway/operate"
	"slipway/gateway/webdav/fault"
)

// formMax is how long a form may be, in bytes; files come by other ways.
const formMax = 1 << 20

// request is one that is being answered.
type request struct {
	*Handler
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	desk   operate.Desk // nil: nobody is signed in
	me     operate.Person
	from   netip.Addr
	tls    bool
	secret string // of the session
	once   bool   // no copy of the reply may be kept
}

// problem is an error with the status it is answered by.
type problem struct {
	code int
	text string // for people
}

func (p *problem) Error() string { return p.text }

func notFound(text string) error  { return &problem{http.StatusNotFound, text} }
func forbidden(text string) error { return &problem{http.StatusForbidden, text} }
func wrong(text string) error     { return &problem{http.StatusBadRequest, text} }

// Wrong makes err the fault of the one who asks, who is shown its text; nil stays.
func Wrong(err error) error {
	if err == nil {
		return nil
	}
	return wrong(err.Error())
}

// handle returns what answers by f, for those who are signed in alone where in says
// so. What is not GET is taken from pages of the gateway only.
func (h *Handler) handle(f func(*request) error, in bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{Handler: h, w: w, r: r, ctx: r.Context()}
		q.from, q.tls = h.Client(r)
		answer := func() {
			if err := q.checked(f); err != nil {
				q.fail(err)
			}
		}
		s, err := q.session()
		switch {
		case err != nil && in:
			q.askToSignIn()
		case err != nil || s.Bound == nil:
			answer()
		default:
			s.Bound(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q.w, q.r, q.ctx = w, r, r.Context()
				answer()
			})).ServeHTTP(w, r)
		}
	})
}

// session opens the session of the request's cookie.
func (q *request) session() (s Session, err error) {
	c, err := q.r.Cookie(cookieName(q.tls))
	if err != nil {
		return s, err
	}
	if s, err = q.Sessions.Open(q.r, c.Value); err != nil {
		return s, err
	}
	q.secret, q.desk, q.me = c.Value, s.Desk, s.Desk.Me()
	return s, nil
}

// checked answers by f what nobody else's page has sent.
func (q *request) checked(f func(*request) error) error {
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
		if err := q.origin.Check(q.r); err != nil {
			return forbidden("this was sent by another site's page; open the gateway's own page and try again there")
		}
	}
	if !text(q.r.URL.Path) || !texts(q.r.URL.Query()) {
		return errNoText
	}
	return f(q)
}

// errNoText is of names and words that no database keeps.
var errNoText = wrong("an address and a form hold text alone (UTF-8, without NUL); this one holds other bytes")

// text reports whether s can be a name or words.
func text(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// texts reports whether all that was asked for is text.
func texts(v url.Values) bool {
	for name, values := range v {
		if !text(name) || slices.ContainsFunc(values, func(s string) bool { return !text(s) }) {
			return false
		}
	}
	return true
}

// form reads a form that a page of this session has sent.
func (q *request) form() error {
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, formMax)
	if err := q.r.ParseForm(); err != nil {
		return wrong("the form could not be read; try again")
	}
	if !texts(q.r.PostForm) {
		return errNoText
	}
	return q.proven(cmp.Or(q.r.Header.Get("X-CSRF-Token"), q.r.PostForm.Get("csrf")))
}

// proven returns nil where token shows that a page of this session asks.
func (q *request) proven(token string) error {
	if !sameToken(token, q.secret) {
		return forbidden("this page is from an earlier session; reload it and try again")
	}
	return nil
}

// changer refuses those who may not change anything.
func (q *request) changer() error {
	if q.me.Rights != "full" {
		return forbidden("your account may not change this")
	}
	return nil
}

// beyondDrop refuses those who may only drop files.
func (q *request) beyondDrop() error {
	if q.me.Rights == "drop" {
		return forbidden("your account can add files, and see those that you added just now; that is done under Drop")
	}
	return nil
}

// path returns the path that the pattern's {path...} stands for, absolute and clean.
func (q *request) path() string { return path.Clean("/" + q.r.PathValue("path")) }

// script reports whether a script asks, which takes words and not pages.
func (q *request) script() bool { return q.r.Header.Get("X-CSRF-Token") != "" }

// askToSignIn leads somebody who is not signed in to where he can.
func (q *request) askToSignIn() {
	if q.r.Method != http.MethodGet || q.r.Header.Get("Sec-Fetch-Dest") == "empty" || q.r.URL.Path == "/events" {
		q.fail(&problem{http.StatusUnauthorized, "you are not signed in any more; reload the page and sign in"})
		return
	}
	to := "/sign-in"
	if q.r.URL.Path != "/" {
		to += "?to=" + url.QueryEscape(q.r.URL.RequestURI())
	}
	http.Redirect(q.w, q.r, to, http.StatusSeeOther)
}

// own returns to where it is an address of this page, and "/" otherwise.
func own(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") ||
		strings.ContainsFunc(to, func(r rune) bool { return r == '\\' || r <= ' ' || r == 0x7f }) {
		return "/"
	}
	return to
}

// statuses is how errors of the tree are answered, and what is said where they
// have no words of their own.
var statuses = map[fault.Kind]problem{
	fault.NotExist:   {http.StatusNotFound, "nothing is here any more"},
	fault.Exist:      {http.StatusConflict, "something of this name is there already"},
	fault.Forbidden:  {http.StatusForbidden, "this is not allowed here"},
	fault.TooLarge:   {http.StatusRequestEntityTooLarge, "the file is larger than any destination takes"},
	fault.WrongType:  {http.StatusUnsupportedMediaType, "files of this type are not taken here"},
	fault.NoSpace:    {http.StatusInsufficientStorage, "there is no room left"},
	fault.NotDir:     {http.StatusConflict, "a file stands where a folder is needed"},
	fault.IsDir:      {http.StatusConflict, "a folder has this name"},
	fault.NotEmpty:   {http.StatusConflict, "the folder is not empty"},
	fault.IntoItself: {http.StatusConflict, "a folder cannot go into itself"},
	fault.Changed:    {http.StatusConflict, "somebody else changed it meanwhile; try again"},
	fault.Locked:     {http.StatusLocked, "somebody has locked this; try again later"},
	fault.TooSlow:    {http.StatusRequestTimeout, "nothing arrived for too long; nothing was stored"},

	fault.Unavailable: {http.StatusServiceUnavailable, "this cannot be read now; try again later"},
}

// problemOf returns how err is answered.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var e *operate.Error
	if errors.As(err, &e) {
		codes := map[operate.Kind]int{operate.NotFound: http.StatusNotFound, operate.Usage: http.StatusBadRequest, operate.Forbidden: http.StatusForbidden}
		return &problem{cmp.Or(codes[e.Kind], http.StatusInternalServerError), e.Text}
	}
	known, ok := statuses[fault.Of(err)]
	if !ok {
		return &problem{http.StatusInternalServerError, "the gateway could not do this; its log says why"}
	}
	var r interface{ Reason() string }
	if errors.As(err, &r) && r.Reason() != "" {
		known.text = r.Reason()
	}
	return &known
}

// fail answers err: a script with words, others with a page.
func (q *request) fail(err error) {
	p := problemOf(err)
	// A client that went away has ended what was done for it, and hears nothing.
	left := p.code == http.StatusInternalServerError && q.ctx.Err() != nil
	level := slog.LevelDebug
	if p.code == http.StatusInternalServerError && !left {
		level = slog.LevelError
	}
	q.Log.Log(q.ctx, level, "page: request failed", "method", q.r.Method, "path", q.r.URL.Path, "status", p.code, "left", left, "error", err)
	if left {
		q.w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if after := fault.RetryAfter(err); after != "" {
		q.w.Header().Set("Retry-After", after)
	}
	if q.r.Body != nil && q.r.ContentLength != 0 {
		// What is left of the body is read by net/http, for a while.
		http.NewResponseController(q.w).SetReadDeadline(q.Clock().Add(bodyIdle)) //nolint:errcheck // where there are none, there are none
	}
	if q.script() || q.r.Header.Get("Sec-Fetch-Dest") == "empty" {
		q.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		q.w.WriteHeader(p.code)
		io.WriteString(q.w, sentence(p.text)+"\n") //nolint:errcheck // the client is gone then
		return
	}
	if err := q.show(p.code, "problem", "That did not work", struct {
		Text string
		Back string
	}{p.text, cmp.Or(q.back(), "/")}); err != nil {
		q.Log.Error("page: the error page failed", "error", err)
	}
}

// back returns the page of the gateway that led here, or "".
func (q *request) back() string {
	if to := q.r.PostForm.Get("back"); to != "" {
		return own(to)
	}
	u, err := url.Parse(q.r.Referer())
	if err != nil || u.Host != q.r.Host || u.Path == q.r.URL.Path {
		return ""
	}
	return own(u.RequestURI())
}
