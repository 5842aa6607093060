package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway/gateway/strict"
)

func TestWatchConfigMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[[watch]]\nfoldr = '/x'", `config.toml:2:1: unknown key "foldr" in [[watch]] number 1; did you mean "folder"?`},
		{"[[watch]]\nfolder = 3", `config.toml:2`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nsettle = 3", `config.toml:4`},
		{"[[watch]]\ninto = '/in'", `config.toml:1: watch 1.folder: it is missing`},
		{"[[watch]]\nfolder = '/x'", `config.toml:1: watch 1 (x).into: name the path`},
		{"[[watch]]\nfolder = '/x'\ninto = \"/a/\\u0000\"", `config.toml:3: watch 1 (x).into: name the path`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nafter = 'remove'", `config.toml:4: watch 1 (x).after: "remove" is not known; `},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nafter = 'move:'", `config.toml:4: watch 1 (x).after: "move:" names no folder in the watched one`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nafter = 'move:../y'", `config.toml:4: watch 1 (x).after: "move:../y" names no folder`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nafter = 'move:.'", `names no folder in the watched one`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nafter = 'move:/x/done'", `"move:/x/done" names no folder in the watched one`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nsidecars = ['url', 'jsn']", `config.toml:4: watch 1 (x).sidecars: "jsn" is not known; did you mean "json"?`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nmode = 'pol'", `config.toml:4: watch 1 (x).mode: "pol" is not known; did you mean "poll"?`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\non_local_delete = 'folow'", `watch 1 (x).on_local_delete: "folow" is not known; did you mean "follow"?`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nrescan = '5ms'", `config.toml:4: watch 1 (x).rescan: it must be 1s or more`},
		{"data_dir = '/x/data'\n[[watch]]\nfolder = '/x'\ninto = '/in'", `config.toml:3: watch 1 (x).folder: it and data_dir (/x/data) must not lie in each other`},
		{"data_dir = '/x'\n[[watch]]\nfolder = '/x/in'\ninto = '/in'", `config.toml:3: watch 1 (in).folder: it and data_dir (/x) must not lie in each other`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\n[[watch]]\nfolder = '/x/y/'\ninto = '/in'", `config.toml:5: watch 2 (y).folder: it and /x (watch 1) must not lie in each other`},
		{"[[watch]]\nfolder = '/x/y'\ninto = '/in'\n[[watch]]\nfolder = '/x/y/../y'\ninto = '/in'", `config.toml:5: watch 2 (y).folder: it and /x/y (watch 1)`},
		{"[[watch]]\nfolder = '/x/y'\ninto = '/in'\n[[watch]]\nfolder = '/x'\ninto = '/in'", `config.toml:5: watch 2 (x).folder: it and /x/y (watch 1)`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nsidecar_dir = '/x/urls'", `config.toml:4: watch 1 (x).sidecar_dir: it and the watched folder /x must not lie in each other`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\nsidecar_dir = '/y/urls'\n[[watch]]\nfolder = '/y'\ninto = '/in'", `config.toml:4: watch 1 (x).sidecar_dir: it and the watched folder /y`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in'\n[[watch]]\nfolder = '/y'\ninto = '/in/'", `config.toml:6: watch 2 (y).into: it and /in (watch 1) must not lie in each other: files of two folders`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in/e\u0301'\n[[watch]]\nfolder = '/y'\ninto = '/in/é/y'", `(watch 1) must not lie in each other: files of two folders`},
		{"[[watch]]\nfolder = '/x'\ninto = '/in/x'\n[[watch]]\nfolder = '/y'\ninto = '/'", `config.toml:6: watch 2 (y).into: it and /in/x (watch 1)`},
		{"data_dir = '/d'\n[[watch]]\nfolder = '/x'\ninto = '/in'\nsidecar_dir = '/d/urls'", `config.toml:5: watch 1 (x).sidecar_dir: it and data_dir`},
	} {
		_, err := loadConfig(writeConfig(t, c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

// TestWatchConfigLinks: a link does not hide that two folders are one.
func TestWatchConfigLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "real"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("[[watch]]\nfolder = %q\ninto = '/a'\n[[watch]]\nfolder = %q\ninto = '/b'\n",
		filepath.Join(dir, "real"), filepath.Join(dir, "link", "not", "yet"))
	if _, err := loadConfig(writeConfig(t, text)); err == nil || !strings.Contains(err.Error(), "must not lie in each other") {
		t.Errorf("a folder below a link to another: %v", err)
	}
}

func TestWatchConfigDefaults(t *testing.T) {
	file := writeConfig(t, "[[watch]]\nfolder = 'drop/'\ninto = 'in/'\n[[watch]]\nfolder = '/far'\ninto = '/far'\nsidecars = []\nafter = 'move:done'\nsidecar_dir = 'urls'")
	c, err := loadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(file)
	w := c.Watches[0]
	if w.Folder != filepath.Join(dir, "drop") || w.Into != "/in" || w.After != "keep" || w.Mode != "auto" || w.OnLocalDelete != "keep" ||
		len(w.Sidecars) != 1 || w.Settle != 0 || w.Rescan != strict.Duration(time.Minute) || w.Grace != strict.Duration(time.Minute) || w.doneDir() != "" {
		t.Errorf("the defaults are %+v", w)
	}
	if w = c.Watches[1]; len(w.Sidecars) != 0 || w.SidecarDir != filepath.Join(dir, "urls") || w.doneDir() != "done" {
		t.Errorf("what was said is %+v", w)
	}
}

func TestWatchConfigRoutes(t *testing.T) {
	const home = "[destination.home]\ndriver = 'local'\n"
	for _, c := range []struct{ text, wrong, warning string }{
		{"[[route]]\npath = '/other/{rest...}'\nto = ['home']\n[[watch]]\nfolder = '/x'\ninto = '/in'", "watch 1 (x).into: no route takes what comes to /in: add one", ""},
		{"[storage]\nunrouted = 'store'\n[[watch]]\nfolder = '/x'\ninto = '/in'", "", "no route takes what comes to /in"},
		{"[[route]]\npath = '/in/{album}/{rest...}'\nto = ['home']\n[[watch]]\nfolder = '/x'\ninto = '/in'", "", ""},
		{"[[route]]\npath = '/{rest...}'\nto = ['home']\n[[watch]]\nfolder = '/x'\ninto = '/in'\n[[watch]]\nfolder = '/y'\ninto = '/in2'", "", ""},
	} {
		cfg, err := loadConfig(writeConfig(t, home+c.text))
		if err != nil {
			t.Fatal(err)
		}
		a := &app{log: slog.New(slog.DiscardHandler), getenv: os.LookupEnv}
		s, err := a.newSettings(cfg)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%q: %v, want %q", c.text, err, c.wrong)
		}
		if s != nil && !strings.Contains(strings.Join(s.warnings, "\n"), c.warning) || c.warning == "" && s != nil && len(s.warnings) > 0 {
			t.Errorf("%q: warnings %q, want %q", c.text, s.warnings, c.warning)
		}
	}
}
