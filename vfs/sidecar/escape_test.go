package sidecar

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"slipway/vfs"
)

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"https://h/a.jpg":              "https://h/a.jpg",
		"http://h:8080/a%20b.jpg?x=1#": "http://h:8080/a%20b.jpg?x=1#",
		"HTTPS://h/a":                  "HTTPS://h/a",
		"https://h/š \"<x>`":           "https://h/%C5%A1%20%22%3Cx%3E%60",
		"https://h/?a=\"><script>":     "https://h/?a=%22%3E%3Cscript%3E",
		"":                             "",
		"/a.jpg":                       "",
		"//h/a.jpg":                    "",
		"https:///a.jpg":               "",
		"https:a.jpg":                  "",
		"javascript:alert(1)":          "",
		" javascript:alert(1)":         "",
		"java\nscript:alert(1)":        "",
		"data:text/html,x":             "",
		"file:///etc/passwd":           "",
		"ftp://h/a.jpg":                "",
		"https://user:pw@h/a.jpg":      "",
		"https://h/a\r\nURL=file:x":    "",
	} {
		if got := Address(in); got != want {
			t.Errorf("Address(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"a.jpg": "a.jpg", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", " =1": "' =1", "＝1": "'＝1",
		"": "", "1=1": "1=1", "\t=1": "\ufffd=1", "a\nb": "a\ufffdb", "a\u202egpj.exe": "a\ufffdgpj.exe",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIsName(t *testing.T) {
	for _, name := range []string{
		"/inbox/a.jpg.url", "a.jpg.json", "a.JPEG.txt", "a.mp4.md", "a.jpg.html", "a.jpg.bbcode", "a.jpg.error.txt",
		"a.jpg.slipway.json", "a.jpg.slipway.error.txt", "/_links.html", "/x/_links.md", "_links.csv", "_links.slipway.csv",
	} {
		if !IsName(name) {
			t.Errorf("%q is no view's name", name)
		}
	}
	for _, name := range []string{
		"", "/", "a.jpg", "notes.txt", "data.json", "index.html", "a.error.txt.jpg", "report.2024.txt", ".jpg.json", "a..json",
		"a.thumbnail.json", "_links.txt", "my_links.html", "/a.jpg.json/b", "README.md", "a.j-g.url", "a.x.url", "_links/a.md",
	} {
		if IsName(name) {
			t.Errorf("%q is a view's name", name)
		}
	}
}

// FuzzNames shows that the name of a view leads back to its picture and to no
// name that Windows forbids.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"a.jpg", "a:b.jpg", "con", "con.a:b", "%3A", "x%3A:.jpg", "a.", "COM¹.x", "\x01", "a.slipway", "_links"} {
		f.Add(s)
	}
	v := New(nil, nil, Options{File: []string{"json", "url", "txt", "md", "html", "bbcode"}, Folder: []string{"md"}})
	f.Fuzz(func(t *testing.T, picture string) {
		clean, err := vfs.Clean(picture)
		if err != nil || clean != "/"+picture || picture == "" || strings.Contains(picture, "/") {
			return
		}
		stem := encode(picture)
		if !vfs.ForWindows(stem + ".json") {
			t.Fatalf("encode(%q) = %q", picture, stem)
		}
		if other, ok := decode(stem); stem != picture && (!ok || other != picture) {
			t.Fatalf("decode(%q) = %q, %v; want %q", stem, other, ok, picture)
		}
		for _, k := range v.files {
			for _, yields := range []bool{false, true} {
				name := stem + k.suffix
				if yields {
					name = stem + yielding + k.suffix
				}
				found := false
				for _, c := range v.candidates(name) {
					found = found || c.picture == picture && c.kind.suffix == k.suffix && c.yielding == yields
					if c.picture == "" && !strings.HasPrefix(name, folderStem) {
						t.Fatalf("%q is a folder's", name)
					}
				}
				if !found {
					t.Fatalf("%q does not lead back to %q", name, picture)
				}
			}
		}
		v.candidates(picture)
		IsName(picture)
	})
}

// hostile is a picture of which everything that others choose is foreign.
func hostile(name, address, destination string) []*picture {
	u := Upload{Destination: destination, State: "done", URL: address, ViewerURL: address, ThumbnailURL: address, Error: name, Remedy: destination, Trouble: true}
	p := newPicture("/"+name, &vfs.Entry{Type: "image/jpeg"}, name, Receipt{Uploads: []Upload{u}})
	return []*picture{&p}
}

func text(kind func(*bytes.Buffer, []*picture, render), p []*picture) string {
	var b bytes.Buffer
	kind(&b, p, render{folder: p[0].path, canRetry: true})
	return b.String()
}

var (
	oneMarkdownLink = regexp.MustCompile(`^\[((?:[^\[\]\\<]|\\.)*)\]\((https?://[^\s()<>\\]*)\)$`)
	oneBBCode       = regexp.MustCompile(`^\[img\](https?://[^\s\[\]]*)\[/img\]$`)
	escaped         = regexp.MustCompile(`\\(.)`)
)

// FuzzEscaping renders hostile names, addresses and destinations and parses what
// comes out.
func FuzzEscaping(f *testing.F) {
	for _, s := range []string{
		"a.jpg", `"><script>alert(1)</script>`, "](javascript:alert(1))", "=HYPERLINK(\"http://x\")", "a\r\nb,c\"d", "<img src=x onerror=y>",
		"*a* _b_ `c` ![d](e) &lt; \\", "\u202egpj", "\xff\xfe", "[/img][url]", "</td></table>", "line\u2028sep",
	} {
		f.Add(s, "https://h/"+s, s)
		f.Add(s, s, "anh")
	}
	f.Fuzz(func(t *testing.T, name, raw, destination string) {
		p := hostile(name, raw, destination)
		checkJSON(t, text(renderJSON, p), raw)
		for _, line := range strings.Split(strings.TrimSpace(text(renderError, p)), "\n") {
			if strings.ContainsAny(line, "\r\x1b\u202e") || !utf8.ValidString(line) {
				t.Fatalf("error text has %q", line)
			}
		}
		want := Address(raw)
		if want == "" {
			if p[0].linked() {
				t.Fatalf("%q becomes a link", raw)
			}
			return
		}
		if u, err := url.Parse(want); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			t.Fatalf("Address(%q) = %q: %v", raw, want, err)
		}
		if got := text(renderURL, p); got != "[InternetShortcut]\r\nURL="+want+"\r\n" || strings.Count(got, "\n") != 2 {
			t.Fatalf("shortcut %q", got)
		}
		if got := text(renderText, p); got != want+"\n" || strings.ContainsAny(want, " \r\n\t") {
			t.Fatalf("text %q", got)
		}
		if got := oneBBCode.FindStringSubmatch(strings.TrimSuffix(text(renderBBCode, p), "\n")); got == nil {
			t.Fatalf("BBCode %q", text(renderBBCode, p))
		}
		checkMarkdown(t, p, want)
		checkCSV(t, text(renderFolderCSV, p), name, want, destination)
		checkHTML(t, text(renderHTML, p), map[string]int{"img": 1}, []string{want}, visible(name))
		checkHTML(t, text(renderFolderHTML, p), map[string]int{"img": 1, "a": 3, "figure": 1, "p": 1, "b": 1, "code": 1, "h1": 1, "style": 1, "script": 0},
			[]string{want, want, want, want}, visible(name))
	})
}

func checkJSON(t *testing.T, s, raw string) {
	var got struct {
		Uploads []struct{ URL string }
	}
	if err := json.Unmarshal([]byte(s), &got); err != nil || len(got.Uploads) != 1 {
		t.Fatalf("JSON %q: %v", s, err)
	}
	if want := strings.ToValidUTF8(raw, "\ufffd"); utf8.ValidString(raw) && got.Uploads[0].URL != want {
		t.Fatalf("JSON has URL %q, want %q", got.Uploads[0].URL, want)
	}
}

// checkMarkdown looks for exactly one link, whose text is the name again once the
// backslashes are taken away.
func checkMarkdown(t *testing.T, p []*picture, address string) {
	image := strings.TrimSuffix(text(renderMarkdown, p), "\n")
	got := oneMarkdownLink.FindStringSubmatch(strings.TrimPrefix(image, "!"))
	if got == nil || escaped.ReplaceAllString(got[1], "$1") != visible(p[0].name) {
		t.Fatalf("Markdown %q", image)
	}
	if back := html.UnescapeString(got[2]); back != markdownPlain.Replace(address) {
		t.Fatalf("Markdown links to %q, want %q", back, address)
	}
	lines := strings.Split(text(renderFolderMarkdown, p), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[2], "- [") {
		t.Fatalf("Markdown of the folder %q", lines)
	}
	links := strings.SplitN(strings.TrimPrefix(lines[2], "- "), ") (", 2)
	if len(links) != 2 || !oneMarkdownLink.MatchString(links[0]+")") || !oneMarkdownLink.MatchString(strings.TrimSuffix(links[1], ")")) {
		t.Fatalf("Markdown of the folder %q", lines[2])
	}
}

// markdownPlain is what markdownURL may change in an address.
var markdownPlain = strings.NewReplacer("(", "%28", ")", "%29", "[", "%5B", "]", "%5D", "*", "%2A")

func checkCSV(t *testing.T, s, name, address, destination string) {
	rows, err := csv.NewReader(strings.NewReader(s)).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) != 8 {
		t.Fatalf("CSV %q: %v", s, err)
	}
	row := rows[1]
	if strings.TrimPrefix(row[0], "'") != strings.TrimPrefix(visible(name), "'") || row[2] != address {
		t.Fatalf("CSV row %q of %q, %q, %q", row, name, address, destination)
	}
	for _, c := range row {
		if c != "" && strings.ContainsRune("=+-@\t\r\n", rune(c[0])) {
			t.Fatalf("CSV cell %q", c)
		}
	}
}

// checkHTML counts the tags, and wants those addresses alone and the name as text
// or alternative text.
func checkHTML(t *testing.T, s string, tags map[string]int, addresses []string, name string) {
	doc, err := html.Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	var found []string
	named := name == ""
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			named = named || strings.Contains(n.Data, name)
		}
		if n.Type == html.CommentNode {
			t.Fatalf("a comment in %q", s)
		}
		if n.Type != html.ElementNode {
			continue
		}
		got[n.Data]++
		for _, a := range n.Attr {
			switch {
			case a.Key == "href" || a.Key == "src":
				found = append(found, a.Val)
			case a.Key == "alt":
				named = named || a.Val == name
			case strings.HasPrefix(a.Key, "on") || a.Key == "style":
				t.Fatalf("attribute %s in %q", a.Key, s)
			}
		}
	}
	for tag, want := range tags {
		if got[tag] != want {
			t.Fatalf("%d <%s> in %q, want %d", got[tag], tag, s, want)
		}
	}
	if strings.Join(found, " ") != strings.Join(addresses, " ") || !named {
		t.Fatalf("addresses %q, named %v, in %q", found, named, s)
	}
}
