package webdav

import (
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"slipway/gateway/webdav/page"
)

// get answers GET and HEAD: a file with ranges and conditions (RFC 9110 §9.3.1),
// a directory as a page of links.
func (q *request) get() error {
	if err := q.ifHolds(); err != nil {
		return err
	}
	if q.r.Method == http.MethodHead || q.has() {
		return q.head()
	}
	f, err := q.fs.Open(q.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return q.list(f)
	}
	q.serveFile(info, f)
	return nil
}

// has reports whether the client says that it has the file as it is (RFC 9110 §13.1.2):
// then nothing is opened, which may have to be fetched from afar.
func (q *request) has() bool {
	tag := q.r.Header.Get("If-None-Match")
	if tag == "" {
		return false
	}
	info, err := q.existing()
	return err == nil && !info.IsDir() && q.etag(info) == tag
}

// head answers HEAD, or that the client has it, without opening anything.
func (q *request) head() error {
	info, err := q.existing()
	if err != nil {
		return err
	}
	if info.IsDir() {
		page.Header(q.w.Header())
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	q.serveFile(info, &unread{size: info.Size()})
	return nil
}

func (q *request) serveFile(info fs.FileInfo, content io.ReadSeeker) {
	h := q.w.Header()
	if tag := q.etag(info); tag != "" {
		h.Set("ETag", tag)
	}
	fileHeader(h, q.contentType(info))
	q.linkHosted(info)
	http.ServeContent(q.progressWriter(), q.r, info.Name(), info.ModTime(), content)
}

// linkHosted tells where the file can be seen, once a host has it: at the first
// such destination (RFC 8288; "canonical": RFC 6596).
func (q *request) linkHosted(info fs.FileInfo) {
	if q.Uploads == nil {
		return
	}
	all, err := q.Uploads(q.r, []fs.FileInfo{info})
	if err != nil {
		q.Log.Warn("webdav: a file is served without its Link", "path", q.path, "error", err)
		return
	}
	for _, uploads := range all {
		if i := slices.IndexFunc(uploads, Upload.hosted); i >= 0 {
			q.w.Header().Set("Link", "<"+uploads[i].URL+`>; rel="canonical"`)
		}
	}
}

// hosted reports whether the picture is at its destination under an address that
// can be given out: http or https, of nothing but the characters of a URI
// (RFC 3986 §2).
func (u Upload) hosted() bool {
	return u.State == "done" && (strings.HasPrefix(u.URL, "https://") || strings.HasPrefix(u.URL, "http://")) &&
		!strings.ContainsFunc(u.URL, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) })
}

func (q *request) contentType(info fs.FileInfo) string {
	if t, ok := info.(contentTyper); ok {
		if media, err := t.ContentType(q.r.Context()); err == nil && media != "" {
			return media
		}
	}
	if media := mime.TypeByExtension(path.Ext(info.Name())); media != "" {
		return media
	}
	return "application/octet-stream"
}

// fileHeader keeps what somebody uploaded from acting in this site's name: only
// raster images and videos are shown in place, and nothing may run.
func fileHeader(h http.Header, media string) {
	h.Set("Content-Type", media)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox")
	if !shownInPlace(media) {
		h.Set("Content-Disposition", "attachment")
	}
}

func shownInPlace(media string) bool {
	media, _, err := mime.ParseMediaType(media)
	return err == nil && (strings.HasPrefix(media, "video/") ||
		strings.HasPrefix(media, "image/") && media != "image/svg" && !strings.HasSuffix(media, "+xml"))
}

// unread is content of a known size that nobody reads.
type unread struct{ size, at int64 }

func (u *unread) Read([]byte) (int, error) { return 0, io.EOF }

func (u *unread) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += u.at
	case io.SeekEnd:
		offset += u.size
	}
	if offset < 0 {
		return 0, errors.New("webdav: seek before the start")
	}
	u.at = offset
	return offset, nil
}
