package blob

import (
	"errors"
	"fmt"
	"syscall"
)

// Windows keeps directories in the journal of NTFS and opens none for syncing.
const canSyncDir = false

// The codes of winerror.h for a full disk.
const (
	errorHandleDiskFull = syscall.Errno(39)
	errorDiskFull       = syscall.Errno(112)
)

// spaceError gives a full disk the error that it has elsewhere.
func spaceError(err error) error {
	if errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull) {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return err
}
