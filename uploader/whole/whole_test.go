package whole

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"slipway/uploader/whole/wholetest"
)

// sample is a whole file and where its format cannot tell that it was cut.
type sample struct {
	name, mediaType string
	data            []byte
	unknowable      []int // lengths at which a prefix is whole in itself
}

func samples() []sample {
	le, be := binary.LittleEndian, binary.BigEndian
	wav := wholetest.RIFF("WAVE", wholetest.Chunk("fmt ", make([]byte, 16)), wholetest.Chunk("data", wholetest.Noise(500, 1)))
	odd := wholetest.RIFF("WAVE", wholetest.Chunk("data", wholetest.Noise(501, 1)))
	avi := wholetest.RIFF("AVI ", wholetest.Chunk("LIST", wholetest.Noise(300, 1)))
	mp4 := wholetest.MP4(16, 12, 1)
	return []sample{
		{"baseline.jpg", "image/jpeg", wholetest.JPEG(64, 48, 1), nil},
		{"progressive.jpg", "image/jpeg", progressive(), nil},
		{"thumbnail.jpg", "image/jpeg", withThumbnail(), nil},
		{"a.png", "image/png", wholetest.PNG(40, 30, 1), nil},
		{"a.gif", "image/gif", wholetest.GIF(40, 30, 1), nil},
		{"a.webp", "image/webp", wholetest.WebP(40, 30, 1), nil},
		{"a.wav", "audio/wav", wav, nil},
		{"odd.wav", "audio/wav", unpadded(odd), []int{len(odd) - 1}},
		{"a.avi", "video/x-msvideo", avi, nil},
		{"big.avi", "video/x-msvideo", append(bytes.Clone(avi), wholetest.RIFF("AVIX", wholetest.Chunk("LIST", []byte("movi")))...), []int{len(avi)}},
		{"rf64.wav", "audio/wav", rf64(700), nil},
		{"a.mp4", "video/mp4", mp4, nil},
		{"long.mp4", "video/mp4", bytes.Join([][]byte{wholetest.Box("ftyp", []byte("isom")), wholetest.Box("moov", wholetest.Noise(40, 1)), longBox("mdat", wholetest.Noise(99, 1))}, nil), nil},
		{"classic.mov", "video/quicktime", bytes.Join([][]byte{wholetest.Box("wide"), wholetest.Box("mdat", wholetest.Noise(99, 1)), wholetest.Box("moov", wholetest.Noise(40, 1))}, nil), nil},
		{"a.heic", "image/heic", wholetest.HEIC(5000, 1), nil},
		{"little.tif", "image/tiff", wholetest.TIFF(31, 20, 1, le), nil},
		{"big.tif", "image/tiff", wholetest.TIFF(31, 20, 1, be), nil},
		{"bigtiff.tif", "image/tiff", wholetest.BigTIFF(31, 20, 1, le), nil},
		{"bigtiff-be.tif", "image/tiff", wholetest.BigTIFF(31, 20, 1, be), nil},
		{"a.orf", "image/x-olympus-orf", remade(wholetest.TIFF(31, 20, 1, le), "IIRO"), nil},
		{"a.dng", "image/x-adobe-dng", raw(), nil},
	}
}

func TestEveryPrefixIsNotWhole(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			if err := checkBytes(s.data, s.mediaType, ""); err != nil {
				t.Fatalf("the whole file: %v", err)
			}
			unknowable := map[int]bool{}
			for _, n := range s.unknowable {
				unknowable[n] = true
			}
			for n := range len(s.data) {
				var p *Problem
				err := checkBytes(s.data[:n], s.mediaType, "")
				if unknowable[n] {
					if err != nil {
						t.Errorf("%d of %d bytes: %v; want nil, as nothing is missing", n, len(s.data), err)
					}
				} else if !errors.As(err, &p) {
					t.Fatalf("%d of %d bytes: %v; want a *Problem", n, len(s.data), err)
				} else if p.Format == "" || p.Text == "" || strings.Contains(p.Text, "%!") {
					t.Fatalf("%d of %d bytes: %+v", n, len(s.data), p)
				}
				// The name is as good a hint as the type.
				if byName := checkBytes(s.data[:n], "", s.name); (byName == nil) != (err == nil) {
					t.Fatalf("%d of %d bytes: %v by type, %v by name", n, len(s.data), err, byName)
				}
			}
		})
	}
}

func TestTrailers(t *testing.T) {
	jpeg, png, gif := wholetest.JPEG(30, 20, 1), wholetest.PNG(30, 20, 1), wholetest.GIF(30, 20, 1)
	webp, mp4 := wholetest.WebP(30, 20, 1), wholetest.MP4(30, 20, 1)
	blank := make([]byte, 4096)
	for _, c := range []struct {
		name  string
		data  []byte
		whole bool
	}{
		{"JPEG and a second JPEG (MPF)", join(jpeg, jpeg), true},
		{"JPEG and half a second JPEG", join(jpeg, jpeg[:len(jpeg)/2]), true},
		{"JPEG and a film (motion photo)", join(jpeg, mp4), true},
		{"JPEG and a camera's padding", join(jpeg, blank), true},
		{"JPEG cut, then zeros", join(jpeg[:len(jpeg)-2], blank), false},
		{"JPEG with fill bytes before its end", join(jpeg[:len(jpeg)-2], []byte("\xff\xff\xff\xff\xd9")), true},
		{"JPEG with stray bytes before its end", join(jpeg[:len(jpeg)-2], []byte("\x00\x00ab\xff\xd9")), true},
		{"PNG and a note", join(png, []byte("made by me")), true},
		{"PNG and 4095 zeros", join(png, blank[1:]), true},
		{"PNG and 4096 zeros", join(png, blank), false},
		{"PNG cut, then zeros", join(png[:len(png)-30], blank), false},
		{"GIF and 4096 zeros", join(gif, blank), false},
		{"GIF and a note", join(gif, []byte("made by me")), true},
		{"GIF without trailer, then zeros", join(gif[:len(gif)-1], blank), false},
		{"WebP and zeros", join(webp, blank), false},
		{"WebP and a byte", join(webp, []byte{0}), false},
		{"MP4 and zeros", join(mp4, blank), false},
		{"MP4 and an empty free box", join(mp4, wholetest.Box("free")), true},
		{"zeros alone", blank, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkBytes(c.data, "", "picture.jpg")
			if (err == nil) != c.whole {
				t.Errorf("got %v; want whole = %v", err, c.whole)
			}
		})
	}
}

// A file whose size was set at once and whose bytes came only in part, as Samba
// and Windows write them.
func TestPreallocated(t *testing.T) {
	deflated := raw()
	for _, c := range []struct {
		name  string
		data  []byte
		whole bool
	}{
		{"WebP", unwritten(wholetest.WebP(80, 60, 1), 5000), false},
		{"WebP, a little", unwritten(wholetest.WebP(80, 60, 1), 4000), true},
		{"HEIC", unwritten(wholetest.HEIC(20000, 1), 4096), false},
		{"film with its index first", unwritten(film(100_000), 65536), false},
		{"film that ends in silence", unwritten(film(100_000), 30000), true},
		{"compressed raw", unwritten(deflated, 9000), false},
		{"uncompressed TIFF, black below", unwritten(wholetest.BigTIFF(400, 300, 1, binary.LittleEndian), 100_000), true},
		{"TIFF with its directory at the end", unwritten(wholetest.TIFF(100, 100, 1, binary.LittleEndian), 4096), false},
		{"PNG", unwritten(wholetest.PNG(80, 60, 1), 5000), false},
		{"JPEG", unwritten(wholetest.JPEG(80, 60, 1), 500), false},
		{"nothing came", make([]byte, 100), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkBytes(c.data, "image/jpeg", "")
			if (err == nil) != c.whole {
				t.Errorf("got %v; want whole = %v", err, c.whole)
			}
		})
	}
}

// What a directory names must lie in the file, whatever it is.
func TestTIFFNames(t *testing.T) {
	le := binary.LittleEndian
	tiles := wholetest.TIFF(40, 30, 1, le)
	for _, tag := range [][2]byte{{0x11, 0x44}, {0x17, 0x45}} {
		tiles[bytes.Index(tiles, []byte{tag[0], 0x01, 4, 0})] = tag[1]
	}
	if err := checkBytes(tiles, "", ""); err != nil {
		t.Fatal(err)
	}
	beyond := bytes.Clone(tiles)
	le.PutUint32(beyond[len(beyond)-4:], uint32(len(beyond)))
	preview := raw()
	le.PutUint32(preview[bytes.Index(preview, []byte{0x02, 0x02, 4, 0})+8:], uint32(len(preview)))
	rw2 := panasonic()
	le.PutUint32(rw2[bytes.Index(rw2, []byte{0x18, 0x01, 4, 0})+8:], uint32(len(rw2)))
	for name, data := range map[string][]byte{"tiles": beyond, "preview": preview, "raw data": rw2} {
		if err := checkBytes(data, "", ""); err == nil {
			t.Errorf("%s beyond the end: passes", name)
		}
	}
}

func TestOtherFilesAreNotOurs(t *testing.T) {
	for _, c := range []struct {
		name, mediaType, file string
		data                  []byte
	}{
		{"text", "text/plain", "a.txt", []byte("hello")},
		{"text called JPEG", "text/plain", "a.jpg", []byte("hello")},
		{"bitmap", "image/bmp", "a.bmp", []byte("BM\x00\x00")},
		{"empty", "", "", nil},
		{"zeros of no kind", "application/octet-stream", "disk.img", make([]byte, 9000)},
		{"box codes in a text", "text/plain", "a.txt", []byte("abcdmoov is no film")},
		{"JPEG XL", "image/jxl", "a.jxl", []byte("\x00\x00\x00\x0cJXL \r\n\x87\n")},
	} {
		if err := checkBytes(c.data, c.mediaType, c.file); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	var p *Problem
	if err := checkBytes(nil, "image/jpeg", ""); !errors.As(err, &p) || p.Format != "JPEG" {
		t.Errorf("an empty JPEG: %v", err)
	}
	if err := checkBytes([]byte("\xff\xd8"), "image/jpeg; x=y", ""); !errors.As(err, &p) {
		t.Errorf("a type with a parameter is no hint: %v", err)
	}
}

func TestText(t *testing.T) {
	data := wholetest.JPEG(300, 200, 1)
	for n, want := range map[int]string{
		2:    "the JPEG ends after 2 bytes, before its header does",
		40:   "the JPEG ends after 40 of at least 138 bytes: no end-of-image marker",
		1203: "the JPEG ends after 1,203 of at least 1,205 bytes: no end-of-image marker",
	} {
		if err := checkBytes(data[:n], "image/jpeg", ""); err == nil || err.Error() != want {
			t.Errorf("%d bytes: %v; want %s", n, err, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %s", n, got)
		}
	}
}

func TestReadErrors(t *testing.T) {
	data := wholetest.PNG(30, 20, 1)
	boom := errors.New("the disk is on fire")
	var p *Problem
	if err := Check(failing{boom}, 100, "image/png", ""); !errors.Is(err, boom) || errors.As(err, &p) {
		t.Errorf("failing reader: %v", err)
	}
	if err := Check(bytes.NewReader(data[:50]), int64(len(data)), "image/png", ""); !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &p) {
		t.Errorf("short reader: %v", err)
	}
	if _, err := GIFTrailer(failing{boom}, 100); !errors.Is(err, boom) {
		t.Errorf("GIFTrailer: %v", err)
	}
}

func TestGIFTrailer(t *testing.T) {
	data := wholetest.GIF(30, 20, 1)
	for _, more := range []int{0, 10} {
		b := join(data, make([]byte, more))
		if off, err := GIFTrailer(bytes.NewReader(b), int64(len(b))); err != nil || off != int64(len(data)-1) {
			t.Errorf("with %d more bytes: %d, %v; want %d", more, off, err, len(data)-1)
		}
	}
	var p *Problem
	if _, err := GIFTrailer(bytes.NewReader(data[:99]), 99); !errors.As(err, &p) || p.Format != "GIF" {
		t.Errorf("cut: %v", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func checkBytes(b []byte, mediaType, name string) error {
	return Check(bytes.NewReader(b), int64(len(b)), mediaType, name)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// unwritten returns b with its last n bytes zero.
func unwritten(b []byte, n int) []byte {
	b = bytes.Clone(b)
	clear(b[len(b)-n:])
	return b
}
