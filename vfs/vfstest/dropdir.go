package vfstest

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs"
)

// testDropDir: to a user who may only drop files, a name that another's file has is
// as free for a directory as one that nobody has, and what is put below it goes
// there.
func testDropDir(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/in")
	Write(t, f, "/in/sec.jpg", "secret")
	Write(t, f, "/in/more.jpg", "secret")
	d := f.Sub(vfs.View{Root: "/in", Owner: "guest", SameName: vfs.Version}).Drop(vfs.NewDropSession())

	for _, name := range []string{"/sec.jpg/x", "/free/x", "/sec.jpg/x/y", "/free/x/y"} {
		_, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0)
		wantAs(t, name, err, fs.ErrNotExist)
		_, err = d.Resume(name, 0)
		wantAs(t, name, err, fs.ErrNotExist)
		_, err = d.Stat(name)
		wantAs(t, name, err, fs.ErrNotExist)
		wantAs(t, name, d.Mkdir(name, 0), fs.ErrNotExist)
	}
	for _, name := range []string{"/sec.jpg", "/free"} {
		if err := d.Mkdir(name, 0); err != nil {
			t.Fatal(err)
		}
		wantErr(t, d.Mkdir(name, 0), fs.ErrExist)
		if err := d.MkdirAll(name, 0); err != nil {
			t.Error(err)
		}
		if info, err := d.Stat(name); err != nil || !info.IsDir() || info.Name() != name[1:] {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		Write(t, d, name+"/x", "1")
		Write(t, d, name+"/x", "2")
		h, err := d.Create(name + "/cut")
		Cut(t, h, err, "ab")
		wantKept(t, d, name+"/cut", 2)
		h, err = d.Resume(name+"/cut", 2)
		finish(t, h, err, "c")
		if err := d.Rename(name+"/cut", name+"/sub.jpg"); err != nil {
			t.Error(err)
		}
		wantErr(t, d.MkdirAll(name+"/sub.jpg/z", 0), vfs.ErrNotDir)              // its own file
		if infos, err := afero.ReadDir(d, name); err != nil || len(infos) != 2 { // the earlier x is not its own any more
			t.Errorf("%s has %v, %v", name, infos, err)
		}
	}
	if err := d.MkdirAll("/more.jpg/a/b", 0); err != nil {
		t.Fatal(err)
	}
	Write(t, d, "/more.jpg/a/b/f", "deep")
	if err := d.Rename("/free/x", "/more.jpg/moved"); err != nil {
		t.Error(err)
	}
	wantTree(t, f, map[string]string{
		"/in/": "", "/in/sec.jpg": "secret", "/in/more.jpg": "secret",
		"/in/sec (1).jpg/": "", "/in/sec (1).jpg/x": "2", "/in/sec (1).jpg/x (1)": "1", "/in/sec (1).jpg/sub.jpg": "abc",
		"/in/free/": "", "/in/free/x (1)": "1", "/in/free/sub.jpg": "abc",
		"/in/more (1).jpg/": "", "/in/more (1).jpg/a/": "", "/in/more (1).jpg/a/b/": "", "/in/more (1).jpg/a/b/f": "deep", "/in/more (1).jpg/moved": "2",
	})
	names, err := afero.ReadDir(d, "/")
	if err != nil || len(names) != 3 {
		t.Errorf("the root has %v, %v", names, err)
	}
	for _, info := range names {
		if _, err := d.Stat("/" + info.Name()); err != nil || info.Name() != "sec.jpg" && info.Name() != "free" && info.Name() != "more.jpg" {
			t.Errorf("listed: %s, %v", info.Name(), err)
		}
	}
	if err := errors.Join(d.Remove("/more.jpg/a/b/f"), d.Remove("/more.jpg/a/b")); err != nil {
		t.Error(err)
	}
}

// wantAs wants an error that tells nothing of files that are not to be seen.
func wantAs(t *testing.T, name string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || errors.Is(err, vfs.ErrNotDir) {
		t.Errorf("%s: %v, want %v", name, err, want)
	}
}
