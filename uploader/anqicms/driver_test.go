package anqicms

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"slipway/uploader"
	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/form"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site starts a test site and its driver.
func site(t *testing.T, cfg anqicmstest.Config) (*anqicmstest.Server, *Driver) {
	cfg.Token = testToken
	s := anqicmstest.New(cfg)
	l := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); l.Close() })
	return s, newDriver(t, Config{URL: l.URL})
}

// jpegLike is what the site takes for a whole JPEG without decoding it.
var jpegLike = []byte("\xff\xd8\xff\xe0\x00\x10JFIF" + strings.Repeat("x", 2000) + "\xff\xd9")

func TestRequest(t *testing.T) {
	var got received
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = receive(t, r) }))
	defer server.Close()
	d := newDriver(t, Config{URL: server.URL + "/en/"})
	p := picture("Мой \"кот\".jpg", jpegLike)
	p.Keys = uploader.Keys{CategoryID: " 0012 ", Title: "not sent", Tags: []string{"a"}}
	d.Send(t.Context(), p)
	if got.method != "POST" || got.path != "/en/attachment/upload" {
		t.Errorf("%s %s", got.method, got.path)
	}
	if len(got.query) != 1 || got.query.Get("token") != testToken {
		t.Errorf("query %v, want the token alone (lang makes it a redirect)", got.query)
	}
	if got.header.Get("Accept-Language") != "en-US" || got.header.Get("User-Agent") == "" || got.header.Get("Cookie") != "" {
		t.Errorf("header %v", got.header)
	}
	if len(got.fields) != 1 || got.fields["category_id"] != "12" || strings.Join(got.order, " ") != "category_id file" {
		t.Errorf("fields %v in order %v", got.fields, got.order)
	}
	if got.name != "Мой 'кот'.jpg" || got.partCT != "image/jpeg" || !bytes.Equal(got.content, jpegLike) {
		t.Errorf("file %q %q of %d bytes", got.name, got.partCT, len(got.content))
	}
	if got.length <= int64(len(jpegLike)) {
		t.Errorf("Content-Length %d", got.length)
	}
	d.Send(t.Context(), picture("a.jpg", jpegLike))
	if len(got.fields) != 0 {
		t.Errorf("fields %v where no category is said", got.fields)
	}
}

func TestOthersGetUniqueNames(t *testing.T) {
	s, d := site(t, anqicmstest.Config{KeepBytes: true})
	first, err1 := d.Send(t.Context(), picture("Отчёт за год.PDF", []byte("%PDF-1.4 first")))
	second, err2 := d.Send(t.Context(), picture("Отчёт за год.PDF", []byte("%PDF-1.4 second")))
	if err1 != nil || err2 != nil || first.URL == second.URL {
		t.Fatalf("%+v %v, %+v %v", first, err1, second, err2)
	}
	for i, f := range s.Stored() {
		if at, _ := s.At(f.Path); at.ID != f.ID {
			t.Errorf("file %d was overwritten", i)
		}
		if strings.ContainsFunc(f.Name, func(r rune) bool { return r > 126 || r <= ' ' }) || f.Name != strings.ToLower(f.Name) {
			t.Errorf("name %q", f.Name)
		}
	}
	sum := md5.Sum([]byte("%PDF-1.4 first"))
	if want := "file-" + hex.EncodeToString(sum[:])[:12] + ".pdf"; !strings.HasSuffix(first.URL, "/"+want) {
		t.Errorf("URL %q, want the name %q", first.URL, want)
	}
	if !first.Identical || first.ThumbnailURL != "" || first.Existing {
		t.Errorf("result %+v", first)
	}
}

func TestImageResult(t *testing.T) {
	s, d := site(t, anqicmstest.Config{BaseURL: "https://cms.example"})
	p := picture("cat.jpg", jpegLike)
	first, err := d.Send(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if first.Identical || first.Existing || !strings.HasPrefix(first.ThumbnailURL, "https://cms.example/uploads/") || first.ID != "1" {
		t.Errorf("first %+v", first)
	}
	p.Keys.CategoryID = "7"
	again, err := d.Send(t.Context(), p)
	if err != nil || !again.Existing || again.URL != first.URL || again.ID != first.ID {
		t.Errorf("again %+v, %v", again, err)
	}
	if s.Stored()[0].Category != 7 || len(s.Stored()) != 1 || len(again.Notes) != 0 {
		t.Errorf("rows %+v, notes %q", s.Stored(), again.Notes)
	}
	gif, err := d.Send(t.Context(), picture("a.gif", []byte("GIF89a....;")))
	if err != nil || gif.Identical { // the site may turn it into WebP one day
		t.Errorf("GIF %+v, %v", gif, err)
	}
	mislabelled := picture("a.pdf", jpegLike[:len(jpegLike)-2])
	mislabelled.Open = picture("", append(bytes.Clone(jpegLike[:len(jpegLike)-4]), "\xff\xd9"...)).Open
	if r, err := d.Send(t.Context(), mislabelled); err != nil || r.Identical {
		t.Errorf("a JPEG that we did not know for one: %+v, %v", r, err)
	}
}

func TestOtherCategoryIsNoted(t *testing.T) {
	d := answering(t, 200, `{"code":0,"data":{"id":"5","created_time":"1","file_md5":"%s","category_id":3,"is_image":1,"logo":"https://h/a.jpg","thumb":"bad"}}`)
	p := picture("a.jpg", jpegLike)
	p.Keys.CategoryID = "4"
	r, err := d.Send(t.Context(), p)
	if err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "3 instead of 4") || r.ID != "5" || r.Existing {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestSameSizeIsNotSameBytes: an image is stored anew, even if it came out as
// long as it went in.
func TestSameSizeIsNotSameBytes(t *testing.T) {
	for mediaType, c := range map[string]struct {
		isImage, location string
		identical         bool
	}{
		"image/jpeg": {"1", "a.jpg", false}, "image/png": {"0", "a.png", false}, "application/octet-stream": {"1", "a.jpg", false},
		"application/pdf": {"0", "a.pdf", true}, "image/heic": {"0", "a.heif", true}, "image/gif": {"1", "A.GIF", false}, "image/gif; q": {"1", "a.webp", false},
	} {
		d := answering(t, 200, fmt.Sprintf(`{"code":0,"data":{"id":5,"file_md5":"%%s","file_size":%d,"is_image":%s,"file_location":"%s","logo":"https://h/x"}}`,
			len(jpegLike), c.isImage, c.location))
		p := picture("a", jpegLike)
		p.Type = mediaType
		if r, err := d.Send(t.Context(), p); err != nil || r.Identical != c.identical {
			t.Errorf("%s: Identical %v, %v", mediaType, r.Identical, err)
		}
	}
}

// answering returns a driver whose site answers every upload of jpegLike with
// status and body, %s in which is its MD5, and a good token's answer to a probe.
func answering(t *testing.T, status int, body string, header ...string) *Driver {
	sum := md5.Sum(jpegLike)
	if strings.Contains(body, "%s") {
		body = fmt.Sprintf(body, hex.EncodeToString(sum[:]))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, _ := io.Copy(io.Discard, r.Body); n == 0 {
			io.WriteString(w, `{"code":-1,"msg":"request Content-Type isn't multipart/form-data"}`)
			return
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return newDriver(t, Config{URL: server.URL})
}

func TestCategoryIsValidatedHere(t *testing.T) {
	s, d := site(t, anqicmstest.Config{})
	for _, bad := range []string{"-1", "1.5", "abc", "4294967296", "99999999999999999999", "+1", "1 2", "0x1"} {
		p := picture("a.jpg", jpegLike)
		p.Keys.CategoryID = bad
		_, err := d.Send(t.Context(), p)
		if e := checkError(t, err, uploader.Permanent); e.Remedy == "" || !strings.Contains(e.Message, "category_id") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	empty := picture("a.txt", nil)
	_, err := d.Send(t.Context(), empty)
	checkError(t, err, uploader.Permanent)
	if s.Uploads() != 0 {
		t.Errorf("%d requests went out", s.Uploads())
	}
	for _, good := range []string{"0", "4294967295"} {
		p := picture("a.jpg", jpegLike)
		p.Keys.CategoryID = good
		if _, err := d.Send(t.Context(), p); err != nil || fmt.Sprint(s.Stored()[0].Category) != good {
			t.Errorf("%q: %v, stored as %d", good, err, s.Stored()[0].Category)
		}
	}
}

// TestAnswers are the rows of the error table that no recorded exchange has, and
// answers of other versions.
func TestAnswers(t *testing.T) {
	ok := `"data":{"id":9,"file_md5":"%s","logo":"https://h/a.jpg"}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   uploader.Kind
		after  time.Duration
	}{
		{"php, English", 200, `{"code":-1,"msg":"Not allowed to upload php files"}`, uploader.Permanent, 0},
		{"type", 200, `{"code":-1,"msg":"文件类型不允许上传"}`, uploader.Permanent, 0},
		{"message for msg", 200, `{"code":-1,"message":"文件类型不允许上传"}`, uploader.Permanent, 0},
		{"code as a string", 200, `{"code":"-1","msg":"image: unknown format"}`, uploader.Permanent, 0},
		{"PNG", 200, `{"code":-1,"msg":"png: invalid format: not enough pixel data"}`, uploader.Permanent, 0},
		{"CMYK", 200, `{"code":-1,"msg":"unsupported JPEG feature: luma/chroma subsampling ratio"}`, uploader.Permanent, 0},
		{"storage", 200, `{"code":-1,"msg":"open /app/public/uploads/202611/21/a.txt: permission denied"}`, uploader.Temporary, 0},
		{"duplicate entry", 200, `{"code":-1,"msg":"Error 1062 (23000): Duplicate entry 'x' for key 'y'"}`, uploader.Temporary, 0},
		{"unknown", 200, `{"code":-1,"msg":"never seen"}`, uploader.Temporary, 0},
		{"not logged in", 200, `{"code":1001,"msg":"请登录"}`, uploader.Refused, 0},
		{"unauthorized", 200, `{"code":1002,"msg":"no"}`, uploader.Refused, 0},
		{"200 of the other API", 200, `{"code":200,` + ok + `}`, uploader.Temporary, 0},
		{"no id", 200, `{"code":0,"data":{"id":0,"file_md5":"%s","logo":"https://h/a.jpg"}}`, uploader.Temporary, 0},
		{"id below 0", 200, `{"code":0,"data":{"id":-3,"file_md5":"%s","logo":"https://h/a.jpg"}}`, uploader.Temporary, 0},
		{"data null", 200, `{"code":0,"data":null,"msg":""}`, uploader.Temporary, 0},
		{"data a list", 200, `{"code":0,"data":[]}`, uploader.Unusual, 0},
		{"other bytes", 200, `{"code":0,"data":{"id":9,"file_md5":"00000000000000000000000000000000","logo":"https://h/a.jpg"}}`, uploader.Temporary, 0},
		{"no address", 200, `{"code":0,"data":{"id":9,"file_md5":"%s","logo":""}}`, uploader.Unusual, 0},
		{"a script for an address", 200, `{"code":0,"data":{"id":9,"file_md5":"%s","logo":"javascript://h/a"}}`, uploader.Unusual, 0},
		{"empty", 200, "", uploader.Temporary, 0},
		{"a page", 200, "<!DOCTYPE html><html>maintenance", uploader.Unusual, 0},
		{"cut", 200, `{"code":0,"data":{"id":9,"file_`, uploader.Unusual, 0},
		{"no code", 200, `{"status":"ok"}`, uploader.Unusual, 0},
		{"limiter", 429, "Too many requests from this IP.", uploader.RetryAfter, 5 * time.Minute},
		{"blocked", 403, "Your IP is blocked.", uploader.RetryAfter, 2 * time.Hour},
		{"forbidden", 403, "<html>forbidden", uploader.Refused, 0},
		{"unauthorized by a proxy", 401, "", uploader.Refused, 0},
		{"not found", 404, "<html>404", uploader.Refused, 0},
		{"method", 405, "", uploader.Refused, 0},
		{"too large", 413, "<html>", uploader.Permanent, 0},
		{"panic", 500, "<html>", uploader.Unusual, 0},
		{"gateway", 502, "<html>", uploader.Unusual, 0},
		{"unavailable", 503, "<html>", uploader.Temporary, 0},
		{"teapot", 418, "", uploader.Temporary, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := answering(t, c.status, c.body).Send(t.Context(), picture("a.jpg", jpegLike))
			e := checkError(t, err, c.kind)
			if e.After != c.after || !e.BodySent {
				t.Errorf("After %v, BodySent %v", e.After, e.BodySent)
			}
			if (e.Kind == uploader.Refused || e.Kind == uploader.Permanent) && e.Remedy == "" {
				t.Errorf("%v has no remedy", e)
			}
		})
	}
	for _, code := range []string{`0`, `"0"`} {
		if r, err := answering(t, 200, `{"code":`+code+`,`+ok+`}`).Send(t.Context(), picture("a.jpg", jpegLike)); err != nil || r.ID != "9" {
			t.Errorf("code %s: %+v, %v", code, r, err)
		}
	}
}

func TestRetryAfterHeader(t *testing.T) {
	for value, want := range map[string]time.Duration{"3600": time.Hour, "10": 5 * time.Minute, "-1": 5 * time.Minute, "x": 5 * time.Minute, "99999999999": 24 * time.Hour} {
		_, err := answering(t, 429, "", "Retry-After", value).Send(t.Context(), picture("a.jpg", jpegLike))
		if e := checkError(t, err, uploader.RetryAfter); e.After != want {
			t.Errorf("Retry-After %q: %v, want %v", value, e.After, want)
		}
	}
	_, err := answering(t, 503, "", "Retry-After", "120").Send(t.Context(), picture("a.jpg", jpegLike))
	if e := checkError(t, err, uploader.RetryAfter); e.After != 2*time.Minute {
		t.Errorf("503: %v", e.After)
	}
}

func TestRedirectNamesWhereWithoutToken(t *testing.T) {
	_, err := answering(t, 307, "", "Location", "https://www.cms.example/attachment/upload?token="+testToken).Send(t.Context(), picture("a.jpg", jpegLike))
	e := checkError(t, err, uploader.Refused)
	if !strings.Contains(e.Message, "https://www.cms.example/attachment/upload") || strings.Contains(e.Message, "?") {
		t.Errorf("%v", e)
	}
}

func TestRepeatedTokenIsTakenOut(t *testing.T) {
	_, err := answering(t, 200, `{"code":-1,"msg":"bad thing with `+testToken+`"}`).Send(t.Context(), picture("a.jpg", jpegLike))
	if e := checkError(t, err, uploader.Temporary); !strings.Contains(e.Error(), "***") {
		t.Errorf("%v", e)
	}
	_, err = answering(t, 302, "", "Location", "/sign-in/"+testToken+"/").Send(t.Context(), picture("a.jpg", jpegLike))
	if e := checkError(t, err, uploader.Refused); !strings.Contains(e.Error(), "***") {
		t.Errorf("%v", e)
	}
}

func TestTokenError(t *testing.T) {
	s, d := site(t, anqicmstest.Config{})
	p := picture("a.jpg", jpegLike)
	s.FailNext(anqicmstest.TokenError)
	_, err := d.Send(t.Context(), p)
	checkError(t, err, uploader.Temporary)
	if s.Probes() != 1 {
		t.Errorf("%d probes", s.Probes())
	}
	s.SetToken("another")
	_, err = d.Send(t.Context(), p)
	if e := checkError(t, err, uploader.Refused); !strings.Contains(e.Remedy, "token") {
		t.Errorf("%v", e)
	}
	if s.Probes() != 2 || s.Uploads() != 2 || len(s.Stored()) != 0 {
		t.Errorf("%d probes, %d uploads, %d files", s.Probes(), s.Uploads(), len(s.Stored()))
	}
}

// TestTokenErrorUnconfirmed: where the probe fails, the destination stays on.
func TestTokenErrorUnconfirmed(t *testing.T) {
	for name, c := range map[string]struct {
		probe func(w http.ResponseWriter)
		kind  uploader.Kind
	}{
		"cut":     {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, uploader.Temporary},
		"page":    {func(w http.ResponseWriter) { io.WriteString(w, "<html>") }, uploader.Temporary},
		"panic":   {func(w http.ResponseWriter) { w.WriteHeader(500) }, uploader.Temporary},
		"success": {func(w http.ResponseWriter) { io.WriteString(w, `{"code":0}`) }, uploader.Temporary},
		"limiter": {func(w http.ResponseWriter) { w.WriteHeader(429) }, uploader.RetryAfter},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n, _ := io.Copy(io.Discard, r.Body); n > 0 {
					io.WriteString(w, `{"code":-1,"msg":"Token error"}`)
					return
				}
				c.probe(w)
			}))
			defer server.Close()
			_, err := newDriver(t, Config{URL: server.URL}).Send(t.Context(), picture("a.jpg", jpegLike))
			if e := checkError(t, err, c.kind); !e.BodySent {
				t.Errorf("%v", e)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	s, d := site(t, anqicmstest.Config{})
	notes, err := d.Check(t.Context())
	if err != nil || len(notes) == 0 || !strings.Contains(strings.Join(notes, " "), "unencrypted") {
		t.Errorf("%q, %v", notes, err)
	}
	s.SetToken("another")
	_, err = d.Check(t.Context())
	checkError(t, err, uploader.Refused)
	for mode, want := range map[anqicmstest.Mode]uploader.Kind{
		anqicmstest.NotFound: uploader.Refused, anqicmstest.Redirect: uploader.Refused,
		anqicmstest.Limited: uploader.RetryAfter, anqicmstest.Blocked: uploader.RetryAfter,
	} {
		s.FailAlways(mode)
		_, err = d.Check(t.Context())
		checkError(t, err, want)
	}
	if s.Uploads() != 0 || len(s.Stored()) != 0 {
		t.Error("a check uploaded something")
	}
	_, err = newDriver(t, Config{URL: "http://127.0.0.1:1"}).Check(t.Context())
	checkError(t, err, uploader.Temporary)
}

// TestModes ends each failure of the test site in its kind, and the retry in the
// one file.
func TestModes(t *testing.T) {
	for mode, want := range map[anqicmstest.Mode]uploader.Kind{
		anqicmstest.Limited: uploader.RetryAfter, anqicmstest.Blocked: uploader.RetryAfter, anqicmstest.NotFound: uploader.Refused,
		anqicmstest.Redirect: uploader.Refused, anqicmstest.Unavailable: uploader.RetryAfter, anqicmstest.TooLarge: uploader.Permanent,
		anqicmstest.EmptyReply: uploader.Temporary, anqicmstest.Page200: uploader.Unusual, anqicmstest.Page500: uploader.Unusual,
		anqicmstest.Page502: uploader.Unusual, anqicmstest.TokenError: uploader.Temporary, anqicmstest.FalseSuccess: uploader.Temporary,
		anqicmstest.DuplicateEntry: uploader.Temporary, anqicmstest.DatabaseDown: uploader.Temporary,
		anqicmstest.StorageFailure: uploader.Temporary, anqicmstest.WrongMD5: uploader.Temporary, anqicmstest.CutReply: uploader.Unusual,
		anqicmstest.LostReset: uploader.Ambiguous, anqicmstest.ResetInBody: uploader.Temporary,
	} {
		t.Run(string(mode), func(t *testing.T) {
			s, d := site(t, anqicmstest.Config{})
			content := jpegLike
			if mode == anqicmstest.ResetInBody { // more than the kernel takes at once
				content = append(bytes.Repeat([]byte("\xff\xd8\xff\xe0"), 8<<20), "\xff\xd9"...)
			}
			s.FailNext(mode)
			_, err := d.Send(t.Context(), picture("a.jpg", content))
			checkError(t, err, want)
			if r, err := d.Send(t.Context(), picture("a.jpg", content)); err != nil || r.ID != "1" || len(s.Stored()) != 1 {
				t.Errorf("the retry: %+v, %v; %d files", r, err, len(s.Stored()))
			}
		})
	}
}

func TestEmptyUserAgentWouldBeBanned(t *testing.T) {
	_, d := site(t, anqicmstest.Config{})
	if _, err := d.Send(t.Context(), picture("a.jpg", jpegLike)); err != nil {
		t.Errorf("a User-Agent is sent, yet: %v", err)
	}
}

func TestBytesThatCannotBeRead(t *testing.T) {
	s, d := site(t, anqicmstest.Config{})
	broken := errors.New("disk on fire")
	for _, name := range []string{"a.jpg", "a.txt"} {
		p := picture(name, jpegLike)
		p.Open = func(context.Context) (io.ReadSeekCloser, error) { return nil, broken }
		_, err := d.Send(t.Context(), p)
		if e := checkError(t, err, uploader.Temporary); !errors.Is(e, broken) {
			t.Errorf("%s: %v", name, e)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Send(ctx, picture("a.txt", jpegLike))
	if e := checkError(t, err, uploader.Temporary); !errors.Is(e, context.Canceled) || s.Uploads() != 0 {
		t.Errorf("%v", e)
	}
}

func TestNonImagesAreClosed(t *testing.T) {
	_, d := site(t, anqicmstest.Config{})
	p := picture("a.txt", []byte("hello"))
	open := p.Open
	var opened, closed atomic.Int32
	p.Open = func(ctx context.Context) (io.ReadSeekCloser, error) {
		opened.Add(1)
		r, err := open(ctx)
		return closing{r, &closed}, err
	}
	if _, err := d.Send(t.Context(), p); err != nil || opened.Load() != 2 || closed.Load() != 2 {
		t.Errorf("%v, opened %d, closed %d", err, opened.Load(), closed.Load())
	}
}

type closing struct {
	io.ReadSeekCloser
	n *atomic.Int32
}

func (c closing) Close() error { c.n.Add(1); return nil }

func TestProperties(t *testing.T) {
	d := newDriver(t, Config{URL: "HTTPS://CMS.Example:443/en"})
	p := d.Properties()
	if p.Driver != "anqicms" || p.Host != "cms.example" || !p.Idempotent || !p.OnePlace || p.HoldsBlob || p.Limits.Concurrency != 2 ||
		len(p.Types) != 0 || strings.Join(p.RefusedExtensions, " ") != ".php .jsp" || strings.Join(p.Keys, " ") != "category_id" {
		t.Errorf("%+v", p)
	}
	for _, text := range []string{d.String(), fmt.Sprint(d), fmt.Sprintf("%+v %#v", d, d)} {
		if strings.Contains(text, "s3cret") || !strings.Contains(text, "cms.example") {
			t.Errorf("%q", text)
		}
	}
}

func TestTimeout(t *testing.T) {
	client := form.NewClient("test")
	d, err := New(Config{URL: "https://h", Token: "t", Timeout: 7 * time.Second}, client)
	if err != nil || d.client.Base != 7*time.Second || d.client.Answer != 7*time.Second || d.client.Stall != 7*time.Second || client.Base == d.client.Base {
		t.Errorf("%v, Base %v, Answer %v, Stall %v", err, d.client.Base, d.client.Answer, d.client.Stall)
	}
}
