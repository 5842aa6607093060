package custom

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/form"
	"slipway/vfs/blob"
)

// exchange is what one file of testdata/good does: the exact request, a reply, and what
// comes of it.
type exchange struct {
	What    string
	Picture struct {
		Name, Type string
		Keys       uploader.Keys
	}
	Request struct {
		Line    string            // method and address
		Headers map[string]string // all but ours and the type
		Type    string            // Content-Type; of a form none
		Parts   []string          // of a form, "field NAME=VALUE" or "file NAME; FILENAME; TYPE"
		Body    string            // of anything else; "FILE" is the file itself
	}
	Reply struct {
		Status  int
		Headers map[string]string
		Body    string
	}
	Result struct{ URL, Thumbnail, Deletion string }
	Error  struct{ Kind, Says string }
}

// content is the file that is sent: its base64 has each character that forms escape.
var content = []byte("\xfb\xff\xfeabc")

func picture(name, typ string) uploader.Picture {
	if name == "" {
		name = "DSC_0001.JPG"
	}
	if typ == "" {
		typ = "image/jpeg"
	}
	return uploader.Picture{
		Upload: "01jd0000000000000000000042", Name: name, Type: typ, Size: int64(len(content)), SHA256: blob.Sum(sha256.Sum256(content)),
		Open: func(context.Context) (io.ReadSeekCloser, error) { return nopCloser{bytes.NewReader(content)}, nil },
	}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// wire answers requests as a host would, and keeps the last one.
type wire struct {
	t       *testing.T
	status  int
	headers map[string]string
	body    string
	request *http.Request
	sent    []byte
	n       int
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.n++
	w.request = r
	if r.Body != nil {
		var err error
		if w.sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if int64(len(w.sent)) != r.ContentLength {
			w.t.Errorf("%d bytes of body under the length %d", len(w.sent), r.ContentLength)
		}
	}
	h := http.Header{}
	for name, value := range w.headers {
		h.Set(name, value)
	}
	return &http.Response{StatusCode: w.status, Header: h, Body: io.NopCloser(strings.NewReader(w.body)), Request: r}, nil
}

// wired returns a client whose requests end at w.
func wired(w *wire) *form.Client {
	c := form.NewClient("test")
	c.HTTP.Transport = w
	return c
}

// fixed takes chance and time out of a driver.
func fixed(d *Driver) *Driver {
	d.now = func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC) }
	d.pick = func(int) int { return 0 }
	return d
}

// TestShareX sends a file by each custom uploader of testdata/good.
func TestShareX(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.sxcu")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	told, err := filepath.Glob("testdata/good/*.json")
	if err != nil || len(told) != len(files) {
		t.Fatalf("%d exchanges of %d files, %v", len(told), len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sxcu"), func(t *testing.T) { shareX(t, file) })
	}
}

func shareX(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var x exchange
	about, err := os.ReadFile(strings.TrimSuffix(file, ".sxcu") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	strict := json.NewDecoder(bytes.NewReader(about))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&x); err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, status: x.Reply.Status, headers: x.Reply.Headers, body: x.Reply.Body}
	d, err := New(Config{File: text, FileName: filepath.Base(file), Secrets: map[string]uploader.Secret{"token": "s3cr3t-token"}}, wired(w))
	if err != nil {
		t.Fatalf("%s: %v", x.What, err)
	}
	p := picture(x.Picture.Name, x.Picture.Type)
	p.Keys = x.Picture.Keys
	asked := 0
	p.BeforeLastByte = func() error { asked++; return nil }
	r, err := fixed(d).Send(t.Context(), p)
	if w.n != 1 || asked != 1 {
		t.Fatalf("%d requests, the ledger was asked %d times: %v", w.n, asked, err)
	}
	x.checkRequest(t, w)
	x.checkOutcome(t, r, err)
}

func (x *exchange) checkRequest(t *testing.T, w *wire) {
	t.Helper()
	if line := w.request.Method + " " + w.request.URL.String(); line != x.Request.Line {
		t.Errorf("request %s\n   want %s", line, x.Request.Line)
	}
	h := map[string]string{}
	for name, values := range w.request.Header {
		h[name] = strings.Join(values, ", ")
	}
	kind := h["Content-Type"]
	delete(h, "Content-Type")
	for _, own := range []string{"User-Agent", "Accept-Language"} {
		if _, said := x.Request.Headers[own]; !said {
			delete(h, own)
		}
	}
	if !maps.Equal(h, x.Request.Headers) {
		t.Errorf("headers %q\n   want %q", h, x.Request.Headers)
	}
	if x.Request.Parts != nil {
		if parts := partsOf(t, kind, w.sent); !slices.Equal(parts, x.parts()) {
			t.Errorf("parts %q\n want %q", parts, x.parts())
		}
		return
	}
	want := strings.ReplaceAll(x.Request.Body, "FILE", string(content))
	if kind != x.Request.Type || string(w.sent) != want {
		t.Errorf("%s %q\nwant %s %q", kind, w.sent, x.Request.Type, want)
	}
}

// parts returns the parts that are wanted, with sums filled in.
func (x *exchange) parts() []string {
	sum := sha256.Sum256(content)
	fill := strings.NewReplacer("SHA256BASE64", base64.StdEncoding.EncodeToString(sum[:]), "SHA256", hex.EncodeToString(sum[:]))
	var all []string
	for _, p := range x.Request.Parts {
		all = append(all, fill.Replace(p))
	}
	return all
}

// partsOf reads a form as the standard's package does.
func partsOf(t *testing.T, kind string, body []byte) (all []string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || media != "multipart/form-data" {
		t.Fatalf("Content-Type %q, %v", kind, err)
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		value, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		_, names, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := names["filename"]; !ok {
			all = append(all, fmt.Sprintf("field %s=%s", names["name"], value))
			continue
		}
		if !bytes.Equal(value, content) || len(p.Header) != 2 {
			t.Errorf("the file's part is %q under %q", value, textproto.MIMEHeader(p.Header))
		}
		all = append(all, fmt.Sprintf("file %s; %s; %s", names["name"], names["filename"], p.Header.Get("Content-Type")))
	}
}

func (x *exchange) checkOutcome(t *testing.T, r uploader.Result, err error) {
	t.Helper()
	if x.Error.Kind != "" {
		e := uploader.AsError(err)
		if err == nil || e.Kind.String() != x.Error.Kind || !strings.Contains(e.Message, x.Error.Says) || !e.BodySent {
			t.Errorf("%v (%v, sent %v)\nwant %+v; result %+v", err, e.Kind, e.BodySent, x.Error, r)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.URL != x.Result.URL || r.ThumbnailURL != x.Result.Thumbnail || r.DeleteURL != x.Result.Deletion {
		t.Errorf("%+v\nwant %+v", r, x.Result)
	}
}
