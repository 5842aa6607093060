package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestNowSays: where a file is that needs somebody, what of the limits is used, and
// each thing once.
func TestNowSays(t *testing.T) {
	s := newSite(t)
	text := s.get("/")
	for _, want := range []string{
		`in <a href="/files/inbox/">/inbox</a>, to home`, "40 of 100 requests an hour", "1 limit not used", "0 of 1,000 requests a day", `aria-label="Failed, anh: 2"`, `<p class="quiet host">local</p>`,
		`<dt>Files</dt><dd>1,204</dd>`, `<dt>Taken</dt><dd>1,197</dd>`, "Let it follow",
		"Nothing is mounted at /mnt/mirror now", `value="/mnt/scans"><button name="do" value="release" class="small">It is right as it is<`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	s.desk.uploads[0].Reason, s.desk.uploads[0].Due = "quiet", testNow.Add(-time.Minute)
	if text := s.get("/uploads?state=settling"); !strings.Contains(text, "It is waiting for its turn.") || strings.Count(text, "Next try") != 2 {
		t.Errorf("one that is due already: %d next tries", strings.Count(text, "Next try"))
	}
}

// TestUnsent: of a file that is sent nowhere it is said why.
func TestUnsent(t *testing.T) {
	s := newSite(t)
	const want = "Its name is one that programs give to files that are not whole yet."
	for _, view := range []string{"list", "grid"} {
		if text := s.get("/files/inbox/?view=" + view); strings.Count(text, want) != 1 {
			t.Errorf("the %s says it %d times", view, strings.Count(text, want))
		}
	}
	if _, text := s.post("/status", url.Values{"path": {"/inbox/t.part"}}, "X-CSRF-Token", s.token()); !strings.Contains(text, `"word":"Stored","why":"`+want) {
		t.Errorf("after it was dropped: %s", text)
	}
	resp, page := s.do(http.MethodGet, "/files/inbox/t.part", nil)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("its page: %s", resp.Status)
	}
	for _, want := range []string{"Its bytes are read from https://anh.example/", "Not fetched. The picture is not there any more (404).", "Look for its address anew.", "The next try is <time", "There are no links in it."} {
		if !strings.Contains(page, want) {
			t.Errorf("its page does not say %q", want)
		}
	}
	if strings.Contains(page, `href="javascript:`) {
		t.Error("its page leads where a link of a foreign file says")
	}
}

// TestNowSaysBrokenOff: what broke off, where, from whom and until when, and no link to a
// file that is not there.
func TestNowSaysBrokenOff(t *testing.T) {
	s := newSite(t)
	text := s.get("/")
	section := between(text, `<section id="broken" data-live aria`, "</section>")
	for _, want := range []string{
		"Broken off at 500,000 bytes, and not stored yet. It goes on when it is sent again from 192.0.2.7;", `from ann</span>`, "what came is let go <time", ">in 23 h<", "And 5 others.", "&lt;img src=x",
	} {
		if !strings.Contains(section, want) {
			t.Errorf("the page does not say %s: %s", want, section)
		}
	}
	if strings.Contains(section, `href="/files/inbox/IMG`) || strings.Contains(section, `class="file" href`) {
		t.Error("it leads to a file that is not there")
	}
	s.desk.broken = nil
	if !strings.Contains(s.get("/"), `<section id="broken" data-live hidden`) {
		t.Error("something broke off where nothing did")
	}
}
