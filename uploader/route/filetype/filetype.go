// Package filetype tells files apart by media type, extension and name.
package filetype

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Rule is one entry of a list of types: a media type, an extension, or a
// pattern of names, all in lower case.
type Rule struct {
	media     string // "image/jpeg"; "image/" for "image/*"; "/" for "*/*"
	extension string // ".jpg"
	glob      string // "img_*.jpg"
}

// Parse reads one entry of a route's types or a driver's.
func Parse(s string) (Rule, error) {
	low := strings.ToLower(strings.TrimSpace(s))
	major, minor, isMedia := strings.Cut(low, "/")
	switch {
	case isMedia && (major == "" || minor == "" || strings.Contains(minor, "/") || strings.ContainsAny(strings.TrimSuffix(low, "*"), "*? ") && low != "*/*"):
		return Rule{}, fmt.Errorf(`%q is not a media type; write it as in "image/jpeg" or "image/*"`, s)
	case low == "*/*":
		return Rule{media: "/"}, nil
	case isMedia && minor == "*":
		return Rule{media: major + "/"}, nil
	case isMedia && strings.HasSuffix(minor, "*"):
		return Rule{}, fmt.Errorf(`%q is not a media type; write "%s/*" for all of them`, s, major)
	case isMedia:
		return Rule{media: Plain(low)}, nil
	case strings.ContainsAny(low, "*?["):
		if _, err := path.Match(low, ""); err != nil {
			return Rule{}, fmt.Errorf(`%q is not a pattern of names; write it as in "IMG_*.jpg"`, s)
		}
		return Rule{glob: low}, nil
	case strings.HasPrefix(low, ".") && len(low) > 1:
		return Rule{extension: low}, nil
	case Of("."+low) != "":
		return Rule{extension: "." + low}, nil
	}
	return Rule{}, fmt.Errorf(`%q is neither a media type nor an extension; write it as in "image/jpeg", "image/*", ".jpg" or "IMG_*.jpg"`, s)
}

// Takes reports whether a file of that name and media type is of the rule's type.
func (r Rule) Takes(name, mediaType string) bool {
	switch {
	case r.media == "/":
		return true
	case strings.HasSuffix(r.media, "/"):
		return len(mediaType) > len(r.media) && strings.EqualFold(mediaType[:len(r.media)], r.media)
	case r.media != "":
		return strings.EqualFold(mediaType, r.media)
	case r.extension != "":
		return strings.EqualFold(Extension(name), r.extension)
	}
	ok, _ := path.Match(r.glob, strings.ToLower(name))
	return ok
}

// Any reports whether one of rules takes the file; no rules take every file.
func Any(rules []Rule, name, mediaType string) bool {
	if len(rules) == 0 {
		return true
	}
	return slices.ContainsFunc(rules, func(r Rule) bool { return r.Takes(name, mediaType) })
}

// String returns the rule as it is written.
func (r Rule) String() string {
	switch {
	case r.media == "/":
		return "*/*"
	case strings.HasSuffix(r.media, "/"):
		return r.media + "*"
	}
	return r.media + r.extension + r.glob
}

// Plain returns a media type in lower case, without its parameters, by the
// name that is registered where another is common.
func Plain(s string) string {
	if i := strings.IndexByte(s, ';'); i >= 0 {
		s = strings.TrimSpace(s[:i])
	}
	switch s {
	case "image/jpg", "image/pjpeg":
		return "image/jpeg"
	case "image/x-ms-bmp", "image/x-bmp":
		return "image/bmp"
	}
	return s
}

// Extension returns what name ends with from its last dot on, or "" where that is
// the first or the last character.
func Extension(name string) string {
	if i := strings.LastIndexByte(name, '.'); i > 0 && i < len(name)-1 {
		return name[i:]
	}
	return ""
}

// mediaTypes gives the type of the extensions of media, for judging a name before
// its bytes are there. It is a table of our own because the system's differs from
// one machine to the next.
var mediaTypes = map[string]string{
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jpe": "image/jpeg", ".jfif": "image/jpeg",
	".png": "image/png", ".apng": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp",
	".avif": "image/avif", ".heic": "image/heic", ".heif": "image/heif", ".jxl": "image/jxl", ".jp2": "image/jp2",
	".tif": "image/tiff", ".tiff": "image/tiff", ".svg": "image/svg+xml", ".ico": "image/x-icon", ".psd": "image/vnd.adobe.photoshop",
	".dng": "image/x-adobe-dng", ".cr2": "image/x-canon-cr2", ".cr3": "image/x-canon-cr3", ".nef": "image/x-nikon-nef",
	".arw": "image/x-sony-arw", ".orf": "image/x-olympus-orf", ".rw2": "image/x-panasonic-rw2", ".raf": "image/x-fuji-raf",
	".pef": "image/x-pentax-pef", ".srw": "image/x-samsung-srw",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mkv": "video/x-matroska",
	".avi": "video/x-msvideo", ".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".3gp": "video/3gpp", ".mts": "video/mp2t", ".m2ts": "video/mp2t",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg",
	".pdf": "application/pdf", ".txt": "text/plain", ".html": "text/html", ".json": "application/json", ".zip": "application/zip",
}

// Of returns the media type of an extension, or "" where it is not known.
func Of(ext string) string {
	if t, ok := mediaTypes[ext]; ok {
		return t
	}
	return mediaTypes[strings.ToLower(ext)]
}
