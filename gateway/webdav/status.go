package webdav

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"syscall"
)

// answer is an error with the status it is answered by.
type answer struct {
	code int
	text string // for people
	// condition is the element of RFC 4918 §16 that the answer's body carries,
	// with hrefs in it; "": the body is text alone.
	condition string
	hrefs     []string
}

func (a *answer) Error() string { return fmt.Sprintf("%d: %s", a.code, a.text) }

// fail returns the error that is answered by code and text.
func fail(code int, text string) error { return &answer{code: code, text: text} }

// kind is what an error of the tree means to HTTP.
type kind int

const (
	unknown kind = iota
	notExist
	exist
	forbidden
	tooLarge
	wrongType
	noSpace
	notDir
	isDir
	notEmpty
	intoItself
	changed
	tooSlow
)

// kinds is how errors are told apart: by the small interfaces that an Fs's errors
// may have, then by the errors of io/fs and syscall. The interfaces come first,
// because a refusal may well be fs.ErrPermission too.
var kinds = []struct {
	is   func(error) bool
	kind kind
}{
	{says(func(e interface{ TooLarge() bool }) bool { return e.TooLarge() }), tooLarge},
	{says(func(e interface{ WrongType() bool }) bool { return e.WrongType() }), wrongType},
	{says(func(e interface{ NoSpace() bool }) bool { return e.NoSpace() }), noSpace},
	{says(func(e interface{ Forbidden() bool }) bool { return e.Forbidden() }), forbidden},
	{says(func(e interface{ NotDir() bool }) bool { return e.NotDir() }), notDir},
	{says(func(e interface{ IsDir() bool }) bool { return e.IsDir() }), isDir},
	{says(func(e interface{ NotEmpty() bool }) bool { return e.NotEmpty() }), notEmpty},
	{says(func(e interface{ IntoItself() bool }) bool { return e.IntoItself() }), intoItself},
	{says(func(e interface{ Changed() bool }) bool { return e.Changed() }), changed},
	{matches(syscall.ENOSPC), noSpace},
	{matches(syscall.EDQUOT), noSpace},
	{matches(syscall.EFBIG), tooLarge},
	{matches(syscall.ENOTDIR), notDir},
	{matches(syscall.EISDIR), isDir},
	{matches(syscall.ENOTEMPTY), notEmpty},
	{matches(syscall.EROFS), forbidden},
	{matches(fs.ErrNotExist), notExist},
	{matches(fs.ErrExist), exist},
	{matches(fs.ErrPermission), forbidden},
	{matches(os.ErrDeadlineExceeded), tooSlow},
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

func kindOf(err error) kind {
	if err == nil {
		return unknown
	}
	for _, k := range kinds {
		if k.is(err) {
			return k.kind
		}
	}
	return unknown
}

// answerTo returns how an error of the tree is answered where nothing else fits
// better. Finder takes any 5xx but 507 for a missing file, so a refusal by policy
// is only ever 403, 413, 415 or 507.
func answerTo(err error) *answer {
	var a *answer
	if errors.As(err, &a) {
		return a
	}
	switch kindOf(err) {
	case notExist:
		return &answer{code: http.StatusNotFound, text: "nothing is here"}
	case exist:
		return &answer{code: http.StatusConflict, text: "something is here already"}
	case forbidden:
		return &answer{code: http.StatusForbidden, text: reason(err, "this is not allowed here")}
	case tooLarge:
		return &answer{code: http.StatusRequestEntityTooLarge, text: reason(err, "the file is too large")}
	case wrongType:
		return &answer{code: http.StatusUnsupportedMediaType, text: reason(err, "files of this type are not taken here")}
	case noSpace:
		return &answer{code: http.StatusInsufficientStorage, text: reason(err, "there is no room left"), condition: "quota-not-exceeded"}
	case notDir:
		return &answer{code: http.StatusConflict, text: "the folder it should be in does not exist"}
	case isDir:
		return &answer{code: http.StatusMethodNotAllowed, text: "this is a folder"}
	case notEmpty:
		return &answer{code: http.StatusConflict, text: "the folder is not empty"}
	case intoItself:
		return &answer{code: http.StatusForbidden, text: "a folder cannot go into itself"}
	case changed:
		return &answer{code: http.StatusPreconditionFailed, text: "somebody else changed it meanwhile"}
	case tooSlow:
		return &answer{code: http.StatusRequestTimeout, text: "nothing arrived for too long"}
	}
	return &answer{code: http.StatusInternalServerError, text: "the gateway could not do this; its log says why"}
}

// reason returns what an error has to say to people, or otherwise.
func reason(err error, otherwise string) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) && r.Reason() != "" {
		return r.Reason()
	}
	return otherwise
}

// refuse answers err.
func (q *request) refuse(err error) {
	a := answerTo(err)
	level := slog.LevelDebug
	if a.code == http.StatusInternalServerError {
		level = slog.LevelError
	}
	q.Log.Log(q.r.Context(), level, "webdav: request failed",
		"method", q.r.Method, "path", q.path, "status", a.code, "error", err)
	h := q.w.Header()
	h.Del("ETag")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.condition == "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		q.w.WriteHeader(a.code)
		fmt.Fprintln(q.w, a.text)
		return
	}
	h.Set("Content-Type", "application/xml; charset=utf-8")
	q.w.WriteHeader(a.code)
	inner := ""
	for _, href := range a.hrefs {
		inner += "<D:href>" + escape(href) + "</D:href>"
	}
	fmt.Fprintf(q.w, `<?xml version="1.0" encoding="utf-8"?>`+"\n"+
		`<D:error xmlns:D="DAV:"><D:%s>%s</D:%[1]s><text xmlns="urn:slipway">%[3]s</text></D:error>`+"\n",
		a.condition, inner, escape(a.text))
}
