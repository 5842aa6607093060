package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"

	"slipway/gateway/operate"
	"slipway/gateway/webdav/fault"
)

// problem is an error as it is answered (RFC 9457). Its type is about:blank, so
// that its title is the status's.
type problem struct {
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail"` // for people
	header http.Header // of the answer
}

// Error returns the text for people.
func (p problem) Error() string { return p.Detail }

// errGone ends an answer that nobody reads any more.
var errGone = errors.New("api: the client is gone")

func wrong(text string) error    { return problem{Status: http.StatusBadRequest, Detail: text} }
func notFound(text string) error { return problem{Status: http.StatusNotFound, Detail: text} }
func conflict(text string) error { return problem{Status: http.StatusConflict, Detail: text} }

// answer writes p.
func (p problem) answer(w http.ResponseWriter) {
	p.Title = http.StatusText(p.Status)
	maps.Copy(w.Header(), p.header)
	write(w, p.Status, "application/problem+json", p)
}

// write answers with JSON.
func write(w http.ResponseWriter, status int, kind string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"title":"Internal Server Error","status":500,"detail":"the answer cannot be written"}`)
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	w.Write(append(text, '\n')) //nolint:errcheck // the reader is gone
}

// faults is how errors of the tree are answered where they say nothing themselves.
var faults = map[fault.Kind]problem{
	fault.NotExist:   {Status: http.StatusNotFound, Detail: "nothing is there"},
	fault.Exist:      {Status: http.StatusConflict, Detail: "something is there already"},
	fault.Forbidden:  {Status: http.StatusForbidden, Detail: "this is not allowed here"},
	fault.TooLarge:   {Status: http.StatusRequestEntityTooLarge, Detail: "the file is too large"},
	fault.WrongType:  {Status: http.StatusUnsupportedMediaType, Detail: "files of this type are not taken here"},
	fault.NoSpace:    {Status: http.StatusInsufficientStorage, Detail: "there is no room left"},
	fault.NotDir:     {Status: http.StatusConflict, Detail: "a file stands where a folder would have to be"},
	fault.IsDir:      {Status: http.StatusConflict, Detail: "this is a folder"},
	fault.NotEmpty:   {Status: http.StatusConflict, Detail: "the folder is not empty"},
	fault.IntoItself: {Status: http.StatusConflict, Detail: "a folder cannot go into itself"},
	fault.Changed:    {Status: http.StatusPreconditionFailed, Detail: "somebody else changed it meanwhile"},
	fault.Locked:     {Status: http.StatusLocked, Detail: "somebody has locked this; try again later"},
	fault.TooSlow:    {Status: http.StatusRequestTimeout, Detail: "nothing arrived for too long; nothing was stored"},

	fault.Unavailable: {Status: http.StatusServiceUnavailable, Detail: "this cannot be read now; try again later"},
}

// problemOf returns how an error is answered.
func problemOf(err error) problem {
	var p problem
	var refused *Refusal
	var e *operate.Error
	var reason interface{ Reason() string }
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refused):
		return problem{Status: refused.Status, Detail: refused.Error(), header: refused.Header}
	case errors.As(err, &e):
		status := map[operate.Kind]int{operate.Usage: 400, operate.NotFound: 404, operate.Forbidden: 403}[e.Kind]
		if status == 0 {
			status = http.StatusConflict
		}
		return problem{Status: status, Detail: e.Text}
	}
	if p, ok := faults[fault.Of(err)]; ok {
		if errors.As(err, &reason) && reason.Reason() != "" {
			p.Detail = reason.Reason()
		}
		if after := fault.RetryAfter(err); after != "" {
			p.header = http.Header{"Retry-After": {after}}
		}
		return p
	}
	if errors.Is(err, operate.ErrUsage) {
		return problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	return problem{Status: http.StatusInternalServerError, Detail: "the gateway could not do this; its log says why"}
}
