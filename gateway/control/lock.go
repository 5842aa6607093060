// Package control is how the commands of one machine find and reach the running
// gateway: the lock on its data directory, the socket in it over which they speak
// HTTP, the file that names the bound addresses, and the form of long replies.
package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// ErrLocked is what a [*LockedError] is to errors.Is.
var ErrLocked = errors.New("the data directory is in use")

// LockedError says who holds the lock.
type LockedError struct {
	// Dir is the data directory.
	Dir string
	// PID is the process that holds the lock; 0: not known.
	PID int
}

// Error says who holds the lock and what to do.
func (e *LockedError) Error() string {
	who := "another slipway"
	if e.PID != 0 {
		who += fmt.Sprintf(" (process %d)", e.PID)
	}
	return fmt.Sprintf("the data directory %s is in use by %s: stop that one first, or name another data_dir", e.Dir, who)
}

// Is makes it ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Lock is the right to be the one process that opens a data directory. It ends
// with the process, however that ends.
type Lock struct {
	file *flock.Flock
}

// Acquire makes dataDir (0700) where it is missing and takes the lock on it, at
// once or not at all: a [*LockedError] where another process has it. What a
// killed holder left behind ([WriteAddresses]) is removed.
func Acquire(dataDir string) (*Lock, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	path := filepath.Join(dataDir, "lock")
	file := flock.New(path, flock.SetPermissions(0o600))
	got, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if !got {
		return nil, &LockedError{Dir: dataDir, PID: readPID(path)}
	}
	if err := errors.Join(writePID(path), RemoveAddresses(dataDir)); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the data directory: %w", err), file.Close())
	}
	return &Lock{file}, nil
}

// Unlock lets the next process have the directory. The file stays: removing it
// could remove the next one's.
func (l *Lock) Unlock() error { return l.file.Close() }

// The number stands behind the first byte, which is the one that Windows locks,
// and forbids others to read; it is padded to overwrite any earlier one.
const pidAt, pidWidth = 1, 20

func writePID(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%-*d\n", pidWidth, os.Getpid()), pidAt)
	return errors.Join(err, f.Close())
}

// readPID returns 0 where the number cannot be read (yet).
func readPID(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // only read
	b := make([]byte, pidWidth)
	if _, err := f.ReadAt(b, pidAt); err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}

// replace puts data at path whole or not at all. It need not survive a power cut.
func replace(path string, data []byte, perm fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone once it is renamed
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(perm), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
