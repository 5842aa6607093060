package fault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"
)

type noSpace struct{ yes bool }

func (e noSpace) Error() string { return "x" }
func (e noSpace) NoSpace() bool { return e.yes }
func (e noSpace) Unwrap() error { return fs.ErrPermission }

type away struct {
	yes  bool
	wait time.Duration
}

func (e away) Error() string             { return "x" }
func (e away) Unavailable() bool         { return e.yes }
func (e away) RetryAfter() time.Duration { return e.wait }
func (e away) Unwrap() error             { return os.ErrDeadlineExceeded }

func TestOf(t *testing.T) {
	for err, want := range map[error]Kind{
		away{yes: true}:                 Unavailable, // before what it wraps
		away{yes: false}:                TooSlow,
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

func TestRetryAfter(t *testing.T) {
	for err, want := range map[error]string{
		nil:                                  "",
		errors.New("x"):                      "",
		away{true, 0}:                        "",
		away{true, time.Millisecond}:         "1",
		away{true, 1500 * time.Millisecond}:  "2",
		away{true, time.Minute}:              "60",
		away{false, time.Minute}:             "",
		&fs.PathError{Err: away{true, 3e10}}: "30",
	} {
		if got := RetryAfter(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
