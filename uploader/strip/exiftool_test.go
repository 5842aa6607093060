package strip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/gif"
	_ "image/jpeg" // decoders for image.Decode
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	_ "golang.org/x/image/webp"

	"slipway/uploader/whole"
	"slipway/uploader/whole/wholetest"
)

// wants skips a test for which a program is not installed.
func wants(t testing.TB, program, from string) {
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed; it is in the package %s", program, from)
	}
}

func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	var problems bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, problems.Bytes(), out)
	}
	return out
}

// tagged has exiftool write what cameras, phones and programs write into files.
func tagged(t testing.TB, dir string, names ...string) {
	args := []string{"-q", "-overwrite_original", "-m",
		"-EXIF:GPSLatitude=48.8583", "-EXIF:GPSLatitudeRef=N", "-EXIF:GPSLongitude=2.2945", "-EXIF:GPSLongitudeRef=E", "-EXIF:GPSAltitude=35",
		"-EXIF:GPSDateStamp=2026:11:22", "-EXIF:GPSProcessingMethod=GPS", "-EXIF:Make=Slip", "-EXIF:Model=Way 1", "-EXIF:Orientation#=1", "-EXIF:DateTimeOriginal=2026:11:22 10:11:12",
		"-EXIF:LensModel=A long name of a lens 24-70", "-EXIF:UserComment=kept",
		"-XMP-exif:GPSLatitude=48.8583", "-XMP-exif:GPSLongitude=2.2945", "-XMP-photoshop:City=Paris", "-XMP-photoshop:Country=France", "-XMP-iptcCore:Location=Tower", "-XMP-dc:Title=A title",
		"-XMP-iptcExt:LocationShownCity=Paris", "-XMP-dc:Subject=one", "-XMP-dc:Subject=two", "-XMP-drone-dji:GpsLatitude=+48.85", "-XMP-dc:Coverage=here",
		"-IPTC:City=Paris", "-IPTC:Sub-location=Tower", "-IPTC:Country-PrimaryLocationName=France", "-IPTC:Caption-Abstract=Kept caption", "-IPTC:Keywords=kept", "-IPTC:Province-State=IDF",
		"-UserData:GPSCoordinates=48.8583, 2.2945, 35", "-Keys:GPSCoordinates=48.8583, 2.2945, 35", "-ItemList:GPSCoordinates=48.8583, 2.2945, 35", "-Keys:Make=Slip", "-ItemList:Title=Kept", "-UserData:Model=Way 1",
		"-Keys:LocationName=Paris", "-Comment=kept too"}
	for _, n := range names {
		args = append(args, filepath.Join(dir, n))
	}
	run(t, "exiftool", args...)
}

// told returns all that exiftool reads in the files of a folder, by name, but what it
// says of the files themselves.
func told(t testing.TB, dir string) map[string]map[string]any {
	t.Helper()
	var all []map[string]any
	if err := json.Unmarshal(run(t, "exiftool", "-q", "-a", "-G1:4", "-ee", "-U", "-json", "-struct", dir), &all); err != nil {
		t.Fatal(err)
	}
	files := make(map[string]map[string]any)
	for _, tags := range all {
		source, _ := tags["SourceFile"].(string)
		for key := range tags {
			if key == "SourceFile" || strings.HasPrefix(key, "System:") || strings.HasPrefix(key, "ExifTool:ExifTool") || strings.HasPrefix(key, "File:FileSize") {
				delete(tags, key)
			}
		}
		files[filepath.Base(source)] = tags
	}
	return files
}

// place reports whether a tag tells of a place.
func place(key string) bool {
	if strings.HasPrefix(key, "GPS:") {
		return true
	}
	name := strings.ToLower(key[strings.LastIndexByte(key, ':')+1:])
	for _, part := range []string{"gps", "city", "country", "location", "latitude", "longitude", "province", "coverage", "geotiff"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// mayChange are tags about the bytes of blocks rather than of what they say.
func mayChange(key string) bool {
	for _, part := range []string{"Digest", "Padding", "Free", "Composite", "Warning", "MediaDataOffset", "RawProfile", "FreeBytes"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// samples makes files of every format in a folder, and has exiftool fill them.
func samples(t testing.TB) (dir string, names []string) {
	wants(t, "exiftool", "libimage-exiftool-perl")
	wants(t, "heif-enc", "libheif-examples")
	wants(t, "cwebp", "webp")
	wants(t, "jpegtran", "libjpeg-turbo-progs")
	dir = t.TempDir()
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	put("photo.jpg", wholetest.JPEG(64, 48, 1))
	put("shot.png", wholetest.PNG(64, 48, 2))
	put("loop.gif", wholetest.GIF(40, 30, 3))
	put("lossless.webp", wholetest.WebP(50, 31, 4))
	put("scan.tif", wholetest.TIFF(40, 30, 5, binary.LittleEndian))
	put("motorola.tif", wholetest.TIFF(40, 30, 6, binary.BigEndian))
	put("film.mp4", wholetest.MP4(32, 32, 7))
	run(t, "jpegtran", "-progressive", "-outfile", at("progressive.jpg"), at("photo.jpg"))
	run(t, "cwebp", "-quiet", at("shot.png"), "-o", at("lossy.webp"))
	run(t, "heif-enc", "-q", "50", at("shot.png"), "-o", at("phone.heic"))
	run(t, "heif-enc", "-A", "-q", "50", at("shot.png"), "-o", at("phone.avif"))
	names = append(names, "progressive.jpg", "lossy.webp", "phone.heic", "phone.avif")
	put("film.mov", bytes.Replace(wholetest.MP4(32, 32, 8), []byte("ftypisom"), []byte("ftypqt  "), 1))
	tagged(t, dir, names...)
	thumbnail := at("small.jpg")
	if err := os.WriteFile(thumbnail, wholetest.JPEG(16, 12, 9), 0o600); err != nil {
		t.Fatal(err)
	}
	tagged(t, dir, "small.jpg") // a thumbnail that tells too
	run(t, "exiftool", "-q", "-overwrite_original", "-ThumbnailImage<="+thumbnail, at("photo.jpg"))
	motion, err := os.ReadFile(at("photo.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	film, err := os.ReadFile(at("film.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	put("motion.jpg", append(motion, film...))
	put("samsung.jpg", append(append(bytes.Clone(motion), "\x00\x00\x0a0MotionPhoto_Data"...), film...))
	return dir, names
}

var types = map[string]string{".jpg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".tif": "image/tiff",
	".mp4": "video/mp4", ".mov": "video/quicktime", ".heic": "image/heic", ".avif": "image/avif"}

// stripped writes the files without what mode says into another folder.
func stripped(t *testing.T, dir string, names []string, mode Mode) (out string) {
	t.Helper()
	out = t.TempDir()
	for _, name := range names {
		before, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		media := types[filepath.Ext(name)]
		after := made(t, before, media, mode)
		if err := whole.Check(bytes.NewReader(after), int64(len(after)), media, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if bytes.Contains(after, []byte("48.85")) || bytes.Contains(after, []byte("Paris")) {
			t.Errorf("%s: a place can be recovered from the bytes", name)
		}
		same(t, before, after)
		if err := os.WriteFile(filepath.Join(out, name), after, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestByExiftool(t *testing.T) {
	dir, names := samples(t)
	t.Run("gps", func(t *testing.T) {
		out := stripped(t, dir, names, GPS)
		was, is := told(t, dir), told(t, out)
		for _, name := range names {
			t.Run(name, func(t *testing.T) { onlyPlacesGone(t, name, was[name], is[name]) })
		}
		sameHEIF(t, dir, out)
	})
	t.Run("all", func(t *testing.T) {
		names := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return filepath.Ext(n) == ".tif" })
		out := stripped(t, dir, names, All)
		is := told(t, out)
		for _, name := range names {
			t.Run(name, func(t *testing.T) { allGone(t, is[name]) })
		}
		sameHEIF(t, dir, out)
	})
}

// onlyPlacesGone compares what exiftool found: no place, and all else as it was.
func onlyPlacesGone(t *testing.T, name string, was, is map[string]any) {
	places := 0
	for key := range was {
		if place(key) {
			places++
		}
	}
	if places < 2 {
		t.Fatalf("the sample tells of %d places only: %v", places, was)
	}
	for key, v := range is {
		switch {
		case place(key):
			t.Errorf("it still tells %s = %v", key, v)
		case strings.Contains(key, "Warning") && was[key] == nil:
			t.Errorf("exiftool warns: %v", v)
		}
	}
	if name == "samsung.jpg" {
		return // its film is cut off, with all that it told
	}
	for key, v := range was {
		if name == "shot.png" && strings.HasPrefix(key, "IPTC:") {
			continue // written in hexadecimal digits, which go as a whole
		}
		if !place(key) && !mayChange(key) && !reflect.DeepEqual(is[key], v) {
			t.Errorf("%s was %v and is %v", key, v, is[key])
		}
	}
}

// allGone looks through what exiftool found: what the picture needs, and no more.
func allGone(t *testing.T, is map[string]any) {
	if len(is) < 5 {
		t.Fatalf("exiftool found %v", is)
	}
	for key, v := range is {
		group, _, _ := strings.Cut(key, ":")
		s, _ := v.(string)
		switch {
		case strings.HasPrefix(group, "XMP"), group == "IPTC", group == "ExifIFD", group == "GPS", group == "IFD1", group == "Photoshop", place(key),
			strings.Contains(s, "2026:11:22"), strings.Contains(strings.ToLower(s), "kept"), strings.Contains(s, "Slip"), strings.Contains(s, "Way 1"):
			t.Errorf("it still tells %s = %v", key, v)
		case strings.Contains(key, "Warning"):
			t.Errorf("exiftool warns: %v", v)
		}
	}
}

// same compares the pixels where there is a decoder.
func same(t *testing.T, before, after []byte) {
	t.Helper()
	a, _, errA := image.Decode(bytes.NewReader(before))
	b, _, errB := image.Decode(bytes.NewReader(after))
	if (errA == nil) != (errB == nil) || errA == nil && !reflect.DeepEqual(a, b) {
		t.Errorf("the pixels changed (%v, %v)", errA, errB)
	}
	if !bytes.HasPrefix(before, []byte("GIF")) {
		return
	}
	x, errA := gif.DecodeAll(bytes.NewReader(before))
	y, errB := gif.DecodeAll(bytes.NewReader(after))
	if errA != nil || errB != nil || !reflect.DeepEqual(x, y) {
		t.Errorf("the GIF changed (%v, %v)", errA, errB)
	}
}

// sameHEIF compares what displays HEIC and AVIF.
func sameHEIF(t *testing.T, before, after string) {
	wants(t, "heif-convert", "libheif-examples")
	for _, name := range []string{"phone.heic", "phone.avif"} {
		var shown [2][]byte
		for i, dir := range []string{before, after} {
			png := filepath.Join(t.TempDir(), "shown.png")
			run(t, "heif-convert", filepath.Join(dir, name), png)
			data, err := os.ReadFile(png)
			if err != nil {
				t.Fatal(err)
			}
			m, _, err := image.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			for y := range m.Bounds().Dy() {
				for x := range m.Bounds().Dx() {
					r, g, b, a := m.At(x, y).RGBA()
					shown[i] = append(shown[i], byte(r>>8), byte(g>>8), byte(b>>8), byte(a>>8))
				}
			}
		}
		if len(shown[0]) == 0 || !bytes.Equal(shown[0], shown[1]) {
			t.Errorf("%s: the pixels changed", name)
		}
	}
}
