package index_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

// stubborn is a store in which one blob cannot be removed.
type stubborn struct {
	blob.Store
	keeps blob.Ref

	mu   sync.Mutex
	gone []blob.Ref
}

func (s *stubborn) Remove(_ context.Context, ref blob.Ref) error {
	if ref == s.keeps {
		return fs.ErrPermission
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = append(s.gone, ref)
	return nil
}

func TestCollectorGoesPastWhatStays(t *testing.T) {
	db := open(t)
	err := db.Write(t.Context(), func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO trash (ref, since) VALUES ('a', 1), ('b', 1), ('c', 1)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	store := &stubborn{keeps: "a"}
	collector := index.Collector{DB: db, Store: store, Clock: time.Now}
	if n, err := collector.Collect(t.Context()); n != 2 || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%d removed, %v", n, err)
	}
	store.keeps = ""
	if n, err := collector.Collect(t.Context()); n != 1 || err != nil || len(store.gone) != 3 {
		t.Errorf("%d removed, %v, %v", n, err, store.gone)
	}
}
