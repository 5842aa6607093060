package index_test

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// watchedModel is what a Memory must be like: the rows of one folder by path.
type watchedModel map[string]index.Watched

func (m watchedModel) list(which func(index.Watched) bool, limit int) (list []index.Watched) {
	for _, p := range slices.Sorted(maps.Keys(m)) {
		if which(m[p]) && (limit == 0 || len(list) < limit) {
			list = append(list, m[p])
		}
	}
	return list
}

func dirname(p string) string {
	if d := path.Dir(p); d != "." {
		return d
	}
	return ""
}

func inside(p, dir string) bool { return dir == "" || strings.HasPrefix(p, dir+"/") }

func (m watchedModel) rename(from, to string) {
	moved := func(p string) string {
		if p == from || inside(p, from) {
			return to + p[len(from):]
		}
		return p
	}
	next := watchedModel{}
	for p, w := range m {
		if p != from && !inside(p, from) && p != to && !inside(p, to) {
			next[p] = w
		}
	}
	for p, w := range m {
		if p == from || inside(p, from) {
			beside := make(map[string][32]byte)
			for b, sum := range w.Beside {
				beside[moved(b)] = sum
			}
			if len(beside) == 0 {
				beside = nil
			}
			w.Path, w.Beside = moved(p), beside
			next[w.Path] = w
		}
	}
	clear(m)
	maps.Copy(m, next)
}

// Names that a disk may have: no UTF-8, and neighbours of the slash.
var watchedName = rapid.SampledFrom([]string{"a", "a-", "a0", "b", "\xff\xfe", "é", "%_", "\\x41", "'", "a\n"})

var watchedPath = rapid.Custom(func(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(watchedName, 1, 3).Draw(t, "elements"), "/")
})

var watchedSum = rapid.Custom(func(t *rapid.T) [32]byte { return [32]byte{31: rapid.ByteRange(0, 3).Draw(t, "sum")} })

var someRow = rapid.Custom(func(t *rapid.T) index.Watched {
	number := rapid.SampledFrom([]uint64{0, 1, 2, math.MaxInt64, 1 << 63, math.MaxUint64})
	when := rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64})
	w := index.Watched{
		Path: watchedPath.Draw(t, "path"), Device: number.Draw(t, "device"), Inode: number.Draw(t, "inode"),
		Size: when.Draw(t, "size"), Modified: when.Draw(t, "modified"), Changed: when.Draw(t, "changed"),
		Sum: watchedSum.Draw(t, "sum"), Entry: rapid.Int64Range(1, 5).Draw(t, "entry"),
		State: rapid.SampledFrom([]string{"taken", "missing", "gone", "removed"}).Draw(t, "state"),
		Since: when.Draw(t, "since"), Done: rapid.Bool().Draw(t, "done"),
	}
	if rapid.Bool().Draw(t, "has sidecars") {
		near := w.Path + ".url"
		w.Beside = map[string][32]byte{near: {1}}
		if rapid.Bool().Draw(t, "elsewhere too") {
			w.Beside[watchedPath.Draw(t, "beside")] = [32]byte{2}
		}
	}
	return w
})

// TestWatched: whatever is remembered, forgotten and renamed, each question has the
// answer that a map of rows gives, and the other folder's rows stay out of it.
func TestWatched(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		m := index.Memory{DB: indextest.Open(t, source)}
		folder := 0
		rapid.Check(t, func(t *rapid.T) {
			folder++
			w := watchedWorld{m: m, folders: [2]string{fmt.Sprintf("one\xff%d", folder), fmt.Sprintf("two%d", folder)}, model: [2]watchedModel{{}, {}}}
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				w.step(t)
				w.agree(t)
			}
		})
	})
}

type watchedWorld struct {
	m       index.Memory
	folders [2]string
	model   [2]watchedModel
}

func (w *watchedWorld) step(t *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(t, "folder")
	if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
		from, to := watchedPath.Draw(t, "from"), watchedPath.Draw(t, "to")
		if err := w.m.Rename(t.Context(), w.folders[i], from, to); err != nil {
			t.Fatal(err)
		}
		if from != to {
			w.model[i].rename(from, to)
		}
		return
	}
	rows, forget := rapid.SliceOfN(someRow, 0, 6).Draw(t, "rows"), rapid.SliceOfN(watchedPath, 0, 3).Draw(t, "forget")
	if err := w.m.Store(t.Context(), w.folders[i], rows, forget); err != nil {
		t.Fatal(err)
	}
	for _, p := range forget {
		delete(w.model[i], p)
	}
	for _, r := range rows {
		w.model[i][r.Path] = r
	}
}

// agree asks every question.
func (w *watchedWorld) agree(t *rapid.T) {
	dir, after := "", ""
	if rapid.Bool().Draw(t, "a directory") {
		dir = watchedPath.Draw(t, "dir")
	}
	if rapid.Bool().Draw(t, "after some") {
		after = watchedPath.Draw(t, "after")
	}
	limit, sum := rapid.IntRange(1, 5).Draw(t, "limit"), watchedSum.Draw(t, "twin")
	live := []string{"taken", "missing"}
	for i, folder := range w.folders {
		model, ctx := w.model[i], t.Context()
		same := func(what string, want []index.Watched) func([]index.Watched, error) {
			return func(got []index.Watched, err error) {
				if d := gocmp.Diff(want, got); err != nil || d != "" {
					t.Fatalf("%s: error %v; %s", what, err, d)
				}
			}
		}
		same("Dir", model.list(func(r index.Watched) bool { return dirname(r.Path) == dir }, 0))(w.m.Dir(ctx, folder, dir))
		same("Below", model.list(func(r index.Watched) bool { return inside(r.Path, dir) && r.Path > after }, limit))(w.m.Below(ctx, folder, dir, after, limit))
		same("Twins", model.list(func(r index.Watched) bool {
			return r.Device == 1<<63 && r.Inode == math.MaxUint64 || r.Sum == sum
		}, 0))(w.m.Twins(ctx, folder, 1<<63, math.MaxUint64, sum))
		same("Entries", model.list(func(r index.Watched) bool { return r.Entry == 2 || r.Entry == 5 }, 0))(w.m.Entries(ctx, folder, []int64{5, 2, 77}))
		same("Open", model.list(func(r index.Watched) bool { return !r.Done && r.Path > after }, limit))(w.m.Open(ctx, folder, after, limit))
		same("no entries", nil)(w.m.Entries(ctx, folder, nil))
		w.agreeCounts(t, folder, model, live)
	}
}

func (w *watchedWorld) agreeCounts(t *rapid.T, folder string, model watchedModel, live []string) {
	wantDirs, wantCount := make(map[string]bool), make(map[string]int)
	for _, r := range model {
		wantCount[r.State]++
		if slices.Contains(live, r.State) {
			wantDirs[dirname(r.Path)] = true
		}
	}
	dirs, err := w.m.Dirs(t.Context(), folder, live...)
	if d := gocmp.Diff(slices.Sorted(maps.Keys(wantDirs)), dirs); err != nil || d != "" {
		t.Fatalf("Dirs: error %v; %s", err, d)
	}
	count, err := w.m.Count(t.Context(), folder)
	if d := gocmp.Diff(wantCount, count); err != nil || d != "" {
		t.Fatalf("Count: error %v; %s", err, d)
	}
}

// TestWatchedRemains: rows are there after the database was opened anew.
func TestWatchedRemains(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		db, err := index.Open(t.Context(), source, index.Options{})
		if err != nil {
			t.Fatal(err)
		}
		row := index.Watched{Path: "\xfe/a.jpg", Device: math.MaxUint64, State: "taken", Entry: 1, Beside: map[string][32]byte{"\xfe/a.jpg.url": {9}}}
		if err := cmp.Or(index.Memory{DB: db}.Store(t.Context(), "f", []index.Watched{row}, nil), db.Close()); err != nil {
			t.Fatal(err)
		}
		got, err := index.Memory{DB: indextest.Open(t, source)}.Below(t.Context(), "f", "", "", 10)
		if d := gocmp.Diff([]index.Watched{row}, got); err != nil || d != "" {
			t.Errorf("error %v; %s", err, d)
		}
	})
}

// TestWatchedRefuses: nothing is stored of what has no name, and all or nothing.
func TestWatchedRefuses(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		m := index.Memory{DB: indextest.Open(t, source)}
		for _, err := range []error{
			m.Store(t.Context(), "f", []index.Watched{{Path: "a"}, {Path: ""}}, nil),
			m.Rename(t.Context(), "f", "", "b"),
			m.Rename(t.Context(), "f", "a", ""),
		} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("accepted: %v", err)
			}
		}
		if got, err := m.Below(t.Context(), "f", "", "", 10); err != nil || len(got) > 0 {
			t.Errorf("kept %v, error %v", got, err)
		}
	})
}

// everyRow is a step of SQLite's plans that looks at all rows of a folder, or sorts them. The
// first directory of a folder is the first row of an index.
var everyRow = regexp.MustCompile(`(?m)^SCAN (watched|w)$|^SEARCH (watched|w) USING (INDEX \S+|COVERING INDEX sqlite\S+) \(folder=\?\)$|TEMP B-TREE`)

// TestWatchedMany: a directory with many files below it is renamed in one transaction, and
// no question of a scan looks at all of them.
func TestWatchedMany(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		db := indextest.Open(t, source)
		m := index.Memory{DB: db}
		const dirs, files = 100, 200
		for d := range dirs {
			var rows []index.Watched
			for f := range files {
				p := fmt.Sprintf("old/%03d/DSC_%05d.JPG", d, f)
				rows = append(rows, index.Watched{
					Path: p, Device: 7, Inode: uint64(d*files + f), Sum: [32]byte{byte(d), byte(f), byte(f >> 8)}, Entry: int64(d*files + f + 1),
					State: "taken", Done: true, Beside: map[string][32]byte{p + ".url": {}},
				})
			}
			if err := m.Store(t.Context(), "f", rows, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Rename(t.Context(), "f", "old", "new"); err != nil {
			t.Fatal(err)
		}
		found, err := m.Dirs(t.Context(), "f", "taken")
		if err != nil || len(found) != dirs || found[0] != "new/000" {
			t.Fatalf("%d directories, error %v", len(found), err)
		}
		for _, err := range []error{
			second(m.Twins(t.Context(), "f", 7, uint64(dirs*files-1), [32]byte{1})), second(m.Open(t.Context(), "f", "", 10)),
			second(m.Entries(t.Context(), "f", []int64{5})), second(m.Below(t.Context(), "f", "new/050", "new/050/DSC_00100.JPG", 5)),
			second(m.Dir(t.Context(), "f", "new/050")), second(m.Holders(t.Context(), 5)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		got, err := m.Below(t.Context(), "f", "new/007", "", 1)
		if err != nil || len(got) != 1 || got[0].Path != "new/007/DSC_00000.JPG" || len(got[0].Beside) != 1 {
			t.Fatalf("%v, error %v", got, err)
		}
		if _, ok := got[0].Beside["new/007/DSC_00000.JPG.url"]; !ok {
			t.Errorf("its sidecar is %v", got[0].Beside)
		}
		if db.Postgres() {
			return // whose plans depend on what it knows of the table
		}
		plans, err := index.Plans(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for query, plan := range plans {
			if !strings.Contains(query, "watched") {
				continue
			}
			asked++
			if everyRow.MatchString(plan) {
				t.Errorf("%s\nlooks at every row:\n%s", query, plan)
			}
		}
		if asked < 7 {
			t.Errorf("%d questions were looked into", asked)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestHolders: an entry is found in whatever folder it is remembered.
func TestHolders(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		m := index.Memory{DB: indextest.Open(t, source)}
		for folder, rows := range map[string][]index.Watched{
			"one": {{Path: "a", Entry: 7, State: "taken"}, {Path: "d/b\xff", Entry: 7, State: "gone"}, {Path: "c", Entry: 8}},
			"two": {{Path: "a", Entry: 7, State: "missing"}},
		} {
			if err := m.Store(t.Context(), folder, rows, nil); err != nil {
				t.Fatal(err)
			}
		}
		got, err := m.Holders(t.Context(), 7)
		for _, rows := range got {
			slices.SortFunc(rows, func(a, b index.Watched) int { return strings.Compare(a.Path, b.Path) })
		}
		want := map[string][]index.Watched{
			"one": {{Path: "a", Entry: 7, State: "taken"}, {Path: "d/b\xff", Entry: 7, State: "gone"}}, "two": {{Path: "a", Entry: 7, State: "missing"}},
		}
		if diff := gocmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v; %s", err, diff)
		}
	})
}
