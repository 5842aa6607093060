package custom

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"slipway/uploader"
)

// What file names are cut to.
const (
	maxName      = 200 // bytes: a hash or an id before it makes at most 255 of it
	maxExtension = 16  // bytes; what is longer is no extension
)

// extensions are those of names that have none.
var extensions = map[string]string{
	"image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/avif": ".avif", "image/bmp": ".bmp", "image/heic": ".heic",
	"image/tiff": ".tif", "image/svg+xml": ".svg", "video/mp4": ".mp4", "video/quicktime": ".mov", "video/webm": ".webm",
	"application/pdf": ".pdf",
}

// fileName returns the name that p is sent under: one element of a path, valid UTF-8
// without control characters, of at most 200 bytes, never empty or dots alone, with an
// extension.
func fileName(p uploader.Picture) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r == '\\':
			return '-'
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, strings.ToValidUTF8(p.Name, "\uFFFD"))
	name = strings.TrimRight(strings.TrimSpace(name), ". ")
	ext := path.Ext(name)
	stem := strings.TrimSpace(strings.TrimSuffix(name, ext))
	if len(ext) < 2 || len(ext) > maxExtension || stem == "" {
		if stem, ext = name, extensions[mediaType(p.Type)]; ext == "" {
			ext = ".jpg"
		}
	}
	if strings.Trim(stem, ".- ") == "" {
		stem = "picture"
	}
	return cutBytes(stem, maxName-len(ext)) + ext
}

// mediaType returns a media type without parameters, in lower case.
func mediaType(t string) string {
	base, _, _ := strings.Cut(t, ";")
	return strings.ToLower(strings.TrimSpace(base))
}

// cutBytes returns at most n bytes of s, whole characters only.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
