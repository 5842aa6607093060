package metadata

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"slipway/uploader/whole/wholetest"
)

// fromExif is what exif() says.
var fromExif = map[string]string{
	"exif.ImageDescription": "OLYMPUS DIGITAL CAMERA", "exif.Make": "NIKON CORPORATION", "exif.Model": "NIKON D850", "exif.Orientation": "6",
	"exif.ModifyDate": "2027:01:01 00:00:00", "exif.ExposureTime": "1/250", "exif.FNumber": "2.8", "exif.DateTimeOriginal": "2026:11:22 13:14:15",
	"exif.ExifVersion": "0232", "exif.UserComment": "by hand", "exif.ISO": "400", "exif.GPSLatitudeRef": "S", "exif.GPSLongitudeRef": "E",
	"exif.GPSLatitude": "33.8583333", "exif.GPSLongitude": "151.2",
	"exif.date": "2026-11-22", "exif.time": "13:14:15", "exif.year": "2026", "exif.month": "11", "exif.day": "22", "exif.camera": "NIKON D850",
	"gps.lat": "-33.858333", "gps.lon": "151.200000",
}

const dublin = `<dc:title><rdf:Alt><rdf:li xml:lang="de">Der Hafen</rdf:li><rdf:li xml:lang="x-default">The harbour</rdf:li></rdf:Alt></dc:title>` +
	`<dc:subject><rdf:Bag><rdf:li>Boat</rdf:li><rdf:li> sea </rdf:li><rdf:li></rdf:li></rdf:Bag></dc:subject>` +
	`<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li></rdf:Seq></dc:creator>` +
	`<dc:source rdf:resource="urn:x"/><photoshop:City>Århus</photoshop:City>` +
	`<exif:Flash rdf:parseType="Resource"><exif:Fired>True</exif:Fired></exif:Flash>`

var fromXMP = map[string]string{
	"xmp.Title": "The harbour", "xmp.Subject": "Boat, sea", "xmp.Creator": "Ann", "xmp.Source": "urn:x", "xmp.City": "Århus", "xmp.Headline": "News",
	"title": "The harbour", "keywords": "Boat, sea",
}

func both(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func TestFormats(t *testing.T) {
	e, x := string(exif()), xmp(`photoshop:Headline="News"`, dublin)
	press := iptc(1, 90, "\x1b%G", 2, 5, "Quay", 2, 25, "boat", 2, 25, "quay, pier", 2, 120, "Ships’ masts", 2, 90, "Oslo", 2, 55, "20250102", 2, 60, "101112")
	fromIPTC := map[string]string{
		"iptc.CodedCharacterSet": "UTF-8", "iptc.ObjectName": "Quay", "iptc.Keywords": "boat, quay, pier", "iptc.Caption-Abstract": "Ships’ masts",
		"iptc.City": "Oslo", "iptc.DateCreated": "2025:01:02", "iptc.TimeCreated": "10:11:12",
	}
	all := both(both(fromExif, fromXMP), fromIPTC)
	all["caption"], all["keywords"] = "Ships’ masts", "boat, quay, pier, sea"
	pressOnly := both(fromIPTC, map[string]string{
		"title": "Quay", "caption": "Ships’ masts", "keywords": "boat, quay, pier",
		"exif.date": "2025-01-02", "exif.time": "10:11:12", "exif.year": "2025", "exif.month": "01", "exif.day": "02",
	})
	tiffed := tiff([]tag{ascii(0x10f, "SONY"), ascii(0x110, "ILCE-7M3"), {id: 700, kind: 1, count: uint32(len(x)), data: []byte(x)}})
	camera := map[string]string{"exif.Make": "SONY", "exif.Model": "ILCE-7M3", "exif.camera": "SONY ILCE-7M3"}
	for _, c := range []struct {
		name, mediaType string
		data            []byte
		want            map[string]string
	}{
		{"JPEG with everything", "image/jpeg", jpeg(exifSegment(exif()), xmpSegment(x), iptcSegment(press)), all},
		{"JPEG, XMP first", "image/jpeg; charset=binary", jpeg(xmpSegment(x), exifSegment(exif())), both(fromExif, fromXMP)},
		{"JPEG, IPTC alone", "image/jpeg", jpeg(iptcSegment(press)), pressOnly},
		{"PNG", "image/png", png(pngChunk("eXIf", e), pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+x)), both(fromExif, fromXMP)},
		{"WebP", "image/webp", webp(e, x), both(fromExif, fromXMP)},
		{"HEIC", "image/heic", heic(e, x), both(fromExif, fromXMP)},
		{"TIFF", "image/tiff", exif(), fromExif},
		{"TIFF with XMP", "image/tiff", tiffed, both(camera, fromXMP)},
		{"DNG", "image/x-adobe-dng", tiffed, both(camera, fromXMP)},
		{"JPEG without", "image/jpeg", jpeg(), nil},
		{"PNG without", "image/png", png(), nil},
		{"film", "video/mp4", wholetest.MP4(8, 8, 1), nil},
		{"text", "text/plain", []byte("exif"), nil},
		{"empty", "image/jpeg", nil, nil},
		{"no type", "", jpeg(exifSegment(exif())), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, c.data, c.mediaType)
			if d := cmp.Diff(both(map[string]string{}, c.want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

func read(t *testing.T, data []byte, mediaType string) map[string]string {
	t.Helper()
	got, err := Read(t.Context(), bytes.NewReader(data), mediaType)
	if err != nil || got == nil {
		t.Fatalf("%v, %v", got, err)
	}
	return got
}

// One damaged kind does not hide the others, nor what came before the damage.
func TestDamaged(t *testing.T) {
	x, press := xmpSegment(xmp("", dublin)), iptcSegment(iptc(2, 90, "Oslo", 2, 25, "a"))
	badType := tiff([]tag{ascii(0x10f, "Canon"), {id: 0x110, kind: 99, count: 1}, ascii(0x131, "never seen")})
	circle := exif()
	binary.BigEndian.PutUint32(circle[8+2+12*7:], 8)
	cutXMP := xmp("", dublin)
	cutXMP = cutXMP[:strings.Index(cutXMP, "<photoshop:City>")+4]
	half := 2 + len(exifSegment(exif())) + len(x) + 9
	for _, c := range []struct {
		name string
		data []byte
		want []string
	}{
		{"Exif of an unknown type", jpeg(exifSegment(badType), x, press), []string{"exif.Make", "xmp.Title", "iptc.City"}},
		{"Exif that ends early", jpeg(exifSegment(exif()[:176]), x, press), []string{"exif.Model", "xmp.Title", "iptc.City"}},
		{"Exif in a circle", jpeg(exifSegment(circle), x, press), []string{"exif.Model", "xmp.Title", "iptc.City"}},
		{"Exif of nothing", jpeg(exifSegment(nil), x, press), []string{"xmp.Title", "iptc.City"}},
		{"IPTC too short for its header", jpeg(exifSegment(exif()), segment(0xed, "Pho"), x), []string{"exif.Model", "xmp.Title"}},
		{"IPTC that ends early", jpeg(iptcSegment(iptc(2, 90, "Oslo", 2, 25, "a")[:37]), exifSegment(exif()), x), []string{"iptc.City", "exif.Model", "xmp.Title"}},
		{"XMP that ends early", jpeg(exifSegment(exif()), xmpSegment(cutXMP), press), []string{"exif.Model", "xmp.Title", "xmp.Subject", "iptc.City"}},
		{"XMP that is none", jpeg(exifSegment(exif()), xmpSegment("<a><b></a>&&&"), press), []string{"exif.Model", "iptc.City"}},
		{"half a picture", jpeg(exifSegment(exif()), x, press)[:half], []string{"exif.Model", "xmp.Title"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, c.data, "image/jpeg")
			for _, key := range c.want {
				if got[key] == "" {
					t.Errorf("no %s in %v", key, got)
				}
			}
		})
	}
}

func TestValues(t *testing.T) {
	long := strings.Repeat("€", 2000) // 6,000 bytes
	dirty := tiff([]tag{ascii(0x10f, " \x01Mak\x07er\x7f \xff\xfe"), ascii(0x110, long[:4095]), ascii(0x11a, long), ascii(0x131, "\x01\x02"), ascii(0x13b, "two\nlines")})
	got := read(t, jpeg(exifSegment(dirty), xmpSegment(xmp("", `<dc:title>`+long+`</dc:title><dc:rights>&#x9;a&#x1;b&#x85;</dc:rights>`))), "image/jpeg")
	for key, want := range map[string]string{
		"exif.Make": "Maker", "exif.Model": strings.Repeat("€", 1365), "exif.Software": "", "exif.XResolution": "", "exif.Artist": "twolines",
		"xmp.Title": strings.Repeat("€", 1365),
	} {
		if got[key] != want {
			t.Errorf("%s = %.50q (%d bytes); want %.50q", key, got[key], len(got[key]), want)
		}
	}
	utf16 := tiff([]tag{ascii(0x10f, "x"), {id: 0x8769, sub: []tag{raw(0x9286, []byte("UNICODE\x00\xdc\x00b\x00"))}}, raw(0x9c9b, []byte("\xdc\x00b\x00e\x00r\x00"))})
	if got := read(t, jpeg(exifSegment(utf16)), "image/jpeg"); len(got) != 2 || got["exif.camera"] != "x" {
		t.Errorf("text in UTF-16: %v", got)
	}
	// Text whose writer did not declare UTF-8, and text in ISO 8859-1.
	got = read(t, jpeg(iptcSegment(iptc(2, 90, "Zürich", 2, 95, "Z\xfcrich", 2, 25, "São"))), "image/jpeg")
	if got["iptc.City"] != "Zürich" || got["iptc.Province-State"] != "Zürich" || got["keywords"] != "São" {
		t.Errorf("IPTC text: %v", got)
	}
}

func TestBounds(t *testing.T) {
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, `<dc:p%d>v</dc:p%d>`, i, i)
	}
	got := read(t, webp(string(exif()), xmp("", b.String())), "image/webp")
	if len(got) > 512 || len(got) < 400 || got["exif.camera"] == "" || got["gps.lat"] == "" {
		t.Errorf("%d keys, camera %q", len(got), got["exif.camera"])
	}
	big := webp("", xmp("", `<dc:title>x</dc:title><dc:rights>`+strings.Repeat("y", 2<<20)+`</dc:rights>`))
	if got := read(t, big, "image/webp"); len(got) != 0 {
		t.Errorf("a packet of 2 MiB: %v", got)
	}
	deep := xmp("", strings.Repeat("<dc:a>", 10_000)+strings.Repeat("</dc:a>", 10_000)+"<dc:title>x</dc:title>")
	if got := read(t, webp("", deep), "image/webp"); len(got) != 0 {
		t.Errorf("a deep packet: %v", got)
	}
}

// Files made to keep the library busy: many SubIFDs that are all the same large
// directory, of tags that count for no limit. The second would take minutes.
func TestHostileExifIsSoonOver(t *testing.T) {
	hostile := func(subIFDs, entries int) []byte {
		b := binary.BigEndian.AppendUint32([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x4a\x00\x04"), uint32(subIFDs))
		b = append(b, "\x00\x00\x00\x1a\x00\x00\x00\x00"...)
		at := uint32(len(b) + 4*subIFDs)
		for range subIFDs {
			b = binary.BigEndian.AppendUint32(b, at)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(entries))
		return append(b, bytes.Repeat([]byte("\x01\x00\x00\x04\xff\xff\xff\xff\x00\x00\x00\x00"), entries)...)
	}
	for name, c := range map[string]struct {
		mediaType string
		data      []byte
	}{
		"just small enough": {"image/webp", webp(string(hostile(200, 5000)), "")},
		"too large":         {"image/webp", webp(string(hostile(2048, 60_000)), "")},
		"TIFF":              {"image/tiff", hostile(1024, 60_000)},
	} {
		start := time.Now()
		read(t, c.data, c.mediaType)
		if d := time.Since(start); d > maxTime+5*time.Second {
			t.Errorf("%s: took %v", name, d)
		} else {
			t.Logf("%s: took %v", name, d)
		}
	}
}

func TestErrors(t *testing.T) {
	boom := errors.New("the disk is on fire")
	data := jpeg(exifSegment(exif()))
	broken := struct {
		io.Reader
		io.Seeker
	}{io.MultiReader(bytes.NewReader(data[:50]), iotest.ErrReader(boom)), bytes.NewReader(nil)}
	if got, err := Read(t.Context(), broken, "image/jpeg"); !errors.Is(err, boom) {
		t.Errorf("a reader that fails: %v, %v", got, err)
	}
	still := struct {
		io.Reader
		io.Seeker
	}{bytes.NewReader(data), seeker{boom}}
	if got, err := Read(t.Context(), still, "image/jpeg"); !errors.Is(err, boom) {
		t.Errorf("a seek that fails: %v, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := Read(ended, bytes.NewReader(data), "image/jpeg"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v, %v", got, err)
	}
	for _, mediaType := range []string{"image/jpeg", "image/png"} {
		if got, err := Read(t.Context(), panicking{}, mediaType); err != nil || len(got) != 0 {
			t.Errorf("a panic inside, %s: %v, %v", mediaType, got, err)
		}
	}
}

type seeker struct{ err error }

func (s seeker) Seek(int64, int) (int64, error) { return 0, s.err }

// panicking stands for the library: it panics where only pass can catch it.
type panicking struct{}

func (panicking) Read([]byte) (int, error)       { panic("boom") }
func (panicking) Seek(int64, int) (int64, error) { return 0, nil }

func TestMoment(t *testing.T) {
	for s, want := range map[string]string{
		"2026:11:22 13:14:15":       "2026-11-22 13:14:15",
		"2026-11-22T13:14:15+01:00": "2026-11-22 13:14:15",
		"2026:11:22 13:14:15.250":   "2026-11-22 13:14:15",
		"2026:11:22":                "2026-11-22",
		"2026-11-22T25:00:00":       "2026-11-22",
		"0000:00:00 00:00:00":       "",
		"2026:02:30 13:14:15":       "",
		"    :  :     :  :  ":       "",
		"2026":                      "",
		"":                          "",
	} {
		got := ""
		if at, clock, ok := moment(s); ok && clock {
			got = at.Format(time.DateTime)
		} else if ok {
			got = at.Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("moment(%q) = %q; want %q", s, got, want)
		}
	}
}

func TestCamera(t *testing.T) {
	for _, c := range [][3]string{
		{"Canon", "Canon EOS R5", "Canon EOS R5"},
		{"NIKON CORPORATION", "NIKON D850", "NIKON D850"},
		{"SONY", "ILCE-7M3", "SONY ILCE-7M3"},
		{"", "Pixel 9", "Pixel 9"},
		{"Apple", "", "Apple"},
		{"", "", ""},
	} {
		if got := camera(c[0], c[1]); got != c[2] {
			t.Errorf("camera(%q, %q) = %q", c[0], c[1], got)
		}
	}
}

func TestPlace(t *testing.T) {
	at := func(lat, lon string) []byte {
		return jpeg(xmpSegment(xmp(`exif:GPSLatitude="`+lat+`" exif:GPSLongitude="`+lon+`"`, "")))
	}
	for _, c := range []struct{ lat, lon, want string }{
		{"26,34.951S", "80,12.014W", "-26.582517 -80.200233"},
		{"26,34,30N", "80,12,0E", "26.575000 80.200000"},
		{"26.5", "-80.25", "26.500000 -80.250000"},
		{"0", "0", " "},
		{"91", "10", " "},
		{"NaN", "10", " "},
		{"26,xN", "10", " "},
		{"", "10", " "},
	} {
		got := read(t, at(c.lat, c.lon), "image/jpeg")
		if s := got["gps.lat"] + " " + got["gps.lon"]; s != c.want {
			t.Errorf("%s, %s: %s; want %s", c.lat, c.lon, s, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	e, x := string(exif()), xmp(`photoshop:Headline="News"`, dublin)
	f.Add(jpeg(exifSegment(exif()), xmpSegment(x), iptcSegment(iptc(2, 25, "a", 2, 90, "b"))), "image/jpeg")
	f.Add(png(pngChunk("eXIf", e), pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+x)), "image/png")
	f.Add(webp(e, x), "image/webp")
	f.Add(heic(e, x), "image/heic")
	f.Add(exif(), "image/tiff")
	f.Add(exif(), "image/x-nikon-nef")
	f.Fuzz(func(t *testing.T, data []byte, mediaType string) {
		got, err := Read(t.Context(), bytes.NewReader(data), mediaType)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > maxKeys {
			t.Errorf("%d keys", len(got))
		}
		for k, v := range got {
			control := strings.IndexFunc(v, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
			if v == "" || len(v) > maxValue || !utf8.ValidString(k) || !utf8.ValidString(v) || control >= 0 || v != strings.TrimSpace(v) {
				t.Errorf("%q = %q", k, v)
			}
		}
	})
}
