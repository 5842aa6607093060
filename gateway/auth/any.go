package auth

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Any signs requests in by any of the ways that programs and pages have.
type Any struct {
	Users  *Table
	Tokens *Tokens
	// Client tells where a request came from, and whether over TLS.
	Client Client
	// Plain reports whether secrets may cross the network unencrypted; nil: no.
	Plain func() bool
	// Realm names the gateway in challenges.
	Realm string
	// Cookie is what the cookie with a session's secret is called, over TLS or not;
	// nil: sessions do not sign in here.
	Cookie func(tls bool) string
	// Proof reports whether a request comes from a page of the session with a secret.
	// Requests of a session that may change something need it; nil: none passes.
	Proof func(r *http.Request, secret string) bool
	// Origin is what browsers' requests from other sites are refused by, where they
	// carry what the browser itself added: a cookie, or a name and password that it
	// remembers. nil: that of the zero value.
	Origin *http.CrossOriginProtection
	// Secret finds what a request carries in a place of its own; nil: nowhere.
	Secret func(*http.Request) string
}

// How a request signed in.
const (
	ByPassword = "password"
	ByToken    = "token"
	BySession  = "session"
)

// Way is how a request signed in.
type Way struct {
	By    string
	Token Token // but for ByPassword
}

// Errors of [Any.Check] beside those of [Table.Check] and [Tokens.Check].
var (
	ErrPlain     = errors.New(plainText)
	ErrNeedsTLS  = errors.New("this account signs in over https only; use the https address of this gateway")
	ErrNobody    = errors.New("sign in: with a token (Authorization: Bearer, or X-API-Key), or with a user name and a password (Basic)")
	ErrElsewhere = errors.New("this request comes from a page of another site, or of another session; load the page again")
)

// Check returns who made a request, and how he signed in.
//
//   - A token comes as "Authorization: Bearer TOKEN" (RFC 6750), in the header
//     X-API-Key, or in the place that Secret knows.
//   - A name and a password come by HTTP Basic.
//   - A session comes by its cookie, where there is nothing of the above.
func (a *Any) Check(r *http.Request) (User, Way, error) {
	addr, secure := a.Client(r)
	if !secure && !addr.IsLoopback() && (a.Plain == nil || !a.Plain()) {
		return User{}, Way{}, ErrPlain
	}
	u, way, err := a.check(r, addr, secure)
	if err == nil && u.RequireTLS && !secure && !addr.IsLoopback() {
		err = ErrNeedsTLS
	}
	return u, way, err
}

func (a *Any) check(r *http.Request, addr netip.Addr, secure bool) (User, Way, error) {
	if secret := a.secret(r); secret != "" {
		u, k, err := a.Tokens.Check(r.Context(), ProgramToken, secret, addr)
		return u, Way{ByToken, k}, err
	}
	if name, password, ok := r.BasicAuth(); ok {
		if a.origin().Check(r) != nil {
			return User{}, Way{}, ErrElsewhere
		}
		u, err := a.Users.Check(r.Context(), name, password, addr)
		return u, Way{By: ByPassword}, err
	}
	if a.Cookie == nil {
		return User{}, Way{}, ErrNobody
	}
	c, err := r.Cookie(a.Cookie(secure))
	if err != nil {
		return User{}, Way{}, ErrNobody
	}
	u, k, err := a.Tokens.Check(r.Context(), SessionToken, c.Value, addr)
	if err == nil && !safe(r.Method) && (a.origin().Check(r) != nil || a.Proof == nil || !a.Proof(r, c.Value)) {
		err = ErrElsewhere
	}
	return u, Way{BySession, k}, err
}

// secret returns the token that a request carries.
func (a *Any) secret(r *http.Request) string {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(secret)
	}
	if key := r.Header.Get("X-API-Key"); key != "" {
		return key
	}
	if a.Secret != nil {
		return a.Secret(r)
	}
	return ""
}

func (a *Any) origin() *http.CrossOriginProtection {
	if a.Origin != nil {
		return a.Origin
	}
	return &http.CrossOriginProtection{}
}

// safe reports whether a method changes nothing (RFC 9110 §9.2.1).
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// Answer returns how an error of [Any.Check] is answered, and sets the header fields
// that go with it: 401, 403, 429 with Retry-After, or 503 where no answer was found.
// No challenge asks a browser for a password: pages of others could make it sign in.
func (a *Any) Answer(h http.Header, r *http.Request, err error) (status int, text error) {
	var wait *TooManyError
	switch {
	case errors.As(err, &wait):
		seconds := max(1, (wait.RetryAfter+time.Second-1)/time.Second)
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
		return http.StatusTooManyRequests, err
	case errors.Is(err, ErrExpired), errors.Is(err, ErrPlain), errors.Is(err, ErrNeedsTLS), errors.Is(err, ErrElsewhere):
		return http.StatusForbidden, err
	case errors.Is(err, ErrWrong), errors.Is(err, ErrNobody), errors.Is(err, ErrChanged):
		a.challenge(h, r)
		if errors.Is(err, ErrWrong) && a.secret(r) != "" {
			err = ErrNoToken
		}
		return http.StatusUnauthorized, err
	}
	return http.StatusServiceUnavailable, err
}

// ErrNoToken is what is said of a token that there is not.
var ErrNoToken = errors.New("there is no such token; it was mistyped or revoked: make one on the page, or with `slipway token add`")

// challenge says how to sign in.
func (a *Any) challenge(h http.Header, r *http.Request) {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Realm)
	if _, _, basic := r.BasicAuth(); basic && r.Header.Get("Sec-Fetch-Mode") == "" {
		h.Add("WWW-Authenticate", `Basic realm="`+quoted+`", charset="UTF-8"`)
	}
	h.Add("WWW-Authenticate", `Bearer realm="`+quoted+`"`)
}
