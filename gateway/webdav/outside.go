package webdav

import (
	"encoding/xml"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"slipway/gateway/webdav/multistatus"
	"slipway/gateway/webdav/property"
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
	asked, err := q.asked()
	if err != nil {
		return err
	}
	var below []fs.FileInfo
	switch q.depth() {
	case "0":
	case "1":
		next, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(q.Prefix, dir), "/"), "/")
		below = append(below, waypoint(next))
	default:
		return finiteDepth()
	}
	query := property.NewQuery(asked, false)
	source := q.source(query)
	source.Locks = func(string) string { return "" }
	l := &property.Listing{
		Query: query, Source: source, Out: multistatus.New(q.progressWriter()),
		Path: dir, Href: multistatus.Path(strings.TrimRight(dir, "/") + "/"),
		Fetch: func([]fs.FileInfo) ([]map[xml.Name]string, [][]property.Upload, error) { return nil, nil, nil },
		Begin: q.multistatus,
	}
	if err := l.Folder(waypoint(path.Base(dir)), &way{below}); err != nil {
		return q.broken(err, l.Begun())
	}
	l.Out.Close() //nolint:errcheck // the client left
	return nil
}

// waypoint is a folder on the way to the prefix, by its name.
type waypoint string

func (w waypoint) Name() string     { return string(w) }
func (waypoint) Size() int64        { return 0 }
func (waypoint) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (waypoint) ModTime() time.Time { return time.Time{} }
func (waypoint) IsDir() bool        { return true }
func (waypoint) Sys() any           { return nil }

// way lists one folder.
type way struct{ below []fs.FileInfo }

// Readdir returns all at once.
func (w *way) Readdir(int) ([]fs.FileInfo, error) { return w.below, io.EOF }
