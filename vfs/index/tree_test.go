package index_test

import (
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
	"slipway/vfs/vfstest"
)

func TestTree(t *testing.T) {
	indextest.Each(t, func(t *testing.T, _ string) {
		postgres := t.Name() == "TestTree/postgres"
		vfstest.Run(t, func(t *testing.T, hook vfs.Hook, clock func() time.Time) (vfs.Index, blob.Store, func() error) {
			source := indextest.SQLite(t)
			if postgres {
				source = indextest.Postgres(t)
			}
			db := indextest.Open(t, source)
			disk, err := blob.NewDisk(t.TempDir(), blob.DiskOptions{})
			if err != nil {
				t.Fatal(err)
			}
			collector := index.Collector{DB: db, Store: disk, Clock: clock}
			return index.NewTree(db, clock, hook), disk, func() error {
				_, err := collector.Collect(t.Context())
				return err
			}
		})
	})
}
