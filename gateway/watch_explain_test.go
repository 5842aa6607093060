//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
	"slipway/gateway/operate"
)

// TestExplainAsides: of what is never sent, and of folders, it is not said where it is
// sent; a file of no watched folder is said to be one.
func TestExplainAsides(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, "")
	root := g.app.watches.list()[0].config.Folder
	for name, make := range map[string]func(string) error{
		"pipe.jpg":  func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"link.jpg":  func(p string) error { return os.Symlink("x.jpg", p) },
		"empty.jpg": func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"dir":       func(p string) error { return os.Mkdir(p, 0o700) },
	} {
		p := filepath.Join(root, name)
		if err := make(p); err != nil {
			t.Fatal(err)
		}
		x, err := operations{g.app}.ExplainFile(t.Context(), p)
		if err != nil || x.Local == nil || !x.Local.Aside || len(x.Takes) > 0 || x.Why != "" {
			t.Errorf("%s: %+v, %v", name, x, err)
		}
	}
	x, err := operations{g.app}.ExplainFile(t.Context(), filepath.Join(root, "new.jpg"))
	if err != nil || x.Local.Aside || len(x.Takes) == 0 {
		t.Errorf("a file to come: %+v, %v", x, err)
	}
}

// TestAfterStays: what `after` will never do is not promised.
func TestAfterStays(t *testing.T) {
	w := &watched{config: WatchConfig{Folder: "/" + ingesttest.Folder, After: afterDelete}}
	owed := operate.Taker{Owed: true}
	lost := operate.Taker{Owed: true, Upload: &operate.Upload{State: "done", Reason: "no-url", Present: true}}
	for want, takes := range map[string][]operate.Taker{"It is deleted": {owed}, "sent nowhere": {{}}, "not told its URL": {owed, lost}} {
		if got := w.after("taken", "a.jpg", operate.Explanation{Takes: takes}); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
