package whole

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"slipway/uploader/whole/wholetest"
)

// segment returns a JPEG segment.
func segment(marker byte, data []byte) []byte {
	return join([]byte{0xff, marker}, binary.BigEndian.AppendUint16(nil, uint16(len(data)+2)), data)
}

// progressive returns the structure of a progressive JPEG: three scans with
// tables between them, restart markers, stuffed and fill bytes.
func progressive() []byte {
	data := wholetest.Noise(300, 1)
	scan := func(i int) []byte {
		entropy := join(data[:50*i], []byte("\xff\x00\xff\x00"), data[:80], []byte("\xff\xd0"), data[100:150], []byte("\xff\xff\xd1\x00"), data[:9], []byte("\xff\x00"))
		return join(segment(0xc4, data[:40]), segment(0xda, []byte{1, 1, 0, 0, 63, 0}), entropy)
	}
	return join([]byte("\xff\xd8"), segment(0xe0, []byte("JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00")), segment(0xc2, data[:15]),
		scan(1), scan(2), []byte("\xff\xff"), scan(3), segment(0xdc, []byte{0, 9}), []byte("\xff\xff\xd9"))
}

// withThumbnail returns a JPEG with others inside its application segments, the
// last of them as large as a segment can be.
func withThumbnail() []byte {
	data, small := wholetest.JPEG(20, 10, 1), wholetest.JPEG(8, 8, 2)
	largest := join(small, wholetest.Noise(65533-len(small), 1))
	return join(data[:2], segment(0xe1, join([]byte("Exif\x00\x00"), small)), segment(0xe2, largest), segment(0xfe, nil), data[2:])
}

// unpadded drops the padding of the last chunk of a RIFF and counts it out.
func unpadded(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8-1))
	return b
}

// rf64 returns a wave file whose size is in a ds64 chunk.
func rf64(n int) []byte {
	ds64 := make([]byte, 28)
	b := wholetest.RIFF("WAVE", wholetest.Chunk("ds64", ds64), wholetest.Chunk("data", wholetest.Noise(n, 1)))
	copy(b, "RF64\xff\xff\xff\xff")
	binary.LittleEndian.PutUint64(b[20:], uint64(len(b)-8))
	return b
}

// longBox returns a box with a size of 64 bits.
func longBox(kind string, data []byte) []byte {
	return join([]byte{0, 0, 0, 1}, []byte(kind), binary.BigEndian.AppendUint64(nil, uint64(16+len(data))), data)
}

// film returns an MP4 with its index before its n bytes of data.
func film(n int) []byte {
	return join(wholetest.Box("ftyp", []byte("isom")), wholetest.Box("moov", wholetest.Noise(50, 1)), wholetest.Box("mdat", wholetest.Noise(n, 1)))
}

func remade(b []byte, magic string) []byte {
	copy(b, magic)
	return b
}

// raw returns a raw file as cameras make them: a preview in the first directory,
// the compressed sensor data in a SubIFD, Exif data in another.
func raw() []byte {
	const ifd0, exif, sub, preview, data = 8, 80, 150, 250, 350
	b := make([]byte, data, data+9000)
	le := binary.LittleEndian
	copy(b, "II*\x00\x08\x00\x00\x00")
	dir := func(off int, next uint32, entries ...[4]uint32) {
		le.PutUint16(b[off:], uint16(len(entries)))
		for i, e := range entries {
			at := off + 2 + 12*i
			le.PutUint16(b[at:], uint16(e[0]))
			le.PutUint16(b[at+2:], uint16(e[1]))
			le.PutUint32(b[at+4:], e[2])
			le.PutUint32(b[at+8:], e[3])
		}
		le.PutUint32(b[off+2+12*len(entries):], next)
	}
	// The directories refer to each other in a circle.
	dir(ifd0, 0, [4]uint32{0x14a, 4, 1, sub}, [4]uint32{0x201, 4, 1, preview}, [4]uint32{0x202, 4, 1, 100}, [4]uint32{0x8769, 4, 1, exif})
	dir(exif, ifd0, [4]uint32{0x9003, 2, 20, preview}, [4]uint32{0x927c, 7, 999, math.MaxUint32 - 9})
	dir(sub, sub, [4]uint32{0x103, 3, 1, 7}, [4]uint32{0x111, 4, 1, data}, [4]uint32{0x117, 4, 1, 9000}, [4]uint32{0xfff0, 99, 1, 1})
	return append(b, wholetest.Noise(9000, 1)...)
}

// panasonic returns a raw file that names its data with a tag of its own, and
// the strips not at all.
func panasonic() []byte {
	b := raw()
	copy(b[2:], "U\x00")
	le := binary.LittleEndian
	at := bytes.Index(b, []byte{0x11, 0x01, 4, 0})
	le.PutUint32(b[at+8:], math.MaxUint32)
	copy(b[bytes.Index(b, []byte{0x03, 0x01, 3, 0}):], "\x18\x01\x04\x00\x01\x00\x00\x00\x5e\x01\x00\x00")
	return b
}

// hostile are files that ask for more than they are.
func hostile() map[string][]byte {
	le := binary.LittleEndian
	circles := bytes.Repeat([]byte{0x10, 0x10}, 32<<10) // a directory at every even byte
	copy(circles, "II*\x00\x10\x10\x00\x00")
	subIFDs := make([]byte, 60_000)
	copy(subIFDs, "MM\x00*\x00\x00\x00\x08\x00\x01\x01\x4a\x00\x03\x00\x00\x70\x00\x00\x00\x00\x00")
	for i := 22; i < len(subIFDs); i += 2 {
		binary.BigEndian.PutUint16(subIFDs[i:], uint16(i))
	}
	bigTIFF := wholetest.BigTIFF(9, 9, 1, le)
	le.PutUint64(bigTIFF[8:], math.MaxUint64)
	entries := wholetest.BigTIFF(9, 9, 1, le)
	le.PutUint64(entries[16:], math.MaxInt64)
	values := wholetest.BigTIFF(9, 9, 1, le)
	le.PutUint64(values[24+5*20+4:], 1<<61+2) // times 8 is 16 again
	wrapped := wholetest.BigTIFF(9, 9, 1, le)
	le.PutUint64(wrapped[16:], 1<<62) // times 20 is 0 again
	endless := make([]byte, 22+2*(maxSteps+1000))
	copy(endless, "II*\x00\x08\x00\x00\x00\x01\x00\x4a\x01\x03\x00")
	le.PutUint32(endless[14:], maxSteps+1)
	le.PutUint32(endless[18:], 22)
	box := longBox("mdat", nil)
	binary.BigEndian.PutUint64(box[8:], math.MaxUint64)
	return map[string][]byte{
		"TIFF of circles":       circles,
		"TIFF of SubIFDs":       subIFDs,
		"BigTIFF offset":        bigTIFF,
		"BigTIFF entries":       entries,
		"BigTIFF values":        values,
		"BigTIFF entries, wrap": wrapped,
		"TIFF without end":      endless,
		"MP4 box of 2^64":       join(wholetest.Box("ftyp", []byte("isom")), box),
		"MP4 box of 4":          join(wholetest.Box("ftyp", []byte("isom")), []byte("\x00\x00\x00\x04moov")),
		"MP4 long box of 8":     join(wholetest.Box("ftyp", []byte("isom")), []byte("\x00\x00\x00\x01moov\x00\x00\x00\x00\x00\x00\x00\x08")),
		"JPEG segment of 1":     []byte("\xff\xd8\xff\xe0\x00\x01\xff\xd9"),
		"PNG chunk of 2^32-1":   []byte("\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR"),
		"PNG without IHDR":      []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x00IEND\xaeB`\x82"),
		"RF64 of 2^64":          remade(rf64(9), "RF64\xff\xff\xff\xffWAVEds64\x1c\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"),
		"WebP without a chunk":  wholetest.RIFF("WEBP"),
		"WebP beyond its chunk": wholetest.RIFF("WEBP", []byte("VP8L\xff\xff\xff\xff")),
		"GIF of no block":       []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00?"),
	}
}

func TestHostile(t *testing.T) {
	for name, data := range hostile() {
		if err := checkBytes(data, "", ""); err == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

// Sizes that fields of 16 and 32 bits just hold.
func TestEdges(t *testing.T) {
	open := join(wholetest.Box("ftyp", []byte("isom")), wholetest.Box("moov"), []byte("\x00\x00\x00\x00mdat rest"))
	unknown := wholetest.RIFF("WAVE", wholetest.Chunk("data", wholetest.Noise(9, 1)))
	copy(unknown[4:], "\xff\xff\xff\xff")
	rw2 := remade(wholetest.TIFF(31, 20, 1, binary.LittleEndian), "IIU\x00")
	for name, data := range map[string][]byte{
		"a box to the end of the file":       open,
		"a wave file from a pipe":            unknown,
		"panasonic":                          rw2,
		"data inside the meta box":           join(wholetest.Box("ftyp", []byte("avif")), wholetest.Box("meta", make([]byte, 4), wholetest.Box("idat", []byte("x")))),
		"a JPEG with an FF at the window":    atWindow(0xff, 0x00),
		"a JPEG with an RST at the window":   atWindow(0xff, 0xd3),
		"a JPEG with a fill byte there":      atWindow(0xff, 0xff, 0xff, 0x00),
		"a JPEG that ends across the window": bytes.TrimSuffix(atWindow(0xff, 0xd9), []byte("\xff\xd9")),
		"panasonic with raw data":            panasonic(),
	} {
		if err := checkBytes(data, "video/mp4", ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// atWindow returns a JPEG in which the first of edge is the last that the
// first sequential read fetches.
func atWindow(edge ...byte) []byte {
	head := join([]byte("\xff\xd8"), segment(0xda, []byte{1, 1, 0, 0, 63, 0}))
	n := hop + window - len(head) - 1
	return join(head, wholetest.Noise(n, 1), edge, wholetest.Noise(100, 2), []byte("\xff\xd9"))
}

func FuzzCheck(f *testing.F) {
	for _, s := range samples() {
		if len(s.data) < 20_000 {
			f.Add(s.data, s.mediaType)
		}
	}
	for _, data := range hostile() {
		if len(data) < 100_000 {
			f.Add(data, "")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, mediaType string) {
		err := checkBytes(data, mediaType, "a.jpg")
		if p, ok := err.(*Problem); err != nil && (!ok || p.Format == "" || p.Text == "") {
			t.Fatalf("%#v", err)
		}
	})
}

func BenchmarkJPEG(b *testing.B) {
	one := wholetest.JPEG(1600, 1200, 1)
	tail := one[len(one)-2:]
	data := bytes.Clone(one[:len(one)-2])
	start := len(data) / 2
	for len(data) < 20<<20 {
		data = append(data, one[start:len(one)-2]...)
	}
	data = append(data, tail...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := checkBytes(data, "image/jpeg", ""); err != nil {
			b.Fatal(err)
		}
	}
}
