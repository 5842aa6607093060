package page

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var modified = time.Date(2026, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))

func example() (Folder, []Row) {
	f := Folder{
		Above: []Link{{"", "/dav/"}, {"holiday", "/dav/holiday/"}}, Name: "Norway 2026", States: true, Folders: 1, Files: 6, Size: 56<<20 + 1234,
		Lists: []Link{{"html", "/dav/holiday/_links.html"}, {"md", "/dav/holiday/_links.md"}, {"csv", "/dav/holiday/_links.csv"}},
	}
	file := func(name string, size int64, us ...Upload) Row {
		return Row{Link: Link{name, "/dav/holiday/" + name}, Size: size, Modified: modified, Uploads: us}
	}
	rows := []Row{
		{Link: Link{"raw", "/dav/holiday/raw/"}, Dir: true},
		file("IMG_2.jpg", 3<<20, Upload{"anh", "done", "", "https://anh.im/i/IMG_2.jpg"}, Upload{"home", "done", "reused", "https://pictures.example/i/x/IMG_2.jpg"}),
		file("IMG_10.jpg", 5<<20, Upload{"anh", "sending", "", ""}, Upload{"home", "settling", "quiet", ""}),
		file("IMG_11.jpg", 5<<20, Upload{"anh", "failed", "", ""}, Upload{"home", "held", "not-whole", ""}),
		file("a-very-long-name-without-any-place-to-break-it-"+strings.Repeat("x", 90)+".jpg", 42<<20, Upload{"anh", "ambiguous", "lost-reply", ""}),
		file("IMG_12.jpg", 900, Upload{"anh", "awaiting", "", ""}, Upload{"home", "dropped", "", ""}),
		file("notes.txt", 334),
	}
	rows[1].Beside = []Link{{"json", "/dav/holiday/IMG_2.jpg.json"}, {"url", "/dav/holiday/IMG_2.jpg.url"}}
	return f, rows
}

func write(t testing.TB, f Folder, rows ...Row) string {
	var b strings.Builder
	if err := Write(&b, f, slices.Values(rows)); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("SLIPWAY_TEST_PAGES"); dir != "" { // to look at them
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "_")+".html"), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// element is one that the page has: its name, attributes and text.
type element struct {
	tag, text string
	cells     []string // text of the cells in it
	attr      map[string]string
}

func elements(t testing.TB, text string) (list []element) {
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		e := element{tag: n.Data, attr: map[string]string{}}
		for _, a := range n.Attr {
			e.attr[a.Key] = a.Val
		}
		e.text = textOf(n)
		for c := range n.ChildNodes() {
			if c.Data == "td" || c.Data == "th" {
				e.cells = append(e.cells, strings.Join(strings.Fields(textOf(c)), " "))
			}
		}
		list = append(list, e)
	}
	return list
}

func textOf(n *html.Node) (s string) {
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			s += d.Data
		}
	}
	return s
}

func TestPage(t *testing.T) {
	f, rows := example()
	var hrefs, headings, shown []string
	for _, e := range elements(t, write(t, f, rows...)) {
		switch e.tag {
		case "a":
			hrefs = append(hrefs, e.attr["href"])
			if strings.HasPrefix(e.attr["href"], "https:") && e.attr["rel"] != "noopener noreferrer" {
				t.Errorf("a link to elsewhere: %v", e.attr)
			}
			if e.attr["aria-label"] == "" && strings.TrimSpace(e.text) == "" {
				t.Errorf("a link without words: %v", e.attr)
			}
		case "h1", "title":
			headings = append(headings, e.text)
		case "tr":
			shown = append(shown, strings.Join(e.cells, "|"))
		case "script", "img", "form", "iframe":
			t.Errorf("there is a %s", e.tag)
		}
	}
	for _, want := range []string{
		"Name|Size|Changed (UTC)|Uploads",
		"raw/|||",
		"notes.txt|334 B|2026-05-06 06:08|not forwarded",
		"IMG_2.jpg json url|3.0 MiB|2026-05-06 06:08|anh donehome done reused",
		"IMG_11.jpg|5.0 MiB|2026-05-06 06:08|anh failedhome on hold not whole",
	} {
		if !slices.Contains(shown, want) {
			t.Errorf("no row %q in %q", want, shown)
		}
	}
	for _, want := range []string{"/dav/", "/dav/holiday/", "/dav/holiday/_links.csv", "/dav/holiday/raw/", "/dav/holiday/IMG_2.jpg.url", "https://anh.im/i/IMG_2.jpg"} {
		if !slices.Contains(hrefs, want) {
			t.Errorf("no link to %s in %q", want, hrefs)
		}
	}
	if !slices.Equal(headings, []string{"Norway 2026", "Norway 2026"}) {
		t.Errorf("headings %q", headings)
	}
	all := write(t, f, rows...)
	for _, want := range []string{"1 folder, 6 files, 56.0 MiB", "failed", "on hold</span> <small>not whole", "sending", "waiting", "not known whether it arrived", "let go"} {
		if !strings.Contains(all, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestEmptyPage(t *testing.T) {
	text := write(t, Folder{States: true})
	if !strings.Contains(text, "This folder is empty.") || strings.Contains(text, "<table>") || !strings.Contains(text, "<h1><bdi>Home<") {
		t.Error(text)
	}
}

// TestHostileNames: nothing that somebody can name a file, a folder or a
// destination, or that a host can answer, becomes anything but text.
func TestHostileNames(t *testing.T) {
	for _, bad := range []string{
		`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, `' onmouseover='x`, "`${x}`", `</title></style><b>`, `{{.}}`, "&lt;b&gt;",
		"a\u202egpj.exe", "line\nbreak", "\u2066x", "javascript:alert(1)",
	} {
		text := write(t, Folder{Name: bad, Above: []Link{{bad, "/dav/x/"}}, Lists: []Link{{bad, "/dav/y"}}, States: true, Files: 1},
			Row{Link: Link{bad, "/dav/z"}, Beside: []Link{{bad, "/dav/w"}}, Uploads: []Upload{{bad, bad, bad, bad}, {bad, "done", "", "javascript:alert(1)"}}})
		for _, e := range elements(t, text) {
			if slices.Contains([]string{"img", "script", "b"}, e.tag) || strings.HasPrefix(e.attr["href"], "javascript:") {
				t.Errorf("%q made %v", bad, e)
			}
			for name := range e.attr {
				if strings.HasPrefix(name, "on") {
					t.Errorf("%q made the attribute %s", bad, name)
				}
			}
		}
		if strings.ContainsAny(text, "\u202e\u2066") {
			t.Errorf("%q reorders what follows", bad)
		}
	}
}

func TestHeader(t *testing.T) {
	h := http.Header{}
	Header(h)
	policy := h.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(style, "<") {
		t.Errorf("%v", h)
	}
	// The hash is of what stands between the tags.
	_, rest, _ := strings.Cut(write(t, Folder{}), "<style>")
	if shown, _, _ := strings.Cut(rest, "</style>"); shown != style {
		t.Errorf("the style sheet on the page is not the one that is allowed:\n%q", shown)
	}
}

func TestWriteStreams(t *testing.T) {
	gone, n := errors.New("gone"), 0
	rows := func(yield func(Row) bool) {
		for n = 0; n < 1e6; n++ {
			if !yield(Row{Link: Link{"a", "/a"}}) {
				return
			}
		}
	}
	if err := Write(failing{gone}, Folder{Files: 1e6}, rows); !errors.Is(err, gone) || n > 5000 {
		t.Errorf("%v after %d rows", err, n)
	}
}

type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }

func TestCompare(t *testing.T) {
	want := []string{"", "1", "01", "2", "10", "a", "IMG_2.jpg", "img_2.jpg", "IMG_02.JPG.x", "IMG_10.jpg", "IMG_10a.jpg", "IMG_99999999999999999999998", "IMG_99999999999999999999999", "z", "Ä", "äb"}
	for i, a := range want {
		for j, b := range want {
			c, d := Compare(a, b), Compare(b, a)
			if c != -d || (c == 0) != (i == j) {
				t.Errorf("Compare(%q, %q) = %d, the other way %d", a, b, c, d)
			}
		}
	}
	got := []string{"IMG_10.jpg", "b", "IMG_9.jpg", "IMG_1.jpg", "A", "IMG_2.jpg", "img_3.jpg"}
	slices.SortFunc(got, Compare)
	if s := strings.Join(got, " "); s != "A b IMG_1.jpg IMG_2.jpg img_3.jpg IMG_9.jpg IMG_10.jpg" {
		t.Error(s)
	}
}

// FuzzCompare: an order is the same seen from each side, and transitive.
func FuzzCompare(f *testing.F) {
	f.Add("a1", "a01", "a10")
	f.Add("1a", "٣", "A0b")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if Compare(a, b) != -Compare(b, a) || (Compare(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q", a, b)
		}
		if Compare(a, b) < 0 && Compare(b, c) < 0 && Compare(a, c) >= 0 {
			t.Errorf("%q < %q < %q", a, b, c)
		}
	})
}

func BenchmarkPage(b *testing.B) {
	f, rows := example()
	many := make([]Row, 10_000)
	for i := range many {
		many[i] = rows[1]
		many[i].Name = fmt.Sprintf("IMG_%d.jpg", i)
	}
	for b.Loop() {
		if err := Write(io.Discard, f, slices.Values(many)); err != nil {
			b.Fatal(err)
		}
	}
}
