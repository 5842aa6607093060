package link

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// stemMax is how many bytes of a name come before its extension at the most: names have
// 255, and sidecars add to them.
const stemMax = 180

// Name returns what a picture of a media type is called that the only link of the file
// linkFile leads to: as that file, with the extension of the picture.
func Name(linkFile, mediaType string) string {
	return named(strings.TrimSuffix(linkFile, path.Ext(linkFile)), mediaType)
}

// ListedName returns what a picture of a media type is called that link n (from 1) of
// the list linkFile leads to: as given, the name that the server told, says; or else as
// its address says; or else as the list, with the number.
func ListedName(linkFile string, n int, given, address, mediaType string) string {
	if stem := Safe(given); stem != "" {
		return named(stem, mediaType)
	}
	if u, err := url.Parse(address); err == nil {
		// Addresses whose last part is no file's name ("/image?id=7", "/p/12/") say little.
		if stem := Safe(path.Base(u.Path)); stem != "" && known(path.Ext(stem)) {
			return named(stem, mediaType)
		}
	}
	return NumberedName(linkFile, n, mediaType)
}

// NumberedName returns the name that a picture of a list always can have.
func NumberedName(linkFile string, n int, mediaType string) string {
	stem := strings.TrimSuffix(linkFile, path.Ext(linkFile))
	return named(fmt.Sprintf("%s-%03d", cut(stem, stemMax-4), n), mediaType)
}

// named returns stem with the extension of a media type, which it may have already.
func named(stem, mediaType string) string {
	ext := path.Ext(stem)
	if fits(ext, mediaType) {
		return cut(strings.TrimSuffix(stem, ext), stemMax) + ext
	}
	if known(ext) {
		stem = strings.TrimSuffix(stem, ext)
	}
	return cut(stem, stemMax) + Extension(mediaType)
}

// Extension returns the extension that files of a media type have; "": none is known.
func Extension(mediaType string) string {
	for _, m := range media {
		if m.kind == mediaType {
			return m.extensions[0]
		}
	}
	if m := mimetype.Lookup(mediaType); m != nil {
		return m.Extension()
	}
	return ""
}

// media lists the extensions of pictures and films, the one that is given first.
var media = []struct {
	kind       string
	extensions []string
}{
	{"image/jpeg", []string{".jpg", ".jpeg", ".jpe", ".jfif"}},
	{"image/png", []string{".png"}},
	{"image/vnd.mozilla.apng", []string{".png", ".apng"}},
	{"image/gif", []string{".gif"}},
	{"image/webp", []string{".webp"}},
	{"image/avif", []string{".avif"}},
	{"image/heic", []string{".heic", ".heif"}},
	{"image/heif", []string{".heif", ".heic"}},
	{"image/jxl", []string{".jxl"}},
	{"image/tiff", []string{".tif", ".tiff", ".dng", ".nef", ".nrw", ".arw", ".cr2", ".pef", ".orf", ".rw2", ".srw"}},
	{"image/bmp", []string{".bmp", ".dib"}},
	{"image/svg+xml", []string{".svg"}},
	{"image/x-icon", []string{".ico"}},
	{"video/mp4", []string{".mp4", ".m4v"}},
	{"video/quicktime", []string{".mov", ".qt"}},
	{"video/webm", []string{".webm"}},
	{"video/x-matroska", []string{".mkv"}},
	{"video/x-msvideo", []string{".avi"}},
}

// known reports whether an extension is one of a picture or film.
func known(ext string) bool {
	for _, m := range media {
		if fits(ext, m.kind) {
			return true
		}
	}
	return false
}

// fits reports whether files of a media type may have an extension.
func fits(ext, mediaType string) bool {
	for _, m := range media {
		if m.kind != mediaType {
			continue
		}
		for _, e := range m.extensions {
			if strings.EqualFold(e, ext) {
				return true
			}
		}
	}
	return false
}

// Safe returns a name that a stranger gave as one element that every file system can
// have; "" where nothing is left of it.
func Safe(name string) string {
	name = strings.ToValidUTF8(name, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, r == 0x061c, r == utf8.RuneError:
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(name, " .~"), " .~")
	ext := path.Ext(name)
	return cut(strings.TrimSuffix(name, ext), stemMax) + cut(ext, 16)
}

// cut returns the first bytes of s, whole characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.TrimRight(s[:most], " .")
}
