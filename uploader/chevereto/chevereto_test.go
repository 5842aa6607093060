package chevereto

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"slipway/uploader"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/form"
	"slipway/uploader/uploadertest"
)

// driver makes one with the test's key, whose connections end with the test.
func driver(t testing.TB, cfg Config) *Driver {
	t.Helper()
	if cfg.Key == "" {
		cfg.Key = testKey
	}
	client := form.NewClient("test")
	t.Cleanup(client.HTTP.CloseIdleConnections)
	d, err := New(cfg, client)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// site starts a test site and a driver of it.
func site(t *testing.T, cfg cheveretotest.Config) (*cheveretotest.Server, *Driver) {
	t.Helper()
	s, address := start(t, cfg)
	return s, driver(t, Config{URL: address})
}

func start(t *testing.T, cfg cheveretotest.Config) (*cheveretotest.Server, string) {
	t.Helper()
	cfg.Key = testKey
	s := cheveretotest.New(cfg)
	l := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); l.Close() })
	return s, l.URL
}

type bytesReader struct{ *bytes.Reader }

func (bytesReader) Close() error { return nil }

// jpeg is like one as far as the test site looks.
func jpeg(content string) []byte {
	return []byte("\xff\xd8\xff\xe0\x00\x10JFIF" + content + strings.Repeat("x", 50) + "\xff\xd9")
}

func picture(name, mediaType string, content []byte) uploader.Picture {
	return uploader.Picture{
		Upload: "01jdabcdefghjkmnpqrs" + fmt.Sprintf("%x", sha256.Sum256(content))[:6],
		Name:   name, Type: mediaType, Size: int64(len(content)), SHA256: sha256.Sum256(content),
		Open: func(context.Context) (io.ReadSeekCloser, error) { return bytesReader{bytes.NewReader(content)}, nil },
	}
}

// kind sends p and returns the kind of the error.
func kind(t *testing.T, d *Driver, p uploader.Picture) *uploader.Error {
	t.Helper()
	r, err := d.Send(t.Context(), p)
	if err == nil {
		t.Fatalf("no error for %q: %+v", p.Name, r)
	}
	return uploader.AsError(err)
}

func TestKeysArrive(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s, d := site(t, cheveretotest.Config{Albums: []string{"ZfGd"}, Now: func() time.Time { return now }})
	p := picture("a.jpg", "image/jpeg", jpeg("1"))
	p.Keys = uploader.Keys{
		AlbumID: "ZfGd", CategoryID: "2", Title: strings.Repeat("é", 150), Description: strings.Repeat("日", 30000),
		Tags: []string{"sea", " sun  set ", "sea", "a/b", "#x", strings.Repeat("a", 33), "日本語", "4,5", "6", "7", "8", "9", "10", "11"},
		NSFW: true, Expiration: "P3D", Width: 200,
	}
	r, err := d.Send(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Stored()[0]
	if got.Album != "ZfGd" || got.Category != "2" || !got.NSFW || got.Width != 200 || got.Key != testKey {
		t.Errorf("stored %+v", got)
	}
	if got.Title != strings.Repeat("é", 100) || len(got.Description) != 65535 || !utf8.ValidString(got.Description) {
		t.Errorf("title of %d, description of %d bytes", len(got.Title), len(got.Description))
	}
	if tags := strings.Join(got.Tags, "|"); tags != "sea|sun set|日本語|4|5|6|7|8|9|10" {
		t.Errorf("tags %s", tags)
	}
	if !got.Expires.Equal(now.AddDate(0, 0, 3)) || !r.Expires.Equal(got.Expires) {
		t.Errorf("expires %v, told %v", got.Expires, r.Expires)
	}
	if r.ID != got.ID || r.Identical || r.DeleteURL == "" || len(r.Notes) != 4 || !strings.HasPrefix(r.Notes[2], "4 tags") {
		t.Errorf("%+v", r)
	}
}

func TestNothingSaidNothingSent(t *testing.T) {
	var fields []string
	l := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseMultipartForm(1 << 20)
		for name := range r.MultipartForm.Value {
			fields = append(fields, name+"="+r.FormValue(name))
		}
		if r.URL.Path != "/sub/api/1/upload" || r.Header.Get("X-Api-Key") != testKey || r.URL.RawQuery != "" {
			t.Errorf("%s, key %q", r.URL, r.Header.Get("X-Api-Key"))
		}
	}))
	defer l.Close()
	d := driver(t, Config{URL: l.URL + "/sub/"})
	p := picture("a.jpg", "image/jpeg", jpeg("1"))
	p.Keys = uploader.Keys{Title: "0", Expiration: " "}
	d.Send(t.Context(), p)
	if len(fields) != 1 || fields[0] != "format=json" {
		t.Errorf("sent %q", fields)
	}
}

func TestSettingsAreCheckedBeforeSending(t *testing.T) {
	s, d := site(t, cheveretotest.Config{})
	for _, keys := range []uploader.Keys{{Expiration: "banana"}, {Expiration: "3 days"}, {CategoryID: "abc"}, {CategoryID: "-1"}, {Width: -5}} {
		p := picture("a.jpg", "image/jpeg", jpeg("1"))
		p.Keys = keys
		if e := kind(t, d, p); e.Kind != uploader.Permanent || e.Remedy == "" || e.BodySent {
			t.Errorf("%+v: %v", keys, e)
		}
	}
	if e := kind(t, d, picture("a.jpg", "image/jpeg", nil)); e.Kind != uploader.Permanent {
		t.Errorf("an empty file: %v", e)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestValidExpiration(t *testing.T) {
	for s, valid := range map[string]bool{
		"": true, "PT5M": true, "P3D": true, "P1Y2M3DT4H5M6S": true, "P2W": true, "3600": true, "0": true, " P3D ": true,
		"banana": false, "P": false, "PT": false, "P3DT": false, "P0D": false, "PT0S": false, "-5": false, "1.5": false, "p3d": false,
		"P3D ": true, "3d": false, "P3H": false, "PT3D": false, "P1.5D": false, "9999999999": false, "P99999Y": false, "5 minutes": false, "P3D\n": true, "P3D;": false,
	} {
		if err := ValidExpiration(s); (err == nil) != valid {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestFileNames(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, test := range []struct{ name, mediaType, want string }{
		{"DSC_0001.JPG", "image/jpeg", "DSC_0001.JPG"}, {"", "image/png", "picture.png"}, {".", "", "picture.jpg"}, {"..", "", "picture.jpg"},
		{".jpg", "image/jpeg", "picture.jpg"}, {"noext", "video/mp4", "noext.mp4"}, {`a\b/c.jpg`, "", "a-b-c.jpg"},
		{"quote\"s.jpg", "", "quote's.jpg"}, {"a\r\n\x00\x7f.jpg", "", "a.jpg"}, {"bad\xff.jpg", "", "bad\uFFFD.jpg"},
		{long + ".jpg", "", long[:251] + ".jpg"}, {strings.Repeat("日", 120) + ".jpg", "", strings.Repeat("日", 83) + ".jpg"},
		{"a." + strings.Repeat("e", 40), "image/gif", "a." + strings.Repeat("e", 40) + ".gif"}, {"a.jpg. ", "", "a.jpg"}, {"日本語.webp", "", "日本語.webp"},
	} {
		got := fileName(uploader.Picture{Name: test.name, Type: test.mediaType}, false)
		if got != test.want {
			t.Errorf("%q became %q, want %q", test.name, got, test.want)
		}
		unique := fileName(uploader.Picture{Name: test.name, Type: test.mediaType, Upload: "01jdabcdefghjkmnpq12345678"}, true)
		if len(unique) > 255 || !utf8.ValidString(unique) || !strings.Contains(unique, "-12345678.") {
			t.Errorf("%q became %q of %d bytes", test.name, unique, len(unique))
		}
	}
}

func TestFormats(t *testing.T) {
	mp4 := []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42" + strings.Repeat("v", 100))
	s, d := site(t, cheveretotest.Config{Disabled: []string{"gif"}, MaxSize: 1_000_000})
	for _, p := range []uploader.Picture{picture("v.mp4", "video/mp4", mp4), picture("a.jpg", "image/jpeg", jpeg("")), picture("a.bmp", "image/bmp", []byte("BM"+strings.Repeat("b", 90)))} {
		p.Keys.Width = 100
		if _, err := d.Send(t.Context(), p); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	if s.Stored()[0].Width != 0 || s.Stored()[1].Width != 100 {
		t.Error("width goes with images and not with videos")
	}
	for text, p := range map[string]uploader.Picture{
		"does not recognise":   picture("a.heic", "image/heic", []byte("\x00\x00\x00\x18ftypheic"+strings.Repeat("h", 100))),
		"not take this format": picture("a.gif", "image/gif", []byte("GIF89a"+strings.Repeat("g", 100))),
		"format":               picture("a.tiff", "image/tiff", []byte("II*\x00"+strings.Repeat("t", 100))),
		"as a video":           picture("a.mp4", "video/mp4", jpeg("not a video")),
		"over the site's":      picture("big.jpg", "image/jpeg", jpeg(strings.Repeat("b", 1_000_001))),
		"cannot read":          picture("head.jpg", "image/jpeg", []byte("\xff\xd8\xff\xe0")),
	} {
		if e := kind(t, d, p); e.Kind != uploader.Permanent || !strings.Contains(e.Error(), text) || e.Remedy == "" {
			t.Errorf("%s: %v", p.Name, e)
		}
	}
}

func TestStatesOfTheSite(t *testing.T) {
	s, d := site(t, cheveretotest.Config{PerMinute: 3})
	n := 0
	fresh := func() uploader.Picture { n++; return picture("a.jpg", "image/jpeg", jpeg(fmt.Sprint(n))) }
	for range 3 {
		if _, err := d.Send(t.Context(), fresh()); err != nil {
			t.Fatal(err)
		}
	}
	for _, language := range []string{"en", "zh", "de"} {
		s.Configure(func(c *cheveretotest.Config) { c.Language = language })
		if e := kind(t, d, fresh()); e.Kind != uploader.RetryAfter || e.After != time.Minute {
			t.Errorf("%s: %v after %v: %v", language, e.Kind, e.After, e)
		}
	}
	s.Configure(func(c *cheveretotest.Config) { c.PerMinute = 0 })
	again := fresh()
	d.Send(t.Context(), again)
	if e := kind(t, d, again); e.Kind != uploader.Duplicate {
		t.Errorf("a repeat: %v", e)
	}
	for name, test := range map[string]struct {
		change func(*cheveretotest.Config)
		kind   uploader.Kind
	}{
		"maintenance":  {func(c *cheveretotest.Config) { c.Maintenance = true }, uploader.Refused},
		"switched off": {func(c *cheveretotest.Config) { c.UploadsOff = true }, uploader.Refused},
		"other key":    {func(c *cheveretotest.Config) { c.Key = "chv_other" }, uploader.Refused},
		"post limit":   {func(c *cheveretotest.Config) { c.PostLimit = 10 }, uploader.Permanent},
		"file limit":   {func(c *cheveretotest.Config) { c.FileLimit = 10 }, uploader.Unusual},
		"nginx":        {func(c *cheveretotest.Config) { c.ServerLimit = 10 }, uploader.Permanent},
	} {
		s.Configure(func(c *cheveretotest.Config) { *c = cheveretotest.Config{Key: testKey}; test.change(c) })
		if e := kind(t, d, fresh()); e.Kind != test.kind || !e.BodySent {
			t.Errorf("%s: %v, body sent %v: %v", name, e.Kind, e.BodySent, e)
		}
	}
	s.Configure(func(c *cheveretotest.Config) {
		*c = cheveretotest.Config{Key: testKey, StopWords: []string{"forbidden"}}
	})
	s.FailNext(uploadertest.Empty403)
	if e := kind(t, d, fresh()); e.Kind != uploader.RetryAfter || e.After < time.Hour {
		t.Errorf("failed sign-ins: %v after %v", e.Kind, e.After)
	}
	p := fresh()
	p.Keys.Title = "a forbidden word"
	if e := kind(t, d, p); e.Kind != uploader.Permanent {
		t.Errorf("stop word: %v", e)
	}
	s.FailNext(uploadertest.TooMany)
	if e := kind(t, d, fresh()); e.Kind != uploader.RetryAfter || e.After != 2*time.Minute {
		t.Errorf("429: %v after %v", e.Kind, e.After)
	}
}

func TestModeration(t *testing.T) {
	s, d := site(t, cheveretotest.Config{Moderate: true})
	r, err := d.Send(t.Context(), picture("a.jpg", "image/jpeg", jpeg("")))
	if err != nil || !r.Awaiting || r.URL != "" || r.ID != s.Stored()[0].ID || !r.Identical {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReencoded(t *testing.T) {
	_, d := site(t, cheveretotest.Config{Reencode: true, NoExpiration: true})
	p := picture("a.jpg", "image/jpeg", jpeg(""))
	p.Keys.Expiration = "P3D"
	r, err := d.Send(t.Context(), p)
	if err != nil || r.Identical || !r.Expires.IsZero() || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "expiration") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestHiddenCode100: a translation hides whether the key or the video is wrong.
func TestHiddenCode100(t *testing.T) {
	probes := 0
	l := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		if io.Copy(io.Discard, r.Body); strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			io.WriteString(w, `{"status_code":400,"error":{"message":"提供的文件无效","code":100}}`)
			return
		}
		probes++
		io.WriteString(w, `{"status_code":400,"error":{"message":"空上传源","code":130}}`)
	}))
	defer l.Close()
	d := driver(t, Config{URL: l.URL})
	if e := kind(t, d, picture("v.mp4", "video/mp4", jpeg(""))); e.Kind != uploader.Permanent || probes != 1 || !e.BodySent {
		t.Errorf("video: %v, %d probes", e, probes)
	}
	if e := kind(t, d, picture("a.jpg", "image/jpeg", jpeg(""))); e.Kind != uploader.Refused || probes != 1 {
		t.Errorf("picture: %v, %d probes", e, probes)
	}
}

func TestCheck(t *testing.T) {
	s, address := start(t, cheveretotest.Config{PerMinute: 1})
	d := driver(t, Config{URL: address})
	notes, err := d.Check(t.Context())
	if err != nil || s.Count() != 0 || s.Probes() != 1 {
		t.Fatalf("%v, %d stored, %d probes", err, s.Count(), s.Probes())
	}
	all := strings.Join(notes, "\n")
	for _, want := range []string{"album_id", "50 pictures a minute", "24 hours", "plain http", "album_page"} {
		if !strings.Contains(all, want) {
			t.Errorf("the notes do not speak of %s: %s", want, all)
		}
	}
	_, err = driver(t, Config{URL: address, Key: "wrong-key-0000"}).Check(t.Context())
	if e := uploader.AsError(err); e.Kind != uploader.Refused || !strings.Contains(e.Remedy, "key") {
		t.Errorf("wrong key: %v", err)
	}
	for kind, change := range map[uploader.Kind]func(*cheveretotest.Config){
		uploader.Refused:   func(c *cheveretotest.Config) { c.Maintenance, c.ServerLimit = true, 0 },
		uploader.Temporary: func(c *cheveretotest.Config) { c.Maintenance, c.ServerLimit = false, 1 },
	} {
		s.Configure(change)
		if _, err := d.Check(t.Context()); uploader.AsError(err).Kind != kind {
			t.Errorf("want %v: %v", kind, err)
		}
	}
}

func TestFind(t *testing.T) {
	for _, randomNames := range []bool{false, true} {
		s, address := start(t, cheveretotest.Config{Albums: []string{"holiday"}, RandomNames: randomNames})
		d := driver(t, Config{URL: address, AlbumPage: address + "/album/holiday"})
		var pictures []uploader.Picture
		for i := range 3 {
			p := picture("DSC_0001.JPG", "image/jpeg", jpeg(fmt.Sprint(i)))
			p.Keys.AlbumID = "holiday"
			pictures = append(pictures, p)
		}
		if _, ok, err := d.Find(t.Context(), pictures[0]); ok || err != nil {
			t.Errorf("found before it was sent: %v", err)
		}
		s.FailNext(uploadertest.LoseReply, uploadertest.LoseReply, uploadertest.ResetAfterBody)
		for _, p := range pictures {
			if e := kind(t, d, p); e.Kind != uploader.Ambiguous {
				t.Fatalf("lost reply: %v", e)
			}
		}
		for i, p := range pictures {
			r, ok, err := d.Find(t.Context(), p)
			if err != nil || ok != (i < 2) {
				t.Fatalf("%d: found %v, %v", i, ok, err)
			}
			if ok && (r.ID != s.Stored()[i].ID || !strings.HasPrefix(r.URL, address+"/images/") || len(r.Notes) != 1) {
				t.Errorf("%d: %+v", i, r)
			}
		}
		if _, ok, err := driver(t, Config{URL: address}).Find(t.Context(), pictures[0]); ok || err != nil {
			t.Errorf("found without a page: %v", err)
		}
		_, _, err := driver(t, Config{URL: address, AlbumPage: address + "/nowhere"}).Find(t.Context(), pictures[0])
		if e := uploader.AsError(err); err == nil || e.Kind != uploader.Temporary || e.Remedy == "" {
			t.Errorf("no page: %v", err)
		}
	}
}

func TestFindStaysAtItsHost(t *testing.T) {
	var elsewhere bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere = true }))
	defer other.Close()
	p := picture("a.jpg", "image/jpeg", jpeg(""))
	l := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/album/x":
			http.Redirect(w, r, "/album/holiday.x", http.StatusMovedPermanently)
		case "/album/away":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/album/loop":
			http.Redirect(w, r, "/album/loop", http.StatusFound)
		default:
			if r.Header.Get("X-Api-Key") != "" {
				t.Error("the key was sent to a page")
			}
			fmt.Fprintf(w, `<a data-object='%%7B%%22title%%22:%%22a%%20%s%%22,%%22url%%22:%%22https://cdn.example/a%%20b.jpg%%22,%%22size%%22:1%%7D'>`, strings.ToUpper(token(p)))
		}
	}))
	defer l.Close()
	find := func(path string) (uploader.Result, bool, error) {
		return driver(t, Config{URL: l.URL, AlbumPage: l.URL + path}).Find(t.Context(), p)
	}
	if r, ok, err := find("/album/x"); !ok || err != nil || r.URL != "https://cdn.example/a%20b.jpg" || len(r.Notes) != 2 {
		t.Errorf("%+v, %v, %v", r, ok, err)
	}
	for _, path := range []string{"/album/away", "/album/loop"} {
		if _, ok, err := find(path); ok || err == nil {
			t.Errorf("%s: found %v, %v", path, ok, err)
		}
	}
	if elsewhere {
		t.Error("another host was asked")
	}
}

func TestConfig(t *testing.T) {
	for raw, want := range map[string]string{
		"https://anh.im": "https://anh.im/api/1/upload", " https://ANH.im:443/ ": "https://anh.im/api/1/upload",
		"https://anh.im/api/1/upload": "https://anh.im/api/1/upload", "https://anh.im/api/1/upload/": "https://anh.im/api/1/upload",
		"https://anh.im/api/1": "https://anh.im/api/1/upload", "http://photoworx.cz:80/foto/": "http://photoworx.cz/foto/api/1/upload",
		"http://[::1]:8080": "http://[::1]:8080/api/1/upload",
	} {
		d, err := New(Config{URL: raw, Key: testKey}, form.NewClient(""))
		if err != nil || d.endpoint.String() != want {
			t.Errorf("%q: %v, %v", raw, d, err)
			continue
		}
		if h := d.Properties().Host; h != d.endpoint.Host {
			t.Errorf("host %q", h)
		}
	}
	for name, cfg := range map[string]Config{
		"url is missing": {Key: testKey}, "url is not an address": {URL: "https://", Key: testKey}, "url must begin": {URL: "ftp://anh.im", Key: testKey},
		"url must end": {URL: "https://anh.im/api/1/upload?key=" + testKey, Key: testKey}, "key is missing": {URL: "https://anh.im"},
		"key has a space": {URL: "https://anh.im", Key: "a b\n"}, "timeout": {URL: "https://anh.im", Key: testKey, Timeout: -1},
		"album_page is on another host": {URL: "https://anh.im", Key: testKey, AlbumPage: "https://other.example/album/x"},
		"album_page must begin":         {URL: "https://anh.im", Key: testKey, AlbumPage: "//anh.im/album/x"},
	} {
		_, err := New(cfg, form.NewClient(""))
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoSecretIsShown(t *testing.T) {
	cfg := Config{URL: "https://anh.im", Key: testKey}
	d := driver(t, cfg)
	for _, v := range []any{cfg, &cfg, d, *d, errors.Join(d.redact(&uploader.Error{Message: "bad " + testKey}))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, testKey) {
				t.Errorf("%s of %T: %s", verb, v, s)
			}
		}
	}
}

func TestTimeout(t *testing.T) {
	client := form.NewClient("")
	d, err := New(Config{URL: "https://anh.im", Key: testKey, Timeout: 5 * time.Minute}, client)
	if err != nil || d.client.Base != 5*time.Minute || d.client.Answer != 5*time.Minute || client.Base != form.DefaultBase {
		t.Errorf("%v: %v, shared %v", err, d.client.Base, client.Base)
	}
}
