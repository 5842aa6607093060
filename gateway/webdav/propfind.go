package webdav

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
	"slipway/gateway/webdav/property"
)

// propfindPage is of how many files properties and uploads are fetched at a time.
const propfindPage = 500

// propfind answers with properties (RFC 4918 §9.1). Listing a whole tree at once
// is refused, as §9.1 allows.
func (q *request) propfind() error {
	body, err := q.readAll()
	if err != nil {
		return err
	}
	asked, err := davxml.ParsePropfind(body)
	if err != nil {
		return badBody(err)
	}
	info, err := q.existing()
	if err != nil {
		return err
	}
	if err := q.ifHolds(); err != nil {
		return err
	}
	switch strings.ToLower(q.r.Header.Get("Depth")) {
	case "0":
		return q.newDescription(asked, false).only(info)
	case "1":
	case "", "infinity":
		if info.IsDir() {
			return finiteDepth()
		}
	default:
		return fail(http.StatusBadRequest, "Depth must be 0, 1 or infinity")
	}
	if !info.IsDir() {
		return q.newDescription(asked, false).only(info)
	}
	return q.newDescription(asked, q.brief()).folder(info)
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

// description is a Multi-Status answer on its way.
type description struct {
	*request
	query  *property.Query
	source property.Source
	out    *multistatus.Writer
	href   string // of the request's path; a folder's ends in a slash
	begun  bool   // the status was sent
}

func (q *request) newDescription(asked davxml.Propfind, brief bool) *description {
	d := &description{request: q, query: property.NewQuery(asked, brief), out: multistatus.New(q.progressWriter())}
	d.source = property.Source{
		ETag: q.etag, ContentType: q.contentType, Created: created, Checksums: checksums, Locks: q.activeLocks,
		Used: -1, Available: -1,
	}
	if d.query.WantsQuota() {
		d.source.Used, d.source.Available = q.quota()
	}
	return d
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
// knows, or it is macOS, which may hang on mounting where it is.
func (q *request) quota() (used, left int64) {
	u, ok := q.fs.(usager)
	if !ok || strings.HasPrefix(q.r.UserAgent(), "WebDAVFS/") {
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
	return used, max(limit-used, 0)
}

// activeLocks describes the locks on name; the prefix D must be declared.
func (q *request) activeLocks(name string) string {
	var b strings.Builder
	for _, l := range q.locks.Covering(q.key(name)) {
		b.WriteString(q.activeLock(l))
	}
	return b.String()
}

// only describes what stands at the request's path, alone.
func (d *description) only(info fs.FileInfo) error {
	d.href = d.request.href(d.path, info.IsDir())
	if err := d.page(true, info); err != nil {
		return err
	}
	return d.end()
}

// folder describes a folder and what is in it, a page at a time.
func (d *description) folder(info fs.FileInfo) error {
	f, err := d.fs.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	d.href = d.request.href(d.path, true)
	infos := []fs.FileInfo{info}
	for self := true; ; self = false {
		listed, err := f.Readdir(propfindPage - len(infos))
		if err != nil && !errors.Is(err, io.EOF) {
			return d.broken(err)
		}
		infos = append(infos, listed...)
		if len(infos) == 0 {
			break
		}
		if err := d.page(self, infos...); err != nil {
			return d.broken(err)
		}
		if errors.Is(err, io.EOF) || d.out.Err() != nil {
			break
		}
		infos = infos[:0]
	}
	return d.end()
}

// broken ends an answer that cannot be completed. Once it has begun, the
// connection is cut: who takes a listing that lacks files for a whole one deletes
// them on his side.
func (d *description) broken(err error) error {
	if !d.begun {
		return err
	}
	d.Log.ErrorContext(d.r.Context(), "webdav: a listing was cut off", "path", d.path, "error", err)
	panic(http.ErrAbortHandler)
}

// page describes infos, of which the first may be the request's path itself; the
// others are in it.
func (d *description) page(self bool, infos ...fs.FileInfo) error {
	dead, uploads, err := d.fetch(infos)
	if err != nil {
		return err
	}
	if !d.begun {
		d.begun = true
		d.multistatus()
		d.out.Open(d.query.Namespaces())
	}
	var r property.Resource
	for i, info := range infos {
		r.Info, r.Path = info, d.path
		if self && i == 0 {
			d.out.Response(d.href, "", false)
		} else {
			r.Path = path.Join(d.path, info.Name())
			d.out.Response(d.href, info.Name(), info.IsDir())
		}
		if dead != nil {
			r.Dead = dead[i]
		}
		r.Uploads = r.Uploads[:0]
		if uploads != nil {
			for _, u := range uploads[i] {
				r.Uploads = append(r.Uploads, property.Upload(u))
			}
		}
		d.query.Write(d.out, &d.source, &r)
		d.out.EndResponse()
	}
	return nil
}

// fetch returns what is not in infos, as far as it is asked for.
func (d *description) fetch(infos []fs.FileInfo) (dead []map[xml.Name]string, uploads [][]Upload, err error) {
	if p, ok := d.fs.(propertied); ok && d.query.WantsDead() {
		if dead, err = p.Properties(infos...); err != nil {
			return nil, nil, err
		}
	}
	if d.Uploads != nil && d.query.WantsUploads() {
		uploads, err = d.Uploads(d.r, infos)
	}
	return dead, uploads, err
}

// end sends the rest of the answer.
func (d *description) end() error {
	if err := d.out.Close(); err != nil {
		d.Log.DebugContext(d.r.Context(), "webdav: the client left its listing", "path", d.path, "error", err)
	}
	return nil
}

// multistatus begins a 207.
func (q *request) multistatus() {
	q.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	q.w.WriteHeader(http.StatusMultiStatus)
}
