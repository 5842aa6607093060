package index_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// TestLocks: rows come back as they were saved, after the database was opened anew.
func TestLocks(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		until := time.Unix(1_800_000_000, 123456789)
		a := index.Lock{Token: "opaquelocktoken:a", Root: "/d/é", Deep: true, Owner: `<D:href>me</D:href>`, User: "anna", Timeout: time.Hour, Expires: until}
		b := index.Lock{Token: "opaquelocktoken:b", Root: "/b", Shared: true, User: "ben", Timeout: time.Second, Expires: until}
		db, err := index.Open(t.Context(), source, index.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := index.Locks{DB: db}
		for _, k := range []index.Lock{a, b} {
			if err := l.Save(t.Context(), k); err != nil {
				t.Fatal(err)
			}
		}
		a.Timeout, a.Expires, a.Owner = time.Minute, until.Add(time.Minute), ""
		if err := errors.Join(l.Save(t.Context(), a), db.Close()); err != nil {
			t.Fatal(err)
		}
		l = index.Locks{DB: indextest.Open(t, source)}
		wantLocks(t, l, b, a)
		if err := l.Delete(t.Context(), b.Token, "none"); err != nil {
			t.Fatal(err)
		}
		wantLocks(t, l, a)
	})
}

func TestLocksClosed(t *testing.T) {
	db, err := index.Open(t.Context(), indextest.SQLite(t), index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	l := index.Locks{DB: db}
	_, err = l.Load(t.Context())
	for _, err := range []error{err, l.Save(t.Context(), index.Lock{Token: "t"}), l.Delete(t.Context(), "t")} {
		if !errors.Is(err, index.ErrClosed) {
			t.Errorf("a closed database said %v", err)
		}
	}
}

func wantLocks(t *testing.T, l index.Locks, want ...index.Lock) {
	t.Helper()
	got, err := l.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
