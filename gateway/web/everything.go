package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/gateway/operate"
)

// everythingPage is a folder as a network drive shows it: its receipts and lists of
// links are there.
type everythingPage struct {
	Path, Name string
	Crumbs     []crumb
	Items      []item
	More       string
}

// item is one name in a folder.
type item struct {
	Name, Path string
	Dir        bool
	Size       int64
	Modified   time.Time
}

// everything answers GET /files/…?all=1.
func (q *request) everything(p string) error {
	after := q.r.URL.Query().Get("after")
	items, more, err := q.items(p, after, filesShown)
	if err != nil {
		return err
	}
	page := everythingPage{Path: p, Name: title(p), Crumbs: crumbs(p), Items: items}
	if more {
		page.More = folderLink(p) + "?" + url.Values{"all": {"1"}, "after": {items[len(items)-1].Name}}.Encode()
	}
	return q.show(http.StatusOK, "everything", title(p), page)
}

// items returns up to limit names of a folder that come after one, in their order by
// bytes, and whether there are more. It holds no more than twice as many at a time.
func (q *request) items(dir, after string, limit int) (list []item, more bool, err error) {
	f, err := q.desk.FS(q.ctx, q.from).Open(dir)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.IsDir() {
		return nil, false, cmp.Or(err, notFound("there is no such folder"))
	}
	for {
		infos, err := f.Readdir(1000)
		for _, i := range infos {
			if i.Name() > after {
				list = append(list, item{i.Name(), path.Join(dir, i.Name()), i.IsDir(), i.Size(), i.ModTime()})
			}
		}
		slices.SortFunc(list, func(a, b item) int { return strings.Compare(a.Name, b.Name) })
		if len(list) > limit {
			list, more = list[:limit:limit], true
		}
		if errors.Is(err, io.EOF) || err == nil && len(infos) == 0 {
			return list, more, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
}

// raw answers GET /raw/…: a file's bytes, with ranges and conditions, in a way that
// nothing in them can act in this site's name.
func (q *request) raw() error {
	if err := q.beyondDrop(); err != nil {
		return err
	}
	tree := q.desk.FS(q.ctx, q.from)
	info, err := tree.Stat(q.path())
	if err != nil {
		return err
	}
	if info.IsDir() {
		http.Redirect(q.w, q.r, folderLink(q.path()), http.StatusSeeOther)
		return nil
	}
	if tag := q.r.Header.Get("If-None-Match"); q.r.Method == http.MethodHead || tag != "" && tag == q.etag(info) {
		// Nothing is opened, for it may have to be fetched from afar, and nobody reads.
		q.serveRaw(info, io.NewSectionReader(strings.NewReader(""), 0, info.Size()))
		return nil
	}
	f, err := tree.Open(q.path())
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return err
	}
	q.serveRaw(info, f)
	return nil
}

// serveRaw answers with content, the bytes of a file.
func (q *request) serveRaw(info fs.FileInfo, content io.ReadSeeker) {
	h := q.w.Header()
	h.Set("Content-Type", mediaType(q, info))
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Disposition", disposition(h.Get("Content-Type"), info.Name()))
	if tag := q.etag(info); tag != "" {
		h.Set("ETag", tag)
	}
	http.ServeContent(moving{q.w}, q.r, info.Name(), info.ModTime(), content)
}

// etag returns a file's entity tag, or "".
func (q *request) etag(info fs.FileInfo) string {
	if t, ok := info.(interface {
		ETag(context.Context) (string, error)
	}); ok {
		if tag, err := t.ETag(q.ctx); err == nil {
			return tag
		}
	}
	return ""
}

// mediaType returns the type that a file is served as.
func mediaType(q *request, info fs.FileInfo) string {
	if t, ok := info.(interface {
		ContentType(context.Context) (string, error)
	}); ok {
		if m, err := t.ContentType(q.ctx); err == nil && m != "" {
			return m
		}
	}
	return cmp.Or(mime.TypeByExtension(path.Ext(info.Name())), "application/octet-stream")
}

// disposition shows raster images and videos in place, and has all else saved.
func disposition(mediaType, name string) string {
	how := "attachment"
	if m, _, err := mime.ParseMediaType(mediaType); err == nil && (strings.HasPrefix(m, "video/") ||
		strings.HasPrefix(m, "image/") && m != "image/svg" && !strings.HasSuffix(m, "+xml")) {
		how = "inline"
	}
	return how + "; filename*=UTF-8''" + strings.NewReplacer("+", "%20", "*", "%2A").Replace(url.QueryEscape(visible(name)))
}

// thumbnail answers GET /thumbnail/{entry}.
func (q *request) thumbnail() error {
	if err := q.beyondDrop(); err != nil {
		return err
	}
	entry, err := strconv.ParseInt(q.r.PathValue("entry"), 10, 64)
	edge, wrongEdge := strconv.Atoi(cmp.Or(q.r.URL.Query().Get("edge"), "128"))
	if err != nil || wrongEdge != nil || edge < 64 || edge > 512 || edge%64 != 0 {
		return notFound("there is no such thumbnail")
	}
	t, err := q.desk.Thumbnail(q.ctx, entry, edge)
	if err != nil {
		var known *operate.Error
		if errors.As(err, &known) && known.Kind == operate.NotFound {
			q.w.Header().Set("Cache-Control", "private, max-age=60")
			http.NotFound(q.w, q.r)
			return nil
		}
		return err
	}
	defer t.Content.Close()
	h := q.w.Header()
	h.Set("Content-Type", t.Type)
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("ETag", t.ETag)
	h.Set("Cache-Control", "private, no-cache")
	if q.r.URL.Query().Get("v") != "" { // of the bytes: another has another address
		h.Set("Cache-Control", "private, max-age=604800, immutable")
	}
	http.ServeContent(moving{q.w}, q.r, "", t.Modified, t.Content)
	return nil
}
