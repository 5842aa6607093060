package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// Error is why something was not fetched. Its text and what to do are for people, and
// never have the whole address: that may hold a secret.
type Error struct {
	Text      string
	Remedy    string        // what to do about it; "": nothing is known
	Permanent bool          // it will not be otherwise soon
	After     time.Duration // the server asks to wait for so long; 0: it does not say
	cause     error
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Unwrap returns what lies behind it, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Address reports whether nothing was asked because of the address that a name has: it
// is in a private network, or not a port of the web.
func (e *Error) Address() bool {
	var a *errAddress
	return errors.As(e.cause, &a)
}

func permanent(remedy, format string, args ...any) *Error {
	return &Error{Text: fmt.Sprintf(format, args...), Remedy: remedy, Permanent: true}
}

// errAddress is of an address that nothing is fetched from.
type errAddress struct{ text string }

func (e *errAddress) Error() string { return e.text }

var (
	errStalled = errors.New("the server sends next to nothing")
	errTotal   = errors.New("it took too long")
)

// failed returns the Error of what an exchange with host ended with.
func failed(ctx context.Context, host string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		err = cause
	}
	e := &Error{cause: err}
	var address *errAddress
	var dns *net.DNSError
	switch {
	case errors.As(err, &address):
		e.Text, e.Permanent = address.text, true
		e.Remedy = "Links to machines in private networks are not followed. Download the picture, and drop it itself."
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Text, e.Permanent = fmt.Sprintf("there is no site called %s", host), true
		e.Remedy = "Look whether the link is written rightly."
	case errors.As(err, &dns):
		e.Text = fmt.Sprintf("the address of %s could not be found out", host)
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Text = fmt.Sprintf("%s sent a part of it only", host)
	case errors.Is(err, errStalled), errors.Is(err, errTotal):
		e.Text = fmt.Sprintf("%s was too slow: %v", host, err)
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		e.Text = fmt.Sprintf("%s did not answer in time", host)
	case errors.Is(err, context.Canceled):
		e.Text = "it was interrupted"
	default:
		e.Text = fmt.Sprintf("%s could not be read from: %s", host, bare(err))
	}
	return e
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// bare returns what err says without the address that it is about.
func bare(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// refused returns the Error of an answer that is not 200.
func refused(host string, r *http.Response) error {
	e := &Error{Text: fmt.Sprintf("%s answered %d", host, r.StatusCode), Permanent: true}
	if text := http.StatusText(r.StatusCode); text != "" {
		e.Text += " " + text
	}
	switch {
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusGone:
		e.Text = fmt.Sprintf("the picture is not at %s any more (%d)", host, r.StatusCode)
		e.Remedy = "Look for its address anew."
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusForbidden:
		e.Text = fmt.Sprintf("%s does not show it to everybody (%d)", host, r.StatusCode)
		e.Remedy = "It may want a sign-in, or only shows pictures on its own pages. Download the picture, and drop it itself."
	case r.StatusCode == http.StatusTooManyRequests, r.StatusCode == http.StatusRequestTimeout, r.StatusCode == http.StatusTooEarly, r.StatusCode >= 500:
		e.Permanent, e.After = false, retryAfter(r.Header.Get("Retry-After"), time.Now())
	}
	return e
}

// retryAfterMax is the longest wait that a server is believed.
const retryAfterMax = time.Hour

// retryAfter reads Retry-After (RFC 9110 §10.2.3).
func retryAfter(s string, now time.Time) time.Duration {
	d := time.Duration(0)
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		d = time.Duration(min(n, 1<<20)) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), retryAfterMax)
}
