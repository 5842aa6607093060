package thumbnail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a file in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func sourceOf(b []byte) Source {
	return Source{Sum: sha256.Sum256(b), Type: "image/x", Size: int64(len(b)),
		Open: func(context.Context) (File, error) { return memory{bytes.NewReader(b)}, nil }}
}

// quarters is a picture whose quarters are red, green, blue and white, in the order
// of reading.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, c := range []color.Color{color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}, color.White} {
		x, y := i%2*w/2, i/2*h/2
		draw.Draw(img, image.Rect(x, y, x+w/2, y+h/2), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return img
}

// look returns the colours of the quarters of a small picture as letters.
func look(t *testing.T, p Picture) (size image.Point, quarters string) {
	t.Helper()
	img, kind, err := image.Decode(bytes.NewReader(p.Bytes))
	if err != nil || "image/"+kind != p.Type {
		t.Fatal(kind, p.Type, err)
	}
	b := img.Bounds()
	for i := range 4 {
		r, g, bl, a := img.At(b.Dx()/4+i%2*b.Dx()/2, b.Dy()/4+i/2*b.Dy()/2).RGBA()
		switch high := func(v uint32) bool { return v > 0x8000 }; {
		case !high(a):
			quarters += "-"
		case high(r) && high(g) && high(bl):
			quarters += "w"
		case high(r):
			quarters += "r"
		case high(g):
			quarters += "g"
		case high(bl):
			quarters += "b"
		default:
			quarters += "?"
		}
	}
	return b.Size(), quarters
}

func encoded(t testing.TB, kind string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	err := map[string]func() error{
		"jpeg": func() error { return jpeg.Encode(&b, img, nil) },
		"png":  func() error { return png.Encode(&b, img) },
		"gif":  func() error { return gif.Encode(&b, img, nil) },
		"tiff": func() error { return tiff.Encode(&b, img, nil) },
		"bmp":  func() error { return bmp.Encode(&b, img) },
	}[kind]()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newMaker(t testing.TB) *Maker { return New(Options{Dir: t.TempDir()}) }

func TestSmall(t *testing.T) {
	m := newMaker(t)
	for _, kind := range []string{"jpeg", "png", "gif", "tiff", "bmp"} {
		for _, size := range []image.Point{{640, 480}, {2000, 100}, {90, 120}, {4096, 3072}} {
			if size.X == 4096 && kind != "jpeg" { // as many pixels as cameras make: with the race detector, seconds
				continue
			}
			p, err := m.Small(t.Context(), sourceOf(encoded(t, kind, quarters(size.X, size.Y))), 128)
			if err != nil {
				t.Fatal(kind, size, err)
			}
			got, colours := look(t, p)
			want := map[image.Point]image.Point{{640, 480}: {128, 96}, {2000, 100}: {128, 6}, {90, 120}: {90, 120}, {4096, 3072}: {128, 96}}[size]
			if got != want || size.Y != 100 && colours != "rgbw" {
				t.Errorf("%s %v: %v, %s", kind, size, got, colours)
			}
		}
	}
}

func TestSmallWebP(t *testing.T) {
	// 1 by 1, lossless, as libwebp writes it
	b := []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
	if _, err := newMaker(t).Small(t.Context(), sourceOf(b), 64); err != nil {
		t.Error(err)
	}
}

func TestTransparent(t *testing.T) {
	img := quarters(300, 300)
	draw.Draw(img, image.Rect(0, 0, 150, 150), image.Transparent, image.Point{}, draw.Src)
	p, err := newMaker(t).Small(t.Context(), sourceOf(encoded(t, "png", img)), 64)
	if err != nil || p.Type != "image/png" {
		t.Fatal(p.Type, err)
	}
	if size, colours := look(t, p); size != (image.Point{64, 64}) || colours != "-gbw" {
		t.Error(size, colours)
	}
}

// withExif puts EXIF data with an orientation, and a preview if there is one, into
// a JPEG.
func withExif(photo []byte, orientation uint16, preview []byte) []byte {
	e := binary.LittleEndian
	data := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00")
	data = e.AppendUint16(data, 1)
	data = append(e.AppendUint16(data, tagOrientation), 3, 0, 1, 0, 0, 0)
	data = e.AppendUint32(data, uint32(orientation))
	data = e.AppendUint32(data, 26) // the next directory
	data = e.AppendUint16(data, 2)
	at := uint32(26 + 2 + 24 + 4)
	for tag, value := range map[uint16]uint32{tagJPEG: at, tagJPEGSize: uint32(len(preview))} {
		data = append(e.AppendUint16(data, tag), 4, 0, 1, 0, 0, 0)
		data = e.AppendUint32(data, value)
	}
	data = append(e.AppendUint32(data, 0), preview...)
	app1 := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(len(data)+2))
	return append(append(app1, data...), photo[2:]...)
}

// TestOrientation: each of the eight, as people see it.
func TestOrientation(t *testing.T) {
	m := newMaker(t)
	for o, want := range []string{"rgbw", "rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb", "rgbw"} {
		p, err := m.Small(t.Context(), sourceOf(withExif(encoded(t, "jpeg", quarters(320, 160)), uint16(o), nil)), 64)
		if err != nil {
			t.Fatal(err)
		}
		size := image.Pt(64, 32)
		if o >= 5 && o <= 8 {
			size = image.Pt(32, 64)
		}
		if got, colours := look(t, p); got != size || colours != want {
			t.Errorf("%d: %v %s, want %s", o, got, colours, want)
		}
	}
}

// TestPreviews: what cannot be decoded, or would take long, is drawn from the
// preview within it.
func TestPreviews(t *testing.T) {
	m := newMaker(t)
	blue := image.NewRGBA(image.Rect(0, 0, 320, 240))
	draw.Draw(blue, blue.Rect, image.NewUniform(color.RGBA{0, 0, 255, 255}), image.Point{}, draw.Src)
	preview := encoded(t, "jpeg", blue)
	large := withExif(encoded(t, "jpeg", image.NewGray(image.Rect(0, 0, 5000, 4000))), 1, preview)
	heic := append([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), withExif(preview, 6, preview)[6:]...)
	raf := append([]byte("FUJIFILMCCD-RAW 0201FF"), make([]byte, 200)...)
	binary.BigEndian.PutUint32(raf[84:], uint32(len(raf)))
	binary.BigEndian.PutUint32(raf[88:], uint32(len(preview)))
	raf = append(raf, preview...)
	raw := []byte("II*\x00\x08\x00\x00\x00\x03\x00")
	for tag, value := range map[uint16]uint32{tagCompression: 6, tagStrips: 64, tagStripSizes: uint32(len(preview))} {
		raw = append(binary.LittleEndian.AppendUint16(raw, tag), 4, 0, 1, 0, 0, 0)
		raw = binary.LittleEndian.AppendUint32(raw, value)
	}
	raw = append(append(raw, make([]byte, 64-len(raw))...), preview...)
	for name, b := range map[string][]byte{"large JPEG": large, "HEIC": heic, "RAF": raf, "raw": raw} {
		p, err := m.Small(t.Context(), sourceOf(b), 128)
		if err != nil {
			t.Error(name, err)
			continue
		}
		if _, colours := look(t, p); colours != "bbbb" {
			t.Errorf("%s: %s", name, colours)
		}
	}
}

// pngOf is a PNG whose head promises a size that its data do not keep.
func pngOf(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		body := append([]byte(kind), data...)
		b = binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	chunk("IDAT", []byte("x\x9c\x03\x00\x00\x00\x00\x01"))
	chunk("IEND", nil)
	return b
}

// TestRefused: what would take too much memory, is damaged, or no picture at all is
// ErrNone, and is not looked at again.
func TestRefused(t *testing.T) {
	m := New(Options{Dir: t.TempDir(), Memory: 64 << 20})
	for name, b := range map[string][]byte{
		"100,000 by 100,000": pngOf(100_000, 100_000),
		"beyond an int":      pngOf(1<<31-1, 1<<31-1),
		"too much memory":    pngOf(9000, 9000),
		"a line":             pngOf(1<<20, 1),
		"cut":                encoded(t, "jpeg", quarters(100, 100))[:200],
		"text":               []byte("no picture at all"),
		"empty":              {},
	} {
		s, opened := sourceOf(b), 0
		open := s.Open
		s.Open = func(ctx context.Context) (File, error) { opened++; return open(ctx) }
		for range 2 {
			if _, err := m.Small(t.Context(), s, 64); !errors.Is(err, ErrNone) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if opened != 1 {
			t.Errorf("%s: opened %d times", name, opened)
		}
	}
	s := sourceOf(encoded(t, "png", quarters(100, 100)))
	s.Type = "text/html"
	if _, err := m.Small(t.Context(), s, 64); !errors.Is(err, ErrNone) {
		t.Error("drawn though it is no picture", err)
	}
	for _, edge := range []int{0, 63, 100, 576, -64} {
		if _, err := m.Small(t.Context(), sourceOf(encoded(t, "png", quarters(100, 100))), edge); !errors.Is(err, ErrNone) {
			t.Errorf("%d: %v", edge, err)
		}
	}
}

// TestPanicContained: a decoder that panics is an error.
func TestPanicContained(t *testing.T) {
	f := func() (err error) {
		defer contain(&err)
		panic("index out of range")
	}
	if err := f(); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Error(err)
	}
}

// TestFailureIsNotKept: that a file cannot be read now says nothing of later.
func TestFailureIsNotKept(t *testing.T) {
	m := newMaker(t)
	s := sourceOf(encoded(t, "png", quarters(100, 100)))
	good := s.Open
	s.Open = func(context.Context) (File, error) { return nil, os.ErrPermission }
	if _, err := m.Small(t.Context(), s, 64); !errors.Is(err, os.ErrPermission) {
		t.Error(err)
	}
	s.Open = good
	if _, err := m.Small(t.Context(), s, 64); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Small(ctx, sourceOf(encoded(t, "png", quarters(101, 100))), 64); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestOnce: however many ask at the same time, a picture is drawn once, and kept for
// the next process.
func TestOnce(t *testing.T) {
	dir := t.TempDir()
	m := New(Options{Dir: dir})
	s := sourceOf(encoded(t, "jpeg", quarters(1000, 1000)))
	var opened atomic.Int32
	open := s.Open
	s.Open = func(ctx context.Context) (File, error) { opened.Add(1); return open(ctx) }
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if p, err := m.Small(t.Context(), s, 64); err != nil || len(p.Bytes) == 0 {
				t.Error(err)
			}
		})
	}
	all.Wait()
	again := New(Options{Dir: dir})
	p, err := again.Small(t.Context(), s, 64)
	if err != nil || opened.Load() != 1 {
		t.Errorf("drawn %d times, %v", opened.Load(), err)
	}
	// One that was cut is drawn again.
	kept, err := filepath.Glob(filepath.Join(dir, "*", "*"+storedAs))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	if err := os.Truncate(kept[0], int64(len(p.Bytes)/2)); err != nil {
		t.Fatal(err)
	}
	if whole, err := New(Options{Dir: dir}).Small(t.Context(), s, 64); err != nil || !bytes.Equal(whole.Bytes, p.Bytes) || opened.Load() != 2 {
		t.Errorf("after a cut: %d times, %v", opened.Load(), err)
	}
}

// TestBounded: no more is kept than may be, those that were looked at last.
func TestBounded(t *testing.T) {
	dir := t.TempDir()
	m := New(Options{Dir: dir, Keep: 20_000})
	for i := range 40 {
		img := quarters(200, 200)
		img.Set(i, i, color.Black)
		if _, err := m.Small(t.Context(), sourceOf(encoded(t, "png", img)), 128); err != nil {
			t.Fatal(err)
		}
	}
	var bytes, files int64
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			bytes, files = bytes+info.Size(), files+1
		}
		return err
	})
	if err != nil || bytes > 20_000 || files < 3 || files > 30 || m.store.bytes != bytes {
		t.Errorf("%d files of %d bytes (counted %d), %v", files, bytes, m.store.bytes, err)
	}
}

// TestUnkept: where nothing can be written pictures are drawn all the same.
func TestUnkept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := New(Options{Dir: file})
	for range 2 {
		if _, err := m.Small(t.Context(), sourceOf(encoded(t, "png", quarters(100, 100))), 64); err != nil {
			t.Error(err)
		}
	}
}

// FuzzSmall: whatever the bytes, there is an answer, and a picture is one.
func FuzzSmall(f *testing.F) {
	for _, kind := range []string{"jpeg", "png", "gif", "tiff", "bmp"} {
		f.Add(encoded(f, kind, quarters(24, 16)))
	}
	preview := encoded(f, "jpeg", quarters(64, 64))
	f.Add(withExif(encoded(f, "jpeg", quarters(8, 8)), 6, preview))
	f.Add(pngOf(9000, 9000))
	f.Add([]byte("FUJIFILMCCD-RAW"))
	m := New(Options{Dir: f.TempDir(), Memory: 16 << 20})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := m.Small(t.Context(), sourceOf(b), 64)
		if err != nil {
			if !errors.Is(err, ErrNone) {
				t.Fatal(err)
			}
			return
		}
		img, _, err := image.Decode(bytes.NewReader(p.Bytes))
		if err != nil || max(img.Bounds().Dx(), img.Bounds().Dy()) > 64 {
			t.Error(img, err)
		}
	})
}

// FuzzExif: whatever the bytes, the parts that are found lie within them.
func FuzzExif(f *testing.F) {
	f.Add(withExif(encoded(f, "jpeg", quarters(8, 8)), 6, encoded(f, "jpeg", quarters(64, 64))))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x4a\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := readExif(bytes.NewReader(b), int64(len(b)))
		if x.orientation < 1 || x.orientation > 8 || len(x.previews) > previewsMost {
			t.Errorf("%+v", x)
		}
		for _, p := range x.previews {
			if p.at <= 0 || p.size <= 0 || p.at+p.size > int64(len(b)) {
				t.Errorf("%+v of %d", p, len(b))
			}
		}
	})
}

// BenchmarkSmall draws a photo of 24 megapixels.
func BenchmarkSmall(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 6000, 4000), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i * i >> 7)
	}
	photo := encoded(b, "jpeg", img)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s := sourceOf(photo)
		s.Sum = sha256.Sum256([]byte(fmt.Sprint(i)))
		m := New(Options{Dir: b.TempDir()})
		if _, err := m.Small(b.Context(), s, 256); err != nil {
			b.Fatal(err)
		}
	}
}
