package form_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"slipway/uploader/form"
)

// parse reads a body back as a host would.
func parse(t *testing.T, contentType string, body []byte) (fields map[string]string, file *multipart.Part, content []byte) {
	t.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	fields = map[string]string{}
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return fields, file, content
		}
		if err != nil {
			t.Fatalf("parsing %q: %v", body, err)
		}
		b, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		if part.Header.Get("Content-Type") != "" {
			file, content = part, b
			continue
		}
		fields[part.FormName()] = string(b)
	}
}

func fileName(t *testing.T, p *multipart.Part) string {
	t.Helper()
	_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil {
		t.Fatalf("Content-Disposition %q: %v", p.Header.Get("Content-Disposition"), err)
	}
	return params["filename"]
}

func TestFormIsReadBack(t *testing.T) {
	content := "\xff\xd8 picture"
	f := form.New([]form.Field{{"title", "Straße\r\n--x"}, {"nsfw", "1"}},
		form.File{Field: "source", Name: "日本 \"語\"\\.jpg", Type: "image/jpeg", Size: int64(len(content))})
	body, err := io.ReadAll(f.Reader(strings.NewReader(content), nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(body)) != f.ContentLength() {
		t.Errorf("ContentLength = %d, body has %d", f.ContentLength(), len(body))
	}
	fields, file, got := parse(t, f.ContentType(), body)
	if fields["title"] != "Straße\r\n--x" || fields["nsfw"] != "1" || string(got) != content {
		t.Errorf("read back %q, %q", fields, got)
	}
	if n := fileName(t, file); n != "日本 \"語\"\\.jpg" || file.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("file name %q, type %q", n, file.Header.Get("Content-Type"))
	}
	if bytes.Contains(body, []byte("filename*")) {
		t.Error("filename* was sent")
	}
}

func FuzzForm(f *testing.F) {
	f.Add("title", "a\r\nb", "x\".jpg", "image/jpeg", []byte("abc"), 3)
	f.Add("", "", "\r\n\x00\\", "a\nb", []byte{}, 1)
	f.Fuzz(func(t *testing.T, name, value, fname, ftype string, content []byte, chunk int) {
		name, fname = strings.Map(plain, name), strings.Map(plain, fname)
		fm := form.New([]form.Field{{"n" + name, value}}, form.File{Field: "source", Name: fname, Type: ftype, Size: int64(len(content))})
		var calls int
		body := fm.Reader(bytes.NewReader(content), func() error { calls++; return nil }, nil)
		var got []byte
		buf := make([]byte, 1+(chunk&0xff))
		for {
			n, err := body.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if calls == 0 && body.Complete() {
				t.Fatal("complete without before")
			}
		}
		if calls != 1 || int64(len(got)) != fm.ContentLength() || !body.Complete() || body.Sent() != fm.ContentLength() {
			t.Fatalf("calls %d, %d bytes of %d, complete %v, sent %d", calls, len(got), fm.ContentLength(), body.Complete(), body.Sent())
		}
		fields, file, back := parse(t, fm.ContentType(), got)
		if fields["n"+name] != value || !bytes.Equal(back, content) || fileName(t, file) != fname {
			t.Fatalf("%q=%q, %q %q read back as %q, %q %q", name, value, fname, content, fields, fileName(t, file), back)
		}
	})
}

func plain(r rune) rune {
	if r < ' ' || r == 0x7f || r == utf8.RuneError {
		return -1
	}
	return r
}

func TestLineEndsInNamesCannotEndTheHeader(t *testing.T) {
	f := form.New([]form.Field{{"a\"\r\nX: y", "v"}}, form.File{Field: "source", Name: "a\r\n\r\nb\x00.jpg", Type: "image/jpeg\r\nX: y"})
	body, err := io.ReadAll(f.Reader(strings.NewReader(""), nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	fields, file, _ := parse(t, f.ContentType(), body)
	if len(fields) != 1 || fileName(t, file) != "a%0D%0A%0D%0Ab%00.jpg" || len(file.Header) != 2 {
		t.Errorf("read back %q, %q, %q", fields, fileName(t, file), file.Header)
	}
}

func TestContentOfAnotherLengthNeverEndsWhole(t *testing.T) {
	for content, want := range map[string]error{"abc": form.ErrShort, "abcde": form.ErrLong, "": form.ErrShort} {
		for _, one := range []bool{false, true} {
			f := form.New(nil, form.File{Field: "f", Name: "n", Size: 4})
			var r io.Reader = strings.NewReader(content)
			if one {
				r = iotest.OneByteReader(r)
			}
			var asked bool
			body := f.Reader(r, func() error { asked = true; return nil }, nil)
			got, err := io.ReadAll(body)
			if !errors.Is(err, want) || body.Complete() || asked || !errors.Is(body.Err(), want) {
				t.Errorf("%q: err %v, complete %v, asked %v", content, err, body.Complete(), asked)
			}
			if bytes.HasSuffix(got, []byte("--\r\n")) {
				t.Errorf("%q: the body ended whole", content)
			}
			if _, err := body.Read(make([]byte, 9)); !errors.Is(err, want) {
				t.Errorf("%q: reading on gave %v", content, err)
			}
		}
	}
}

func TestContentThatFails(t *testing.T) {
	bad := errors.New("disk on fire")
	f := form.New(nil, form.File{Field: "f", Name: "n", Size: 4})
	body := f.Reader(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(bad)), nil, nil)
	if _, err := io.ReadAll(body); !errors.Is(err, bad) || body.Complete() {
		t.Errorf("err %v, complete %v", err, body.Complete())
	}
}

func TestBeforeFailsTheBody(t *testing.T) {
	bad := errors.New("no ledger")
	f := form.New(nil, form.File{Field: "f", Name: "n", Size: 4})
	calls := 0
	body := f.Reader(strings.NewReader("abcd"), func() error { calls++; return bad }, nil)
	got, err := io.ReadAll(body)
	if !errors.Is(err, bad) || body.Complete() || calls != 1 {
		t.Fatalf("err %v, complete %v, calls %d", err, body.Complete(), calls)
	}
	if !bytes.HasSuffix(got, []byte("\r\n\r\nabcd")) {
		t.Errorf("handed out %q", got)
	}
}

func TestClosedBodyGivesNothing(t *testing.T) {
	f := form.New(nil, form.File{Field: "f", Name: "n", Size: 4})
	body := f.Reader(strings.NewReader("abcd"), nil, nil)
	body.Close()
	if n, err := body.Read(make([]byte, 100)); n != 0 || !errors.Is(err, form.ErrClosed) {
		t.Errorf("read %d, %v", n, err)
	}
	whole := f.Reader(strings.NewReader("abcd"), nil, nil)
	io.Copy(io.Discard, whole)
	whole.Close()
	if _, err := whole.Read(make([]byte, 1)); err != io.EOF || !whole.Complete() {
		t.Errorf("a whole body reads %v after Close", err)
	}
}

func TestProgressEndsAtTheLength(t *testing.T) {
	f := form.New(nil, form.File{Field: "f", Name: "n", Size: 1000})
	var last int64
	body := f.Reader(bytes.NewReader(make([]byte, 1000)), nil, func(n int64) {
		if n <= last {
			t.Errorf("progress %d after %d", n, last)
		}
		last = n
	})
	io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{body}, make([]byte, 100))
	if last != f.ContentLength() {
		t.Errorf("ended at %d of %d", last, f.ContentLength())
	}
}

// TestRaw: a body that is the file alone asks before its last byte all the same.
func TestRaw(t *testing.T) {
	for _, test := range []struct{ head, foot string }{{"", ""}, {"[", ""}, {"", "]"}, {`{"a":"`, `"}`}} {
		for _, content := range []string{"x", "xy", strings.Repeat("long ", 20_000)} {
			f := form.Raw("text/plain", []byte(test.head), int64(len(content)), []byte(test.foot))
			var body *form.Body
			asked := 0
			body = f.Reader(iotest.HalfReader(strings.NewReader(content)), func() error {
				if asked++; body.Complete() {
					t.Error("it is complete before it asked")
				}
				return nil
			}, nil)
			got, err := io.ReadAll(body)
			if want := test.head + content + test.foot; err != nil || string(got) != want || asked != 1 || !body.Complete() ||
				f.ContentLength() != int64(len(want)) || f.ContentType() != "text/plain" {
				t.Errorf("%+v of %d: %d bytes, %v, asked %d, complete %v", test, len(content), len(got), err, asked, body.Complete())
			}
		}
	}
}

// TestRawEnds: what is shorter or longer than announced, or not allowed, never goes
// out whole.
func TestRawEnds(t *testing.T) {
	no := errors.New("no")
	for content, want := range map[string]error{"": form.ErrShort, "abc": form.ErrShort, "abcde": form.ErrLong, "abcd": no} {
		body := form.Raw("", nil, 4, nil).Reader(iotest.OneByteReader(strings.NewReader(content)), func() error { return no }, nil)
		got, err := io.ReadAll(body)
		if !errors.Is(err, want) || body.Complete() || len(got) > 3 {
			t.Errorf("%q: %q, %v, complete %v", content, got, err, body.Complete())
		}
	}
}

func TestPlainFile(t *testing.T) {
	f := form.New([]form.Field{{Name: "a", Value: "b"}}, form.File{Field: "image", Size: 4, Plain: true, Before: "data:", After: "!"})
	body, err := io.ReadAll(f.Reader(strings.NewReader("abcd"), nil, nil))
	if err != nil || int64(len(body)) != f.ContentLength() || bytes.Contains(body, []byte("filename")) {
		t.Fatalf("%q, %v", body, err)
	}
	_, params, err := mime.ParseMediaType(f.ContentType())
	if err != nil {
		t.Fatal(err)
	}
	got, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(1 << 20)
	if err != nil || got.Value["image"][0] != "data:abcd!" || got.Value["a"][0] != "b" {
		t.Errorf("%v, %v", got, err)
	}
}
