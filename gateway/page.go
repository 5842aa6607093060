package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/web"
)

// sessionLife is how long somebody stays signed in on the page.
const sessionLife = 30 * 24 * time.Hour

// newPage returns what serves the page.
func (a *app) newPage() *web.Handler {
	plain := func() bool { return a.settings.Load().config.Web.AllowPlain }
	p := pageSessions{a, plain}
	return web.New(web.Options{
		Sessions: p, Tokens: pageTokens{a}, Client: a.client, Plain: plain, Public: a.publicURL, Log: a.log,
	})
}

// pageOwn reports whether a request is the page's to answer: a browser's, and not
// one of the programs that try WebDAV at the server's root.
func pageOwn(r *http.Request) bool {
	if r.URL.Path == davPrefix || strings.HasPrefix(r.URL.Path, davPrefix+"/") {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return r.Header.Get("Authorization") == "" || r.Header.Get("Sec-Fetch-Mode") != ""
	case http.MethodPost:
		return true
	}
	return false
}

// pageSessions signs people in on the page. Sessions are rows, and last over a
// restart.
type pageSessions struct {
	*app
	plain func() bool
}

var _ web.Sessions = pageSessions{}

// SignIn checks name and password, and begins a session.
func (p pageSessions) SignIn(r *http.Request, name, password string) (secret string, life, wait time.Duration, err error) {
	addr, secure := p.client(r)
	u, err := p.users.Check(r.Context(), name, password, addr)
	var many *auth.TooManyError
	switch {
	case errors.As(err, &many):
		return "", 0, many.RetryAfter, err
	case err != nil:
		return "", 0, 0, err
	case u.RequireTLS && !secure && !addr.IsLoopback():
		return "", 0, 0, auth.ErrNeedsTLS
	}
	secret, _, err = p.tokens.Issue(r.Context(), u.Name, auth.Grant{Kind: auth.SessionToken, Life: sessionLife, From: addr})
	if err != nil {
		p.log.Error("a session could not be begun", "user", u.Name, "error", err)
		return "", 0, 0, errors.New("the gateway could not sign you in; its log says why")
	}
	return secret, sessionLife, 0, nil
}

// Open returns the session that secret leads to.
func (p pageSessions) Open(r *http.Request, secret string) (web.Session, error) {
	addr, secure := p.client(r)
	if !secure && !addr.IsLoopback() && !p.plain() {
		return web.Session{}, auth.ErrPlain
	}
	u, _, err := p.tokens.Check(r.Context(), auth.SessionToken, secret, addr)
	if err == nil && u.RequireTLS && !secure && !addr.IsLoopback() {
		err = auth.ErrNeedsTLS
	}
	if err != nil {
		return web.Session{}, err
	}
	bound := func(next http.Handler) http.Handler {
		limited := p.limits.handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			limited.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), u)))
		})
	}
	return web.Session{Desk: p.desk(u, addr, doorPage), Bound: bound}, nil
}

// SignOut ends the session.
func (p pageSessions) SignOut(ctx context.Context, secret string) error {
	return p.tokens.RevokeSecret(ctx, secret)
}

// pageTokens shows people their tokens.
type pageTokens struct{ *app }

var _ web.Tokens = pageTokens{}

// Tokens lists those of a user.
func (p pageTokens) Tokens(r *http.Request, user string) ([]web.Token, error) {
	if errors.Is(p.tokens.MayKeep(user), auth.ErrShared) {
		return nil, nil
	}
	rows, err := p.tokens.List(r.Context(), user, auth.ProgramToken)
	list := make([]web.Token, len(rows))
	for i, k := range rows {
		list[i] = web.Token{ID: k.ID, Name: k.Name, Made: k.Created, Used: k.Used, Expires: k.Expires, Rights: k.Rights, Folder: k.Folder}
	}
	return list, err
}

// Make makes a token of a user's.
func (p pageTokens) Make(r *http.Request, user string, t web.Token, life time.Duration) (string, error) {
	addr, _ := p.client(r)
	g := auth.Grant{Kind: auth.ProgramToken, Name: t.Name, Folder: t.Folder, Life: life, From: addr, Own: true}
	if t.Rights != "" {
		var err error
		if g.Rights, err = auth.ParseRights(t.Rights); err != nil {
			return "", web.Wrong(err)
		}
	}
	secret, _, err := p.tokens.Issue(r.Context(), user, g)
	var asked *auth.GrantError
	if errors.As(err, &asked) || errors.Is(err, auth.ErrChanged) || errors.Is(err, auth.ErrExpired) {
		err = web.Wrong(err)
	}
	return secret, err
}

// Revoke ends a token of a user's; none that is not there any more.
func (p pageTokens) Revoke(r *http.Request, user, id string) error {
	if err := p.tokens.MayKeep(user); err != nil {
		return web.Wrong(err)
	}
	if err := p.tokens.Revoke(r.Context(), user, id); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
