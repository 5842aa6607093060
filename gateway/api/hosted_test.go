package api_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/operate"
)

// field is one part of a form; file: its name, "-" for a field that is no file.
type field struct{ name, file, value string }

// form returns a multipart form and its type.
func form(fields ...field) (body []byte, kind string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"`, f.name)}}
		if f.file != "-" {
			h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, f.name, f.file))
			h.Set("Content-Type", "image/jpeg")
		}
		part, _ := w.CreatePart(h)    //nolint:errcheck // into memory
		io.WriteString(part, f.value) //nolint:errcheck // as above
	}
	w.Close() //nolint:errcheck // as above
	return b.Bytes(), w.FormDataContentType()
}

// post sends a form.
func (w *world) post(target string, headers []string, fields ...field) reply {
	w.Helper()
	body, kind := form(fields...)
	return w.ask("POST", target, body, append([]string{"Content-Type", kind}, headers...)...)
}

// stored returns the names in a folder.
func (w *world) stored(dir string) string {
	infos, err := afero.ReadDir(w.desk.fs, dir)
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, info := range infos {
		names = append(names, info.Name())
	}
	return strings.Join(names, " ")
}

type picgo struct {
	Success bool
	Result  []string
	Message string
	Uploads []operate.Upload
}

func TestPicGo(t *testing.T) {
	w := newWorld(t)
	one, two := string(picture(1)), string(picture(2))
	var a picgo
	r := w.post("/upload", nil, field{"file", `C:\\shots\\shot.jpg`, one}, field{"note", "-", "x"}, field{"anything", "two.jpg", two})
	if r.into(t, &a); r.StatusCode != 200 || !a.Success || strings.Join(a.Result, " ") != "https://host.example/shot.jpg https://host.example/two.jpg" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	// By the key in the address alone, as PicList does; the name is taken.
	a = picgo{}
	r = w.post("/upload?key="+rightKey, []string{"X-API-Key", ""}, field{"file", "shot.jpg", two})
	if r.into(t, &a); !a.Success || a.Result[0] != "https://host.example/shot%20(1).jpg" && a.Result[0] != "https://host.example/shot (1).jpg" {
		t.Errorf("%s", r.body)
	}
	// The same again is the same.
	r = w.post("/upload", nil, field{"file", "shot.jpg", two})
	if got := w.stored("/in"); got != "shot (1).jpg shot.jpg two.jpg" {
		t.Errorf("%s, %s", got, r.body)
	}
	for body, want := range map[string]string{
		`{"list":["C:\\a.jpg"]}`: "paths", "": "clipboard", "{}": "clipboard", `{"list":[]}`: "clipboard",
	} {
		a = picgo{}
		r := w.send(either, "POST", "/upload", body)
		if r.into(t, &a); r.StatusCode != 400 || a.Success || !strings.Contains(a.Message, want) {
			t.Errorf("%s: %d %s", body, r.StatusCode, r.body)
		}
	}
	for name, r := range map[string]reply{
		"no file":    w.post("/upload", nil, field{"a", "-", "b"}),
		"refused":    w.post("/upload", nil, field{"file", "no.jpg", one}),
		"raw":        w.send(either, "POST", "/upload", []byte(one)),
		"stranger":   w.post("/upload?key=x", []string{"X-API-Key", ""}, field{"file", "a.jpg", one}),
		"32 files":   w.post("/upload", nil, slicesOf(field{"f", "a.jpg", "x"}, 33)...),
		"64 parts":   w.post("/upload", nil, slicesOf(field{"f", "-", "x"}, 65)...),
		"long field": w.post("/upload", nil, field{"f", "-", strings.Repeat("x", 70000)}),
	} {
		if a = (picgo{}); r.StatusCode < 400 || a.Message != "" {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
		if r.into(t, &a); a.Success || a.Message == "" || a.Result == nil {
			t.Errorf("%s: %s", name, r.body)
		}
		if n, _, _ := strings.Cut(name, " "); (n == "32" || n == "64") && !strings.Contains(a.Message, n) {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	if got := w.stored("/in"); got != "shot (1).jpg shot.jpg two.jpg" {
		t.Errorf("what was refused is stored: %s", got)
	}
}

func slicesOf(f field, n int) []field {
	list := make([]field, n)
	for i := range list {
		list[i] = f
	}
	return list
}

// TestPicGoCut: a form that ends early stores nothing, not the files before either.
func TestPicGoCut(t *testing.T) {
	w := newWorld(t)
	body, kind := form(field{"a", "a.jpg", string(picture(1))}, field{"b", "b.jpg", string(picture(2))})
	for _, n := range []int{len(body) / 4, len(body) * 3 / 4, len(body) - 5} {
		head := "POST /upload HTTP/1.1\r\nHost: x\r\nX-API-Key: " + rightKey + "\r\nContent-Type: " + kind + "\r\n"
		for _, rest := range []string{
			fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body[:n]),
			fmt.Sprintf("Content-Length: %d\r\n\r\n%s", n, body[:n]),
		} {
			if reply := w.raw(head + rest); strings.HasPrefix(reply, "HTTP/1.1 2") {
				t.Errorf("%d of %d bytes are answered %q", n, len(body), reply)
			}
		}
	}
	if got := w.stored("/in"); got != "" {
		t.Errorf("%s", got)
	}
	// The names are free again, also after a file of that name has gone.
	for range 2 {
		w.post("/upload", nil, field{"a", "a.jpg", string(picture(3))}, field{"b", "b.jpg", string(picture(4))})
		if got := w.stored("/in"); got != "a.jpg b.jpg" {
			t.Errorf("%s", got)
		}
		w.ask("DELETE", "/api/v1/files/in/a.jpg", nil)
		w.ask("DELETE", "/api/v1/files/in/b.jpg", nil)
	}
}

// TestPending: without a URL in time the answer is 202, with a place to ask.
func TestPending(t *testing.T) {
	w := newWorld(t)
	w.desk.delay, w.wait = time.Hour, time.Millisecond
	var a picgo
	r := w.post("/upload", nil, field{"file", "a.jpg", string(picture(1))})
	r.into(t, &a)
	at := r.Header.Get("Location")
	if r.StatusCode != 202 || a.Success || len(a.Uploads) != 1 || at != fmt.Sprintf("/api/v1/uploads/%d", a.Uploads[0].ID) {
		t.Fatalf("%d %q %s", r.StatusCode, at, r.body)
	}
	c := w.post("/api/1/upload", nil, field{"source", "b.jpg", string(picture(2))})
	if c.StatusCode != 202 || c.Header.Get("Location") == "" || !bytes.Contains(c.body, []byte(`"status_code":202`)) {
		t.Errorf("%d %s", c.StatusCode, c.body)
	}
	w.desk.mu.Lock()
	w.desk.delay = 0
	w.desk.mu.Unlock()
	var u operate.Upload
	if w.ask("GET", at, nil).into(t, &u); u.URL == "" {
		t.Errorf("%+v", u)
	}
}

// TestEndings: what a host did with a picture, in words.
func TestEndings(t *testing.T) {
	w := newWorld(t)
	w.wait = 50 * time.Millisecond
	for i, c := range []struct {
		state       string
		picgo, chev int
	}{{"failed", 502, 502}, {"held", 202, 202}, {"awaiting", 202, 200}, {"dropped", 502, 502}} {
		w.desk.state = c.state
		data := string(picture(uint64(i)))
		p := w.post("/upload", nil, field{"file", c.state + ".jpg", data})
		h := w.post("/api/1/upload", nil, field{"source", c.state + "2.jpg", data})
		if p.StatusCode != c.picgo || h.StatusCode != c.chev {
			t.Errorf("%s: %d %s, %d %s", c.state, p.StatusCode, p.body, h.StatusCode, h.body)
		}
		if word := map[string]string{"held": "is stored and held", "awaiting": "approve", "failed": "say please"}[c.state]; !bytes.Contains(p.body, []byte(word)) {
			t.Errorf("%s: %s", c.state, p.body)
		}
		if c.state == "awaiting" && !bytes.Contains(h.body, []byte(`"is_approved":0`)) {
			t.Errorf("%s", h.body)
		}
	}
	// What failed is tried again when it is sent again, and stored once.
	w.desk.state = "failed"
	w.post("/upload", nil, field{"file", "failed.jpg", string(picture(0))})
	if len(w.desk.retried) != 1 || !strings.HasPrefix(w.stored("/in"), "awaiting.jpg awaiting2.jpg dropped.jpg dropped2.jpg failed.jpg failed2.jpg") {
		t.Errorf("%v, %s", w.desk.retried, w.stored("/in"))
	}
	// Nothing sends a text on.
	if r := w.post("/upload", nil, field{"file", "a.txt", "just text"}); r.StatusCode != 422 {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	w.folder = ""
	if r := w.post("/upload", nil, field{"file", "a.jpg", "x"}); r.StatusCode != 403 {
		t.Errorf("no folder: %d %s", r.StatusCode, r.body)
	}
}

type chevereto struct {
	Status int `json:"status_code"`
	Image  struct {
		ID, URL, Filename, MIME string
		Viewer                  string `json:"url_viewer"`
		Width, Height           int
		Size                    int64
		SourceMD5               string `json:"source_md5"`
		Thumb                   struct{ URL string }
	}
	Error struct {
		Message string
		Code    int
	}
	Notes []string
}

func TestChevereto(t *testing.T) {
	w := newWorld(t)
	data := string(picture(1))
	encoded := base64.StdEncoding.EncodeToString([]byte(data))
	source := field{"source", "a.jpg", data}
	for _, c := range []struct {
		name   string
		target string
		key    string // in the header
		fields []field
		code   int // of the error; 0: none
	}{
		{"header", "/api/1/upload", rightKey, []field{source}, 0},
		{"field", "/api/1/upload", "", []field{{"key", "-", rightKey}, source}, 0},
		{"query", "/api/1/upload?key=" + rightKey, "", []field{source}, 0},
		{"base64", "/api/1/upload", rightKey, []field{{"source", "-", encoded}}, 0},
		{"base64 in lines", "/api/1/upload", rightKey, []field{{"source", "-", encoded[:76] + "\r\n" + strings.TrimRight(encoded[76:], "=")}}, 0},
		{"fields after it", "/api/1/upload", rightKey, []field{source, {"title", "-", "Beach"}, {"album_id", "-", "aY"}, {"nsfw", "-", "0"}}, 0},
		{"no key", "/api/1/upload", "", []field{source}, 100},
		{"late key", "/api/1/upload", "", []field{source, {"key", "-", rightKey}}, 100},
		{"wrong key", "/api/1/upload", "wrong", []field{source}, 100},
		{"wrong field", "/api/1/upload", "", []field{{"key", "-", "wrong"}, source}, 100},
		{"no source", "/api/1/upload", rightKey, []field{{"title", "-", "x"}}, 130},
		{"empty source", "/api/1/upload", rightKey, []field{{"source", "a.jpg", ""}}, 130},
		{"empty text", "/api/1/upload", rightKey, []field{{"source", "-", ""}}, 130},
		{"two sources", "/api/1/upload", rightKey, []field{source, source}, 130},
		{"a URL", "/api/1/upload", rightKey, []field{{"source", "-", "https://elsewhere.example/a.jpg"}}, 403},
		{"a data URI", "/api/1/upload", rightKey, []field{{"source", "-", "data:image/png;base64,aGk="}}, 120},
		{"no base64", "/api/1/upload", rightKey, []field{{"source", "-", "@@@notb64"}}, 120},
		{"a list", "/api/1/upload", rightKey, []field{{"title[]", "-", "x"}, source}, 130},
		{"refused", "/api/1/upload", rightKey, []field{{"source", "no.jpg", data}}, 401},
		{"too large", "/api/1/upload", rightKey, []field{{"source", "big.jpg", strings.Repeat("x", 2<<20)}}, 400},
	} {
		var a chevereto
		body, kind := form(c.fields...)
		r := w.send(either, "POST", c.target, body, "Content-Type", kind, "X-API-Key", c.key)
		if r.into(t, &a); a.Error.Code != c.code || a.Status != r.StatusCode || (c.code == 0) != (a.Status == 200) || (c.code == 0) == (a.Error.Message != "") {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, r.body)
		}
		if strings.Contains(string(r.body), "delete") {
			t.Errorf("%s: %s", c.name, r.body)
		}
		if c.code == 0 && (a.Image.URL == "" || a.Image.Width != 40 || a.Image.Height != 30 || a.Image.Size != int64(len(data)) || a.Image.SourceMD5 == "" ||
			a.Image.Thumb.URL == "" || a.Image.Viewer == "" || a.Image.MIME != "image/jpeg" || path.Ext(a.Image.Filename) != ".jpg") {
			t.Errorf("%s: %s", c.name, r.body)
		}
		if c.name == "fields after it" && len(a.Notes) != 2 {
			t.Errorf("%s: %q", c.name, a.Notes)
		}
	}
	if got := w.stored("/in"); strings.Count(got, " ") != 2 || !strings.HasPrefix(got, "a.jpg picture-") {
		t.Errorf("stored: %s", got)
	}
}

func TestCheveretoFormats(t *testing.T) {
	w := newWorld(t)
	source := field{"source", "a.jpg", string(picture(1))}
	for _, c := range []struct {
		format string
		fields []field
		status int
		body   string
	}{
		{"txt", []field{source}, 200, "https://host.example/a.jpg"},
		{"redirect", []field{source}, 302, ""},
		{"txt", nil, 200, "Empty upload source"},
		{"redirect", nil, 200, "Empty upload source"},
	} {
		r := w.post("/api/1/upload", nil, append(c.fields, field{"format", "-", c.format})...)
		if r.StatusCode != c.status || string(r.body) != c.body || c.status == 302 && r.Header.Get("Location") != "https://host.example/view" {
			t.Errorf("%s: %d %q %v", c.format, r.StatusCode, r.body, r.Header)
		}
	}
}

// TestCheveretoURLEncoded: base64 in a plain form, as many scripts send it.
func TestCheveretoURLEncoded(t *testing.T) {
	w := newWorld(t)
	data := picture(1)
	encoded := base64.StdEncoding.EncodeToString(data)
	const kind = "application/x-www-form-urlencoded"
	for name, body := range map[string]string{
		"escaped":     url.Values{"source": {encoded}, "title": {"a&b=c"}}.Encode(),
		"not escaped": "title&=&source=" + encoded,
		"by key":      "key=" + rightKey + "&source=" + url.QueryEscape(encoded),
	} {
		key := rightKey
		if name == "by key" {
			key = ""
		}
		var a chevereto
		r := w.send(either, "POST", "/api/1/upload", []byte(body), "Content-Type", kind, "X-API-Key", key)
		if r.into(t, &a); a.Status != 200 || a.Image.Size != int64(len(data)) {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	for _, body := range []string{"source=%zz", "source=aGk%", "", "a=b", strings.Repeat("a=b&", 100), strings.Repeat("a", 70000), "title=" + strings.Repeat("a", 70000)} {
		var a chevereto
		r := w.send(either, "POST", "/api/1/upload", []byte(body), "Content-Type", kind)
		if r.into(t, &a); r.StatusCode != 400 || a.Error.Message == "" {
			t.Errorf("%.20q: %d %s", body, r.StatusCode, r.body)
		}
	}
}
