package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slipway/gateway/cli"
	"slipway/gateway/operate"
)

func TestReplay(t *testing.T) {
	files := func(n int) operate.Amount { return operate.Amount{Files: n, Bytes: int64(n) * 1024} }
	file := func(step, why string) operate.Replay {
		return operate.Replay{File: &operate.ReplayedFile{Path: "/in/a.jpg", Destination: "anh", Step: step, Why: why, Size: 2048}}
	}
	end := func(s operate.ReplaySummary) operate.Replay { return operate.Replay{Summary: &s} }
	for _, c := range []struct {
		command  string
		replays  []operate.Replay
		code     int
		out, err string
	}{
		{"replay /in --to anh", []operate.Replay{end(operate.ReplaySummary{})}, 0, "/in to anh: there are no files\n", ""},
		{"replay in --to anh", []operate.Replay{file("owe", ""), file("skip", "it is empty"), end(operate.ReplaySummary{Owed: files(1), Skipped: files(1), There: files(2)})}, 0,
			"skip  /in/a.jpg: it is empty\n/in to anh: 1 owed (1.0 KiB), 2 there already, 1 skipped\n", "Nothing is sent before a gateway runs (slipway serve), or with --wait.\n"},
		{"replay /in --to anh --dry-run", []operate.Replay{file("owe", ""), end(operate.ReplaySummary{Owed: files(1)})}, 0,
			"owe   /in/a.jpg (2.0 KiB)\n/in to anh: 1 to be owed (1.0 KiB)\n", ""},
		{"replay /in --to anh --wait", []operate.Replay{file("unsent", "failed: too large"), end(operate.ReplaySummary{Waiting: files(3), Kept: files(1), Other: files(1), Unsent: 1, Problem: "The key is wrong."})}, 1,
			"/in to anh: 3 on their way already, 1 held by hand or without a certain end, 1 that did not fail, 1 not sent\n",
			"slipway: /in/a.jpg: anh: failed: too large\nanh takes nothing now: The key is wrong.\n"},
		{"replay /in --to anh --dry-run --only all", []operate.Replay{end(operate.ReplaySummary{Changed: files(2)})}, 3, "/in to anh: 2 changed meanwhile\n", "2 files changed meanwhile; run this again.\n"},
		{"replay /in --to anh --json --only failed", []operate.Replay{file("owe", "")}, 0, `{"file":{"path":"/in/a.jpg","destination":"anh","step":"owe","size":2048}}` + "\n", ""},
	} {
		w := newWorld()
		w.replays = c.replays
		w.shows(t, c.command, c.code, c.out, c.err)
	}
	w := newWorld()
	w.late = true
	w.shows(t, "replay /in --to anh --wait --timeout 20ms", 3, "", "slipway: not all was sent in time; the rest goes on by itself while a gateway runs, or with the next run\n")
	w.asks(t, `replay {Path:/in To:anh Only: DryRun:false Wait:true}`)
	for newer, want := range map[int]string{1: "1 newer one goes before it", 37: "37 newer ones go before it", 1000: "1000 or more newer ones go before it"} {
		busy := newWorld()
		busy.late, busy.replays = true, []operate.Replay{{Progress: &operate.ReplayProgress{Waiting: 9, Newer: newer}}}
		busy.shows(t, "replay /in --to anh --wait --timeout 20ms", 3, "", "slipway: not all was sent in time; the rest goes on by itself while a gateway runs, or with the next run; "+want+"\n")
	}
	if len(w.opened) != 1 || !strings.HasSuffix(w.opened[0], fmt.Sprint(cli.NeedUploads)) {
		t.Error(w.opened)
	}
	for _, wrong := range []string{"replay", "replay /in", "replay a b --to anh", "replay /in --to anh --only=", "replay /in --to anh --wait --dry-run", "replay /in --to anh --wait --timeout 0s", "replay /in --to anh --timeout 5s"} {
		if code, _, _ := w.run(t.Context(), strings.Fields(wrong)...); code != 2 {
			t.Errorf("%s ends with %d, want 2", wrong, code)
		}
	}
}

func TestMap(t *testing.T) {
	w := newWorld()
	w.mapped = []operate.Mapped{{Path: "/a.jpg", From: "https://o/a", To: "https://n/a"}, {Path: "/=b.jpg", From: "https://o/b", To: "https://n/b"}}
	w.shows(t, "map / --from old --to new", 0, "path,from,to\r\n/a.jpg,https://o/a,https://n/a\r\n/=b.jpg,https://o/b,https://n/b\r\n", "")
	w.shows(t, "map / --from old --to new --format json --kind viewer --previous", 0, `{"path":"/a.jpg","from":"https://o/a","to":"https://n/a"}`+"\n"+`{"path":"/=b.jpg","from":"https://o/b","to":"https://n/b"}`+"\n", "")
	w.asks(t, "map {Path:/ From:old To:new Kind:url Previous:false}", "map {Path:/ From:old To:new Kind:viewer Previous:true}")
	for _, wrong := range []string{"map", "map /", "map / --from a", "map / --from a --to b --format x", "map / --from a --to b --output="} {
		if code, _, _ := w.run(t.Context(), strings.Fields(wrong)...); code != 2 {
			t.Errorf("%s ends with %d, want 2", wrong, code)
		}
	}
	// Into a file: whole or not at all, and also where some are missing.
	dir := t.TempDir()
	file := filepath.Join(dir, "map.csv")
	if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.err = operate.Errorf(operate.Usage, "broken")
	w.shows(t, "map / --from old --to new --output "+file, 2, "", "slipway: broken\n")
	holds := func(want string) {
		t.Helper()
		text, err := os.ReadFile(file)
		entries, _ := os.ReadDir(dir)
		if err != nil || string(text) != want || len(entries) != 1 {
			t.Errorf("%q, %v; %v", text, err, entries)
		}
	}
	holds("before")
	w.err = nil
	w.mapped[1].To, w.mapped[1].Missing = "", "it is on its way to new"
	w.shows(t, "map / --from old --to new --output "+file, 3, "",
		"/=b.jpg: it is on its way to new\nslipway: 1 old URL has no new one yet; `slipway replay / --to new --wait` sends what is not at new\n")
	holds("path,from,to\r\n/a.jpg,https://o/a,https://n/a\r\n")
}
