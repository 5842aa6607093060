package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rows is a TokenStore in memory that counts what is asked of it.
type rows struct {
	mu             sync.Mutex
	list           []Token
	finds, touches int
}

func (s *rows) Add(_ context.Context, t Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append([]Token{t}, s.list...)
	return nil
}

func (s *rows) Find(_ context.Context, sum [sha256.Size]byte) (Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finds++
	for _, t := range s.list {
		if t.Sum == sum {
			return t, nil
		}
	}
	return Token{}, fs.ErrNotExist
}

func (s *rows) List(_ context.Context, user string) (list []Token, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.list {
		if user == "" || t.User == user {
			list = append(list, t)
		}
	}
	return list, nil
}

func (s *rows) Touch(_ context.Context, id string, used time.Time, from string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touches++
	for i := range s.list {
		if s.list[i].ID == id {
			s.list[i].Used, s.list[i].From = used, from
		}
	}
	return nil
}

func (s *rows) Delete(_ context.Context, ids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(t Token) bool { return slices.Contains(ids, t.ID) })
	return nil
}

func people() []User {
	return []User{
		{Name: "anna", Rights: Full, Password: PlainPassword("one")},
		{Name: "ben", Rights: Drop, Password: PlainPassword("two")},
	}
}

func newTokens(t *testing.T) (*Tokens, *rows, *Table) {
	t.Helper()
	table, err := New(people(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &rows{}
	return NewTokens(s, table, nil), s, table
}

func issue(t *testing.T, k *Tokens, user string, g Grant) (string, Token) {
	t.Helper()
	secret, made, err := k.Issue(t.Context(), user, g)
	if err != nil {
		t.Fatal(err)
	}
	return secret, made
}

func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, _ := newTokens(t)
		secret, made := issue(t, k, "anna", Grant{Kind: ProgramToken, Name: "ShareX", Folder: "/in", Life: time.Hour})
		if !strings.HasPrefix(secret, "slip_") || len(secret) != 57 || strings.Contains(fmt.Sprintf("%+v", s.list), secret[5:]) {
			t.Errorf("the secret is %q, and kept is %+v", secret, s.list)
		}
		u, got, err := k.Check(t.Context(), ProgramToken, secret, home)
		if err != nil || u.Name != "anna" || u.Rights != Full || got.ID != made.ID || got.Folder != "/in" {
			t.Errorf("%+v %+v %v", u, got, err)
		}
		for _, wrong := range []string{"", "slip_", secret[:56], secret + "a", "slip_" + strings.Repeat("a", 52), strings.ToUpper(secret)} {
			if _, _, err := k.Check(t.Context(), ProgramToken, wrong, home); !errors.Is(err, ErrWrong) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		if _, _, err := k.Check(t.Context(), SessionToken, secret, home); !errors.Is(err, ErrWrong) {
			t.Errorf("a token as a session: %v", err)
		}
		time.Sleep(time.Hour)
		if _, _, err := k.Check(t.Context(), ProgramToken, secret, home); !errors.Is(err, ErrExpired) {
			t.Errorf("after its life: %v", err)
		}
	})
}

// TestTokenCached: rows are read every few seconds, and uses noted every minute.
func TestTokenCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, _ := newTokens(t)
		secret, _ := issue(t, k, "anna", Grant{Kind: ProgramToken})
		for range 240 { // two minutes
			if _, _, err := k.Check(t.Context(), ProgramToken, secret, home); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second / 2)
		}
		if s.finds != 24 || s.touches != 2 {
			t.Errorf("%d reads and %d notes", s.finds, s.touches)
		}
		if list, _ := k.List(t.Context(), "anna", ""); list[0].From != home.String() || list[0].Used.IsZero() {
			t.Errorf("%+v", list)
		}
	})
}

func TestTokenRevoked(t *testing.T) {
	k, _, _ := newTokens(t)
	secret, made := issue(t, k, "anna", Grant{Kind: ProgramToken})
	other, _ := issue(t, k, "anna", Grant{Kind: ProgramToken})
	ok := func(secret string) bool {
		_, _, err := k.Check(t.Context(), ProgramToken, secret, home)
		return err == nil
	}
	if !ok(secret) || !ok(other) {
		t.Fatal("fresh tokens do not sign in")
	}
	if err := k.Revoke(t.Context(), "ben", made.ID); !errors.Is(err, fs.ErrNotExist) || !ok(secret) {
		t.Errorf("another user's: %v", err)
	}
	if err := k.Revoke(t.Context(), "anna", made.ID); err != nil || ok(secret) || !ok(other) {
		t.Errorf("revoked: %v, %v, %v", err, ok(secret), ok(other))
	}
	if err := k.RevokeSecret(t.Context(), other); err != nil || ok(other) {
		t.Errorf("by its secret: %v", err)
	}
}

// TestTokenRights: a token may do less than its user, never more.
func TestTokenRights(t *testing.T) {
	k, _, table := newTokens(t)
	secret, _ := issue(t, k, "anna", Grant{Kind: ProgramToken, Rights: Drop})
	if u, _, err := k.Check(t.Context(), ProgramToken, secret, home); err != nil || u.Rights != Drop {
		t.Errorf("%v %v", u.Rights, err)
	}
	for _, g := range []Grant{
		{Kind: ProgramToken, Rights: Full}, {Kind: ProgramToken, Rights: Read}, {Kind: "key"}, {Kind: ProgramToken, Rights: 9},
		{Kind: ProgramToken, Name: strings.Repeat("n", 101)}, {Kind: ProgramToken, Name: "a\nb"}, {Kind: ProgramToken, Folder: "in"}, {Kind: ProgramToken, Folder: "/a\x00b"}, {Kind: ProgramToken, Folder: "/\xff"},
		{Kind: ProgramToken, Folder: "/in/../up"}, {Kind: ProgramToken, Life: -1},
	} {
		if _, _, err := k.Issue(t.Context(), "ben", g); err == nil {
			t.Errorf("%+v was issued", g)
		}
	}
	if _, _, err := k.Issue(t.Context(), "nobody", Grant{Kind: ProgramToken}); err == nil {
		t.Error("a token for nobody")
	}
	users := people()
	users[0].Rights = Read
	if err := table.Reload(users); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Check(t.Context(), ProgramToken, secret, home); !errors.Is(err, ErrChanged) {
		t.Errorf("a token to drop, of a user who may only read now: %v", err)
	}
}

// TestSessionEnds: with its password, with its user; a token ends with its user alone.
func TestSessionEnds(t *testing.T) {
	k, s, table := newTokens(t)
	session, _ := issue(t, k, "anna", Grant{Kind: SessionToken})
	token, _ := issue(t, k, "anna", Grant{Kind: ProgramToken})
	check := func(kind, secret string, want error) {
		t.Helper()
		if _, _, err := k.Check(t.Context(), kind, secret, home); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", kind, err, want)
		}
	}
	check(SessionToken, session, nil)
	if err := table.Reload(people()); err != nil {
		t.Fatal(err)
	}
	check(SessionToken, session, nil)
	users := people()
	users[0].Password = PlainPassword("another")
	if err := table.Reload(users); err != nil {
		t.Fatal(err)
	}
	check(SessionToken, session, ErrChanged)
	check(ProgramToken, token, nil)
	if err := table.Reload(users[1:]); err != nil {
		t.Fatal(err)
	}
	check(ProgramToken, token, ErrChanged)
	if err := k.Sweep(t.Context()); err != nil || len(s.list) != 0 {
		t.Errorf("kept: %+v, %v", s.list, err)
	}
	if err := table.Reload(people()); err != nil {
		t.Fatal(err)
	}
	check(ProgramToken, token, ErrWrong)
}

// TestTokensMany: one session more ends the first, one token more is refused.
func TestTokensMany(t *testing.T) {
	k, s, _ := newTokens(t)
	first, _ := issue(t, k, "anna", Grant{Kind: SessionToken})
	for range MaxTokens {
		issue(t, k, "anna", Grant{Kind: SessionToken})
	}
	if _, _, err := k.Check(t.Context(), SessionToken, first, home); err == nil || len(s.list) != MaxTokens {
		t.Errorf("%v, %d are kept", err, len(s.list))
	}
	for range MaxTokens {
		issue(t, k, "ben", Grant{Kind: ProgramToken})
	}
	if _, _, err := k.Issue(t.Context(), "ben", Grant{Kind: ProgramToken}); err == nil {
		t.Error("a user has tokens without end")
	}
}

func TestAny(t *testing.T) {
	k, _, table := newTokens(t)
	session, _ := issue(t, k, "anna", Grant{Kind: SessionToken})
	token, _ := issue(t, k, "anna", Grant{Kind: ProgramToken})
	from, secure, plain := home, true, false
	a := &Any{
		Users: table, Tokens: k, Realm: "Slipway", Plain: func() bool { return plain },
		Client: func(*http.Request) (netip.Addr, bool) { return from, secure },
		Cookie: func(bool) string { return "s" },
		Proof:  func(r *http.Request, secret string) bool { return r.Header.Get("X-CSRF") == "of "+secret },
		Secret: func(r *http.Request) string { return r.URL.Query().Get("key") },
	}
	var way Way
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, how, err := a.Check(r)
		if err != nil {
			status, err := a.Answer(w.Header(), r, err)
			http.Error(w, err.Error(), status)
			return
		}
		way = how
		fmt.Fprint(w, u.Name)
	})
	ask := func(method, target string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	basic := func(name, password string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(name, password)
		return r.Header.Get("Authorization")
	}
	for _, c := range []struct {
		name    string
		method  string
		target  string
		headers []string
		status  int
		by      string
	}{
		{"nothing", "GET", "/", nil, 401, ""},
		{"bearer", "POST", "/", []string{"Authorization", "bearer " + token}, 200, ByToken},
		{"key", "POST", "/", []string{"X-API-Key", token}, 200, ByToken},
		{"own place", "POST", "/?key=" + token, nil, 200, ByToken},
		{"wrong token", "GET", "/", []string{"X-API-Key", token[:50]}, 401, ""},
		{"a wrong token is not made good by a cookie", "GET", "/", []string{"X-API-Key", "x", "Cookie", "s=" + session}, 401, ""},
		{"basic", "POST", "/", []string{"Authorization", basic("anna", "one")}, 200, ByPassword},
		{"basic from another site", "POST", "/", []string{"Authorization", basic("anna", "one"), "Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"token from another site", "POST", "/", []string{"X-API-Key", token, "Sec-Fetch-Site", "cross-site"}, 200, ByToken},
		{"session reads", "GET", "/", []string{"Cookie", "s=" + session}, 200, BySession},
		{"session writes without proof", "POST", "/", []string{"Cookie", "s=" + session}, 403, ""},
		{"session writes with another's", "POST", "/", []string{"Cookie", "s=" + session, "X-CSRF", "of x"}, 403, ""},
		{"session writes", "DELETE", "/", []string{"Cookie", "s=" + session, "X-CSRF", "of " + session}, 200, BySession},
		{"session from another site", "POST", "/", []string{"Cookie", "s=" + session, "X-CSRF", "of " + session, "Origin", "https://elsewhere.example"}, 403, ""},
		{"a token as a cookie", "GET", "/", []string{"Cookie", "s=" + token}, 401, ""},
		{"a session as a key", "GET", "/", []string{"X-API-Key", session}, 401, ""},
		{"wrong password", "GET", "/", []string{"Authorization", basic("anna", "two")}, 401, ""},
		{"at once again", "GET", "/", []string{"Authorization", basic("anna", "three")}, 429, ""},
	} {
		way = Way{}
		if w := ask(c.method, c.target, c.headers...); w.Code != c.status || way.By != c.by {
			t.Errorf("%s: %d %q, by %q", c.name, w.Code, w.Body, way.By)
		} else if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") || (w.Code == 429) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: %v", c.name, w.Header())
		}
	}
	secure = false
	if w := ask("GET", "/", "X-API-Key", token); w.Code != 403 {
		t.Errorf("a token over a plain connection: %d", w.Code)
	}
	plain = true
	if w := ask("GET", "/", "X-API-Key", token); w.Code != 200 {
		t.Errorf("where that is allowed: %d", w.Code)
	}
	users := people()
	users[0].RequireTLS = true
	if err := table.Reload(users); err != nil {
		t.Fatal(err)
	}
	if w := ask("GET", "/", "X-API-Key", token); w.Code != 403 {
		t.Errorf("an account that demands TLS: %d", w.Code)
	}
	from = netip.MustParseAddr("127.0.0.1")
	if w := ask("GET", "/", "X-API-Key", token); w.Code != 200 {
		t.Errorf("on this machine: %d", w.Code)
	}
}

// TestTokensOwn: what the account made for itself ends with its password, what whoever
// runs the gateway made does not; and guests, who share an account, make none.
func TestTokensOwn(t *testing.T) {
	k, s, table := newTokens(t)
	own, _ := issue(t, k, "anna", Grant{Kind: ProgramToken, Own: true})
	given, _ := issue(t, k, "anna", Grant{Kind: ProgramToken})
	if _, _, err := k.Issue(t.Context(), "ben", Grant{Kind: ProgramToken, Own: true}); !errors.Is(err, ErrShared) || len(s.list) != 2 {
		t.Errorf("a guest makes a token: %v", err)
	}
	if a, b := k.MayKeep("anna"), k.MayKeep("ben"); a != nil || !errors.Is(b, ErrShared) {
		t.Errorf("%v, %v", a, b)
	}
	issue(t, k, "ben", Grant{Kind: ProgramToken})
	for _, secret := range []string{own, given} {
		if _, _, err := k.Check(t.Context(), ProgramToken, secret, home); err != nil {
			t.Error(err)
		}
	}
	users := people()
	users[0].Password = PlainPassword("another")
	if err := table.Reload(users); err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Check(t.Context(), ProgramToken, own, home); !errors.Is(err, ErrChanged) {
		t.Errorf("a token of the old password: %v", err)
	}
	if _, _, err := k.Check(t.Context(), ProgramToken, given, home); err != nil {
		t.Errorf("a token that the operator made: %v", err)
	}
}

// TestSessionsOfGuests: sessions of one network end those of the same network alone,
// and of these the one that was used least lately.
func TestSessionsOfGuests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s, _ := newTokens(t)
		one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
		far, _ := issue(t, k, "ben", Grant{Kind: SessionToken, From: two})
		first, _ := issue(t, k, "ben", Grant{Kind: SessionToken, From: one})
		time.Sleep(time.Hour)
		second, _ := issue(t, k, "ben", Grant{Kind: SessionToken, From: one})
		time.Sleep(time.Hour)
		ok := func(secret string, from netip.Addr) bool {
			_, _, err := k.Check(t.Context(), SessionToken, secret, from)
			return err == nil
		}
		if !ok(first, one) { // used now
			t.Fatal("a fresh session does not sign in")
		}
		for range MaxTokens - 1 {
			time.Sleep(time.Second)
			issue(t, k, "ben", Grant{Kind: SessionToken, From: one})
		}
		if !ok(far, two) || !ok(first, one) || ok(second, one) {
			t.Errorf("far %v, used %v, idle %v", ok(far, two), ok(first, one), ok(second, one))
		}
		for i := range MaxSessions {
			issue(t, k, "ben", Grant{Kind: SessionToken, From: netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})})
		}
		if len(s.list) != MaxSessions {
			t.Errorf("%d sessions are kept", len(s.list))
		}
	})
}
