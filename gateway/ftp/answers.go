package ftp

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"syscall"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"slipway/gateway/ftp/passive"
)

// answer is an error as the client hears of it. The library chooses the reply's
// code by what it wraps: ErrStorageExceeded is 552, ErrFileNameNotAllowed 553,
// everything else 550 (RFC 959 §5.4). Of what passes see session.reply.
type answer struct {
	text string // for people; nothing of the machine is in it
	code error  // nil: 550
	err  error  // what happened
}

func (a *answer) Error() string { return a.text }

func (a *answer) Unwrap() []error {
	if a.code == nil {
		return []error{a.err}
	}
	return []error{a.code, a.err}
}

// reason is what errors of the tree tell people, where they do.
type reason interface{ Reason() string }

// kinds is how errors are told apart: by the small interfaces that an Fs's errors
// may have, then by the errors of io/fs and syscall. Where text is "", the error's
// own reason is for people.
var kinds = []struct {
	is   func(error) bool
	code error
	text string
}{
	{passes, nil, ""},
	{says(func(e interface{ NoSpace() bool }) bool { return e.NoSpace() }), ftpserver.ErrStorageExceeded, ""},
	{says(func(e interface{ TooLarge() bool }) bool { return e.TooLarge() }), ftpserver.ErrStorageExceeded, ""},
	{says(func(e interface{ WrongType() bool }) bool { return e.WrongType() }), ftpserver.ErrFileNameNotAllowed, ""},
	{says(func(e interface{ Forbidden() bool }) bool { return e.Forbidden() }), ftpserver.ErrFileNameNotAllowed, ""},
	{says(func(e interface{ NotDir() bool }) bool { return e.NotDir() }), nil, "a file stands where a folder was expected"},
	{says(func(e interface{ IsDir() bool }) bool { return e.IsDir() }), nil, "this is a folder"},
	{says(func(e interface{ NotEmpty() bool }) bool { return e.NotEmpty() }), nil, "the folder is not empty"},
	{says(func(e interface{ IntoItself() bool }) bool { return e.IntoItself() }), nil, "a folder cannot be moved into itself"},
	{says(func(e interface{ Beyond() bool }) bool { return e.Beyond() }), nil, ""},
	{says(func(e interface{ Changed() bool }) bool { return e.Changed() }), nil, "somebody else changed the file meanwhile; send it again"},
	{says(func(e interface{ Locked() bool }) bool { return e.Locked() }), nil, ""},
	{as[*passive.ConnError], nil, ""},
	{is(syscall.ENOSPC), ftpserver.ErrStorageExceeded, "no space is left on the gateway"},
	{is(syscall.EDQUOT), ftpserver.ErrStorageExceeded, "no space is left on the gateway"},
	{is(syscall.ENOTDIR), nil, "a file stands where a folder was expected"},
	{is(syscall.EISDIR), nil, "this is a folder"},
	{is(syscall.ENOTEMPTY), nil, "the folder is not empty"},
	{is(fs.ErrNotExist), nil, "there is no such file or folder"},
	{is(fs.ErrExist), nil, "there is a file or folder of that name already"},
	{is(fs.ErrPermission), nil, "this account may not do that"},
	{is(context.Canceled), nil, "the gateway is stopping"},
}

// passes reports whether what failed may be otherwise later: for a transfer, the
// session answers that with a code of its own.
func passes(err error) bool {
	return says(func(e interface{ Unavailable() bool }) bool { return e.Unavailable() })(err)
}

// says returns whether the first T in an error's tree says yes to ask.
func says[T any](ask func(T) bool) func(error) bool {
	return func(err error) bool {
		var t T
		return errors.As(err, &t) && ask(t)
	}
}

// as reports whether there is a T in an error's tree.
func as[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

// theirs are errors of system calls that an Fs may return about the tree itself.
// Any other means that the gateway's own disk failed it, even one that reads like
// fs.ErrNotExist: the tree's own errors are of io/fs.
var theirs = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.ENOTDIR, syscall.EISDIR, syscall.ENOTEMPTY}

// ofDisk reports whether the gateway's own disk is what failed.
func ofDisk(err error) bool {
	var n syscall.Errno
	return errors.As(err, &n) && !as[*net.OpError](err) && !slices.Contains(theirs, n)
}

// is returns whether an error wraps target.
func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// toClient returns err as the client may hear it. What the table does not know is
// told to the log alone.
func toClient(log *slog.Logger, op, name string, err error) error {
	if err == nil {
		return nil
	}
	var a *answer
	if errors.As(err, &a) {
		return a
	}
	if ofDisk(err) && !passes(err) {
		log.Error("the gateway has trouble with its disk", "command", op, "path", name, "error", err)
		return &answer{text: "the gateway has trouble with its disk, and nothing was stored; its log says more", err: err}
	}
	for _, k := range kinds {
		if !k.is(err) {
			continue
		}
		text := k.text
		var r reason
		if text == "" && errors.As(err, &r) {
			text = r.Reason()
		}
		if text != "" {
			return &answer{text: text, code: k.code, err: err}
		}
	}
	log.Error("the FTP door could not do what a client asked for", "command", op, "path", name, "error", err)
	return &answer{text: "the gateway could not do this; its log says why", err: err}
}
