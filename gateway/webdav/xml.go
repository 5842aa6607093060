package webdav

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/lock"
)

// ownerMax is how many bytes a lock keeps to describe its owner.
const ownerMax = 4 << 10

// badBody returns how an error of package davxml is answered.
func badBody(err error) error {
	if errors.Is(err, davxml.ErrTooLarge) {
		return fail(http.StatusRequestEntityTooLarge, err.Error())
	}
	return fail(http.StatusBadRequest, err.Error())
}

// parseLockInfo reads the body of a LOCK request.
func parseLockInfo(body []byte) (lock.Lock, error) {
	l, err := davxml.ParseLock(body)
	if err != nil {
		return lock.Lock{}, badBody(err)
	}
	if len(l.Owner) > ownerMax {
		return lock.Lock{}, fail(http.StatusRequestEntityTooLarge, "the lock's owner is too long")
	}
	return lock.Lock{Shared: l.Shared, Owner: l.Owner}, nil
}

// escape writes s as XML text.
func escape(s string) string { return davxml.Text(s) }

// href returns the URL path of name in the tree, percent-encoded; that of a
// directory ends in a slash.
func (h *Handler) href(name string, dir bool) string {
	p := path.Join(h.Prefix, name)
	if dir && p != "/" {
		p += "/"
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Path: p}).EscapedPath()
}
