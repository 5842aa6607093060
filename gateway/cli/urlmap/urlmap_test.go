package urlmap

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write writes pairs in a format.
func write(t testing.TB, format string, pairs []Pair) (string, []string) {
	t.Helper()
	var out bytes.Buffer
	w, err := New(&out, format, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		if err := w.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	notes, err := w.End()
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String(), notes
}

// hard are addresses with all that formats take for something else.
var hard = []Pair{
	{"/a.jpg", "https://old.example/i/a.jpg", "https://new.example/2026/a.jpg"},
	{"/a.jpg.webp", "https://old.example/i/a.jpg.webp", "https://new.example/2026/webp"},
	{"/1.jpg", "https://old.example/i/1", "https://new.example/one"},
	{"/12.jpg", "https://old.example/i/12", "https://new.example/twelve"},
	{"/i.jpg", "https://old.example/I/1", "https://new.example/large-i"},
	{"/with space.jpg", "https://old.example/i/with%20space.jpg", "https://new.example/with%20space.jpg"},
	{"/ü.jpg", "https://old.example/i/%C3%BC+(1)[2]{3}.jpg", "https://new.example/%C3%BC|$1&x=\\1;.jpg"},
	{"/raw ü.jpg", "https://old.example/i/raw-ü.jpg", "https://new.example/raw-ü.jpg"},
	{"/regex.jpg", "https://old.example/i/a.*^$]x|y#z@=.jpg", "https://new.example/'\"`<>{}|#@= \\.jpg"},
	{"/quote.jpg", `https://old.example/i/q"u'o\t.jpg`, `https://new.example/q"u'o\t.jpg`},
	{"/=cmd.jpg", "https://old.example/i/$uri;drop.jpg", "https://new.example/$host/x.jpg"},
	{"/copy of a.jpg", "https://old.example/i/a.jpg", "https://new.example/2026/a.jpg"},
}

// queries are those that differ behind the question mark.
var queries = []Pair{
	{"/q1.jpg", "https://old.example/show?a=1", "https://new.example/q1"},
	{"/q2.jpg", "https://old.example/show?a=1&b=2", "https://new.example/q2?c=3&d=4"},
}

func TestTable(t *testing.T) {
	pairs := append(slices.Clone(hard), Pair{"/comma, \"quoted\"\nline.jpg", "https://old/x", "https://new/x"})
	text, notes := write(t, "csv", pairs)
	if len(notes) > 0 || !strings.HasPrefix(text, "path,from,to\r\n") {
		t.Errorf("%q, %v", text, notes)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(pairs)+1 {
		t.Fatal(len(rows), err)
	}
	for i, p := range pairs {
		if !slices.Equal(rows[i+1], []string{p.Path, p.From, p.To}) {
			t.Errorf("%q, want %v", rows[i+1], p)
		}
	}
	if text, _ := write(t, "csv", nil); text != "path,from,to\r\n" {
		t.Errorf("of nothing: %q", text)
	}
}

func TestObjects(t *testing.T) {
	text, _ := write(t, "json", hard)
	d := json.NewDecoder(strings.NewReader(text))
	for _, want := range hard {
		var p Pair
		if err := d.Decode(&p); err != nil || p != want {
			t.Errorf("%v %v, want %v", p, err, want)
		}
	}
	if strings.Count(text, "\n") != len(hard) {
		t.Error("not an object a line")
	}
}

func TestFormats(t *testing.T) {
	if _, err := New(io.Discard, "xml", ""); err == nil {
		t.Error("there is xml")
	}
}

// runSed applies a script to a text, as people do.
func runSed(t testing.TB, script, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "map.sed")
	if err := os.WriteFile(name, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sed", "--posix", "-f", name)
	if out, err := exec.Command("sed", "--version").CombinedOutput(); err != nil || !bytes.Contains(out, []byte("GNU")) {
		cmd = exec.Command("sed", "-f", name)
	}
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sed: %v: %s", err, out)
	}
	return string(out)
}

func needSed(t testing.TB) {
	if _, err := exec.LookPath("sed"); err != nil {
		t.Skip("sed is not installed")
	}
}

func TestSed(t *testing.T) {
	needSed(t)
	script, notes := write(t, "sed", append(slices.Clone(hard), queries...))
	if len(notes) > 0 {
		t.Error(notes)
	}
	article := func(of func(Pair) string) string {
		var b strings.Builder
		for _, p := range append(slices.Clone(hard), queries...) {
			u := of(p)
			html := u
			if strings.Contains(p.From, "&") { // else nobody sees whether it stands in HTML
				html = strings.ReplaceAll(u, "&", "&amp;")
			}
			fmt.Fprintf(&b, "<p>See <img src=\"%s\"> (%s), %s and %s.\n%s\n![x](%s)\n%s %s\n", html, u, u, u, u, u, u, u)
		}
		return b.String()
	}
	got, want := runSed(t, script, article(func(p Pair) string { return p.From })), article(func(p Pair) string { return p.To })
	if got != want {
		g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
		for i := range w {
			if i >= len(g) || g[i] != w[i] {
				t.Errorf("line %d is %q, want %q", i+1, g[min(i, len(g)-1)], w[i])
			}
		}
	}
	// What is not in the map stays, to the byte, also without a line end.
	for _, other := range []string{"https://old.example/i/a.jpg2", "https://old.example/i/a.jpgx.webp", "https://old.example/i/123", "https://oldXexample/i/a.jpg", "", "x", "x\n"} {
		if got := runSed(t, script, other); got != other {
			t.Errorf("%q became %q", other, got)
		}
	}
	if got := runSed(t, script, "https://old.example/i/a.jpg"); got != "https://new.example/2026/a.jpg" {
		t.Errorf("without a line end: %q", got)
	}
}

// TestSedOfAnyAddress tries addresses of all bytes that can be printed.
func TestSedOfAnyAddress(t *testing.T) {
	needSed(t)
	rapid.Check(t, func(rt *rapid.T) {
		part := rapid.StringMatching(`[!-~]{1,12}`)
		var pairs []Pair
		seen := make(map[string]bool)
		for range rapid.IntRange(1, 8).Draw(rt, "n") {
			p := Pair{"/x", "http://o/" + part.Draw(rt, "from") + "z", "http://n/" + part.Draw(rt, "to")}
			if !seen[p.From] && !strings.Contains(p.From, "&") {
				seen[p.From] = true
				pairs = append(pairs, p)
			}
		}
		script, _ := write(t, "sed", pairs)
		var text, want strings.Builder
		for _, p := range pairs {
			fmt.Fprintf(&text, "<%s>\n", p.From)
			fmt.Fprintf(&want, "<%s>\n", p.To)
		}
		if got := runSed(t, script, text.String()); got != want.String() {
			rt.Fatalf("%s\n%s became\n%s, want\n%s", script, text.String(), got, want.String())
		}
	})
}

// TestNginx asks a real server for the old addresses.
func TestNginx(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed; .ci/run installs it")
		}
	}
	locations, notes := write(t, "nginx", append(slices.Clone(hard), queries...))
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "2 left out: ") {
		t.Error(notes)
	}
	address := startNginx(t, program, locations)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for _, p := range hard {
		old, err := url.Parse(p.From)
		if err != nil {
			t.Fatal(err)
		}
		old.Scheme, old.Host = "http", address
		r, err := client.Get(old.String())
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close() //nolint:errcheck // a test
		if got := r.Header.Get("Location"); r.StatusCode != http.StatusMovedPermanently || got != target(p.To) {
			t.Errorf("%s: %s to %q, want %q", p.From, r.Status, got, target(p.To))
		}
		want, _ := url.Parse(target(p.To))
		if want == nil || decoded(p.To) != decoded(target(p.To)) {
			t.Errorf("%q is not %q", target(p.To), p.To)
		}
	}
	for _, other := range []string{"/i/A.JPG", "/i/123", "/", "/i/a.jpgx"} {
		r, err := client.Get("http://" + address + other)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close() //nolint:errcheck // a test
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s to %s", other, r.Status, r.Header.Get("Location"))
		}
	}
}

func decoded(u string) string {
	if s, err := url.PathUnescape(u); err == nil {
		return s
	}
	return u
}

// startNginx starts a server with these locations and returns its address.
func startNginx(t *testing.T, program, locations string) string {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() //nolint:errcheck // only its port is wanted
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events { }
http {
	access_log off; server_tokens off;
	client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server { listen %[2]s; root %[1]s/empty; include %[1]s/map.conf; }
}
`, dir, address)
	for name, text := range map[string]string{"nginx.conf": config, "map.conf": locations} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may be gone
		<-ended
	})
	for range 200 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close() //nolint:errcheck // a test
			return address
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx ended: %v: %s", err, said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("nginx does not answer")
	return ""
}

func TestNormal(t *testing.T) {
	for p, want := range map[string]string{
		"": "/", "/": "/", "/a": "/a", "/a/": "/a/", "//a///b": "/a/b", "/a/./b": "/a/b", "/a/../b": "/b", "/../a": "/a", "/a/.": "/a/", "/a/..": "/", "/a/b/..": "/a/",
	} {
		if got := normal(p); got != want {
			t.Errorf("%q is %q, want %q", p, got, want)
		}
	}
}

func TestOneOldAddressLeadsToOneNew(t *testing.T) {
	pairs := []Pair{{"/a", "https://o/x", "https://n/1"}, {"/b", "https://o/x", "https://n/2"}, {"/c", "https://o/x", "https://n/1"}}
	for _, format := range []string{"nginx", "sed"} {
		text, notes := write(t, format, pairs)
		if strings.Count(text, "https://n/1") != 1 || strings.Contains(text, "https://n/2") || len(notes) != 1 {
			t.Errorf("%s: %s\n%v", format, text, notes)
		}
	}
}

func TestLineEndsAreLeftOut(t *testing.T) {
	for _, format := range []string{"nginx", "sed"} {
		text, notes := write(t, format, []Pair{{"/a", "https://o/x%0Ay", "https://n/\n}"}, {"/b", "https://o/x\ny", "https://n/"}})
		if len(notes) != 1 || strings.Contains(text, "https://n/") {
			t.Errorf("%s: %q, %v", format, text, notes)
		}
	}
}

func TestSorter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &sorter{dir: t.TempDir(), less: longestFirst, most: rapid.IntRange(1, 2000).Draw(rt, "memory")}
		var want []rule
		first := make(map[string]string)
		for i := range rapid.IntRange(0, 60).Draw(rt, "n") {
			r := rule{rapid.StringMatching(`[a-c]{0,3}`).Draw(rt, "from"), fmt.Sprint(i)}
			if err := s.add(r); err != nil {
				rt.Fatal(err)
			}
			if _, ok := first[r.from]; !ok {
				first[r.from] = r.to
				want = append(want, r)
			}
		}
		slices.SortFunc(want, func(a, b rule) int { return longestFirst(a.from, b.from) })
		var got []rule
		if _, err := s.each(func(r rule) error { got = append(got, r); return nil }); err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%v, want %v", got, want)
		}
		if err := s.close(); err != nil {
			rt.Fatal(err)
		}
		if left, _ := os.ReadDir(s.dir); len(left) > 0 {
			rt.Fatalf("files stay: %v", left)
		}
	})
}

// TestMemory writes many more addresses than are kept in memory.
func TestMemory(t *testing.T) {
	const n = 100_000
	for _, format := range []string{"csv", "json", "nginx", "sed"} {
		w, err := New(io.Discard, format, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		most := uint64(0)
		for i := range n {
			id := fmt.Sprintf("%032x", rand.Uint64())
			if err := w.Add(Pair{"/holiday/" + id, "https://old.example/" + id, "https://new.example/" + id}); err != nil {
				t.Fatal(err)
			}
			if i%50_000 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		if _, err := w.End(); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if most > 40<<20 {
			t.Errorf("%s held %d MB", format, most>>20)
		}
	}
}
