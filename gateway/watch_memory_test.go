package main

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/vfs/index/indextest"
	"slipway/watch"
)

// TestWatchOthers: of an entry the files count that another folder, which is watched
// now, may have.
func TestWatchOthers(t *testing.T) {
	a := &app{db: indextest.Open(t, indextest.SQLite(t))}
	one, two := WatchConfig{Folder: "/one", Into: "/1"}, WatchConfig{Folder: "/two", Into: "/2"}
	a.settings.Store(&settings{config: &Config{Watches: []WatchConfig{one, two}}})
	m := newWatchMemory(a.db)
	for _, c := range []struct {
		folder WatchConfig
		state  watch.State
		want   string
	}{
		{two, watch.Taking, "/two/d/a.jpg"},
		{two, watch.Taken, "/two/d/a.jpg"},
		{two, watch.Removing, "/two/d/a.jpg"},
		{two, watch.Missing, "/two/d/a.jpg"},
		{two, watch.Removed, ""},
		{two, watch.Gone, ""},
		{one, watch.Taken, ""},
		{WatchConfig{Folder: "/before", Into: "/1"}, watch.Taken, ""},
	} {
		if err := m.Store(t.Context(), c.folder.name(), []watch.Known{{Path: "d/a.jpg", Entry: 7, State: c.state}}, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := a.others(one.name())(t.Context(), 7); got != filepath.FromSlash(c.want) || err != nil {
			t.Errorf("%s %s: %q %v", c.folder.Folder, c.state, got, err)
		}
		if got, err := a.others(one.name())(t.Context(), 8); got != "" || err != nil {
			t.Errorf("another entry: %q %v", got, err)
		}
		if err := m.Store(t.Context(), c.folder.name(), nil, []string{"d/a.jpg"}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWatchMemory: nothing of what a folder remembers is left out in the rows, and
// each question reaches the one that answers it.
func TestWatchMemory(t *testing.T) {
	m := newWatchMemory(indextest.Open(t, indextest.SQLite(t)))
	k := watch.Known{
		Path: "2026/\xff.jpg", Stat: watch.Stat{Device: 1 << 63, Inode: 2, Size: 3, Modified: 4, Changed: 5},
		Sum: [32]byte{6}, Entry: 7, State: watch.Removing, Since: 8, Beside: map[string][32]byte{"2026/\xff.jpg.url": {9}},
	}
	for i := range reflect.TypeFor[watch.Known]().NumField() {
		if f := reflect.TypeFor[watch.Known]().Field(i); f.Name != "Done" && reflect.ValueOf(k).Field(i).IsZero() {
			t.Fatalf("the test knows nothing of Known.%s", f.Name)
		}
	}
	done := watch.Known{Path: "2026/done.jpg", Entry: 10, State: watch.Gone, Done: true}
	if err := m.Store(t.Context(), "f", []watch.Known{k, done, {Path: "b"}}, []string{"c"}); err != nil {
		t.Fatal(err)
	}
	if err := m.Store(t.Context(), "f", nil, []string{"b"}); err != nil {
		t.Fatal(err)
	}
	if err := m.Rename(t.Context(), "f", "2026", "2027"); err != nil {
		t.Fatal(err)
	}
	k.Path, k.Beside, done.Path = "2027/\xff.jpg", map[string][32]byte{"2027/\xff.jpg.url": {9}}, "2027/done.jpg"
	for name, ask := range map[string]struct {
		got  func() ([]watch.Known, error)
		want []watch.Known
	}{
		"Dir":        {func() ([]watch.Known, error) { return m.Dir(t.Context(), "f", "2027") }, []watch.Known{done, k}},
		"Below":      {func() ([]watch.Known, error) { return m.Below(t.Context(), "f", "", done.Path, 1) }, []watch.Known{k}},
		"same inode": {func() ([]watch.Known, error) { return m.Twins(t.Context(), "f", 1<<63, 2, [32]byte{1}) }, []watch.Known{k}},
		"same bytes": {func() ([]watch.Known, error) { return m.Twins(t.Context(), "f", 1, 1, k.Sum) }, []watch.Known{k}},
		"Entries":    {func() ([]watch.Known, error) { return m.Entries(t.Context(), "f", []int64{10}) }, []watch.Known{done}},
		"Open":       {func() ([]watch.Known, error) { return m.Open(t.Context(), "f", "", 10) }, []watch.Known{k}},
		"another":    {func() ([]watch.Known, error) { return m.Below(t.Context(), "g", "", "", 10) }, []watch.Known{}},
	} {
		got, err := ask.got()
		if d := cmp.Diff(ask.want, got); err != nil || d != "" {
			t.Errorf("%s: error %v; %s", name, err, d)
		}
	}
	dirs, err := m.Dirs(t.Context(), "f")
	if d := cmp.Diff([]string{"2027"}, dirs); err != nil || d != "" {
		t.Errorf("Dirs: error %v; %s", err, d)
	}
	// What a crash left about to be put is looked for in its directory, too.
	if err := m.Store(t.Context(), "f", []watch.Known{{Path: "taking/a.jpg", State: watch.Taking}}, nil); err != nil {
		t.Fatal(err)
	}
	dirs, err = m.Dirs(t.Context(), "f")
	if d := cmp.Diff([]string{"2027", "taking"}, dirs); err != nil || d != "" {
		t.Errorf("Dirs: error %v; %s", err, d)
	}
	if err := m.Store(t.Context(), "f", nil, []string{"taking/a.jpg"}); err != nil {
		t.Fatal(err)
	}
	count, err := m.Count(t.Context(), "f")
	if d := cmp.Diff(map[watch.State]int{watch.Removing: 1, watch.Gone: 1}, count); err != nil || d != "" {
		t.Errorf("Count: error %v; %s", err, d)
	}
}
