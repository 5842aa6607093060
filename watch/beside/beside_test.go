package beside

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway/watch"
)

const (
	one = "https://host.example/1.jpg"
	two = "https://host.example/2.jpg"
)

// TestLife follows the sidecars of a file from its failure to its end.
func TestLife(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}})
	w.picture("d/a.jpg")
	w.must("d/a.jpg", false)
	w.has(map[string]string{"d/a.jpg": "picture d/a.jpg"})

	w.failed("d/a.jpg")
	w.must("d/a.jpg", false)
	if text := w.files(w.root)["d/a.jpg.error.txt"]; !strings.Contains(text, "the host is gone") {
		t.Errorf("a failure is told as %q", text)
	}
	w.sent("d/a.jpg", one)
	w.must("d/a.jpg", false)
	w.has(map[string]string{"d/a.jpg": "picture d/a.jpg", "d/a.jpg.url": shortcut(one)})
	w.sent("d/a.jpg", two)
	w.must("d/a.jpg", false)
	w.has(map[string]string{"d/a.jpg": "picture d/a.jpg", "d/a.jpg.url": shortcut(two)})
	w.must("d/a.jpg", true)
	w.has(map[string]string{"d/a.jpg": "picture d/a.jpg"})
	if b := w.known["d/a.jpg"].Beside; len(b) != 0 {
		t.Errorf("remembered is %v", b)
	}
}

// TestAllKinds writes every kind, and recognises each.
func TestAllKinds(t *testing.T) {
	w := newWorld(t, Options{File: kindsOfAll, Folder: []string{"html", "md", "csv"}})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	if err := w.beside.Folder(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.picture("b.jpg")
	w.failed("b.jpg")
	w.must("b.jpg", false)
	files := w.files(w.root)
	if len(files) != 2+6+3+2 {
		t.Errorf("there are %d files: %v", len(files), files)
	}
	for name := range files {
		_, ours := Recognise(w.root, name)
		if picture := strings.HasSuffix(name, ".jpg"); ours == picture {
			t.Errorf("%s is recognised: %v", name, ours)
		}
	}
}

// TestNothingChanged makes sure that nothing is written where nothing is new.
func TestNothingChanged(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url", "json"}, Folder: []string{"md"}})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	if err := w.beside.Folder(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.beside.before = func(step string) error { return errors.New(step) }
	stores := w.stores
	w.must("a.jpg", false)
	clear(w.beside.rest)
	if err := w.beside.Folder(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if w.stores != stores {
		t.Errorf("it is stored %d times", w.stores-stores)
	}
}

// TestForeign makes sure that a person's own file of a sidecar's name stays, and that
// ours comes to its name when that is free.
func TestForeign(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}})
	w.picture("a.jpg")
	w.write("a.jpg.url", "mine")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.url": "mine", "a.jpg.slipway.url": shortcut(one)})
	w.sent("a.jpg", two)
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.url": "mine", "a.jpg.slipway.url": shortcut(two)})
	w.write("a.jpg.slipway.url", "mine too")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.url": "mine", "a.jpg.slipway.url": "mine too"})
	w.remove("a.jpg.url")
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.url": shortcut(one), "a.jpg.slipway.url": "mine too"})
	w.must("a.jpg", true)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.slipway.url": "mine too"})
}

// TestEdited makes sure that a sidecar that a person has changed is his.
func TestEdited(t *testing.T) {
	w := newWorld(t, Options{File: []string{"txt"}})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	w.write("a.jpg.txt", "mine")
	w.sent("a.jpg", two)
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.txt": "mine", "a.jpg.slipway.txt": two + "\n"})
	w.write("a.jpg.slipway.txt", "mine too")
	w.must("a.jpg", true)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.txt": "mine", "a.jpg.slipway.txt": "mine too"})
}

// TestNotAFile makes sure that directories and links of a sidecar's name stay.
func TestNotAFile(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url", "txt"}})
	w.picture("a.jpg")
	w.write("victim", shortcut(one))
	if err := os.Symlink("victim", filepath.Join(w.root, "a.jpg.url")); err != nil {
		t.Skip(err)
	}
	if err := os.Mkdir(filepath.Join(w.root, "a.jpg.txt"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	w.sent("a.jpg", two)
	w.must("a.jpg", false)
	w.has(map[string]string{
		"a.jpg": "picture a.jpg", "victim": shortcut(one), "a.jpg.url": shortcut(one),
		"a.jpg.slipway.url": shortcut(two), "a.jpg.slipway.txt": two + "\n",
	})
}

// TestMoved moves a file, without its sidecars and with them.
func TestMoved(t *testing.T) {
	for _, with := range []bool{false, true} {
		w := newWorld(t, Options{File: []string{"url", "json"}})
		w.picture("a.jpg")
		w.sent("a.jpg", one)
		w.must("a.jpg", false)
		if err := os.Mkdir(filepath.Join(w.root, "d"), 0o700); err != nil {
			t.Fatal(err)
		}
		names := []string{"a.jpg"}
		if with {
			names = append(names, "a.jpg.url", "a.jpg.json")
		}
		for _, name := range names {
			if err := os.Rename(filepath.Join(w.root, name), filepath.Join(w.root, "d", name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.inner.Rename("/in/a.jpg", "/in/d/a.jpg"); err != nil {
			t.Fatal(err)
		}
		w.inner.ids["/in/d/a.jpg"] = w.inner.ids["/in/a.jpg"]
		k := w.known["a.jpg"]
		k.Path = "d/a.jpg"
		w.known["d/a.jpg"] = k
		w.must("d/a.jpg", false)
		got := slices.Sorted(func(yield func(string) bool) {
			for name := range w.files(w.root) {
				if !yield(name) {
					return
				}
			}
		})
		if !slices.Equal(got, []string{"d/a.jpg", "d/a.jpg.json", "d/a.jpg.url"}) {
			t.Errorf("with its sidecars %v: %v", with, got)
		}
		if !strings.Contains(w.files(w.root)["d/a.jpg.json"], `"path":"/in/d/a.jpg"`) {
			t.Errorf("with its sidecars %v: the receipt is the old one", with)
		}
	}
}

// TestRetry removes what tells of a failure, which asks for another try, and only then.
func TestRetry(t *testing.T) {
	for _, mirror := range []bool{false, true} {
		o := Options{File: []string{"url"}}
		if mirror {
			o.Dir = filepath.Join(t.TempDir(), "mirror")
		}
		w := newWorld(t, o)
		at := w.root
		if mirror {
			at = o.Dir
		}
		w.picture("d/a.jpg")
		w.failed("d/a.jpg")
		if settled, err := w.update("d/a.jpg", false); err != nil || settled == mirror {
			t.Errorf("a failure is settled: %v, %v", settled, err)
		}
		w.must("d/a.jpg", false)
		if len(w.retried) != 0 {
			t.Fatal("it is tried again by itself")
		}
		if err := os.Remove(filepath.Join(at, "d/a.jpg.error.txt")); err != nil {
			t.Fatal(err)
		}
		w.must("d/a.jpg", false)
		if len(w.retried) != 1 || len(w.known["d/a.jpg"].Beside) != 0 {
			t.Errorf("tried again: %v, remembered: %v", w.retried, w.known["d/a.jpg"].Beside)
		}
		w.failed("d/a.jpg")
		w.must("d/a.jpg", false)
		if w.files(at)["d/a.jpg.error.txt"] == "" || len(w.retried) != 1 {
			t.Errorf("the next failure: %v, %v", w.files(at), w.retried)
		}
	}
	b := New(Options{})
	for rel, want := range map[string]bool{"a.jpg.error.txt": true, "a.jpg.slipway.error.txt": true, "a.jpg.url": false, ".mirror/a.jpg.error.txt": false} {
		if got := b.Retries(watch.Known{Path: "a.jpg"}, rel); got != want {
			t.Errorf("the removal of %s is a try: %v", rel, got)
		}
	}
}

// TestMirror writes into a folder of its own, and leaves nothing behind there.
func TestMirror(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mirror")
	w := newWorld(t, Options{File: []string{"url"}, Folder: []string{"csv"}, Dir: dir})
	w.picture("x/y/a.jpg")
	w.must("x/y/a.jpg", true)
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder is made for nothing")
	}
	w.sent("x/y/a.jpg", one)
	w.must("x/y/a.jpg", false)
	if err := w.beside.Folder(t.Context(), "x/y"); err != nil {
		t.Fatal(err)
	}
	w.has(map[string]string{"x/y/a.jpg": "picture x/y/a.jpg"})
	if got := w.files(dir); got["x/y/a.jpg.url"] != shortcut(one) || !strings.Contains(got["x/y/_links.csv"], one) || len(got) != 2 {
		t.Errorf("the mirror has %v", got)
	}
	for key := range w.known["x/y/a.jpg"].Beside {
		if !strings.HasPrefix(key, mirrored) {
			t.Errorf("%s looks like a file of the folder", key)
		}
	}
	w.must("x/y/a.jpg", true)
	w.uploads = nil
	clear(w.beside.rest)
	if err := w.beside.Folder(t.Context(), "x/y"); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("the mirror has %v, %v", list, err)
	}
}

// TestNotThere makes sure that nothing is written where the file does not stand: its
// file system may not be mounted.
func TestNotThere(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.remove("a.jpg")
	if settled, err := w.update("a.jpg", false); settled || err != nil {
		t.Errorf("settled: %v, %v", settled, err)
	}
	w.has(map[string]string{})
}

// TestFinished makes sure that sidecars stay where a file was deleted, and go with one
// that was moved.
func TestFinished(t *testing.T) {
	where := ""
	w := newWorld(t, Options{File: []string{"url"}, Where: func(context.Context, watch.Known) (string, error) { return where, nil }})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	w.remove("a.jpg")
	k := w.known["a.jpg"]
	k.State = watch.Removed
	w.known["a.jpg"] = k
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg.url": shortcut(one)})

	where = "done/a (1).jpg"
	w.write(where, "picture a.jpg")
	w.must("a.jpg", false)
	w.has(map[string]string{where: "picture a.jpg", where + ".url": shortcut(one)})
	w.remove(where)
	w.must("a.jpg", false)
	w.has(map[string]string{})
}

// TestReadOnly makes sure that a folder that cannot be written to is no error.
func TestReadOnly(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}, Folder: []string{"md"}})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.beside.before = func(string) error { return &os.PathError{Op: "open", Path: "a", Err: syscall.EROFS} }
	for range 2 {
		if settled, err := w.update("a.jpg", false); !settled || err != nil {
			t.Errorf("settled: %v, %v", settled, err)
		}
	}
	if err := w.beside.Folder(t.Context(), ""); err != nil {
		t.Error(err)
	}
	w.has(map[string]string{"a.jpg": "picture a.jpg"})
	if w.beside.Reopened() {
		t.Error("it was probed at once")
	}
	for _, s := range w.beside.shut {
		s.next = time.Now()
	}
	if w.beside.Reopened() {
		t.Error("it cannot be written")
	}
	w.beside.before = func(string) error { return nil }
	for _, s := range w.beside.shut {
		s.next = time.Now()
	}
	if !w.beside.Reopened() || w.beside.Reopened() {
		t.Error("it can be written by now, which is told once")
	}
	w.has(map[string]string{"a.jpg": "picture a.jpg"})
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.url": shortcut(one)})
}

// TestEscapedNames finds views that are called otherwise than their file.
func TestEscapedNames(t *testing.T) {
	for _, name := range []string{`a:b?.jpg`, "con.jpg", "%.jpg", "a.jpg.", "nul"} {
		w := newWorld(t, Options{File: []string{"url", "txt"}})
		w.picture(name)
		w.sent(name, one)
		w.must(name, false)
		w.has(map[string]string{name: "picture " + name, name + ".url": shortcut(one), name + ".txt": one + "\n"})
		w.failed(name)
		w.must(name, false)
		if w.files(w.root)[name+".error.txt"] == "" {
			t.Errorf("%s: no failure is told", name)
			continue
		}
		w.remove(name + ".error.txt")
		w.must(name, false)
		if len(w.retried) != 1 {
			t.Errorf("%s: it is not tried again", name)
		}
	}
}

// TestVirtualForeign makes sure that what has a view's name in the virtual filesystem
// is neither copied nor removed.
func TestVirtualForeign(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}})
	w.picture("a.jpg")
	for _, name := range []string{"/in/a.jpg.url", "/in/a.jpg.error.txt"} {
		f, err := w.inner.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.url": shortcut(one)})
	w.failed("a.jpg")
	w.must("a.jpg", false)
	w.remove("a.jpg.error.txt")
	w.must("a.jpg", false)
	if _, err := w.inner.Stat("/in/a.jpg.error.txt"); err != nil || len(w.retried) != 1 {
		t.Errorf("the file: %v; tried again: %v", err, w.retried)
	}
}

// TestLongName gives up names that are too long.
func TestLongName(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}})
	name := strings.Repeat("a", 250) + ".jpg"
	w.picture(name)
	w.sent(name, one)
	w.must(name, false)
	w.has(map[string]string{name: "picture " + name})
}

// TestLostMemory makes sure that what can be nothing else than ours is written anew
// where nothing is remembered of it, and that anything else, or newer, stays.
func TestLostMemory(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url", "json"}})
	w.picture("a.jpg")
	w.sent("a.jpg", one)
	w.must("a.jpg", false)
	lost := func() {
		k := w.known["a.jpg"]
		k.Beside, k.Since = nil, time.Now().Add(time.Minute).UnixNano()
		w.known["a.jpg"] = k
	}
	lost()
	w.sent("a.jpg", two)
	w.must("a.jpg", false)
	files := w.files(w.root)
	if !strings.Contains(files["a.jpg.json"], two) || files["a.jpg.url"] != shortcut(one) || files["a.jpg.slipway.url"] != shortcut(two) || len(files) != 4 {
		t.Errorf("the folder has %v", files)
	}
	edited := strings.ReplaceAll(files["a.jpg.json"], two, "https://mine.example/")
	w.write("a.jpg.json", edited)
	for _, url := range []string{one, two} {
		k := w.known["a.jpg"]
		k.Since = 1
		w.known["a.jpg"] = k
		w.sent("a.jpg", url)
		w.must("a.jpg", false)
	}
	if got := w.files(w.root)["a.jpg.json"]; got != edited {
		t.Errorf("a person's %q is %q now", edited, got)
	}
}
