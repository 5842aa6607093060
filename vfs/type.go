package vfs

import (
	"mime"
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// sniffLen is how many bytes of a file's head tell its type.
const sniffLen = 3072

// MediaType returns the media type of a file that begins with head, without
// parameters. The content decides; the name is asked only where the content is
// text or unknown.
func MediaType(head []byte, name string) string {
	kind, _, _ := strings.Cut(mimetype.Detect(head).String(), ";")
	if kind != "text/plain" && kind != "application/octet-stream" {
		return kind
	}
	byName, _, _ := strings.Cut(mime.TypeByExtension(strings.ToLower(path.Ext(name))), ";")
	isMedia := strings.HasPrefix(byName, "image/") || strings.HasPrefix(byName, "video/")
	if byName == "" || isMedia && byName != "image/svg+xml" {
		return kind // bytes that are no picture are none, whatever their name says
	}
	return byName
}
