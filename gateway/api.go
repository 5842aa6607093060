package main

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"slipway/gateway/api"
	"slipway/gateway/auth"
	"slipway/gateway/web"
	"slipway/vfs"
)

// newAPI returns what serves the API.
func (a *app) newAPI() *api.Handler {
	d := apiDoor{a, &auth.Any{
		Users: a.users, Tokens: a.tokens, Client: a.client, Realm: "Slipway",
		Plain:  func() bool { return a.settings.Load().config.Web.AllowPlain },
		Cookie: web.CookieName, Proof: web.Proven,
	}}
	return api.New(api.Options{
		Enter: d.enter, Alone: a.dav.Alone, Version: a.version, Started: a.started, Log: a.log,
		Wait:    func() time.Duration { return time.Duration(a.settings.Load().config.API.Wait) },
		Origins: func() []string { return a.settings.Load().config.API.Origins },
	})
}

// apiOwn reports whether a request is the API's to answer.
func apiOwn(r *http.Request) bool {
	switch r.URL.Path {
	case api.PicGo, api.Chevereto, api.Chevereto + "/":
		return true
	}
	return strings.HasPrefix(r.URL.Path, api.Prefix)
}

// apiDoor lets users into the API.
type apiDoor struct {
	*app
	any *auth.Any
}

// enter signs a request in; see api.Options.
func (d apiDoor) enter(r *http.Request, secret string) (api.Session, error) {
	asked := r
	if secret != "" {
		asked = r.Clone(r.Context())
		asked.Header.Del("Authorization")
		asked.Header.Set("X-API-Key", secret)
	}
	u, way, err := d.any.Check(asked)
	if err != nil {
		h := make(http.Header)
		status, err := d.any.Answer(h, asked, err)
		return api.Session{}, &api.Refusal{Status: status, Header: h, Err: err}
	}
	addr, _ := d.client(r)
	limit := d.limits.of(u.Name)
	leave, ok := d.limits.enter(r.Context(), limit, auth.Network(addr))
	if !ok {
		return api.Session{}, &api.Refusal{
			Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {strconv.Itoa(int(turnWait / time.Second))}},
			Err: errors.New("too many requests of this account are under way; try again later"),
		}
	}
	s := api.Session{
		Desk: d.desk(u, addr, doorAPI), From: addr, Leave: leave,
		Folder: func() string { return d.folder(u, way.Token.Folder) },
		Still:  func() error { _, _, err := d.any.Check(asked); return err },
	}
	if limit.rate.Limit() != rate.Inf {
		s.Body = func(body io.ReadCloser) io.ReadCloser { return &pacedBody{body, limit.rate, r.Context()} }
	}
	return s, nil
}

// folder returns where u's files go that come without a path, as u sees it: into the
// token's folder, that of the configuration, or the first of a route that takes
// pictures of u's; "": nowhere.
func (d apiDoor) folder(u auth.User, token string) string {
	home := path.Clean("/" + u.Home)
	if token != "" {
		return token
	}
	if p, ok := within(d.settings.Load().config.API.Folder, home); ok {
		return p
	}
	table := d.settings.Load().table
	for _, f := range table.Folders() {
		if i := strings.IndexByte(f, '{'); i >= 0 {
			f = f[:i]
		}
		p, ok := within(path.Clean(f), home)
		if _, above := within(home, path.Clean(f)); !ok && above {
			p, ok = "/", true // the home lies in it
		}
		if !ok {
			continue
		}
		picture := path.Join(home, p, "picture.jpg")
		if table.Admit(picture, -1) == nil && len(table.Owed(picture, "", -1)) > 0 {
			return p
		}
	}
	return ""
}

// within returns what a path of the whole tree is called below a home; false where
// it is not in it.
func within(p, home string) (string, bool) {
	if p == "" {
		return "", false
	}
	key, below := vfs.Key(p), vfs.Key(home)
	switch {
	case home == "/":
		return p, true
	case key == below:
		return "/", true
	case strings.HasPrefix(key, below+"/"):
		return key[len(below):], true
	}
	return "", false
}
