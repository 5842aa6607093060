package cli_test

import (
	"strings"
	"testing"

	"slipway/gateway/operate"
)

func someLinks() []operate.ListedLink {
	return []operate.ListedLink{
		{Link: operate.Link{URL: "https://a/x\x1b[2J", State: "settling", Error: "it did not answer", Remedy: "Wait.", NextTry: noon}, Path: "/in/\x1b[2Ja.url", Entry: 3, Tries: 2, Changed: noon},
		{Link: operate.Link{URL: "https://a/y", State: "settling", Fetching: true, NextTry: noon}, Path: "/in/a.txt", Entry: 4, Changed: noon},
		{Link: operate.Link{URL: "https://a/z", State: "done", Picture: "z.jpg"}, Path: "/in/a.txt", Entry: 4, Changed: noon},
		{Link: operate.Link{State: "failed", Error: "it is empty"}, Path: "/in/b.url", Entry: 5, Tries: 1, Changed: noon},
	}
}

// TestQueueLinks: all pages, in words for people and in JSON, and no more than wanted.
func TestQueueLinks(t *testing.T) {
	w := newWorld()
	w.links = someLinks()
	gap := strings.Repeat(" ", len(at(noon)))
	w.shows(t, "queue links", 0, ""+
		"STATE     TRIES  NEXT TRY"+gap[8:]+"  CHANGED"+gap[7:]+"  FILE           LINK             RESULT\n"+
		"settling  2      "+at(noon)+"  "+at(noon)+"  /in/?[2Ja.url  https://a/x?[2J  it did not answer. Wait.\n"+
		"fetching  0      "+at(noon)+"  "+at(noon)+"  /in/a.txt      https://a/y      -\n"+
		"done      0      -"+gap[1:]+"  "+at(noon)+"  /in/a.txt      https://a/z      z.jpg\n"+
		"failed    1      -"+gap[1:]+"  "+at(noon)+"  /in/b.url      -                it is empty\n", "")
	w.shows(t, "queue links --limit 1 --state settling,failed --path in --json", 0,
		`{"url":"https://a/x\u001b[2J","state":"settling","error":"it did not answer","remedy":"Wait.","next_try":"2026-05-06T12:00:00.000000999Z","path":"/in/\u001b[2Ja.url","entry":3,"tries":2,"changed":"2026-05-06T12:00:00.000000999Z"}`+"\n"+
			"", "")
	w.links = nil
	w.shows(t, "queue links", 0, "", "There are no such links.\n")
	w.shows(t, "queue links --state dropped", 2, "", "slipway: there is no state \"dropped\"; known here: done, failed, settling, skipped\n")
	w.shows(t, "queue links --limit -1", 2, "", "slipway: --limit is negative\n")
	w.asks(t, "links {States:[] Path: After: Limit:500}", "links {States:[] Path: After:2 Limit:500}",
		"links {States:[settling failed] Path:/in After: Limit:1}", "links {States:[] Path: After: Limit:500}")
}

// TestQueueSaysLinks: beside a list of all uploads it is said that there are links, and
// with what is below a path they are tried again.
func TestQueueSaysLinks(t *testing.T) {
	w := newWorld()
	w.destinations = []operate.Destination{{Name: "anh"}}
	w.links, w.relinked = someLinks(), 1
	_, _, said := w.run(t.Context(), "queue", "list", "--path", "/in")
	if !strings.Contains(said, "`slipway queue links`") {
		t.Error(said)
	}
	for _, quiet := range []string{"queue list --json", "queue list --state held", "queue list --destination anh"} {
		if _, _, said := w.run(t.Context(), strings.Fields(quiet)...); strings.Contains(said, "links") {
			t.Errorf("%s: %s", quiet, said)
		}
	}
	w.asked = nil
	w.shows(t, "queue retry --path /in", 0, "0 uploads will be tried again now.\n1 link will be fetched again.\n", "")
	for _, none := range []string{"queue retry --path /in --state failed", "queue retry --path /in --destination anh", "queue retry --all", "queue release --path /in"} {
		if _, out, _ := w.run(t.Context(), strings.Fields(none)...); strings.Contains(out, "link") {
			t.Errorf("%s: %s", none, out)
		}
	}
	if n := strings.Count(strings.Join(w.asked, "\n"), "retry links /in"); n != 1 {
		t.Errorf("%q", w.asked)
	}
	w.explanation = operate.Explanation{Path: "/in/a.url", Entry: &operate.Entry{}, Links: []operate.Link{{URL: "https://a/y", State: "settling", Fetching: true}}}
	if _, out, _ := w.run(t.Context(), "explain", "/in/a.url"); !strings.Contains(out, "https://a/y: is being fetched now\n") {
		t.Error(out)
	}
}
