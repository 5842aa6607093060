package webdav

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
	"slipway/gateway/webdav/property"
)

// propfind answers with properties (RFC 4918 §9.1). Listing a whole tree at once
// is refused, as §9.1 allows.
func (q *request) propfind() error {
	asked, err := q.asked()
	if err != nil {
		return err
	}
	info, err := q.existing()
	if err != nil {
		return err
	}
	if err := errors.Join(q.ifHolds(), q.preconditions(info)); err != nil {
		return err
	}
	children := false
	switch q.depth() {
	case "0":
	case "1":
		children = info.IsDir()
	case "", "infinity":
		if info.IsDir() {
			return finiteDepth()
		}
	default:
		return fail(http.StatusBadRequest, "Depth must be 0, 1 or infinity")
	}
	return q.describe(info, children, property.NewQuery(asked, children && q.brief()))
}

// asked reads what a PROPFIND wants to know.
func (q *request) asked() (asked davxml.Propfind, err error) {
	body, err := q.readAll()
	if err != nil {
		return asked, err
	}
	if asked, err = davxml.ParsePropfind(body); err != nil {
		return asked, badBody(err)
	}
	return asked, nil
}

func finiteDepth() error {
	return &answer{code: http.StatusForbidden, text: "list one folder at a time (Depth: 1)",
		condition: "propfind-finite-depth"}
}

// brief reports whether a listing must be short: Explorer gives up where one has
// more than 1,000,000 bytes, and always asks for all.
func (q *request) brief() bool {
	return strings.HasPrefix(q.r.UserAgent(), "Microsoft-WebDAV-MiniRedir/")
}

// describe answers a query about info, and about what is in it if asked.
func (q *request) describe(info fs.FileInfo, children bool, query *property.Query) (err error) {
	l := &property.Listing{
		Query: query, Source: q.source(query), Out: multistatus.New(q.progressWriter()),
		Path: q.path, Href: q.href(q.path, info.IsDir()),
		Fetch: func(infos []fs.FileInfo) ([]map[xml.Name]string, [][]property.Upload, error) {
			return q.fetch(query, infos)
		},
		Begin: q.multistatus,
	}
	if children {
		var f afero.File
		if f, err = q.fs.Open(q.path); err != nil {
			return err
		}
		defer f.Close()
		err = l.Folder(info, f)
	} else {
		err = l.Only(info)
	}
	if err != nil {
		return q.broken(err, l.Begun())
	}
	if err := l.Out.Close(); err != nil {
		q.Log.DebugContext(q.r.Context(), "webdav: the client left its listing", "path", q.path, "error", err)
	}
	return nil
}

// broken ends an answer that cannot be completed. Once it has begun, the
// connection is cut: who takes a listing that lacks files for a whole one deletes
// them on his side.
func (q *request) broken(err error, begun bool) error {
	if !begun {
		return err
	}
	level := slog.LevelError
	if q.r.Context().Err() != nil { // the client left first
		level = slog.LevelDebug
	}
	q.Log.Log(q.r.Context(), level, "webdav: a listing was cut off", "path", q.path, "error", err)
	panic(http.ErrAbortHandler)
}

// source tells live properties of this request's tree.
func (q *request) source(query *property.Query) *property.Source {
	s := &property.Source{
		ETag: q.etag, ContentType: q.contentType, Created: created, Checksums: checksums, Locks: q.activeLocks,
		Used: -1, Available: -1,
	}
	if query.WantsQuota() {
		s.Used, s.Available = q.quota()
	}
	return s
}

func created(info fs.FileInfo) time.Time {
	if c, ok := info.(creator); ok {
		return c.Created()
	}
	return time.Time{}
}

func checksums(info fs.FileInfo) []string {
	if c, ok := info.(checksummed); ok {
		return c.Checksums()
	}
	return nil
}

// quota returns the bytes that are used and left, -1 for what is not told: nobody
// knows, or it is macOS and MacQuota is not set.
func (q *request) quota() (used, left int64) {
	u, ok := q.fs.(usager)
	if !ok || strings.HasPrefix(q.r.UserAgent(), "WebDAVFS/") && (q.MacQuota == nil || !q.MacQuota()) {
		return -1, -1
	}
	used, limit, err := u.Usage()
	if err != nil {
		q.Log.WarnContext(q.r.Context(), "webdav: a folder is described without its quota", "path", q.path, "error", err)
		return -1, -1
	}
	if limit < 0 {
		return used, -1
	}
	return used, max(limit-max(used, 0), 0)
}

// activeLocks describes the locks on name; the prefix D must be declared.
func (q *request) activeLocks(name string) string {
	var b strings.Builder
	for _, l := range q.locks.Covering(q.key(name)) {
		b.WriteString(q.activeLock(l))
	}
	return b.String()
}

// fetch returns what is not in infos, as far as it is asked for.
func (q *request) fetch(query *property.Query, infos []fs.FileInfo) (dead []map[xml.Name]string, uploads [][]property.Upload, err error) {
	if p, ok := q.fs.(propertied); ok && query.WantsDead() {
		if dead, err = p.Properties(infos...); err != nil {
			return nil, nil, err
		}
	}
	if q.Uploads == nil || !query.WantsUploads() {
		return dead, nil, nil
	}
	all, err := q.Uploads(q.r, infos)
	if err != nil {
		return nil, nil, err
	}
	for _, of := range all {
		list := make([]property.Upload, len(of))
		for i, u := range of {
			list[i] = property.Upload(u)
		}
		uploads = append(uploads, list)
	}
	return dead, uploads, nil
}

// multistatus begins a 207.
func (q *request) multistatus() {
	q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	q.w.WriteHeader(http.StatusMultiStatus)
}
