package webdav

import (
	"net/http"
	"path"
	"strings"

	"slipway/gateway/webdav/multistatus"
)

// outside answers for paths that are not below the prefix. Windows asks for
// OPTIONS and PROPFIND of every folder above the one it mounts, from the
// server's root on; those are shown with nothing but the way down.
func (q *request) outside() error {
	dir := path.Clean("/" + q.r.URL.Path)
	if !inside(dir, q.Prefix) {
		return fail(http.StatusNotFound, "nothing is here")
	}
	switch q.r.Method {
	case http.MethodOptions:
		return q.options()
	case "PROPFIND":
		return q.signpost(dir)
	}
	return fail(http.StatusNotFound, "nothing is here")
}

// signpost answers PROPFIND of dir, a folder above the prefix.
func (q *request) signpost(dir string) error {
	folders := []string{dir}
	switch q.depth() {
	case "0":
	case "1":
		next, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(q.Prefix, dir), "/"), "/")
		folders = append(folders, path.Join(dir, next))
	default:
		return finiteDepth()
	}
	q.multistatus()
	out := multistatus.New(q.w)
	out.Open(&multistatus.Namespaces{})
	for _, f := range folders {
		out.Response(multistatus.Path(strings.TrimRight(f, "/")+"/"), "", false)
		out.Propstat()
		out.Raw("<D:resourcetype><D:collection/></D:resourcetype>")
		out.EndPropstat(http.StatusOK, "")
		out.EndResponse()
	}
	out.Close() //nolint:errcheck // the client left
	return nil
}
