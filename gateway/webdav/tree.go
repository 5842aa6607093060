package webdav

import (
	"context"
	"encoding/xml"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	xdav "golang.org/x/net/webdav"
)

// tree shows one request's Fs to golang.org/x/net/webdav. That package stats and
// opens every entry of a listing several times; here all of them come from the
// one Readdir, and nothing is opened for its properties.
type tree struct {
	q     *request
	infos map[string]fs.FileInfo
	// What the PROPFIND body asks for by name.
	quota, locks, created bool

	used, limit int64 // bytes; limit -1: unknown
}

func newTree(q *request, body []byte) *tree {
	t := &tree{q: q, infos: map[string]fs.FileInfo{}, locks: asksFor(body, "lockdiscovery"), created: asksFor(body, "creationdate")}
	if u, ok := q.fs.(usager); ok && q.wantsQuota(body) {
		var err error
		t.used, t.limit, err = u.Usage()
		t.quota = err == nil
	}
	return t
}

// Stat answers from what was listed already.
func (t *tree) Stat(_ context.Context, name string) (fs.FileInfo, error) {
	name = path.Clean("/" + name)
	if info, ok := t.infos[name]; ok {
		return info, nil
	}
	info, err := t.q.fs.Stat(name)
	if err != nil {
		return nil, err
	}
	return t.keep(name, info), nil
}

func (t *tree) keep(name string, info fs.FileInfo) fs.FileInfo {
	t.infos[name] = typed{info, t.q}
	return t.infos[name]
}

// OpenFile opens nothing yet: properties need a FileInfo only. The flags do not
// count, because PROPPATCH opens for writing what it never writes.
func (t *tree) OpenFile(ctx context.Context, name string, _ int, _ os.FileMode) (xdav.File, error) {
	info, err := t.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return &leaf{t: t, name: path.Clean("/" + name), info: info}, nil
}

// Mkdir is not reached: MKCOL is our own.
func (t *tree) Mkdir(context.Context, string, os.FileMode) error { return fs.ErrPermission }

// RemoveAll is not reached: DELETE is our own.
func (t *tree) RemoveAll(context.Context, string) error { return fs.ErrPermission }

// Rename is not reached: MOVE is our own.
func (t *tree) Rename(context.Context, string, string) error { return fs.ErrPermission }

// leaf is a file or directory of a tree, for its properties.
type leaf struct {
	t    *tree
	name string
	info fs.FileInfo
}

func (l *leaf) Close() error                   { return nil }
func (l *leaf) Read([]byte) (int, error)       { return 0, fs.ErrInvalid }
func (l *leaf) Write([]byte) (int, error)      { return 0, fs.ErrInvalid }
func (l *leaf) Seek(int64, int) (int64, error) { return 0, fs.ErrInvalid }
func (l *leaf) Stat() (fs.FileInfo, error)     { return l.info, nil }

// Readdir lists the directory, and keeps what it saw for Stat.
func (l *leaf) Readdir(int) ([]fs.FileInfo, error) {
	f, err := l.t.q.fs.Open(l.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	infos, err := f.Readdir(-1)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: l.name, Err: err}
	}
	for i, info := range infos {
		infos[i] = l.t.keep(path.Join(l.name, info.Name()), info)
	}
	return infos, nil
}

// typed answers content types without the file being opened, and entity tags as
// GET does.
type typed struct {
	fs.FileInfo
	q *request
}

func (i typed) ContentType(context.Context) (string, error) { return i.q.contentType(i.FileInfo), nil }
func (i typed) ETag(context.Context) (string, error)        { return i.q.etag(i.FileInfo), nil }

// DeadProps returns the live properties that golang.org/x/net/webdav does not know.
func (l *leaf) DeadProps() (map[xml.Name]xdav.Property, error) {
	props := map[xml.Name]xdav.Property{}
	put := func(local, value string) {
		n := xml.Name{Space: "DAV:", Local: local}
		props[n] = xdav.Property{XMLName: n, InnerXML: []byte(value)}
	}
	put("supportedlock", supportedLock)
	if l.t.locks {
		put("lockdiscovery", l.t.q.activeLocks(l.name))
	}
	if c, ok := l.info.(typed).FileInfo.(creator); ok && l.t.created {
		put("creationdate", c.Created().UTC().Format(time.RFC3339))
	}
	if l.t.quota && l.info.IsDir() {
		put("quota-used-bytes", strconv.FormatInt(l.t.used, 10))
		if l.t.limit >= 0 {
			put("quota-available-bytes", strconv.FormatInt(max(l.t.limit-l.t.used, 0), 10))
		}
	}
	return props, nil
}

const supportedLock = `<D:lockentry xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>` +
	`<D:lockentry xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`

func (q *request) activeLocks(name string) string {
	var b strings.Builder
	for _, l := range q.locks.Covering(q.key(name)) {
		b.WriteString(strings.Replace(q.activeLock(l), "<D:activelock>", `<D:activelock xmlns:D="DAV:">`, 1))
	}
	return b.String()
}

const win32 = "urn:schemas-microsoft-com:"

// Patch sets properties, all or none. Explorer gives up a whole copy where its
// own are refused: of those the modification time is set, and the rest, which
// mean nothing here, are acknowledged. Others have no place to be kept; removing
// what is not there is no error (RFC 4918 §14.23).
func (l *leaf) Patch(patches []xdav.Proppatch) ([]xdav.Propstat, error) {
	good := xdav.Propstat{Status: http.StatusOK}
	bad := xdav.Propstat{Status: http.StatusForbidden}
	var modified time.Time
	for _, p := range patches {
		for _, prop := range p.Props {
			if prop.XMLName.Space != win32 && !p.Remove {
				bad.Props = append(bad.Props, prop)
				continue
			}
			good.Props = append(good.Props, prop)
			if t, err := http.ParseTime(string(prop.InnerXML)); err == nil && prop.XMLName.Local == "Win32LastModifiedTime" {
				modified = t
			}
		}
	}
	if len(bad.Props) > 0 {
		good.Status = xdav.StatusFailedDependency
		if len(good.Props) == 0 {
			return []xdav.Propstat{bad}, nil
		}
		return []xdav.Propstat{bad, good}, nil
	}
	if !modified.IsZero() {
		if err := l.t.q.fs.Chtimes(l.name, modified, modified); err != nil {
			good.Status = answerTo(err).code
		}
	}
	return []xdav.Propstat{good}, nil
}

// free is a lock system that lets everything pass: locks were looked at before.
type free struct{}

func (free) Confirm(time.Time, string, string, ...xdav.Condition) (func(), error) {
	return func() {}, nil
}

func (free) Create(time.Time, xdav.LockDetails) (string, error) { return "free", nil }

func (free) Unlock(time.Time, string) error { return nil }

func (free) Refresh(time.Time, string, time.Duration) (xdav.LockDetails, error) {
	return xdav.LockDetails{}, xdav.ErrNoSuchLock
}
