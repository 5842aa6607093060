package strip

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
	"slipway/uploader/whole"
	"slipway/uploader/whole/wholetest"
)

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func opener(data []byte) splice.Open {
	return func(context.Context) (io.ReadSeekCloser, error) { return file{bytes.NewReader(data)}, nil }
}

// made returns data without what mode says.
func made(t testing.TB, data []byte, mediaType string, mode Mode) []byte {
	t.Helper()
	f, err := New(t.Context(), opener(data), int64(len(data)), mediaType, "", mode)
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		return data
	}
	r, err := f.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil || int64(len(out)) != f.Size() {
		t.Fatalf("%d of %d bytes, %v", len(out), f.Size(), err)
	}
	return out
}

// segment returns a segment of a JPEG.
func segment(marker byte, data string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(data))), data...)
}

// gpsBlock is an Exif block with a model and a latitude; bytes that only a place has
// are "PLACE".
func gpsBlock(order binary.AppendByteOrder) []byte {
	b := []byte("II*\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	entry := func(tag, kind uint16, count, value uint32) {
		b = order.AppendUint16(b, tag)
		b = order.AppendUint16(b, kind)
		b = order.AppendUint32(b, count)
		b = order.AppendUint32(b, value)
	}
	b = order.AppendUint16(b, 3)
	entry(0x0110, 2, 6, 80)
	entry(0x8825, 4, 1, 50)
	entry(0x9003, 2, 6, 80)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint16(b, 2) // at 50
	entry(0x001b, 7, 24, 86)
	entry(0x0001, 7, 4, 0x4c414c50)
	b = order.AppendUint32(b, 0)
	return append(b, "Model\x00PLACEPLACEPLACEPLACEPLAC"...)
}

func jpegWith(segments ...[]byte) []byte {
	data := wholetest.JPEG(24, 16, 1)
	return slices.Concat(data[:2], bytes.Join(segments, nil), data[2:])
}

// What exiftool does not write: blocks that nobody knows, strange orders, trailers.
func TestJPEG(t *testing.T) {
	plain := jpegWith()
	icc := segment(0xe2, "ICC_PROFILE\x00\x01\x01profile")
	adobe := segment(0xee, "Adobe\x00\x64\x00\x00\x00\x00\x00")
	little, big := "Exif\x00\x00"+string(gpsBlock(binary.LittleEndian)), "Exif\x00\x00"+string(gpsBlock(binary.BigEndian))
	lies := func(o int) string { return "Exif\x00\x00" + string(exif.Minimal(o)) }
	inner := jpegWith(segment(0xe1, big))
	for _, c := range []struct {
		name     string
		data     []byte
		mode     Mode
		has, not []string
		want     []byte // nil: not said
	}{
		{name: "nothing", data: plain, mode: GPS, want: plain},
		{name: "nothing at all", data: plain, mode: All, want: plain},
		{name: "little endian", data: jpegWith(segment(0xe1, little)), mode: GPS, has: []string{"Model"}},
		{name: "big endian", data: jpegWith(segment(0xe1, big)), mode: GPS, has: []string{"Model"}},
		{name: "of an unknown program", data: jpegWith(segment(0xe5, "PLACE"), segment(0xe1, "FLIR\x00PLACE"), segment(0xe1, big)), mode: GPS, has: []string{"Model"}},
		{name: "more XMP", data: jpegWith(segment(0xe1, "http://ns.adobe.com/xmp/extension/\x00PLACE")), mode: GPS},
		{name: "XMP that is none", data: jpegWith(segment(0xe1, headXMP+"<x PLACE")), mode: GPS},
		{name: "profile and colours", data: jpegWith(icc, adobe, segment(0xe1, big), segment(0xfe, "said")), mode: All, want: jpegWith(icc, adobe)},
		{name: "lies", data: jpegWith(segment(0xfe, "said"), segment(0xe1, lies(6)), segment(0xe1, big)), mode: All, want: jpegWith(segment(0xe1, lies(6)))},
		{name: "lies already", data: jpegWith(segment(0xe1, lies(8))), mode: All, want: jpegWith(segment(0xe1, lies(8)))},
		{name: "JFIF with a thumbnail", data: jpegWith(segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x01\x01abc"), segment(0xe1, lies(3))), mode: All,
			want: jpegWith(segment(0xe0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"), segment(0xe1, lies(3)))},
		{name: "second picture", data: slices.Concat(plain, []byte("\x00\x00"), inner), mode: GPS, has: []string{"Model"}},
		{name: "second picture, all", data: slices.Concat(plain, inner), mode: All, want: plain},
		{name: "unknown trailer", data: slices.Concat(plain, inner, []byte("PLACE"), inner), mode: GPS, has: []string{"Model"}},
		{name: "broken second picture", data: slices.Concat(plain, inner[:len(inner)-2]), mode: GPS, want: plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := made(t, c.data, "image/jpeg", c.mode)
			for _, s := range c.has {
				if !bytes.Contains(out, []byte(s)) {
					t.Errorf("%q is lost", s)
				}
			}
			for _, s := range append(c.not, "PLACE") {
				if bytes.Contains(out, []byte(s)) {
					t.Errorf("%q is still there", s)
				}
			}
			if c.want != nil && !bytes.Equal(out, c.want) {
				t.Errorf("%q\nwant %q", out, c.want)
			}
			same(t, c.data, out)
		})
	}
}

func TestHeld(t *testing.T) {
	heic := wholetest.HEIC(100, 1)
	track := wholetest.MP4(16, 16, 1)
	copy(track[bytes.Index(track, []byte("vide")):], "sbtl")
	big := gpsBlock(binary.BigEndian)
	binary.BigEndian.PutUint32(big[8+2+12+8:], 5000) // the GPS directory is elsewhere
	signed := gpsBlock(binary.BigEndian)
	binary.BigEndian.PutUint16(signed[8+2+12+2:], 9) // and here said by a number that may be negative
	for name, c := range map[string]struct {
		data      []byte
		mediaType string
		mode      Mode
	}{
		"broken Exif":      {jpegWith(segment(0xe1, "Exif\x00\x00"+string(big))), "image/jpeg", GPS},
		"signed pointer":   {jpegWith(segment(0xe1, "Exif\x00\x00"+string(signed))), "image/jpeg", GPS},
		"no Exif":          {jpegWith(segment(0xe1, "Exif\x00\x00PLACE")), "image/jpeg", GPS},
		"stray bytes":      {slices.Concat(jpegWith()[:2], []byte("PLACE"), jpegWith()[2:]), "image/jpeg", GPS},
		"cut off":          {jpegWith()[:200], "image/jpeg", GPS},
		"everything, TIFF": {wholetest.TIFF(8, 8, 1, binary.BigEndian), "image/tiff", All},
		"BigTIFF":          {wholetest.BigTIFF(8, 8, 1, binary.BigEndian), "image/tiff", GPS},
		"SVG":              {[]byte("<svg/>"), "image/svg+xml", GPS},
		"Matroska":         {[]byte("\x1a\x45\xdf\xa3 and more"), "video/x-matroska", All},
		"subtitles":        {track, "video/mp4", GPS},
		"empty picture":    {nil, "image/jpeg", GPS},
		"Canon's":          {bytes.Replace(heic, []byte("ftypheic"), []byte("ftypcrx "), 1), "image/x-canon-cr3", GPS},
	} {
		var p *Problem
		if _, err := New(t.Context(), opener(c.data), int64(len(c.data)), c.mediaType, "", c.mode); !errors.As(err, &p) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var p *Problem
	for _, name := range []string{"a.X3F", "a.wmv", "a.mpg", "a.MPO", "a.jpe", "a.webm"} {
		if _, err := New(t.Context(), opener([]byte("raw")), 3, "application/octet-stream", name, GPS); !errors.As(err, &p) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(t.Context(), opener([]byte("%PDF")), 4, "application/pdf", "a.pdf", GPS); !errors.Is(err, ErrOther) {
		t.Errorf("a document: %v", err)
	}
	if _, err := New(t.Context(), func(context.Context) (io.ReadSeekCloser, error) { return nil, io.ErrClosedPipe }, 4, "image/jpeg", "", GPS); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("what cannot be read: %v", err)
	}
	if _, err := New(t.Context(), opener(jpegWith()[:300]), int64(len(jpegWith())), "image/jpeg", "", GPS); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("what is shorter than it was: %v", err)
	}
}

// seeds are whole files with a place in them, for fuzzing.
func seeds() map[string][]byte {
	block := gpsBlock(binary.BigEndian)
	xmp := `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r"><rdf:Description photoshop:City="PLACE" dc:x='y'><exif:GPSLatitude>PLACE</exif:GPSLatitude></rdf:Description></rdf:RDF></x:xmpmeta>`
	png := wholetest.PNG(9, 9, 1)
	item := slices.Concat([]byte{0, 0, 0, 0}, block)
	iloc := func(off uint32) []byte {
		b := []byte{0, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1}
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, off), uint32(len(item)))
	}
	heic := func(off uint32) []byte {
		return slices.Concat(wholetest.Box("ftyp", []byte("heic\x00\x00\x00\x00mif1")), wholetest.Box("meta", make([]byte, 4),
			wholetest.Box("iinf", []byte{0, 0, 0, 0, 0, 1}, wholetest.Box("infe", []byte("\x02\x00\x00\x00\x00\x01\x00\x00Exif\x00"))), wholetest.Box("iloc", iloc(off))))
	}
	udta := wholetest.Box("moov", wholetest.Box("udta", wholetest.Box("\xa9xyz", []byte("\x00\x05\x15\xc7PLACE"))))
	return map[string][]byte{
		"jpeg": jpegWith(segment(0xe1, "Exif\x00\x00"+string(block)), segment(0xe1, headXMP+xmp),
			segment(0xed, headPhotoshop+"8BIM\x04\x04\x00\x00\x00\x00\x00\x0a\x1c\x02\x5a\x00\x05PLACE")),
		"png":  slices.Concat(png[:33], pngChunk("eXIf", block), pngChunk("iTXt", []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"+xmp)), pngChunk("tEXt", []byte("exif:GPSInfo\x00PLACE")), png[33:]),
		"webp": wholetest.RIFF("WEBP", wholetest.Chunk("VP8X", []byte{12, 0, 0, 0, 8, 0, 0, 8, 0, 0}), wholetest.Chunk("VP8L", wholetest.VP8L(9, 9, 1)), wholetest.Chunk("EXIF", block), wholetest.Chunk("XMP ", []byte(xmp))),
		"gif":  slices.Concat(wholetest.GIF(9, 9, 1)[:13], []byte("!\xfe\x02hi\x00"), wholetest.GIF(9, 9, 1)[13:]),
		"tiff": block,
		"heic": append(heic(uint32(len(heic(0))+8)), wholetest.Box("mdat", item)...),
		"mp4":  slices.Concat(wholetest.MP4(9, 9, 1), udta),
	}
}

// Every seed loses its place.
func TestSeeds(t *testing.T) {
	for name, data := range seeds() {
		for _, mode := range []Mode{GPS, All} {
			if name == "tiff" && mode == All {
				continue
			}
			edits, err := Again(t.Context(), opener(data), int64(len(data)), "video/mp4", mode)
			if err != nil {
				t.Errorf("%s, %s: %v", name, mode, err)
				continue
			}
			r, err := splice.New(opener(data), int64(len(data)), edits).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			out, err := io.ReadAll(r)
			if err != nil || strings.Contains(string(out), "PLACE") || name != "gif" && bytes.Equal(out, data) {
				t.Errorf("%s, %s: %q, %v", name, mode, out, err)
			}
		}
	}
}

// What comes out of any file is whole, and there is nothing left to be taken out.
func FuzzNew(f *testing.F) {
	for _, data := range seeds() {
		f.Add(data, true)
		f.Add(data, false)
	}
	f.Add(slices.Concat(jpegWith(), wholetest.MP4(9, 9, 1)), false)
	f.Add(wholetest.TIFF(8, 8, 1, binary.LittleEndian), false)
	f.Fuzz(func(t *testing.T, data []byte, all bool) {
		mode := GPS
		if all {
			mode = All
		}
		g, err := New(t.Context(), opener(data), int64(len(data)), "image/x", "", mode)
		var p *Problem
		if err != nil {
			if !errors.As(err, &p) {
				t.Fatal(err)
			}
			if strings.Contains(p.Text, "still something left") {
				t.Fatal(err)
			}
			return
		}
		if g == nil {
			return
		}
		r, err := g.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(r)
		if err != nil || int64(len(out)) != g.Size() {
			t.Fatal(len(out), g.Size(), err)
		}
		if err := whole.Check(bytes.NewReader(out), g.Size(), "", ""); err != nil {
			t.Fatal(err)
		}
	})
}

// An iPhone's film has tracks whose keys are told; one of them may be a position.
func TestTimedKeys(t *testing.T) {
	movie := func(key string) []byte {
		full := make([]byte, 4)
		entry := wholetest.Box("mebx", make([]byte, 8), wholetest.Box("keys", wholetest.Box("\x00\x00\x00\x01", wholetest.Box("keyd", []byte("mdta"+key)))))
		stsd := wholetest.Box("stsd", full, []byte{0, 0, 0, 1}, entry)
		hdlr := wholetest.Box("hdlr", make([]byte, 8), []byte("meta"), make([]byte, 13))
		track := wholetest.Box("trak", wholetest.Box("mdia", hdlr, wholetest.Box("minf", wholetest.Box("stbl", stsd))))
		return slices.Concat(wholetest.MP4(9, 9, 1), wholetest.Box("moov", track))
	}
	for key, held := range map[string]bool{"com.apple.quicktime.video-orientation": false, "com.apple.quicktime.location.ISO6709": true} {
		data := movie(key)
		var p *Problem
		_, err := New(t.Context(), opener(data), int64(len(data)), "video/quicktime", "", GPS)
		if errors.As(err, &p) != held || !held && err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := New(t.Context(), opener(data), int64(len(data)), "video/quicktime", "", All); !errors.As(err, &p) {
			t.Errorf("%s, all: %v", key, err)
		}
	}
}

// Pieces of items whose offsets and lengths have no bytes take none in the file: a few
// kilobytes may promise any number of them.
func TestPiecesOfNothing(t *testing.T) {
	const items = 400
	iloc := []byte{1, 0, 0, 0, 0, 0, items >> 8, items & 255}
	for i := range byte(items & 255) {
		iloc = append(iloc, 0, i, 0, 0, 0, 0, 0xff, 0xff)
	}
	data := slices.Concat(wholetest.Box("ftyp", []byte("heic\x00\x00\x00\x00mif1")), wholetest.Box("meta", make([]byte, 4), wholetest.Box("iloc", iloc)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Edits(bytes.NewReader(data), int64(len(data)), "image/heic", "", GPS)
	runtime.ReadMemStats(&after)
	var p *Problem
	if !errors.As(err, &p) {
		t.Error(err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("%d bytes of file took %d MB", len(data), n>>20)
	}
}

// BenchmarkStrip says how much of the time of reading a file twice it takes to strip it
// and to verify that.
func BenchmarkStrip(b *testing.B) {
	data := wholetest.JPEG(3000, 2000, 1)
	data = slices.Concat(data[:2], segment(0xe1, "Exif\x00\x00"+string(gpsBlock(binary.BigEndian))), data[2:])
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if f, err := New(b.Context(), opener(data), int64(len(data)), "image/jpeg", "", GPS); err != nil || f == nil {
			b.Fatal(err)
		}
	}
}
