package api

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"sort"
	"strings"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/operate"
)

// etager is a FileInfo that knows its entity tag (RFC 9110 §8.8.3).
type etager interface {
	ETag(ctx context.Context) (string, error)
}

// contentTyper is a FileInfo that knows its media type.
type contentTyper interface {
	ContentType(ctx context.Context) (string, error)
}

// etag returns info's entity tag; "" for a directory, and for nothing.
func (q *request) etag(info fs.FileInfo) string {
	if info == nil || info.IsDir() {
		return ""
	}
	if t, ok := info.(etager); ok {
		if tag, err := t.ETag(q.ctx); err == nil {
			return tag
		}
	}
	return ""
}

// file answers GET /files/PATH: what is known of a file, with its uploads.
func (q *request) file() error {
	p, err := q.path()
	if err != nil {
		return err
	}
	wait, err := q.waiting()
	if err != nil {
		return err
	}
	x, err := q.Desk.Explain(q.ctx, p)
	if err != nil {
		return err
	}
	if x.Entry == nil {
		return notFound("nothing is there")
	}
	e := *x.Entry
	if e.Dir {
		return conflict("this is a folder; " + Prefix + "folders lists it")
	}
	status := http.StatusOK
	if e.Uploads, err = q.follow(e.ID, wait); err != nil {
		return err
	}
	if wait > 0 && picked(e.Uploads) == nil && onItsWay(e.Uploads) {
		status = http.StatusAccepted
	}
	if info, err := q.fs.Stat(p); err == nil && q.etag(info) != "" {
		q.w.Header().Set("ETag", q.etag(info))
	}
	return q.reply(status, e)
}

// content answers GET /content/PATH with the bytes of a file, or of what the doors
// show beside it.
func (q *request) content() error {
	p, err := q.path()
	if err != nil {
		return err
	}
	info, err := q.fs.Stat(p)
	if err != nil {
		return err
	}
	if !info.IsDir() && q.has(info) {
		q.serve(p, info, io.NewSectionReader(strings.NewReader(""), 0, info.Size())) // which nobody reads
		return nil
	}
	f, err := q.fs.Open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return err
	}
	if info.IsDir() {
		return conflict("this is a folder; " + Prefix + "folders lists it")
	}
	q.serve(p, info, f)
	return nil
}

// has reports whether the answer has no bytes of the file: then it is not opened, for
// they may have to be fetched from afar.
func (q *request) has(info fs.FileInfo) bool {
	tag := q.r.Header.Get("If-None-Match")
	return q.r.Method == http.MethodHead || tag != "" && tag == q.etag(info)
}

// serve answers with the bytes of a file, with ranges and conditions.
func (q *request) serve(p string, info fs.FileInfo, content io.ReadSeeker) {
	h := q.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if t, ok := info.(contentTyper); ok {
		if kind, err := t.ContentType(q.ctx); err == nil {
			h.Set("Content-Type", kind)
		}
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(p)}))
	if tag := q.etag(info); tag != "" {
		h.Set("ETag", tag)
	}
	http.ServeContent(moving{q.w, q.Idle}, q.r, "", info.ModTime(), content)
}

// moving ends a reply that its client takes nothing of any more.
type moving struct {
	http.ResponseWriter
	idle time.Duration
}

// Write gives each piece its time.
func (m moving) Write(p []byte) (int, error) {
	http.NewResponseController(m.ResponseWriter).SetWriteDeadline(time.Now().Add(m.idle)) //nolint:errcheck // where there are none, there are none
	return m.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (m moving) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// folder answers GET /folders/PATH: a page of a folder's files, with their uploads.
func (q *request) folder() error {
	p, after, limit, err := q.listing()
	if err != nil {
		return err
	}
	page, err := q.Desk.Files(q.ctx, p, after, limit)
	if err != nil {
		return err
	}
	if page.Entries == nil {
		page.Entries = []operate.Entry{}
	}
	return q.reply(http.StatusOK, page)
}

// name is one name that the doors show.
type name struct {
	Name     string    `json:"name"`
	Dir      bool      `json:"dir"`
	Size     int64     `json:"size"` // bytes
	Modified time.Time `json:"modified"`
}

// names answers GET /names/PATH: a page of what the doors show in a folder, receipts
// included, in the order of the names' bytes.
func (q *request) names() error {
	p, after, limit, err := q.listing()
	if err != nil {
		return err
	}
	infos, err := afero.ReadDir(q.fs, p)
	if err != nil {
		return err
	}
	if after != "" {
		first := sort.Search(len(infos), func(i int) bool { return infos[i].Name() > after })
		infos = infos[first:]
	}
	next := ""
	if len(infos) > limit {
		infos = infos[:limit]
		next = infos[limit-1].Name()
	}
	answer := struct {
		Path  string `json:"path"`
		Names []name `json:"names"`
		Next  string `json:"next,omitempty"`
	}{p, make([]name, len(infos)), next}
	for i, info := range infos {
		answer.Names[i] = name{info.Name(), info.IsDir(), info.Size(), info.ModTime()}
	}
	return q.reply(http.StatusOK, answer)
}

// makeFolder answers PUT /folders/PATH, making the folders above it too.
func (q *request) makeFolder() error {
	p, err := q.path()
	if err != nil {
		return err
	}
	info, err := q.fs.Stat(p)
	if err == nil && info.IsDir() {
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if err := q.fs.MkdirAll(p, 0o777); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusCreated)
	return nil
}

// removeFolder answers DELETE /folders/PATH: an empty folder, or with
// recursive=true all that is in it.
func (q *request) removeFolder() error {
	p, err := q.path()
	if err != nil {
		return err
	}
	params, err := q.query("recursive")
	if err != nil {
		return err
	}
	all, err := params.flag("recursive")
	if err != nil {
		return err
	}
	info, err := q.fs.Stat(p)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return conflict("this is a file; " + Prefix + "files removes it")
	case p == "/":
		return problem{Status: http.StatusForbidden, Detail: "the home itself stays"}
	case all:
		err = q.fs.RemoveAll(p)
	default:
		err = q.fs.Remove(p)
	}
	return q.done(err)
}

// remove answers DELETE /files/PATH.
func (q *request) remove() error {
	p, err := q.path()
	if err != nil {
		return err
	}
	defer q.alone(p)()
	info, err := q.fs.Stat(p)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return conflict("this is a folder; " + Prefix + "folders removes it")
	}
	if err := q.preconditions(info); err != nil {
		return err
	}
	return q.done(q.fs.Remove(p))
}

// done answers 204 where there is no error.
func (q *request) done(err error) error {
	if err == nil {
		q.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// mover moves a file or a tree in one transaction. Without overwrite, something at
// to is fs.ErrExist.
type mover interface {
	Move(from, to string, overwrite bool) (replaced bool, err error)
}

// move answers POST /move: another path for a file or a folder.
func (q *request) move() error {
	var body struct {
		From      string `json:"from"`
		To        string `json:"to"`
		Overwrite bool   `json:"overwrite"`
	}
	if err := q.decode(&body); err != nil {
		return err
	}
	from, err := cleanPath(body.From)
	if err != nil {
		return err
	}
	to, err := cleanPath(body.To)
	if err != nil {
		return err
	}
	if from == "/" || to == "/" {
		return wrong("say from where to where, as in from: /a.jpg, to: /album/a.jpg")
	}
	m, ok := q.fs.(mover)
	if !ok {
		return problem{Status: http.StatusForbidden, Detail: "nothing can be moved here"}
	}
	_, err = m.Move(from, to, body.Overwrite)
	if errors.Is(err, fs.ErrExist) {
		return conflict("something is there already; overwrite: true replaces it")
	}
	return q.done(err)
}
