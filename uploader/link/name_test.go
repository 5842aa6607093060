package link_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"slipway/uploader/link"
)

func TestName(t *testing.T) {
	for _, tt := range []struct{ file, media, want string }{
		{"photo.url", "image/jpeg", "photo.jpg"},
		{"photo.JPEG.webloc", "image/jpeg", "photo.JPEG"},
		{"photo.jpg.webloc", "image/png", "photo.png"},
		{"v1.2.url", "image/png", "v1.2.png"},
		{"a.nef.url", "image/tiff", "a.nef"},
		{"clip.desktop", "video/mp4", "clip.mp4"},
		{"x.url", "image/x-xcf", "x.xcf"},
		{strings.Repeat("ü", 120) + ".url", "image/jpeg", strings.Repeat("ü", 90) + ".jpg"},
	} {
		if got := link.Name(tt.file, tt.media); got != tt.want {
			t.Errorf("%s, %s: %q, want %q", tt.file, tt.media, got, tt.want)
		}
	}
	for _, tt := range []struct{ given, address, media, want string }{
		{"", "https://e.example/a/My%20Photo.JPG?x=1", "image/jpeg", "My Photo.JPG"},
		{"", "https://e.example/a/photo.jpg", "image/webp", "photo.webp"},
		{"", "https://e.example/image.php?id=7", "image/jpeg", "list-007.jpg"},
		{"", "https://e.example/", "image/jpeg", "list-007.jpg"},
		{"", "https://e.example/..%2F..%2Fetc%2Fpasswd.jpg", "image/jpeg", "passwd.jpg"},
		{"sea.png", "https://e.example/a.jpg", "image/jpeg", "sea.jpg"},
		{`..\..\boot.ini`, "https://e.example/a.jpg", "image/jpeg", "boot.ini.jpg"},
		{"../../.htaccess", "https://e.example/a.jpg", "image/jpeg", "htaccess.jpg"},
		{"\u202egpj.exe", "https://e.example/a.jpg", "image/jpeg", "gpj.exe.jpg"},
		{"...", "https://e.example/a.jpg", "image/jpeg", "a.jpg"},
	} {
		if got := link.ListedName("list.txt", 7, tt.given, tt.address, tt.media); got != tt.want {
			t.Errorf("%q %s: %q, want %q", tt.given, tt.address, got, tt.want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"a.jpg", "../x", "CON", `a\b:c`, "\u202e", strings.Repeat("é", 300) + "." + strings.Repeat("x", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := link.Safe(s)
		if strings.ContainsAny(got, "/\\\x00<>:\"|?*\r\n") || strings.HasPrefix(got, ".") || len(got) > 200 || !utf8.ValidString(got) {
			t.Fatalf("%q becomes %q", s, got)
		}
	})
}
