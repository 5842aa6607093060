package finish

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/watch"
	"slipway/watch/place"
)

// folder is a watched folder of a test.
type folder struct {
	t      *testing.T
	dir    string
	stored []watch.State
}

func newFolder(t *testing.T) *folder { return &folder{t: t, dir: t.TempDir()} }

func (f *folder) write(name, text string) {
	f.t.Helper()
	p := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
		f.t.Fatal(err)
	}
}

// taken returns what is remembered of a file that was sent as it stands.
func (f *folder) taken(name string) watch.Known {
	f.t.Helper()
	p := filepath.Join(f.dir, name)
	info, err := os.Lstat(p)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := os.ReadFile(p)
	if err != nil {
		f.t.Fatal(err)
	}
	return watch.Known{Path: name, Stat: place.Of(info), Sum: sha256.Sum256(text), Entry: 7, State: watch.Taken, Since: 1}
}

func (f *folder) finisher(moveTo string) *Finisher {
	f.t.Helper()
	fin, err := New(Options{Root: f.dir, MoveTo: moveTo})
	if err != nil {
		f.t.Fatal(err)
	}
	return fin
}

func (f *folder) store(_ context.Context, k watch.Known) error {
	f.stored = append(f.stored, k.State)
	return nil
}

// files returns every file with its text.
func (f *folder) files() map[string]string {
	f.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(f.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		rel, _ := filepath.Rel(f.dir, p)
		all[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

func (f *folder) has(want map[string]string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.files()); diff != "" {
		f.t.Error(diff)
	}
}

var complete = watch.Outcome{Owed: 1, Done: 1, Complete: true}

func TestDelete(t *testing.T) {
	f := newFolder(t)
	f.write("2026/a.jpg", "one")
	f.write("2026/b.jpg", "two")
	k, done, err := f.finisher("").Finish(t.Context(), f.taken("2026/a.jpg"), complete, f.store)
	if err != nil || !done || k.State != watch.Removed || k.Since == 1 {
		t.Errorf("got %+v, %v, %v", k, done, err)
	}
	if !slices.Equal(f.stored, []watch.State{watch.Removing}) {
		t.Errorf("what was remembered on the way: %v", f.stored)
	}
	f.has(map[string]string{"2026/b.jpg": "two"})
}

func TestMove(t *testing.T) {
	f := newFolder(t)
	fin := f.finisher("done")
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	var moved []watch.Known
	for _, text := range []string{"one", "two"} { // the same name twice: none is overwritten
		f.write("2026/a.jpg", text)
		if err := os.Chtimes(filepath.Join(f.dir, "2026/a.jpg"), old, old); err != nil {
			t.Fatal(err)
		}
		k, done, err := fin.Finish(t.Context(), f.taken("2026/a.jpg"), complete, f.store)
		if err != nil || !done || k.State != watch.Removed {
			t.Fatalf("got %+v, %v, %v", k, done, err)
		}
		moved = append(moved, k)
	}
	f.has(map[string]string{"done/2026/a.jpg": "one", "done/2026/a (1).jpg": "two"})
	for i, want := range []string{"done/2026/a.jpg", "done/2026/a (1).jpg"} {
		if got, err := fin.Where(t.Context(), moved[i]); got != want || err != nil {
			t.Errorf("it lies at %q, not %q", got, want)
		}
		if info, err := os.Stat(filepath.Join(f.dir, want)); err != nil || !info.ModTime().Equal(old) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if got, err := f.finisher("").Where(t.Context(), moved[0]); got != "" || err != nil {
		t.Errorf("a deleted file lies at %q", got)
	}
}

func TestMoveToAnotherFileSystem(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	f.write("done/a.jpg", "older")
	fin := f.finisher("done")
	j, err := fin.open(f.taken("a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.root.Close()
	if err := j.root.Rename("a.jpg", j.private); err != nil {
		t.Fatal(err)
	}
	file, err := j.root.Open(j.private)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f.write("done/"+j.private, "half of it, left by a crash")
	if err := j.copyTo(file, "done/a.jpg"); err != nil {
		t.Fatal(err)
	}
	f.has(map[string]string{"done/a.jpg": "older", "done/a (1).jpg": "one"})
}

// TestChanged: what is not what was sent any more stays.
func TestChanged(t *testing.T) {
	for name, change := range map[string]func(f *folder, p string){
		"grown":    func(f *folder, p string) { f.write("a.jpg", "one and more") },
		"replaced": func(f *folder, p string) { os.Remove(p); f.write("a.jpg", "neo") },
		"a link":   func(f *folder, p string) { os.Rename(p, p+".b"); os.Symlink("a.jpg.b", p) },
		"a folder": func(f *folder, p string) { os.Remove(p); os.Mkdir(p, 0o777) },
		"gone":     func(f *folder, p string) { os.Remove(p) },
	} {
		f := newFolder(t)
		f.write("a.jpg", "one")
		k := f.taken("a.jpg")
		change(f, filepath.Join(f.dir, "a.jpg"))
		before := f.files()
		got, done, err := f.finisher("").Finish(t.Context(), k, complete, f.store)
		if err != nil || !done || got.State != watch.Taken || len(f.stored) > 0 {
			t.Errorf("%s: got %+v, %v, %v", name, got, done, err)
		}
		f.has(before)
	}
}

// TestChangedAtTheLastMoment: bytes that changed while nothing else tells it, and a
// new file that came to the name while the old one was aside.
func TestChangedAtTheLastMoment(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	k := f.taken("a.jpg")
	k.Sum = sha256.Sum256([]byte("eno"))
	got, done, err := f.finisher("").Finish(t.Context(), k, complete, f.store)
	if err != nil || !done || got.State != watch.Taken || got.Stat != f.taken("a.jpg").Stat {
		t.Errorf("got %+v, %v, %v", got, done, err)
	}
	f.has(map[string]string{"a.jpg": "one"})

	fin := f.finisher("")
	fin.before = func(step string) error {
		if step == "read" {
			f.write("a.jpg", "new")
		}
		return nil
	}
	k = f.taken("a.jpg")
	if got, done, err := fin.Finish(t.Context(), k, complete, f.store); err != nil || !done || got.State != watch.Removed {
		t.Errorf("got %+v, %v, %v", got, done, err)
	}
	f.has(map[string]string{"a.jpg": "new"})

	k = f.taken("a.jpg")
	fin.before = func(step string) error {
		if step == "read" {
			f.write("a.jpg", "newer")
			f.write("b", "put in its place")
			if err := os.Rename(filepath.Join(f.dir, "b"), filepath.Join(f.dir, Private("a.jpg"))); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if got, done, err := fin.Finish(t.Context(), k, complete, f.store); err != nil || !done || got.State != watch.Taken {
		t.Errorf("got %+v, %v, %v", got, done, err)
	}
	f.has(map[string]string{"a.jpg": "newer", "a (1).jpg": "put in its place"})
}

var errCut = errors.New("the machine stopped")

// TestCut stops between any two steps, goes on as after a restart, and finds the file
// in one place, whole, or gone by a decision that was right.
func TestCut(t *testing.T) {
	for _, moveTo := range []string{"", "done"} {
		for _, step := range []string{"store", "aside", "read", "go"} {
			for _, then := range []string{"nothing", "a new file", "undo"} {
				t.Run(moveTo+" "+step+" "+then, func(t *testing.T) {
					f := newFolder(t)
					f.write("d/a.jpg", "one")
					k := f.taken("d/a.jpg")
					durable := k
					store := func(_ context.Context, k watch.Known) error { durable = k; return nil }
					fin := f.finisher(moveTo)
					fin.before = func(s string) error {
						if s == step || s == "back" { // a stopped machine puts nothing back
							return errCut
						}
						return nil
					}
					if _, done, err := fin.Finish(t.Context(), k, complete, store); done || !errors.Is(err, errCut) {
						t.Fatalf("it was not cut: %v, %v", done, err)
					}
					want := map[string]string{}
					if moveTo != "" {
						want["done/d/a.jpg"] = "one"
					}
					if then == "a new file" && (step == "read" || step == "go") { // the name is free then
						f.write("d/a.jpg", "new")
						want["d/a.jpg"] = "new"
					}
					fin = f.finisher(moveTo)
					if then == "undo" {
						got, err := fin.Undo(t.Context(), durable)
						if err != nil || got.State != watch.Taken || got.Stat != f.taken("d/a.jpg").Stat {
							t.Errorf("got %+v, %v", got, err)
						}
						f.has(map[string]string{"d/a.jpg": "one"})
						return
					}
					got, done, err := fin.Finish(t.Context(), durable, complete, store)
					if err != nil || !done || got.State != watch.Removed {
						t.Errorf("got %+v, %v, %v", got, done, err)
					}
					f.has(want)
					// And once more, as where the last word was not remembered.
					if then == "nothing" {
						if got, done, err := f.finisher(moveTo).Finish(t.Context(), durable, complete, store); err != nil || !done || got.State != watch.Removed {
							t.Errorf("again: got %+v, %v, %v", got, done, err)
						}
						f.has(want)
					}
				})
			}
		}
	}
}

// TestStale: a file that a crash left aside comes back, under a number, where another
// has its name and was taken since.
func TestStale(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "new")
	f.write(Private("a.jpg"), "old")
	k, done, err := f.finisher("").Finish(t.Context(), f.taken("a.jpg"), complete, f.store)
	if err != nil || !done || k.State != watch.Removed {
		t.Errorf("got %+v, %v, %v", k, done, err)
	}
	f.has(map[string]string{"a (1).jpg": "old"})
}

// TestLinked: a crash between the two steps of a rename by links.
func TestLinked(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	k := f.taken("a.jpg")
	p := filepath.Join(f.dir, "a.jpg")
	if err := os.Link(p, filepath.Join(f.dir, Private("a.jpg"))); err != nil {
		t.Fatal(err)
	}
	k.State = watch.Removing
	if _, err := f.finisher("").Undo(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	f.has(map[string]string{"a.jpg": "one"})
}

func TestNewRefuses(t *testing.T) {
	for _, to := range []string{"/done", "../done", ".", "a/../b", "a/"} {
		if _, err := New(Options{Root: t.TempDir(), MoveTo: to}); err == nil {
			t.Errorf("%q is accepted", to)
		}
	}
}

// TestEnds: a context that ends leaves the file where it was.
func TestEnds(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	ctx, cancel := context.WithCancel(t.Context())
	fin := f.finisher("")
	fin.before = func(step string) error {
		if step == "read" {
			cancel()
		}
		return nil
	}
	k, done, err := fin.Finish(ctx, f.taken("a.jpg"), complete, f.store)
	if !errors.Is(err, context.Canceled) || done || k.State != watch.Taken || k.Stat != f.taken("a.jpg").Stat {
		t.Errorf("got %+v, %v, %v", k, done, err)
	}
	f.has(map[string]string{"a.jpg": "one"})
}

// TestOpenUnknown: where nobody can tell whether the file is open, it stays for a
// while.
func TestOpenUnknown(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	k := f.taken("a.jpg")
	now := time.Unix(1_700_000_000, 0)
	k.Since = now.UnixNano()
	fin := f.finisher("")
	fin.o.Clock = func() time.Time { return now }
	fin.lease = func(*os.File) (func(), bool, bool) { return func() {}, false, false }
	k, done, err := fin.Finish(t.Context(), k, complete, f.store)
	if err != nil || done || k.State != watch.Taken {
		t.Errorf("at once: got %+v, %v, %v", k, done, err)
	}
	f.has(map[string]string{"a.jpg": "one"})
	now = now.Add(restTime)
	k, done, err = fin.Finish(t.Context(), k, complete, f.store)
	if err != nil || !done || k.State != watch.Removed {
		t.Errorf("later: got %+v, %v, %v", k, done, err)
	}
	f.has(map[string]string{})
}

// TestUndoGone: what went before a crash is not taken for deleted by a person.
func TestUndoGone(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	k := f.taken("a.jpg")
	k.State = watch.Removing
	if err := os.Remove(filepath.Join(f.dir, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	if got, err := f.finisher("").Undo(t.Context(), k); err != nil || got.State != watch.Removed {
		t.Errorf("got %+v, %v", got, err)
	}
}
