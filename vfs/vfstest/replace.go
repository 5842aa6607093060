package vfstest

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs"
)

// testReplace compares Replace with Stat and OpenFile.
func testReplace(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/d")
	Write(t, f, "/d/old", "old")
	for name, want := range map[string]error{
		"/d/old": nil, "/d/new": nil, "/d": vfs.ErrIsDir, "/": vfs.ErrIsDir,
		"/none/new": fs.ErrNotExist, "/d/old/new": vfs.ErrNotDir, "/d/\x00": vfs.ErrBadName,
	} {
		before, file, err := f.Replace(name)
		if !errors.Is(err, want) || (file == nil) != (want != nil) {
			t.Errorf("%s: file %v, error %v instead of %v", name, file, err, want)
		}
		info, err := f.Stat(name)
		if (before == nil) != (err != nil) || before != nil && before != info {
			t.Errorf("%s is described as %v instead of %v", name, before, info)
		}
		if file != nil {
			replaceBy(t, file, "new")
		}
	}
	wantTree(t, f, map[string]string{"/d/": "", "/d/old": "new", "/d/new": "new"})
	readOnly := f.Sub(vfs.View{Rights: vfs.Read})
	if before, file, err := readOnly.Replace("/d/old"); before == nil || file != nil || !errors.Is(err, vfs.ErrReadOnly) {
		t.Errorf("for who may only read: %v, %v, %v", before, file, err)
	}
	madeNew := map[string]bool{}
	for _, c := range b.Hook.changes {
		madeNew[c.Path] = c.New // of several, the last
	}
	if madeNew["/d/old"] || !madeNew["/d/new"] {
		t.Errorf("new to the hook were %v", madeNew)
	}
}

func replaceBy(t *testing.T, file afero.File, content string) {
	t.Helper()
	_, err := file.WriteString(content)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Error(err)
	}
}
