package anqicms

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxName = 120 // bytes; the server cuts at 200, in the middle of a character too
	maxSlug = 40
	maxExt  = 10
)

// reencoded are the media types that the server decodes and stores anew under
// a name made of their MD5 (GIF is stored as it is, under such a name too).
// Anything else, HEIC, AVIF, TIFF and SVG included, keeps the name it came with,
// and a second file of that name on the same day takes its place.
var reencoded = map[string]bool{
	"image/jpeg":               true,
	"image/png":                true,
	"image/gif":                true,
	"image/webp":               true,
	"image/bmp":                true,
	"image/x-ms-bmp":           true,
	"image/x-icon":             true,
	"image/vnd.microsoft.icon": true,
}

// isImage reports whether the server takes content of this media type for an
// image of its own.
func isImage(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return reencoded[strings.ToLower(strings.TrimSpace(mediaType))]
}

// imageName makes name safe to send for an image, whose title it becomes: valid
// UTF-8 of at most maxName bytes, without what headers and paths give a meaning.
func imageName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '/' || r == '\\':
			return '-'
		case r == utf8.RuneError || unicode.IsControl(r):
			return -1
		}
		return r
	}, norm.NFC.String(name))
	ext := path.Ext(name)
	if len(ext) > maxExt+1 {
		ext = ""
	}
	stem := strings.TrimSpace(cut(strings.TrimSuffix(name, ext), maxName-len(ext)))
	if strings.Trim(stem, ".") == "" {
		stem = "picture"
	}
	return stem + ext
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// uniqueName makes the name for a file that the server stores under the name it
// is sent with: <slug>-<12 digits of md5>.<ext>, in ASCII and lower case.
func uniqueName(name, md5 string) string {
	ext := path.Ext(name)
	stem := slug(strings.TrimSuffix(name, ext))
	if stem == "" {
		stem = "file"
	}
	out := stem + "-" + md5[:12]
	if ext = slug(ext); ext != "" && len(ext) <= maxExt {
		out += "." + ext
	}
	return out
}

// slug keeps ASCII letters, in lower case, and digits of s, accents taken off,
// with one hyphen for whatever stood between them.
func slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(s) {
		r = unicode.ToLower(r)
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r):
			gap = true
		}
		if b.Len() >= maxSlug {
			break
		}
	}
	return b.String()
}
