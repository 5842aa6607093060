package cli_test

import (
	"strings"
	"testing"

	"slipway/gateway/operate"
)

func TestLs(t *testing.T) {
	w := newWorld()
	at1 := func(dest, state, url string, present bool) operate.Upload {
		return operate.Upload{ID: 5, Destination: dest, State: state, URL: url, Present: present, SHA256: "x"}
	}
	w.entries = map[string][]operate.Entry{
		"/": {{ID: 2, Path: "/inbox", Dir: true, Modified: noon}},
		"/a b": {
			{ID: 3, Path: "/a b/x.jpg", Size: 2048, Modified: noon, Uploads: []operate.Upload{at1("anh", "superseded", "https://old", false), at1("anh", "done", "https://anh.im/x", true), at1("home", "failed", "", true)}},
			{ID: 4, Path: "/a b/y\n.txt", Size: 3, Modified: noon},
		},
	}
	when := at(noon)
	w.shows(t, "ls", 0, "STATE  NAME    URL\n-      inbox/  -\n", "")
	w.entries["/"] = w.entries["/a b"]
	w.shows(t, "ls /", 0, "STATE   NAME    URL\nfailed  x.jpg   https://anh.im/x\n-       y?.txt  -\n", "")
	w.shows(t, "ls -l", 0, ""+
		"SIZE     MODIFIED"+strings.Repeat(" ", len(when)-8)+"  STATE   DESTINATION  UPLOAD  NAME    URL\n"+
		"2.0 KiB  "+when+"  done    anh          5       x.jpg   https://anh.im/x\n"+
		"2.0 KiB  "+when+"  failed  home         5       x.jpg   -\n"+
		"3 B      "+when+"  -       -            -       y?.txt  -\n", "")
	w.entries["/"] = w.entries["/"][1:]
	w.shows(t, "ls --json", 0, `{"id":4,"path":"/a b/y\n.txt","dir":false,"size":3,"modified":"2026-05-06T12:00:00.000000999Z","destination":"","state":"","reason":"","attempts":0,"due":null,"url":"","error":"","uploads":[]}`+"\n", "")
	w.entries["/"] = w.entries["/a b"][:1]
	_, out, _ := w.run(t.Context(), "ls", "--json")
	for _, part := range []string{`"id":3,`, `999Z","destination":"home","state":"failed",`, `"url":"https://anh.im/x","error":"","uploads":[{"id":5,`, `"state":"superseded"`, "\n"} {
		if strings.Count(out, part) != 1 {
			t.Errorf("ls --json has not one %s: %s", part, out)
		}
	}
	w.shows(t, "ls /nowhere", 1, "", "slipway: nothing is at /nowhere\n")
	if code, _, err := w.run(t.Context(), "ls", "a b/"); code != 0 {
		t.Error(err)
	}
}

func TestExplain(t *testing.T) {
	w := newWorld()
	u := operate.Upload{ID: 9, State: "settling", Reason: "backoff", Attempts: 1, Error: "timed out", Remedy: "wait or look there"}
	held := operate.Upload{ID: 7, State: "held", Reason: "strip", Error: "It has a place.", Remedy: "Take it out."}
	done := operate.Upload{ID: 8, State: "done", Attempts: 2, URL: "https://x"}
	w.explanation = operate.Explanation{
		Path: "/holiday/a.jpg", Entry: &operate.Entry{Size: 1000, Modified: noon}, Route: 2, Pattern: "/holiday/{rest...}", Captures: map[string]string{"rest": "a.jpg", "a": "b"},
		Takes: []operate.Taker{
			{Destination: "anh", Owed: true, Keys: map[string]string{"title": "a", "album_id": "Z"}, Upload: &u, Waiting: "The next try is soon."},
			{Destination: "home", Owed: true, Upload: &done},
			{Destination: "cms", Why: "it takes no such type"},
			{Destination: "new", Owed: true, Held: "no album", Remedy: "name one."},
			{Destination: "old", Owed: true, Upload: &held, Waiting: "It is held until somebody decides: It has a place."},
		},
	}
	w.shows(t, "explain holiday/a.jpg", 0, "/holiday/a.jpg: a file of 1.0 KiB, changed "+at(noon)+`.
Route 2 takes it: /holiday/{rest...}
  with a = b
  with rest = a.jpg

anh: is sent there.
  album_id = Z
  title = a
  upload 9: settling (backoff), 1 attempt
  Timed out. Wait or look there.
  The next try is soon.

home: is sent there.
  upload 8: done, 2 attempts
  https://x

cms: is not sent there: it takes no such type

new: would be held: no album. Name one.

old: is sent there.
  upload 7: held (strip), 0 attempts
  It has a place. Take it out.
  It is held until somebody decides.
`, "")
	w.explanation = operate.Explanation{Path: "/x", Why: "no route matches this path", Refused: "no route"}
	w.shows(t, "explain /x", 0, "/x: nothing is there yet.\nNo route matches it.\nSuch a file is refused: no route\nNothing is sent: no route matches this path\n", "")
	w.shows(t, "explain /x --json", 0, `{"path":"/x","route":0,"refused":"no route","why":"no route matches this path"}`+"\n", "")
	w.explanation = operate.Explanation{Path: "/d", Entry: &operate.Entry{Dir: true}}
	w.shows(t, "explain /d", 0, "/d: a folder.\nNo route matches it.\n", "")
	w.asks(t, "explain file a.jpg", "explain /holiday/a.jpg", "explain file x", "explain /x", "explain file x", "explain /x", "explain file d", "explain /d")
	if code, _, err := w.run(t.Context(), "explain", ""); code != 2 || err != "slipway: the path is empty\n" {
		t.Errorf("%d, %s", code, err)
	}
}
