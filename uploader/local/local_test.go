package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"slipway/uploader"
)

// picture returns a picture of content.
func picture(name string, content []byte) uploader.Picture {
	return uploader.Picture{
		Upload: "01jtestupload0000000000000", Name: name, Type: "image/jpeg", Size: int64(len(content)),
		Open: func(context.Context) (io.ReadSeekCloser, error) { return newFile(content), nil },
	}
}

type file struct {
	*bytes.Reader
	closed *int
}

func newFile(b []byte) file { return file{bytes.NewReader(b), new(int)} }

func (f file) Close() error { *f.closed++; return nil }

func publicURL(s string) func() string { return func() string { return s } }

func TestSend(t *testing.T) {
	address := ""
	d := New(Config{}, Options{PublicURL: func() string { return address }, Name: "home"})
	p := picture("Фото 1%.jpg", []byte("hello"))
	if _, err := d.Send(t.Context(), p); uploader.AsError(err).Kind != uploader.Temporary || err == nil {
		t.Errorf("before the gateway listens: %v", err)
	}
	address = "http://127.0.0.1:8080/"
	var calls int
	var sent []int64
	p.BeforeLastByte = func() error { calls++; return nil }
	p.Progress = func(n int64) { sent = append(sent, n) }
	f := newFile([]byte("hello"))
	p.Open = func(context.Context) (io.ReadSeekCloser, error) { return f, nil }
	a, err := d.Send(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := "http://127.0.0.1:8080/i/" + a.ID + "/%D0%A4%D0%BE%D1%82%D0%BE%201%25.jpg"; a.URL != want || !isToken(a.ID) {
		t.Errorf("URL %q, want %q", a.URL, want)
	}
	if !a.Identical || a.Existing || a.Awaiting || a.DeleteURL != "" || calls != 1 || len(sent) != 1 || sent[0] != 5 || *f.closed != 1 {
		t.Errorf("%+v, %d calls, progress %v, closed %d", a, calls, sent, *f.closed)
	}
	if b, err := d.Send(t.Context(), picture("a.jpg", []byte("hello"))); err != nil || b.ID == a.ID {
		t.Errorf("the token %q came twice: %v", a.ID, err)
	}
}

// TestNamed: an address is of files whose name stands in it, however it is escaped or
// shortened, and of no other.
func TestNamed(t *testing.T) {
	d := New(Config{}, Options{PublicURL: publicURL("http://127.0.0.1:8080/sub")})
	names := []string{"a.jpg", "A.jpg", "Фото 1%.jpg", "a/b?.jpg", "..", "\xff", strings.Repeat("ä", 300) + ".jpg", "%2f.jpg", "e\u0301.jpg"}
	for _, name := range names {
		r, err := d.Send(t.Context(), picture(name, []byte("hello")))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range names {
			if got := d.Named(r, other); got != (safeName(other) == safeName(name)) {
				t.Errorf("%s is of %q: %v", r.URL, other, got)
			}
		}
	}
	if d.Named(uploader.Result{URL: "http://\x00"}, "a.jpg") || !d.Named(uploader.Result{URL: "https://old.example/i/x/%C3%A9.jpg"}, "e\u0301.jpg") {
		t.Error("other addresses")
	}
}

func TestTokenIsTheRandomBits(t *testing.T) {
	d := New(Config{}, Options{PublicURL: publicURL("https://h/sub"), Random: strings.NewReader("0123456789abcdef")})
	r, err := d.Send(t.Context(), picture("a.jpg", []byte("hello")))
	if err != nil || r.ID != "gaytemzugu3doobzmfrggzdfmy" || r.URL != "https://h/sub/i/"+r.ID+"/a.jpg" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := d.Send(t.Context(), picture("a.jpg", []byte("hello"))); uploader.AsError(err).Kind != uploader.Temporary || err == nil {
		t.Errorf("without random bits: %v", err)
	}
}

func TestSendFails(t *testing.T) {
	broken := errors.New("disk on fire")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		url    string
		change func(p *uploader.Picture)
		kind   uploader.Kind
	}{
		"open": {change: func(p *uploader.Picture) {
			p.Open = func(context.Context) (io.ReadSeekCloser, error) { return nil, broken }
		}},
		"shorter": {change: func(p *uploader.Picture) { p.Size++ }},
		"longer":  {change: func(p *uploader.Picture) { p.Size-- }},
		"empty": {change: func(p *uploader.Picture) {
			p.Open = func(context.Context) (io.ReadSeekCloser, error) { return newFile(nil), nil }
		}},
		"before":       {change: func(p *uploader.Picture) { p.BeforeLastByte = func() error { return broken } }},
		"cancelled":    {ctx: cancelled},
		"bad address":  {url: "not an address", kind: uploader.Refused},
		"with a query": {url: "http://h/?a=b", kind: uploader.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			if c.ctx == nil {
				c.ctx = t.Context()
			}
			if c.url == "" {
				c.url = "http://h"
			}
			p := picture("a.jpg", []byte("hello"))
			if c.change != nil {
				c.change(&p)
			}
			r, err := New(Config{}, Options{PublicURL: publicURL(c.url)}).Send(c.ctx, p)
			if err == nil || uploader.AsError(err).Kind != c.kind || r.URL != "" {
				t.Errorf("%+v, %v", r, err)
			}
			if c.kind == uploader.Refused && uploader.AsError(err).Remedy == "" {
				t.Error("no remedy")
			}
		})
	}
}

func TestProperties(t *testing.T) {
	d := New(Config{}, Options{PublicURL: publicURL("http://h"), Name: "home"})
	p := d.Properties()
	if p.Driver != "local" || p.Host != Host || !p.Idempotent || !p.HoldsBlob || len(p.Types) != 0 || p.OnePlace || p.Limits != (uploader.Limits{}) {
		t.Errorf("%+v", p)
	}
	if d.String() != "local home" {
		t.Error(d)
	}
}

func TestCheck(t *testing.T) {
	for address, notes := range map[string]int{
		"http://127.0.0.1:8080": 1, "http://localhost": 1, "http://[::1]:1": 1, "http://0.0.0.0:8080": 1, "https://pictures.example": 0, "http://192.0.2.1": 0,
	} {
		got, err := New(Config{}, Options{PublicURL: publicURL(address)}).Check(t.Context())
		if err != nil || len(got) != notes {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
	if _, err := New(Config{}, Options{PublicURL: publicURL("")}).Check(t.Context()); err == nil {
		t.Error("no address passes the check")
	}
}

func TestSafeName(t *testing.T) {
	for name, want := range map[string]string{
		"a.jpg": "a.jpg", "Фото 1.jpg": "Фото 1.jpg", "a/b\\c:d*e?.jpg": "a-b-c-d-e-.jpg", "": "file", "..": "file", ". .": "file",
		"nl\r\nname\x00.jpg": "nlname.jpg", "cafe\u0301.png": "café.png", "gpj.\u202eexe": "gpj.exe", "bad\xff.jpg": "bad.jpg", "a%2Fb.jpg": "a%2Fb.jpg",
	} {
		if got := safeName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"a.jpg", strings.Repeat("ф.", 200), "x\xff/..", "e\u0301", ".\u202e.", strings.Repeat("e", 149) + "\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := safeName(name)
		if got == "" || got == "." || got == ".." || len(got) > maxName || !utf8.ValidString(got) || strings.ContainsAny(got, `/\`) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("%q became %q", name, got)
		}
		if again := safeName(got); again != got {
			t.Fatalf("%q became %q, and that %q", name, got, again)
		}
	})
}
