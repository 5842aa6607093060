package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"slipway/vfs"
)

// BenchmarkRemoveTree removes a folder of files whose pictures are to be deleted at
// their host, in one transaction.
func BenchmarkRemoveTree(b *testing.B) {
	for name, source := range map[string]func(testing.TB) string{"sqlite": sqlite, "postgres": postgres} {
		for _, n := range []int{1000, 20000} {
			for _, dir := range []string{"/a/keep", "/a/del"} {
				b.Run(fmt.Sprint(name, n, dir), func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						w := newWorld(b, source(b))
						w.quiet = time.Hour
						w.many(dir, n)
						b.StartTimer()
						w.removeTree(dir)
					}
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/file")
				})
			}
		}
	}
}

// BenchmarkRemoveEach removes the files of such a folder one after the other.
func BenchmarkRemoveEach(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		for _, dir := range []string{"/a/keep", "/a/del"} {
			b.Run(fmt.Sprint(n, dir), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					w := newWorld(b, sqlite(b))
					es := w.many(dir, n)
					b.StartTimer()
					w.removeEach(es)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/file")
			})
		}
	}
}

// many hosts n files in dir, in one transaction.
func (w *world) many(dir string, n int) (es []vfs.Entry) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		for i := range n {
			e, err := w.putIn(ctx, tx, fmt.Sprintf("%s/%05d.jpg", dir, i), fmt.Sprint(dir, i))
			if err != nil {
				return err
			}
			es = append(es, e)
		}
		_, err := tx.Exec(ctx, `INSERT INTO hosted (host, destination, sha256, remote, url, viewer_url, thumbnail_url, delete_url, identical, awaiting,
			album, category, created, expires, deleted, inline, size, type) SELECT host, destination, sha256, key, 'https://host/' || key, '', '', 'secret', 0, 0,
			'', '', created, 0, 0, 0, size, type FROM uploads`)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE uploads SET state = 'done', reason = '', finished = created, blob = NULL,
			hosted = (SELECT id FROM hosted WHERE host = uploads.host AND remote = uploads.key)`)
		return err
	})
	return es
}
