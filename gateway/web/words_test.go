package web

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"slipway/gateway/operate"
)

// TestWords: every state has words, numbers and times read well.
func TestWords(t *testing.T) {
	for _, state := range operate.States {
		if s := stateOf(state); s.Word == state || s.Sentence == "" {
			t.Errorf("the state %s has no words", state)
		}
	}
	for _, tt := range []struct{ got, want string }{
		{size(0), "0 B"}, {size(999), "999 B"}, {size(1000), "1.0 kB"}, {size(99_400), "99.4 kB"}, {size(999_499), "999 kB"}, {size(999_500), "1.0 MB"},
		{size(2_400_000_000), "2.4 GB"}, {size(1 << 62), "4611686 TB"}, {size(-1), "unknown size"},
		{span(20 * time.Millisecond), "under a second"}, {span(99 * time.Second), "99 s"}, {span(100 * time.Second), "2 min"}, {span(3 * time.Hour), "3 h"}, {span(72 * time.Hour), "3 days"},
		{ago(testNow, testNow), "just now"}, {ago(testNow, testNow.Add(-time.Minute)), "60 s ago"}, {ago(testNow, testNow.Add(5*time.Minute)), "in 5 min"},
		{ago(testNow, testNow.AddDate(-1, 0, 0)), "22 Nov 2025"},
		{per(time.Minute), "a minute"}, {per(24 * time.Hour), "a day"}, {per(90 * time.Minute), "in 90 min"}, {count(2, "address"), "2 addresses"}, {count(1, "address"), "1 address"}, {count(1, "try"), "1 try"}, {count(2, "try"), "2 tries"},
		{due(testNow, testNow.Add(-time.Hour)), "now"}, {due(testNow, testNow), "now"}, {due(testNow, testNow.Add(time.Minute)), "in 60 s"},
		{count(1, "file"), "1 file"}, {count(1234567, "file"), "1,234,567 files"}, {thousands(-1234), "-1,234"}, {thousands(100), "100"},
		{title("/"), "Home"}, {folderLink("/"), "/files/"}, {folderLink("/a b/ü?"), "/files/a%20b/%C3%BC%3F/"},
		{webAddress("javascript:alert(1)"), ""}, {webAddress("https://h/x"), "https://h/x"}, {webAddress("/x"), ""}, {webAddress("ftp://h/"), ""},
		{disposition("image/svg+xml", "a\"b\r\n.svg"), "attachment; filename*=UTF-8''a%22b%EF%BF%BD%EF%BF%BD.svg"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
	for n, want := range map[[2]int64]int{{0, 0}: 0, {5, 10}: 50, {20, 10}: 100, {-1, 10}: 0, {3, -1}: 0} {
		if got := percent(n[0], n[1]); got != want {
			t.Errorf("%v is %d %%, want %d", n, got, want)
		}
	}
}

// TestWhy: what an upload waits for is said as it is now, and not as it was when
// that was written down.
func TestWhy(t *testing.T) {
	for _, tt := range []struct {
		u    operate.Upload
		want string
	}{
		{operate.Upload{State: "settling", Reason: "quiet", Due: testNow.Add(time.Second)}, "Waiting until nothing changes the file any more."},
		{operate.Upload{State: "settling", Reason: "quiet", Due: testNow.Add(-time.Second)}, "It is waiting for its turn."},
		{operate.Upload{State: "settling", Reason: "backoff", Due: testNow}, "It is waiting for its turn."},
		{operate.Upload{State: "settling", Reason: "quiet", Error: "the host takes 500 requests an hour"}, "The host takes 500 requests an hour."},
		{operate.Upload{State: "settling", Reason: "locked"}, "A program has the file open."},
		{operate.Upload{State: "held", Reason: "by-hand"}, "Somebody put it on hold."},
	} {
		if got := why(testNow, tt.u); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.u, got, tt.want)
		}
	}
}

// TestGzip: what a browser says of compression.
func TestGzip(t *testing.T) {
	for header, want := range map[string]bool{"": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false, "deflate": false, "GZIP": true, "x-gzip2": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if got := acceptsGzip(r); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// FuzzOwn: where somebody is led to after signing in is this site.
func FuzzOwn(f *testing.F) {
	for _, to := range []string{"/", "//evil", `/\evil`, "/\t/evil", "/a?b#c", "https://x", "/%2f/x", "\x00/"} {
		f.Add(to)
	}
	base, _ := url.Parse("https://gateway.example/sign-in")
	f.Fuzz(func(t *testing.T, to string) {
		got := own(to)
		// As browsers read it: backslashes are slashes, tabs and line ends are nothing.
		read := strings.Map(func(r rune) rune {
			switch r {
			case '\t', '\n', '\r':
				return -1
			case '\\':
				return '/'
			}
			return r
		}, strings.TrimSpace(got))
		u, err := base.Parse(read)
		if err != nil || u.Host != base.Host || u.Scheme != "https" {
			t.Errorf("%q leads to %q", to, u)
		}
	})
}

// FuzzVisible: nothing that is shown reorders or breaks anything.
func FuzzVisible(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, r := range visible(name) {
			if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
				t.Errorf("%q is shown as %q", name, visible(name))
			}
		}
	})
}

// FuzzChosen: what a form names is ids, and not too many.
func FuzzChosen(f *testing.F) {
	for _, text := range []string{"1", "1,2", ",,", "-1", "9223372036854775808", strings.Repeat("1,", 1200)} {
		f.Add(text, "7")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		groups, err := chosen([]string{a, b})
		n := 0
		for _, g := range groups {
			for _, id := range g {
				if n++; id <= 0 {
					t.Errorf("%q, %q: the id %d", a, b, id)
				}
			}
		}
		if err == nil && (n == 0 || n > actMost) {
			t.Errorf("%q, %q: %d ids", a, b, n)
		}
	})
}

// TestNowWithoutURL: Now says how many pictures are done without a URL, and leads to them,
// where what to do is said beside each.
func TestNowWithoutURL(t *testing.T) {
	s := newSite(t)
	const link = `<a href="/uploads?no_url=true">1 picture done without a URL</a>`
	if strings.Contains(s.get("/"), "no_url") {
		t.Error("Now tells of what there is not")
	}
	s.desk.uploads = append(s.desk.uploads, operate.Upload{ID: 77, Path: "/inbox/lost.jpg", Destination: "anh", State: "done", Reason: "no-url",
		Present: true, Error: "the reply was lost", Remedy: "look for it there"})
	if !strings.Contains(s.get("/"), link) {
		t.Error("Now does not tell of it")
	}
	text := s.get("/uploads?no_url=true")
	if !strings.Contains(text, "lost.jpg") || !strings.Contains(text, "Look for it there.") || strings.Count(text, `<tr id="u`) != 1 ||
		!strings.Contains(text, `name="no_url" value="true" checked`) {
		t.Error(text)
	}
	s.desk.uploads = s.desk.uploads[len(s.desk.uploads)-1:]
	if !strings.Contains(s.get("/"), link) {
		t.Error("Now does not tell of it where nothing else is in trouble")
	}
}

// TestVerbsWithoutURL: what is done without a URL can be sent again, while its bytes are
// there; nothing else that is done can.
func TestVerbsWithoutURL(t *testing.T) {
	lost := operate.Upload{State: "done", Reason: "no-url", Present: true}
	earlier := lost
	earlier.Present = false
	for _, c := range []struct {
		u    operate.Upload
		want string
	}{{lost, "[retry]"}, {earlier, "[]"}, {operate.Upload{State: "done", Present: true}, "[]"}, {operate.Upload{State: "failed"}, "[retry drop]"}} {
		if got := fmt.Sprint(verbsOf(c.u)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.u, got, c.want)
		}
	}
}
