package certs

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"
)

func TestStorageLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStorage(t.TempDir())
		if err := s.Lock(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := s.Lock(t.Context(), "b"); err != nil {
			t.Errorf("another name: %v", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Lock(ended, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("held: %v", err)
		}
		var wg sync.WaitGroup
		inside := 0
		for range 5 {
			wg.Go(func() {
				if err := s.Lock(t.Context(), "a"); err != nil {
					t.Error(err)
				}
				if inside++; inside != 1 {
					t.Errorf("%d hold the lock", inside)
				}
				inside--
				s.Unlock(t.Context(), "a") //nolint:errcheck // never fails
			})
		}
		synctest.Wait()
		s.Unlock(t.Context(), "a") //nolint:errcheck // never fails
		wg.Wait()
		if err := s.Unlock(t.Context(), "a"); err != nil || len(s.locks) != 1 {
			t.Errorf("%v, %d locks are held", err, len(s.locks))
		}
	})
}

func TestAClosedStorageChangesNothing(t *testing.T) {
	s := newStorage(t.TempDir())
	if err := s.Store(t.Context(), "x", []byte("1")); err != nil {
		t.Fatal(err)
	}
	s.close()
	if err := s.Store(t.Context(), "x", []byte("2")); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "x"); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if got, err := s.Load(t.Context(), "x"); err != nil || string(got) != "1" {
		t.Errorf("%q, %v", got, err)
	}
}
