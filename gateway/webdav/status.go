package webdav

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"slipway/gateway/webdav/fault"
)

// answer is an error with the status it is answered by.
type answer struct {
	code int
	text string // for people
	// condition is the element of RFC 4918 §16 that the answer's body carries,
	// with hrefs in it; "": the body is text alone.
	condition string
	hrefs     []string
	after     string // of Retry-After; "": none
}

func (a *answer) Error() string { return fmt.Sprintf("%d: %s", a.code, a.text) }

// fail returns the error that is answered by code and text.
func fail(code int, text string) error { return &answer{code: code, text: text} }

// answerTo returns how an error of the tree is answered where nothing else fits
// better. Finder takes any 5xx but 507 for a missing file, so a refusal by policy
// is only ever 403, 413, 415 or 507; 503 is for what a host has that is away.
func answerTo(err error) *answer {
	var a *answer
	if errors.As(err, &a) {
		return a
	}
	switch fault.Of(err) {
	case fault.NotExist:
		return &answer{code: http.StatusNotFound, text: "nothing is here"}
	case fault.Exist:
		return &answer{code: http.StatusConflict, text: "something is here already"}
	case fault.Forbidden:
		return &answer{code: http.StatusForbidden, text: reason(err, "this is not allowed here")}
	case fault.TooLarge:
		return &answer{code: http.StatusRequestEntityTooLarge, text: reason(err, "the file is too large")}
	case fault.WrongType:
		return &answer{code: http.StatusUnsupportedMediaType, text: reason(err, "files of this type are not taken here")}
	case fault.NoSpace:
		return &answer{code: http.StatusInsufficientStorage, text: reason(err, "there is no room left"), condition: "quota-not-exceeded"}
	case fault.NotDir:
		return &answer{code: http.StatusConflict, text: "the folder it should be in does not exist"}
	case fault.IsDir:
		return &answer{code: http.StatusMethodNotAllowed, text: "this is a folder"}
	case fault.NotEmpty:
		return &answer{code: http.StatusConflict, text: "the folder is not empty"}
	case fault.IntoItself:
		return &answer{code: http.StatusForbidden, text: "a folder cannot go into itself"}
	case fault.Changed:
		return &answer{code: http.StatusPreconditionFailed, text: "somebody else changed it meanwhile"}
	case fault.Locked:
		return &answer{code: http.StatusLocked, text: "somebody has locked this"}
	case fault.TooSlow:
		return &answer{code: http.StatusRequestTimeout, text: "nothing arrived for too long"}
	case fault.Unavailable:
		return &answer{code: http.StatusServiceUnavailable, text: reason(err, "this cannot be read now; try again later"), after: fault.RetryAfter(err)}
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
	// For what is left of the body, which net/http reads first, and for the answer.
	http.NewResponseController(q.w).SetWriteDeadline(time.Now().Add(2 * q.Idle)) //nolint:errcheck // http.ErrNotSupported
	a := answerTo(err)
	level := slog.LevelDebug
	if a.code == http.StatusInternalServerError {
		level = slog.LevelError
	}
	q.Log.Log(q.r.Context(), level, "webdav: request failed",
		"method", q.r.Method, "path", q.path, "status", a.code, "error", err)
	h := q.w.Header()
	h.Del("ETag")
	if a.code == http.StatusMethodNotAllowed {
		h.Set("Allow", allowedBut(q.r.Method))
	}
	if a.after != "" {
		h.Set("Retry-After", a.after)
	}
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
