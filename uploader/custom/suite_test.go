package custom

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/dlclark/regexp2"
	"go.uber.org/goleak"

	"slipway/uploader"
	"slipway/uploader/form"
	"slipway/uploader/uploadertest"
)

const testToken = "tok0123456789abcdef"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { regexp2.StopTimeoutClock() }))
}

// anyHost is a host that takes files in one way and remembers their sums.
type anyHost struct {
	take func(r *http.Request) ([]byte, error) // the file in a request

	mu   sync.Mutex
	sums []uploadertest.Sums
	n    int
}

func (h *anyHost) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

func (h *anyHost) Has(s uploadertest.Sums) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, known := range h.sums {
		if known == s {
			return true
		}
	}
	return false
}

func (h *anyHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+testToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	file, err := h.take(r)
	if err != nil || len(file) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	sum, sum5 := sha256.Sum256(file), md5.Sum(file)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	h.sums = append(h.sums, uploadertest.Sums{SHA256: hex.EncodeToString(sum[:]), MD5: hex.EncodeToString(sum5[:])})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum5[:])+`"`)
	fmt.Fprintf(w, `{"data":{"link":"https://pics.example/%d x.jpg","id":%d}}`, h.n, h.n)
}

// ways are configurations, each with how its host takes the file out of a request.
var ways = map[string]struct {
	config Config
	take   func(*http.Request) ([]byte, error)
}{
	"multipart": {Config{FileField: "file", Arguments: map[string]string{"title": "{key:title}", "n": "{filename}"}}, func(r *http.Request) ([]byte, error) {
		f, _, err := r.FormFile("file")
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(f)
	}},
	"multipart with base64": {Config{Arguments: map[string]string{"image": "data:{file:type};base64,{file:base64}", "n": "{filename}"}}, func(r *http.Request) ([]byte, error) {
		_, text, _ := strings.Cut(r.FormValue("image"), ";base64,")
		return base64.StdEncoding.DecodeString(text)
	}},
	"form": {Config{Body: "form", Arguments: map[string]string{"image": "{file:base64}", "n": "{filename}"}}, func(r *http.Request) ([]byte, error) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		v, err := url.ParseQuery(string(b))
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(v.Get("image"))
	}},
	"json": {Config{Body: "json", Data: `{"name": "{filename}", "image": "{file:base64}", "a": {"b": [1]}}`}, func(r *http.Request) ([]byte, error) {
		var v struct{ Name, Image string }
		err := json.NewDecoder(r.Body).Decode(&v)
		if err != nil || v.Name == "" {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(v.Image)
	}},
	"binary": {Config{Method: "PUT", Body: "binary", URL: "/put/{file:upload}-{filename}"}, func(r *http.Request) ([]byte, error) {
		if strings.Count(r.URL.EscapedPath(), "/") != 2 {
			return nil, fmt.Errorf("path %q", r.URL.EscapedPath())
		}
		return io.ReadAll(r.Body)
	}},
	"idempotent": {Config{Method: "PUT", Body: "binary", URL: "/put/{file:sha256}", Idempotent: true}, func(r *http.Request) ([]byte, error) { return io.ReadAll(r.Body) }},
}

func TestSuite(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			uploadertest.Run(t, uploadertest.Harness{
				Host: func(*testing.T) uploadertest.Host { return &anyHost{take: way.take} },
				Driver: func(t *testing.T, address string, client *form.Client) uploader.Driver {
					c := way.config
					if c.URL == "" {
						c.URL = "/upload"
					}
					c.URL = address + c.URL
					c.Secrets = map[string]uploader.Secret{"token": testToken}
					c.Headers = map[string]string{"Authorization": "Bearer {secret:token}"}
					c.Result = Result{URL: "{json:data.link}", ID: "{json:data.id}", Error: "{json:error.message}{json:msg}", Identical: "{header:ETag}"}
					d, err := New(c, client)
					if err != nil {
						t.Fatal(err)
					}
					return d
				},
				Secret: testToken,
			})
		})
	}
}
