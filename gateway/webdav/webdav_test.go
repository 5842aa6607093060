package webdav

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"
	"go.uber.org/goleak"

	"slipway/gateway/webdav/property"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door is a served handler over a fake tree.
type door struct {
	*testing.T
	fs     *fakeFS
	url    string
	served chan struct{} // a request has come to its end
}

func open(t *testing.T, change ...func(*Options)) *door {
	t.Helper()
	fake := newFake()
	o := Options{
		Prefix: "/dav",
		FS:     func(*http.Request) (afero.Fs, error) { return fake, nil },
		User:   func(r *http.Request) string { name, _, _ := r.BasicAuth(); return name },
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	h, served := New(o), make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		select {
		case served <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return &door{t, fake, s.URL, served}
}

type reply struct {
	*http.Response
	body string
}

// do sends one request: header is a list of "Name: value".
func (d *door) do(method, path, body string, header ...string) reply {
	d.Helper()
	r, err := http.NewRequest(method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "User" {
			r.SetBasicAuth(value, "x")
			continue
		}
		r.Header.Add(name, strings.ReplaceAll(value, "HOST", d.url))
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return reply{resp, string(b)}
}

// want sends one request and demands a status.
func (d *door) want(code int, method, path, body string, header ...string) reply {
	d.Helper()
	r := d.do(method, path, body, header...)
	if r.StatusCode != code {
		d.Fatalf("%s %s %q: %d, want %d\n%s", method, path, header, r.StatusCode, code, r.body)
	}
	return r
}

// holds demands the content of a file; "-" stands for no file.
func (d *door) holds(path, content string) {
	d.Helper()
	data, err := afero.ReadFile(d.fs.Fs, path)
	got := string(data)
	if err != nil {
		got = "-"
	}
	if got != content {
		d.Fatalf("%s holds %q, want %q", path, clip(got), clip(content))
	}
}

func clip(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%s… (%d bytes)", s[:60], len(s))
	}
	return s
}

func (d *door) seed(files ...string) {
	d.Helper()
	for _, f := range files {
		path, content, ok := strings.Cut(f, "=")
		err := d.fs.Fs.MkdirAll(path, 0o777)
		if ok {
			d.fs.Fs.Remove(path)
			err = afero.WriteFile(d.fs.Fs, path, []byte(content), 0o666)
		}
		if err != nil {
			d.Fatal(err)
		}
	}
}

func TestPrefix(t *testing.T) {
	d := open(t)
	d.seed("/a=x", "/f/a=y")
	for _, tt := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/dav", 200}, {"GET", "/dav/", 200}, {"GET", "/dav/a", 200},
		{"GET", "/davf/a", 404}, {"GET", "/davf", 404}, {"GET", "/", 404}, {"PUT", "/davx", 404},
		{"OPTIONS", "/", 200}, {"OPTIONS", "/davf", 404}, {"OPTIONS", "/dav/none", 200},
		{"POST", "/dav/a", 405}, {"PATCH", "/dav/a", 405}, {"GET", "/dav/%00", 400}, {"PUT", "/dav/%ff", 400},
		{"GET", "/dav/%2e%2e/a", 404},
	} {
		d.want(tt.code, tt.method, tt.path, "")
	}
	if r := d.want(200, "OPTIONS", "/dav/", ""); r.Header.Get("DAV") != "1, 2, 3" || r.Header.Get("MS-Author-Via") != "DAV" {
		t.Errorf("OPTIONS said %v", r.Header)
	}
	r := d.want(207, "PROPFIND", "/", "", "Depth: 1")
	if !strings.Contains(r.body, "<D:href>/</D:href>") || !strings.Contains(r.body, "<D:href>/dav/</D:href>") {
		t.Errorf("the way down is missing:\n%s", r.body)
	}
	d.want(400, "PROPFIND", "/", "<a", "Depth: 1")
	asked := `<propfind xmlns="DAV:"><prop><getetag/><displayname/></prop></propfind>`
	if r := d.want(207, "PROPFIND", "/", asked, "Depth: 1"); strings.Contains(r.body, "resourcetype") || strings.Count(r.body, "<D:getetag/>") != 2 || !strings.Contains(r.body, ">dav<") {
		t.Errorf("the server's root, by properties:\n%s", r.body)
	}
	d.seed("/folder/a=x")
	if r := d.want(405, "PUT", "/dav/folder", "x"); strings.Contains(r.Header.Get("Allow"), "PUT") || !strings.Contains(r.Header.Get("Allow"), "DELETE") {
		t.Errorf("a folder allows %q", r.Header.Get("Allow"))
	}
}

func TestMkcol(t *testing.T) {
	d := open(t)
	d.want(201, "MKCOL", "/dav/a/", "")
	d.want(405, "MKCOL", "/dav/a", "")
	d.want(405, "MKCOL", "/dav/", "")
	d.want(409, "MKCOL", "/dav/none/b", "")
	d.want(415, "MKCOL", "/dav/c", "<x/>")
	d.want(201, "PUT", "/dav/file", "x")
	d.want(405, "MKCOL", "/dav/file", "")
	d.want(409, "MKCOL", "/dav/file/sub", "")
}

func TestDelete(t *testing.T) {
	d := open(t)
	d.seed("/dir/sub/file=x", "/file=y")
	d.want(403, "DELETE", "/dav/", "")
	d.want(404, "DELETE", "/dav/none", "")
	d.want(400, "DELETE", "/dav/dir", "", "Depth: 0")
	d.want(412, "DELETE", "/dav/file", "", `If-Match: "other"`)
	d.holds("/file", "y")
	d.want(204, "DELETE", "/dav/file", "", "If-Match: "+tagOf([]byte("y")))
	d.holds("/file", "-")
	d.want(204, "DELETE", "/dav/dir/", "", "Depth: infinity")
	d.holds("/dir/sub/file", "-")
}

func TestGet(t *testing.T) {
	d := open(t)
	d.seed("/a.jpg=0123456789", "/b.svg=<svg/>", "/c.html=<script>", "/d.mp4=x", `/dir/<b>&"'.txt=z`)
	r := d.want(200, "GET", "/dav/a.jpg", "")
	if r.body != "0123456789" || r.Header.Get("ETag") != tagOf([]byte("0123456789")) || r.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("GET: %q %v", r.body, r.Header)
	}
	if r := d.want(206, "GET", "/dav/a.jpg", "", "Range: bytes=2-4"); r.body != "234" {
		t.Errorf("range: %q", r.body)
	}
	d.want(304, "GET", "/dav/a.jpg", "", "If-None-Match: "+tagOf([]byte("0123456789")))
	d.want(200, "GET", "/dav/a.jpg", "", "If-None-Match: undefined")
	opens := d.fs.opens
	if r := d.want(200, "HEAD", "/dav/a.jpg", ""); r.ContentLength != 10 || r.Header.Get("ETag") == "" || d.fs.opens != opens {
		t.Errorf("HEAD: length %d, %v, %d opens", r.ContentLength, r.Header, d.fs.opens-opens)
	}
	for path, disposition := range map[string]string{"/a.jpg": "", "/d.mp4": "", "/b.svg": "attachment", "/c.html": "attachment"} {
		h := d.want(200, "GET", "/dav"+path, "").Header
		if h.Get("Content-Disposition") != disposition || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Content-Security-Policy") != "sandbox" {
			t.Errorf("%s: %v", path, h)
		}
	}
	d.want(404, "GET", "/dav/none", "")
	d.want(404, "HEAD", "/dav/none", "")
	d.want(200, "HEAD", "/dav/dir", "")
	list := d.want(200, "GET", "/dav/dir", "").body
	if strings.Contains(list, "<b>") || !strings.Contains(list, `href="/dav/dir/%3Cb%3E&amp;%22%27.txt"`) {
		t.Errorf("listing:\n%s", list)
	}
}

func TestPropfind(t *testing.T) {
	d := open(t)
	d.fs.limit = 5000
	for i := range 100 {
		d.seed(fmt.Sprintf("/dir/%d.jpg=x", i))
	}
	d.fs.opens, d.fs.stats = 0, 0
	r := d.want(207, "PROPFIND", "/dav/dir", "", "Depth: 1")
	if n := strings.Count(r.body, "<D:response>"); n != 101 || d.fs.opens != 1 || d.fs.stats != 1 {
		t.Errorf("%d responses, %d opens, %d stats", n, d.fs.opens, d.fs.stats)
	}
	if !strings.Contains(r.body, "<D:getcontenttype>image/jpeg<") || strings.Contains(r.body, "quota") {
		t.Errorf("allprop:\n%s", r.body[:1500])
	}
	quota := `<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/><creationdate/><lockdiscovery/></prop></propfind>`
	r = d.want(207, "PROPFIND", "/dav/dir", quota, "Depth: 0")
	if !strings.Contains(r.body, ">3766<") || !strings.Contains(r.body, ">1234<") {
		t.Errorf("quota:\n%s", r.body)
	}
	if r = d.want(207, "PROPFIND", "/dav/dir", quota, "Depth: 0", "User-Agent: WebDAVFS/3.0"); strings.Contains(r.body, "3766") {
		t.Errorf("macOS was told its quota:\n%s", r.body)
	}
	mac := open(t, func(o *Options) { o.MacQuota = func() bool { return true } })
	mac.seed("/dir/a=x")
	if r = mac.want(207, "PROPFIND", "/dav/dir", quota, "Depth: 0", "User-Agent: WebDAVFS/3.0"); !strings.Contains(r.body, ">1234<") {
		t.Errorf("macOS was not told its quota, though it may be:\n%s", r.body)
	}
	if r = d.want(207, "PROPFIND", "/dav/dir/1.jpg", quota); !strings.Contains(r.body, ">2024-05-06T07:08:09Z<") {
		t.Errorf("creationdate:\n%s", r.body)
	}
	for _, depth := range []string{"Depth: infinity", "X: y"} {
		if r := d.want(403, "PROPFIND", "/dav/", "", depth); !strings.Contains(r.body, "propfind-finite-depth") {
			t.Errorf("%s: %s", depth, r.body)
		}
	}
	d.want(400, "PROPFIND", "/dav/", "", "Depth: 2")
	d.want(404, "PROPFIND", "/dav/none", "", "Depth: 0")
	d.want(400, "PROPFIND", "/dav/", "<propfind", "Depth: 0")
	d.want(400, "PROPFIND", "/dav/", `<p:propfind xmlns:p="DAV:"><p:prop><b:x xmlns:b=""/></p:prop></p:propfind>`, "Depth: 0")
	d.want(400, "PROPFIND", "/dav/", strings.Repeat("<a>", 5000)+strings.Repeat("</a>", 5000), "Depth: 0")
	big := `<propfind xmlns="DAV:"><allprop/></propfind>` + strings.Repeat(" ", bodyMax)
	for _, method := range []string{"PROPFIND", "PROPPATCH", "LOCK"} {
		d.want(413, method, "/dav/dir", big, "Depth: 0")
	}
}

func TestProppatch(t *testing.T) {
	d := open(t)
	d.seed("/a=x", "/dir")
	patch := func(ns, name, value string) string {
		return fmt.Sprintf(`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><p:%s xmlns:p=%q>%s</p:%[1]s></D:prop></D:set></D:propertyupdate>`, name, ns, value)
	}
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, path := range []string{"/a", "/dir"} {
		r := d.want(207, "PROPPATCH", "/dav"+path, patch(property.Win32, "Win32LastModifiedTime", when.Format(http.TimeFormat)))
		info, err := d.fs.Fs.Stat(path)
		if !strings.Contains(r.body, "200 OK") || err != nil || !info.ModTime().Equal(when) {
			t.Errorf("%s: %v %v\n%s", path, info.ModTime(), err, r.body)
		}
	}
	if len(d.fs.commits) != 0 {
		t.Errorf("PROPPATCH committed %q", d.fs.commits)
	}
	d.want(404, "PROPPATCH", "/dav/none", patch("urn:x", "a", "b"))
}
