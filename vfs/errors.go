package vfs

import (
	"errors"
	"fmt"
	"io/fs"
)

// Errors that a *fs.PathError of this package wraps, beside those of io/fs.
var (
	ErrNotDir     = errors.New("not a directory")
	ErrIsDir      = errors.New("is a directory")
	ErrNotEmpty   = errors.New("directory not empty")
	ErrIntoItself = errors.New("a directory cannot be moved or copied into itself")
	ErrChanged    = errors.New("the file was changed by somebody else meanwhile")
	ErrQuota      = errors.New("the account's quota is used up")
	ErrNoSpace    = errors.New("no space left on the gateway")
	ErrBadName    = errors.New("not a valid name")
	ErrAborted    = errors.New("the transfer was aborted")
	ErrReadOnly   = fmt.Errorf("read-only: %w", fs.ErrPermission)
)

// RefusalKind says which answer of a protocol fits a refusal.
type RefusalKind int

const (
	// Forbidden: this name is not accepted here (403, 553).
	Forbidden RefusalKind = iota
	// TooLarge: more bytes than any destination takes (413, 552).
	TooLarge
	// WrongType: no destination takes this type (415, 553).
	WrongType
)

// Refusal is a file turned away by configuration. Text is for people and says
// what to do. It is fs.ErrPermission to errors.Is.
type Refusal struct {
	Kind RefusalKind
	Text string
}

// Error returns the text for people.
func (r *Refusal) Error() string { return r.Text }

// Is makes a refusal fs.ErrPermission.
func (r *Refusal) Is(target error) bool { return target == fs.ErrPermission }
