package auth

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// connection is a Client without proxies.
func connection(r *http.Request) (netip.Addr, bool) {
	ap, _ := netip.ParseAddrPort(r.RemoteAddr) //nolint:errcheck // the zero Addr of a unix socket
	return ap.Addr().Unmap(), r.TLS != nil
}

func TestBasic(t *testing.T) {
	strict := User{Name: "tls", Rights: Full, RequireTLS: true, Password: cheap("right")}
	old := User{Name: "old", Rights: Full, Expires: time.Unix(1, 0), Password: cheap("right")}
	umlaut := User{Name: "jürgen", Rights: Full, Password: cheap("grün")}
	for _, c := range []struct {
		what, name, password, remote string
		tls                          bool
		status                       int
	}{
		{"right", "ann", "right", "192.0.2.1:5", false, 200},
		{"right in UTF-8", "jürgen", "grün", "192.0.2.1:5", false, 200},
		{"wrong", "ann", "wrong", "192.0.2.1:5", false, 401},
		{"nobody", "", "", "192.0.2.1:5", false, 401},
		{"expired", "old", "right", "192.0.2.1:5", true, 403},
		{"plain", "tls", "right", "192.0.2.1:5", false, 403},
		{"plain and wrong", "tls", "wrong", "192.0.2.1:5", false, 401},
		{"over TLS", "tls", "right", "192.0.2.1:5", true, 200},
		{"plain from this machine", "tls", "right", "127.0.0.1:5", false, 200},
		{"plain from this machine, IPv6", "tls", "right", "[::1]:5", false, 200},
		{"plain from this machine, mapped", "tls", "right", "[::ffff:127.0.0.1]:5", false, 200},
		{"plain over a unix socket", "tls", "right", "@", false, 403},
	} {
		t.Run(c.what, func(t *testing.T) {
			tab := table(t, ann(), strict, old, umlaut)
			passed := false
			h := Basic(tab, `Sl"ip`, connection, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				u, ok := FromContext(r.Context())
				passed = ok && u.Name == c.name
			}))
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.remote
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if c.what != "nobody" {
				r.SetBasicAuth(c.name, c.password)
			}
			h.ServeHTTP(w, r)
			if w.Code != c.status || passed != (c.status == 200) {
				t.Errorf("%d, handler reached: %v", w.Code, passed)
			}
			challenge := w.Header().Get("WWW-Authenticate")
			if (challenge == `Basic realm="Sl\"ip", charset="UTF-8"`) != (c.status == 401) {
				t.Errorf("WWW-Authenticate: %s", challenge)
			}
			if strings.Contains(w.Body.String(), "right") && c.status != 200 {
				t.Errorf("the answer quotes the password: %s", w.Body)
			}
		})
	}
}

func TestBasicSaysWhenToComeBack(t *testing.T) {
	now := time.Unix(1e9, 0)
	tab, err := New([]User{ann()}, Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	h := Basic(tab, "Slipway", connection, http.NotFoundHandler())
	ask := func(password string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth("ann", password)
		h.ServeHTTP(w, r)
		return w
	}
	for i, seconds := range []string{"1", "1", "2", "4"} {
		if w := ask(string(rune('a' + i))); w.Code != 401 {
			t.Fatal(w.Code)
		}
		w := ask("right")
		if w.Code != 429 || w.Header().Get("Retry-After") != seconds || !strings.Contains(w.Body.String(), "try again in "+seconds+" s") {
			t.Fatalf("%d, Retry-After %s: %s", w.Code, w.Header().Get("Retry-After"), w.Body)
		}
		now = now.Add(time.Minute - 1)
	}
}

func TestBasicNeverAnswers200ForARequestThatEnded(t *testing.T) {
	tab := table(t, ann())
	tab.slots.Acquire(t.Context(), tab.size) //nolint:errcheck // free
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.SetBasicAuth("ann", "right")
	Basic(tab, "x", connection, http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d", w.Code)
	}
}

func TestFromContext(t *testing.T) {
	if _, ok := FromContext(t.Context()); ok {
		t.Error("a user where nobody signed in")
	}
}

// TestBasicAsksWhereRequestsComeFrom: the address that waits is the client's, and
// TLS is what the client says.
func TestBasicAsksWhereRequestsComeFrom(t *testing.T) {
	strict := User{Name: "tls", Rights: Full, RequireTLS: true, Password: cheap("right")}
	addr, secure := netip.MustParseAddr("198.51.100.7"), true
	h := Basic(table(t, ann(), strict), "x", func(*http.Request) (netip.Addr, bool) { return addr, secure }, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ask := func(name, password string) int {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.SetBasicAuth(name, password)
		h.ServeHTTP(w, r)
		return w.Code
	}
	if code := ask("tls", "right"); code != 200 {
		t.Errorf("over TLS: %d", code)
	}
	if secure = false; ask("tls", "right") != 403 {
		t.Error("plain, through a proxy on this machine: let in")
	}
	for range 2 {
		ask("ann", rand.Text())
	}
	if code := ask("ann", "right"); code != 429 {
		t.Errorf("after wrong ones: %d", code)
	}
	if addr = netip.MustParseAddr("198.51.100.8"); ask("ann", "right") != 200 {
		t.Error("another client of the same proxy has to wait")
	}
}

// TestEncrypted: only where the network is trusted does a password come in plain
// from another machine.
func TestEncrypted(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, c := range []struct {
		addr       string
		tls, plain bool
		status     int
	}{
		{"127.0.0.1", false, false, 204},
		{"::1", false, false, 204},
		{"192.0.2.1", false, false, 403},
		{"192.0.2.1", true, false, 204},
		{"192.0.2.1", false, true, 204},
	} {
		client := func(*http.Request) (netip.Addr, bool) { return netip.MustParseAddr(c.addr), c.tls }
		w := httptest.NewRecorder()
		Encrypted(client, func() bool { return c.plain }, next).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != c.status {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}
