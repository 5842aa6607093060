package ledger_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// library makes a database of n files, 1,000 in each folder of ten homes, each with
// an upload: all but some are done, those that failed are the oldest.
func library(b testing.TB, w *world, n int) {
	began := time.Now()
	numbers := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n-1)
	folders := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n/1000-1)
	bytes, hex := "CAST(printf('%032d', i) AS BLOB)", "printf('%06d', i)"
	if w.db.Postgres() {
		bytes, hex = "CAST(lpad(CAST(i AS TEXT), 32, '0') AS BYTEA)", "lpad(CAST(i AS TEXT), 6, '0')"
	}
	name := "'IMG_2024' || (1000 + i % 365) || '_' || " + hex + " || CASE WHEN i % 500000 = 123456 THEN '_Zugspitze' ELSE '' END || '.jpg'"
	for _, query := range []string{
		"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9) " +
			"INSERT INTO entries (id, parent, name, key, dir, inline, size, type, modified, created) SELECT 10 + i, 1, 'home' || i, 'home' || i, 1, 0, 0, '', 0, 0 FROM n",
		folders + "INSERT INTO entries (id, parent, name, key, dir, inline, size, type, modified, created) SELECT 1000 + i, 10 + i % 10, 'trip' || i, 'trip' || i, 1, 0, 0, '', 0, 0 FROM n",
		numbers + "INSERT INTO entries (id, parent, name, key, dir, inline, size, type, sha256, modified, created) SELECT 10000000 + i, 1000 + i / 1000, " +
			name + ", " + name + ", 0, 1, 1, 'image/jpeg', " + bytes + ", 0, 0 FROM n",
		numbers + `INSERT INTO uploads (id, key, entry, destination, host, sha256, inline, size, type, path, ord, state, due, created, changed, since, dir)
			SELECT 1 + i, '', 10000000 + i, CASE i % 2 WHEN 0 THEN 'one' ELSE 'two' END, 'host1', ` + bytes + `, 1, 1, 'image/jpeg',
			'/home' || (i / 1000 % 10) || '/trip' || (i / 1000) || '/' || ` + name + `, 0,
			CASE WHEN i < 50 THEN 'failed' WHEN i % 50000 = 49999 THEN 'held' ELSE 'done' END, 0, 1, 1700000000000000000 + CAST(i AS BIGINT) * 1000000, 1, 1000 + i / 1000 FROM n`,
	} {
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, query)
			return err
		})
	}
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		if w.db.Postgres() { // as it does by itself after a while
			_, err := tx.Exec(ctx, "ANALYZE entries, uploads")
			return err
		}
		return nil
	})
	b.Logf("made in %v", time.Since(began))
	began = time.Now()
	if err := w.l.IndexNow(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("indexed in %v", time.Since(began))
}

// BenchmarkFind answers what the page asks of 1,000,000 uploads.
func BenchmarkFind(b *testing.B) {
	for _, db := range []struct {
		name   string
		source func(testing.TB) string
	}{{"sqlite", sqlite}, {"postgres", postgres}} {
		b.Run(db.name, func(b *testing.B) {
			w := newWorld(b, db.source(b))
			n := libraryFiles()
			library(b, w, n)
			middle := ledger.Place(1700000000000000000+int64(n)/2*1000000, int64(n)/2)
			failed := []uploader.State{uploader.Failed}
			for _, q := range []struct {
				name string
				ledger.Query
			}{
				{"list", ledger.Query{}},
				{"list from the middle", ledger.Query{After: middle}},
				{"list of a home", ledger.Query{Dir: 10}},
				{"list of a home from the middle", ledger.Query{Dir: 10, After: middle}},
				{"list of a folder", ledger.Query{Dir: 1007}},
				{"state", ledger.Query{States: failed}},
				{"state in a home", ledger.Query{Dir: 10, States: failed}},
				{"state in a home that has none", ledger.Query{Dir: 11, States: failed}},
				{"destination", ledger.Query{Destination: "two"}},
				{"destination in a home", ledger.Query{Destination: "two", Dir: 13}},
				{"time", ledger.Query{Since: time.Unix(1700000500, 0), Before: time.Unix(1700000510, 0)}},
				{"present", ledger.Query{Present: true}},
				{"rare word", ledger.Query{Text: "zugspitze"}},
				{"rare words", ledger.Query{Text: "img 0123456 zug"}},
				{"number", ledger.Query{Text: "777777"}},
				{"folder's name", ledger.Query{Text: "trip555"}},
				{"word of a day", ledger.Query{Text: "20241111"}},
				{"word of all", ledger.Query{Text: "jpg"}},
				{"word of all in a home", ledger.Query{Text: "img", Dir: 15}},
				{"word of none", ledger.Query{Text: "nowhere"}},
				{"two words of all", ledger.Query{Text: "20241000 trip1"}},
			} {
				b.Run(q.name, func(b *testing.B) {
					var p ledger.Page
					var err error
					for b.Loop() {
						if p, err = w.l.Find(b.Context(), q.Query); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(len(p.Uploads)), "found")
					if p.Partly {
						b.ReportMetric(1, "partly")
					}
				})
			}
			b.Run("stats", func(b *testing.B) {
				for b.Loop() {
					if s, err := w.l.Stats(b.Context()); err != nil || s["one"].Count[uploader.Failed] != 25 {
						b.Fatal(s["one"], err)
					}
				}
			})
			b.Run("tallies of a home", func(b *testing.B) {
				for b.Loop() {
					if s, err := w.l.Tallies(b.Context(), 10); err != nil || s["one"][uploader.Failed] != 25 {
						b.Fatal(s, err)
					}
				}
			})
		})
	}
}

// libraryFiles is how many files benchmarks make: 1,000,000, or what
// SLIPWAY_BENCH_FILES says.
func libraryFiles() int {
	if n, err := strconv.Atoi(os.Getenv("SLIPWAY_BENCH_FILES")); err == nil {
		return n
	}
	return 1_000_000
}
