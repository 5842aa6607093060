package vfstest

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/vfs"
)

// lockedAt is what somebody has locked, as View.Locked tells it: folders with all
// that is in them.
type lockedAt []string

func (l lockedAt) locked(p string, tree bool) bool {
	return slices.ContainsFunc(l, func(root string) bool {
		return p == root || strings.HasPrefix(p, root+"/") || tree && strings.HasPrefix(root, p+"/")
	})
}

// testLocked: what is locked stands unchanged, and nothing new is turned away.
func testLocked(t *testing.T, b *Bench, all *vfs.FS) {
	mkdir(t, all, "/h", "/h/d", "/h/d/e", "/h/free")
	for _, name := range []string{"/h/x", "/h/d/y", "/h/d/e/z", "/h/free/f"} {
		Write(t, all, name, "old")
	}
	locks := lockedAt{"/h/x", "/h/d/e"}
	f := all.Sub(vfs.View{Root: "/h", Owner: "ann", Locked: locks.locked})
	before := Tree(t, all)
	for name, change := range map[string]func() error{
		"create":          func() error { _, err := f.Create("/x"); return err },
		"replace":         func() error { _, _, err := f.Replace("/x"); return err },
		"append":          func() error { _, err := f.OpenFile("/x", os.O_WRONLY|os.O_APPEND, 0o666); return err },
		"resume":          func() error { _, err := f.Resume("/x", 1); return err },
		"remove":          func() error { return f.Remove("/x") },
		"remove above":    func() error { return f.RemoveAll("/d") },
		"remove below":    func() error { return f.Remove("/d/e/z") },
		"rename":          func() error { return f.Rename("/x", "/n") },
		"move above":      func() error { _, err := f.Move("/d", "/n", true); return err },
		"rename onto":     func() error { return f.Rename("/free/f", "/x") },
		"copy onto above": func() error { _, err := f.Copy("/free", "/d", true, true); return err },
		"times":           func() error { return f.Chtimes("/x", time.Time{}, time.Unix(1, 0)) },
		"properties":      func() error { return f.SetProperties("/x", nil, nil, time.Unix(1, 0)) },
	} {
		err := change()
		if !errors.Is(err, vfs.ErrLocked) || strings.Contains(err.Error(), "/h") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantTree(t, all, before)

	Write(t, f, "/d/e/new", "new")
	Write(t, f, "/free/f", "new")
	cameras := all.Sub(vfs.View{Root: "/h", SameName: vfs.Version, Locked: locks.locked})
	Write(t, cameras, "/x", "another")
	Write(t, cameras, "/d/y", "another")
	if err := f.Mkdir("/d/e/dir", 0o777); err != nil {
		t.Error(err)
	}
	if err := f.Rename("/free/f", "/d/e/f"); err != nil {
		t.Error(err)
	}
	wantTree(t, f, map[string]string{
		"/x": "old", "/x (1)": "another", "/d/": "", "/d/y": "another", "/d/y (1)": "old", "/d/e/": "", "/d/e/z": "old",
		"/d/e/new": "new", "/d/e/dir/": "", "/d/e/f": "new", "/free/": "",
	})
}

// testLockedMeanwhile: a lock that was granted while the bytes came counts.
func testLockedMeanwhile(t *testing.T, b *Bench, all *vfs.FS) {
	Write(t, all, "/x", "old")
	var locks lockedAt
	held := func(p string, tree bool) bool { return locks.locked(p, tree) }
	put := func(rule vfs.SameName, name string) error {
		locks = nil
		h, err := all.Sub(vfs.View{SameName: rule, Locked: held}).Create(name)
		if err != nil {
			t.Fatal(err)
		}
		h.WriteString(strings.Repeat("new", 50_000)) //nolint:errcheck // Close tells
		locks = lockedAt{"/x", "/new"}
		return h.Close()
	}
	wantErr(t, put(vfs.Replace, "/x"), vfs.ErrLocked)
	if err := put(vfs.Version, "/x"); err != nil {
		t.Error(err)
	}
	if err := put(vfs.Replace, "/new"); err != nil {
		t.Error(err) // nothing stands there that could be locked
	}
	if Read(t, all, "/x") != "old" || len(Read(t, all, "/x (1)")) != 150_000 || len(Read(t, all, "/new")) != 150_000 {
		t.Errorf("%d entries", len(Tree(t, all)))
	}
}

// testDropLocked: who only drops files is not told of others' locks, and does not
// change what of his own others have locked.
func testDropLocked(t *testing.T, _ *Bench, all *vfs.FS) {
	Write(t, all, "/x", "theirs")
	var locks lockedAt
	session := vfs.NewDropSession()
	d := all.Sub(vfs.View{Locked: func(p string, tree bool) bool { return locks.locked(p, tree) }}).Drop(session)
	locks = lockedAt{"/x"}
	Write(t, d, "/x", "mine")
	Write(t, d, "/y", "mine")
	if err := d.Rename("/y", "/x"); err != nil {
		t.Error(err)
	}
	locks = lockedAt{"/x", "/x (1)"}
	wantErr(t, d.Remove("/x"), vfs.ErrLocked)
	wantTree(t, all, map[string]string{"/x": "theirs", "/x (1)": "mine"})
	if name, ok := session.Chosen(entry(t, d, "/x").ID); !ok || name != "/x" || session.Path("/x") != "/x (1)" {
		t.Errorf("chosen %q, %v, put at %q", name, ok, session.Path("/x"))
	}
}
