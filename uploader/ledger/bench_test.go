package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/index"
)

// waiting returns a database's path in which n uploads to one wait.
func waiting(b testing.TB, n int, content func(i int) string) (*world, string) {
	source := sqlite(b)
	w := newWorld(b, source)
	for i := 0; i < n; i += 1000 {
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			for j := range min(1000, n-i) {
				if _, err := w.putIn(ctx, tx, fmt.Sprintf("/a/d%d/%d.jpg", i/1000, i+j), content(i+j)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return w, source
}

// BenchmarkOnCommit is what the hook adds to the transaction of a fresh file.
func BenchmarkOnCommit(b *testing.B) {
	w := newWorld(b, sqlite(b))
	e := w.put("/unrouted/x.jpg", "X")
	left := b.N
	b.ResetTimer()
	for left > 0 {
		n := min(left, 500)
		left -= n
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			for range n {
				e.ID++
				if err := w.l.OnCommit(ctx, tx, []vfs.Change{{Kind: vfs.Stored, Entry: e, Path: "/a/x.jpg"}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// BenchmarkClaim takes and finishes 16 rows while 100,000 wait, durably.
func BenchmarkClaim(b *testing.B) {
	for name, content := range map[string]func(int) string{
		"different bytes": func(i int) string { return fmt.Sprint(i) },
		"the same bytes":  func(int) string { return "same" },
		"of a replay":     func(i int) string { return fmt.Sprint(i) },
	} {
		b.Run(name, func(b *testing.B) {
			w, source := waiting(b, 100_000, content)
			if name == "of a replay" {
				w.tx(func(ctx context.Context, tx vfs.Tx) error {
					_, err := tx.Exec(ctx, "UPDATE uploads SET late = 1")
					return err
				})
			}
			db, err := index.Open(b.Context(), source, index.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			l, err := ledger.New(b.Context(), db, ledger.Options{Router: router{}, Destinations: []string{"one"}})
			if err != nil {
				b.Fatal(err)
			}
			// Rows of the same bytes are put aside once, at the first claims.
			for range 100_000/512 + 1 {
				claimAndFinish(b, l, "warm")
			}
			b.ResetTimer()
			for i := range b.N {
				claimAndFinish(b, l, fmt.Sprint(i))
			}
		})
	}
}

func claimAndFinish(b *testing.B, l *ledger.Ledger, id string) {
	got, _, err := l.Claim(b.Context(), uploader.ClaimRequest{Destination: "one", Host: "host1", N: 16, Free: 16, Lease: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	for i, c := range got {
		o := done(fmt.Sprint(id, i))
		if len(c.Known) > 0 {
			o = uploader.Outcome{State: uploader.Done, Reason: uploader.ReasonReused, Picture: &c.Known[0]}
		}
		if err := l.Finish(b.Context(), c, o); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart opens a ledger in which 100,000 uploads wait.
func BenchmarkStart(b *testing.B) {
	w, _ := waiting(b, 100_000, func(i int) string { return fmt.Sprint(i) })
	b.ResetTimer()
	for range b.N {
		w.reopen()
		w.claimSome("one", 1)
	}
}

// BenchmarkStats counts 100,000 uploads.
func BenchmarkStats(b *testing.B) {
	w, _ := waiting(b, 100_000, func(i int) string { return fmt.Sprint(i) })
	b.ResetTimer()
	for range b.N {
		if _, err := w.l.Stats(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReceipts reads the receipts of a folder of 1,000 files.
func BenchmarkReceipts(b *testing.B) {
	w, _ := waiting(b, 1000, func(i int) string { return fmt.Sprint(i) })
	dir := w.lookup("/a/d0").ID
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		n := 0
		if err := w.l.Receipts(b.Context(), dir, func(vfs.ID, []uploader.Upload) { n++ }); err != nil || n != 1000 {
			b.Fatal(n, err)
		}
	}
}

// TestManyRowsDoNotSlowAClaim compares a claim with few and with many waiting,
// of which most are blocked by the same bytes.
func TestManyRowsDoNotSlowAClaim(t *testing.T) {
	const n = 20_000
	w, _ := waiting(t, n, func(int) string { return "same" })
	var statements int
	l, err := ledger0(w, &countingDatabase{Database: w.db, n: &statements})
	if err != nil {
		t.Fatal(err)
	}
	w.l = l
	w.claim("one", 1)
	last := w.put("/a/last.jpg", "other")
	claims := 0
	for { // those of the same bytes are put aside, a bounded number at a time
		claims++
		got, next, err := w.l.Claim(t.Context(), request("one", 16))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 1 && got[0].Entry == last.ID {
			break
		}
		if len(got) != 0 || next.After(w.clock()) || claims > n/400 {
			t.Fatalf("claimed %d, next %v, after %d claims", len(got), next, claims)
		}
	}
	statements = 0
	if _, _, err := l.Claim(t.Context(), request("one", 16)); err != nil || statements > 12 {
		t.Errorf("%d statements with everything put aside, %v", statements, err)
	}
}

type countingDatabase struct {
	vfs.Database
	n *int
}

func (c *countingDatabase) Write(ctx context.Context, f func(context.Context, vfs.Tx) error) error {
	return c.Database.Write(ctx, func(ctx context.Context, tx vfs.Tx) error { return f(ctx, counted{tx, c.n}) })
}
