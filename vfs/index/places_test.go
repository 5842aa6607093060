package index_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

func TestPlaces(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		testPlaces(t, index.NewTree(indextest.Open(t, source), time.Now, nil))
	})
}

func testPlaces(t *testing.T, tree *index.Tree) {
	apply := func(op vfs.Op) vfs.Entry {
		t.Helper()
		e, _, err := tree.Apply(t.Context(), op)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	put := func(p, text string) vfs.Entry {
		t.Helper()
		return apply(vfs.Put{Path: p, Blob: blob.Info{Ref: blob.NewRef(time.Now()), Size: int64(len(text)), SHA256: blob.Sum{1: text[0]}, Inline: []byte(text)}})
	}
	dir := apply(vfs.Mkdir{Path: "/a/b", Parents: true})
	one, two, top := put("/a/b/1", "x"), put("/a/b/2", "y"), put("/3", "z")
	gone := put("/a/4", "w")
	apply(vfs.Remove{Path: "/a/4"})
	apply(vfs.Move{From: "/a", To: "/c"})
	got, err := tree.Places(t.Context(), []vfs.ID{vfs.Root, dir.ID, one.ID, two.ID, top.ID, gone.ID, 99999})
	if err != nil {
		t.Fatal(err)
	}
	want := map[vfs.ID]index.Place{
		vfs.Root: {"/", true, blob.Sum{}}, dir.ID: {"/c/b", true, blob.Sum{}},
		one.ID: {"/c/b/1", false, blob.Sum{1: 'x'}}, two.ID: {"/c/b/2", false, blob.Sum{1: 'y'}}, top.ID: {"/3", false, blob.Sum{1: 'z'}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}
