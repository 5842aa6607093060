package webdav

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"
)

func TestTransfer(t *testing.T) {
	for _, tt := range []struct {
		request string // method, path, destination
		header  string
		code    int
		holds   string // path=content afterwards, "-" for none
	}{
		{"MOVE /a HOST/dav/new", "", 201, "/new=A"},
		{"MOVE /a HOST/dav/new", "", 201, "/a=-"},
		{"MOVE /a /dav/b", "", 204, "/b=B→A"},
		{"MOVE /a /dav/b", "Overwrite: T", 204, "/a=-"},
		{"MOVE /a /dav/b", "Overwrite: F", 412, "/b=B"},
		{"MOVE /a /dav/new", "Overwrite: F", 201, "/new=A"},
		{"MOVE /a /dav/b", "Overwrite: X", 400, "/b=B"},
		{"MOVE /none /dav/b", "Overwrite: T", 404, "/b=B"},
		{"MOVE /a /dav/none/x", "", 409, "/a=A"},
		{"MOVE /a /dav/b/x", "", 409, "/a=A"},
		{"MOVE /a /dav/a", "", 403, "/a=A"},
		{"MOVE /a /dav/dir/../a", "", 403, "/a=A"},
		{"MOVE /dir /dav/dir/sub/in", "", 403, "/dir/sub/f=F"},
		{"MOVE /dir/sub /dav/dir", "", 403, "/dir/sub/f=F"},
		{"MOVE /dir/sub /dav/", "", 403, "/dir/sub/f=F"},
		{"MOVE / /dav/x", "", 403, "/a=A"},
		{"MOVE /dir /dav/dir2", "", 201, "/dir2/sub/f=F"},
		{"MOVE /dir /dav/dir2", "Depth: 0", 400, "/dir/sub/f=F"},
		{"MOVE /dir /dav/dir2", "Depth: infinity", 201, "/dir/sub/f=-"},
		{"MOVE /dir /dav/b", "", 204, "/b/sub/f=F"},
		{"MOVE /a /dav/dir", "", 204, "/dir=A"},
		{"MOVE /a webdav://elsewhere:99/dav/x%20%25y", "", 201, "/x %y=A"},
		{"MOVE /a https://proxy:443/dav/b", "", 204, "/b=B→A"},
		{"MOVE /a HTTP://[::1]:1/dav/new?x#y", "", 201, "/new=A"},
		{"MOVE /a HOST/davf/x", "", 403, "/a=A"},
		{"MOVE /a //dav/x", "", 403, "/a=A"},
		{"MOVE /a new", "", 403, "/a=A"},
		{"COPY /a HOST/davf/x", "", 403, "/a=A"},
		{"MOVE /a /davf/x", "", 403, "/a=A"},
		{"MOVE /a /x", "", 403, "/a=A"},
		{"MOVE /a /dav/../x", "", 403, "/a=A"},
		{"MOVE /a /dav/%2e%2e/x", "", 403, "/a=A"},
		{"MOVE /a /dav/%zz", "", 400, "/a=A"},
		{"MOVE /a /dav/%00", "", 400, "/a=A"},
		{"MOVE /a /dav/%ff", "", 400, "/a=A"},
		{"MOVE /a", "", 400, "/a=A"},
		{"MOVE /a /dav/new", `If-Match: "x"`, 412, "/a=A"},
		{"COPY /a /dav/new", "", 201, "/new=A"},
		{"COPY /a /dav/new", "", 201, "/a=A"},
		{"COPY /a /dav/b", "", 204, "/b=B→A"},
		{"COPY /a /dav/b", "Overwrite: F", 412, "/b=B"},
		{"COPY /none /dav/b", "", 404, "/b=B"},
		{"COPY /a /dav/none/x", "", 409, "/a=A"},
		{"COPY /dir /dav/dir/in", "", 403, "/dir/in/sub/f=-"},
		{"COPY /dir/sub /dav/dir", "", 403, "/dir/sub/f=F"},
		{"COPY /dir /dav/dir2/", "", 201, "/dir2/sub/f=F"},
		{"COPY /dir /dav/dir2", "Depth: 0", 201, "/dir2/sub/f=-"},
		{"COPY /dir /dav/dir2", "Depth: 1", 400, "/dir2/sub/f=-"},
		{"COPY /a /dav/refused", "", 403, "/refused=-"},
		{"MOVE /a /dav/refused", "", 403, "/a=A"},
	} {
		d := open(t)
		d.seed("/a=A", "/b=B", "/dir/sub/f=F")
		d.fs.admit = func(p string, _ int64) error {
			if p == "/refused" {
				return fs.ErrPermission
			}
			return nil
		}
		part := strings.Fields(tt.request)
		header := []string{}
		if len(part) > 2 {
			header = append(header, "Destination: "+part[2])
		}
		if tt.header != "" {
			header = append(header, tt.header)
		}
		t.Log(tt.request, tt.header)
		d.want(tt.code, part[0], "/dav"+part[1], "", header...)
		file, content, _ := strings.Cut(tt.holds, "=")
		if _, after, ok := strings.Cut(content, "→"); ok {
			content = after
		}
		d.holds(file, content)
	}
}

// TestWithoutOptional: a tree that knows nothing but afero's methods is served
// as far as that goes.
func TestWithoutOptional(t *testing.T) {
	mem := afero.NewMemMapFs()
	d := open(t, func(o *Options) {
		o.FS = func(*http.Request) (afero.Fs, error) { return mem, nil }
	})
	d.want(201, "PUT", "/dav/a.txt", "x")
	r := d.want(200, "GET", "/dav/a.txt", "")
	if r.body != "x" || r.Header.Get("ETag") == "" {
		t.Errorf("%q %v", r.body, r.Header)
	}
	d.want(207, "PROPFIND", "/dav/", "", "Depth: 1")
	d.want(405, "MOVE", "/dav/a.txt", "", "Destination: /dav/b")
	d.want(405, "COPY", "/dav/a.txt", "", "Destination: /dav/b")
	d.want(204, "DELETE", "/dav/a.txt", "")
	d = open(t, func(o *Options) {
		o.FS = func(*http.Request) (afero.Fs, error) { return nil, errors.New("no index") }
	})
	d.want(500, "GET", "/dav/", "")
}

func FuzzDestination(f *testing.F) {
	for _, s := range []string{"/dav/x", "http://h/dav/%2e%2e/x", "webdav://h:1/dav//a/./b/", "/dav", "//dav/x", "dav:x", "/dav/%2F..%2f..", "",
		"http://192.168.1.5/dav/a%20b/", "https://h:8443/dav/Gr%C3%BC%C3%9Fe.jpg", "/dav/Gru\u0308\u00dfe.jpg", "http://h/davf/x", "HTTP://u:p@h/dav/x?y#z"} {
		f.Add(s)
	}
	h := New(Options{Prefix: "/dav"})
	f.Fuzz(func(t *testing.T, s string) {
		q := &request{Handler: h, path: "/a", r: &http.Request{Header: http.Header{"Destination": {s}}}}
		name, err := q.destination()
		if err != nil {
			if code := answerTo(err).code; code != 400 && code != 403 {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if name != path.Clean("/"+name) || strings.Contains(name, "/../") || !validPath(name) {
			t.Errorf("%q gave %q", s, name)
		}
		// What we write as a URL leads back to the same path.
		u, err := url.Parse(h.href(name, false))
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if again, ok := h.within(u.Path); !ok || again != name {
			t.Errorf("%q came back as %q", name, again)
		}
	})
}

func FuzzXML(f *testing.F) {
	f.Add([]byte(lockBody))
	f.Add([]byte(`<propfind xmlns="DAV:"><prop><a:b xmlns:a=""/></prop></propfind>`))
	f.Add([]byte(`<propertyupdate xmlns="DAV:"><set><prop><a>1</a></prop></set></propertyupdate>`))
	mem := afero.NewMemMapFs()
	h := New(Options{FS: func(*http.Request) (afero.Fs, error) { return mem, nil }})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, method := range []string{"PROPFIND", "PROPPATCH"} {
			r, err := http.NewRequest(method, "/", strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Depth", "0")
			w := newRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 207 && w.Code != 400 && w.Code != 413 {
				t.Errorf("%s %q: %d %s", method, body, w.Code, w.Body)
			}
		}
	})
}
