package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
	"slipway/gateway/web"
)

// TestPageBesideWebDAV: browsers get the page, programs WebDAV, at the same root.
func TestPageBesideWebDAV(t *testing.T) {
	g := startIngest(t, time.Second, func(*testing.T, *app) ingesttest.Door { return nil })
	site := "http://" + g.app.address("web")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	for _, tt := range []struct {
		method, path, headers string
		status                int
		location              string
	}{
		{"GET", "/", "", 303, "/sign-in"},
		{"GET", "/files/in/?view=grid", "", 303, "/sign-in?to=%2Ffiles%2Fin%2F%3Fview%3Dgrid"},
		{"GET", "/sign-in", "", 200, ""},
		{"GET", "/nowhere", "", 404, ""},
		{"GET", "/", "Authorization: Basic eDp5", 302, "/dav/"},
		{"GET", "/", "Authorization: Basic eDp5\nSec-Fetch-Mode: navigate", 303, "/sign-in"},
		{"GET", "/dav/", "", 401, ""},
		{"PROPFIND", "/", "", 401, ""},
		{"OPTIONS", "/", "", 401, ""},
		{"PUT", "/photo.jpg", "", 401, ""},
		{"POST", "/put/in/photo.jpg", "", 401, ""},
		{"GET", "/healthz", "", 200, ""},
	} {
		r, err := http.NewRequest(tt.method, site+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(tt.headers, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Set(name, value)
			}
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || resp.Header.Get("Location") != tt.location {
			t.Errorf("%s %s %q: %s to %q, want %d to %q", tt.method, tt.path, tt.headers, resp.Status, resp.Header.Get("Location"), tt.status, tt.location)
		}
	}
}

// TestPageGuessing: who guesses passwords on the page waits, and only he.
func TestPageGuessing(t *testing.T) {
	g := startIngest(t, time.Second, func(*testing.T, *app) ingesttest.Door { return nil })
	site := "http://" + g.app.address("web")
	sign := func(password string) *http.Response {
		resp, err := http.PostForm(site+"/sign-in", url.Values{"name": {ingestUser}, "password": {password}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	page := newPageClient(t, site, ingestUser, ingestPassword)
	if resp := sign("one"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the first: %s", resp.Status)
	}
	if resp := sign("two"); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the second: %s, retry after %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	if _, err := page.do(http.MethodGet, site+"/files/", nil); err != nil {
		t.Errorf("who is signed in already: %v", err)
	}
}

// TestPageSessionEnds: a session ends with the account's password.
func TestPageSessionEnds(t *testing.T) {
	g := startIngest(t, time.Second, func(*testing.T, *app) ingesttest.Door { return nil })
	site := "http://" + g.app.address("web")
	page := newPageClient(t, site, ingestUser, ingestPassword)
	g.app.getenv = func(string) (string, bool) { return "another-horse", true }
	users, err := g.app.accounts(g.app.settings.Load().config)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.app.users.Reload(users); err != nil {
		t.Fatal(err)
	}
	page.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if text, err := page.do(http.MethodGet, site+"/files/", nil); err == nil || !strings.Contains(err.Error(), "303") {
		t.Errorf("the page is there still: %v %.80s", err, text)
	}
}

// TestPageTokenErrors: what is wrong with a token is the fault of who asks; that the
// database does not work is not, and is not told.
func TestPageTokenErrors(t *testing.T) {
	g := startIngest(t, time.Second, func(*testing.T, *app) ingesttest.Door { return nil })
	r, _ := http.NewRequest(http.MethodPost, "/tokens", nil)
	r.RemoteAddr = "127.0.0.1:1"
	tokens := pageTokens{g.app}
	if _, err := tokens.Make(r, ingestUser, web.Token{Name: "x", Rights: "full", Folder: "/a\x00b"}, 0); err == nil || !strings.Contains(err.Error(), "write it as in /inbox") {
		t.Errorf("a folder that is none: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tokens.Make(r.WithContext(ctx), ingestUser, web.Token{Name: "x", Rights: "full"}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("a database that does not answer: %v", err)
	}
}
