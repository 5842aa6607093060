package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"slipway/gateway/cli"
	"slipway/gateway/operate"
)

// pictures makes files, in a folder that becomes the working one.
func pictures(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("bytes of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// upload is one of the bytes that are put.
func upload(state string, change func(*operate.Upload)) operate.Upload {
	u := operate.Upload{ID: 1, Path: "/p", Destination: "anh", State: state, SHA256: "now", Size: 10}
	if change != nil {
		change(&u)
	}
	return u
}

func done(url string) operate.Upload {
	return upload("done", func(u *operate.Upload) { u.URL = url })
}

// timeless hides how long things took.
func timeless(s string) string {
	return regexp.MustCompile(` in [0-9.:]+ ?s? \([^)]*\)|, done after [0-9.:]+( s)?`).ReplaceAllString(s, "")
}

func TestPutPrintsURLs(t *testing.T) {
	pictures(t, "a.jpg", "sub/bb.jpg", "ccc.jpg")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.entries = map[string][]operate.Entry{"/album": {}}
		w.follow = func(_ context.Context, path string) []operate.Upload {
			time.Sleep(time.Duration(30-len(path)) * time.Second) // the first file is the last that is through
			old := done("https://old")
			old.SHA256 = "before"
			return []operate.Upload{old, done("https://anh.im" + path), upload("done", func(u *operate.Upload) { u.Destination, u.URL = "home", "http://home"+path })}
		}
		code, out, errs := w.run(t.Context(), "put", "a.jpg", "sub/bb.jpg", "ccc.jpg", "album")
		if want := "https://anh.im/album/a.jpg\nhttp://home/album/a.jpg\nhttps://anh.im/album/bb.jpg\nhttp://home/album/bb.jpg\nhttps://anh.im/album/ccc.jpg\nhttp://home/album/ccc.jpg\n"; code != 0 || out != want {
			t.Errorf("%d\n%s", code, out)
		}
		if want := "a.jpg: 14 B\nsub/bb.jpg: 19 B\nccc.jpg: 16 B\n"; timeless(errs) != want {
			t.Errorf("%s", errs)
		}
		if w.stored["/album/bb.jpg"] != "bytes of sub/bb.jpg" || len(w.stored) != 3 || w.opened[0] != "config.toml 1" {
			t.Errorf("%v, %v", w.stored, w.opened)
		}
	})
}

func TestPutSaysWhatBecameOfAFile(t *testing.T) {
	pictures(t, "a.jpg")
	const late = "; it is stored, and goes on by itself while a gateway runs\n"
	for name, c := range map[string]struct {
		uploads []operate.Upload
		args    string
		code    int
		stdout  string
		stderr  string
	}{
		"done": {[]operate.Upload{done("https://x")}, "", 0, "https://x\n", "a.jpg: 14 B\n"},
		"awaiting": {[]operate.Upload{upload("awaiting", func(u *operate.Upload) { u.URL = "https://x" })}, "", 0, "https://x\n",
			"a.jpg: anh: the host has it and waits for somebody there to approve it\na.jpg: 14 B\n"},
		"without URL": {[]operate.Upload{done("")}, "", 0, "", "a.jpg: anh: it was sent, and the host's reply with the URL was lost\na.jpg: 14 B\n"},
		"held": {[]operate.Upload{done("https://x"), upload("held", func(u *operate.Upload) { u.Reason, u.Error, u.Remedy = "no-album", "No album.", "Name one." })}, "", 1, "https://x\n",
			"slipway: a.jpg: anh: held (no-album): No album. Name one.\na.jpg: failed: held at anh\n"},
		"failed":     {[]operate.Upload{upload("failed", func(u *operate.Upload) { u.Error = "too large" })}, "", 1, "", "slipway: a.jpg: anh: failed: too large\na.jpg: failed: failed at anh\n"},
		"ambiguous":  {[]operate.Upload{upload("ambiguous", nil)}, "", 1, "", "slipway: a.jpg: anh: ambiguous: see `slipway explain /a.jpg`\na.jpg: failed: ambiguous at anh\n"},
		"dropped":    {[]operate.Upload{upload("dropped", nil)}, "", 1, "", "slipway: a.jpg: anh: dropped: see `slipway explain /a.jpg`\na.jpg: failed: dropped at anh\n"},
		"superseded": {[]operate.Upload{upload("superseded", nil)}, "", 1, "", "slipway: a.jpg: anh: superseded: see `slipway explain /a.jpg`\na.jpg: failed: superseded at anh\n"},
		"on its way still": {[]operate.Upload{done("https://x"), upload("settling", func(u *operate.Upload) { u.Reason, u.Error = "backoff", "timed out" })}, "", 3, "https://x\n",
			"slipway: a.jpg: anh: not finished in time: settling (backoff): timed out" + late + "a.jpg: failed: settling at anh\n"},
		"failed and late": {[]operate.Upload{upload("failed", nil), upload("settling", nil)}, "", 1, "",
			"slipway: a.jpg: anh: failed: see `slipway explain /a.jpg`\nslipway: a.jpg: anh: not finished in time: settling" + late + "a.jpg: failed: settling at anh\n"},
		"not sent":                    {nil, "", 0, "", "a.jpg: stored, and not sent: no route\na.jpg: 14 B\n"},
		"not waited for":              {nil, "--no-wait", 0, "", "a.jpg: 14 B\n"},
		"not waited for, for scripts": {nil, "--no-wait --json", 0, `{"file":"a.jpg","id":6,"path":"/a.jpg","destination":"home","state":"settling","reason":"","attempts":0,"url":"","error":"","size":0,"sha256":"now","present":true,"due":null}` + "\n", "a.jpg: 14 B\n"},
		"for scripts": {[]operate.Upload{done("https://x?a&b"), upload("held", nil)}, "--json", 1,
			`{"file":"a.jpg","id":1,"path":"/p","destination":"anh","state":"done","reason":"","attempts":0,"url":"https://x?a&b","error":"","size":10,"sha256":"now","present":false,"due":null}` + "\n" +
				`{"file":"a.jpg","id":1,"path":"/p","destination":"anh","state":"held","reason":"","attempts":0,"url":"","error":"","size":10,"sha256":"now","present":false,"due":null}` + "\n",
			"slipway: a.jpg: anh: held: see `slipway explain /a.jpg`\na.jpg: failed: held at anh\n"},
		"not sent, for scripts": {nil, "--json", 0, `{"file":"a.jpg","id":0,"path":"/a.jpg","destination":"","state":"","reason":"not-sent","attempts":0,"url":"","error":"no route","size":14,"sha256":"now","present":false,"due":null}` + "\n",
			"a.jpg: stored, and not sent: no route\na.jpg: 14 B\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.explanation.Why = "no route"
			w.follow = func(context.Context, string) []operate.Upload { return c.uploads }
			code, out, errs := w.run(t.Context(), strings.Fields("put a.jpg / "+c.args)...)
			if code == c.code && out == c.stdout && timeless(errs) == c.stderr {
				return
			}
			t.Errorf("%d, want %d\n%s---want\n%s---error output\n%s---want\n%s", code, c.code, out, c.stdout, errs, c.stderr)
		})
	}
}

func TestPutGivesUpWaitingInTime(t *testing.T) {
	var names []string
	for i := range 40 { // more than are followed at once
		names = append(names, strings.Repeat("n", i+1)+".jpg")
	}
	pictures(t, names...)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.slow = time.Second
		began := time.Now()
		code, out, errs := w.run(t.Context(), append(append([]string{"put", "--timeout", "30s"}, names...), "/x/")...)
		if took := time.Since(began); code != 3 || out != "" || took != 30*time.Second || len(w.stored) != 40 {
			t.Errorf("%d after %v, %d stored\n%s", code, took, len(w.stored), out)
		}
		if w.most != 4 {
			t.Errorf("%d files were stored at once", w.most)
		}
		if n := strings.Count(errs, "not finished in time: se"); n != 40 {
			t.Errorf("%d files are said to be late\n%s", n, errs)
		}
		if n := strings.Count(fmt.Sprint(w.asked), "follow"); n != 32 {
			t.Errorf("%d followed", n)
		}
	})
}

func TestPutIsInterrupted(t *testing.T) {
	pictures(t, "a.jpg", "bb.jpg")
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		code, out, errs := w.run(ctx, "put", "a.jpg", "bb.jpg", "/x/")
		if code != 1 || out != "" || errs != "slipway: interrupted\n" || w.closed != 1 {
			t.Errorf("%d, %s, %s", code, out, errs)
		}
	})
}

func TestPutOfFilesThatAreNotStored(t *testing.T) {
	pictures(t, "a.jpg", "bb.jpg")
	w := newWorld()
	w.follow = func(_ context.Context, path string) []operate.Upload {
		return []operate.Upload{done("https://x" + path)}
	}
	w.refuse = map[string]error{"/x/a.jpg": errors.New("no route")}
	code, out, errs := w.run(t.Context(), "put", "a.jpg", "bb.jpg", "/x/")
	if want := "slipway: a.jpg: not stored: no route\na.jpg: failed: see above\nbb.jpg: 15 B\n"; code != 1 || out != "https://x/x/bb.jpg\n" || timeless(errs) != want {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, _ = w.run(t.Context(), "put", "a.jpg", "/x/", "--json")
	if want := `{"file":"a.jpg","id":0,"path":"/x/a.jpg","destination":"","state":"","reason":"not-stored","attempts":0,"url":"","error":"not stored: no route","size":14,"sha256":"","present":false,"due":null}` + "\n"; code != 1 || out != want {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestPutStandardInput(t *testing.T) {
	w := newWorld()
	w.entries = map[string][]operate.Entry{"/d": {}, "/f": {{Path: "/f"}}, "/sub": {{Path: "/sub/x", Dir: true}}}
	w.follow = func(context.Context, string) []operate.Upload { return []operate.Upload{done("https://x")} }
	w.env.Stdin = strings.NewReader("piped")
	code, out, errs := w.run(t.Context(), "put", "-", "f")
	if code != 0 || out != "https://x\n" || w.stored["/f"] != "piped" || w.asked[1] != "put /f -1" {
		t.Errorf("%d, %s, %s, %v", code, out, errs, w.asked)
	}
	w.shows(t, "put - /d", 2, "", "slipway: the standard input has no name: give the path of a file, as in /d/picture.jpg\n")
	w.shows(t, "put - /sub", 2, "", "slipway: the standard input has no name: give the path of a file, as in /sub/picture.jpg\n")
	w.shows(t, "put - /new/", 2, "", "slipway: the standard input has no name: give the path of a file, as in /new/picture.jpg\n")
	w.env.Stdin = io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("the pipe broke")))
	code, out, errs = w.run(t.Context(), "put", "-", "/broken")
	if _, ok := w.stored["/broken"]; ok || code != 1 || out != "" || !strings.HasPrefix(errs, "slipway: -: not stored: the pipe broke\n") {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
}

func TestPutRefusesBeforeItBegins(t *testing.T) {
	pictures(t, "a.jpg", "sub/a.jpg", "b.jpg")
	for command, c := range map[string]struct {
		code int
		text string
	}{
		"put missing.jpg a.jpg /":  {1, "slipway: stat missing.jpg: no such file or directory\n"},
		"put sub /":                {2, "slipway: sub is a folder; name the files in it\n"},
		"put a.jpg sub/a.jpg /":    {2, "slipway: a.jpg and sub/a.jpg would both be /a.jpg\n"},
		"put a.jpg b.jpg /new":     {2, "slipway: several files need a folder: end the path with /, as in /new/\n"},
		"put a.jpg - /":            {2, "slipway: \"-\" goes alone\n"},
		"put a.jpg / --timeout 0s": {2, "slipway: --timeout has to be more than 0; --no-wait does not wait at all\n"},
	} {
		w := newWorld()
		w.shows(t, command, c.code, "", c.text)
		if w.stored != nil {
			t.Errorf("%s stored %v", command, w.stored)
		}
	}
	w := newWorld()
	if code, _, errs := w.run(t.Context(), "put", "a.jpg", ""); code != 2 || errs != "slipway: the path is empty\n" {
		t.Errorf("%d, %s", code, errs)
	}
}

func TestPutOfAFileThatGrows(t *testing.T) {
	pictures(t, "a.jpg")
	w := newWorld()
	open := w.env.Open
	w.env.Open = func(ctx context.Context, config string, need cli.Need) (operate.Gateway, func() error, error) {
		if err := os.WriteFile("a.jpg", []byte("longer than it was before"), 0o644); err != nil {
			t.Error(err)
		}
		return open(ctx, config, need)
	}
	code, out, errs := w.run(t.Context(), "put", "a.jpg", "/")
	if code != 1 || out != "" || len(w.stored) > 0 || !strings.Contains(errs, "changed while it was read") {
		t.Errorf("%d, %s, %s, %v", code, out, errs, w.stored)
	}
}
