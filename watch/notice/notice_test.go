package notice

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// finder looks where hints say, as a scan does, and keeps which files it has seen.
type finder struct {
	root string
	mu   sync.Mutex
	seen map[string]bool
	told []string
	news chan struct{}
}

func (f *finder) changed(dir string, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, fmt.Sprintf("%s %v", dir, all))
	f.look(dir, all)
	select {
	case f.news <- struct{}{}:
	default:
	}
}

func (f *finder) look(dir string, all bool) {
	list, _ := os.ReadDir(filepath.Join(f.root, dir)) //nolint:errcheck // It may have gone.
	for _, e := range list {
		switch {
		case !e.IsDir():
			f.seen[under(dir, e.Name())] = true
		case all:
			f.look(under(dir, e.Name()), true)
		}
	}
}

// until waits for ok, which is asked after each hint.
func (f *finder) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		f.mu.Lock()
		done := ok()
		f.mu.Unlock()
		if done {
			return
		}
		select {
		case <-f.news:
		case <-deadline:
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Fatalf("%s; hints: %v", what, f.told[max(0, len(f.told)-20):])
		}
	}
}

// finds waits until a file was seen where a hint led.
func (f *finder) finds(t testing.TB, rel string) {
	t.Helper()
	f.until(t, "no hint leads to "+rel, func() bool { return f.seen[rel] })
}

// begin watches root until the test ends, and waits for the first hint.
func begin(t testing.TB, o Options) (*Notice, *finder) {
	t.Helper()
	f := &finder{root: o.Root, seen: make(map[string]bool), news: make(chan struct{}, 1)}
	n := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Watch(ctx, f.changed) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch: %v", err)
		}
	})
	f.until(t, "no first hint", func() bool { return slices.Contains(f.told, " true") })
	return n, f
}

func mkdir(t testing.TB, elem ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(elem...), 0o755); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, elem ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(elem...), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, root, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(root, from), filepath.Join(root, to)); err != nil {
		t.Fatal(err)
	}
}

// TestNewDirectories makes directories and writes into the lowest at once, which a
// watch of the uppermost alone misses nearly always.
func TestNewDirectories(t *testing.T) {
	root := t.TempDir()
	_, f := begin(t, Options{Root: root, Every: time.Millisecond})
	for i := range 200 {
		dir := fmt.Sprintf("%d/a/b/c", i)
		mkdir(t, root, dir)
		write(t, root, dir, "x.jpg")
		f.finds(t, dir+"/x.jpg")
	}
}

// TestRenames renames a directory with one in it, and then writes into both. What is
// written a while later is found only if there still is a watch.
func TestRenames(t *testing.T) {
	root := t.TempDir()
	mkdir(t, root, "d0/sub")
	_, f := begin(t, Options{Root: root, Every: time.Millisecond})
	for i := range 200 {
		from, to := fmt.Sprintf("d%d", i), fmt.Sprintf("d%d", i+1)
		rename(t, root, from, to)
		if i%2 == 0 {
			f.until(t, "the renamed directory is not told of", func() bool { return slices.Contains(f.told, to+" true") })
		}
		for _, dir := range []string{to, to + "/sub"} {
			name := fmt.Sprintf("%s/%d.jpg", dir, i)
			write(t, root, name)
			f.finds(t, name)
		}
	}
}

// TestMovedIn moves a directory with files in from elsewhere, and out again.
func TestMovedIn(t *testing.T) {
	base := t.TempDir()
	root, out := filepath.Join(base, "in"), filepath.Join(base, "out")
	mkdir(t, root)
	mkdir(t, out, "d/e")
	write(t, out, "d/e/x.jpg")
	_, f := begin(t, Options{Root: root})
	rename(t, base, "out/d", "in/d")
	f.finds(t, "d/e/x.jpg")
	write(t, root, "d/e/y.jpg")
	f.finds(t, "d/e/y.jpg")
	rename(t, base, "in/d", "out/d")
	f.until(t, "the directory that went is not told of", func() bool { return slices.Contains(f.told, "d true") })
}

// TestBurst writes 5,000 files at once into 50 directories.
func TestBurst(t *testing.T) {
	root := t.TempDir()
	_, f := begin(t, Options{Root: root})
	for i := range 50 {
		mkdir(t, root, fmt.Sprint(i))
		for k := range 100 {
			write(t, root, fmt.Sprintf("%d/%d.jpg", i, k))
		}
	}
	f.until(t, "files of a burst are missed", func() bool { return len(f.seen) == 5000 })
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.told); n > 500 {
		t.Errorf("%d hints for 50 directories", n)
	}
}

// TestLinks makes sure that nothing outside of the folder is watched, nor anything
// that is ignored.
func TestLinks(t *testing.T) {
	base := t.TempDir()
	root := filepath.Join(base, "in")
	mkdir(t, root, "done")
	mkdir(t, base, "out")
	if err := os.Symlink(filepath.Join(base, "out"), filepath.Join(root, "link")); err != nil {
		t.Skip(err)
	}
	_, f := begin(t, Options{Root: root, Ignore: func(rel string) bool { return rel == "done" }})
	write(t, root, "done/y.jpg")
	write(t, base, "out/x.jpg")
	if err := os.Symlink(filepath.Join(base, "out"), filepath.Join(root, "later")); err != nil {
		t.Fatal(err)
	}
	write(t, base, "out/z.jpg")
	write(t, root, "last.jpg")
	f.finds(t, "last.jpg")
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, told := range f.told {
		if told != " true" && told != " false" {
			t.Errorf("a hint about %s", told)
		}
	}
}

// TestLinkedRoot watches through a symbolic link that is the folder itself.
func TestLinkedRoot(t *testing.T) {
	base := t.TempDir()
	mkdir(t, base, "real/d")
	root := filepath.Join(base, "link")
	if err := os.Symlink("real", root); err != nil {
		t.Skip(err)
	}
	_, f := begin(t, Options{Root: root})
	write(t, base, "real/d/x.jpg")
	f.finds(t, "d/x.jpg")
}

// TestRootGoes makes sure that it is said when the folder goes, and that it can be
// watched again once it is back.
func TestRootGoes(t *testing.T) {
	base := t.TempDir()
	root := filepath.Join(base, "in")
	for _, test := range []struct {
		name string
		go_  func() error
	}{
		{"removed", func() error { return os.Remove(root) }},
		{"renamed", func() error { return os.Rename(root, root+" elsewhere") }},
	} {
		mkdir(t, root)
		first := make(chan struct{}, 16)
		done := make(chan error, 1)
		go func() {
			done <- New(Options{Root: root}).Watch(t.Context(), func(string, bool) { first <- struct{}{} })
		}()
		<-first
		if err := test.go_(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "folder") {
				t.Errorf("%s: %v", test.name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: nothing is said", test.name)
		}
	}
	err := New(Options{Root: root}).Watch(t.Context(), func(string, bool) {})
	if err == nil || !strings.Contains(err.Error(), "not there") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestAnyOrder applies random changes of directories, and demands that every file
// written is led to and that in the end exactly the directories there are watched.
func TestAnyOrder(t *testing.T) {
	base := t.TempDir()
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		root := filepath.Join(base, fmt.Sprint(round))
		mkdir(t, root)
		var source Source
		n := New(Options{Root: root, Every: time.Millisecond, Source: func() (s Source, err error) {
			source, err = system()
			return source, err
		}})
		f := &finder{root: root, seen: make(map[string]bool), news: make(chan struct{}, 1)}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- n.Watch(ctx, f.changed) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				rt.Errorf("Watch: %v", err)
			}
		}()
		f.until(t, "no first hint", func() bool { return slices.Contains(f.told, " true") })
		names := rapid.SampledFrom([]string{"a", "b", "a/a", "a/b", "b/a", "b/b", "a/a/a", "b/a/b"})
		for i := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			x, y := filepath.Join(root, names.Draw(rt, "x")), filepath.Join(root, names.Draw(rt, "y"))
			switch rapid.SampledFrom([]string{"mkdir", "mkdir", "rename", "rename", "remove", "write", "wait"}).Draw(rt, "step") {
			case "mkdir":
				os.MkdirAll(x, 0o755) //nolint:errcheck // What cannot be done is not done.
			case "rename":
				os.Rename(x, y) //nolint:errcheck // As above.
			case "remove":
				os.RemoveAll(x) //nolint:errcheck // As above.
			case "write":
				os.WriteFile(filepath.Join(x, fmt.Sprintf("%d.jpg", i)), []byte("x"), 0o600) //nolint:errcheck // As above.
			case "wait":
				time.Sleep(2 * time.Millisecond)
			}
		}
		var files, dirs []string
		filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error { //nolint:errcheck // It says so.
			if err != nil {
				rt.Fatal(err)
			}
			if d.IsDir() {
				dirs = append(dirs, name)
				return nil
			}
			rel, _ := filepath.Rel(root, name)
			files = append(files, filepath.ToSlash(rel))
			return nil
		})
		for _, file := range files {
			f.finds(t, file)
		}
		slices.Sort(dirs)
		var watched []string
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			watched = slices.Sorted(slices.Values(source.WatchList()))
			if slices.Equal(dirs, watched) {
				break
			}
		}
		if !slices.Equal(dirs, watched) {
			rt.Fatalf("there are %v\nwatched are %v", dirs, watched)
		}
		for _, dir := range dirs { // each watch is alive
			rel, _ := filepath.Rel(root, dir)
			name := strings.TrimPrefix(filepath.ToSlash(rel)+"/last.jpg", "./")
			write(t, root, name)
			f.finds(t, name)
		}
	})
}
