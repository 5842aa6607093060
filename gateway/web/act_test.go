package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/operate"
)

// TestAct: verbs for one and many, with and without scripts.
func TestAct(t *testing.T) {
	s := newSite(t)
	resp, _ := s.post("/act", url.Values{"verb": {"retry"}, "id": {"6"}, "back": {"/uploads?state=failed"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/uploads?state=failed" {
		t.Errorf("one: %s to %q", resp.Status, resp.Header.Get("Location"))
	}
	resp, text := s.post("/act", url.Values{"verb": {"retry"}, "id": {"6", "5"}})
	if resp.StatusCode != http.StatusOK || !strings.Contains(text, "it is done already") || !strings.Contains(text, "1 upload will be tried again.") {
		t.Errorf("one of two refused: %s %s", resp.Status, text)
	}
	resp, text = s.post("/act", url.Values{"verb": {"hold"}, "id": {"1"}}, "X-CSRF-Token", s.token())
	if resp.StatusCode != http.StatusOK || text != "1 upload put on hold." {
		t.Errorf("by a script: %s %q", resp.Status, text)
	}
	// A file that is chosen as a whole is its uploads that the verb is for.
	s.post("/act", url.Values{"verb": {"retry"}, "id": {"5,6"}})
	for _, form := range []url.Values{
		{"verb": {"explode"}, "id": {"1"}}, {"verb": {"retry"}}, {"verb": {"retry"}, "id": {"x"}}, {"verb": {"retry"}, "id": {"-4"}}, {"verb": {"retry"}, "id": {strings.Repeat("1,", 1001)}},
	} {
		if resp, _ := s.post("/act", form); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %s", form, resp.Status)
		}
	}
	want := []string{"retry[6]", "retry[5 6]", "hold[1]", "retry[6]"}
	if !slices.Equal(s.desk.acted, want) {
		t.Errorf("done: %q, want %q", s.desk.acted, want)
	}
	if resp, _ := s.post("/act", url.Values{"verb": {"retry"}, "id": {"4000"}}); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an upload that there is not: %s", resp.Status)
	}
}

// TestSteer: who may pauses and resumes.
func TestSteer(t *testing.T) {
	s := newSite(t)
	s.post("/destinations", url.Values{"do": {"pause"}, "destination": {"home"}})
	s.post("/destinations", url.Values{"do": {"resume"}, "destination": {"anh"}})
	if !s.desk.paused["home"] || s.desk.paused["anh"] {
		t.Errorf("paused: %v", s.desk.paused)
	}
	if resp, _ := s.post("/destinations", url.Values{"do": {"remove"}, "destination": {"anh"}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("another verb: %s", resp.Status)
	}
	if text := s.get("/"); !strings.Contains(text, "/home/ann/Drop") {
		t.Error("watched folders are not shown")
	}
	s.post("/destinations", url.Values{"do": {"release"}, "folder": {"/mnt/camera"}})
	if !slices.Equal(s.desk.acted, []string{"release /mnt/camera"}) {
		t.Errorf("done: %q", s.desk.acted)
	}
	s.desk.me.Operator = false
	if text := s.get("/"); strings.Contains(text, "/home/ann/Drop") {
		t.Error("somebody sees folders of the machine who does not steer it")
	}
	if resp, _ := s.post("/destinations", url.Values{"do": {"resume"}, "destination": {"home"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("no operator: %s", resp.Status)
	}
}

// TestCopy: every form holds addresses and names that mean something in it.
func TestCopy(t *testing.T) {
	s := newSite(t)
	copied := func(form url.Values) string {
		resp, text := s.post("/copy", form, "X-CSRF-Token", s.token())
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%v: %s %s", form, resp.Status, text)
		}
		return text
	}
	if got := copied(url.Values{"id": {"5", "14"}, "form": {"url"}}); got != "https://img.example/i/5/picture.jpg\nhttps://img.example/i/14/picture.jpg" {
		t.Errorf("URLs: %q", got)
	}
	if got := copied(url.Values{"id": {"6,5"}, "form": {"own"}, "template": {`{stem}: {url}\n{name} {path} {destination} {size}`}}); got != "javascript:alert(1): https://img.example/i/5/picture.jpg\njavascript:alert(1) /inbox/javascript:alert(1) home 2.4 MB" {
		t.Errorf("the template: %q", got)
	}
	if resp, _ := s.post("/copy", url.Values{"id": {"6"}}, "X-CSRF-Token", s.token()); resp.StatusCode != http.StatusConflict {
		t.Errorf("one without an address: %s", resp.Status)
	}
	resp, text := s.post("/copy", url.Values{"id": {"5", "6"}, "form": {"md"}})
	if resp.StatusCode != http.StatusOK || !strings.Contains(text, "1 file without one yet") {
		t.Errorf("without scripts: %s %s", resp.Status, text)
	}
	harmless(t, "/copy", text)

	u := operate.Upload{URL: `https://h/a]"<b>&c d`, Path: `/x/a[b](c)"<i>*_` + "`\u202e.jpg", Type: "image/jpeg"}
	for form, want := range map[string]string{
		"md":     "![a\\[b\\](c)\"&lt;i>\\*\\_\\`\ufffd.jpg](<https://h/a]\"%3Cb%3E&c%20d>)",
		"html":   `<a href="https://h/a]&#34;&lt;b&gt;&amp;c d"><img src="https://h/a]&#34;&lt;b&gt;&amp;c d" alt="a[b](c)&#34;&lt;i&gt;*_` + "`\ufffd" + `.jpg"></a>`,
		"bbcode": "[url=https://h/a%5D%22%3Cb%3E&c%20d][img]https://h/a%5D%22%3Cb%3E&c%20d[/img][/url]",
	} {
		if got := pasted(u, form, ""); got != want {
			t.Errorf("%s:\n got %s\nwant %s", form, got, want)
		}
	}
	if u.Type = "video/mp4"; pasted(u, "bbcode", "") != "[url]https://h/a%5D%22%3Cb%3E&c%20d[/url]" {
		t.Errorf("a video: %s", pasted(u, "bbcode", ""))
	}
}

// TestFilter: what the form says is what the desk is asked for, and the next page
// says it again.
func TestFilter(t *testing.T) {
	s := newSite(t)
	for i := range 120 {
		s.desk.add(int64(2000+i), "/inbox/"+strings.Repeat("x", 3)+string(rune('a'+i%26))+".jpg", "failed")
	}
	text := s.get("/uploads?state=failed&state=nonsense&destination=home&path=inbox&text=+dog+&since=2026-11-01&before=2026-11-02&zone=-60")
	q := s.desk.query
	from := time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC)
	if !slices.Equal(q.States, []string{"failed"}) || q.Destination != "home" || q.Path != "/inbox" || q.Text != "dog" || q.Limit != listShown ||
		!q.Since.Equal(from) || !q.Before.Equal(from.AddDate(0, 0, 2)) {
		t.Errorf("asked for %+v", q)
	}
	want := "/uploads?after=next&amp;before=2026-11-02&amp;destination=home&amp;path=inbox&amp;since=2026-11-01&amp;state=failed&amp;text=dog&amp;zone=-60"
	if !strings.Contains(text, want) {
		t.Errorf("the next page is not at %s", want)
	}
	s.get("/uploads?since=yesterday&zone=nine")
	if !s.desk.query.Since.IsZero() {
		t.Errorf("no day is %v", s.desk.query.Since)
	}
}

// TestStatus: how files stand that were just sent.
func TestStatus(t *testing.T) {
	s := newSite(t)
	resp, text := s.post("/status", url.Values{"path": {"/inbox/javascript:alert(1)", "/elsewhere"}}, "X-CSRF-Token", s.token())
	want := `[{"path":"/inbox/javascript:alert(1)","state":"done","class":"good","word":"Done","why":"The host has it.","url":"https://img.example/i/5/picture.jpg","ids":"5"},` +
		`{"path":"/elsewhere","state":"stored","class":"past","word":"Stored"}]`
	if resp.StatusCode != http.StatusOK || strings.TrimSpace(text) != want {
		t.Errorf("%s\n got %s\nwant %s", resp.Status, text, want)
	}
}
