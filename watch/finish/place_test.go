package finish

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCopiedBeforeACrash: what was copied to another file system already is not there
// twice when the original goes at last; another file of its name stays.
func TestCopiedBeforeACrash(t *testing.T) {
	for done, want := range map[string]map[string]string{
		"one": {"done/a.jpg": "one"},
		"two": {"done/a.jpg": "two", "done/a (1).jpg": "one"},
	} {
		f := newFolder(t)
		f.write("a.jpg", "one")
		f.write("done/a.jpg", done)
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
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(f.dir, "done/a.jpg"), info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := j.copyTo(file, "done/a.jpg"); err != nil {
			t.Fatal(err)
		}
		f.has(want)
	}
}

// TestSpelled: a folder that has another name than `after` says, which the disk does not
// mind, or is a link to another one of the folder, would be looked at again.
func TestSpelled(t *testing.T) {
	f := newFolder(t)
	f.write("a.jpg", "one")
	f.write("archive/b.jpg", "two")
	f.write("old/Done/c.jpg", "three")
	if err := os.Symlink("archive", filepath.Join(f.dir, "done")); err != nil {
		t.Fatal(err)
	}
	fin := f.finisher("done")
	k, done, err := fin.Finish(t.Context(), f.taken("a.jpg"), complete, f.store)
	if err == nil || done || !strings.Contains(err.Error(), "symbolic link") || k.State != "taken" {
		t.Errorf("%v, %v, %+v", done, err, k)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "a.jpg")); err != nil {
		t.Error(err)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := f.finisher("old/done").spelled(root); err == nil || !strings.Contains(err.Error(), "(Done)") {
		t.Error(err)
	}
	if err := f.finisher("old/Done").spelled(root); err != nil {
		t.Error(err)
	}
}
