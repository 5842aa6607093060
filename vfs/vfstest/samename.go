package vfstest

import (
	"io"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs"
)

// yielder is a staged file that can be told what gives way to it.
type yielder interface {
	YieldIf(yields func(before vfs.Entry) bool)
}

// yielding opens name for writing anew: what stands there gives way, or not.
func yielding(t *testing.T, f afero.Fs, name string, yields bool) afero.File {
	t.Helper()
	h, err := f.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	h.(yielder).YieldIf(func(vfs.Entry) bool { return yields })
	return h
}

// testSameNameMeanwhile: what came to a name after a file was opened for it stays,
// whatever was to become of what stood there at the open.
func testSameNameMeanwhile(t *testing.T, b *Bench, f *vfs.FS) {
	camera := f.Sub(vfs.View{SameName: vfs.Version})

	slow, fast := yielding(t, camera, "/a", true), yielding(t, camera, "/a", true)
	finish(t, fast, nil, "fast")
	finish(t, slow, nil, "slow")
	wantTree(t, f, map[string]string{"/a": "slow", "/a (1)": "fast"})
	f.RemoveAll("/a")
	f.RemoveAll("/a (1)")

	Write(t, f, "/a", "half")
	id := entry(t, f, "/a").ID
	finish(t, yielding(t, camera, "/a", true), nil, "whole")
	if entry(t, f, "/a").ID != id {
		t.Error("what gave way was not replaced")
	}
	finish(t, yielding(t, camera, "/a", false), nil, "another")
	wantTree(t, f, map[string]string{"/a": "another", "/a (1)": "whole"})
	f.RemoveAll("/a (1)")

	slow = yielding(t, camera, "/a", true)
	Write(t, f, "/a", "the same entry, other bytes")
	finish(t, slow, nil, "late")
	wantTree(t, f, map[string]string{"/a": "late", "/a (1)": "the same entry, other bytes"})

	slow = yielding(t, camera, "/a", true)
	f.RemoveAll("/a")
	finish(t, slow, nil, "later")
	wantTree(t, f, map[string]string{"/a": "later", "/a (1)": "the same entry, other bytes"})
}

// testSameNameAsked: Close asks with all bytes staged, about what stood there at
// the open, and only where the rule is the view's and something stood there.
func testSameNameAsked(t *testing.T, b *Bench, f *vfs.FS) {
	camera := f.Sub(vfs.View{SameName: vfs.Version})
	asked := 0
	put := func(view afero.Fs, name, content string) {
		t.Helper()
		h, err := view.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		h.(yielder).YieldIf(func(before vfs.Entry) bool {
			asked++
			got, err := io.ReadAll(io.NewSectionReader(h, 0, 100))
			if err != nil || string(got) != content || before.Size != 3 {
				t.Errorf("asked about %+v, with %q staged (%v)", before, got, err)
			}
			return true
		})
		finish(t, h, nil, content)
	}
	put(camera, "/a", "one")
	if asked != 0 {
		t.Error("asked about nothing")
	}
	put(camera, "/a", "two!")
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	put(f, "/a", "three") // replaces anyway
	b.Policy.Same = map[string]vfs.SameName{"/a": vfs.Version}
	put(camera, "/a", "four")
	if asked != 1 {
		t.Error("asked where the rule is another's")
	}
	wantTree(t, f, map[string]string{"/a": "four", "/a (1)": "three"})
}

// testSameNameResumed: what was cut and goes on does to the file at its name what
// it would have done without the cut.
func testSameNameResumed(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann", SameName: vfs.Version})
	resume := func(offset int64, yields bool) afero.File {
		t.Helper()
		h, err := f.Resume("/a", offset)
		if err != nil {
			t.Fatal(err)
		}
		h.(yielder).YieldIf(func(vfs.Entry) bool { return yields })
		return h
	}
	Write(t, all, "/a", "A")
	h, err := f.Create("/a")
	Cut(t, h, err, "B from ")
	finish(t, resume(7, false), nil, "0")
	wantTree(t, f, map[string]string{"/a": "B from 0", "/a (1)": "A"})
	h, err = f.Create("/a")
	Cut(t, h, err, "C from ")
	finish(t, resume(7, true), nil, "0")
	wantTree(t, f, map[string]string{"/a": "C from 0", "/a (1)": "A"})

	h, err = f.Create("/a")
	Cut(t, h, err, "D from ")
	Write(t, all, "/a", "somebody else's")
	finish(t, resume(7, false), nil, "0")
	wantTree(t, f, map[string]string{"/a": "D from 0", "/a (1)": "A", "/a (2)": "somebody else's"})

	// On a copy of the entry: that one is replaced, and nothing else.
	h, err = f.Resume("/a", 7)
	Cut(t, h, err, "entr")
	h = resume(11, false)
	finish(t, h, nil, "y")
	h, err = f.Resume("/a", 7)
	Cut(t, h, err, "late")
	h = resume(11, false)
	Write(t, all, "/a", "meanwhile")
	finish(t, h, nil, "r")
	wantTree(t, f, map[string]string{"/a": "D from later", "/a (1)": "A", "/a (2)": "somebody else's", "/a (3)": "meanwhile"})
}

// testSameNameDrop: two cameras of one session that may only drop files send two
// pictures over one that is their own.
func testSameNameDrop(t *testing.T, b *Bench, all *vfs.FS) {
	d := all.Sub(vfs.View{Owner: "guest", SameName: vfs.Version}).Drop(vfs.NewDropSession())
	Write(t, d, "/a", "half")
	slow, fast := yielding(t, d, "/a", true), yielding(t, d, "/a", true)
	finish(t, fast, nil, "fast")
	finish(t, slow, nil, "slow")
	wantTree(t, all, map[string]string{"/a": "fast", "/a (1)": "slow"})

	h, err := d.Resume("/a", 4) // the slow one, which is what "/a" is now
	Cut(t, h, err, "er")
	h, err = d.Resume("/a", 6)
	finish(t, h, err, "!")
	wantTree(t, all, map[string]string{"/a": "fast", "/a (1)": "slower!"})
}
