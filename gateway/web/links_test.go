package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"slipway/gateway/operate"
)

// TestLinksSay: each state in its words, why, when it goes on, and a button where one
// may do something.
func TestLinksSay(t *testing.T) {
	s := newSite(t)
	text := s.get("/links")
	for _, want := range []string{
		">Fetching<", ">Waiting<", ">Fetched<", ">Not needed<", ">Failed<", "It is being fetched now.", "Not fetched yet. pictures.example did not answer", "failed 3 times",
		"The next try is <time", "Not fetched. It is a page, not a picture", "Drop the address of the picture.", `<button name="path" value="/inbox/`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if n := strings.Count(text, `action="/links"><input`) + strings.Count(text, `action="/links" data-quietly`); n != 4 { // 2 that failed, 2 of 3 that wait
		t.Errorf("%d buttons", n)
	}
	if strings.Contains(text, `href="javascript:`) || strings.Contains(text, "<img src=x") {
		t.Error("a link of a stranger does what it says")
	}
	if text := s.get("/links?state=failed&state=nonsense&path=inbox"); strings.Count(text, ">Failed</span>") != 2 || strings.Contains(text, ">Fetched</span>") || !strings.Contains(text, `name="path" value="/inbox"`) {
		t.Error("those that failed:", text)
	}
	now := s.get("/")
	if section := between(now, `<section id="linked" data-live aria`, "</section>"); strings.Count(section, ">Failed</span>") != 2 || strings.Count(section, ">Fetching</span>") != 1 || strings.Contains(section, ">Fetched</span>") {
		t.Error("Now says:", section)
	}
	if !strings.Contains(s.get("/uploads"), `href="/links"`) {
		t.Error("nothing leads from the uploads to the links")
	}
	s.desk.links = nil
	if !strings.Contains(s.get("/"), `<section id="linked" data-live hidden`) || !strings.Contains(s.get("/links"), "No file here holds links") {
		t.Error("links are shown where there are none")
	}
}

// TestLinksOfFiles: a folder's list says how the links of a file stand, and its page has
// them tried again.
func TestLinksOfFiles(t *testing.T) {
	s := newSite(t)
	for i := range s.desk.entries {
		if s.desk.entries[i].Path == "/inbox/t.part" {
			s.desk.entries[i].Links = map[string]int{"failed": 2, "done": 1000, "settling": 1}
		}
	}
	text := s.get("/files/inbox/?view=list")
	if want := `<span class="state bad">2 links failed</span><span class="state going">1 link waiting</span><span class="state good">1,000 links fetched</span>`; !strings.Contains(text, want) || strings.Contains(text, "Not sent anywhere") {
		t.Error("the list does not say", want)
	}
	if page := s.get("/files/inbox/t.part"); !strings.Contains(page, `<button name="path" value="/inbox/t.part" class="small">Retry`) {
		t.Error("its page has no button")
	}
	s.desk.me = operate.Person{Name: "ann", Rights: "read"}
	if page := s.get("/files/inbox/t.part"); strings.Contains(page, ">Retry") {
		t.Error("a reader has a button")
	}
}

// TestLinksRetried: with and without script, by those alone who may.
func TestLinksRetried(t *testing.T) {
	s := newSite(t)
	resp, _ := s.post("/links", url.Values{"path": {"/inbox/a.url"}, "back": {"/"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Errorf("%s to %q", resp.Status, resp.Header.Get("Location"))
	}
	for p, want := range map[string]string{"/inbox/b.url": "1 link will be tried again.", "/inbox/none": "None of its links wants another try."} {
		if resp, text := s.post("/links", url.Values{"path": {p}}, "X-CSRF-Token", s.token()); resp.StatusCode != http.StatusOK || text != want {
			t.Errorf("%s: %s: %s", p, resp.Status, text)
		}
	}
	if resp, _ := s.post("/links", url.Values{}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("no path: %s", resp.Status)
	}
	if n := len(s.desk.acted); n != 3 || !slices.Contains(s.desk.acted, "links /inbox/a.url") {
		t.Errorf("asked for %q", s.desk.acted)
	}
	if resp, _ := s.do(http.MethodPost, "/links", strings.NewReader("path=/inbox/a.url"), "Content-Type", "application/x-www-form-urlencoded"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without the token: %s", resp.Status)
	}
	s.desk.me = operate.Person{Name: "ann", Rights: "read"}
	if resp, _ := s.post("/links", url.Values{"path": {"/"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a reader: %s", resp.Status)
	}
	if text := s.get("/links"); strings.Contains(text, ">Retry") || !strings.Contains(text, ">Failed</span>") {
		t.Error("a reader is shown buttons, or nothing")
	}
	s.desk.me.Rights = "drop"
	if resp, _ := s.do(http.MethodGet, "/links", nil); resp.StatusCode != http.StatusForbidden {
		t.Errorf("one who drops: %s", resp.Status)
	}
	if n := len(s.desk.acted); n != 3 {
		t.Errorf("asked for %q", s.desk.acted)
	}
}

// between is what of text lies between two marks.
func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	section, _, _ := strings.Cut(rest, to)
	return section
}
