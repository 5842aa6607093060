package operate

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrUsage is what an error is to errors.Is whose cause is the question: an
// unknown name, a value out of range, a mistake in the configuration.
var ErrUsage = errors.New("wrong usage")

// Kind is what sort of error a gateway met, as far as commands care.
type Kind string

// The kinds, as they cross the socket.
const (
	Failed   Kind = "failed"
	NotFound Kind = "not found" // [fs.ErrNotExist] to errors.Is
	Usage    Kind = "usage"     // [ErrUsage] to errors.Is
	// Forbidden: the user's rights do not allow it; [fs.ErrPermission] to errors.Is.
	Forbidden Kind = "forbidden"
)

// Error is a text for people with its kind, and so an error that crosses the
// socket whole.
type Error struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Is makes it what its kind says.
func (e *Error) Is(target error) bool {
	return e.Kind == Usage && target == ErrUsage || e.Kind == NotFound && target == fs.ErrNotExist || e.Kind == Forbidden && target == fs.ErrPermission
}

// Errorf returns an error of a kind, with a text made as by [fmt.Sprintf].
func Errorf(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// KindOf returns err's kind, wherever it is wrapped; what is neither of the other
// kinds is Failed.
func KindOf(err error) Kind {
	switch {
	case errors.Is(err, ErrUsage):
		return Usage
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	case errors.Is(err, fs.ErrPermission):
		return Forbidden
	}
	return Failed
}

// asError returns err as what crosses the socket.
func asError(err error) *Error { return &Error{Kind: KindOf(err), Text: err.Error()} }
