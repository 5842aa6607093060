package metadata

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const xmpFile = `<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:City="Brno">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">The gate</rdf:li></rdf:Alt></dc:title>
<dc:subject><rdf:Bag><rdf:li>stone</rdf:li><rdf:li>arch</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>`

func TestReadCompanion(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       map[string]string
	}{
		{"a.xmp", xmpFile, map[string]string{"title": "The gate", "keywords": "stone, arch", "xmp.Title": "The gate", "xmp.Subject": "stone, arch", "xmp.City": "Brno"}},
		{"a.XMP", "<x:xmpmeta", map[string]string{}},
		{"a.json", `{"imageData":{"title":"Pewito","description":"a brown one","tags":["dog"," pet "]}}`,
			map[string]string{"title": "Pewito", "caption": "a brown one", "keywords": "dog, pet"}},
		{"a.json", `{"imageData":{"title":"inner"},"title":"outer","description":"of all"}`, map[string]string{"title": "inner", "caption": "of all"}},
		{"a.jpg.json", `{"title":"A.jpg","description":"by the sea","keywords":"sea,sun"}`, map[string]string{"caption": "by the sea", "keywords": "sea,sun"}},
		{"a.json", `{"title":7,"caption":"kept"}`, map[string]string{"caption": "kept"}},
		{"a.json", `{"imageData":[1],"caption":"kept"}`, map[string]string{"caption": "kept"}},
		{"a.json", `{"title":`, map[string]string{}},
		{"a.json", `null`, map[string]string{}},
		{"a.txt", "\xef\xbb\xbfA caption\r\nin two lines \n", map[string]string{"caption": "A caption\nin two lines"}},
		{"a.txt", "\xff\xfe\xdf\x00t\x00", map[string]string{"caption": "ßt"}},
		{"a.txt", "\xfe\xff\x00\xdf\x00t", map[string]string{"caption": "ßt"}},
		{"a.txt", "Br\xfccke", map[string]string{"caption": "Brücke"}},
		{"a.txt", "\x7fELF\x00\x00", map[string]string{}},
		{"a.txt", "  \n", map[string]string{}},
		{"a.txt", strings.Repeat("x", CompanionMax+1), map[string]string{}},
		{"a.csv", "title", map[string]string{}},
	} {
		got, err := ReadCompanion(t.Context(), "a.jpg", tt.name, strings.NewReader(tt.text))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s %.40q: %v %s", tt.name, tt.text, err, diff)
		}
	}
}

func TestReadCompanionTellsOfItsReader(t *testing.T) {
	broken := errors.New("the disk is broken")
	if _, err := ReadCompanion(t.Context(), "a.jpg", "a.txt", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadCompanion(ctx, "a.jpg", "a.txt", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCompanionNames(t *testing.T) {
	if diff := cmp.Diff([]string{
		"a.jpg.json", "a.jpg.JSON", "a.json", "a.JSON", "a.jpg.xmp", "a.jpg.XMP", "a.xmp", "a.XMP", "a.jpg.txt", "a.jpg.TXT", "a.txt", "a.TXT",
	}, Companions("a.jpg")); diff != "" {
		t.Error(diff)
	}
	if got := Companions("a"); len(got) != 6 {
		t.Errorf("a name without an extension has %q", got)
	}
	for name, want := range map[string]bool{"a.xmp": true, "a.jpg.JSON": true, "a.txt": true, "a.jpg": false, "xmp": false} {
		if IsCompanion(name) != want {
			t.Errorf("IsCompanion(%q) is not %v", name, want)
		}
	}
	if got := Likenesses("IMG_1.CR3"); len(got) != 8 || got[0] != "IMG_1.jpg" || got[1] != "IMG_1.JPG" {
		t.Errorf("got %q", got)
	}
	if got := Likenesses("IMG_1.JPG"); got != nil {
		t.Errorf("a JPEG needs none, got %q", got)
	}
}

func TestJoin(t *testing.T) {
	got := Join(map[string]string{"title": "own", "exif.Model": "X100"},
		map[string]string{"title": "first"}, nil, map[string]string{"title": "second", "caption": "below"})
	if diff := cmp.Diff(map[string]string{
		"title": "first", "caption": "below", "exif.Model": "X100", "companion.title": "first", "companion.caption": "below",
	}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"title": "own", "caption": "other"},
		Complete(map[string]string{"title": "own"}, map[string]string{"title": "other", "caption": "other"})); diff != "" {
		t.Error(diff)
	}
}

// FuzzReadCompanion: whatever stands in a file, what comes of it is text that can
// be sent.
func FuzzReadCompanion(f *testing.F) {
	f.Add("a.xmp", []byte(xmpFile))
	f.Add("a.json", []byte(`{"imageData":{"title":"x","tags":["a",1,null]}}`))
	f.Add("a.txt", []byte("\xff\xfe\xdf\x00t"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		said, err := ReadCompanion(t.Context(), "a.jpg", name, strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range said {
			if v == "" || v != strings.TrimSpace(v) || len(v) > maxValue || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				t.Errorf("%s: %q", k, v)
			}
		}
	})
}
