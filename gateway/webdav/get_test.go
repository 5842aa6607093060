package webdav

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"slipway/gateway/webdav/page"
)

// uploads returns an option: what became of files, by name.
func uploads(by map[string][]Upload, asked *[]int) func(*Options) {
	return func(o *Options) {
		o.Uploads = func(_ *http.Request, infos []fs.FileInfo) ([][]Upload, error) {
			*asked = append(*asked, len(infos))
			if by == nil {
				return nil, errors.New("the database does not answer")
			}
			all := make([][]Upload, len(infos))
			for i, info := range infos {
				all[i] = by[info.Name()]
			}
			return all, nil
		}
	}
}

// TestLink: GET and HEAD tell where the file can be seen: at the first destination
// that is done, and nothing that is no web address.
func TestLink(t *testing.T) {
	by := map[string][]Upload{
		"none":    nil,
		"going":   {{Destination: "a", State: "sending"}, {Destination: "b", State: "awaiting", URL: "https://b/1"}},
		"second":  {{Destination: "a", State: "failed"}, {Destination: "b", State: "done", URL: "https://b/1?x=%22"}, {Destination: "c", State: "done", URL: "https://c/1"}},
		"no-url":  {{Destination: "a", State: "done", Reason: "no-url"}, {Destination: "b", State: "done", URL: "http://b/2"}},
		"hostile": {{State: "done", URL: `https://a/"><x`}, {State: "done", URL: "javascript:alert(1)"}, {State: "done", URL: "https://a/\r\nSet-Cookie: x"}, {State: "done", URL: "/relative"}},
	}
	var asked []int
	d := open(t, uploads(by, &asked))
	for name, link := range map[string]string{
		"none": "", "going": "", "second": `<https://b/1?x=%22>; rel="canonical"`, "no-url": `<http://b/2>; rel="canonical"`, "hostile": "",
	} {
		d.seed("/" + name + "=x")
		for _, method := range []string{"GET", "HEAD"} {
			if h := d.want(200, method, "/dav/"+name, "").Header; h.Get("Link") != link || h.Get("Set-Cookie") != "" {
				t.Errorf("%s %s: Link %q, want %q", method, name, h.Get("Link"), link)
			}
		}
		if h := d.want(204, "PUT", "/dav/"+name, "y").Header; h.Get("Link") != "" || h.Get("Location") != "" {
			t.Errorf("PUT %s: %v", name, h)
		}
	}
	if slices.ContainsFunc(asked, func(n int) bool { return n != 1 }) || len(asked) != 2*len(by) {
		t.Errorf("asked for %v", asked)
	}
	broken := open(t, uploads(nil, &asked))
	broken.seed("/x=x")
	if r := broken.want(200, "GET", "/dav/x", ""); r.body != "x" || r.Header.Get("Link") != "" {
		t.Errorf("%q %v", r.body, r.Header)
	}
}

// TestListing: the page asks in batches, sorts, and is the same for a browser that
// leaves the slash away.
func TestListing(t *testing.T) {
	by := map[string][]Upload{
		"IMG_10.jpg": {{Destination: "anh", State: "done", URL: "https://anh.im/10"}, {Destination: "home", State: "done", URL: "javascript:alert(1)"}},
	}
	var asked []int
	d := open(t, uploads(by, &asked))
	d.seed("/dir", "/dir/IMG_10.jpg=x", "/dir/IMG_9.jpg=x", "/dir/zoo", "/dir/\u202egpj.exe=x")
	for i := range 1000 {
		d.seed(fmt.Sprintf("/dir/many%d=x", i))
	}
	r := d.want(200, "GET", "/dav/dir", "")
	if !slices.Equal(asked, []int{500, 500, 4}) {
		t.Errorf("asked for %v", asked)
	}
	last := -1
	for _, want := range []string{
		`href="/dav/"`, `href="/dav/dir/zoo/"`, `href="/dav/dir/IMG_9.jpg"`, `href="/dav/dir/IMG_10.jpg"`, `href="https://anh.im/10" rel="noopener noreferrer"`,
		`href="/dav/dir/many999"`,
	} {
		at := strings.Index(r.body, want)
		if at <= last {
			t.Errorf("%s stands at %d, after %d", want, at, last)
		}
		last = at
	}
	for _, bad := range []string{"javascript:", "\u202e", "<script"} {
		if strings.Contains(r.body, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if slash := d.want(200, "GET", "/dav/dir/", ""); slash.body != r.body {
		t.Error("with a slash at its end the folder is another page")
	}
	d.samePolicy("/dav/dir", "/dav/dir/", "/dav/", "/dav")
	if r := open(t, uploads(nil, &asked)).want(200, "GET", "/dav/", ""); !strings.Contains(r.body, "This folder is empty.") {
		t.Error(r.body)
	}
}

// samePolicy demands that GET and HEAD of folders answer with the same header.
func (d *door) samePolicy(paths ...string) {
	d.Helper()
	for _, path := range paths {
		get, head := d.want(200, "GET", path, ""), d.want(200, "HEAD", path, "")
		for _, h := range []http.Header{get.Header, head.Header} {
			h.Del("Date")
			h.Del("Content-Length") // of a small page; HEAD does not make it
		}
		if !maps.EqualFunc(get.Header, head.Header, slices.Equal) || !strings.Contains(head.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			d.Errorf("%s: GET %v, HEAD %v", path, get.Header, head.Header)
		}
	}
}

// aboutFile is a FileInfo of a file about another.
type aboutFile struct {
	fs.FileInfo
	name, of string
}

func (a aboutFile) Name() string { return a.name }
func (a aboutFile) Of() string   { return a.of }
func (a aboutFile) IsDir() bool  { return false }
func (a aboutFile) Size() int64  { panic("nobody asks for its size: it would be rendered for that") }

// TestListingOfFilesAboutOthers: they stand beside what they are about.
func TestListingOfFilesAboutOthers(t *testing.T) {
	d := open(t)
	d.seed("/a.jpg=12345", "/b.jpg=1")
	a, err := d.fs.Fs.Stat("/a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	l := &listing{request: &request{Handler: New(Options{Prefix: "/dav"}), path: "/"}, beside: map[string][]page.Link{}}
	l.sort([]fs.FileInfo{aboutFile{name: "_links.csv"}, a, aboutFile{name: "a.jpg.json", of: "a.jpg"}, aboutFile{name: "a.jpg.error.txt", of: "a.jpg"}, aboutFile{name: "a%2Ejpg.url", of: "a.jpg"}})
	if len(l.infos) != 1 || l.folder.Files != 1 || l.folder.Size != 5 {
		t.Errorf("%+v", l.folder)
	}
	if !slices.Equal(l.folder.Lists, []page.Link{{Name: "csv", Href: "/dav/_links.csv"}}) {
		t.Errorf("lists %v", l.folder.Lists)
	}
	if got := l.beside["a.jpg"]; !slices.Equal(got, []page.Link{{Name: "json", Href: "/dav/a.jpg.json"}, {Name: "error.txt", Href: "/dav/a.jpg.error.txt"}, {Name: "url", Href: "/dav/a%252Ejpg.url"}}) {
		t.Errorf("beside %v", got)
	}
}

// TestGetDetails: RFC 9110 §13 and §14 as far as files need them.
func TestGetDetails(t *testing.T) {
	d := open(t)
	d.seed("/a.jpg=0123456789")
	tag := tagOf([]byte("0123456789"))
	since := d.want(200, "GET", "/dav/a.jpg", "").Header.Get("Last-Modified")
	for _, c := range []struct {
		header string
		code   int
		body   string // of a success
		field  string // "Name: value" of the reply
	}{
		{"Range: bytes=0-3", 206, "0123", "Content-Range: bytes 0-3/10"},
		{"Range: bytes=-3", 206, "789", "Content-Range: bytes 7-9/10"},
		{"Range: bytes=8-100", 206, "89", "Content-Range: bytes 8-9/10"},
		{"Range: bytes=0-0", 206, "0", "Accept-Ranges: bytes"},
		{"Range: bytes=10-", 416, "", "Content-Range: bytes */10"},
		{"Range: bytes=5-2", 416, "", ""},
		{"Range: pages=1-2", 416, "", ""},
		{"Range: bytes=2-3\nIf-Range: " + tag, 206, "23", ""},
		{"Range: bytes=2-3\nIf-Range: \"other\"", 200, "0123456789", ""},
		{"Range: bytes=2-3\nIf-Range: " + since, 206, "23", ""},
		{"Range: bytes=2-3\nIf-Range: Mon, 02 Jan 2006 15:04:05 GMT", 200, "0123456789", ""},
		{"If-None-Match: " + tag, 304, "", "Etag: " + tag},
		{"If-None-Match: \"x\", W/" + tag, 304, "", ""},
		{"If-None-Match: *", 304, "", ""},
		{"If-None-Match: \"x\"\nIf-Modified-Since: " + since, 200, "0123456789", ""},
		{"If-Modified-Since: " + since, 304, "", ""},
		{"If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT", 200, "0123456789", ""},
		{"If-Match: \"x\"", 412, "", ""},
		{"If-Match: " + tag, 200, "0123456789", ""},
		{"If-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT", 412, "", ""},
	} {
		get := d.want(c.code, "GET", "/dav/a.jpg", "", strings.Split(c.header, "\n")...)
		if name, value, _ := strings.Cut(c.field, ": "); get.Header.Get(name) != value {
			t.Errorf("%s: %v", c.header, get.Header)
		}
		if c.code < 300 && get.body != c.body {
			t.Errorf("%s: %q", c.header, get.body)
		}
		head := d.want(c.code, "HEAD", "/dav/a.jpg", "", strings.Split(c.header, "\n")...)
		for _, h := range []http.Header{get.Header, head.Header} {
			h.Del("Date")
			if h.Get("Content-Length") == "0" { // of a refusal; may be left away
				h.Del("Content-Length")
			}
		}
		if !maps.EqualFunc(get.Header, head.Header, slices.Equal) || head.body != "" {
			t.Errorf("%s: GET %v, HEAD %v %q", c.header, get.Header, head.Header, head.body)
		}
	}
	many := d.want(206, "GET", "/dav/a.jpg", "", "Range: bytes=0-1,5-6")
	if !strings.HasPrefix(many.Header.Get("Content-Type"), "multipart/byteranges") || !strings.Contains(many.body, "bytes 5-6/10") || !strings.Contains(many.body, "\r\n56\r\n") {
		t.Errorf("%v\n%s", many.Header, many.body)
	}
	for _, method := range []string{"GET", "HEAD"} {
		d.want(404, method, "/dav/a.jpg/below", "")
	}
	d.want(405, "PUT", "/dav/", "x")
	d.want(405, "POST", "/dav/a.jpg", "x")
}
