package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"slipway/gateway/operate"
)

// TestDeletionsSay: each state in its words, what came of each, and the buttons that
// may do something.
func TestDeletionsSay(t *testing.T) {
	s := newSite(t)
	text := s.get("/deletions")
	for _, want := range []string{
		"To be deleted", "Needs your answer", "Being deleted", ">Deleted<", ">Kept<", ">Failed<", "The file was removed.", "21 pictures at the hosts",
		`name="do" value="release"`, `name="do" value="refuse"`, `name="do" value="retry"`, `<input type="hidden" name="id" value="100">`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if strings.Contains(text, `href="javascript:`) || strings.Contains(text, "https://anh.im/3.jpg") { // 3 is deleted
		t.Error("an address that is none, or not any more, is a link")
	}
	if text := s.get("/deletions?state=kept&state=nonsense&path=inbox"); strings.Count(text, `<li id="x`) != 1 || !strings.Contains(text, `name="path" value="/inbox"`) {
		t.Errorf("those that were kept: %d", strings.Count(text, `<li id="x`))
	}
	if !strings.Contains(s.get("/"), `id="brakes" data-live aria`) {
		t.Error("Now says nothing of the brake")
	}
	s.desk.brakes = nil
	if !strings.Contains(s.get("/"), `id="brakes" data-live hidden`) {
		t.Error("Now has a brake where there is none")
	}
}

// TestDeletionsAnswered: with and without script, by those alone who may.
func TestDeletionsAnswered(t *testing.T) {
	s := newSite(t)
	resp, _ := s.post("/deletions", url.Values{"do": {"refuse"}, "folder": {"/inbox"}, "back": {"/"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Errorf("%s to %q", resp.Status, resp.Header.Get("Location"))
	}
	resp, text := s.post("/deletions", url.Values{"do": {"release"}, "folder": {"/inbox"}}, "X-CSRF-Token", s.token())
	if resp.StatusCode != http.StatusOK || text != "3 pictures will be deleted at the hosts." {
		t.Errorf("%s: %s", resp.Status, text)
	}
	s.post("/deletions", url.Values{"do": {"retry"}, "id": {"7"}})
	if want := []string{"refuse[]/inbox", "release[]/inbox", "retry[7]"}; !slices.Equal(s.desk.acted, want) {
		t.Errorf("asked for %q", s.desk.acted)
	}
	for _, form := range []url.Values{{"do": {"release"}}, {"do": {"drop"}, "folder": {"/"}}, {"folder": {"/"}}, {"do": {"retry"}, "id": {"x"}}, {"do": {"retry"}, "id": {"-1"}}} {
		if resp, _ := s.post("/deletions", form); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %s", form, resp.Status)
		}
	}
	s.desk.me = operate.Person{Name: "ann", Rights: "read"}
	if resp, _ := s.post("/deletions", url.Values{"do": {"release"}, "folder": {"/"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a reader: %s", resp.Status)
	}
	if text := s.get("/deletions"); strings.Contains(text, `name="do"`) || !strings.Contains(text, "Needs your answer") {
		t.Error("a reader is shown buttons, or no brake")
	}
	s.desk.me.Rights = "drop"
	if resp, _ := s.do(http.MethodGet, "/deletions", nil); resp.StatusCode != http.StatusForbidden {
		t.Errorf("one who drops: %s", resp.Status)
	}
	if len(s.desk.acted) != 3 {
		t.Errorf("asked for %q", s.desk.acted)
	}
}
