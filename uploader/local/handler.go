package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"slipway/vfs/blob"
)

// Served is a hosted picture as [Handler] needs it.
type Served struct {
	Name     string // as Send was given it, or as it stands in the address
	Type     string // media type; "" for unknown
	Size     int64  // bytes
	Modified time.Time
	SHA256   blob.Sum
	// Open reads the bytes from their start.
	Open func(ctx context.Context) (io.ReadSeekCloser, error)
}

// Pictures knows what is hosted.
type Pictures interface {
	// Lookup returns the picture whose Result.ID is token, or an error that is
	// fs.ErrNotExist where there is none, or none any more. It is only asked for
	// what can be a token.
	Lookup(ctx context.Context, token string) (Served, error)
}

// Handler serves /i/{token}/{name}, to whoever knows the address. It is to be
// mounted at [Prefix] with its path whole.
//
// What the files hold is not to be trusted: they are sent with a type that
// browsers must not second-guess, may run no script, and only pictures made of
// pixels and videos are shown; everything else is for saving.
type Handler struct {
	Pictures Pictures
	Log      *slog.Logger // nil: none
}

// ServeHTTP answers GET and HEAD, ranges (RFC 9110 §14) and conditions (§13).
// Whatever is no picture's exact address is 404, without a word why.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed)
		return
	}
	served, err := h.find(r)
	if errors.Is(err, fs.ErrNotExist) {
		fail(w, http.StatusNotFound)
		return
	}
	var content io.ReadSeekCloser
	if err == nil {
		content, err = open(r.Context(), served)
	}
	if err != nil {
		h.log(r.Context(), err)
		fail(w, http.StatusServiceUnavailable)
		return
	}
	defer content.Close()
	describe(w.Header(), served)
	http.ServeContent(w, r, "", served.Modified, content)
}

// find returns the picture at r's path.
func (h *Handler) find(r *http.Request) (Served, error) {
	rest, ok := strings.CutPrefix(r.URL.Path, Prefix)
	token, name, found := strings.Cut(rest, "/")
	if !ok || !found || !isToken(token) {
		return Served{}, fs.ErrNotExist
	}
	served, err := h.Pictures.Lookup(r.Context(), token)
	if err != nil {
		return Served{}, err
	}
	if safeName(served.Name) != norm.NFC.String(name) {
		return Served{}, fs.ErrNotExist
	}
	return served, nil
}

// open opens s's bytes and makes sure that they are all there.
func open(ctx context.Context, s Served) (io.ReadSeekCloser, error) {
	content, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	n, err := content.Seek(0, io.SeekEnd)
	if err == nil && n != s.Size {
		err = fmt.Errorf("%d bytes instead of %d", n, s.Size)
	}
	if err != nil {
		_ = content.Close()
		return nil, err
	}
	return content, nil
}

// log tells of err. It does not name the address, which is all that guards the
// picture.
func (h *Handler) log(ctx context.Context, err error) {
	if h.Log != nil && ctx.Err() == nil {
		h.Log.ErrorContext(ctx, "a hosted picture could not be served", "error", err)
	}
}

// protect sets the headers of every answer.
func protect(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Referrer-Policy", "no-referrer")
}

// describe sets the headers of s. An address never shows other bytes.
func describe(h http.Header, s Served) {
	mediaType := s.Type
	if _, _, err := mime.ParseMediaType(mediaType); err != nil || strings.ContainsFunc(mediaType, notPrintable) {
		mediaType = "application/octet-stream"
	}
	h.Set("Content-Type", mediaType)
	if !shown(mediaType) {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": safeName(s.Name)}))
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if !s.SHA256.IsZero() {
		h.Set("ETag", `"`+s.SHA256.String()[:32]+`"`)
	}
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// raster are the picture formats that hold pixels and no script.
var raster = map[string]bool{
	"image/jpeg": true, "image/png": true, "image/apng": true, "image/gif": true, "image/webp": true, "image/avif": true,
	"image/heic": true, "image/heif": true, "image/bmp": true, "image/x-icon": true, "image/vnd.microsoft.icon": true,
}

// shown reports whether browsers may show the type instead of saving it.
func shown(mediaType string) bool {
	mediaType, _, _ = mime.ParseMediaType(mediaType)
	return raster[mediaType] || strings.HasPrefix(mediaType, "video/")
}

// fail answers with status and its name, not to be cached.
func fail(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}
