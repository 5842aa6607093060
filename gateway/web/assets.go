package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed static
var static embed.FS

// assets are the style sheet, the modules and the icon. Their address has a hash of
// them all in it, so a browser asks once for each version of the program.
type assets struct {
	version string
	files   map[string]asset
}

type asset struct {
	media       string
	plain, gzip []byte
}

// media are the types of what is in static.
var media = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// loadAssets reads what was embedded, and compresses it once.
func loadAssets() *assets {
	a := &assets{files: make(map[string]asset)}
	entries, _ := fs.ReadDir(static, "static") //nolint:errcheck // it is embedded
	for _, e := range entries {
		plain, _ := static.ReadFile("static/" + e.Name()) //nolint:errcheck // as above
		if m, ok := media[path.Ext(e.Name())]; ok {
			a.files[e.Name()] = asset{m, plain, squeeze(plain)}
		}
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		sum.Write([]byte(name + "\n"))
		sum.Write(a.files[name].plain)
	}
	a.version = base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:9])
	return a
}

func squeeze(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) //nolint:errcheck // the level is right
	w.Write(plain)                                        //nolint:errcheck // into memory
	w.Close()                                             //nolint:errcheck // as above
	return b.Bytes()
}

// Link returns the address of an asset.
func (a *assets) Link(name string) string { return "/static/" + a.version + "/" + name }

// ServeHTTP answers GET /static/{version}/{name}. Another version than this
// program's gets what there is, to keep for no longer than it is asked for.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.PathValue("version") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content, suffix := f.plain, ""
	if acceptsGzip(r) {
		content, suffix = f.gzip, "z"
		h.Set("Content-Encoding", "gzip")
	}
	tag := `"` + a.version + suffix + `"`
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(content) //nolint:errcheck // the client is gone then
}

// acceptsGzip reports whether a reply may come compressed (RFC 9110 §12.5.3).
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q := strings.ReplaceAll(quality, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
