//go:build unix

package blob

import (
	"errors"
	"fmt"
	"syscall"
)

const canSyncDir = true

// spaceError makes a used-up disk quota look like a full disk, which it is to
// whoever writes.
func spaceError(err error) error {
	if errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return err
}
