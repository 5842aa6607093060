package web

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
)

// holds looks whether the tree has a file with these bytes.
func (s *site) holds(p, want string) {
	s.Helper()
	got, err := afero.ReadFile(s.desk.tree.Fs, p)
	if err != nil || string(got) != want {
		s.Errorf("%s is %q (%v), want %q", p, got, err, want)
	}
}

// put sends a file as the page's script does.
func (s *site) put(p, data string, headers ...string) (*http.Response, string) {
	s.Helper()
	return s.do(http.MethodPost, "/put"+(&url.URL{Path: p}).EscapedPath(), strings.NewReader(data), append(headers, "X-CSRF-Token", s.token())...)
}

// TestPut: files arrive whole, with their folders and times, under free names.
func TestPut(t *testing.T) {
	s := newSite(t)
	resp, text := s.put("/inbox/new/deep/ü #?%.jpg", "bytes", "X-Modified", "1700000000123")
	if resp.StatusCode != http.StatusCreated || strings.TrimSpace(text) != `{"path":"/inbox/new/deep/ü #?%.jpg","entry":77}` {
		t.Errorf("%s %s", resp.Status, text)
	}
	s.holds("/inbox/new/deep/ü #?%.jpg", "bytes")
	if info, _ := s.desk.tree.Stat("/inbox/new/deep/ü #?%.jpg"); !info.ModTime().Equal(time.UnixMilli(1700000000123)) {
		t.Errorf("its time is %v", info.ModTime())
	}
	s.put("/inbox/a.tar.gz", "one")
	for _, tt := range []struct{ same, data, path, stands string }{
		{"both", "two", "/inbox/a.tar (1).gz", "two"},
		{"both", "three", "/inbox/a.tar (2).gz", "three"},
		{"skip", "four", "/inbox/a.tar.gz", "one"},
		{"replace", "five", "/inbox/a.tar.gz", "five"},
	} {
		resp, text := s.put("/inbox/a.tar.gz", tt.data, "X-Same-Name", tt.same)
		if resp.StatusCode != http.StatusCreated || !strings.Contains(text, fmt.Sprintf(`"path":%q`, tt.path)) || strings.Contains(text, "skipped") != (tt.same == "skip") {
			t.Errorf("%s: %s %s", tt.same, resp.Status, text)
		}
		s.holds(tt.path, tt.stands)
	}
	for _, p := range []string{"/../../outside.jpg", "/inbox/%2e%2e/%2e%2e/outside.jpg"} {
		s.do(http.MethodPost, "/put"+p, strings.NewReader("x"), "X-CSRF-Token", s.token())
	}
	if resp, _ := s.put("/inbox/a.tar.gz/below.jpg", "x"); resp.StatusCode != http.StatusConflict {
		t.Errorf("below a file: %s", resp.Status)
	}
	if resp, _ := s.do(http.MethodPost, "/put/inbox/folder/", strings.NewReader("x"), "X-CSRF-Token", s.token()); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a folder's name: %s", resp.Status)
	}
	if resp, _ := s.do(http.MethodPost, "/put/inbox/chunks.jpg", struct{ io.Reader }{strings.NewReader("x")}, "X-CSRF-Token", s.token()); resp.StatusCode != http.StatusLengthRequired {
		t.Errorf("no length: %s", resp.Status)
	}
}

// TestPutCut: what breaks off changes nothing.
func TestPutCut(t *testing.T) {
	s := newSite(t)
	s.put("/inbox/a.jpg", "old")
	address, _ := url.Parse(s.server.URL)
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /put/inbox/a.jpg HTTP/1.1\r\nHost: x\r\nCookie: slipway=secret\r\nX-CSRF-Token: %s\r\nContent-Length: 100\r\n\r\nhalf", s.token())
	conn.(*net.TCPConn).CloseWrite() //nolint:errcheck // the reply tells
	reply, _ := io.ReadAll(conn)
	if !bytes.HasPrefix(reply, []byte("HTTP/1.1 400")) || !bytes.Contains(reply, []byte("broke off after 4 B; nothing was stored")) {
		t.Errorf("the reply is %q", reply)
	}
	s.holds("/inbox/a.jpg", "old")
	if !slices.Equal(s.desk.tree.cuts, []string{"/inbox/a.jpg"}) {
		t.Errorf("thrown away: %q", s.desk.tree.cuts)
	}
}

// TestRefused: before the bytes, in words.
func TestRefused(t *testing.T) {
	s := newSite(t)
	big := strings.Repeat("x", 2000)
	for _, tt := range []struct {
		err  error
		code int
	}{
		{refusal{text: "the quota is used up", space: true}, http.StatusInsufficientStorage},
		{refusal{text: "at most 1 kB there"}, http.StatusRequestEntityTooLarge},
	} {
		s.desk.tree.refuse = tt.err
		words := sentence(tt.err.(refusal).text)
		if resp, text := s.put("/inbox/big.jpg", big); resp.StatusCode != tt.code || strings.TrimSpace(text) != words {
			t.Errorf("%s %q, want %d %q", resp.Status, text, tt.code, words)
		}
		resp, text := s.do(http.MethodPost, "/ask", strings.NewReader(`[{"path":"/inbox/big.jpg","size":2000},{"path":"/inbox/IMG_0011.jpg","size":5},{"path":"/inbox/trip","size":5}]`), "X-CSRF-Token", s.token())
		want := fmt.Sprintf(`[{"refused":%q},{"there":true},{"refused":"A folder has this name."}]`, words)
		if resp.StatusCode != http.StatusOK || strings.TrimSpace(text) != want {
			t.Errorf("asked: %s\n got %s\nwant %s", resp.Status, text, want)
		}
		// Without scripts the length is not known before, and is seen as it comes.
		code, text := s.form("/drop/inbox/", s.token(), map[string]string{"huge.jpg": strings.Repeat("x", admitStep+100)})
		if code != tt.code || !strings.Contains(text, words) {
			t.Errorf("the form: %d %s, want %d", code, text, tt.code)
		}
	}
	if _, err := s.desk.tree.Stat("/inbox/huge.jpg"); err == nil {
		t.Error("it is there all the same")
	}
}

// form sends files as a browser without scripts does.
func (s *site) form(address, token string, files map[string]string) (int, string) {
	s.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("csrf", token) //nolint:errcheck // in memory
	for name, data := range files {
		part, _ := w.CreateFormFile("file", name)
		io.WriteString(part, data) //nolint:errcheck // in memory
	}
	w.Close() //nolint:errcheck // in memory
	resp, text := s.do(http.MethodPost, address, &b, "Content-Type", w.FormDataContentType())
	return resp.StatusCode, text
}

// TestForm: files come without scripts too.
func TestForm(t *testing.T) {
	s := newSite(t)
	code, text := s.form("/drop/inbox/trip/", s.token(), map[string]string{"one.jpg": "1", "../two.jpg": "22"})
	if code != http.StatusOK || !strings.Contains(text, "2 files stored") {
		t.Errorf("%d %s", code, text)
	}
	s.holds("/inbox/trip/one.jpg", "1")
	s.holds("/inbox/trip/two.jpg", "22")
	if code, _ := s.form("/drop/inbox/", csrfToken("another", "/"), map[string]string{"forged.jpg": "1"}); code != http.StatusForbidden {
		t.Errorf("a forged form: %d", code)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreateFormFile("file", "early.jpg")
	io.WriteString(part, "x")       //nolint:errcheck // in memory
	w.WriteField("csrf", s.token()) //nolint:errcheck // in memory
	w.Close()                       //nolint:errcheck // in memory
	whole := b.String()
	if resp, _ := s.do(http.MethodPost, "/drop/inbox/", strings.NewReader(whole), "Content-Type", w.FormDataContentType()); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a file before the token: %s", resp.Status)
	}
	// A form that ends within a file.
	b.Reset()
	w = multipart.NewWriter(&b)
	w.WriteField("csrf", s.token()) //nolint:errcheck // in memory
	part, _ = w.CreateFormFile("file", "half.jpg")
	io.WriteString(part, "half of it") //nolint:errcheck // in memory
	if resp, _ := s.do(http.MethodPost, "/drop/inbox/", &b, "Content-Type", w.FormDataContentType()); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a form that ends early: %s", resp.Status)
	}
	for _, p := range []string{"/inbox/forged.jpg", "/inbox/early.jpg", "/inbox/half.jpg"} {
		if _, err := s.desk.tree.Stat(p); err == nil {
			t.Errorf("%s is there", p)
		}
	}
}

// TestChange: folders, new names, removal.
func TestChange(t *testing.T) {
	s := newSite(t)
	afero.WriteFile(s.desk.tree.Fs, "/inbox/a.jpg", []byte("a"), 0o666) //nolint:errcheck // in memory
	for _, tt := range []struct {
		form url.Values
		code int
	}{
		{url.Values{"do": {"folder"}, "path": {"/inbox"}, "name": {"new"}}, 303},
		{url.Values{"do": {"folder"}, "path": {"/inbox"}, "name": {"../out"}}, 400},
		{url.Values{"do": {"folder"}, "path": {"/inbox"}, "name": {""}}, 400},
		{url.Values{"do": {"move"}, "path": {"/inbox/a.jpg"}, "to": {"IMG_0011.jpg"}}, 409},
		{url.Values{"do": {"move"}, "path": {"/inbox/a.jpg"}, "to": {"/inbox/new/b.jpg"}}, 303},
		{url.Values{"do": {"move"}, "path": {"/inbox/new/b.jpg"}, "to": {" "}}, 400},
		{url.Values{"do": {"remove"}, "path": {"/inbox/new/b.jpg"}}, 303},
		{url.Values{"do": {"remove"}, "path": {"/inbox/new/b.jpg"}}, 404},
		{url.Values{"do": {"remove"}, "path": {"/"}, "sure": {"yes"}}, 400},
		{url.Values{"do": {"explode"}, "path": {"/inbox"}}, 400},
	} {
		if resp, text := s.post("/change", tt.form); resp.StatusCode != tt.code {
			t.Errorf("%v: %s %s, want %d", tt.form, resp.Status, text, tt.code)
		}
	}
	if _, err := s.desk.tree.Stat("/inbox/new/b.jpg"); err == nil {
		t.Error("it was not removed")
	}
	if _, err := s.desk.tree.Stat("/inbox/new"); err != nil {
		t.Error(err)
	}
}

// TestRaw: bytes come in a way that nothing in them can act.
func TestRaw(t *testing.T) {
	s := newSite(t)
	for name, how := range map[string]string{"page.html": "attachment", "pic.svg": "attachment", "pic.jpg": "inline", `we"ird.jpg`: "inline"} {
		afero.WriteFile(s.desk.tree.Fs, "/"+name, []byte("<script>alert(1)</script>"), 0o666) //nolint:errcheck // in memory
		resp, text := s.do(http.MethodGet, address("/raw", "/"+name), nil)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Security-Policy") != "sandbox" || resp.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(resp.Header.Get("Content-Disposition"), how+";") || !strings.Contains(text, "script") {
			t.Errorf("%s: %v", name, resp.Header)
		}
	}
	if resp, text := s.do(http.MethodGet, "/raw/pic.jpg", nil, "Range", "bytes=1-6"); resp.StatusCode != http.StatusPartialContent || text != "script" {
		t.Errorf("a range: %s %q", resp.Status, text)
	}
	if resp, _ := s.do(http.MethodGet, "/raw/nothing", nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("nothing: %s", resp.Status)
	}
}

// TestThumbnail: sizes that there are, kept as long as the bytes are the same.
func TestThumbnail(t *testing.T) {
	s := newSite(t)
	resp, text := s.do(http.MethodGet, "/thumbnail/1?edge=256&v=abc", nil)
	if text != "small picture" || resp.Header.Get("ETag") != `"t256"` || !strings.Contains(resp.Header.Get("Cache-Control"), "private, max-age=604800") {
		t.Errorf("%q %v", text, resp.Header)
	}
	for _, address := range []string{"/thumbnail/2", "/thumbnail/x", "/thumbnail/1?edge=100", "/thumbnail/1?edge=1024", "/thumbnail/1?edge=0"} {
		if resp, _ := s.do(http.MethodGet, address, nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", address, resp.Status)
		}
	}
}
