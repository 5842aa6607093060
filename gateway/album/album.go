// Package album shows the pictures of public folders to everybody, without signing
// in: as a gallery, as RSS and JSON feeds, and as a redirect to the newest picture for
// screens and frames.
//
//	/album/PATH/             the gallery, ?after=NAME its next page
//	/album/PATH/feed.xml     RSS 2.0 with Media RSS
//	/album/PATH/feed.json    JSON Feed 1.1
//	/album/PATH/latest.jpg   302 to the newest picture, whatever its type
//
// Everything that is not public is 404, and nothing of it is told: neither names nor
// whether it is there.
package album

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Prefix is where albums lie in the server's paths.
const Prefix = "/album/"

const (
	// pageSize is how many pictures a page of the gallery has, feedSize a feed.
	pageSize = 60
	feedSize = 50
	// fresh is how long clients may use pages and feeds without asking again.
	fresh = time.Minute
	// nameMax is the longest path that is looked at, in bytes.
	nameMax = 4096
)

// Picture is one that everybody can see. Its addresses are http or https, escaped.
type Picture struct {
	ID        string // unique and the same for ever; tells nothing
	Name      string
	Type      string // media type
	Size      int64  // bytes
	Modified  time.Time
	Hosted    time.Time // since when it is at its host
	URL       string
	Page      string // about it, at the host; "": none
	Thumbnail string // "": none
}

// Folder is a public one.
type Folder interface {
	// Pictures returns up to limit whose names come after the name after, in the
	// order of names.
	Pictures(ctx context.Context, after string, limit int) ([]Picture, error)
	// Newest returns up to limit, the one hosted last first.
	Newest(ctx context.Context, limit int) ([]Picture, error)
	// Folders returns the names of public folders in it that have pictures.
	Folders(ctx context.Context) ([]string, error)
}

// Source finds public folders. It is safe for concurrent use.
type Source interface {
	// Open returns the folder at an absolute, clean path. One that is not there, or
	// not public, is fs.ErrNotExist.
	Open(ctx context.Context, path string) (Folder, error)
}

// Handler answers below Prefix.
type Handler struct {
	Source Source
	// Base returns what addresses in feeds begin with, as in "https://example.com".
	Base func() string
	Log  *slog.Logger

	recent recent
}

// Path returns the path of the gallery of a folder.
func Path(dir string) string {
	dir = strings.Trim(path.Clean("/"+dir), "/")
	if dir == "" {
		return Prefix
	}
	return (&url.URL{Path: Prefix + dir + "/"}).EscapedPath()
}

// ServeHTTP answers GET and HEAD.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "albums are looked at with GET", http.StatusMethodNotAllowed)
		return
	}
	dir, last := path.Split(strings.TrimPrefix(r.URL.Path, strings.TrimSuffix(Prefix, "/")))
	at := location{Handler: h, r: r, dir: path.Clean("/" + dir)}
	show := at.gallery
	switch ext := path.Ext(last); {
	case last == "feed.xml":
		show = at.rss
	case last == "feed.json":
		show = at.json
	case last == "latest" || last == "latest"+ext && len(ext) <= len(".jpeg"):
		show = at.latest
	case last != "":
		at.dir, show = path.Join(at.dir, last), at.slash
	}
	err := error(fs.ErrNotExist)
	if len(at.dir) <= nameMax {
		at.folder, err = h.Source.Open(r.Context(), at.dir)
	}
	if err == nil {
		err = show(w)
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

// fail answers with an error; what is not public is not there.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, "there is no album here", http.StatusNotFound)
		return
	}
	if r.Context().Err() == nil {
		h.Log.Error("an album could not be shown", "error", err)
	}
	http.Error(w, "the album cannot be shown now; try again later", http.StatusServiceUnavailable)
}

// location is a public folder that somebody looks at.
type location struct {
	*Handler
	r      *http.Request
	dir    string // absolute and clean
	folder Folder
}

// title is the folder's name for people.
func (l *location) title() string {
	if l.dir == "/" {
		return "Pictures"
	}
	return visible(path.Base(l.dir))
}

// slash sends those who left the last slash out to the gallery.
func (l *location) slash(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-cache")
	http.Redirect(w, l.r, Path(l.dir), http.StatusFound)
	return nil
}

// latest sends a screen to the newest picture.
func (l *location) latest(w http.ResponseWriter) error {
	newest, err := l.recent.newest(l.r.Context(), l.dir, l.folder)
	if err != nil {
		return err
	}
	if len(newest) == 0 {
		return fs.ErrNotExist
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Location", newest[0].URL)
	w.WriteHeader(http.StatusFound)
	return nil
}

// send answers with a body, or that the client has it already (RFC 9110 §13.1.2).
func (l *location) send(w http.ResponseWriter, media string, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("ETag", tag)
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(fresh.Seconds())))
	h.Set("Referrer-Policy", "no-referrer")
	for one := range strings.SplitSeq(l.r.Header.Get("If-None-Match"), ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if l.r.Method != http.MethodHead {
		w.Write(body) //nolint:errcheck // the client left
	}
	return nil
}

// visible returns s on one line, without characters that hide or reorder others.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if (r < ' ' || r > '~') && unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
