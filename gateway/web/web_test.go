package web

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"slipway/gateway/operate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pages are the pages of somebody with full rights.
var pages = []string{
	"/", "/files/", "/files/inbox/", "/files/inbox/?view=grid", "/files/inbox/?all=1", "/uploads", "/uploads?state=failed", "/drop/", "/drop/inbox/",
	"/connect", "/tokens", "/deletions", "/deletions?state=paused&path=/inbox",
}

// TestPages: every page has its policy, is small, and shows nothing of a name but
// text.
func TestPages(t *testing.T) {
	s := newSite(t)
	all := pages
	for _, name := range hostile {
		if !strings.Contains(name, "/") {
			all = append(all, filesLink(path.Join("/inbox", name)))
		}
	}
	for _, address := range all {
		resp, text := s.do(http.MethodGet, address, nil)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", address, resp.Status)
		}
		h := resp.Header
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; ") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: the policy is %q", address, csp)
		}
		for field, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := h.Get(field); got != want {
				t.Errorf("%s: %s is %q, want %q", address, field, got, want)
			}
		}
		harmless(t, address, text)
		if strings.Contains(text, "delete_url") {
			t.Errorf("%s tells of addresses for deletion", address)
		}
	}
}

// harmless parses a page and fails the test for what would run or reach out, and for
// characters that reorder others.
func harmless(t *testing.T, address, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			for _, r := range n.Data {
				if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control)) {
					t.Errorf("%s shows %q", address, n.Data)
					break
				}
			}
		}
		if n.Type != html.ElementNode {
			continue
		}
		src := ""
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("%s: <%s %s=%q>", address, n.Data, a.Key, a.Val)
			}
			if a.Key == "src" || a.Key == "action" || a.Key == "formaction" || a.Key == "href" && n.Data == "link" {
				src = a.Val
				if !strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s: <%s %s=%q> is not of this site", address, n.Data, a.Key, a.Val)
				}
			}
			if a.Key == "href" && strings.HasPrefix(strings.ToLower(a.Val), "javascript") {
				t.Errorf("%s: a link to %q", address, a.Val)
			}
		}
		if (n.Data == "script" || n.Data == "style") && !strings.HasPrefix(src, "/static/") {
			t.Errorf("%s: a script within the page", address)
		}
	}
}

// TestWeight: no page, with all that it loads from the program itself, is over 150 KB
// compressed, with as many files as one shows.
func TestWeight(t *testing.T) {
	s := newSite(t)
	for i := range filesShown {
		s.desk.add(int64(1000+i), fmt.Sprintf("/inbox/%03d %s.jpg", i, strings.Repeat("long name ", 20)), operate.States[i%len(operate.States)])
	}
	assets := 0
	for name := range s.handler.assets.files {
		assets += len(packed(t, s, s.handler.assets.Link(name)))
	}
	for _, address := range pages {
		if n := assets + len(packed(t, s, address)); n > 150_000 {
			t.Errorf("%s weighs %d bytes", address, n)
		} else {
			t.Logf("%s weighs %d bytes", address, n)
		}
	}
}

// packed returns a reply as it crosses the network.
func packed(t *testing.T, s *site, address string) string {
	t.Helper()
	resp, text := s.do(http.MethodGet, address, nil, "Accept-Encoding", "gzip")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", address, resp.Status)
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, z); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	} else if len(text) > 2000 {
		t.Errorf("%s is not compressed", address)
	}
	return text
}

// TestAssets: they are kept for ever under their address, and asked for again under
// another.
func TestAssets(t *testing.T) {
	s := newSite(t)
	page := s.get("/")
	link := s.handler.assets.Link("app.css")
	if !strings.Contains(page, link) {
		t.Errorf("the page does not load %s", link)
	}
	for address, want := range map[string]string{link: "public, max-age=31536000, immutable", "/static/older/app.css": "no-cache"} {
		resp, text := s.do(http.MethodGet, address, nil)
		if got := resp.Header.Get("Cache-Control"); got != want || !strings.Contains(text, ":root") {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
		again, _ := s.do(http.MethodGet, address, nil, "If-None-Match", resp.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s, again: %s", address, again.Status)
		}
	}
	if resp, _ := s.do(http.MethodGet, "/static/x/nothing.css", nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an asset that there is not: %s", resp.Status)
	}
}

// TestPageTag: a page that is the same is not sent again.
func TestPageTag(t *testing.T) {
	s := newSite(t)
	resp, _ := s.do(http.MethodGet, "/", nil)
	again, text := s.do(http.MethodGet, "/", nil, "If-None-Match", resp.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || text != "" {
		t.Errorf("the same page: %s, %d bytes", again.Status, len(text))
	}
	s.desk.paused = nil
	if again, _ = s.do(http.MethodGet, "/", nil, "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != http.StatusOK {
		t.Errorf("another page: %s", again.Status)
	}
}

// TestSignIn: in, out, and what is said where it does not work.
func TestSignIn(t *testing.T) {
	s := newSite(t)
	s.sessions.in = map[string]bool{}
	resp, _ := s.do(http.MethodGet, "/uploads?state=failed", nil)
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || to != "/sign-in?to=%2Fuploads%3Fstate%3Dfailed" {
		t.Errorf("a page without a session leads to %q (%s)", to, resp.Status)
	}
	sign := func(password, to string, headers ...string) (*http.Response, string) {
		form := url.Values{"name": {"ann"}, "password": {password}, "to": {to}}
		return s.do(http.MethodPost, "/sign-in", strings.NewReader(form.Encode()), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
	}
	if resp, text := sign("wrong", "/"); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text, "The name or the password is wrong.") || strings.Contains(text, `value="wrong"`) {
		t.Errorf("a wrong password: %s %s", resp.Status, text)
	}
	s.sessions.wait = 1500 * time.Millisecond
	if resp, _ := sign("right", "/"); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "2" {
		t.Errorf("too many: %s, retry after %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	s.sessions.wait = 0
	if resp, _ := sign("right", "/", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s", resp.Status)
	}
	for to, want := range map[string]string{
		"/uploads?x=1": "/uploads?x=1", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "/a\r\nb": "/", "javascript:alert(1)": "/",
	} {
		resp, _ := sign("right", to)
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("signing in on the way to %q leads to %q (%s), want %q", to, got, resp.Status, want)
		}
		if c := resp.Header.Get("Set-Cookie"); c != "slipway=secret; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax" {
			t.Errorf("the cookie is %q", c)
		}
	}
	resp, _ = sign("right", "/", "X-Test-TLS", "yes")
	if c := resp.Header.Get("Set-Cookie"); c != "__Host-slipway=secret; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("the cookie over TLS is %q", c)
	}
	if resp, _ := s.post("/sign-out", nil); resp.Header.Get("Location") != "/sign-in" || !strings.Contains(resp.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("signing out: %v", resp.Header)
	}
	if resp, _ := s.do(http.MethodGet, "/", nil); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("after that: %s", resp.Status)
	}
}

// post sends a form of the session's own page.
func (s *site) post(address string, form url.Values, headers ...string) (*http.Response, string) {
	s.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("csrf", s.token())
	return s.do(http.MethodPost, address, strings.NewReader(form.Encode()), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

// TestForged: nothing is changed by what no page of the session has sent.
func TestForged(t *testing.T) {
	s := newSite(t)
	for address, form := range map[string]string{
		"/act": "verb=retry&id=1", "/copy": "form=url&id=5", "/destinations": "do=pause&destination=home", "/change": "do=remove&path=/inbox/IMG_0010.jpg",
		"/sign-out": "", "/tokens": "name=x&rights=full", "/status": "path=/", "/put/inbox/x.jpg": "bytes", "/ask": "[]",
	} {
		for what, headers := range map[string][]string{
			"no token":         nil,
			"a wrong token":    {"X-CSRF-Token", csrfToken("another", "/")},
			"another's page":   {"X-CSRF-Token", s.token(), "Sec-Fetch-Site", "cross-site"},
			"another's origin": {"X-CSRF-Token", s.token(), "Origin", "https://evil.example"},
		} {
			resp, text := s.do(http.MethodPost, address, strings.NewReader(form), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s with %s: %s %s", address, what, resp.Status, text)
			}
		}
	}
	if len(s.desk.acted) > 0 || s.desk.paused["home"] || !s.sessions.in["secret"] {
		t.Errorf("something was done: %v, %v", s.desk.acted, s.desk.paused)
	}
}

// TestRights: who only drops sees nothing else, and who only reads changes nothing.
func TestRights(t *testing.T) {
	s := newSite(t)
	s.desk.me = operate.Person{Name: "guest", Rights: "drop"}
	for _, address := range []string{"/files/", "/files/inbox/IMG_0011.jpg", "/files/inbox/?all=1", "/uploads", "/uploads/1", "/raw/inbox/IMG_0011.jpg", "/thumbnail/1"} {
		if resp, _ := s.do(http.MethodGet, address, nil); resp.StatusCode != http.StatusForbidden {
			t.Errorf("GET %s of a guest: %s", address, resp.Status)
		}
	}
	if resp, _ := s.do(http.MethodGet, "/", nil); resp.Header.Get("Location") != "/drop/" {
		t.Errorf("a guest begins at %q", resp.Header.Get("Location"))
	}
	if resp, _ := s.post("/copy", url.Values{"id": {"5"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a guest copies: %s", resp.Status)
	}
	s.desk.me = operate.Person{Name: "reader", Rights: "read"}
	for _, rights := range []string{"drop", "read"} {
		s.desk.me.Rights = rights
		for address, form := range map[string]url.Values{"/act": {"verb": {"retry"}, "id": {"1"}}, "/destinations": {"do": {"pause"}, "destination": {"home"}}} {
			if resp, _ := s.post(address, form); resp.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s by %s: %s", address, rights, resp.Status)
			}
		}
	}
	for _, form := range []url.Values{{"do": {"remove"}, "path": {"/inbox/IMG_0011.jpg"}}, {"do": {"folder"}, "path": {"/"}, "name": {"x"}}} {
		if resp, _ := s.post("/change", form); resp.StatusCode != http.StatusForbidden {
			t.Errorf("a reader changes: %s", resp.Status)
		}
	}
	if resp, _ := s.do(http.MethodPost, "/put/inbox/x.jpg", strings.NewReader("x"), "X-CSRF-Token", s.token()); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a reader puts: %s", resp.Status)
	}
	for _, address := range []string{"/", "/files/inbox/", "/uploads", filesLink("/inbox/" + hostile[5])} {
		if text := s.get(address); strings.Contains(text, `name="verb"`) || strings.Contains(text, "/drop/") {
			t.Errorf("%s offers a reader what he may not do", address)
		}
	}
	if len(s.desk.acted) > 0 {
		t.Errorf("done: %v", s.desk.acted)
	}
}
