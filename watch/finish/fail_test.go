package finish

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"slipway/watch"
)

// TestMoveFails: a file that cannot be moved, for whatever reason, stands where it
// was, under its own name.
func TestMoveFails(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "done", Err: syscall.ENOSPC}
	for name, fail := range map[string]func(f *folder, fin *Finisher){
		"the place is a file":      func(f *folder, _ *Finisher) { f.write("done", "a file") },
		"its directory is a file":  func(f *folder, _ *Finisher) { f.write("done/d", "a file") },
		"a file comes there later": func(f *folder, fin *Finisher) { fin.before = at("read", func() { f.swap("done", "a file") }) },
		"a file comes to its directory": func(f *folder, fin *Finisher) {
			fin.before = at("read", func() { f.swap("done/d", "a file") })
		},
		"it may not be removed": func(_ *folder, fin *Finisher) { fin.remove = func(*os.Root, string) error { return full } },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.write("d/a.jpg", "one")
			k := f.taken("d/a.jpg")
			moveTo := "done"
			if name == "it may not be removed" {
				moveTo = ""
			}
			fin := f.finisher(moveTo)
			fail(f, fin)
			durable := k
			got, done, err := fin.Finish(t.Context(), k, complete, func(_ context.Context, k watch.Known) error { durable = k; return nil })
			if err == nil || done || got.State != watch.Taken || got.Stat != f.taken("d/a.jpg").Stat {
				t.Errorf("got %+v, %v, %v", got, done, err)
			}
			if text := f.files()["d/a.jpg"]; text != "one" {
				t.Errorf("the file is not where it was: %v", f.files())
			}
			// What was remembered on the way, as after a crash, finds it too.
			if got, _, err := fin.Finish(t.Context(), durable, complete, f.store); got.State != watch.Taken {
				t.Errorf("again: got %+v, %v", got, err)
			}
			if text := f.files()["d/a.jpg"]; text != "one" {
				t.Errorf("again: the file is not where it was: %v", f.files())
			}
		})
	}
}

// at returns what does something before a step, once.
func at(step string, do func()) func(string) error {
	return func(s string) error {
		if s == step {
			step = ""
			do()
		}
		return nil
	}
}

// swap puts a file in the place of a directory.
func (f *folder) swap(name, text string) {
	f.t.Helper()
	if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
	f.write(name, text)
}

// TestMayNotBeRenamed: a file that cannot even be put aside is not about to go.
func TestMayNotBeRenamed(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	k := f.taken("a.jpg")
	fin := f.finisher("")
	denied := &os.LinkError{Op: "rename", Old: "a.jpg", Err: syscall.EACCES}
	fin.rename = func(*os.Root, string, string) error { return denied }
	got, done, err := fin.Finish(t.Context(), k, complete, f.store)
	if !errors.Is(err, denied) || done || got.State != watch.Taken || got.Stat != k.Stat {
		t.Errorf("got %+v, %v, %v", got, done, err)
	}
	if len(f.stored) != 2 || f.stored[1] != watch.Taken {
		t.Errorf("it is remembered as %v", f.stored)
	}
	f.has(map[string]string{"a.jpg": "one"})
}
