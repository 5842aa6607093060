package fault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

type noSpace struct{ yes bool }

func (e noSpace) Error() string { return "x" }
func (e noSpace) NoSpace() bool { return e.yes }
func (e noSpace) Unwrap() error { return fs.ErrPermission }

func TestOf(t *testing.T) {
	for err, want := range map[error]Kind{
		nil:                             Unknown,
		errors.New("x"):                 Unknown,
		noSpace{true}:                   NoSpace, // before what it wraps
		noSpace{false}:                  Forbidden,
		fs.ErrNotExist:                  NotExist,
		os.ErrDeadlineExceeded:          TooSlow,
		syscall.EROFS:                   Forbidden,
		&fs.PathError{Err: fs.ErrExist}: Exist,
	} {
		if got := Of(err); got != want {
			t.Errorf("%v is %d, want %d", err, got, want)
		}
		if got := Of(fmt.Errorf("around: %w", err)); err != nil && got != want {
			t.Errorf("%v, wrapped, is %d, want %d", err, got, want)
		}
	}
}
