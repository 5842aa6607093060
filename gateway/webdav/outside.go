package webdav

import (
	"fmt"
	"net/http"
	"path"
	"strings"
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
	hrefs := []string{dir}
	switch q.r.Header.Get("Depth") {
	case "0":
	case "1":
		next, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(q.Prefix, dir), "/"), "/")
		hrefs = append(hrefs, path.Join(dir, next))
	default:
		return &answer{code: http.StatusForbidden, text: "list one folder at a time (Depth: 1)",
			condition: "propfind-finite-depth"}
	}
	q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	q.w.WriteHeader(http.StatusMultiStatus)
	fmt.Fprint(q.w, `<?xml version="1.0" encoding="utf-8"?>`+"\n"+`<D:multistatus xmlns:D="DAV:">`)
	for _, h := range hrefs {
		fmt.Fprintf(q.w, `<D:response><D:href>%s</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop>`+
			`<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`, escape(strings.TrimRight(h, "/")+"/"))
	}
	fmt.Fprintln(q.w, `</D:multistatus>`)
	return nil
}
