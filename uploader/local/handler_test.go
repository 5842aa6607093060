package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	tokenA = "gaytemzugu3doobzmfrggzdfmy"
	other  = "aaytemzugu3doobzmfrggzdfmy"
)

var modified = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// hosted is what the tests host: one picture under tokenA.
type hosted struct {
	Served
	err   error
	asked []string
	file  file
}

func (h *hosted) Lookup(_ context.Context, token string) (Served, error) {
	h.asked = append(h.asked, token)
	if h.err != nil {
		return Served{}, h.err
	}
	if token != tokenA {
		return Served{}, fmt.Errorf("token: %w", fs.ErrNotExist)
	}
	return h.Served, nil
}

func host(name, mediaType, content string) *hosted {
	h := &hosted{file: newFile([]byte(content))}
	h.Served = Served{
		Name: name, Type: mediaType, Size: int64(len(content)), Modified: modified, SHA256: sha256.Sum256([]byte(content)),
		Open: func(context.Context) (io.ReadSeekCloser, error) { return h.file, nil },
	}
	return h
}

// ask makes one request.
func ask(h *hosted, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://gateway.example"+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	(&Handler{Pictures: h}).ServeHTTP(w, r)
	return w
}

func checkProtected(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
		"Cross-Origin-Resource-Policy": "cross-origin", "Referrer-Policy": "no-referrer",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestServe(t *testing.T) {
	h := host("Фото 1.jpg", "image/jpeg", "0123456789")
	path := "/i/" + tokenA + "/" + url.PathEscape("Фото 1.jpg")
	w := ask(h, "GET", path)
	checkProtected(t, w)
	if w.Code != 200 || w.Body.String() != "0123456789" || w.Header().Get("Content-Type") != "image/jpeg" || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
	if w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("Last-Modified") != "Sat, 21 Nov 2026 09:00:00 GMT" {
		t.Errorf("%v", w.Header())
	}
	etag := w.Header().Get("ETag")
	if want := fmt.Sprintf("\"%.32s\"", h.SHA256.String()); etag != want {
		t.Errorf("ETag %s, want %s", etag, want)
	}
	if w = ask(h, "HEAD", path); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "10" {
		t.Errorf("HEAD: %d %q %v", w.Code, w.Body, w.Header())
	}
	if w = ask(h, "GET", path, "Range", "bytes=2-4"); w.Code != 206 || w.Body.String() != "234" || w.Header().Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("range: %d %q %v", w.Code, w.Body, w.Header())
	}
	if w = ask(h, "GET", path, "Range", "bytes=99-"); w.Code != 416 {
		t.Errorf("range beyond the end: %d", w.Code)
	}
	if w = ask(h, "GET", path, "Range", "bytes=2-4", "If-Range", `"other"`); w.Code != 200 {
		t.Errorf("range of other bytes: %d", w.Code)
	}
	if w = ask(h, "GET", path, "If-None-Match", etag); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("If-None-Match: %d", w.Code)
	}
	if w = ask(h, "GET", path, "If-Modified-Since", "Sat, 21 Nov 2026 09:00:00 GMT"); w.Code != 304 {
		t.Errorf("If-Modified-Since: %d", w.Code)
	}
	if *h.file.closed != 7 {
		t.Errorf("closed %d times, want 7", *h.file.closed)
	}
}

// TestSentIsServed: the address that Send gives is the one that is served.
func TestSentIsServed(t *testing.T) {
	for _, name := range []string{"a.jpg", "Фото 1%.jpg", "a/b?c#d.jpg", "cafe\u0301 \"x\".jpg", "..", strings.Repeat("ф", 300) + ".jpg", "a&b;c=d+e.jpg", "%2F.jpg"} {
		d := New(Config{}, Options{PublicURL: publicURL("http://gateway.example"), Random: strings.NewReader("0123456789abcdef")})
		r, err := d.Send(t.Context(), picture(name, []byte("hello")))
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(r.URL)
		if err != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q: %q, %v", name, r.URL, err)
		}
		if w := ask(host(name, "image/jpeg", "hello"), "GET", u.EscapedPath()); w.Code != 200 || w.Body.String() != "hello" {
			t.Errorf("%q: %d at %s", name, w.Code, r.URL)
		}
	}
}

func TestOnlyPixelsAreShown(t *testing.T) {
	for _, mediaType := range []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "video/mp4", "video/webm", "IMAGE/PNG"} {
		if w := ask(host("a", mediaType, "x"), "GET", "/i/"+tokenA+"/a"); w.Header().Get("Content-Disposition") != "" || w.Header().Get("Content-Type") != mediaType {
			t.Errorf("%s: %v", mediaType, w.Header())
		}
	}
	for mediaType, sent := range map[string]string{
		"image/svg+xml": "image/svg+xml", "text/html": "text/html", "text/html; charset=utf-8": "text/html; charset=utf-8",
		"application/pdf": "application/pdf", "text/plain": "text/plain", "image/tiff": "image/tiff", "application/xhtml+xml": "application/xhtml+xml",
		"": "application/octet-stream", "image/jpeg\r\nX: y": "application/octet-stream", "nonsense/": "application/octet-stream",
	} {
		w := ask(host("Фото.x", mediaType, "<script>"), "GET", "/i/"+tokenA+"/"+url.PathEscape("Фото.x"))
		checkProtected(t, w)
		if got := w.Header().Get("Content-Disposition"); got != "attachment; filename*=utf-8''%D0%A4%D0%BE%D1%82%D0%BE.x" {
			t.Errorf("%q: Content-Disposition %q", mediaType, got)
		}
		if got := w.Header().Get("Content-Type"); got != sent {
			t.Errorf("%q: sent as %q", mediaType, got)
		}
	}
}

func TestEverythingElseIsNotFound(t *testing.T) {
	h := host("a.jpg", "image/jpeg", "hello")
	var first string
	for _, path := range []string{
		"/i/" + tokenA + "/b.jpg", "/i/" + tokenA + "/A.jpg", "/i/" + tokenA + "/", "/i/" + tokenA, "/i/" + tokenA + "/a.jpg/", "/i/" + tokenA + "/x/a.jpg",
		"/i/" + other + "/a.jpg", "/i/short/a.jpg", "/i/" + strings.ToUpper(tokenA) + "/a.jpg", "/i/" + tokenA[:25] + "z/a.jpg", "/i/", "/", "/i//a.jpg",
		"/j/" + tokenA + "/a.jpg", "/i/../i/" + other + "/a.jpg", "/i/" + tokenA + "a/a.jpg",
	} {
		w := ask(h, "GET", path)
		checkProtected(t, w)
		if first == "" {
			first = fmt.Sprint(w.Code, w.Header(), w.Body)
		}
		if got := fmt.Sprint(w.Code, w.Header(), w.Body); w.Code != 404 || got != first {
			t.Errorf("%s: %s, want the very same %s", path, got, first)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" || strings.Contains(w.Body.String(), "jpg") {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
	}
	for _, token := range h.asked {
		if token != tokenA && token != other {
			t.Errorf("asked for %q, which cannot be a token", token)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"} {
		if w := ask(h, method, "/i/"+tokenA+"/a.jpg"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	if w := ask(h, "GET", "/i/"+tokenA+"/a.jpg?download=1"); w.Code != 200 {
		t.Errorf("with a query: %d", w.Code)
	}
}

func TestBytesMissing(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, change := range map[string]func(h *hosted){
		"lookup": func(h *hosted) { h.err = broken },
		"open":   func(h *hosted) { h.Open = func(context.Context) (io.ReadSeekCloser, error) { return nil, broken } },
		"gone": func(h *hosted) {
			h.Open = func(context.Context) (io.ReadSeekCloser, error) { return nil, fs.ErrNotExist }
		},
		"short": func(h *hosted) { h.Size++ },
	} {
		t.Run(name, func(t *testing.T) {
			h := host("a.jpg", "image/jpeg", "hello")
			change(h)
			var log bytes.Buffer
			w := httptest.NewRecorder()
			(&Handler{Pictures: h, Log: slog.New(slog.NewTextHandler(&log, nil))}).ServeHTTP(w, httptest.NewRequest("GET", "/i/"+tokenA+"/a.jpg", nil))
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "fire") {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			if !strings.Contains(log.String(), "error=") || strings.Contains(log.String(), tokenA) {
				t.Errorf("log %q", log.String())
			}
			if w := ask(h, "GET", "/i/"+tokenA+"/a.jpg"); w.Code != http.StatusServiceUnavailable {
				t.Errorf("without a log: %d", w.Code)
			}
			if name == "short" && *h.file.closed != 2 {
				t.Error("the bytes stay open")
			}
		})
	}
}
