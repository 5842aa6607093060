//go:build linux && (amd64 || arm64 || 386 || riscv64)

package blob

import (
	"os"
	"syscall"
)

// startWriteBack asks the kernel to begin writing n bytes at off to the disk, so
// that the fsync at the end of a long file finds little left to do. It is a hint:
// durability comes from that fsync alone (sync_file_range(2)).
func startWriteBack(f File, off, n int64) {
	file, ok := f.(*os.File)
	if !ok {
		return
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return
	}
	const syncFileRangeWrite = 2
	conn.Control(func(fd uintptr) { //nolint:errcheck // A hint may fail.
		syscall.SyncFileRange(int(fd), off, n, syncFileRangeWrite) //nolint:errcheck // As above.
	})
}
