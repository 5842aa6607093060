package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Errors that a *fs.PathError of this package wraps, beside those of io/fs. Doors
// tell them apart by their methods.
var (
	ErrNotDir     error = &kindError{kind: notDir, text: "not a directory"}
	ErrIsDir      error = &kindError{kind: isDir, text: "is a directory"}
	ErrNotEmpty   error = &kindError{kind: notEmpty, text: "directory not empty"}
	ErrIntoItself error = &kindError{kind: intoItself, text: "a directory cannot be moved or copied into itself"}
	ErrChanged    error = &kindError{kind: changed, text: "the file was changed by somebody else meanwhile"}
	ErrQuota      error = &kindError{kind: noSpace, text: "the account's quota is used up; remove files or ask for more"}
	ErrNoSpace    error = &kindError{kind: noSpace, text: "no space is left on the gateway"}
	ErrProperties error = &kindError{kind: noSpace, text: "a file or folder keeps at most 200 properties, of 64 KiB together; remove some first"}
	ErrLocked     error = &kindError{kind: locked, text: "somebody has locked this; try again later"}
	ErrBadName    error = &kindError{kind: badName, text: "this name is not valid here: use at most 255 bytes of UTF-8 without control characters"}
	ErrAborted          = errors.New("the transfer was aborted")
	ErrReadOnly         = fmt.Errorf("read-only: %w", fs.ErrPermission)
)

type errorKind int

const (
	notDir errorKind = iota
	isDir
	notEmpty
	intoItself
	changed
	noSpace
	locked
	badName
)

// kindError is an error of one kind. Its methods are what doors look for.
type kindError struct {
	kind errorKind
	text string
	of   error // which it is, said more exactly; nil: none
}

func (e *kindError) Error() string    { return e.text }
func (e *kindError) Unwrap() error    { return e.of }
func (e *kindError) NotDir() bool     { return e.kind == notDir }
func (e *kindError) IsDir() bool      { return e.kind == isDir }
func (e *kindError) NotEmpty() bool   { return e.kind == notEmpty }
func (e *kindError) IntoItself() bool { return e.kind == intoItself }
func (e *kindError) Changed() bool    { return e.kind == changed }
func (e *kindError) NoSpace() bool    { return e.kind == noSpace }
func (e *kindError) Locked() bool     { return e.kind == locked }
func (e *kindError) Forbidden() bool  { return e.kind == badName }

// Reason is the text for people.
func (e *kindError) Reason() string { return e.text }

// NoRoom returns the ErrQuota of an account that has used some bytes of its limit. It
// says how many are free where some are: they are too few for what was to come.
func NoRoom(used, limit int64) error {
	if used >= limit {
		return ErrQuota
	}
	return &kindError{kind: noSpace, of: ErrQuota, text: fmt.Sprintf(
		"there is not enough room left for this in the account: %s of %s are free; remove files or ask for more", amount(limit-max(used, 0)), amount(limit))}
}

// amount writes a number of bytes for people, rounded down.
func amount(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	unit := int64(1000)
	names := []string{"kB", "MB", "GB", "TB"}
	for n >= 1000*unit && len(names) > 1 {
		unit, names = 1000*unit, names[1:]
	}
	return fmt.Sprintf("%d.%d %s", n/unit, n%unit*10/unit, names[0])
}

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
	// Folders are the folders that take files, as paths of the whole tree, which
	// Text names. A view that does not begin at "/" tells of its own only.
	Folders []string
}

// Error returns the text for people.
func (r *Refusal) Error() string { return r.Text }

// Reason returns the text for people.
func (r *Refusal) Reason() string { return r.Text }

// Forbidden reports whether the name is not accepted here.
func (r *Refusal) Forbidden() bool { return r.Kind == Forbidden }

// TooLarge reports whether there are more bytes than any destination takes.
func (r *Refusal) TooLarge() bool { return r.Kind == TooLarge }

// WrongType reports whether no destination takes the type.
func (r *Refusal) WrongType() bool { return r.Kind == WrongType }

// Is makes a refusal fs.ErrPermission.
func (r *Refusal) Is(target error) bool { return target == fs.ErrPermission }

// within returns r as a view tells it whose root is given.
func (r *Refusal) within(root string) *Refusal {
	if root == "/" || len(r.Folders) == 0 {
		return r
	}
	var own []string
	for _, f := range r.Folders {
		if rest, ok := below(f, root); ok {
			own = append(own, rest)
		}
	}
	text := "files are not taken in this folder"
	if len(own) > 0 {
		text += "; put them into " + strings.Join(own, ", ")
	}
	return &Refusal{Kind: r.Kind, Text: text, Folders: own}
}

// below returns what is left of folder under root; an element of folder in braces
// stands for any name.
func below(folder, root string) (string, bool) {
	want := strings.Split(strings.Trim(root, "/"), "/")
	have := strings.Split(strings.Trim(folder, "/"), "/")
	if len(have) < len(want) {
		return "", false
	}
	for i, name := range want {
		if have[i] != name && !strings.HasPrefix(have[i], "{") {
			return "", false
		}
	}
	return "/" + strings.Join(have[len(want):], "/"), true
}
