package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// webOnly is a gateway with one user of each kind of rights, that hosts what is
// put into /inbox itself.
const webOnly = `
[web]
listen = "127.0.0.1:0"
trusted_proxies = ["127.0.0.0/8"]
[ftp]
listen = ""
[[user]]
name = "full"
password = "env:PASSWORD"
[[user]]
name = "read"
password = "env:PASSWORD"
rights = "read"
[[user]]
name = "drop"
password = "env:PASSWORD"
rights = "drop"
[[user]]
name = "careful"
password = "env:PASSWORD"
require_tls = true
[destination.home]
driver = "local"
max_size = "3MiB"
[[route]]
path = "/inbox/{rest...}"
to = ["home"]
[settle]
quiet = "0s"
incomplete_after = "0s"
`

// davSite is a gateway of webOnly that runs.
type davSite struct {
	*testing.T
	url string
}

func newSite(t *testing.T) davSite {
	t.Helper()
	a, _ := testApp(t, webOnly, map[string]string{"PASSWORD": "correct-horse"})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return davSite{t, "http://" + a.address("web")}
}

// told is what a request was answered.
type told struct {
	code   int
	header http.Header
	body   string
}

// do sends one request of user ("": nobody signs in).
func (s davSite) do(user, method, path, body string, fields ...string) told {
	s.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, "correct-horse")
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return told{resp.StatusCode, resp.Header, string(text)}
}

func (s davSite) want(code int, user, method, path, body string, fields ...string) told {
	s.Helper()
	r := s.do(user, method, path, body, fields...)
	if r.code != code {
		s.Fatalf("%s %s %s %q: %d, want %d\n%s", user, method, path, fields, r.code, code, r.body)
	}
	return r
}

// pictureOf is a whole GIF unlike any other.
func pictureOf(name string) string {
	gif := "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xfe"
	return gif + string(rune(len(name))) + name + "\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
}

// done waits until a file is hosted, and returns its receipt's URL.
func (s davSite) done(path string) string {
	s.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var receipt struct{ Uploads []struct{ State, URL string } }
		if r := s.do("full", "GET", path+".json", ""); r.code == 200 && json.Unmarshal([]byte(r.body), &receipt) == nil &&
			len(receipt.Uploads) == 1 && receipt.Uploads[0].State == "done" {
			return receipt.Uploads[0].URL
		}
	}
	s.Fatalf("%s is not hosted in time", path)
	return ""
}

// TestHostedURLInHTTP: once a file is hosted, GET and HEAD say where, as the .url
// beside it does, and the page of its folder links there.
func TestHostedURLInHTTP(t *testing.T) {
	s := newSite(t)
	put := s.want(201, "full", "PUT", "/dav/inbox/a.gif", pictureOf("a"))
	url := s.done("/dav/inbox/a.gif")
	for _, user := range []string{"full", "read"} {
		for _, method := range []string{"GET", "HEAD"} {
			if got := s.want(200, user, method, "/dav/inbox/a.gif", "").header; got.Get("Link") != "<"+url+`>; rel="canonical"` || got.Get("ETag") != put.header.Get("ETag") {
				t.Errorf("%s %s: %v", user, method, got)
			}
		}
		shortcut := s.want(200, user, "GET", "/dav/inbox/a.gif.url", "")
		if !strings.Contains(shortcut.body, "URL="+url+"\r\n") || shortcut.header.Get("Link") != "" {
			t.Errorf("%q %v", shortcut.body, shortcut.header)
		}
		page := s.want(200, user, "GET", "/dav/inbox", "").body
		if !strings.Contains(page, `<a href="`+url+`" rel="noopener noreferrer"`) || !strings.Contains(page, `>done<`) ||
			!strings.Contains(page, `href="/dav/inbox/a.gif.json" aria-label="json of a.gif"`) || strings.Count(page, "<tr") != 2 {
			t.Error(page)
		}
	}
	if put.header.Get("Link") != "" || put.header.Get("Location") != "" {
		t.Errorf("PUT: %v", put.header)
	}
	// Other bytes are not hosted because those before them were.
	s.want(201, "full", "PUT", "/dav/inbox/note.part", "x")
	if h := s.want(200, "full", "GET", "/dav/inbox/note.part", "").header; h.Get("Link") != "" {
		t.Errorf("a file that is not forwarded: %v", h)
	}
	if page := s.want(200, "full", "GET", "/dav/inbox/", "").body; !strings.Contains(page, "not forwarded") {
		t.Error(page)
	}
}

// TestTooLarge: over every destination's limit is 413, however the length is told.
func TestTooLarge(t *testing.T) {
	s := newSite(t)
	big := pictureOf("big") + strings.Repeat("x", 4<<20)
	s.want(413, "full", "PUT", "/dav/inbox/big.gif", big)
	r, err := http.NewRequest("PUT", s.url+"/dav/inbox/chunked.gif", io.LimitReader(endless{}, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("full", "correct-horse")
	if resp, err := http.DefaultTransport.RoundTrip(r); err == nil { // else the connection was closed first
		if resp.Body.Close(); resp.StatusCode != 413 {
			t.Errorf("chunked: %s", resp.Status)
		}
	}
	s.want(404, "full", "GET", "/dav/inbox/chunked.gif", "")
	s.want(404, "full", "GET", "/dav/inbox/big.gif", "")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestTrustedProxies: who asks, and whether over TLS, is believed of the proxies
// that are named, here all of 127.0.0.0/8, and of nobody else.
func TestTrustedProxies(t *testing.T) {
	s := newSite(t)
	s.want(207, "careful", "PROPFIND", "/dav/", "", "Depth: 0") // from this machine itself
	s.want(403, "careful", "PROPFIND", "/dav/", "", "Depth: 0", "X-Forwarded-For: 198.51.100.7")
	s.want(403, "careful", "PROPFIND", "/dav/", "", "Depth: 0", "X-Forwarded-For: 127.0.0.1, 198.51.100.7", "X-Forwarded-Proto: http")
	s.want(207, "careful", "PROPFIND", "/dav/", "", "Depth: 0", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
	s.want(207, "careful", "PROPFIND", "/dav/", "", "Depth: 0", "Forwarded: for=198.51.100.7;proto=https")
	// What drops files sees those of its own address alone.
	s.want(201, "drop", "PUT", "/dav/inbox/mine.gif", pictureOf("mine"), "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
	s.want(200, "drop", "HEAD", "/dav/inbox/mine.gif", "", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
	s.want(404, "drop", "HEAD", "/dav/inbox/mine.gif", "", "X-Forwarded-For: 198.51.100.8", "X-Forwarded-Proto: https")
	s.want(404, "drop", "HEAD", "/dav/inbox/mine.gif", "")
}

// TestPlain: another machine is not even asked for a password over a plain
// connection.
func TestPlain(t *testing.T) {
	s := newSite(t)
	for _, user := range []string{"", "full"} {
		r := s.want(403, user, "PROPFIND", "/dav/", "", "Depth: 0", "X-Forwarded-For: 198.51.100.7")
		if r.header.Get("WWW-Authenticate") != "" || !strings.Contains(r.body, "web.allow_plain") {
			t.Errorf("%v %s", r.header, r.body)
		}
	}
	s.want(207, "full", "PROPFIND", "/dav/", "", "Depth: 0", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
	s.want(401, "", "PROPFIND", "/dav/", "", "Depth: 0", "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")
}

// TestRoot: what Windows asks at the server's root, and what a browser does.
func TestRoot(t *testing.T) {
	s := newSite(t)
	for _, method := range []string{"OPTIONS", "PROPFIND"} {
		if r := s.want(401, "", method, "/", "", "Depth: 0"); !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: %v", method, r.header)
		}
	}
	for _, path := range []string{"/", "/dav", "/dav/", "/dav/inbox"} {
		if h := s.want(200, "full", "OPTIONS", path, "").header; h.Get("DAV") != "1, 2, 3" || h.Get("MS-Author-Via") != "DAV" || !strings.Contains(h.Get("Allow"), "PROPFIND") {
			t.Errorf("OPTIONS %s: %v", path, h)
		}
		s.want(207, "full", "PROPFIND", path, "", "Depth: 0")
	}
	if r := s.want(303, "", "GET", "/", ""); r.header.Get("Location") != "/sign-in" {
		t.Errorf("%v", r.header)
	}
}

// tree is what user sees, file by file.
func (s davSite) tree(user string) string {
	var all strings.Builder
	for _, dir := range []string{"/dav/", "/dav/inbox/", "/dav/inbox/dir/"} {
		all.WriteString(s.want(207, user, "PROPFIND", dir, "", "Depth: 1").body)
	}
	return all.String()
}

const setProperty = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">1</x></D:prop></D:set></D:propertyupdate>`
const lockIt = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`

// TestReadUserWritesNothing: by no method, and nothing changes.
func TestReadUserWritesNothing(t *testing.T) {
	s := newSite(t)
	s.want(201, "full", "MKCOL", "/dav/inbox/dir", "")
	for _, name := range []string{"a.gif", "dir/b.gif", "locked.gif"} {
		s.want(201, "full", "PUT", "/dav/inbox/"+name, pictureOf(name))
		s.done("/dav/inbox/" + name)
	}
	before := s.tree("full")
	token := s.want(200, "full", "LOCK", "/dav/inbox/locked.gif", lockIt).header.Get("Lock-Token")
	for _, c := range []struct{ method, path, body, fields string }{
		{"PUT", "new.gif", pictureOf("new"), ""},
		{"PUT", "empty", "", ""},
		{"PUT", "x.part", "temporary", ""},
		{"PUT", "a.gif", pictureOf("other"), ""},
		{"PUT", "a.gif.json", "{}", ""},
		{"DELETE", "a.gif", "", ""},
		{"DELETE", "dir", "", ""},
		{"DELETE", "a.gif.url", "", ""},
		{"MKCOL", "new", "", ""},
		{"MOVE", "a.gif", "", "Destination: /dav/inbox/z.gif"},
		{"MOVE", "dir", "", "Destination: /dav/inbox/z"},
		{"COPY", "a.gif", "", "Destination: /dav/inbox/z.gif"},
		{"COPY", "dir", "", "Destination: /dav/z"},
		{"PROPPATCH", "a.gif", setProperty, ""},
		{"PROPPATCH", "dir", setProperty, ""},
		{"LOCK", "unmapped.gif", lockIt, ""},
		{"LOCK", "a.gif", lockIt, ""},
		{"LOCK", "dir", lockIt, "Depth: infinity"},
		{"UNLOCK", "locked.gif", "", "Lock-Token: " + token},
	} {
		r := s.do("read", c.method, "/dav/inbox/"+c.path, c.body, slices.DeleteFunc([]string{c.fields}, func(f string) bool { return f == "" })...)
		if r.code != 403 && !(r.code == 207 && strings.Contains(r.body, "403 Forbidden") && !strings.Contains(r.body, "200 OK")) && !(c.path == "a.gif.url" && r.code == 204) {
			t.Errorf("%s %s: %d\n%s", c.method, c.path, r.code, r.body)
		}
	}
	s.want(204, "full", "UNLOCK", "/dav/inbox/locked.gif", "", "Lock-Token: "+token)
	if after := s.tree("full"); after != before {
		t.Errorf("what there is was\n%s\nand is\n%s", before, after)
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		s.want(200, "read", method, "/dav/inbox/a.gif", "")
	}
}

// normal takes out of an answer what may differ between any two requests.
func (r told) normal(name string) string {
	for _, h := range []string{"Date", "Last-Modified", "Lock-Token"} {
		r.header.Del(h)
	}
	fields := make([]string, 0, len(r.header))
	for name, values := range r.header {
		fields = append(fields, fmt.Sprint(name, values))
	}
	slices.Sort(fields)
	all := fmt.Sprint(r.code, fields, r.body)
	return regexp.MustCompile(`opaquelocktoken:[-0-9a-f]+|[0-9T:-]+Z|\w\w\w, \d\d \w\w\w \d+ [0-9:]+ GMT`).ReplaceAllString(strings.ReplaceAll(all, name, "NAME"), "…")
}

// TestDropUserSeesNothingOfOthers: whatever is asked of another's file is answered
// as if there were none.
func TestDropUserSeesNothingOfOthers(t *testing.T) {
	s := newSite(t)
	tag := s.want(201, "full", "PUT", "/dav/inbox/their.gif", pictureOf("their")).header.Get("ETag")
	s.done("/dav/inbox/their.gif")
	s.want(201, "drop", "PUT", "/dav/inbox/own.gif", pictureOf("own"))
	s.done("/dav/inbox/own.gif")
	if h := s.want(200, "drop", "HEAD", "/dav/inbox/own.gif", "").header; h.Get("Link") != "" {
		t.Errorf("who may not read is told where it can be read: %v", h)
	}
	for _, view := range []string{"their.gif.json", "their.gif.url", "_links.csv", "_links.html"} {
		s.want(404, "drop", "GET", "/dav/inbox/"+view, "")
		s.want(404, "drop", "HEAD", "/dav/inbox/"+view, "")
	}
	for _, r := range []told{s.want(200, "drop", "GET", "/dav/inbox/", ""), s.want(207, "drop", "PROPFIND", "/dav/inbox/", "", "Depth: 1")} {
		if strings.Contains(r.body, "their") || !strings.Contains(r.body, "own.gif") || strings.Contains(r.body, "/i/") {
			t.Errorf("%s", r.body)
		}
	}
	for i, c := range []struct{ method, body, fields string }{
		{"GET", "", ""}, {"HEAD", "", ""},
		{"GET", "", "If-None-Match: *"}, {"GET", "", "If-None-Match: " + tag}, {"GET", "", "If-Match: " + tag}, {"GET", "", "Range: bytes=0-0"},
		{"PROPFIND", "", "Depth: 0"}, {"PROPFIND", "", "Depth: 1"},
		{"DELETE", "", ""}, {"DELETE", "", "If-Match: " + tag},
		{"MOVE", "", "Destination: /dav/inbox/taken.gif"}, {"COPY", "", "Destination: /dav/inbox/taken.gif"},
		{"PROPPATCH", setProperty, ""},
		{"UNLOCK", "", "Lock-Token: <opaquelocktoken:x>"},
		{"LOCK", lockIt, "Depth: 0"},
		// Not MKCOL: that a file has the name of a folder to be made cannot be hidden.
		{"PUT", pictureOf("new"), "If-Match: *"}, {"PUT", pictureOf("new"), "If-Match: " + tag}, {"PUT", pictureOf("new"), "If-None-Match: *"},
		{"PUT", pictureOf("new"), "If: ([" + tag + "])"}, {"PUT", pictureOf("new"), "If: (Not [" + tag + "])"}, {"PUT", pictureOf("new"), "If-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT"},
		{"PUT", pictureOf("new"), ""}, {"POST", "", ""},
	} {
		// A pair for each, so that nothing of the one before shows.
		their, none := fmt.Sprintf("theirs-%02d.gif", i), fmt.Sprintf("nobody-%02d.gif", i)
		s.want(201, "full", "PUT", "/dav/inbox/"+their, pictureOf("their"))
		var fields []string
		if c.fields != "" {
			fields = []string{c.fields}
		}
		is := s.do("drop", c.method, "/dav/inbox/"+their, c.body, fields...).normal(their)
		if not := s.do("drop", c.method, "/dav/inbox/"+none, c.body, fields...).normal(none); is != not {
			t.Errorf("%s %s: another's file is told from none:\n%s\n%s", c.method, c.fields, is, not)
		}
		if r := s.want(200, "full", "GET", "/dav/inbox/"+their, ""); r.body != pictureOf("their") {
			t.Errorf("%s %s changed another's file", c.method, c.fields)
		}
	}
	// The same through a request about its own file.
	for _, own := range [][]string{
		{"MOVE", "Destination: /dav/inbox/%s", "Overwrite: F"}, {"COPY", "Destination: /dav/inbox/%s"}, {"HEAD", "If: </dav/inbox/%s> ([" + tag + "])"},
		{"DELETE", "If: </dav/inbox/%s> ([" + tag + "])"},
	} {
		ask := func(name string) string {
			mine := rand.Text() + ".gif"
			s.want(201, "drop", "PUT", "/dav/inbox/"+mine, pictureOf(mine))
			var fields []string
			for _, f := range own[1:] {
				fields = append(fields, strings.ReplaceAll(f, "%s", name))
			}
			r := s.do("drop", own[0], "/dav/inbox/"+mine, "", fields...)
			r.header.Del("ETag")
			return strings.ReplaceAll(r.normal(name), mine, "MINE")
		}
		if is, not := ask("their.gif"), ask("gone.gif"); is != not {
			t.Errorf("%q: another's file is told from none:\n%s\n%s", own, is, not)
		}
	}
}

// TestDropUserCanWork: what a client does to put a file, and no more.
func TestDropUserCanWork(t *testing.T) {
	s := newSite(t)
	s.want(201, "full", "PUT", "/dav/inbox/final.gif", pictureOf("their"))
	s.want(201, "drop", "MKCOL", "/dav/inbox/new", "")
	s.want(201, "drop", "PUT", "/dav/inbox/new/x.part", pictureOf("x"))
	s.want(201, "drop", "MOVE", "/dav/inbox/new/x.part", "", "Destination: /dav/inbox/final.gif")
	s.want(200, "drop", "HEAD", "/dav/inbox/final.gif", "")
	s.want(403, "drop", "GET", "/dav/inbox/final.gif", "")
	s.want(403, "drop", "COPY", "/dav/inbox/final.gif", "", "Destination: /dav/inbox/copy.gif")
	lock := s.want(201, "drop", "LOCK", "/dav/inbox/locked.gif", lockIt, "Depth: 0").header.Get("Lock-Token")
	s.want(204, "drop", "PUT", "/dav/inbox/locked.gif", pictureOf("locked"), "If: ("+lock+")")
	s.want(204, "drop", "UNLOCK", "/dav/inbox/locked.gif", "", "Lock-Token: "+lock)
	s.want(204, "drop", "DELETE", "/dav/inbox/locked.gif", "")
	s.want(403, "drop", "PUT", "/dav/inbox/.album.toml", "x")
	s.want(403, "drop", "DELETE", "/dav/inbox", "")
	if r := s.want(200, "full", "GET", "/dav/inbox/final.gif", ""); r.body != pictureOf("their") {
		t.Error("another's file was overwritten")
	}
	if r := s.want(200, "full", "GET", "/dav/inbox/final%20(1).gif", ""); r.body != pictureOf("x") {
		t.Error("the file is not under the next number")
	}
}

// TestSilentStranger: who does not sign in does not hold a connection by a body
// that never comes; who signs in is asked for it as long as bytes come.
func TestSilentStranger(t *testing.T) {
	s := newSite(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PUT /dav/inbox/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 12)
	if _, err := io.ReadFull(conn, reply); err != nil || string(reply) != "HTTP/1.1 401" {
		t.Errorf("%q %v", reply, err)
	}
}

// TestWebMistakes: what cannot hold is told with its line.
func TestWebMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"[web]\ntrusted_proxies = ['10.0.0.1', 'nginx']": `config.toml:2:32: web.trusted_proxies[2]: "nginx" is no address of a proxy`,
		"[web]\nupload_rate = '100B'":                    `config.toml:2: web.upload_rate: it must be 0 (no limit) or at least "1KiB" a second`,
	} {
		if _, err := loadConfig(writeConfig(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
