// Package fault tells errors of a tree of files apart.
package fault

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Kind is what an error of the tree means.
type Kind int

// Kinds.
const (
	Unknown     Kind = iota // none of these
	NotExist                // nothing is there
	Exist                   // something is there already
	Forbidden               // it is not allowed
	TooLarge                // the file is too large
	WrongType               // files of this type are not taken
	NoSpace                 // there is no room
	NotDir                  // what should be a directory is none
	IsDir                   // what should be a file is a directory
	NotEmpty                // the directory is not empty
	IntoItself              // a directory would come into itself
	Changed                 // somebody else changed it meanwhile
	Locked                  // somebody has locked it
	TooSlow                 // nothing arrived for too long
	Unavailable             // it cannot be had now, and may be later; see RetryAfter
)

// kinds is how errors are told apart: by the small interfaces that an Fs's errors
// may have, then by the errors of io/fs and syscall. The interfaces come first,
// because a refusal may well be fs.ErrPermission too.
var kinds = []struct {
	is   func(error) bool
	kind Kind
}{
	// What passes comes before what it wraps, whatever that is.
	{says(func(e interface{ Unavailable() bool }) bool { return e.Unavailable() }), Unavailable},
	{says(func(e interface{ TooLarge() bool }) bool { return e.TooLarge() }), TooLarge},
	{says(func(e interface{ WrongType() bool }) bool { return e.WrongType() }), WrongType},
	{says(func(e interface{ NoSpace() bool }) bool { return e.NoSpace() }), NoSpace},
	{says(func(e interface{ Forbidden() bool }) bool { return e.Forbidden() }), Forbidden},
	{says(func(e interface{ NotDir() bool }) bool { return e.NotDir() }), NotDir},
	{says(func(e interface{ IsDir() bool }) bool { return e.IsDir() }), IsDir},
	{says(func(e interface{ NotEmpty() bool }) bool { return e.NotEmpty() }), NotEmpty},
	{says(func(e interface{ IntoItself() bool }) bool { return e.IntoItself() }), IntoItself},
	{says(func(e interface{ Changed() bool }) bool { return e.Changed() }), Changed},
	{says(func(e interface{ Locked() bool }) bool { return e.Locked() }), Locked},
	{matches(syscall.ENOSPC), NoSpace},
	{matches(syscall.EDQUOT), NoSpace},
	{matches(syscall.EFBIG), TooLarge},
	{matches(syscall.ENOTDIR), NotDir},
	{matches(syscall.EISDIR), IsDir},
	{matches(syscall.ENOTEMPTY), NotEmpty},
	{matches(syscall.EROFS), Forbidden},
	{matches(fs.ErrNotExist), NotExist},
	{matches(fs.ErrExist), Exist},
	{matches(fs.ErrPermission), Forbidden},
	{matches(os.ErrDeadlineExceeded), TooSlow},
}

// says returns whether the first T in an error's tree says yes to ask.
func says[T any](ask func(T) bool) func(error) bool {
	return func(err error) bool {
		var t T
		return errors.As(err, &t) && ask(t)
	}
}

func matches(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// Of returns the kind of err.
func Of(err error) Kind {
	if err == nil {
		return Unknown
	}
	for _, k := range kinds {
		if k.is(err) {
			return k.kind
		}
	}
	return Unknown
}

// RetryAfter returns what the header of that name (RFC 9110 §10.2.3) says to whoever
// gets err, whole seconds; "": nothing.
func RetryAfter(err error) string {
	var e interface{ RetryAfter() time.Duration }
	if Of(err) != Unavailable || !errors.As(err, &e) || e.RetryAfter() <= 0 {
		return ""
	}
	return strconv.FormatInt(int64((e.RetryAfter()+time.Second-1)/time.Second), 10)
}
