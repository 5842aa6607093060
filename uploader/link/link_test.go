package link_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"howett.net/plist"
	"pgregory.net/rapid"

	"slipway/uploader/link"
)

func wide(s string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func plistOf(t testing.TB, v any, format int) string {
	t.Helper()
	b, err := plist.Marshal(v, format)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const picture = "https://example.com/a/photo.jpg"

func TestSingle(t *testing.T) {
	ini := "[InternetShortcut]\r\nURL=" + picture + "\r\nIconIndex=0\r\n"
	wideSection := "[{000214A0-0000-0000-C000-000000000046}]\r\nProp3=19,2\r\n[InternetShortcut.A]\r\n[InternetShortcut.W]\r\nURL=https://example.com/f+APw-r.jpg\r\n[InternetShortcut]\r\nURL=https://example.com/f?r.jpg\r\n"
	dict := map[string]any{"A": []string{"x"}, "URL": picture, "Z": 7}
	many := map[string]any{"URL": picture + "?k=ü"}
	for i := range 40 { // lengths that do not fit the marker
		many[fmt.Sprintf("key number %d", i)] = strings.Repeat("v", 300)
	}
	for _, tt := range []struct{ name, data, want string }{
		{"photo.url", ini, picture},
		{"photo.URL", "\xef\xbb\xbf" + ini, picture},
		{"photo.url", strings.ReplaceAll(ini, "\r\n", "\n"), picture},
		{"photo.url", strings.ReplaceAll(ini, "\r\n", "\r"), picture},
		{"photo.url", wide(ini, binary.LittleEndian, true), picture},
		{"photo.url", wide(ini, binary.BigEndian, true), picture},
		{"photo.url", wide(ini, binary.LittleEndian, false), picture},
		{"photo.url", wide(ini, binary.BigEndian, false), picture},
		{"photo.url", "[internetshortcut]\nurl = " + picture, picture},
		{"photo.url", "[DEFAULT]\nBASEURL=http://other.example/\n" + ini, picture},
		{"photo.url", wideSection, "https://example.com/f%C3%BCr.jpg"},
		{"photo.url", "[InternetShortcut.W]\nURL=+!\n" + ini, picture},
		{"photo.url", "[InternetShortcut]\nURL=https://example.com/\xfcber.jpg\n", "https://example.com/%C3%BCber.jpg"},
		{"photo.webloc", plistOf(t, dict, plist.XMLFormat), picture},
		{"photo.webloc", plistOf(t, dict, plist.BinaryFormat), picture},
		{"photo.webloc", plistOf(t, many, plist.BinaryFormat), "https://example.com/a/photo.jpg?k=ü"},
		{"photo.webloc", plistOf(t, many, plist.XMLFormat), "https://example.com/a/photo.jpg?k=ü"},
		{"photo.webloc", "<plist><dict><key>URL</key><string>https://e.example/?a=1&amp;b=2</string></dict></plist>", "https://e.example/?a=1&b=2"},
		{"photo.desktop", "[Desktop Entry]\nEncoding=UTF-8\nName=x\nType=Link\nURL=" + picture + "\nIcon=text-html\n", picture},
		{"photo.desktop", "[Desktop Entry]\nType=Link\nURL[$e]=" + picture, picture},
		{"photo.url", "[InternetShortcut]\nURL=HTTPS://Example.COM:443#top", "https://example.com:443/"},
		{"photo.url", "[InternetShortcut]\nURL=http://2130706433/a b.jpg", "http://2130706433/a%20b.jpg"},
	} {
		links, err := link.Parse(tt.name, []byte(tt.data))
		if err != nil || len(links) != 1 || links[0].URL != tt.want || links[0].Err != nil {
			t.Errorf("%s %.60q: %v %v, want %s", tt.name, tt.data, links, err, tt.want)
		}
	}
}

func TestNotFetched(t *testing.T) {
	for address, want := range map[string]string{
		"file:///etc/passwd":                   "only http and https",
		"gopher://example.com/1":               "only http and https",
		"data:image/png;base64,AAAA":           "only http and https",
		"ftp://example.com/a.jpg":              "only http and https",
		"javascript:alert(1)":                  "only http and https",
		"photo.jpg":                            "only http and https",
		"http://user:secret@example.com/a.jpg": "name or password",
		"http://user@example.com/a.jpg":        "name or password",
		"http:///a.jpg":                        "no host",
		"http://:80/a.jpg":                     "no host",
		"http:a.jpg":                           "no host",
		"http://example.com/\x01":              "not written",
		"http://exa mple.com/":                 "not written",
		"http://[::1":                          "not written",
		"":                                     "empty",
		"https://example.com/" + strings.Repeat("a", 2100): "longer",
		"https://example.com/" + strings.Repeat("ü", 1000): "longer",
	} {
		l := link.New(address)
		if l.Err == nil || !strings.Contains(l.Err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", address, l.Err, want)
		}
		if strings.Contains(l.URL+fmt.Sprint(l.Err), "secret") {
			t.Errorf("%q shows the password: %v", address, l)
		}
	}
}

func TestFilesWithoutLink(t *testing.T) {
	for _, tt := range []struct {
		name, data string
		none       bool
	}{
		{"a.url", "", false},
		{"a.url", "[Other]\nURL=" + picture, false},
		{"a.url", "URL=" + picture, false},
		{"a.webloc", "", false},
		{"a.webloc", "bplist00", false},
		{"a.webloc", plistOf(t, []string{"URL", picture}, plist.BinaryFormat), false},
		{"a.webloc", plistOf(t, map[string]int{"URL": 3}, plist.BinaryFormat), false},
		{"a.webloc", "<plist><dict><key>URX</key><string>x</string></dict></plist>", false},
		{"a.desktop", "[Desktop Entry]\nType=Application\nExec=rm", true},
		{"a.desktop", "x", false},
		{"a.desktop", "[Desktop Entry]\nType=Link\n", false},
		{"a.txt", "", true},
		{"a.txt", "Dear diary\n", true},
		{"a.txt", "https://example.com/a.jpg is the picture I mean\n", true},
		{"a.txt", "# only\n; comments\n\n", true},
		{"a.txt", picture + "\nNote: this\n", true},
		{"a.txt", "file:///a\nftp://b\n", true},
		{"a.jpg", picture, true},
		{"a.url", strings.Repeat("x", link.SingleMax+1), false},
		{"a.txt", strings.Repeat("x", link.ListMax+1), true},
	} {
		links, err := link.Parse(tt.name, []byte(tt.data))
		if err == nil || errors.Is(err, link.ErrNone) != tt.none || len(links) > 0 {
			t.Errorf("%s %.40q: %v, %v", tt.name, tt.data, links, err)
		}
	}
}

func TestList(t *testing.T) {
	text := "\xef\xbb\xbf# from the shop\r\n\r\n" + picture + "\r\n<https://example.com/b.png>\r\n; and\r\n" + picture + "#again\r\nftp://example.com/c\r\nhttps://u:p@example.com/d\r\n"
	links, err := link.Parse("list.txt", []byte(text))
	if err != nil || len(links) != 4 {
		t.Fatal(links, err)
	}
	if links[0].URL != picture || links[1].URL != "https://example.com/b.png" || links[0].Err != nil || links[1].Err != nil {
		t.Error(links)
	}
	if links[2].Err == nil || links[3].Err == nil || strings.Contains(links[3].URL, "u:p") {
		t.Error(links)
	}
	if links, err := link.Parse("list.txt", []byte(wide(text[3:], binary.LittleEndian, true))); err != nil || len(links) != 4 {
		t.Error(links, err)
	}
}

func TestListTooLong(t *testing.T) {
	var b strings.Builder
	for i := range link.LinksMax {
		fmt.Fprintf(&b, "https://example.com/%d.jpg\n", i)
	}
	if links, err := link.Parse("a.txt", []byte(b.String())); err != nil || len(links) != link.LinksMax {
		t.Fatal(len(links), err)
	}
	if _, err := link.Parse("a.txt", []byte(b.String()+"https://example.com/more.jpg")); err == nil || errors.Is(err, link.ErrNone) || !strings.Contains(err.Error(), "200") {
		t.Error(err)
	}
}

// TestWideSection decodes what any address becomes in UTF-7.
func TestWideSection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringMatching(`[a-z+/ü€😀&-]{0,20}`).Draw(t, "path")
		var b strings.Builder
		for _, r := range want {
			if r == '+' {
				b.WriteString("+-")
			} else if r < 0x80 {
				b.WriteRune(r)
			} else {
				b.WriteString("+" + base64.RawStdEncoding.EncodeToString([]byte(wide(string(r), binary.BigEndian, false))) + "-")
			}
		}
		links, err := link.Parse("a.url", []byte("[InternetShortcut.W]\nURL=http://e.example/?"+b.String()+"\n"))
		if err != nil || links[0].URL != "http://e.example/?"+want {
			t.Fatalf("%q: %v %v", want, links, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for i, data := range []string{
		"[InternetShortcut.W]\nURL=http://a/+APw-\n", plistOf(f, map[string]any{"URL": picture}, plist.BinaryFormat),
		plistOf(f, map[string]any{"URL": picture}, plist.XMLFormat), "[Desktop Entry]\nType=Link\nURL=http://a/", "http://a/\nhttp://b/\n",
		plistOf(f, map[string]any{"URL": "http://e.example/ü", "k": strings.Repeat("x", 300)}, plist.BinaryFormat),
	} {
		f.Add(i, []byte(data))
	}
	names := []string{"a.url", "a.webloc", "a.webloc", "a.desktop", "a.txt"}
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		links, err := link.Parse(names[uint(i)%uint(len(names))], data)
		if (err == nil) != (len(links) > 0) || len(links) > link.LinksMax {
			t.Fatalf("%v %v", links, err)
		}
		for _, l := range links {
			if l.Err == nil && (!strings.HasPrefix(l.URL, "http") || len(l.URL) > link.URLMax || strings.ContainsAny(l.URL, "\n\r ")) {
				t.Fatalf("%q", l.URL)
			}
			if l.Err == nil && link.New(l.URL) != l {
				t.Fatalf("%q becomes %q", l.URL, link.New(l.URL).URL)
			}
		}
	})
}
