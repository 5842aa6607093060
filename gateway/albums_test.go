package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// withAlbums is webOnly with public folders, one of which has a private folder in it.
var withAlbums = strings.Replace(webOnly, "[[route]]\n", `[[route]]
path = "/show/private/{rest...}"
to = ["home"]
[[route]]
path = "/show/{rest...}"
to = ["home"]
public = true
[[route]]
`, 1)

func albumSite(t *testing.T) davSite {
	t.Helper()
	a, _ := testApp(t, withAlbums, map[string]string{"PASSWORD": "correct-horse"})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return davSite{t, "http://" + a.address("web")}
}

// feed returns the JSON feed of an album once it has n items.
func (s davSite) feed(path string, n int) (feed struct {
	Title string
	Items []struct{ ID, Title, Image string }
}) {
	s.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err := json.Unmarshal([]byte(s.want(200, "", "GET", path+"feed.json", "").body), &feed); err != nil {
			s.Fatal(err)
		}
		if len(feed.Items) == n {
			return feed
		}
	}
	s.Fatalf("%s has %d items, not %d", path, len(feed.Items), n)
	return feed
}

// TestAlbum: pictures of public folders are shown to everybody once they are done, and
// nothing else is.
func TestAlbum(t *testing.T) {
	s := albumSite(t)
	for _, dir := range []string{"/show/2026", "/show/empty", "/show/undone", "/show/private/deep"} {
		s.want(201, "full", "MKCOL", "/dav"+dir+"/", "")
	}
	for _, name := range []string{"/show/a.gif", "/show/2026/b.gif", "/show/private/secret.gif", "/show/private/deep/secret.gif", "/inbox/lurking.gif"} {
		s.want(201, "full", "PUT", "/dav"+name, pictureOf(name))
		s.done("/dav" + name)
	}
	s.want(201, "full", "PUT", "/dav/show/undone/half.gif", pictureOf("half")[:20])
	s.want(201, "full", "PUT", "/dav/show/half.gif", pictureOf("half")[:20])
	s.want(201, "full", "PUT", "/dav/show/notes.txt", "secret notes")
	s.done("/dav/show/notes.txt")

	first := s.feed("/album/show/", 1)
	if first.Title != "show" || first.Items[0].Title != "a.gif" || !strings.HasPrefix(first.Items[0].ID, "urn:slipway:") {
		t.Errorf("%+v", first)
	}
	page := s.want(200, "", "GET", "/album/show/", "")
	if !strings.Contains(page.body, `href="`+first.Items[0].Image+`"`) || !strings.Contains(page.body, `href="/album/show/2026/"`) ||
		strings.Contains(page.header.Get("Set-Cookie"), "=") {
		t.Error(page)
	}
	for _, word := range []string{"private", "secret", "empty", "undone", "half", "notes", "lurking", "inbox"} {
		if strings.Contains(page.body, word) {
			t.Errorf("the gallery shows %q:\n%s", word, page.body)
		}
	}
	latest := s.want(302, "", "GET", "/album/show/latest.jpg", "")
	if latest.header.Get("Location") != first.Items[0].Image || latest.header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%+v", latest)
	}
	picture, err := url.Parse(latest.header.Get("Location"))
	if err != nil || s.want(200, "", "GET", picture.Path, "").body != pictureOf("/show/a.gif") {
		t.Error("the newest picture is another", err)
	}
	s.want(304, "", "GET", "/album/show/", "", "If-None-Match: "+page.header.Get("ETag"))
	for _, path := range []string{"/album/", "/album/inbox/", "/album/show/private/", "/album/show/private/deep/", "/album/show/a.gif/", "/album/show/a.gif", "/album/nothing/", "/album/show/none/"} {
		for _, user := range []string{"", "full"} {
			if got := s.want(404, user, "GET", path, ""); got.body != "there is no album here\n" {
				t.Errorf("%s: %q", path, got.body)
			}
		}
	}
	a, _ := testApp(t, withAlbums, map[string]string{"PASSWORD": "correct-horse"})
	for dir, want := range map[string]string{"/show/a b": a.publicURL() + "/album/show/a%20b/", "/show/private": "", "/": "", "/inbox": ""} {
		if got := a.albumAddress(dir); got != want {
			t.Errorf("the album of %s is at %q, not %q", dir, got, want)
		}
	}
	// What is deleted here, or replaced, is not shown any more.
	s.want(204, "full", "DELETE", "/dav/show/a.gif", "")
	s.feed("/album/show/", 0)
}

// TestAlbumShowsItsOwnNames: where the same bytes lie in a private folder too, by another
// name, nobody is told that.
func TestAlbumShowsItsOwnNames(t *testing.T) {
	s := albumSite(t)
	for _, name := range []string{"/show/private/secret.gif", "/show/open.gif"} {
		s.want(201, "full", "PUT", "/dav"+name, pictureOf("the same"))
		s.done("/dav" + name)
	}
	s.want(201, "full", "COPY", "/dav/show/private/secret.gif", "", "Destination: "+s.url+"/dav/show/copy.gif")
	s.done("/dav/show/copy.gif")
	for _, item := range s.feed("/album/show/", 2).Items {
		u, err := url.Parse(item.Image)
		if err != nil || !strings.HasSuffix(u.Path, "/"+item.Title) || s.want(200, "", "GET", u.Path, "").body != pictureOf("the same") {
			t.Errorf("%+v %v", item, err)
		}
	}
	for _, path := range []string{"", "feed.xml", "feed.json"} {
		if r := s.want(200, "", "GET", "/album/show/"+path, ""); strings.Contains(r.body, "secret") {
			t.Errorf("%s tells of a private file:\n%s", path, r.body)
		}
	}
}

// TestHostileNamesEverywhere puts files with hostile names, and has every output that
// shows them parsed: sidecars, the folder's lists, the album and its feeds.
func TestHostileNamesEverywhere(t *testing.T) {
	s := albumSite(t)
	names := []string{
		`<img src=x onerror=alert(1)>.gif`, `"><script src=x>alert(1).gif`, "evil\u202efig.exe.gif", strings.Repeat("ä", 125) + ".gif",
		"new\nline\r.gif", "]](x) [y](javascript:z).gif", "=1+1.gif", "%00%0a%3Cb%3E.gif", "'\"`{{.}}.gif",
	}
	dir := "/dav/show/" + url.PathEscape("<b onclick=x>\u202e")
	s.want(201, "full", "MKCOL", dir, "")
	put := 0
	for _, name := range names {
		r := s.do("full", "PUT", dir+"/"+url.PathEscape(name), pictureOf(fmt.Sprint(put)))
		if strings.ContainsAny(name, "\n\r") && r.code >= 400 && r.code < 500 {
			continue // such a name is not taken at all
		}
		if r.code != 201 {
			t.Fatalf("%q: %d %s", name, r.code, r.body)
		}
		put++
	}
	album := strings.Replace(dir, "/dav/", "/album/", 1) + "/"
	feed := s.feed(album, put)
	for _, item := range feed.Items {
		if strings.ContainsAny(item.Title, "\u202e\n\r") {
			t.Errorf("the feed shows %q", item.Title)
		}
	}
	rss := s.want(200, "", "GET", album+"feed.xml", "").body
	var x struct {
		Channel struct {
			Items []struct{ Title string } `xml:"item"`
		} `xml:"channel"`
	}
	if err := xml.Unmarshal([]byte(rss), &x); err != nil || len(x.Channel.Items) != put || strings.ContainsRune(rss, '\u202e') {
		t.Errorf("%v, %d items: %s", err, len(x.Channel.Items), rss)
	}
	harmless(t, "gallery", s.want(200, "", "GET", album, "").body, put)
	harmless(t, "gallery above", s.want(200, "", "GET", "/album/show/", "").body, 0)
	harmless(t, "_links.html", s.want(200, "full", "GET", dir+"/_links.html", "").body, put)
	harmless(t, "page", s.want(200, "full", "GET", dir+"/", "").body, 0)
}

// harmless fails on markup in an HTML document that is not its own: scripts, handlers,
// addresses that are none, characters that reorder others.
func harmless(t *testing.T, what, body string, images int) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(body, "\u202e\x00") {
		t.Errorf("%s has characters that reorder others", what)
	}
	found := 0
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "b" && len(n.Attr) > 0) {
			t.Errorf("%s has <%s>", what, n.Data)
		}
		if n.Type == html.ElementNode && n.Data == "img" {
			found++
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || (a.Key == "href" || a.Key == "src") && strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") {
				t.Errorf("%s has %s=%q", what, a.Key, a.Val)
			}
		}
	}
	if found != images {
		t.Errorf("%s has %d images, not %d", what, found, images)
	}
}
