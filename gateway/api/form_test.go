package api

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// readAll reads a form whole, up to its first error.
func readAll(kind string, body io.Reader) (got []string, err error) {
	next, ok := parts(kind, body)
	if !ok {
		return nil, errMalformed
	}
	for {
		p, err := next()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		text, err := io.ReadAll(io.LimitReader(p, 1<<20))
		if err != nil {
			return got, err
		}
		got = append(got, p.field+"="+p.name+"="+string(text))
	}
}

func TestPairs(t *testing.T) {
	for body, want := range map[string]string{
		"": "", "a=b": "a==b", "a": "a==", "a=&b": "a==|b==", "a=b=c&d=%26%3d+e": "a==b=c|d==&= e", "&&a=b&": "==|==|a==b", "%61=%C3%BC": "a==ü",
	} {
		for _, r := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body))} {
			got, err := readAll("application/x-www-form-urlencoded", r)
			if err != nil || strings.Join(got, "|") != want {
				t.Errorf("%q: %q %v, want %q", body, got, err, want)
			}
		}
	}
}

// endless never ends, and counts what was read of it.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	e.n += int64(len(p))
	return len(p), nil
}

// TestPairsStream: a value is not held in memory.
func TestPairsStream(t *testing.T) {
	source := &endless{}
	next, _ := parts("application/x-www-form-urlencoded", io.MultiReader(strings.NewReader("source="), source))
	p, err := next()
	if err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(3, func() {
		if n, err := io.CopyN(io.Discard, p, 8<<20); err != nil || n != 8<<20 {
			t.Errorf("%d %v", n, err)
		}
	})
	if allocs > 10 || source.n > 33<<20 {
		t.Errorf("%v allocations, %d bytes were read ahead", allocs, source.n-32<<20)
	}
}

func TestUnbase64(t *testing.T) {
	data := bytes.Repeat([]byte("\xfb\xff\x00picture"), 1000)
	plain := base64.StdEncoding.EncodeToString(data)
	for name, text := range map[string]string{
		"plain": plain, "no padding": strings.TrimRight(plain, "="), "lines": plain[:77] + "\r\n" + plain[77:], "spaces for plus": strings.ReplaceAll(plain, "+", " "),
	} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
			if got, err := io.ReadAll(unbase64(r)); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
	}
	for _, text := range []string{"@@@", "a", "YWJj*", "YWJjZ"} {
		if got, err := io.ReadAll(unbase64(strings.NewReader(text))); err != errBase64 {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"a.jpg": "a.jpg", `C:\x\a.jpg`: "a.jpg", "/etc/../a.jpg": "a.jpg", "..": "", ".hidden.jpg": "hidden.jpg", "": "", "a\x00\nb.jpg": "ab.jpg", "  a .jpg ": "a .jpg",
		strings.Repeat("ü", 200) + ".jpg": strings.Repeat("ü", 125) + ".jpg", "\xff.jpg": "jpg",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	if got := variant("a.b.jpg", 3); got != "a.b (3).jpg" {
		t.Error(got)
	}
	if got := variant(strings.Repeat("ü", 125)+".jpg", 3); len(got) > maxName || !utf8.ValidString(got) {
		t.Error(got)
	}
}

// FuzzPairs: it reads what net/url reads, where that reads at all.
func FuzzPairs(f *testing.F) {
	for _, s := range []string{"a=b&c=d", "a=%zz", "&=&", "a;b", "%", "a=b=c", "+=+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		want, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		got := make(url.Values)
		next, _ := parts("application/x-www-form-urlencoded", strings.NewReader(body))
		for {
			p, err := next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return // too many, or too long
			}
			text, err := io.ReadAll(p)
			if err != nil {
				t.Fatal(err)
			}
			got.Add(p.field, string(text))
		}
		if !want.Has("") { // net/url leaves out what is empty altogether
			delete(got, "")
		}
		for name, values := range want {
			if name != "" && !slices.Equal(got[name], values) {
				t.Errorf("%q: %q is %q, want %q", body, name, got[name], values)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	})
}

// FuzzMultipart: nothing that comes makes it fail but by an error.
func FuzzMultipart(f *testing.F) {
	f.Add("--x\r\nContent-Disposition: form-data; name=\"source\"; filename=\"a.jpg\"\r\n\r\nabc\r\n--x--\r\n")
	f.Add("--x\r\n\r\n\r\n--x--")
	f.Fuzz(func(t *testing.T, body string) {
		got, err := readAll("multipart/form-data; boundary=x", strings.NewReader(body))
		if len(got) > maxParts {
			t.Errorf("%d parts, %v", len(got), err)
		}
	})
}

// FuzzFileName: a name that can be stored, whatever it was.
func FuzzFileName(f *testing.F) {
	f.Add("a.jpg")
	f.Add("../../etc/passwd\x00")
	f.Fuzz(func(t *testing.T, name string) {
		got := fileName(name)
		if len(got) > maxName || strings.ContainsAny(got, "/\\\x00\n") || !utf8.ValidString(got) || strings.HasPrefix(got, ".") {
			t.Errorf("%q is %q", name, got)
		}
		for n := range numbered + 3 {
			if v := variant(got, n); len(v) > maxName || !utf8.ValidString(v) {
				t.Errorf("%q is %q", got, v)
			}
		}
	})
}
