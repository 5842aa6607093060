package index_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

func open(t testing.TB) *index.Database {
	t.Helper()
	db, err := index.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestWriteGroupsRollBackAlone(t *testing.T) {
	db := open(t)
	bad := errors.New("bad")
	var wg sync.WaitGroup
	errs := make([]error, 200)
	for i := range errs {
		wg.Go(func() {
			errs[i] = db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO counters VALUES ($1, $2)", fmt.Sprint("n", i), i)
				if err == nil && i%3 == 0 {
					return bad
				}
				if err == nil && i%7 == 1 {
					panic("boo")
				}
				return err
			})
		})
	}
	wg.Wait()
	want := 1
	for i, err := range errs {
		if failed := i%3 == 0 || i%7 == 1; failed != (err != nil) {
			t.Errorf("%d: %v", i, err)
		} else if !failed {
			want++
		}
	}
	var n int
	err := db.Read(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*) FROM counters").Scan(&n)
	})
	if err != nil || n != want {
		t.Fatalf("%d rows, want %d; %v", n, want, err)
	}
}

// TestLookupAfterALostConnection ends every connection behind the index's back.
func TestLookupAfterALostConnection(t *testing.T) {
	source := indextest.Postgres(t)
	name := rand.Text()
	tree := index.NewTree(indextest.Open(t, source+"&application_name="+name), time.Now, nil)
	other, err := sql.Open("pgx", source)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for range 3 {
		for range 5 { // whichever connection it takes
			if _, err := tree.Lookup(t.Context(), "/"); err != nil {
				t.Fatal(err)
			}
			if _, err := tree.Lookup(t.Context(), "/none"); !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		var ended int
		err := other.QueryRow(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1`, name).Scan(&ended)
		if err != nil || ended == 0 {
			t.Fatal(ended, err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	db := open(b)
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			err := db.Write(b.Context(), func(ctx context.Context, tx vfs.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO garbage SELECT 'g'||value, 1 FROM counters WHERE name='entry'")
				if err == nil {
					_, err = tx.Exec(ctx, "UPDATE counters SET value=value+1 WHERE name='entry'")
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestBind(t *testing.T) {
	db := open(t)
	for range 2 {
		if err := db.Bind(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Bind(t.Context(), "two"); !errors.Is(err, index.ErrOtherStore) {
		t.Errorf("a directory without the bytes was taken: %v", err)
	}
}
