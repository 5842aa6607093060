package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/whole/wholetest"
	"slipway/vfs"
	"slipway/vfs/index"
)

// TestKeepUntilSent: what is sent and stands in a watched folder is kept there alone,
// reads as before, says where it is, and what a person did to it.
func TestKeepUntilSent(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, "[storage]\nkeep = \"until-sent\"")
	a, door := g.app, g.Door(t).(*folderClient)
	picture := picture(150_000, 1)
	for name, data := range map[string][]byte{"in/a.jpg": picture, "in/other.jpg": wholetest.JPEG(8, 8, 2)} {
		if err := door.Put(name, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := door.Flush(); err != nil {
		t.Fatal(err)
	}
	g.Settle(t)
	info, err := a.fs.Stat("/in/a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	e := info.Sys().(vfs.Entry)
	r, now := a.newReleaser(), time.Now()
	r.Clock, r.Copies = func() time.Time { return now }, nil
	for i, want := range []int{0, 1, 0} {
		if n, err := r.Release(t.Context()); err != nil || n != want {
			t.Errorf("pass %d let %d files go, error %v", i, n, err)
		}
		now = now.Add(time.Hour)
	}
	if _, err := a.disk.Open(t.Context(), e.Blob); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the bytes are here still: %v", err)
	}
	read := func() ([]byte, error) {
		f, err := a.fs.Open("/in/a.jpg")
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(f)
	}
	if got, err := read(); err != nil || !bytes.Equal(got, picture) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	file := filepath.Join(door.root, "in", "a.jpg")
	explains := func(want string) {
		t.Helper()
		x, err := operations{a}.Explain(t.Context(), "/in/a.jpg")
		if err != nil || !strings.Contains(x.Bytes, want) || !strings.Contains(x.Bytes, file) {
			t.Errorf("explained as %q, error %v", x.Bytes, err)
		}
	}
	explains("are read from")
	complete := func(after string) bool {
		c := *a.settings.Load().config
		c.Watches = slices.Clone(c.Watches)
		c.Watches[0].After = after
		b := &app{tree: a.tree, ledger: a.ledger, db: a.db}
		b.settings.Store(&settings{config: &c, table: a.settings.Load().table})
		o, err := newWatchOutcomes(b, c.Watches[0].Into).Outcomes(t.Context(), []int64{int64(e.ID)})
		if err != nil {
			t.Fatal(err)
		}
		return o[int64(e.ID)].Complete
	}
	if !complete(afterKeep) || complete(afterDelete) {
		t.Errorf("complete where the folder keeps it: %v, where it would remove the only bytes: %v", complete(afterKeep), complete(afterDelete))
	}
	if err := errors.Join(a.store.Drop(t.Context(), true), os.Remove(file)); err != nil {
		t.Fatal(err)
	}
	if got, err := read(); err != nil || !bytes.Equal(got, picture) {
		t.Errorf("from the host: %d bytes, error %v", len(got), err)
	}
	sent := len(g.Sent())
	g.site.Forget()
	if err := a.store.Drop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	var away *vfs.AwayError
	if _, err := read(); !errors.As(err, &away) || !strings.Contains(err.Error(), "removed there") {
		t.Errorf("after its removal: %v", err)
	}
	explains("were removed there")
	var hold *uploader.Hold
	if _, err := a.open(t.Context(), uploader.Upload{Blob: e.Blob}); !errors.As(err, &hold) || hold.Reason != uploader.ReasonAway {
		t.Errorf("an upload that needs it: %v", err)
	}
	w, err := a.fs.Create("/in/a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(picture); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := read(); err != nil || !bytes.Equal(got, picture) {
		t.Errorf("stored again: %d bytes, error %v", len(got), err)
	}
	if !complete(afterDelete) {
		t.Error("what is here again may not be removed from the folder")
	}
	explainsNothing, err := operations{a}.Explain(t.Context(), "/in/a.jpg")
	if err != nil || !strings.HasPrefix(explainsNothing.Bytes, "its bytes are here") {
		t.Errorf("stored again, and explained as %q, error %v", explainsNothing.Bytes, err)
	}
	if n := sent + len(g.Sent()); n != 2 {
		t.Errorf("%d pictures were sent", n)
	}
}

// TestMayRelease: only a folder that keeps its files may have the only bytes, and only
// routes that say so, all of them, let bytes go.
func TestMayRelease(t *testing.T) {
	from := startWatch(t, time.Minute, "").app.settings.Load()
	now := time.Now()
	kept := func(age time.Duration, paths ...string) index.Kept {
		return index.Kept{Used: now.Add(-age), Paths: paths}
	}
	marked := kept(time.Hour, "/in/a.jpg")
	marked.Marked = now.Add(-time.Minute)
	read := kept(time.Second, "/in/a.jpg")
	read.Marked = now.Add(-time.Minute)
	for name, test := range map[string]struct {
		storage, route string
		kept           index.Kept
		over           int64 // bytes more than the size
		why            string
	}{
		"by the storage":         {"until-sent", "", kept(0, "/in/a.jpg"), 0, ""},
		"by the route":           {"always", "until-sent", kept(0, "/in/a.jpg", "/in/b.jpg"), 0, ""},
		"always":                 {"always", "", kept(0, "/in/a.jpg"), 0, `storage.keep says "always"`},
		"the route: always":      {"until-sent", "always", kept(0, "/in/a.jpg"), 0, `keep of route 1 says "always"`},
		"a copy without a route": {"until-sent", "", kept(0, "/in/a.jpg", "/elsewhere/b.jpg"), 0, "no route takes /elsewhere/b.jpg"},
		"old enough":             {"2h", "", kept(2*time.Hour, "/in/a.jpg"), 0, ""},
		"read lately":            {"2h", "", kept(time.Hour, "/in/a.jpg"), 0, `storage.keep is "2h", and they were last used on`},
		"little":                 {"1GB", "", kept(2*time.Hour, "/in/a.jpg"), 0, "all that storage.keep governs is within its 1GB"},
		"too much":               {"1GB", "", kept(0, "/in/a.jpg"), 1, ""},
		"too much by the route":  {"always", "1GB", kept(0, "/in/a.jpg"), 1, ""},
		"chosen, little by now":  {"1GB", "", marked, 0, ""},
		"chosen, and read":       {"1GB", "", read, 0, "they were read just now"},
	} {
		c := *from.config
		c.Watches, c.Routes = slices.Clone(c.Watches), slices.Clone(c.Routes)
		c.Storage.Keep, c.Routes[0].Keep = test.storage, test.route
		a := &app{releaser: &index.Releaser{Clock: func() time.Time { return now }}}
		a.settings.Store(&settings{config: &c, table: from.table})
		a.keeping.replace(map[int]*keepGroup{c.keepGroup(1): {limit: 1e9, kept: 1e9 + test.over}}, now)
		if v := a.mayRelease(test.kept); v.May != (test.why == "") || !strings.Contains(v.Why, test.why) {
			t.Errorf("%s: %+v", name, v)
		}
		for after, want := range map[string]bool{afterKeep: true, "move:done": false, "delete": false} {
			c.Watches[0].After = after
			if got := a.relied(candidateOf(c.Watches[0])); got != want {
				t.Errorf("a folder with after = %q may have the only bytes: %v", after, got)
			}
		}
		if a.relied(index.Candidate{Folder: "of another time"}) {
			t.Errorf("a folder that is not watched now may have the only bytes")
		}
	}
}

func candidateOf(w WatchConfig) index.Candidate { return index.Candidate{Folder: w.name()} }
