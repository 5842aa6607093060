package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWatchLook: what `slipway check` says of a watched folder.
func TestWatchLook(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	says := func(w WatchConfig, ok bool, want string) {
		t.Helper()
		w.complete()
		line := w.look()
		all := line.Text + "\n" + line.Remedy + "\n" + strings.Join(line.Notes, "\n")
		if line.OK != ok || !strings.Contains(all, want) {
			t.Errorf("%+v: %+v, want %v and %q", w, line, ok, want)
		}
	}
	says(WatchConfig{Folder: dir, Into: "/in"}, true, "goes to /in")
	says(WatchConfig{Folder: filepath.Join(dir, "none"), Into: "/in"}, true, "is not there now")
	says(WatchConfig{Folder: file, Into: "/in"}, false, "it is a file")
	says(WatchConfig{Folder: dir, Into: "/in", SidecarDir: file}, false, "file cannot be written to")
	says(WatchConfig{Folder: dir, Into: "/in", SidecarDir: filepath.Join(dir, "later")}, true, "goes to /in")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("looking left %v (%v) behind", left, err)
	}
	if os.Geteuid() == 0 {
		return // who may everything
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	says(WatchConfig{Folder: dir, Into: "/in"}, false, "set sidecars = []")
	says(WatchConfig{Folder: dir, Into: "/in", Sidecars: []string{}}, true, "goes to /in")
	says(WatchConfig{Folder: dir, Into: "/in", Sidecars: []string{}, After: "delete"}, false, `set after = "keep"`)
}
