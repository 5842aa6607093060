package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/uploader/whole/wholetest"
	"slipway/vfs"
)

const linking = `
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[[user]]
name = "ann"
password = "env:ANN"
home = "/inbox/ann"
quota = "100kB"
[destination.home]
driver = "local"
max_size = "300kB"
[[route]]
path = "/inbox/{rest...}"
to = ["home"]
types = ["jpg", "png", "gif", "mp4"]
links = true
on_same_name = "replace"
[[route]]
path = "/off/{rest...}"
to = ["home"]
[settle]
quiet = "0s"
[links]
allow = ["127.0.0.1"]
`

// linkWorld is a gateway that runs, and a site with pictures.
type linkWorld struct {
	*testing.T
	a    *app
	site string

	mu    sync.Mutex
	asked map[string]int
	say   map[string]http.HandlerFunc // what the site answers at a path, in place of a picture
}

// pictureAt is the picture at a path of the site.
func pictureAt(p string) []byte {
	seed := uint64(0)
	for _, c := range p {
		seed = seed*131 + uint64(c)
	}
	switch {
	case strings.Contains(p, "png"):
		return wholetest.PNG(24, 24, seed)
	case strings.Contains(p, "mp4"):
		return wholetest.MP4(24, 24, seed)
	case strings.Contains(p, "webp"):
		return wholetest.WebP(24, 24, seed)
	}
	return wholetest.JPEG(24, 24, seed)
}

func newLinkWorld(t *testing.T, config string) *linkWorld {
	t.Helper()
	w := &linkWorld{T: t, asked: make(map[string]int), say: make(map[string]http.HandlerFunc)}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	w.site = s.URL
	w.a, _ = testApp(t, config, map[string]string{"ANN": "correct-horse"})
	return w
}

func (w *linkWorld) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked[r.URL.Path]++
	say := w.say[r.URL.Path]
	w.mu.Unlock()
	if say != nil {
		say(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "text/html") // which is a lie
	rw.Write(pictureAt(r.URL.Path))
}

func (w *linkWorld) says(p string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say[p] = h
}

func (w *linkWorld) times(p string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[p]
}

// drop puts a file as a door does, and returns its entry.
func (w *linkWorld) drop(p, content string) vfs.Entry {
	w.Helper()
	view := w.a.fs.Sub(vfs.View{Door: "test"})
	if err := view.MkdirAll(p[:strings.LastIndexByte(p, '/')], 0o755); err != nil {
		w.Fatal(err)
	}
	if err := afero.WriteFile(view, p, []byte(content), 0o666); err != nil {
		w.Fatal(err)
	}
	return w.at(p)
}

func (w *linkWorld) at(p string) vfs.Entry {
	w.Helper()
	e, err := w.a.tree.Lookup(w.Context(), p)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w *linkWorld) absent(p string) {
	w.Helper()
	if _, err := w.a.tree.Lookup(w.Context(), p); !errors.Is(err, fs.ErrNotExist) {
		w.Fatalf("%s is there (%v)", p, err)
	}
}

func shortcutTo(address string) string { return "[InternetShortcut]\r\nURL=" + address + "\r\n" }

// settled waits until nothing of a file's links is to be done any more, or with retried
// has failed once and waits.
func (w *linkWorld) settled(e vfs.Entry) *ledger.Links {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		l, err := w.a.ledger.LinksOf(w.Context(), e.ID)
		if err != nil {
			w.Fatal(err)
		}
		waits := l == nil || l.State == ledger.LinkSettling && l.Error == ""
		if l != nil {
			for _, k := range l.Links {
				waits = waits || k.State == ledger.LinkSettling && k.Error == ""
			}
		}
		if !waits {
			return l
		}
		if time.Now().After(end) {
			w.Fatalf("%s: %+v", e.Name, l)
		}
	}
}

// became waits, and compares what became of a file's links: "done(a.jpg) failed".
func (w *linkWorld) became(e vfs.Entry, want string) *ledger.Links {
	w.Helper()
	l := w.settled(e)
	var got []string
	for _, k := range l.Links {
		s := k.State
		if k.Picture != "" {
			s += "(" + k.Picture + ")"
		}
		got = append(got, s)
	}
	if strings.Join(got, " ") != want {
		w.Fatalf("%s became %q, want %q: %+v", e.Name, strings.Join(got, " "), want, l)
	}
	return l
}

// forwarded waits until a file is done, and looks at its bytes.
func (w *linkWorld) forwarded(p string, data []byte) {
	w.Helper()
	e := w.at(p)
	got, err := afero.ReadFile(w.a.fs, p)
	if err != nil || string(got) != string(data) {
		w.Fatalf("%s has %d other bytes: %v", p, len(got), err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		us, err := w.a.ledger.Entry(w.Context(), e.ID)
		if err == nil && len(us) == 1 && us[0].State == uploader.Done {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("%s: %+v %v", p, us, err)
		}
	}
}

func TestLinkedPictures(t *testing.T) {
	w := newLinkWorld(t, linking)
	desktop := "[Desktop Entry]\nType=Link\nURL=" + w.site + "/d.png?size=1"
	webloc := "<plist><dict><key>URL</key><string>" + w.site + "/e.mp4</string></dict></plist>"
	e := w.drop("/inbox/sub/photo.url", shortcutTo(w.site+"/one"))
	w.became(e, "done(photo.jpg)")
	w.forwarded("/inbox/sub/photo.jpg", pictureAt("/one"))
	w.became(w.drop("/inbox/d.desktop", desktop), "done(d.png)")
	w.forwarded("/inbox/d.png", pictureAt("/d.png"))
	w.became(w.drop("/inbox/e.webloc", webloc), "done(e.mp4)")
	w.forwarded("/inbox/e.mp4", pictureAt("/e.mp4"))
	if us, _ := w.a.ledger.Entry(t.Context(), e.ID); len(us) > 0 {
		t.Errorf("the link itself is forwarded: %+v", us)
	}

	// The same again, under whatever name, is nothing new.
	w.became(w.drop("/inbox/sub/photo.url", shortcutTo(w.site+"/one")), "done(photo.jpg)")
	w.became(w.drop("/inbox/sub/again.url", shortcutTo(w.site+"/one")), "done(photo.jpg)")
	if n := w.times("/one"); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
	w.absent("/inbox/sub/again.jpg")

	// Another link in the file is another picture; the earlier one stays, although the
	// route replaces files of the same name.
	w.became(w.drop("/inbox/sub/photo.url", shortcutTo(w.site+"/two")), "done(photo.jpg) done(photo (1).jpg)")
	w.forwarded("/inbox/sub/photo (1).jpg", pictureAt("/two"))
	w.forwarded("/inbox/sub/photo.jpg", pictureAt("/one"))
	if err := w.a.fs.Remove("/inbox/sub/photo.url"); err != nil {
		t.Fatal(err)
	}
	w.at("/inbox/sub/photo.jpg")

	// A file that is there with these bytes is the picture.
	w.drop("/inbox/have.jpg", string(pictureAt("/three")))
	w.became(w.drop("/inbox/have.url", shortcutTo(w.site+"/three")), "done(have.jpg)")
	w.absent("/inbox/have (1).jpg")
	if err := w.a.fs.Mkdir("/inbox/dir.jpg", 0o755); err != nil {
		t.Fatal(err)
	}
	w.became(w.drop("/inbox/dir.url", shortcutTo(w.site+"/four")), "done(dir (1).jpg)")
}

func TestLinkedLists(t *testing.T) {
	w := newLinkWorld(t, linking)
	w.says("/named", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Disposition", `attachment; filename="../../../evil/.album.toml"`)
		rw.Write(pictureAt("/named"))
	})
	w.says("/junk", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Disposition", `attachment; filename="Thumbs.db"`)
		rw.Write(pictureAt("/junk"))
	})
	list := strings.Join([]string{"# shop", w.site + "/a/My%20Photo.JPG", w.site + "/get?id=1", w.site + "/named", w.site + "/gone", "", "ftp://example.com/x.jpg", w.site + "/get?id=1#twice"}, "\n")
	w.says("/gone", http.NotFound)
	l := w.became(w.drop("/inbox/list.txt", list), "done(My Photo.JPG) done(list-002.jpg) done(album.toml.jpg) failed failed")
	if k := l.Links[3]; !strings.Contains(k.Error, "404") || k.Remedy == "" || !k.Due.IsZero() {
		t.Errorf("%+v", k)
	}
	if k := l.Links[4]; !strings.Contains(k.Error, "only http and https") {
		t.Errorf("%+v", k)
	}
	for _, p := range []string{"/inbox/My Photo.JPG", "/inbox/list-002.jpg", "/inbox/album.toml.jpg"} {
		w.at(p)
	}
	// A list that grew fetches what is new.
	w.became(w.drop("/inbox/list.txt", list+"\n"+w.site+"/new.jpg"), "done(My Photo.JPG) done(list-002.jpg) done(album.toml.jpg) failed failed done(new.jpg)")
	if w.times("/a/My Photo.JPG") != 1 || w.times("/gone") != 2 {
		t.Error(w.asked)
	}
	e := w.drop("/inbox/diary.txt", "Dear diary, see "+w.site+"/secret.jpg")
	if l := w.settled(e); l.State != ledger.LinkPlain || len(l.Links) > 0 {
		t.Errorf("%+v", l)
	}
	x, err := operations{w.a}.Explain(t.Context(), "/inbox/diary.txt")
	if err != nil || len(x.Links) != 1 || x.Links[0].State != "plain" || !strings.Contains(x.Links[0].Error, "line 1 is no link") {
		t.Errorf("%+v %v", x, err)
	}
}

func TestLinksOff(t *testing.T) {
	w := newLinkWorld(t, linking)
	for _, p := range []string{"/off/a.url", "/inbox/photo.jpg.url", "/inbox/.hidden.url"} {
		if l, err := w.a.ledger.LinksOf(t.Context(), w.drop(p, shortcutTo(w.site+"/off")).ID); l != nil || err != nil {
			t.Errorf("%s: %+v %v", p, l, err)
		}
	}
	w.became(w.drop("/inbox/on.url", shortcutTo(w.site+"/on")), "done(on.jpg)")
	if w.times("/off") > 0 {
		t.Error("a link was followed that must not be")
	}
}

// TestLinksBack drops addresses of pictures that were sent from here.
func TestLinksBack(t *testing.T) {
	w := newLinkWorld(t, linking)
	w.drop("/inbox/mine.jpg", string(pictureAt("mine")))
	w.forwarded("/inbox/mine.jpg", pictureAt("mine"))
	us, err := w.a.ledger.Entry(t.Context(), w.at("/inbox/mine.jpg").ID)
	if err != nil || us[0].Picture == nil {
		t.Fatal(us, err)
	}
	w.became(w.drop("/inbox/back.url", shortcutTo(us[0].Picture.URL)), "skipped")
	w.became(w.drop("/inbox/other.url", shortcutTo("http://"+w.a.address("web")+"/i/aaaaaaaaaaaaaaaaaaaaaaaaaa/x.jpg")), "skipped")
	w.absent("/inbox/back.jpg")
}

func TestLinksRefused(t *testing.T) {
	w := newLinkWorld(t, linking)
	jpeg := pictureAt("/whole")
	for p, h := range map[string]http.HandlerFunc{
		"/page.jpg": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "image/jpeg")
			fmt.Fprint(rw, "<!DOCTYPE html><html><body><img src='x.jpg'></body></html>")
		},
		"/program.jpg": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "image/jpeg")
			fmt.Fprint(rw, "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00")
		},
		"/text.jpg":  func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "no picture") },
		"/empty.jpg": func(http.ResponseWriter, *http.Request) {},
		"/bomb.png": func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00")
		},
		"/cut.jpg": func(rw http.ResponseWriter, _ *http.Request) { rw.Write(jpeg[:len(jpeg)/2]) },
		"/zip.jpg": func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Encoding", "gzip")
			rw.Write(jpeg)
		},
		"/endless.jpg": func(rw http.ResponseWriter, _ *http.Request) {
			for err := error(nil); err == nil; _, err = rw.Write(jpeg) {
			}
		},
		"/busy.jpg": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(503) },
		"/inner.jpg": func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://169.254.169.254/latest/", http.StatusFound)
		},
		"/file.jpg": func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "file:///etc/passwd", http.StatusFound)
		},
	} {
		w.says(p, h)
	}
	for address, want := range map[string]struct{ state, says string }{
		w.site + "/page.jpg":      {"failed", "it is a page, not a picture"},
		w.site + "/program.jpg":   {"failed", "no picture and no film"},
		w.site + "/text.jpg":      {"failed", "no picture and no film, but text/plain"},
		w.site + "/empty.jpg":     {"settling", "sent nothing"},
		w.site + "/bomb.png":      {"failed", "65535 × 65535 pixels"},
		w.site + "/cut.jpg":       {"settling", "not whole"},
		w.site + "/zip.jpg":       {"failed", "compressed"},
		w.site + "/endless.jpg":   {"failed", "larger than the 300000 bytes"},
		w.site + "/pic.webp":      {"failed", "image/webp, which no destination"},
		w.site + "/busy.jpg":      {"settling", "503"},
		w.site + "/inner.jpg":     {"failed", "private network"},
		w.site + "/file.jpg":      {"failed", "only http and https"},
		"http://10.255.0.1/a.jpg": {"failed", "private network"},
		"http://[::1]/a.jpg":      {"failed", "private network"},
		"http://u:p@a.example/a":  {"failed", "name or password"},
		"gopher://a.example/a":    {"failed", "only http and https"},
	} {
		e := w.drop("/inbox/refused.url", shortcutTo(address))
		l := w.settled(e)
		k := l.Links[len(l.Links)-1]
		if k.State != want.state || !strings.Contains(k.Error, want.says) || k.Picture != "" || (k.State == "settling") == k.Due.IsZero() {
			t.Errorf("%s: %+v, want %s because of %q", address, k, want.state, want.says)
		}
		if err := w.a.fs.Remove("/inbox/refused.url"); err != nil {
			t.Fatal(err)
		}
	}
	list, err := afero.ReadDir(w.a.fs, "/inbox")
	if err != nil || len(list) != 1 || list[0].Name() != "ann" {
		t.Errorf("something was kept: %v %v", list, err)
	}
	l := w.settled(w.drop("/inbox/broken.url", "nothing"))
	if l.State != ledger.LinkFailed || !strings.Contains(l.Error, "no Internet shortcut") {
		t.Errorf("%+v", l)
	}
}

// TestLinksQuota: what is fetched counts as if the user had put it.
func TestLinksQuota(t *testing.T) {
	w := newLinkWorld(t, linking)
	large := wholetest.JPEG(600, 600, 7)
	w.says("/large", func(rw http.ResponseWriter, _ *http.Request) { rw.Write(large) })
	if len(large) < 100_000 || len(large) > 300_000 {
		t.Fatal("the picture does not suit the test:", len(large))
	}
	w.became(w.drop("/inbox/large.url", shortcutTo(w.site+"/large")), "done(large.jpg)")
	l := w.became(w.drop("/inbox/ann/large.url", shortcutTo(w.site+"/large")), "settling")
	if k := l.Links[0]; !strings.Contains(k.Error, "no room") || k.Remedy == "" {
		t.Errorf("%+v", k)
	}
	w.absent("/inbox/ann/large.jpg")
}

// TestLinksRetried: whoever removes the .error.txt tries again.
func TestLinksRetried(t *testing.T) {
	w := newLinkWorld(t, linking)
	w.says("/late", http.NotFound)
	e := w.drop("/inbox/late.url", shortcutTo(w.site+"/late"))
	w.became(e, "failed")
	receipts := linkReceipts{receipts{w.a}}
	r, err := receipts.File(t.Context(), e.ID)
	if err != nil || len(r.Links) != 1 || !r.Links[0].Trouble() {
		t.Fatalf("%+v %v", r, err)
	}
	in, err := receipts.Folder(t.Context(), e.Parent)
	if err != nil || len(in[e.ID].Links) != 1 || in[e.ID].Changed.IsZero() {
		t.Fatalf("%+v %v", in, err)
	}
	w.says("/late", nil)
	if err := receipts.Retry(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	if l := w.settled(e); l.Links[0].State != ledger.LinkSettling || time.Until(l.Links[0].Due) < retryRest/2 || l.Links[0].Tries != 0 {
		t.Fatalf("%+v", l)
	}
	if err := w.a.ledger.RetryLinks(t.Context(), e.ID, time.Now()); err != nil { // without the rest
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); w.settled(e).Links[0].State != ledger.LinkDone && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	w.became(e, "done(late.jpg)")
	if r, err := receipts.File(t.Context(), e.ID); err != nil || r.Links[0].Trouble() || r.Links[0].Picture != "late.jpg" {
		t.Fatalf("%+v %v", r, err)
	}
}

// TestLinksGone removes a link while its picture is being fetched.
func TestLinksGone(t *testing.T) {
	w := newLinkWorld(t, linking)
	begun, release := make(chan struct{}), make(chan struct{})
	w.says("/slow", func(rw http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		rw.Write(pictureAt("/slow"))
	})
	w.drop("/inbox/slow.url", shortcutTo(w.site+"/slow"))
	<-begun
	if err := w.a.fs.Remove("/inbox/slow.url"); err != nil {
		t.Fatal(err)
	}
	close(release)
	w.became(w.drop("/inbox/after.url", shortcutTo(w.site+"/after")), "done(after.jpg)")
	w.absent("/inbox/slow.jpg")
}

// TestLinksStop: a fetch under way ends with the gateway, and is done after the next
// start.
func TestLinksStop(t *testing.T) {
	text := strings.Replace(linking, "[web]", "data_dir = \"data\"\n[web]", 1)
	path := writeConfig(t, text)
	begun := make(chan struct{}, 10)
	var mu sync.Mutex
	hold := true
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		held := hold
		mu.Unlock()
		if held {
			begun <- struct{}{}
			<-r.Context().Done()
			return
		}
		rw.Write(pictureAt("/x"))
	}))
	defer site.Close()
	start := func() (*app, func()) {
		c, err := loadConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		p := program{version: "test", stderr: testWriter{t}, getenv: func(string) (string, bool) { return "correct-horse", true }}
		a, err := openApp(t.Context(), p.options(c))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- a.run(ctx, func() {}) }()
		return a, func() {
			stop()
			select {
			case err := <-done:
				if err := errors.Join(err, a.close()); err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Fatal("it does not stop")
			}
		}
	}
	a, stop := start()
	w := &linkWorld{T: t, a: a}
	w.drop("/inbox/x.url", shortcutTo(site.URL+"/x"))
	<-begun
	stop()
	mu.Lock()
	hold = false
	mu.Unlock()
	a, stop = start()
	defer stop()
	w.a = a
	w.became(w.at("/inbox/x.url"), "done(x.jpg)")
	w.forwarded("/inbox/x.jpg", pictureAt("/x"))
}
