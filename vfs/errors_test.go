package vfs

import (
	"errors"
	"strings"
	"testing"
)

// TestNoRoom: where some of a quota is free, it says how much, and is an ErrQuota and
// no other all the same.
func TestNoRoom(t *testing.T) {
	for _, tt := range []struct {
		used, limit int64
		want        string
	}{
		{10_000_000, 10_000_000, ErrQuota.Error()}, {10_000_001, 10_000_000, ErrQuota.Error()},
		{9_200_000, 10_000_000, "there is not enough room left for this in the account: 800.0 kB of 10.0 MB are free; remove files or ask for more"},
		{1, 1000, ": 999 bytes of 1.0 kB are free;"}, {-5, 100, ": 100 bytes of 100 bytes are free;"},
		{0, 1<<63 - 1, ": 9223372.0 TB of 9223372.0 TB are free;"}, {1, 2_999_999_999, ": 2.9 GB of 2.9 GB are free;"},
	} {
		err := NoRoom(tt.used, tt.limit)
		var kind interface {
			NoSpace() bool
			Locked() bool
			Reason() string
		}
		if !errors.Is(err, ErrQuota) || errors.Is(err, ErrNoSpace) || !errors.As(err, &kind) || !kind.NoSpace() || kind.Locked() ||
			kind.Reason() != err.Error() || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d of %d: %v", tt.used, tt.limit, err)
		}
	}
}
