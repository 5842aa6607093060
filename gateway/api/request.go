package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/afero"

	"slipway/gateway/operate"
)

// Bounds of what is asked.
const (
	maxJSON  = 64 << 10
	maxLimit = 1000
	maxWait  = 10 * time.Minute
)

// request is one that is being answered, of somebody who was let in.
type request struct {
	*Handler
	Session
	w   http.ResponseWriter
	r   *http.Request
	ctx context.Context
	me  operate.Person
	fs  afero.Fs
}

// leave ends its turn. What it does after that is no work.
func (q *request) leave() {
	if leave := q.Leave; leave != nil {
		q.Leave = nil
		leave()
	}
}

// reply answers with JSON.
func (q *request) reply(status int, value any) error {
	write(q.w, status, "application/json", value)
	return nil
}

// path returns the path that the request's address ends with.
func (q *request) path() (string, error) { return cleanPath(q.r.PathValue("path")) }

// cleanPath returns a path below the home: absolute, without a slash at its end.
func cleanPath(p string) (string, error) {
	if !isText(p) {
		return "", wrong("a path is UTF-8 without NUL")
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "." || part == ".." {
			return "", wrong(`a path has no "." and ".."`)
		}
	}
	return path.Clean("/" + p), nil
}

// isText reports whether s is what the tree and the database hold.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// parameters are the request's query.
type parameters struct{ url.Values }

// query returns the request's query, which may have the names that are known.
func (q *request) query(known ...string) (parameters, error) {
	values, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return parameters{}, wrong("the address's query is malformed")
	}
	for name, value := range values {
		if !slices.Contains(known, name) {
			return parameters{}, wrong("there is no parameter " + strconv.Quote(name) + " here; the parameters are " + strings.Join(known, ", "))
		}
		if slices.ContainsFunc(value, func(v string) bool { return !isText(v) }) {
			return parameters{}, wrong(name + " is UTF-8 without NUL")
		}
		if len(value) > 1 && name != "state" {
			return parameters{}, wrong(name + " is there twice")
		}
	}
	return parameters{values}, nil
}

// limit reads how many are asked for.
func (p parameters) limit() (int, error) {
	n, err := p.number("limit", 100)
	if err != nil || n < 1 || n > maxLimit {
		return 0, wrong("limit is a number from 1 to 1000")
	}
	return int(n), nil
}

// number reads a whole number, or returns otherwise where there is none.
func (p parameters) number(name string, otherwise int64) (int64, error) {
	if !p.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(p.Get(name), 10, 64)
	if err != nil {
		return 0, wrong(name + " is a whole number")
	}
	return n, nil
}

// time reads a time; zero where there is none.
func (p parameters) time(name string) (time.Time, error) {
	if !p.Has(name) {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, p.Get(name))
	if err != nil {
		return t, wrong(name + " is a time as in 2026-11-22T07:30:00Z")
	}
	return t, nil
}

// flag reads true or false; false where there is none.
func (p parameters) flag(name string) (bool, error) {
	switch p.Get(name) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, wrong(name + " is true or false")
}

// wait reads how long the answer may wait; 0 where it does not say.
func (p parameters) wait() (time.Duration, error) {
	if !p.Has("wait") {
		return 0, nil
	}
	d, err := time.ParseDuration(p.Get("wait"))
	if err != nil || d < 0 || d > maxWait {
		return 0, wrong("wait is a time up to 10m, as in 30s")
	}
	return d, nil
}

// decode reads the body: one JSON object with the fields of to alone.
func (q *request) decode(to any) error {
	if kind, _, _ := mime.ParseMediaType(q.r.Header.Get("Content-Type")); kind != "application/json" {
		return problem{Status: http.StatusUnsupportedMediaType, Detail: "send JSON, with Content-Type: application/json"}
	}
	d := json.NewDecoder(http.MaxBytesReader(q.w, q.incoming(), maxJSON))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil && d.More() {
		err = errors.New("more than one object")
	}
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return problem{Status: http.StatusRequestEntityTooLarge, Detail: "the request is too long"}
	case errors.Is(err, io.EOF):
		return wrong("the request's body is empty; a JSON object is wanted")
	case err != nil:
		return wrong("the request's body is not what is wanted here: " + err.Error())
	}
	return nil
}

// id reads a number of the address.
func (q *request) id(name string) (int64, error) {
	n, err := strconv.ParseInt(q.r.PathValue(name), 10, 64)
	if err != nil || n < 1 {
		return 0, notFound("there is nothing with this number")
	}
	return n, nil
}

// waiting returns the query's wait, the only name that it may have.
func (q *request) waiting() (time.Duration, error) {
	params, err := q.query("wait")
	if err != nil {
		return 0, err
	}
	return params.wait()
}

// listing returns which folder the request is about, after which name its page
// begins, and how many names it has at the most.
func (q *request) listing() (p, after string, limit int, err error) {
	if p, err = q.path(); err != nil {
		return "", "", 0, err
	}
	params, err := q.query("after", "limit")
	if err != nil {
		return "", "", 0, err
	}
	limit, err = params.limit()
	return p, params.Get("after"), limit, err
}
