package index_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// TestLookupDeep looks up paths of up to 20 elements, more than one statement
// walks, on both databases.
func TestLookupDeep(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		tree := index.NewTree(indextest.Open(t, source), time.Now, nil)
		put := func(p string) {
			t.Helper()
			info := blob.Info{Ref: blob.NewRef(time.Now()), Size: 1, SHA256: blob.Sum{1}, Inline: []byte("x")}
			if _, _, err := tree.Apply(t.Context(), vfs.Put{Path: p, Blob: info, Type: "text/plain"}); err != nil {
				t.Fatal(err)
			}
		}
		dir, parent := "", vfs.Root
		for depth := range 20 {
			missing := dir + "/missing"
			if e, err := tree.Lookup(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) || e.Parent != parent {
				t.Errorf("depth %d, last missing: parent %d instead of %d, error %v", depth, e.Parent, parent, err)
			}
			if e, err := tree.Lookup(t.Context(), missing+"/x"); !errors.Is(err, fs.ErrNotExist) || e.Parent != 0 {
				t.Errorf("depth %d, two missing: parent %d, error %v", depth, e.Parent, err)
			}
			put(dir + "/file")
			for below := range 10 {
				_, err := tree.Lookup(t.Context(), dir+"/file"+strings.Repeat("/x", below+1))
				if !errors.Is(err, vfs.ErrNotDir) {
					t.Errorf("depth %d, %d below a file: %v", depth, below+1, err)
				}
			}
			dir += "/d"
			if _, _, err := tree.Apply(t.Context(), vfs.Mkdir{Path: dir}); err != nil {
				t.Fatal(err)
			}
			e, err := tree.Lookup(t.Context(), dir)
			if err != nil || !e.Dir || e.Name != "d" || e.Parent != parent {
				t.Fatalf("depth %d: %+v, %v", depth, e, err)
			}
			parent = e.ID
		}
		if e, err := tree.Lookup(t.Context(), "/d/file"); err != nil || e.Size != 1 || !e.Inline || e.Type != "text/plain" || e.SHA256 != (blob.Sum{1}) {
			t.Errorf("a file: %+v, %v", e, err)
		}
	})
}
