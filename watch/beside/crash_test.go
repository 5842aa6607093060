package beside

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var errCrash = errors.New("the program has crashed")

// crash makes the n-th step, from 0, and all after it fail, and returns which it was.
func (w *world) crash(n int) *string {
	at := new(string)
	w.beside.before = func(step string) error {
		if n--; n >= 0 {
			return nil
		}
		if *at == "" {
			*at = step
		}
		return errCrash
	}
	return at
}

// TestCrash ends the program at every step of every change of sidecars, and demands
// that the next time all is as if it had not: nothing doubled, nothing left, nothing of
// a person's touched, and no try asked for.
func TestCrash(t *testing.T) {
	steps := make(map[string]bool)
	for _, foreign := range []bool{false, true} {
		for change, names := 0, []string{"first", "other", "failure", "recovered", "gone"}; change < len(names); change++ {
			for n := 0; ; n++ {
				w := newWorld(t, Options{File: []string{"url", "txt"}})
				w.picture("a.jpg")
				if foreign {
					w.write("a.jpg.url", "mine")
				}
				states := []func(){
					func() { w.sent("a.jpg", one) },
					func() { w.sent("a.jpg", two) },
					func() { w.failed("a.jpg") },
					func() { w.sent("a.jpg", one) },
					func() {},
				}
				for i := range change {
					states[i]()
					w.must("a.jpg", false)
				}
				states[change]()
				gone := names[change] == "gone"
				at := w.crash(n)
				_, err := w.update("a.jpg", gone)
				crashed := *at != ""
				if crashed != errors.Is(err, errCrash) {
					t.Fatalf("step %q: %v", *at, err)
				}
				steps[*at] = true
				w.beside.before = func(string) error { return nil }
				w.must("a.jpg", gone)
				w.must("a.jpg", gone)

				want := map[string]string{"a.jpg": "picture a.jpg"}
				between := ""
				if foreign {
					want["a.jpg.url"], between = "mine", yielding
				}
				switch names[change] {
				case "first", "recovered":
					want["a.jpg"+between+".url"], want["a.jpg.txt"] = shortcut(one), one+"\n"
				case "other":
					want["a.jpg"+between+".url"], want["a.jpg.txt"] = shortcut(two), two+"\n"
				case "failure":
					want["a.jpg.error.txt"] = w.files(w.root)["a.jpg.error.txt"]
				}
				w.has(want)
				if len(w.retried) != 0 {
					t.Error("it is tried again though nobody asked")
				}
				if t.Failed() {
					t.Fatalf("%s (foreign: %v), crashed at step %d, %q", names[change], foreign, n, *at)
				}
				if !crashed {
					break
				}
			}
		}
	}
	if want := []string{"", "remove", "rename", "store", "sync", "temp"}; !slices.Equal(slices.Sorted(maps.Keys(steps)), want) {
		t.Errorf("the steps are %q", slices.Sorted(maps.Keys(steps)))
	}
}

// TestFolderCrash is TestCrash for a folder's sidecars.
func TestFolderCrash(t *testing.T) {
	for change := range 3 {
		for n := 0; ; n++ {
			w := newWorld(t, Options{Folder: []string{"csv"}})
			w.picture("a.jpg")
			states := []func(){func() { w.sent("a.jpg", one) }, func() { w.sent("a.jpg", two) }, func() { w.uploads = nil }}
			for i := range change {
				states[i]()
				w.folder("")
			}
			states[change]()
			at := w.crash(n)
			clear(w.beside.rest)
			err := w.beside.Folder(t.Context(), "")
			if (*at != "") != errors.Is(err, errCrash) {
				t.Fatalf("step %q: %v", *at, err)
			}
			w.beside.before = func(string) error { return nil }
			w.folder("")
			files := w.files(w.root)
			if want := []int{2, 2, 1}[change]; len(files) != want {
				t.Fatalf("change %d, crashed at step %d, %q: the folder has %v", change, n, *at, files)
			}
			if *at == "" {
				break
			}
		}
	}
}

// TestFaster makes sure that a person who writes a file of the same name at the last
// moment keeps it.
func TestFaster(t *testing.T) {
	for _, before := range []bool{false, true} {
		w := newWorld(t, Options{File: []string{"url"}})
		w.picture("a.jpg")
		if before {
			w.sent("a.jpg", one)
			w.must("a.jpg", false)
		}
		w.sent("a.jpg", two)
		first := true
		w.beside.before = func(step string) error {
			if step == "rename" && first {
				first = false
				w.write("a.jpg.url", fmt.Sprint("mine, ", before))
			}
			return nil
		}
		w.must("a.jpg", false)
		w.has(map[string]string{"a.jpg": "picture a.jpg", "a.jpg.url": fmt.Sprint("mine, ", before), "a.jpg.slipway.url": shortcut(two)})
	}
}

// TestSweep removes what a crash left long ago, and nothing else.
func TestSweep(t *testing.T) {
	w := newWorld(t, Options{File: []string{"url"}})
	w.picture("d/a.jpg")
	old := time.Now().Add(-2 * sweepAge)
	for _, name := range []string{prefix + "old.tmp", prefix + "new.tmp", ".slipway-other.tmp"} {
		w.write("d/"+name, "x")
		if name != prefix+"new.tmp" {
			if err := os.Chtimes(filepath.Join(w.root, "d", name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.sent("d/a.jpg", one)
	w.must("d/a.jpg", false)
	w.has(map[string]string{"d/a.jpg": "picture d/a.jpg", "d/a.jpg.url": shortcut(one), "d/" + prefix + "new.tmp": "x", "d/.slipway-other.tmp": "x"})
}
