package index_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// fillKept makes n files of 100,000 bytes in 100 folders, stored a second apart from a
// time on, and returns their blobs.
func fillKept(t testing.TB, db *index.Database, n int, from time.Time) (refs []blob.Ref) {
	t.Helper()
	err := db.Write(context.Background(), func(ctx context.Context, tx vfs.Tx) error {
		for d := range 100 {
			if _, err := tx.Exec(ctx, `INSERT INTO entries (id, parent, name, key, dir, inline, size, type, modified, created)
				VALUES ($1, 1, $2, $2, 1, 0, 0, '', 0, 0)`, d+2, fmt.Sprintf("d%d", d)); err != nil {
				return err
			}
		}
		for i := range n {
			at := from.Add(time.Duration(i) * time.Second)
			ref := blob.NewRef(at)
			refs = append(refs, ref)
			if _, err := tx.Exec(ctx, "INSERT INTO blobs (ref, size, sha256, created, used) VALUES ($1, 100000, $2, $3, $3)",
				string(ref), fmt.Appendf(nil, "%032d", i), at.UnixNano()); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO entries (id, parent, name, key, dir, blob, inline, size, sha256, type, modified, created)
				VALUES ($1, $2, $3, $3, 0, $4, 0, 100000, $5, 'image/jpeg', 0, 0)`,
				i+1000, i%100+2, fmt.Sprintf("f%d.jpg", i), string(ref), fmt.Appendf(nil, "%032d", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

// newReleaser lets everything go that may, by pictures at a host that are always right.
func newReleaser(db *index.Database, store blob.Store, now *time.Time, may func(index.Kept) index.Verdict) *index.Releaser {
	return &index.Releaser{
		DB: db, Store: store, Clock: func() time.Time { return *now }, May: may,
		Needs:  func(context.Context, vfs.Tx, blob.Sum, []blob.Ref) (string, error) { return "", nil },
		Relied: func(index.Candidate) bool { return false },
		Copies: func(context.Context, vfs.Tx, blob.Sum, []blob.Ref) ([]index.Copy, error) {
			return []index.Copy{{ID: 1}}, nil
		},
		Compare: func(context.Context, index.Copy, blob.Sum, int64) error { return nil },
		AtOnce:  3,
	}
}

// TestReads: what was read is used last, to the hour, and what was let go is not kept.
func TestReads(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		db := indextest.Open(t, source)
		now := time.Now().Truncate(time.Second)
		from := now.Add(-24 * time.Hour)
		refs := fillKept(t, db, 700, from)
		reads := index.Reads{DB: db, Clock: func() time.Time { return now }}
		for _, ref := range refs[:600] {
			reads.Note(ref)
		}
		reads.Note("unknown")
		if err := reads.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		read := now
		for _, after := range []time.Duration{59 * time.Minute, 2 * time.Minute} {
			now = now.Add(after)
			reads.Note(refs[0])
			if err := reads.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r := newReleaser(db, &stubborn{}, &now, func(index.Kept) index.Verdict { return index.Verdict{May: true} })
		var order []blob.Ref
		used := make(map[blob.Ref]time.Time)
		err := r.EachKept(t.Context(), func(k index.Kept) error {
			order, used[k.Ref] = append(order, k.Ref), k.Used
			if want := fmt.Sprintf("/d%d/f%d.jpg", slices.Index(refs, k.Ref)%100, slices.Index(refs, k.Ref)); len(k.Paths) != 1 || k.Paths[0] != want {
				t.Errorf("the paths are %v, want %s", k.Paths, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(order) != 700 || !slices.Equal(order[:100], refs[600:]) || order[699] != refs[0] {
			t.Errorf("%d are kept, in another order", len(order))
		}
		if !used[refs[0]].Equal(read.Add(61*time.Minute)) || !used[refs[1]].Equal(read) {
			t.Errorf("used at %v and %v, read first at %v", used[refs[0]], used[refs[1]], read)
		}
		r.Before = read
		for _, want := range []int{0, 100, 0} {
			if n, err := r.Release(t.Context()); err != nil || n != want {
				t.Errorf("%d went, want %d, error %v", n, want, err)
			}
			now = now.Add(16 * time.Minute)
		}
		if n, err := r.TotalKept(t.Context()); err != nil || n != 600*100_000 {
			t.Errorf("%d bytes are kept, error %v", n, err)
		}
	})
}

// TestReleaseLooksAgain: a picture that is to be deleted by the time that it was
// compared is no proof, and neither is one that is compared with another result.
func TestReleaseLooksAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		forsaken bool
		err      error
		want     int
	}{"all well": {want: 2}, "forsaken": {forsaken: true}, "other bytes": {err: &vfs.AwayError{Text: "it has other bytes"}}} {
		db := indextest.Open(t, indextest.SQLite(t))
		now := time.Now()
		fillKept(t, db, 2, now.Add(-time.Hour))
		store := &stubborn{}
		r := newReleaser(db, store, &now, func(index.Kept) index.Verdict { return index.Verdict{May: true} })
		copies, compared := []index.Copy{{ID: 1, URL: "https://host.example/a.jpg"}}, 0
		r.Copies = func(context.Context, vfs.Tx, blob.Sum, []blob.Ref) ([]index.Copy, error) { return copies, nil }
		r.Compare = func(context.Context, index.Copy, blob.Sum, int64) error {
			if compared++; tt.forsaken {
				copies = nil
			}
			return tt.err
		}
		r.AtOnce = 1
		gone := 0
		for range 3 {
			n, err := r.Release(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			gone += n
			now = now.Add(16 * time.Minute)
		}
		if gone != tt.want || len(store.gone) != tt.want || compared == 0 {
			t.Errorf("%s: %d went, %d were removed, after %d looks", name, gone, len(store.gone), compared)
		}
	}
}

// BenchmarkPass is a pass over 100,000 files of which none may go: because nobody
// has to look (resting), none is old enough, all were looked at lately, or nothing is
// known to have their bytes; and counting them all by path.
func BenchmarkPass(b *testing.B) {
	db := indextest.Open(b, indextest.SQLite(b))
	now := time.Now()
	fillKept(b, db, 100_000, now.Add(-48*time.Hour))
	r := newReleaser(db, &stubborn{}, &now, func(index.Kept) index.Verdict { return index.Verdict{May: true} })
	r.Copies = nil
	pass := func(b *testing.B) {
		if n, err := r.Release(b.Context()); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.Run("young", func(b *testing.B) {
		r.Before = now.Add(-30 * 24 * time.Hour)
		for b.Loop() {
			pass(b)
		}
	})
	r.Before = time.Time{}
	b.Run("unproven", func(b *testing.B) { // a tenth of them a pass
		for b.Loop() {
			pass(b)
		}
	})
	for range 11 {
		pass(b)
	}
	b.Run("looked-at", func(b *testing.B) {
		for b.Loop() {
			pass(b)
		}
	})
	b.Run("total", func(b *testing.B) {
		for b.Loop() {
			if n, err := r.TotalKept(b.Context()); n != 1e10 || err != nil {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			n := 0
			if err := r.EachKept(b.Context(), func(index.Kept) error { n++; return nil }); n != 100_000 || err != nil {
				b.Fatal(n, err)
			}
		}
	})
}
