package cli_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"slipway/gateway/cli"
	"slipway/gateway/control"
	"slipway/gateway/operate"
)

func TestWatches(t *testing.T) {
	w := newWorld()
	w.shows(t, "watch", 0, "", "No folder is watched. Add one to the configuration, as [[watch]].\n")
	w.fake.watches = []operate.Watch{
		{Folder: "/a", Into: "/in", Mode: "events", Files: 12, Known: map[string]int{"taken": 9}, Waiting: operate.Amount{Files: 2}, Scanned: noon},
		{Folder: "/b", Into: "/in/b", Mode: "polling", Why: "it is on a network file system", Failed: operate.Amount{Files: 1}, Refused: operate.Amount{Files: 1}, Braked: true,
			Troubles: []operate.WatchTrouble{{Path: "x.jpg", Error: "it cannot be read", Next: noon}, {Path: "y.exe", Error: "no route takes it"}}},
		{Folder: "/c", Into: "/c", Files: 8, Known: map[string]int{"taken": 7, "gone": 2}, Problem: "it is not there"},
		{Folder: "/d e", Into: "/d", Mode: "events", Problem: "3 files are missing", Asks: true},
	}
	w.shows(t, "watch", 0, "FOLDER  INTO   MODE     FILES  TAKEN  WAITING  FAILED  SCANNED\n"+
		"/a      /in    events   12     9      2        0       "+at(noon)+"\n"+
		"/b      /in/b  polling  0      0      0        2       -\n"+
		"/c      /c     off      8      7      0        0       -\n"+
		"/d e    /d     events   0      0      0        0       -\n"+
		"/b: looked at every so often: it is on a network file system\n"+
		"/b: many files were deleted at once, and nothing follows from it. If they were meant to go: slipway watch --release --folder /b\n"+
		"/b: x.jpg: it cannot be read; tried again at "+at(noon)+"\n/b: y.exe: no route takes it\n"+
		"/c: it is not there\n"+
		"/d e: 3 files are missing\n/d e: what is missing there waits for your answer. If all is right as it is, and stays so: slipway watch --release --folder '/d e'\n", "")
	w.shows(t, "watch --folder /a --json", 0, `{"folder":"/a","into":"/in","mode":"events","scanned":"`+noon.Format(time.RFC3339Nano)+
		`","took":0,"directories":0,"files":12,"known":{"taken":9},"waiting":{"files":2,"bytes":0},"failed":{"files":0,"bytes":0},"refused":{"files":0,"bytes":0},"empty":0}`+"\n", "")
	w.shows(t, "watch --folder /none", 2, "", "slipway: /none is not watched\n")
	w.asked = nil
	for folder, says := range map[string]string{
		"/a": "/a: nothing waited for your answer.\n", "/b": "/b: released; it goes on as if all were right there.\n",
		"/c": "/c: nothing waited for your answer. This is in its way, and stays so: it is not there\n",
	} {
		w.shows(t, "watch --release --folder "+folder, 0, says, "")
		w.asks(t, "watches", "release "+folder)
		w.asked = nil
	}
	for _, wrong := range []string{"watch --release", "watch --release --once --folder /a", "watch --dry-run", "watch --once --timeout 0s", "watch x"} {
		if code, _, _ := w.run(t.Context(), strings.Fields(wrong)...); code != 2 {
			t.Errorf("%s ends with %d, want 2", wrong, code)
		}
	}
}

func TestStatusOfWatches(t *testing.T) {
	w := newWorld()
	w.status = operate.Status{Serving: true, Started: noon, Watches: []operate.Watch{
		{Folder: "/a", Into: "/in", Mode: "events", Files: 1, Failed: operate.Amount{Files: 3}}, {Folder: "/b", Into: "/b", Mode: "polling", Problem: "it is not there"}}}
	_, out, _ := w.run(t.Context(), "status")
	for _, want := range []string{"/a → /in (events, 1 file), 3 not taken\n", "/b → /b (polling, 0 files): it is not there\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("status says %s, without %s", out, want)
		}
	}
}

// through is the end of an import of a folder.
func through(s operate.ImportSummary) operate.Import {
	return operate.Import{Folder: "/a", Summary: &s}
}

// did is one file of an import.
func did(step, path, why string) operate.Import {
	return operate.Import{Folder: "/a", File: &operate.ImportedFile{Path: path, To: "/in/" + path, Step: step, Why: why, Size: 2000}}
}

func TestImport(t *testing.T) {
	files := func(n int) operate.Amount { return operate.Amount{Files: n, Bytes: int64(n) * 1000} }
	for _, c := range []struct {
		name           string
		imports        []operate.Import
		code           int
		stdout, stderr string
	}{
		{"nothing", []operate.Import{through(operate.ImportSummary{})}, 0, "/a: nothing is there\n", ""},
		{"all well", []operate.Import{
			{Folder: "/a", Progress: &operate.ImportProgress{Found: files(3)}}, did("take", "b/x.jpg", ""), did("same", "y.jpg", ""),
			through(operate.ImportSummary{Taken: files(1), Same: files(2), Moved: files(1), Empty: 1}),
		}, 0, "/a: 1 taken (1.0 KiB), 1 renamed, 2 known already, 1 empty\n", ""},
		{"refused", []operate.Import{did("refuse", "x.exe", "no route takes it"), through(operate.ImportSummary{Refused: files(1)})}, 1,
			"/a: 1 refused\n", "slipway: /a/x.exe: no route takes it\n"},
		{"failed", []operate.Import{did("fail", "x.jpg", "permission denied"), through(operate.ImportSummary{Failed: files(1)})}, 1,
			"/a: 1 failed\n", "slipway: /a/x.jpg: permission denied\n"},
		{"not sent", []operate.Import{did("take", "x.jpg", ""), did("unsent", "x.jpg", "anh: failed: too large"), through(operate.ImportSummary{Taken: files(1), Unsent: 1})}, 1,
			"/a: 1 taken (1.0 KiB), 1 not sent\n", "slipway: /a/x.jpg: anh: failed: too large\n"},
		{"still changing", []operate.Import{through(operate.ImportSummary{Waiting: files(2)})}, 3, "/a: 2 still changing\n", ""},
		{"not there", []operate.Import{through(operate.ImportSummary{Problem: "it is not there; is it mounted?"})}, 1, "", "slipway: /a: it is not there; is it mounted?\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.imports = c.imports
			w.shows(t, "watch --once", c.code, c.stdout, c.stderr)
			w.asks(t, "import {Folder: DryRun:false}")
		})
	}
}

func TestImportDryRun(t *testing.T) {
	w := newWorld()
	take := did("take", "x.jpg", "")
	take.File.Destinations = []string{"anh", "home"}
	move := did("move", "z.jpg", "")
	move.File.From = "old.jpg"
	w.imports = []operate.Import{take, did("take", "n.txt", "its type is not sent"), move, did("remove", "gone.jpg", "it was deleted"), did("refuse", "x.exe", "no"), did("same", "s.jpg", ""),
		through(operate.ImportSummary{Taken: operate.Amount{Files: 2, Bytes: 4000}})}
	w.shows(t, "watch --once --dry-run --folder /a", 1, `take    /a/x.jpg  →  /in/x.jpg (2.0 KiB, to anh, home)
take    /a/n.txt  →  /in/n.txt (2.0 KiB, kept, and sent nowhere: its type is not sent)
move    old.jpg  →  /in/z.jpg
remove  /in/gone.jpg: it was deleted
refuse  /a/x.exe: no
/a: 2 to be taken (3.9 KiB)
`, "")
	w.asks(t, "import {Folder:/a DryRun:true}")
	if w.opened[0] != "config.toml 0" {
		t.Errorf("a dry run opens %v", w.opened)
	}
}

func TestImportJSON(t *testing.T) {
	w := newWorld()
	w.imports = []operate.Import{{Folder: "/a", Progress: &operate.ImportProgress{}}, did("take", "x.jpg", ""), through(operate.ImportSummary{})}
	code, out, _ := w.run(t.Context(), "watch", "--once", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || !strings.Contains(lines[0], `"step":"take"`) || !strings.Contains(lines[1], `"summary":{`) {
		t.Errorf("%d: %s", code, out)
	}
}

// TestImportLate: what does not end in time is late, and goes on elsewhere.
func TestImportLate(t *testing.T) {
	w := newWorld()
	w.late = true
	w.imports = []operate.Import{did("take", "x.jpg", "")}
	w.shows(t, "watch --once --timeout 50ms", 3, "", "slipway: not finished in time; what is left goes on by itself while a gateway runs, or with the next run\n")
	w.late, w.fake.err = false, errors.New("the disk is full")
	w.shows(t, "watch --once", 1, "", "slipway: the disk is full\n")
}

// TestImportCut: an import in the process of another command that ends goes on in
// one's own.
func TestImportCut(t *testing.T) {
	w := newWorld()
	w.imports = []operate.Import{through(operate.ImportSummary{Same: operate.Amount{Files: 1}})}
	open, tries := w.env.Open, []error{control.ErrCut, control.ErrLocked}
	w.env.Open = func(ctx context.Context, config string, need cli.Need) (operate.Gateway, func() error, error) {
		if len(tries) == 0 {
			return open(ctx, config, need)
		}
		err := tries[0]
		tries = tries[1:]
		return nil, nil, err
	}
	w.shows(t, "watch --once", 0, "/a: 1 known already\n", "")
	if len(tries) > 0 {
		t.Errorf("it was tried without %v", tries)
	}
}

// TestExplainFile: a file of a watched folder is said how it stands there, and then
// what becomes of it.
func TestExplainFile(t *testing.T) {
	w := newWorld()
	w.local = operate.Explanation{Path: "/in/a.jpg", Route: 1, Pattern: "/in/{rest...}", Local: &operate.LocalFile{
		File: "/a/a.jpg", Folder: "/a", State: "settling", Text: "it changed a moment ago", Until: noon, After: "It is deleted here once done."}}
	w.shows(t, "explain /a/a.jpg", 0, "/a/a.jpg: in the watched folder /a: settling.\nIt changed a moment ago.\nIt is deleted here once done.\nThat is until "+at(noon)+
		".\n\n/in/a.jpg: nothing is there yet.\nRoute 1 takes it: /in/{rest...}\n", "")
	w.asks(t, "explain file a.jpg")
	w.fake.err = errors.New("the disk is full")
	w.shows(t, "explain /a/a.jpg", 1, "", "slipway: the disk is full\n")
}

// TestImportTells: a script hears of what was done, not of each file that stayed as it
// was, and a first scan by a gateway shows how far it is.
func TestImportTells(t *testing.T) {
	w := newWorld()
	w.imports = []operate.Import{did("same", "x.jpg", ""), did("take", "y.jpg", ""), through(operate.ImportSummary{})}
	if code, out, _ := w.run(t.Context(), "watch", "--once", "--json"); code != 0 || strings.Contains(out, "same\",") || strings.Count(out, "\n") != 2 {
		t.Errorf("%d: %s", code, out)
	}
	w.fake.watches = []operate.Watch{{Folder: "/a", Into: "/in", Mode: "events", Scanning: true, Taken: operate.Amount{Files: 30}, Same: operate.Amount{Files: 10},
		Total: operate.Amount{Files: 400}, Left: 12 * time.Minute}}
	if _, out, _ := w.run(t.Context(), "watch"); !strings.Contains(out, "events, first scan: 40 of 400 files, about 12m0s left") {
		t.Errorf("watch says %s", out)
	}
}

// TestExplainAside: of what is never sent nothing else is said.
func TestExplainAside(t *testing.T) {
	w := newWorld()
	w.local = operate.Explanation{Path: "/in/pipe", Local: &operate.LocalFile{File: "/a/pipe", Folder: "/a", State: "ignored", Text: "it is never taken", Aside: true}}
	w.shows(t, "explain /a/pipe", 0, "/a/pipe: in the watched folder /a: ignored.\nIt is never taken.\n", "")
}
