package vfs

import (
	"context"
	"time"

	"slipway/vfs/blob"
)

// Released tells of a blob whose bytes are let go here, because a file outside of the
// gateway, or a picture at a host, has them too. Its entries keep their size, ETag and times, and their bytes
// are read from there.
type Released struct {
	Ref    blob.Ref
	SHA256 blob.Sum
	Size   int64     // bytes
	Since  time.Time // when it was decided
	Place  string    // the file that was proven to have the bytes, an absolute path; "": none was
	Hosted int64     // the picture at a host that was; 0: none
	// Successor is the blob as which the same bytes came again; "": they did not.
	Successor blob.Ref
}

// Releases knows which blobs were released.
type Releases interface {
	// Released returns what is known of ref, or fs.ErrNotExist where it was not.
	Released(ctx context.Context, ref blob.Ref) (Released, error)
}

// AwayError is what opening such bytes fails with where no copy of them can be read.
type AwayError struct {
	Text   string // what happened, for people
	Remedy string // what to do
	// Passing: a copy may be readable again later (a host that does not answer, a disk
	// that is not mounted).
	Passing bool
	// After is how long to wait until then, where Passing; 0: nobody has said.
	After time.Duration
	Err   error // nil: no other error is behind it
}

// Error returns the text and what to do.
func (e *AwayError) Error() string { return e.Text + "; " + e.Remedy }

// Unwrap returns the error behind it.
func (e *AwayError) Unwrap() error { return e.Err }

// Reason returns the text for people.
func (e *AwayError) Reason() string { return e.Error() }

// Forbidden reports whether it stays so: the file is there and cannot be read, by which
// doors tell this from a file that is missing.
func (e *AwayError) Forbidden() bool { return !e.Passing }

// Unavailable reports whether it may be otherwise later: doors ask to try again.
func (e *AwayError) Unavailable() bool { return e.Passing }

// retryAfter is when to try again where nobody has said: a host that is started anew
// takes about so long, and a reader waits for it.
const retryAfter = 30 * time.Second

// RetryAfter returns how long to wait before that, at least a second; 0: it would not
// help.
func (e *AwayError) RetryAfter() time.Duration {
	switch {
	case !e.Passing:
		return 0
	case e.After > 0:
		return max(e.After, time.Second)
	}
	return retryAfter
}
