package album

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// tree is a Source of folders by path.
type tree map[string]*folder

type folder struct {
	pictures []Picture // by name
	folders  []string
	asked    atomic.Int32
	err      error
}

func (t tree) Open(_ context.Context, path string) (Folder, error) {
	if f := t[path]; f != nil {
		return f, nil
	}
	return nil, fs.ErrNotExist
}

func (f *folder) Pictures(_ context.Context, after string, limit int) ([]Picture, error) {
	i, _ := slices.BinarySearchFunc(f.pictures, after, func(p Picture, name string) int { return strings.Compare(p.Name, name) })
	for i < len(f.pictures) && f.pictures[i].Name <= after {
		i++
	}
	return f.pictures[i:min(i+limit, len(f.pictures))], f.err
}

func (f *folder) Newest(_ context.Context, limit int) ([]Picture, error) {
	f.asked.Add(1)
	list := slices.Clone(f.pictures)
	slices.SortStableFunc(list, func(a, b Picture) int { return b.Hosted.Compare(a.Hosted) })
	return list[:min(limit, len(list))], f.err
}

func (f *folder) Folders(context.Context) ([]string, error) { return f.folders, f.err }

func picture(name string, n int) Picture {
	return Picture{ID: fmt.Sprint("id", n), Name: name, Type: "image/png", Size: 100, Modified: noon, Hosted: noon.Add(time.Duration(n) * time.Minute),
		URL: fmt.Sprintf("https://i.example/%d.png", n), Thumbnail: fmt.Sprintf("https://t.example/%d.png", n), Page: fmt.Sprintf("https://example/p/%d", n)}
}

func handler(t tree) *Handler {
	return &Handler{Source: t, Base: func() string { return "https://me.example/" }, Log: slog.New(slog.DiscardHandler)}
}

func get(h *Handler, path string, fields ...string) *httptest.ResponseRecorder {
	method := http.MethodGet
	r := httptest.NewRequest(method, "http://x/", nil)
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	r.URL.Path, r.URL.RawQuery = u.Path, u.RawQuery
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if r.Header.Set(name, value); name == "Method" {
			r.Method = value
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestGallery(t *testing.T) {
	h := handler(tree{"/a b": {pictures: []Picture{picture("x.png", 1), picture("y.png", 2)}, folders: []string{"2026", "ä/b"}}})
	w := get(h, "/album/a%20b/")
	body := w.Body.String()
	for _, want := range []string{"<title>a b</title>", `src="https://t.example/1.png"`, `href="https://i.example/2.png"`, `href="https://example/p/1"`,
		`href="/album/a%20b/2026/"`, `href="latest.jpg"`, `href="feed.xml"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	sum := sha256.Sum256([]byte(style))
	csp := w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.Contains(csp, "default-src 'none'; img-src 'self' https://t.example; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") ||
		!strings.Contains(body, "<style>"+style+"</style>") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if strings.Contains(body, "<script") || len(body) > 150<<10 {
		t.Error(body)
	}
	again := get(h, "/album/a%20b/", "If-None-Match: \"x\", W/"+w.Header().Get("ETag"))
	if again.Code != 304 || again.Body.Len() > 0 || again.Header().Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("%d %v", again.Code, again.Header())
	}
	if head := get(h, "/album/a%20b/", "Method: HEAD"); head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("Content-Length") != fmt.Sprint(len(body)) {
		t.Errorf("%d %v", head.Code, head.Header())
	}
	if r := get(h, "/album/a%20b"); r.Code != 302 || r.Header().Get("Location") != "/album/a%20b/" {
		t.Errorf("%d %v", r.Code, r.Header())
	}
	if r := get(h, "/album/a%20b/", "Method: POST"); r.Code != 405 || r.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", r.Code, r.Header())
	}
}

// TestAfterIsNoName: what can be no name is not looked for, which databases refuse to,
// and nobody is told.
func TestAfterIsNoName(t *testing.T) {
	f := &folder{pictures: []Picture{picture("x.png", 1)}}
	for _, after := range []string{"%00", "a%00b", "%ff", "a%c3", "%ed%a0%80"} {
		if w := get(handler(tree{"/a": f}), "/album/a/?after="+after); w.Code != 404 || w.Body.String() != "there is no album here\n" {
			t.Errorf("%s: %d %s", after, w.Code, w.Body)
		}
	}
	if w := get(handler(tree{"/a": f}), "/album/a/?after=%c3%a4%ef%bf%bd"); w.Code != 200 {
		t.Error(w.Code)
	}
}

// TestNotPublic: what is not public is not there, in every form.
func TestNotPublic(t *testing.T) {
	h := handler(tree{"/public": {}, "/broken": {err: errors.New("no disk at /secret")}})
	for _, dir := range []string{"/album/", "/album/secret/", "/album/public/../secret/", "/album//secret/", "/album/" + strings.Repeat("x", 5000) + "/"} {
		for _, file := range []string{"", "feed.xml", "feed.json", "latest.jpg", "secret", "x/"} {
			if w := get(h, dir+file); w.Code != 404 || w.Body.String() != "there is no album here\n" {
				t.Errorf("%s%s: %d %s", dir[:min(len(dir), 99)], file, w.Code, w.Body)
			}
		}
	}
	for _, file := range []string{"", "feed.xml", "feed.json", "latest.jpg"} {
		if w := get(h, "/album/broken/"+file); w.Code != 503 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", file, w.Code, w.Body)
		}
	}
	if w := get(h, "/album/public/"); w.Code != 200 || !strings.Contains(w.Body.String(), "no pictures here yet") {
		t.Error(w.Code, w.Body)
	}
	if w := get(h, "/album/public/latest.jpg"); w.Code != 404 {
		t.Error(w.Code)
	}
}

func TestLatest(t *testing.T) {
	f := &folder{pictures: []Picture{picture("a.png", 3), picture("b.png", 9), picture("c.png", 1)}}
	h := handler(tree{"/p": f})
	for _, name := range []string{"latest.jpg", "latest.png", "latest.webp", "latest"} {
		w := get(h, "/album/p/"+name)
		if w.Code != 302 || w.Header().Get("Location") != "https://i.example/9.png" || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	if n := f.asked.Load(); n != 1 {
		t.Errorf("four questions at once were %d looks", n)
	}
}

// TestRecent: an answer is kept for a moment, and not longer.
func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &folder{pictures: []Picture{picture("a.png", 1)}}
		h := handler(tree{"/p": f})
		get(h, "/album/p/latest.jpg")
		f.pictures = append(f.pictures, picture("b.png", 2))
		if w := get(h, "/album/p/latest.jpg"); w.Header().Get("Location") != "https://i.example/1.png" {
			t.Error("it was asked again at once")
		}
		time.Sleep(recentLife)
		if w := get(h, "/album/p/latest.jpg"); w.Header().Get("Location") != "https://i.example/2.png" {
			t.Error("it was not asked again")
		}
		for i := range 3 * recentMost {
			h.recent.at(fmt.Sprint(i))
		}
		if n := len(h.recent.by); n > recentMost {
			t.Errorf("%d folders are remembered", n)
		}
	})
}

// TestPages: every one of 10,000 pictures is on one page, and pages are small.
func TestPages(t *testing.T) {
	f := new(folder)
	for i := range 10_000 {
		f.pictures = append(f.pictures, picture(fmt.Sprintf("DSC %05d&.png", i), i))
	}
	h := handler(tree{"/p": f})
	seen, pages := make(map[string]bool), 0
	for at := "/album/p/"; at != ""; pages++ {
		w := get(h, at)
		doc, err := html.Parse(w.Body)
		if err != nil || w.Code != 200 || pages > 1000 {
			t.Fatal(at, w.Code, err)
		}
		at = ""
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				switch {
				case n.Data == "img" && a.Key == "alt":
					if seen[a.Val] {
						t.Fatalf("%s is there twice", a.Val)
					}
					seen[a.Val] = true
				case n.Data == "a" && a.Key == "href" && strings.HasPrefix(a.Val, "?after="):
					at = "/album/p/" + a.Val
				}
			}
		}
	}
	if len(seen) != 10_000 || pages != (10_000+pageSize-1)/pageSize {
		t.Errorf("%d pictures on %d pages", len(seen), pages)
	}
}

// hostileNames are what people and programs call files, to be shown harmlessly.
var hostileNames = []string{
	`<img src=x onerror=alert(1)>.png`, `"><script>alert(1)</script>.png`, `' onmouseover='alert(1).png`, "evil\u202egnp.exe", "a\nb\r\nc.png",
	strings.Repeat("ä", 127) + "x", strings.Repeat("w", 255), "]]><x>", "&lt;b&gt;.png", "\x00\x01\x1b[31m.png", "\xff\xfe.png", "{{.Title}}", "javascript:alert(1)", "../../etc",
	"line\u2028sep\u2029.png", "\ufeffbom.png", "=cmd|' /C calc'!A0.png", "%00%0a.png", "\uffff.png",
}

// TestHostileNames has every output with every hostile name, of pictures, of folders
// and of the album itself, parsed by a parser of its kind.
func TestHostileNames(t *testing.T) {
	for i, name := range hostileNames {
		p := picture(name, i)
		p.Page, p.Thumbnail = p.Page+"?a=1&b=2", ""
		dir := "/in/" + strings.ReplaceAll(name, "/", "_")
		h := handler(tree{dir: {pictures: []Picture{p}, folders: []string{strings.ReplaceAll(name, "/", "_")}}})
		ask := func(file string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodGet, "http://x/", nil)
			r.URL.Path = "/album" + dir + "/" + file
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 200 {
				t.Fatalf("%q %s: %d", name, file, w.Code)
			}
			if body := w.Body.String(); strings.ContainsAny(body, "\u202e\u2028\u2029\x00\x1b") || !utf8.ValidString(body) {
				t.Errorf("%s of %q has characters that hide others", file, name)
			}
			return w
		}
		checkGallery(t, ask("").Body.String(), visible(name))
		checkRSS(t, ask("feed.xml").Body.Bytes(), visible(name))
		checkJSON(t, ask("feed.json").Body.Bytes(), visible(name))
	}
}

func checkGallery(t *testing.T, body, name string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("a comment in %q", body)
		}
		if n.Type == html.ElementNode {
			count[n.Data]++
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style":
				t.Errorf("%s has %s", n.Data, a.Key)
			case a.Key == "alt" && a.Val != name:
				t.Errorf("%q is shown as %q", name, a.Val)
			case a.Key == "href" || a.Key == "src":
				u, err := url.Parse(a.Val)
				if err != nil || u.Scheme != "" && u.Scheme != "https" || u.Scheme == "" && u.Host != "" {
					t.Errorf("%q leads to %q", name, a.Val)
				}
			}
		}
	}
	if count["img"] != 1 || count["script"] != 0 || count["h1"] != 1 || count["style"] != 1 || count["figure"] != 1 {
		t.Errorf("%v in %q", count, body)
	}
}

func checkRSS(t *testing.T, body []byte, name string) {
	t.Helper()
	var f struct {
		XMLName xml.Name `xml:"rss"`
		Version string   `xml:"version,attr"`
		Channel struct {
			Title, Description string
			Links              []string `xml:"link"`
			Item               []struct {
				Title       string `xml:"title"`
				Link        string `xml:"link"`
				GUID        string `xml:"guid"`
				PubDate     string `xml:"pubDate"`
				Description string `xml:"description"`
				Content     struct {
					URL, Type, Medium string
					Attrs             []xml.Attr `xml:",any,attr"`
				} `xml:"http://search.yahoo.com/mrss/ content"`
			} `xml:"item"`
		} `xml:"channel"`
	}
	d := xml.NewDecoder(strings.NewReader(string(body)))
	if err := d.Decode(&f); err != nil || f.Version != "2.0" || len(f.Channel.Item) != 1 {
		t.Fatalf("%q: %v", body, err)
	}
	item := f.Channel.Item[0]
	if strings.TrimFunc(item.Title, func(r rune) bool { return r == '\ufffd' || r == '\uffff' }) != strings.TrimFunc(name, func(r rune) bool { return r == '\ufffd' || r == '\uffff' }) {
		t.Errorf("%q is %q in RSS", name, item.Title)
	}
	if _, err := time.Parse(time.RFC1123Z, item.PubDate); err != nil || item.GUID == "" || !strings.HasPrefix(item.Link, "https://") ||
		len(item.Content.Attrs) != 4 || !strings.HasPrefix(item.Content.Attrs[0].Value, "https://i.example/") {
		t.Errorf("%+v %v", item, err)
	}
	checkSnippet(t, item.Description)
}

func checkJSON(t *testing.T, body []byte, name string) {
	t.Helper()
	var f jsonFeed
	if err := json.Unmarshal(body, &f); err != nil || f.Version != "https://jsonfeed.org/version/1.1" || len(f.Items) != 1 {
		t.Fatalf("%q: %v", body, err)
	}
	item := f.Items[0]
	if item.Title != name || item.ID == "" || !strings.HasPrefix(item.Image, "https://i.example/") || item.Published.IsZero() || len(item.Attachments) != 1 {
		t.Errorf("%+v", item)
	}
	if strings.ContainsAny(string(body), "<>") {
		t.Errorf("markup in %q", body)
	}
	checkSnippet(t, item.HTML)
}

// checkSnippet wants a link around an image and nothing else.
func checkSnippet(t *testing.T, s string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			tags = append(tags, n.Data)
		}
		for _, a := range n.Attr {
			if !slices.Contains([]string{"href", "src", "alt"}, a.Key) {
				t.Errorf("%s in %q", a.Key, s)
			}
		}
	}
	if strings.Join(tags, " ") != "html head body a img" {
		t.Errorf("%v in %q", tags, s)
	}
}

func TestEmptyFeeds(t *testing.T) {
	h := handler(tree{"/p": {}})
	var f jsonFeed
	w := get(h, "/album/p/feed.json")
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || f.Items == nil || f.Home != "https://me.example/album/p/" || w.Header().Get("Content-Type") != "application/feed+json; charset=utf-8" {
		t.Errorf("%s %v", w.Body, err)
	}
	if w := get(h, "/album/p/feed.xml"); w.Code != 200 || xml.Unmarshal(w.Body.Bytes(), new(any)) != nil && !strings.Contains(w.Body.String(), "<channel>") {
		t.Error(w.Code, w.Body)
	}
}

func TestOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"https://h/a": "https://h", "http://h:8080/a": "http://h:8080", "http://[::1]:8080/a": "http://[::1]:8080", "https://ü/a": "",
		"https://h;script-src/a": "", "data:image/png,x": "", "": "", "//h/a": "", "https://h'x/": "",
	} {
		if got := origin(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, s := range []string{"/album/", "/album/p/latest.jpg", "/album/p/../../x", "/album//", "/album/p/feed.xml/"} {
		f.Add(s)
	}
	h := handler(tree{"/p": {pictures: []Picture{picture("a", 1)}}})
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest(http.MethodGet, "http://x/", nil)
		r.URL.Path = Prefix + path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 302 && w.Code != 404 {
			t.Errorf("%q: %d", path, w.Code)
		}
		if to := w.Header().Get("Location"); w.Code == 302 && !strings.HasPrefix(to, Prefix) && to != "https://i.example/1.png" {
			t.Errorf("%q leads to %q", path, to)
		}
	})
}
