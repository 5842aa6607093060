package uploader

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says whose fault a failed attempt was, and so what happens next.
type Kind int

const (
	// Temporary: nothing was stored; try the same again later. The default.
	Temporary Kind = iota
	// Permanent: the host will never take this file as it is.
	Permanent
	// Refused: the host does not accept this account now (key, quota, switched
	// off). The destination is paused and probed; no attempt of the file's is burnt.
	Refused
	// RetryAfter: the host asks to slow down. The host's bucket is paused for
	// Error.After; no attempt of the file's is burnt.
	RetryAfter
	// Duplicate: the host has these bytes already and did not say where.
	Duplicate
	// Ambiguous: the whole body may have arrived and the reply was lost.
	Ambiguous
	// Unusual: an answer without meaning (an HTML 500 or 502), which is
	// Ambiguous where the whole body was sent and the host is not idempotent,
	// and Temporary otherwise; three in a row for one file while others pass
	// make it failed.
	Unusual
)

var kindNames = [...]string{"temporary", "permanent", "refused", "retry-after", "duplicate", "ambiguous", "unusual"}

// String returns the kind's name as logs and tests show it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", int(k))
}

// Error is one failed attempt.
type Error struct {
	Kind Kind
	// Code is the host's own code or HTTP status, for logs: "130", "HTTP 502".
	Code string
	// Message says in plain words what happened; Remedy what to do about it
	// ("" where waiting is all). Neither holds a secret.
	Message string
	Remedy  string
	// After is how long to wait, for RetryAfter; 0: not said.
	After time.Duration
	// BodySent: the whole request body had gone out.
	BodySent bool
	Err      error
}

// Error returns the message with the host's code.
func (e *Error) Error() string {
	s := e.Message
	if code := "(" + e.Code + ")"; e.Code != "" && !strings.Contains(s, code) {
		s += " " + code
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Away is why the bytes of a file cannot be read now: they were let go here, and what
// has them cannot be reached. It says nothing of the destination and nothing of the
// file, so that no attempt of its is burnt; it is tried again until they can be read.
type Away struct {
	Text   string // a sentence for people
	Remedy string
	After  time.Duration // the shortest wait; 0: any
	Err    error
}

// Error returns the text for people.
func (a *Away) Error() string { return a.Text }

// Unwrap returns the cause.
func (a *Away) Unwrap() error { return a.Err }

// AsError returns err as an *Error: itself where it is one, else a Temporary.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Temporary, Message: "the attempt failed", Err: err}
}

// Secret is a key or token: it prints as ***.
type Secret string

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Reveal returns the secret itself, for the one request that needs it.
func (s Secret) Reveal() string { return string(s) }
