package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/gateway/cli"
	"slipway/gateway/control"
	"slipway/gateway/operate"
	"slipway/gateway/strict"
)

func TestWrongCommandLines(t *testing.T) {
	for _, c := range []struct{ command, stderr string }{
		{"lss", "slipway: there is no command \"slipway lss\"; did you mean \"ls\"? (`slipway --help` tells more)\n"},
		{"lss --json", "slipway: there is no command \"slipway lss\"; did you mean \"ls\"? (`slipway --help` tells more)\n"},
		{"queue lst", "slipway: there is no command \"slipway queue lst\"; did you mean \"list\"? (`slipway queue --help` tells more)\n"},
		{"help exit-code", "slipway: there is no command \"slipway exit-code\"; did you mean \"exit-codes\"? (`slipway --help` tells more)\n"},
		{"help queue lst", "slipway: there is no command \"slipway queue lst\"; did you mean \"list\"? (`slipway queue --help` tells more)\n"},
		{"ls --jsn", "slipway: unknown flag: --jsn; did you mean --json?\n"},
		{"ls --confg x", "slipway: unknown flag: --confg; did you mean --config?\n"},
		{"ls --zzzzzzz", "slipway: unknown flag: --zzzzzzz (`slipway ls --help` lists them)\n"},
		{"ls -z", "slipway: unknown shorthand flag: 'z' in -z (`slipway ls --help` tells more)\n"},
		{"ls --config", "slipway: flag needs an argument: --config (`slipway ls --help` tells more)\n"},
		{"put --timeout soon a /", "slipway: invalid argument \"soon\" for \"--timeout\" flag: time: invalid duration \"soon\" (`slipway put --help` tells more)\n"},
		{"put a", "slipway: 1 word given; it is called as: slipway put FILE... PATH [flags]\n"},
		{"serve now", "slipway: 1 word given; it is called as: slipway serve [flags]\n"},
		{"ls a b", "slipway: 2 words given; it is called as: slipway ls [PATH] [flags]\n"},
		{"explain", "slipway: 0 words given; it is called as: slipway explain PATH [flags]\n"},
		{"init a b", "slipway: 2 words given; it is called as: slipway init [DIR] [flags]\n"},
		{"init a --config b", "slipway: give either a folder or --config\n"},
		{"passwd", "slipway: the standard input is no terminal; give the password there with --stdin (user add: --password-stdin)\n"},
		{"queue list --state done,faild", "slipway: there is no state \"faild\"; did you mean \"failed\"?\n"},
		{"queue list --limit -1", "slipway: --limit is negative\n"},
		{"queue drop", "slipway: say which uploads: their ids, or --state, --destination, --path, or --all\n"},
		{"queue drop 1 --all", "slipway: give either ids, or --state, --destination and --path, or --all\n"},
		{"queue drop 1 --path /", "slipway: give either ids, or --state, --destination and --path, or --all\n"},
		{"queue drop --all --state held", "slipway: give either ids, or --state, --destination and --path, or --all\n"},
		{"queue drop x", "slipway: \"x\" is not the id of an upload, which is a number (`slipway queue list` shows them)\n"},
		{"queue drop 0", "slipway: \"0\" is not the id of an upload, which is a number (`slipway queue list` shows them)\n"},
		{"queue drop --destination=", "slipway: --destination is empty\n"},
		{"queue drop --path=", "slipway: --path is empty\n"},
		{"queue drop --state=", "slipway: --state is empty\n"},
		{"queue list --destination=", "slipway: --destination is empty\n"},
		{"queue pause", "slipway: 0 words given; it is called as: slipway queue pause DESTINATION [flags]\n"},
		{"user add", "slipway: 0 words given; it is called as: slipway user add NAME [flags]\n"},
		{"user add x --rights all", "slipway: --rights: \"all\" is none of them: take full, drop or read\n"},
		{"user add x --expires soon", "slipway: --expires: \"soon\" is not how long the account lasts; write it as in 48h or 30d\n"},
		{"user add x --expires 0s", "slipway: --expires: \"0s\" is not how long the account lasts; write it as in 48h or 30d\n"},
		{"user add x --quota lots", "slipway: --quota: \"lots\" is not a size; write it as in 20GB\n"},
		{"user add x:y", "slipway: user \"x:y\": a name holds neither \":\" nor control characters\n"},
	} {
		w := newWorld()
		w.shows(t, c.command, 2, "", c.stderr)
		if len(w.opened) > 0 {
			t.Errorf("%s opened the gateway", c.command)
		}
	}
}

func TestGroupsAloneShowTheirCommands(t *testing.T) {
	for command, holds := range map[string]string{"": "\n  serve ", "queue": "\n  retry ", "user": "\n  add "} {
		code, out, err := newWorld().run(t.Context(), strings.Fields(command)...)
		if code != 2 || out != "" || !strings.Contains(err, holds) || !strings.HasSuffix(err, "slipway: say which command\n") {
			t.Errorf("%q: %d, %q, %q", command, code, out, err)
		}
	}
}

func TestHelp(t *testing.T) {
	for command, holds := range map[string]string{
		"--help":          "\n  exit-codes ",
		"help":            "\n  slipway exit-codes ",
		"help exit-codes": "\n  3  something was not finished in time",
		"help queue drop": "never deletes files",
		"queue --help":    "deletes no file",
		"put -h":          `"-" is the standard input`,
		"help put":        "Ends with 1 where",
	} {
		code, out, err := newWorld().run(t.Context(), strings.Fields(command)...)
		if command == "--help" {
			holds = "exit-codes"
		}
		if code != 0 || err != "" || !strings.Contains(out, holds) {
			t.Errorf("%q: %d, %q, %q", command, code, out, err)
		}
	}
}

func TestErrorsEndWithTheirCode(t *testing.T) {
	mistake := &strict.Error{Place: strict.Place{File: "c.toml", Line: 3}, Text: "no such key"}
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{errors.New("it broke"), 1, "slipway: it broke\n"},
		{fmt.Errorf("no file: %w", fs.ErrNotExist), 1, "slipway: no file: file does not exist\n"},
		{control.ErrNotRunning, 1, "slipway: no gateway runs in this data directory; start one with `slipway serve`\n"},
		{operate.Errorf(operate.Usage, "bad \x1b[2Jquestion"), 2, "slipway: bad ?[2Jquestion\n"},
		{strict.Errors{mistake, mistake}, 2, "slipway: c.toml:3: no such key\nslipway: c.toml:3: no such key\n"},
		{fmt.Errorf("reading: %w", mistake), 2, "slipway: reading: c.toml:3: no such key\n"},
		{fmt.Errorf("%w: really", cli.ErrUsage), 2, "slipway: wrong usage: really\n"},
	} {
		for _, command := range []string{"status", "reload", "queue list", "queue list --json", "queue list --destination x", "queue hold 1", "queue pause x", "queue resume x",
			"destinations", "ls", "ls -l", "ls --json", "explain /x", "put cli_test.go /x"} {
			w := newWorld()
			w.err = c.err
			if command == "put cli_test.go /x" && errors.Is(c.err, fs.ErrNotExist) {
				continue // then it is no folder
			}
			w.shows(t, command, c.code, "", c.text)
			open := newWorld()
			open.env.Open = func(context.Context, string, cli.Need) (operate.Gateway, func() error, error) { return nil, nil, c.err }
			open.shows(t, command, c.code, "", c.text)
		}
		w := newWorld()
		w.env.Serve = func(context.Context, string) error { return c.err }
		w.env.Check = func(context.Context, string, func(cli.CheckLine)) error { return c.err }
		w.shows(t, "serve", c.code, "", c.text)
		w.shows(t, "check", c.code, "", c.text)
	}
}

func TestClosingTheDataDirectoryMayFail(t *testing.T) {
	w := newWorld()
	w.env.Open = func(context.Context, string, cli.Need) (operate.Gateway, func() error, error) {
		return w.fake, func() error { return errors.New("disk full") }, nil
	}
	w.shows(t, "queue pause", 2, "", "slipway: 0 words given; it is called as: slipway queue pause DESTINATION [flags]\n")
	w.shows(t, "reload", 1, "Read again; nothing changed.\n", "slipway: closing the data directory: disk full\n")
}

func TestAnswerThatCannotBeWritten(t *testing.T) {
	for _, command := range []string{"version", "version --json", "queue list", "destinations", "ls --json", "help"} {
		w := newWorld()
		w.uploads = []operate.Upload{{ID: 1}}
		w.destinations = []operate.Destination{{Name: "x"}}
		w.entries = map[string][]operate.Entry{"/": {{Path: "/x"}}}
		var errs strings.Builder
		w.env.Stdout, w.env.Stderr = full{}, &errs
		if code := cli.Run(t.Context(), strings.Fields(command), w.env); code != 1 || !strings.Contains(errs.String(), "disk full") {
			t.Errorf("%s: %d, %s", command, code, &errs)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := newWorld()
	w.err = context.Canceled
	if code, out, err := w.run(ctx, "queue", "list"); code != 1 || out != "" || err != "slipway: interrupted\n" {
		t.Errorf("%d, %q, %q", code, out, err)
	}
	w.env.Serve = func(ctx context.Context, _ string) error { return ctx.Err() }
	if code, out, err := w.run(ctx, "serve"); code != 0 || out+err != "" {
		t.Errorf("serve: %d, %q, %q", code, out, err)
	}
}

func TestWhichConfiguration(t *testing.T) {
	for _, c := range []struct{ env, command, want string }{
		{"", "status", "config.toml 2"},
		{"/etc/s.toml", "status", "/etc/s.toml 2"},
		{"/etc/s.toml", "status --config other.toml", "other.toml 2"},
		{"", "--config other.toml ls", "other.toml 0"},
	} {
		w := newWorld()
		w.env.Getenv = func(name string) (string, bool) { return c.env, name == "SLIPWAY_CONFIG" }
		w.run(t.Context(), strings.Fields(c.command)...)
		if len(w.opened) != 1 || w.opened[0] != c.want {
			t.Errorf("%+v opened %v", c, w.opened)
		}
	}
}

func TestCheck(t *testing.T) {
	w := newWorld()
	lines := []cli.CheckLine{{Subject: "destination anh", OK: true, Text: "ready", Notes: []string{"an album\nis not seen"}}, {Subject: "destination cms", Text: "refused", Remedy: "renew the token"}}
	w.env.Check = func(_ context.Context, _ string, report func(cli.CheckLine)) error {
		for _, l := range lines {
			report(l)
		}
		return nil
	}
	w.shows(t, "check", 1, "✓ destination anh: ready\n    note: an album?is not seen\n✗ destination cms: refused\n    → renew the token\n", "")
	w.shows(t, "check --json", 1, `{"subject":"destination anh","ok":true,"text":"ready","notes":["an album\nis not seen"]}`+"\n"+
		`{"subject":"destination cms","ok":false,"text":"refused","remedy":"renew the token"}`+"\n", "")
	lines = lines[:1]
	w.shows(t, "check", 0, "✓ destination anh: ready\n    note: an album?is not seen\n", "")
}

func TestInit(t *testing.T) {
	w := newWorld()
	dir := filepath.Join(t.TempDir(), "new")
	file := filepath.Join(dir, "config.toml")
	w.shows(t, "init "+dir, 0, "Wrote "+file+`. What to do next:
  1. Put in your image hosts and folders; it runs as it is, too.
  2. slipway check --config `+file+`    says whether every host can be reached
  3. slipway serve --config `+file+`    starts the gateway; without users it makes one and shows the password
`, "")
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "# a template\n" {
		t.Errorf("%q, %v", text, err)
	}
	if fi, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	w.env.Template = []byte("another")
	w.shows(t, "init --config "+file, 1, "", "slipway: "+file+" is there already, and was left as it is\n")
	if again, _ := os.ReadFile(file); string(again) != string(text) {
		t.Errorf("it became %q", again)
	}
}

func TestVersion(t *testing.T) {
	w := newWorld()
	w.shows(t, "version", 0, fmt.Sprintf("slipway 1.2.3 (%s, %s/%s)\n", runtime.Version(), runtime.GOOS, runtime.GOARCH), "")
	w.shows(t, "version --json", 0, fmt.Sprintf(`{"arch":%q,"go":%q,"os":%q,"version":"1.2.3"}`+"\n", runtime.GOARCH, runtime.Version(), runtime.GOOS), "")
}

// at is a time as tables show it.
func at(t time.Time) string { return t.Local().Format(time.RFC3339) }

var noon = time.Date(2026, 5, 6, 12, 0, 0, 999, time.UTC)

func TestStatusAndReload(t *testing.T) {
	w := newWorld()
	w.status = operate.Status{Version: "1", PID: 42, Started: noon, Serving: true, Addresses: map[string]string{"web": "127.0.0.1:8080", "ftp": "127.0.0.1:2121"}, DataDir: "/d"}
	w.shows(t, "status", 0, "STATE    serving\nVERSION  1\nPROCESS  42\nSTARTED  "+at(noon)+"\nDATA     /d\nFTP      127.0.0.1:2121\nWEB      127.0.0.1:8080\n", "")
	w.shows(t, "status --json", 0, `{"version":"1","pid":42,"started":"2026-05-06T12:00:00.000000999Z","serving":true,"addresses":{"ftp":"127.0.0.1:2121","web":"127.0.0.1:8080"},"data_dir":"/d"}`+"\n", "")
	w.reloaded = operate.Reloaded{Changed: []string{"users", "routes"}, Restart: []string{"web.listen"}}
	w.shows(t, "reload", 0, "Read again; in use now: users, routes.\nThese need a restart: web.listen.\n", "")
	w.status = operate.Status{Version: "1", Started: noon, DataDir: "/d", Webhooks: []operate.Webhook{
		{Name: "quiet"}, {Name: "site", Waiting: 3, GivenUp: 1, Oldest: noon, Error: "the site answered\nHTTP 500"}}}
	w.shows(t, "status", 0, "STATE    stopping or starting: no door is open\nVERSION  1\nPROCESS  0\nSTARTED  "+at(noon)+"\nDATA     /d\n"+
		"WEBHOOK  quiet: nothing waits\nWEBHOOK  site: 3 waiting since "+at(noon)+", 1 given up: the site answered?HTTP 500\n", "")
	look := []string{"status", "deletions {States:[] Destination: Path: After:0 Limit:1}", "links {States:[failed] Path: After: Limit:500}"}
	w.asks(t, slices.Concat(look, []string{"status", "reload"}, look)...)
}

// TestStatusAsks: what waits for a person is said, and what he can do.
func TestStatusAsks(t *testing.T) {
	w := newWorld()
	w.status = operate.Status{Version: "1", Started: noon, Serving: true, DataDir: "/d", Watches: []operate.Watch{
		{Folder: "/a", Into: "/in", Mode: "events", Files: 2}, {Folder: "/b b", Into: "/b", Mode: "events", Braked: true, Asks: true, Problem: "25 of 30 files were deleted"},
		{Folder: "/c", Into: "/c", Problem: "it is not there"}}}
	w.brakes = []operate.Brake{{Folder: "/holiday", Waiting: 21}}
	w.links = []operate.ListedLink{{Path: "/x.url"}}
	_, out, _ := w.run(t.Context(), "status")
	_, asks, _ := strings.Cut(out, "WATCH    /c → /c (off, 0 files): it is not there\n")
	if d := cmp.Diff("/b b: many files were deleted at once, and nothing follows from it. If they were meant to go: slipway watch --release --folder '/b b'\n"+
		"So many files were removed in /holiday at once that 21 deletions wait at the hosts for your answer: `slipway queue release --path /holiday` deletes the pictures there, `slipway queue refuse --path /holiday` keeps them.\n"+
		"1 link failed: `slipway queue links --state failed` says which and why, `slipway queue retry --path FILE` tries again.\n", asks); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, out)
	}
	w.brakes, w.links = nil, append(w.links, w.links[0], w.links[0])
	if _, out, _ := w.run(t.Context(), "status"); !strings.Contains(out, "\n2 links or more failed: ") || strings.Contains(out, "queue release") {
		t.Error(out)
	}
}
