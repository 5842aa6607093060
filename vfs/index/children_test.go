package index_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// TestChildren: directories and files of a directory apart, in pages; where an entry
// is by its id; and a hook is told of every directory that is removed.
func TestChildren(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		var gone vfs.Change
		tree := index.NewTree(indextest.Open(t, source), time.Now, func(_ context.Context, _ vfs.Tx, changes []vfs.Change) error {
			for _, c := range changes {
				if c.Kind == vfs.Removed {
					gone = c
				}
			}
			return nil
		})
		apply := func(op vfs.Op) vfs.Entry {
			t.Helper()
			e, _, err := tree.Apply(t.Context(), op)
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		put := func(p string) vfs.Entry {
			t.Helper()
			return apply(vfs.Put{Path: p, Blob: blob.Info{Ref: blob.NewRef(time.Now()), Size: 1, SHA256: blob.Sum{1}, Inline: []byte("x")}})
		}
		top := apply(vfs.Mkdir{Path: "/t"})
		inner := apply(vfs.Mkdir{Path: "/t/z/in", Parents: true})
		apply(vfs.Mkdir{Path: "/t/b"})
		file := put("/t/y")
		put("/t/a")
		list := func(dirs bool, after string, limit int) string {
			t.Helper()
			entries, err := tree.Children(t.Context(), top.ID, dirs, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range entries {
				if names = append(names, e.Name); e.Dir != dirs || e.Parent != top.ID {
					t.Errorf("%+v", e)
				}
			}
			return strings.Join(names, " ")
		}
		for _, got := range [][2]string{
			{list(true, "", 10), "b z"}, {list(true, "", 1), "b"}, {list(true, "b", 10), "z"}, {list(true, "z", 10), ""},
			{list(false, "", 10), "a y"}, {list(false, "a", 10), "y"},
		} {
			if got[0] != got[1] {
				t.Errorf("%q, want %q", got[0], got[1])
			}
		}
		if e, p, err := tree.At(t.Context(), file.ID); err != nil || p != "/t/y" || e.ID != file.ID || e.Size != 1 {
			t.Errorf("%+v, %s, %v", e, p, err)
		}
		if e, p, err := tree.At(t.Context(), vfs.Root); err != nil || p != "/" || !e.Dir {
			t.Errorf("%+v, %s, %v", e, p, err)
		}
		if _, _, err := tree.At(t.Context(), 1<<40); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		apply(vfs.Remove{Path: "/t", Tree: true})
		if len(gone.IDs) != 2 || len(gone.Dirs) != 4 || !slices.Contains(gone.Dirs, inner.ID) || !slices.Contains(gone.Dirs, top.ID) {
			t.Errorf("%+v", gone)
		}
	})
}
