package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"slipway/gateway/operate"
)

// importAll takes what there is, and returns the summary.
func importAll(t *testing.T, a *app) (s operate.ImportSummary, err error) {
	for i, err := range (operations{a}).Import(t.Context(), operate.ImportOptions{}) {
		if err != nil {
			return s, err
		}
		if i.Summary != nil {
			s = *i.Summary
		}
	}
	return s, nil
}

// TestWatchTurns: imports, and reloads that change the folder, take turns with who
// follows it; each file is taken once, and the folder is followed in the end.
func TestWatchTurns(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, "")
	door := g.Door(t)
	var all sync.WaitGroup
	var ended, cut atomic.Int32
	for range 4 {
		all.Go(func() {
			for range 3 {
				switch _, err := importAll(t, g.app); {
				case err == nil:
					ended.Add(1)
				case errors.Is(err, errRetired):
					cut.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	file := g.app.settings.Load().config.file
	for i := range 5 {
		if err := door.Put("/in/"+string(rune('a'+i))+".jpg", picture(2000, uint64(i))); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		from, to := `mode = "auto"`, `mode = "poll"`
		if i%2 == 1 {
			from, to = to, from
		}
		if !strings.Contains(string(text), "mode = ") {
			text = []byte(strings.Replace(string(text), "[[watch]]\n", "[[watch]]\n"+from+"\n", 1))
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := g.app.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond)
	}
	all.Wait()
	t.Logf("%d imports ended, %d were cut by reloads", ended.Load(), cut.Load())
	if s, err := importAll(t, g.app); err != nil || s.Failed.Files+s.Waiting.Files+s.Refused.Files+s.Unsent > 0 || s.Taken.Files+s.Same.Files < 5 {
		t.Errorf("the last import: %+v, %v", s, err)
	}
	g.Settle(t)
	if sent := g.Sent(); len(sent) != 5 {
		t.Errorf("%d uploads, want 5", len(sent))
	}
	folders := g.app.watches.list()
	if len(folders) != 1 || !folders[0].followed() || folders[0].config.Mode != "poll" {
		t.Errorf("in the end %d folders are watched, %+v", len(folders), folders[0].config)
	}
}

// TestWatchStop: a gateway that stops ends an import in good order.
func TestWatchStop(t *testing.T) {
	g := startWatch(t, time.Minute, "")
	if err := g.Door(t).Put("/in/a.jpg", picture(2000, 1)); err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		first := sync.OnceFunc(func() { close(began) })
		var last error
		for _, err := range (operations{g.app}).Import(t.Context(), operate.ImportOptions{}) {
			first()
			last = err
		}
		ended <- last
	}()
	<-began
	g.app.watches.end()
	select {
	case err := <-ended:
		if !errors.Is(err, errRetired) {
			t.Errorf("the import ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the import goes on")
	}
}

// TestWatchStuck: a folder that does not end, as its server does not answer, keeps
// neither a reload nor the list nor the stop waiting; what replaces it begins later.
func TestWatchStuck(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, "")
	ws := g.app.watches
	ws.waits = 100 * time.Millisecond
	old := ws.list()[0]
	stuck, free := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		old.exclusively(t.Context(), func(context.Context) error { //nolint:errcheck // It is the test's.
			close(stuck)
			<-free
			return nil
		})
	})
	<-stuck
	quick := func(what string, do func()) {
		t.Helper()
		done := make(chan struct{})
		all.Go(func() { defer close(done); do() })
		select {
		case <-done:
		case <-time.After(patience):
			close(free)
			t.Fatalf("%s waits for a folder that does not answer", what)
		}
	}
	config := old.config
	config.Mode = watchPoll
	quick("a reload", func() { ws.configure([]WatchConfig{config}) })
	config.Rescan *= 2
	quick("another", func() { ws.configure([]WatchConfig{config}) })
	quick("the list", func() { ws.list() })
	now := ws.list()[0]
	time.Sleep(200 * time.Millisecond)
	if now.config.Rescan != config.Rescan || !now.folder.Status().Scanned.IsZero() {
		t.Error("another folder is followed while the one before it goes on")
	}
	close(free)
	for end := time.Now().Add(patience); now.folder.Status().Scanned.IsZero(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the folder is never followed")
		}
	}
}

// TestWatchIgnores: what is never taken, and why.
func TestWatchIgnores(t *testing.T) {
	ignores := WatchConfig{After: "move:old/done"}.ignores()
	for rel, want := range map[string]string{
		"a.jpg": "", "a/b.jpg": "", "old/a.jpg": "", "old/done.jpg": "", ".album.toml": "", "a/.album.toml": "",
		"old/done/a.jpg": "moved to", "a.jpg.part": "not finished", "a/.b.jpg": "hidden", ".a/b.jpg": "hidden",
		".a/.album.toml": "hidden", "Thumbs.db": "hidden", "a.jpg_original": "exiftool", "@eaDir/a.jpg": "hidden", "4913": "not finished",
	} {
		if got := ignores(rel, false); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", rel, got, want)
		}
	}
	for rel, want := range map[string]string{"a": "", "old": "", "4913": "", "old/done": "moved to", ".git": "hidden", "lost+found": "hidden"} {
		if got := ignores(rel, true); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("the folder %s: %q, want %q", rel, got, want)
		}
	}
}
