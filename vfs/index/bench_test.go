package index_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// eachIndex runs f on an index on SQLite and on one on PostgreSQL.
func eachIndex(b *testing.B, f func(b *testing.B, tree *index.Tree)) {
	for name, source := range map[string]func(testing.TB) string{"sqlite": indextest.SQLite, "postgres": indextest.Postgres} {
		b.Run(name, func(b *testing.B) {
			f(b, index.NewTree(indextest.Open(b, source(b)), time.Now, nil))
		})
	}
}

func apply(b *testing.B, tree *index.Tree, op vfs.Op) {
	b.Helper()
	if _, _, err := tree.Apply(context.Background(), op); err != nil {
		b.Fatal(err)
	}
}

func put(p string) vfs.Put {
	sum := blob.Sum{1}
	copy(sum[1:], p)
	return vfs.Put{Path: p, Blob: blob.Info{Ref: blob.NewRef(time.Now()), Size: 1, SHA256: sum, Inline: []byte{1}}}
}

// grow makes 100 directories of n/100 files each below dir.
func grow(b *testing.B, tree *index.Tree, dir string, n int) {
	b.Helper()
	apply(b, tree, vfs.Mkdir{Path: dir})
	apply(b, tree, vfs.Mkdir{Path: dir + "/0"})
	for i := range n / 100 {
		apply(b, tree, put(fmt.Sprintf("%s/0/%d", dir, i)))
	}
	for i := 1; i < 100; i++ {
		apply(b, tree, vfs.Copy{From: dir + "/0", To: fmt.Sprintf("%s/%d", dir, i)})
	}
}

func BenchmarkPut(b *testing.B) {
	eachIndex(b, func(b *testing.B, tree *index.Tree) {
		i := 0
		for b.Loop() {
			i++
			apply(b, tree, put(fmt.Sprintf("/%d", i)))
		}
	})
}

func BenchmarkRemove(b *testing.B) {
	eachIndex(b, func(b *testing.B, tree *index.Tree) {
		for i := range b.N {
			apply(b, tree, put(fmt.Sprintf("/%d", i)))
		}
		b.ResetTimer()
		for i := range b.N {
			apply(b, tree, vfs.Remove{Path: fmt.Sprintf("/%d", i)})
		}
	})
}

// BenchmarkTree10000 copies a tree of 10,000 files, and removes the copy.
func BenchmarkTree10000(b *testing.B) {
	eachIndex(b, func(b *testing.B, tree *index.Tree) {
		grow(b, tree, "/a", 10000)
		b.ResetTimer()
		var copied, removed time.Duration
		for range b.N {
			began := time.Now()
			apply(b, tree, vfs.Copy{From: "/a", To: "/b"})
			copied += time.Since(began)
			began = time.Now()
			apply(b, tree, vfs.Remove{Path: "/b", Tree: true})
			removed += time.Since(began)
		}
		b.ReportMetric(float64(copied.Milliseconds())/float64(b.N), "ms/copy")
		b.ReportMetric(float64(removed.Milliseconds())/float64(b.N), "ms/remove")
	})
}

func BenchmarkUsage100000(b *testing.B) {
	eachIndex(b, func(b *testing.B, tree *index.Tree) {
		grow(b, tree, "/a", 100000)
		for b.Loop() {
			if _, err := tree.Usage(b.Context(), "/"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkQuotaPut puts files for a user with a quota and 100,000 files.
func BenchmarkQuotaPut(b *testing.B) {
	eachIndex(b, func(b *testing.B, tree *index.Tree) {
		grow(b, tree, "/a", 100000)
		if _, err := tree.Usage(b.Context(), "/"); err != nil { // the first counts them
			b.Fatal(err)
		}
		i := 0
		for b.Loop() {
			i++
			op := put(fmt.Sprintf("/%d", i))
			op.Quota, op.QuotaRoot = 1<<40, "/"
			apply(b, tree, op)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	eachIndex(b, func(b *testing.B, tree *index.Tree) {
		apply(b, tree, vfs.Mkdir{Path: "/a/b/c", Parents: true})
		apply(b, tree, put("/a/b/c/d"))
		for b.Loop() {
			if _, err := tree.Lookup(b.Context(), "/a/b/c/d"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkProperties10000 asks for the properties of 10,000 files, of which few
// have any.
func BenchmarkProperties10000(b *testing.B) {
	eachIndex(b, func(b *testing.B, tree *index.Tree) {
		grow(b, tree, "/a", 10000)
		apply(b, tree, vfs.Patch{Path: "/a/7/7", Set: map[xml.Name]string{{Local: "x"}: "1"}})
		ids := make([]vfs.ID, 10000)
		for i := range ids {
			ids[i] = vfs.ID(i + 1)
		}
		for b.Loop() {
			for page := range slices.Chunk(ids, 500) {
				if _, err := tree.Properties(b.Context(), page); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
