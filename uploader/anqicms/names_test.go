package anqicms

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"slipway/uploader"
	"slipway/uploader/form"
)

func TestEndpoint(t *testing.T) {
	for raw, want := range map[string]string{
		"https://en.anqicms.com":          "https://en.anqicms.com/attachment/upload",
		" https://EN.anqicms.com/ ":       "https://en.anqicms.com/attachment/upload",
		"http://h:8001/attachment/upload": "http://h:8001/attachment/upload",
		"http://h:80/attachment/upload/":  "http://h/attachment/upload",
		"https://h/en//":                  "https://h/en/attachment/upload",
		"https://[::1]:443":               "https://[::1]/attachment/upload",
		"http://[::1]:8080/":              "http://[::1]:8080/attachment/upload",
		"":                                "missing",
		"en.anqicms.com":                  "not an address",
		"https://":                        "not an address",
		"https://:8080":                   "not an address",
		"ftp://h":                         "must begin with",
		"https://h/attachment/upload?token=SECRET": "a key of its own",
		"https://SECRET@h/":                        "a key of its own",
		"https://h/#SECRET":                        "a key of its own",
		"https://h/%zz?token=SECRET":               "not an address",
	} {
		u, err := endpoint(raw)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = u.String()
		}
		if err == nil && got != want || err != nil && !strings.Contains(got, want) || strings.Contains(got, "SECRET") {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	var c Config
	md, err := toml.Decode("url = \"https://h\"\ntoken = \"abc\"\nreplace = false\ntimeout = \"90s\"\n", &c)
	if err != nil || len(md.Undecoded()) != 0 || c.Token != "abc" || c.Timeout.Seconds() != 90 {
		t.Fatalf("%+v, %v", c, err)
	}
	for want, bad := range map[string]Config{
		"token": {URL: "https://h"}, "url": {Token: "SECRET"},
		"timeout": {URL: "https://h", Token: "SECRET", Timeout: -1},
	} {
		_, err := New(bad, form.NewClient("test"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestIsImage(t *testing.T) {
	for _, yes := range []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/x-icon", "IMAGE/JPEG; q=1"} {
		if !isImage(yes) {
			t.Errorf("%s is an image", yes)
		}
	}
	for _, no := range []string{"image/heic", "image/heif", "image/avif", "image/tiff", "image/svg+xml", "video/mp4", "", "text/plain"} {
		if isImage(no) {
			t.Errorf("%s is no image to the site", no)
		}
	}
}

func TestImageName(t *testing.T) {
	for name, want := range map[string]string{
		"cat.jpg": "cat.jpg", "Фото отпуск.JPG": "Фото отпуск.JPG", "it's \"q\".jpg": "it's 'q'.jpg", "nl\nname.jpg": "nlname.jpg",
		"a/b\\c.jpg": "a-b-c.jpg", "": "picture", ".jpg": "picture.jpg", "..": "picture.", "bad\xffname.jpg": "badname.jpg",
		"cafe\u0301.png": "café.png", " lead .png": "lead.png",
	} {
		if got := imageName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := imageName(strings.Repeat("ф", 200) + ".jpg"); len(got) > maxName || !strings.HasSuffix(got, "ф.jpg") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestUniqueName(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef"
	for name, want := range map[string]string{
		"Report 2026.PDF": "report-2026-0123456789ab.pdf", "Été à Paris.heic": "ete-a-paris-0123456789ab.heic",
		"照片.txt": "file-0123456789ab.txt", "noext": "noext-0123456789ab", ".hidden": "file-0123456789ab.hidden", "x.": "x-0123456789ab",
		"a.tar.gz": "a-tar-0123456789ab.gz", "../../evil.txt": "evil-0123456789ab.txt", "a%2Fb.txt": "a-2fb-0123456789ab.txt",
		"x.php": "x-0123456789ab.php", "x.averyveryverylongextension": "x-0123456789ab",
	} {
		if got := uniqueName(name, sum); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := uniqueName(strings.Repeat("a ", 500)+".bin", sum); len(got) > 80 {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestEscapeAddress(t *testing.T) {
	here, _ := url.Parse("https://cms.example/en/attachment/upload")
	for raw, want := range map[string]string{
		"https://h/uploads/1/a.jpg":         "https://h/uploads/1/a.jpg",
		"https://h/uploads/1/фото 1.txt":    "https://h/uploads/1/%D1%84%D0%BE%D1%82%D0%BE%201.txt",
		"https://h/u/a%20b.txt":             "https://h/u/a%2520b.txt",
		"https://h/u/x?y#z.txt":             "https://h/u/x%3Fy%23z.txt",
		"http://h:8001/u/say \"hi\"<b>.txt": "http://h:8001/u/say%20%22hi%22%3Cb%3E.txt",
		"https://h/u/tab\tname\n.txt":       "https://h/u/tab%09name%0A.txt",
		"https://h/u/http://x.txt":          "https://h/u/http:%2F%2Fx.txt",
		"/uploads/a.txt":                    "https://cms.example/uploads/a.txt",
		"uploads/a:b.txt":                   "https://cms.example/uploads/a:b.txt",
		"//other/uploads/a.txt":             "https://other/uploads/a.txt",
		"":                                  "",
		"/":                                 "",
		"https://h":                         "",
		"https://h/":                        "",
		"https:///a.txt":                    "",
		"https://user:pw@h/a.txt":           "",
		"javascript://h/%0aalert(1)":        "",
		"file:///etc/passwd":                "",
		"https://h/../a":                    "",
		"http://[::1]:80/a":                 "http://[::1]:80/a",
		"http://[::1]/a":                    "http://[::1]/a",
		"https://пример.рф/a.txt":           "https://xn--e1afmkfd.xn--p1ai/a.txt",
		"https://my_site.h:8/a":             "https://my_site.h:8/a",
		"https://h\"onload=/a":              "",
		"https://h%zz/a":                    "",
	} {
		got, err := escapeAddress(here, raw)
		if raw == "https://h/u/http://x.txt" { // an empty element stays one
			want = "https://h/u/http://x.txt"
		}
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", raw, got, err, want)
		}
	}
}

func FuzzEscapeAddress(f *testing.F) {
	for _, s := range []string{"https://h/a b.txt", "/x?y#z%", "//h/..", "https://h/фото", "a://b://c", "http://[::1]:80/ü"} {
		f.Add(s)
	}
	here, _ := url.Parse("https://cms.example/attachment/upload")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := escapeAddress(here, raw)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
			t.Fatalf("%q became %q: %+v, %v", raw, got, u, err)
		}
		if !strings.HasSuffix("/"+raw, u.Path) {
			t.Fatalf("%q became the path %q", raw, u.Path)
		}
		for _, r := range got {
			if r <= ' ' || r == '"' || r == '<' || r == '>' || r == 0x7f {
				t.Fatalf("%q became %q", raw, got)
			}
		}
		if strings.Contains(u.EscapedPath(), "/../") {
			t.Fatalf("%q became %q", raw, got)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"a.jpg", "照片.txt", "x\xff\n\".PHP", strings.Repeat("ф.", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		img := imageName(name)
		if img == "" || len(img) > maxName || !utf8.ValidString(img) || strings.ContainsAny(img, "\"/\\") || strings.ContainsFunc(img, unicode.IsControl) {
			t.Fatalf("%q became %q", name, img)
		}
		unique := uniqueName(name, "0123456789abcdef0123456789abcdef")
		for _, r := range unique {
			if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.') {
				t.Fatalf("%q became %q", name, unique)
			}
		}
		if len(unique) > maxSlug+1+1+12+1+maxExt || !strings.Contains(unique, "-0123456789ab") || strings.Count(unique, ".") > 1 {
			t.Fatalf("%q became %q", name, unique)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, x := range exchanges(f) {
		f.Add(x.status(), x.body())
	}
	f.Add(200, []byte(`{"code":"0","data":{"id":"7","file_size":1e3,"logo":"https://h/a"}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a, err := decode(form.Reply{Status: status, Body: body, BodySent: true})
		switch {
		case err == nil:
			if a.ID.number() <= 0 || status != 200 {
				t.Fatalf("success %+v with status %d", a, status)
			}
		case err == errToken:
		default:
			e, ok := err.(*uploader.Error)
			if !ok || e.Message == "" || !e.BodySent {
				t.Fatalf("%T %v", err, err)
			}
			if s := e.Error(); len(s) > 1000 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Fatalf("error %q", s)
			}
		}
	})
}
