package cli_test

import (
	"strings"
	"testing"

	"slipway/gateway/operate"
)

// some deletions, the newest first.
func some() []operate.Deletion {
	return []operate.Deletion{
		{ID: 9, Path: "/a/\x1b[2J.jpg", Destination: "anh", Why: "removed", State: "paused", Created: noon, Changed: noon, URL: "https://anh.im/9.jpg"},
		{ID: 8, Path: "/a/x.jpg", Destination: "anh", Why: "replaced", State: "waiting", Due: noon, Created: noon, Changed: noon, URL: "https://anh.im/8.jpg"},
		{ID: 3, Path: "/b.jpg", Destination: "anh", Why: "removed", State: "failed", Created: noon, Changed: noon, URL: "https://anh.im/3.jpg", Error: "no\tluck", Remedy: "Wait."},
	}
}

func TestQueueDeletions(t *testing.T) {
	w := newWorld()
	w.destinations = []operate.Destination{{Name: "anh"}}
	w.deletions = some()
	w.brakes = []operate.Brake{{Folder: "/a b/it's", Since: noon, Waiting: 21}, {Folder: "/c", Waiting: 1}}
	gap := strings.Repeat(" ", len(at(noon))-1)
	w.shows(t, "queue deletions", 0, ""+
		"ID  STATE    WHY       DESTINATION  DUE"+gap[2:]+"  CHANGED"+gap[6:]+"  PATH         PICTURE\n"+
		"9   paused   removed   anh          -"+gap+"  "+at(noon)+"  /a/?[2J.jpg  https://anh.im/9.jpg\n"+
		"8   waiting  replaced  anh          "+at(noon)+"  "+at(noon)+"  /a/x.jpg     https://anh.im/8.jpg\n"+
		"3   failed   removed   anh          -"+gap+"  "+at(noon)+"  /b.jpg       no?luck Wait.\n", ""+
		"So many files were removed in /a b/it's at once that 21 deletions wait at the hosts for your answer: `slipway queue release --path '/a b/it'\\''s'` deletes the pictures there, `slipway queue refuse --path '/a b/it'\\''s'` keeps them.\n"+
		"So many files were removed in /c at once that 1 deletion waits at the hosts for your answer: `slipway queue release --path /c` deletes the pictures there, `slipway queue refuse --path /c` keeps them.\n")
	w.asks(t, "deletions {States:[] Destination: Path: After:0 Limit:500}", "deletions {States:[] Destination: Path: After:8 Limit:500}")
	if _, out, _ := w.run(t.Context(), "queue", "deletions", "--json", "--limit", "2", "--state", "paused,waiting", "--path", "a/"); strings.Count(out, "\n") != 2 ||
		!strings.HasPrefix(out, `{"id":9,"path":"/a/\u001b[2J.jpg","destination":"anh","why":"removed","state":"paused","created":"2026-`) {
		t.Errorf("%s", out)
	}
	w.shows(t, "queue deletions --state done", 2, "", `slipway: there is no state "done"; known here: deleted, deleting, failed, kept, paused, waiting`+"\n")
	w.shows(t, "queue deletions --path=", 2, "", "slipway: --path is empty\n")
	w.shows(t, "queue deletions --limit -1", 2, "", "slipway: --limit is negative\n")
	w.deletions, w.brakes = nil, nil
	w.shows(t, "queue deletions", 0, "", "There are no such deletions.\n")
	w.shows(t, "queue deletions --json", 0, "", "")
}

func TestQueueAnswers(t *testing.T) {
	w := newWorld()
	w.destinations = []operate.Destination{{Name: "anh"}}
	w.answered = 21
	w.shows(t, "queue refuse --path /a", 0, "21 pictures will be kept at the hosts.\n", "")
	w.shows(t, "queue release --path /a", 0, "0 uploads released.\n21 pictures will be deleted at the hosts.\n", "")
	w.shows(t, "queue retry --path /a --destination anh", 0, "0 uploads will be tried again now.\n21 pictures will be tried again to be deleted at the hosts.\n", "")
	w.asks(t, "answer {Verb:refuse IDs:[] Path:/a Destination:}",
		"release [] {States:[] Destination: Path:/a Limit:0}", "answer {Verb:release IDs:[] Path:/a Destination:}",
		"destinations", "retry [] {States:[] Destination:anh Path:/a Limit:0}", "answer {Verb:retry IDs:[] Path:/a Destination:anh}")
	w.asked = nil
	for _, command := range []string{"queue release --all", "queue release 7", "queue release --path /a --state held", "queue hold --path /a", "queue drop --path /a", "queue release --path /a --json"} {
		w.run(t.Context(), strings.Fields(command)...)
	}
	if answers := strings.Count(strings.Join(w.asked, "\n"), "answer "); answers != 1 { // of the last
		t.Errorf("%d answers: %q", answers, w.asked)
	}
	w.answered = 1
	w.shows(t, "queue refuse 3 4", 1, "1 picture will be kept at the hosts.\n", "slipway: 1 of them is not waiting for deletion; `slipway queue deletions` shows how they stand\n")
	w.shows(t, "queue refuse", 2, "", "slipway: say which deletions: their ids, or --path, --destination, or --all\n")
}
