package variant

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	_ "image/jpeg" // decoders for image.Decode
	_ "image/png"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"slipway/uploader/whole"
	"slipway/uploader/whole/wholetest"
)

const id = "0123456789abcdefghjkmnpqrs"

func TestPixelsStay(t *testing.T) {
	jfif := []byte("\xff\xe0\x00\x10JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00")
	jpeg := wholetest.JPEG(50, 30, 1)
	for _, c := range []struct {
		name, mediaType string
		data            []byte
	}{
		{"JPEG", "image/jpeg", jpeg},
		{"JPEG with JFIF and film", "image/jpeg; charset=binary", bytes.Join([][]byte{jpeg[:2], jfif, jpeg[2:], wholetest.MP4(8, 8, 1)}, nil)},
		{"PNG", "image/png", wholetest.PNG(50, 30, 1)},
		{"GIF", "image/gif", wholetest.GIF(50, 30, 1)},
		{"GIF87a", "image/gif", gif87a()},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := made(t, c.data, c.mediaType, 1)
			before, after := decode(t, c.data), decode(t, out)
			if len(before) != len(after) {
				t.Fatalf("%d pictures became %d", len(before), len(after))
			}
			for i := range before {
				samePixels(t, before[i], after[i])
			}
		})
	}
}

func samePixels(t *testing.T, a, b image.Image) {
	t.Helper()
	if a.Bounds() != b.Bounds() {
		t.Fatalf("bounds %v became %v", a.Bounds(), b.Bounds())
	}
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				t.Fatalf("pixel %d,%d: %v became %v", x, y, a.At(x, y), b.At(x, y))
			}
		}
	}
}

func decode(t *testing.T, data []byte) []image.Image {
	t.Helper()
	if bytes.HasPrefix(data, []byte("GIF")) {
		g, err := gif.DecodeAll(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var all []image.Image
		for _, m := range g.Image {
			all = append(all, m)
		}
		return all
	}
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return []image.Image{m}
}

func TestEveryCopyIsItsOwn(t *testing.T) {
	seen := map[[32]byte]string{}
	for mediaType, data := range pictures() {
		seen[sha256.Sum256(data)] = mediaType
		for copy := 1; copy <= 3; copy++ {
			out := made(t, data, mediaType, copy)
			if again := made(t, data, mediaType, copy); !bytes.Equal(out, again) {
				t.Errorf("%s: two attempts differ", mediaType)
			}
			sum := sha256.Sum256(out)
			if other, ok := seen[sum]; ok {
				t.Errorf("%s copy %d is the same as %s", mediaType, copy, other)
			}
			seen[sum] = mediaType
			if err := whole.Check(bytes.NewReader(out), int64(len(out)), mediaType, ""); err != nil {
				t.Errorf("%s: %v", mediaType, err)
			}
			if bytes.Contains(out, []byte(id)) {
				t.Errorf("%s: the upload's id is in the file", mediaType)
			}
			if !bytes.Contains(out, []byte(comment(id, copy))) {
				t.Errorf("%s: no comment", mediaType)
			}
		}
	}
	// The very bytes are promised to stay the same from release to release.
	if got := comment(id, 1); got != "slipway 3b99dc1b8fb7ffa488eecc05c453be34" {
		t.Errorf("comment = %q", got)
	}
	if comment("a", 11) == comment("a1", 1) {
		t.Error("upload and copy run together")
	}
}

// Where the comment goes, byte by byte.
func TestPlaces(t *testing.T) {
	text := comment(id, 1)
	seg := func(marker byte, data string) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(data))), data...)
	}
	jpeg, gif, png := wholetest.JPEG(9, 9, 1), wholetest.GIF(9, 9, 1), wholetest.PNG(9, 9, 1)
	head := bytes.Join([][]byte{jpeg[:2], seg(0xe0, "JFIF\x00"), seg(0xe1, "Exif\x00\x00"), seg(0xe1, "http://ns.adobe.com/xap/1.0/\x00")}, nil)
	rest := bytes.Join([][]byte{seg(0xe2, "MPF\x00"), jpeg[2:]}, nil)
	for _, c := range []struct{ name, mediaType, before, put, after string }{
		{"JPEG", "image/jpeg", string(head), string(seg(0xfe, text)), string(rest)},
		{"PNG", "image/png", string(png[:33]), "\x00\x00\x00\x30tEXtComment\x00" + text + "\x9b\x54\xd1\xb5", string(png[33:])},
		{"GIF", "image/gif", string(gif[:len(gif)-1]), "!\xfe\x28" + text + "\x00", ";"},
	} {
		if got, want := string(made(t, []byte(c.before+c.after), c.mediaType, 1)), c.before+c.put+c.after; got != want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, want)
		}
	}
	if got := made(t, gif87a(), "image/gif", 1); string(got[:6]) != "GIF89a" {
		t.Errorf("a GIF87a with a comment begins with %q", got[:6])
	}
}

func TestWebP(t *testing.T) {
	text := comment(id, 1)
	vp8l := wholetest.VP8L(300, 20, 1)
	alpha := bytes.Clone(vp8l)
	alpha[4] |= 0x10
	vp8 := append([]byte("\x10\x02\x00\x9d\x01\x2a\x2c\x41\x14\x80"), wholetest.Noise(50, 1)...) // 300 by 20, scaled
	canvas := "\x00\x00\x00\x2b\x01\x00\x13\x00\x00"
	simple := func(kind string, data []byte) []byte {
		return wholetest.RIFF("WEBP", wholetest.Chunk(kind, data))
	}
	vp8x := wholetest.Chunk("VP8X", []byte("\x08"+canvas))
	exif := wholetest.Chunk("EXIF", []byte("Exif!"))
	tail := wholetest.Chunk("SLPW", []byte(text))
	for _, c := range []struct {
		name     string
		in, want []byte
	}{
		{"lossless", simple("VP8L", vp8l), wholetest.RIFF("WEBP", wholetest.Chunk("VP8X", []byte("\x00"+canvas)), wholetest.Chunk("VP8L", vp8l), tail)},
		{"lossless with alpha", simple("VP8L", alpha), wholetest.RIFF("WEBP", wholetest.Chunk("VP8X", []byte("\x10"+canvas)), wholetest.Chunk("VP8L", alpha), tail)},
		{"lossy", simple("VP8 ", vp8), wholetest.RIFF("WEBP", wholetest.Chunk("VP8X", []byte("\x00"+canvas)), wholetest.Chunk("VP8 ", vp8), tail)},
		{"extended", wholetest.RIFF("WEBP", vp8x, wholetest.Chunk("VP8L", vp8l), exif), wholetest.RIFF("WEBP", vp8x, wholetest.Chunk("VP8L", vp8l), exif, tail)},
	} {
		if got := made(t, c.in, "image/webp", 1); !bytes.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got[:60], c.want[:60])
		}
	}
}

func TestUnsupported(t *testing.T) {
	jpeg, gif, webp, png := wholetest.JPEG(9, 9, 1), wholetest.GIF(9, 9, 1), wholetest.WebP(9, 9, 1), wholetest.PNG(9, 9, 1)
	sorted, aspect := gif87a(), gif87a()
	sorted[10] |= 0x08
	aspect[12] = 49
	inter := append([]byte("\x11\x02\x00\x9d\x01\x2a\x2c\x01\x14\x00"), wholetest.Noise(50, 1)...)
	unpadded := append(bytes.Clone(webp), "ABCD\x01\x00\x00\x00x"...)
	binary.LittleEndian.PutUint32(unpadded[4:], uint32(len(unpadded)-8))
	odd := wholetest.RIFF("WEBP", wholetest.Chunk("VP8X", make([]byte, 10)), webp[12:], []byte("EXIF\x01\x00\x00\x00x"))
	for _, c := range []struct {
		name, mediaType string
		data            []byte
	}{
		{"a film", "video/mp4", wholetest.MP4(9, 9, 1)},
		{"no type", "", jpeg},
		{"a PNG called JPEG", "image/jpeg", png},
		{"a JPEG called PNG", "image/png", jpeg},
		{"a JPEG called GIF", "image/gif", jpeg},
		{"a JPEG called WebP", "image/webp", jpeg},
		{"nothing", "image/jpeg", nil},
		{"a cut JPEG", "image/jpeg", jpeg[:len(jpeg)-9]},
		{"a cut GIF", "image/gif", gif[:len(gif)-9]},
		{"a JPEG with stray bytes at its start", "image/jpeg", append([]byte("\xff\xd8\xff\xe0\x00\x02ab"), jpeg[2:]...)},
		{"a GIF87a with the sort flag", "image/gif", sorted},
		{"a GIF87a with an aspect", "image/gif", aspect},
		{"a PNG of Apple's", "image/png", append(append(bytes.Clone(png[:8]), "\x00\x00\x00\x04CgBIaaaabbbb"...), png[8:]...)},
		{"a WebP that begins with no key frame", "image/webp", wholetest.RIFF("WEBP", wholetest.Chunk("VP8 ", inter))},
		{"a simple WebP with more chunks", "image/webp", wholetest.RIFF("WEBP", webp[12:], wholetest.Chunk("EXIF", []byte("exif")))},
		{"a WebP without padding", "image/webp", unpadded},
		{"an extended WebP without padding", "image/webp", odd},
		{"a WebP with an odd header", "image/webp", wholetest.RIFF("WEBP", wholetest.Chunk("VP8X", make([]byte, 12)), webp[12:])},
	} {
		if _, err := New(t.Context(), opener(c.data), int64(len(c.data)), c.mediaType, id, 1); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if placerOf("image/webp") == nil || placerOf("image/jpeg; q=1") == nil || placerOf("image/tiff") != nil || placerOf("") != nil {
		t.Error("a media type is taken for another")
	}
}

func TestErrors(t *testing.T) {
	boom := errors.New("the disk is on fire")
	data := wholetest.JPEG(9, 9, 1)
	size := int64(len(data))
	closed := 0
	fail := func(context.Context) (io.ReadSeekCloser, error) { return nil, boom }
	broken := func(context.Context) (io.ReadSeekCloser, error) {
		return file{Reader: bytes.NewReader(data), wrap: func(r io.Reader) io.Reader { return iotest.ErrReader(boom) }, closed: &closed}, nil
	}
	for name, open := range map[string]func(context.Context) (io.ReadSeekCloser, error){"open": fail, "read": broken} {
		if _, err := New(t.Context(), open, size, "image/jpeg", id, 1); !errors.Is(err, boom) || errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if closed != 1 {
		t.Errorf("closed %d times after a read error, not once", closed)
	}
	if _, err := New(t.Context(), opener(data), size, "image/jpeg", id, 0); err == nil || errors.Is(err, ErrUnsupported) {
		t.Errorf("copy 0: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ended, opener(data), size, "image/jpeg", id, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before: %v", err)
	}
	present := data
	open := func(ctx context.Context) (io.ReadSeekCloser, error) { return opener(present)(ctx) }
	v, err := New(t.Context(), open, size, "image/jpeg", id, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Open(ended)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("read after the end: %v", err)
	}
	present = data[:20] // the original shrank
	r, err = v.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a shorter original: %v", err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the start passes")
	}
	if _, err := r.Seek(0, 9); err == nil {
		t.Error("a seek from nowhere passes")
	}
}

// early returns io.EOF with the last bytes, as a Reader may.
type early struct{ *bytes.Reader }

func (e early) Read(b []byte) (int, error) {
	n, err := e.Reader.Read(b)
	if err == nil && e.Len() == 0 {
		err = io.EOF
	}
	return n, err
}

func TestReaderWithEarlyEnd(t *testing.T) {
	data := wholetest.WebP(50, 30, 1) // whose comment is behind the original's end
	want := made(t, data, "image/webp", 1)
	open := func(context.Context) (io.ReadSeekCloser, error) {
		return file{Reader: bytes.NewReader(data), wrap: func(r io.Reader) io.Reader { return early{r.(*bytes.Reader)} }}, nil
	}
	v, err := New(t.Context(), open, int64(len(data)), "image/webp", id, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
}

func TestReader(t *testing.T) {
	for mediaType, data := range pictures() {
		want := made(t, data, mediaType, 2)
		v, err := New(t.Context(), opener(data), int64(len(data)), mediaType, id, 2)
		if err != nil {
			t.Fatal(err)
		}
		r, err := v.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(r, want); err != nil {
			t.Errorf("%s: %v", mediaType, err)
		}
		if off, err := r.Seek(9, io.SeekEnd); err != nil || off != v.Size()+9 {
			t.Errorf("%s: seek behind the end: %d, %v", mediaType, off, err)
		}
		if n, err := r.Read(make([]byte, 5)); n != 0 || err != io.EOF {
			t.Errorf("%s: read behind the end: %d, %v", mediaType, n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzNew(f *testing.F) {
	for mediaType, data := range pictures() {
		f.Add(data, mediaType)
	}
	f.Add(gif87a(), "image/gif")
	f.Fuzz(func(t *testing.T, data []byte, mediaType string) {
		v, err := New(t.Context(), opener(data), int64(len(data)), mediaType, id, 1)
		if err != nil {
			if !errors.Is(err, ErrUnsupported) {
				t.Fatal(err)
			}
			return
		}
		r, err := v.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(r)
		if err != nil || int64(len(out)) != v.Size() {
			t.Fatalf("%d of %d bytes, %v", len(out), v.Size(), err)
		}
		if err := whole.Check(bytes.NewReader(out), v.Size(), mediaType, ""); err != nil {
			t.Fatalf("the variant is not whole: %v", err)
		}
		if back := undone(out, v); !bytes.Equal(back, data) && !onlyHeader(back, data) {
			t.Fatalf("without the comment:\n%q\n%q", back, data)
		}
	})
}

// undone returns the original's stretches of out alone.
func undone(out []byte, v *Variant) []byte {
	var b []byte
	v.Kept(func(at, from, n int64) {
		b = append(b, make([]byte, from-int64(len(b)))...)
		b = append(b, out[at:at+n]...)
	})
	return b
}

// onlyHeader reports whether back differs from data in the RIFF size or the
// version of the GIF only.
func onlyHeader(back, data []byte) bool {
	return len(back) == len(data) && len(data) > 8 && bytes.Equal(back[:4], data[:4]) && bytes.Equal(back[8:], data[8:]) &&
		strings.Contains("RIFF GIF8", string(data[:4])) && (data[0] == 'R' || back[5] == data[5])
}

func pictures() map[string][]byte {
	return map[string][]byte{
		"image/jpeg": wholetest.JPEG(50, 30, 1),
		"image/png":  wholetest.PNG(50, 30, 1),
		"image/gif":  wholetest.GIF(50, 30, 1),
		"image/webp": wholetest.WebP(50, 30, 1),
	}
}

// gif87a returns a GIF of the older version: without extensions.
func gif87a() []byte {
	var b bytes.Buffer
	m, err := gif.Decode(bytes.NewReader(wholetest.GIF(20, 10, 1)))
	if err == nil {
		err = gif.Encode(&b, m, nil)
	}
	if err != nil {
		panic(err)
	}
	b.Bytes()[4] = '7'
	return b.Bytes()
}

// made returns the bytes of a variant.
func made(t *testing.T, data []byte, mediaType string, copy int) []byte {
	t.Helper()
	v, err := New(t.Context(), opener(data), int64(len(data)), mediaType, id, copy)
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil || int64(len(out)) != v.Size() {
		t.Fatalf("%d of %d bytes, %v", len(out), v.Size(), err)
	}
	return out
}

// file is an open original.
type file struct {
	*bytes.Reader
	wrap   func(io.Reader) io.Reader
	closed *int
}

func (f file) Read(b []byte) (int, error) {
	if f.wrap != nil {
		return f.wrap(f.Reader).Read(b)
	}
	return f.Reader.Read(b)
}

func (f file) Close() error {
	if f.closed != nil {
		*f.closed++
	}
	return nil
}

func opener(data []byte) func(context.Context) (io.ReadSeekCloser, error) {
	return func(context.Context) (io.ReadSeekCloser, error) { return file{Reader: bytes.NewReader(data)}, nil }
}
