package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"slipway/gateway/operate"
)

// three uploads: at its host, waiting for the next try, and held.
func three() []operate.Upload {
	return []operate.Upload{
		{ID: 1, Path: "/a/x.jpg", Destination: "anh", State: "done", Attempts: 1, URL: "https://anh.im/x.jpg", SHA256: "ab", Present: true},
		{ID: 20, Path: "/a/\x1b[2J\n.jpg", Destination: "home", State: "settling", Reason: "backoff", Attempts: 3, Due: noon, Error: "the host\ttimed out", Remedy: "Wait.", SHA256: "cd", Present: true},
		{ID: 21, Path: "/b.jpg", Destination: "cms", State: "held", Reason: "no-album", Error: "no album <x>", Refused: "upload 21 is held", SHA256: "ef"},
	}
}

const (
	oneJSON   = `{"id":1,"path":"/a/x.jpg","destination":"anh","state":"done","reason":"","attempts":1,"url":"https://anh.im/x.jpg","error":"","size":0,"sha256":"ab","present":true,"due":null}` + "\n"
	twoJSON   = `{"id":20,"path":"/a/\u001b[2J\n.jpg","destination":"home","state":"settling","reason":"backoff","attempts":3,"url":"","error":"the host\ttimed out","remedy":"Wait.","size":0,"sha256":"cd","present":true,"due":"2026-05-06T12:00:00Z"}` + "\n"
	threeJSON = `{"id":21,"path":"/b.jpg","destination":"cms","state":"held","reason":"no-album","attempts":0,"url":"","error":"no album <x>","size":0,"sha256":"ef","present":false,"refused":"upload 21 is held","due":null}` + "\n"
)

func TestQueueList(t *testing.T) {
	w := newWorld()
	w.uploads = three()
	w.destinations = []operate.Destination{{Name: "anh"}, {Name: "home"}}
	gap := strings.Repeat(" ", len(at(noon))-1)
	w.shows(t, "queue list", 0, ""+
		"ID  STATE     REASON    DESTINATION  ATTEMPTS  DUE"+gap[2:]+"  PATH          RESULT\n"+
		"1   done      -         anh          1         -"+gap+"  /a/x.jpg      https://anh.im/x.jpg\n"+
		"20  settling  backoff   home         3         "+at(noon)+"  /a/?[2J?.jpg  the host?timed out\n"+
		"21  held      no-album  cms          0         -"+gap+"  /b.jpg        no album <x>\n", "")
	w.shows(t, "queue list --json", 0, oneJSON+twoJSON+threeJSON, "")
	w.shows(t, "queue list --state held,failed --state done --destination anh --path a/../b/ --limit 5 --json", 0, oneJSON+twoJSON+threeJSON, "")
	w.shows(t, "queue list --destination amh", 2, "", "slipway: there is no destination \"amh\"; did you mean \"anh\"?\n")
	w.uploads = nil
	w.shows(t, "queue list", 0, "", "There are no such uploads.\n")
	w.shows(t, "queue list --json", 0, "", "")
	const links = "links {States:[settling failed] Path: After: Limit:1}"
	w.asks(t, "uploads {States:[] Destination: Path: Limit:0}", links, "uploads {States:[] Destination: Path: Limit:0}",
		"destinations", "uploads {States:[held failed done] Destination:anh Path:/b Limit:5}", "destinations",
		"uploads {States:[] Destination: Path: Limit:0}", links, "uploads {States:[] Destination: Path: Limit:0}")
}

func TestLongListsComeInBlocks(t *testing.T) {
	w := newWorld()
	for i := range 1200 {
		w.uploads = append(w.uploads, operate.Upload{ID: int64(i)})
	}
	_, out, _ := w.run(t.Context(), "queue", "list")
	if n := strings.Count(out, "\n"); n != 1201 || strings.Count(out, "ID ") != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestQueueVerbs(t *testing.T) {
	for verb, did := range map[string]string{"retry": "will be tried again now", "hold": "held", "release": "released", "drop": "dropped; no file was deleted"} {
		w := newWorld()
		w.destinations = []operate.Destination{{Name: "anh"}}
		w.uploads = three()[:2]
		w.shows(t, "queue "+verb+" 1 20", 0, "2 uploads "+did+".\n", "")
		w.shows(t, "queue "+verb+" 1 20 --json", 0, oneJSON+twoJSON, "")
		w.shows(t, "queue "+verb+" 1 20 99", 1, "2 uploads "+did+".\n", "slipway: upload 99: there is no such upload\n")
		w.uploads = three()
		w.shows(t, "queue "+verb+" 1 20 21", 1, "2 uploads "+did+".\n", "slipway: upload 21 is held\n")
		w.shows(t, "queue "+verb+" --all", 0, "2 uploads "+did+". It does not apply to 1 more.\n", "")
		w.shows(t, "queue "+verb+" --path /a --state held --destination anh --json", 0, oneJSON+twoJSON+threeJSON, "")
		w.shows(t, "queue "+verb+" --destination x", 2, "", "slipway: there is no destination \"x\"; known here: anh\n")
		w.uploads[2].Refused = "it is done"
		w.shows(t, "queue "+verb+" 1 20 21", 1, "2 uploads "+did+".\n", "slipway: upload 21: it is done\n")
		w.uploads = w.uploads[:1]
		w.shows(t, "queue "+verb+" 1", 0, "1 upload "+did+".\n", "")
		none := " {States:[] Destination: Path: Limit:0}"
		w.asks(t, verb+" [1 20]"+none, verb+" [1 20]"+none, verb+" [1 20 99]"+none, verb+" [1 20 21]"+none, verb+" []"+none,
			"destinations", verb+" [] {States:[held] Destination:anh Path:/a Limit:0}", "destinations", verb+" [1 20 21]"+none, verb+" [1]"+none)
	}
}

func TestPauseAndResume(t *testing.T) {
	w := newWorld()
	w.destinations = []operate.Destination{{Name: "anh"}, {Name: "home"}}
	w.shows(t, "queue pause anh", 0, "anh: paused.\n", "")
	w.shows(t, "queue resume home", 0, "home: resumed.\n", "")
	w.shows(t, "queue pause ahn", 2, "", "slipway: there is no destination \"ahn\"; did you mean \"anh\"?\n")
	if code, _, err := w.run(t.Context(), "queue", "pause", ""); code != 2 || err != "slipway: the name of the destination is empty\n" {
		t.Errorf("%d, %s", code, err)
	}
	w.asks(t, "destinations", "pause anh", "destinations", "resume home", "destinations")
}

func TestDestinations(t *testing.T) {
	w := newWorld()
	w.destinations = []operate.Destination{
		{Name: "anh", Driver: "chevereto", Host: "anh.im", Configured: true, Paused: true, Since: noon, Probe: noon, Error: "the key was refused.", Remedy: "Put in a new one.", Counts: map[string]int{"done": 3, "settling": 2}},
		{Name: "home", Driver: "local", Host: "local", Configured: true},
		{Name: "old", Counts: map[string]int{"failed": 1}},
	}
	gap := strings.Repeat(" ", len(at(noon))-1)
	w.shows(t, "destinations", 0, ""+
		"DESTINATION  DRIVER     HOST    STATE           SINCE"+gap[4:]+"  NEXT TRY"+gap[7:]+"  UPLOADS\n"+
		"anh          chevereto  anh.im  paused          "+at(noon)+"  "+at(noon)+"  2 settling, 3 done\n"+
		"home         local      local   ready           -"+gap+"  -"+gap+"  -\n"+
		"old          -          -       not configured  -"+gap+"  -"+gap+"  1 failed\n"+
		"anh: the key was refused. Put in a new one.\n", "")
	w.destinations = w.destinations[1:2]
	w.shows(t, "destinations --json", 0, `{"name":"home","driver":"local","host":"local","configured":true,"paused":false,"counts":null}`+"\n", "")
}

func TestCompletion(t *testing.T) {
	w := newWorld()
	w.destinations = []operate.Destination{{Name: "home"}, {Name: "anh"}}
	for command, want := range map[string]string{
		"queue pause|":                              "anh\nhome\n:4\n",
		"queue pause anh|":                          ":4\n",
		"queue list --destination|":                 "anh\nhome\n:4\n",
		"queue drop --destination|":                 "anh\nhome\n:4\n",
		"queue list --state|":                       strings.Join(operate.States, "\n") + "\n:4\n",
		"user add guest --rights|":                  "full\ndrop\nread\n:4\n",
		"help queue|":                               "deletions\ndrop\nhold\nlinks\nlist\npause\nrefuse\nrelease\nresume\nretry\n:4\n",
		"queue list --config x.toml --destination|": "anh\nhome\n:4\n",
	} {
		w.opened = nil
		args := append([]string{"__complete"}, strings.Fields(strings.TrimSuffix(command, "|"))...)
		code, out, _ := w.run(t.Context(), append(args, "")...)
		if code != 0 || out != want {
			t.Errorf("%s: %d\n%s", command, code, out)
		}
		if want := fmt.Sprint("x.toml ", 2); strings.Contains(command, "x.toml") && (len(w.opened) != 1 || w.opened[0] != want) {
			t.Errorf("%s opened %v", command, w.opened)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, err := w.run(t.Context(), "completion", shell); code != 0 || len(out) < 1000 || err != "" {
			t.Errorf("%s: %d, %d bytes, %s", shell, code, len(out), err)
		}
	}
	if code, _, err := w.run(t.Context(), "completion", "tcsh"); code != 2 || !strings.Contains(err, "known here: bash, fish, powershell, zsh") {
		t.Errorf("tcsh: %d, %s", code, err)
	}
}
