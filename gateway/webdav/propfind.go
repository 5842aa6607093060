package webdav

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"strings"

	xdav "golang.org/x/net/webdav"

	"slipway/gateway/webdav/lock"
)

// propfind answers with properties (RFC 4918 §9.1). Listing a whole tree at once
// is refused, as §9.1 allows.
func (q *request) propfind() error {
	body, err := q.readXML()
	if err != nil {
		return err
	}
	info, err := q.existing()
	if err != nil {
		return err
	}
	switch q.r.Header.Get("Depth") {
	case "0", "1":
	case "", "infinity":
		if info.IsDir() {
			return &answer{code: http.StatusForbidden, text: "list one folder at a time (Depth: 1)",
				condition: "propfind-finite-depth"}
		}
	default:
		return fail(http.StatusBadRequest, "Depth must be 0, 1 or infinity")
	}
	t := newTree(q, body)
	t.keep(q.path, info)
	q.inner(t, body)
	return nil
}

// proppatch sets properties (RFC 4918 §9.2).
func (q *request) proppatch() error {
	body, err := q.readXML()
	if err != nil {
		return err
	}
	info, err := q.existing()
	if err != nil {
		return err
	}
	if err := q.guard(target{q.path, lock.Content}); err != nil {
		return err
	}
	if err := q.preconditions(info); err != nil {
		return err
	}
	t := newTree(q, nil)
	t.keep(q.path, info)
	q.inner(t, body)
	return nil
}

// readXML reads the body, which may be empty.
func (q *request) readXML() ([]byte, error) {
	body, err := q.readAll()
	if err == nil && len(body) > 0 {
		err = checkXML(body)
	}
	return body, err
}

// inner has golang.org/x/net/webdav answer. It sees a clean path and no If
// header, which was evaluated already.
func (q *request) inner(t *tree, body []byte) {
	r := q.r.Clone(q.r.Context())
	r.URL.Path, r.URL.RawPath = path.Join(q.Prefix, q.path), ""
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Del("If")
	h := &xdav.Handler{Prefix: q.Prefix, FileSystem: t, LockSystem: free{}, Logger: func(_ *http.Request, err error) {
		if err != nil {
			q.Log.DebugContext(q.r.Context(), "webdav: properties", "method", q.r.Method, "path", q.path, "error", err)
		}
	}}
	h.ServeHTTP(q.progressWriter(), r)
}

// asksFor reports whether a PROPFIND body names a property; it may say yes too often.
func asksFor(body []byte, property string) bool { return bytes.Contains(body, []byte(property)) }

// wantsQuota reports whether quota properties are to be computed: only by name
// (RFC 4331 §3), and not for macOS, which hangs on mounting where they are.
func (q *request) wantsQuota(body []byte) bool {
	return asksFor(body, "quota-") && !strings.HasPrefix(q.r.UserAgent(), "WebDAVFS/")
}
