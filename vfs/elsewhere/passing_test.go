package elsewhere_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
)

// full is a disk without room.
type full struct{ elsewhere.Disk }

func (full) Create(context.Context) (blob.Writer, error) {
	return nil, errors.Join(errors.New("create"), syscall.ENOSPC)
}

// TestOwnTroublePasses: bytes that are elsewhere still, and cannot be brought here because
// the gateway's disk is full or it stops, are not lost.
func TestOwnTroublePasses(t *testing.T) {
	for name, make := range map[string]func(*testing.T) *world{
		"folder": newWorld,
		"host":   func(t *testing.T) *world { w, _ := away(t); return w },
	} {
		w := make(t)
		options := elsewhere.Options{Releases: w, Clock: time.Now,
			Places:  func(context.Context, blob.Sum) ([]elsewhere.Place, error) { return w.places, nil },
			Remotes: func(context.Context, vfs.Released) ([]elsewhere.Remote, error) { return w.remotes, nil }}
		s := elsewhere.New(full{w.disk}, options)
		passes := func(want string) {
			t.Helper()
			_, err := s.Open(t.Context(), w.rel.Ref)
			var e *vfs.AwayError
			if !errors.As(err, &e) || !e.Unavailable() || e.Forbidden() || e.RetryAfter() <= 0 || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		passes("no room")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		passes("is stopping")
	}
}

// TestAwayError: what lasts is a refusal, what passes says when to come again.
func TestAwayError(t *testing.T) {
	for _, tt := range []struct {
		err  vfs.AwayError
		want time.Duration
	}{
		{vfs.AwayError{}, 0},
		{vfs.AwayError{After: time.Minute}, 0},
		{vfs.AwayError{Passing: true}, 30 * time.Second},
		{vfs.AwayError{Passing: true, After: time.Minute}, time.Minute},
		{vfs.AwayError{Passing: true, After: time.Millisecond}, time.Second},
	} {
		if got := tt.err.RetryAfter(); got != tt.want || tt.err.Unavailable() != (tt.want > 0) || tt.err.Forbidden() != (tt.want == 0) {
			t.Errorf("%+v: %v, want %v", tt.err, got, tt.want)
		}
	}
}
