package custom

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"slipway/uploader"
	"slipway/uploader/form"
)

// sendTo sends a small picture to a host that answers with status and body, and
// returns the request as it came.
func sendTo(t *testing.T, c Config, p uploader.Picture, status int, body string) (uploader.Result, *http.Request, error) {
	t.Helper()
	var seen *http.Request
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseMultipartForm(1 << 20)
		seen = r
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	client := form.NewClient("test")
	t.Cleanup(func() { client.HTTP.CloseIdleConnections(); host.Close() })
	c.URL, c.FileField = host.URL+c.URL, "file"
	d, err := New(c, client)
	if err != nil {
		t.Fatal(err)
	}
	content := []byte("\xff\xd8\xff a picture \xff\xd9")
	p.Type, p.Size, p.SHA256 = "image/jpeg", int64(len(content)), sha256.Sum256(content)
	p.Open = func(context.Context) (io.ReadSeekCloser, error) {
		return struct {
			io.ReadSeeker
			io.Closer
		}{bytes.NewReader(content), io.NopCloser(nil)}, nil
	}
	r, err := d.Send(t.Context(), p)
	return r, seen, err
}

// TestSays: what a host says decides, whatever its status or language is.
func TestSays(t *testing.T) {
	c := Config{
		Result: Result{URL: "{json:url}", OK: "{json:ok}", Error: "{json:msg}"},
		Says:   Says{Wait: []string{"稍后"}, Account: []string{"^密钥", "invalid size of purse"}, File: []string{"类型"}},
	}
	for _, tt := range []struct {
		status int
		msg    string
		kind   uploader.Kind
		word   string
	}{
		{200, "请稍后再试", uploader.RetryAfter, "no more for now"},
		{200, "密钥错误", uploader.Refused, "account"},
		{200, "类型不对", uploader.Permanent, "this file"},
		{400, "类型不对", uploader.Permanent, "this file"},
		{403, "类型不对", uploader.Permanent, "this file"},
		{400, "invalid size of purse", uploader.Refused, "account"},
		{200, "no such words", uploader.Temporary, "refused the upload"},
		{400, "the 密钥 stands later", uploader.Temporary, "refused the upload"},
		{401, "no such words", uploader.Refused, "account"},
		{429, "no such words", uploader.RetryAfter, "slow down"},
	} {
		_, _, err := sendTo(t, c, uploader.Picture{Name: "a.jpg"}, tt.status, `{"ok":false,"msg":"`+tt.msg+`"}`)
		e := uploader.AsError(err)
		if err == nil || e.Kind != tt.kind || !strings.Contains(e.Message, tt.word) || !strings.Contains(e.Message, tt.msg) {
			t.Errorf("%d %q: %v %v, want %v", tt.status, tt.msg, e.Kind, err, tt.kind)
		}
	}
	for _, wrong := range []string{"(", ""} {
		_, err := New(Config{URL: "https://a.example/", FileField: "f", Says: Says{File: []string{wrong}}}, form.NewClient("test"))
		if err == nil || !strings.Contains(err.Error(), "says.file") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestLeftOut: what is made of keys is not sent where none of them is said, also where
// there is text around them.
func TestLeftOut(t *testing.T) {
	c := Config{
		URL: "/", Result: Result{URL: "{json:url}"},
		Headers:    map[string]string{"X-Span": "{key:expiration|seconds}s", "X-Always": "yes"},
		Parameters: map[string]string{"by": "{key:title} ({key:description})"},
		Arguments:  map[string]string{"album": "a-{key:album_id}", "none": ""},
	}
	const reply = `{"url":"https://a.example/1.jpg"}`
	_, bare, err := sendTo(t, c, uploader.Picture{Name: "a.jpg"}, 200, reply)
	if err != nil {
		t.Fatal(err)
	}
	if h := bare.Header; h.Get("X-Always") != "yes" || h.Values("X-Span") != nil || bare.URL.RawQuery != "" || len(bare.MultipartForm.Value) != 1 {
		t.Errorf("%v %s %v", h, bare.URL, bare.MultipartForm.Value)
	}
	_, full, err := sendTo(t, c, uploader.Picture{Name: "a.jpg", Keys: uploader.Keys{Expiration: "PT1M", Description: "d", AlbumID: "7"}}, 200, reply)
	if err != nil {
		t.Fatal(err)
	}
	if full.Header.Get("X-Span") != "60s" || full.URL.Query().Get("by") != " (d)" || full.FormValue("album") != "a-7" {
		t.Errorf("%v %s %v", full.Header, full.URL, full.MultipartForm.Value)
	}
}

// TestDigits: the first digits of the content's hash tell files of one name apart.
func TestDigits(t *testing.T) {
	c := Config{URL: "/{file:sha256|20}-{filename}", Result: Result{URL: "{responseurl}"}}
	name := strings.Repeat("ä", 150) + ".jpg"
	_, r, err := sendTo(t, c, uploader.Picture{Name: name}, 200, "{}")
	if err != nil {
		t.Fatal(err)
	}
	digits, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "-")
	if len(digits) != 20 || len(r.URL.Path) > 256 || !strings.HasSuffix(rest, "ä.jpg") {
		t.Errorf("%s", r.URL.Path)
	}
	for _, wrong := range []string{"{file:sha256|15}", "{file:sha256|65}", "{file:size|20}", "{file:sha256|x}"} {
		if _, err := New(Config{URL: "https://a.example/" + wrong, FileField: "f"}, form.NewClient("test")); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// TestNameOfDots: a name that is an extension alone has none that a host would judge by.
func TestNameOfDots(t *testing.T) {
	for name, want := range map[string]string{".hidden": ".hidden.jpg", ".jpg": ".jpg.jpg", "": "picture.jpg", "..": "picture.jpg", "a.b": "a.b"} {
		if got := fileName(uploader.Picture{Name: name, Type: "image/jpeg"}); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// TestUnclear: a reply that lacks what result.ok looks for is no refusal, after which
// the file would be sent once more.
func TestUnclear(t *testing.T) {
	c := Config{Result: Result{URL: "{json:url}", OK: "{json:ok}", Error: "{json:msg}"}}
	for body, kind := range map[string]uploader.Kind{
		`{"url":"https://a.example/1.jpg","o`: uploader.Unusual, "<html></html>": uploader.Unusual, "": uploader.Unusual, "{}": uploader.Unusual,
		`{"ok":false}`: uploader.Temporary, `{"ok":null,"msg":"no"}`: uploader.Temporary,
	} {
		_, _, err := sendTo(t, c, uploader.Picture{Name: "a.jpg"}, 200, body)
		if e := uploader.AsError(err); err == nil || e.Kind != kind || !e.BodySent {
			t.Errorf("%s: %v %v, want %v", body, e.Kind, err, kind)
		}
	}
}

// TestYesWithoutAddress: a host that says yes has the picture, though its address is
// not where the destination looks for it. Sending it again would make another.
func TestYesWithoutAddress(t *testing.T) {
	said := Config{Result: Result{URL: "{json:link}", Error: "{json:message}"}}
	asked := Config{Result: Result{URL: "{json:link}", Error: "{json:message}", OK: "{json:status}"}}
	for _, test := range []struct {
		c    Config
		body string
		kind uploader.Kind
	}{
		{said, `{"message":"Image uploaded successfully","url":"https://a.example/1.jpg"}`, uploader.Unusual},
		{said, `{"message":"上传成功","url":"https://a.example/1.jpg"}`, uploader.Unusual},
		{said, `{"message":"OK"}`, uploader.Unusual},
		{said, `{"message":"upload was not successful"}`, uploader.Temporary},
		{said, `{"message":"上传失败"}`, uploader.Temporary},
		{said, `{"message":"come back some day"}`, uploader.Temporary},
		{asked, `{"status":true,"message":"stored","url":"https://a.example/1.jpg"}`, uploader.Unusual},
		{asked, `{"status":false,"message":"stored"}`, uploader.Temporary},
	} {
		_, _, err := sendTo(t, test.c, uploader.Picture{Name: "a.jpg"}, 200, test.body)
		if e := uploader.AsError(err); err == nil || e.Kind != test.kind || !e.BodySent {
			t.Errorf("%s: %v %v, want %v", test.body, e.Kind, err, test.kind)
		}
	}
}

// TestKeyOfFile: hosts call a file's place in a bucket its key, and the picture's
// address has it.
func TestKeyOfFile(t *testing.T) {
	for _, arguments := range []map[string]string{
		{"key": "photos/{filename}"}, {"key": "public-{file:upload}"}, {"auth_type": "photos"}, {"key": "photos/{key:title}"},
	} {
		c := Config{Arguments: arguments, Result: Result{URL: "{json:url}"}}
		const url = "https://cdn.example/photos/public-a.jpg"
		r, _, err := sendTo(t, c, uploader.Picture{Name: "a.jpg"}, 200, `{"url":"`+url+`"}`)
		if err != nil || r.URL != url {
			t.Errorf("%v: %q, %v", arguments, r.URL, err)
		}
	}
}

// TestMoved: a redirect to where the host really is has no picture at its end.
func TestMoved(t *testing.T) {
	for location, done := range map[string]bool{
		"https://host.example/upload": false, "https://www.host.example/upload/": false, "/upload": false, "/i/1.jpg": true, "https://cdn.example/upload": true,
	} {
		w := &wire{t: t, status: 302, headers: map[string]string{"Location": location}}
		c := simple(func(c *Config) { c.URL, c.Result = "http://host.example/upload", Result{URL: "{responseurl}"} })
		if r, err := driver(t, w, c).Send(t.Context(), picture("", "")); (err == nil) != done || err != nil && uploader.AsError(err).Kind != uploader.Refused {
			t.Errorf("%s: %+v, %v", location, r, err)
		}
	}
}

// TestAcceptEncoding: no packed reply is asked for, as none could be read.
func TestAcceptEncoding(t *testing.T) {
	w := &wire{t: t, status: 200, body: `{"url":"https://h.example/1"}`}
	c := simple(func(c *Config) { c.Headers = map[string]string{"accept-encoding": "gzip, br", "X-Other": "1"} })
	if _, err := driver(t, w, c).Send(t.Context(), picture("", "")); err != nil || w.request.Header.Get("Accept-Encoding") != "" || w.request.Header.Get("X-Other") != "1" {
		t.Errorf("%v, %v", err, w.request.Header)
	}
}
