// Package multistatus writes the Multi-Status body of RFC 4918 §13 while it is
// being made, in few bytes and without reflection: Windows refuses listings of
// more than 1,000,000 bytes.
package multistatus

import (
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"time"

	"slipway/gateway/webdav/davxml"
)

// flushAt is how many bytes are collected before they are written.
const flushAt = 32 << 10

// prefixes of namespaces that have one; the others are n0, n1 and so on.
var prefixes = map[string]string{
	davxml.DAV:                   "D",
	"urn:x-slipway:dav":          "S",
	"http://owncloud.org/ns":     "oc",
	"urn:schemas-microsoft-com:": "Z",
}

// Namespaces gives prefixes to namespaces that are declared once, on the root
// element. The zero value knows DAV: alone, as D.
type Namespaces struct {
	spaces, prefixes []string
}

// Tag returns a name as it is written below the root element.
func (n *Namespaces) Tag(name xml.Name) string {
	switch name.Space {
	case "":
		return name.Local
	case davxml.DAV:
		return "D:" + name.Local
	}
	for i, space := range n.spaces {
		if space == name.Space {
			return n.prefixes[i] + ":" + name.Local
		}
	}
	prefix, ok := prefixes[name.Space]
	if !ok {
		prefix = "n" + strconv.Itoa(len(n.spaces))
	}
	n.spaces, n.prefixes = append(n.spaces, name.Space), append(n.prefixes, prefix)
	return prefix + ":" + name.Local
}

// Writer writes one multistatus element: Open, then for each resource Response, any
// number of Propstat with what is in it, and EndResponse, then Close. After a
// failure of what is below it, it goes on without writing; Err tells.
type Writer struct {
	w   io.Writer
	buf []byte
	err error
}

// New returns a Writer on w.
func New(w io.Writer) *Writer { return &Writer{w: w, buf: make([]byte, 0, flushAt+flushAt/4)} }

// Open begins the document.
func (w *Writer) Open(n *Namespaces) {
	w.Raw(`<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:multistatus xmlns:D="DAV:"`)
	for i, space := range n.spaces {
		w.Raw(" xmlns:" + n.prefixes[i] + `="`)
		w.buf = append(davxml.AppendAttribute(w.buf, space), '"')
	}
	w.Raw(">")
}

// Close ends the document and writes what is left of it.
func (w *Writer) Close() error {
	w.Raw("</D:multistatus>\n")
	w.flush()
	return w.err
}

// Err returns the first error of what is written to.
func (w *Writer) Err() error { return w.err }

// Response begins the answer about the resource at a URL path, which is dir and
// below it name, if that is not "". dir is percent-encoded already (see [Path]).
func (w *Writer) Response(dir, name string, folder bool) {
	w.Raw("<D:response><D:href>")
	w.buf = davxml.AppendText(w.buf, dir)
	w.buf = appendPath(w.buf, name, true)
	if folder && name != "" {
		w.buf = append(w.buf, '/')
	}
	w.Raw("</D:href>")
}

// EndResponse ends the answer about one resource.
func (w *Writer) EndResponse() {
	w.Raw("</D:response>")
	if len(w.buf) >= flushAt {
		w.flush()
	}
}

func (w *Writer) flush() {
	if w.err == nil {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

// Propstat begins properties that have one status.
func (w *Writer) Propstat() { w.Raw("<D:propstat><D:prop>") }

// EndPropstat ends them: code is their status, and condition, if not "", the
// element of RFC 4918 §16 that says why.
func (w *Writer) EndPropstat(code int, condition string) {
	if code == http.StatusOK {
		w.Raw("</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>")
		return
	}
	w.Raw("</D:prop><D:status>HTTP/1.1 ")
	w.Int(int64(code))
	w.Raw(" " + http.StatusText(code) + "</D:status>")
	if condition != "" {
		w.Raw("<D:error><D:" + condition + "/></D:error>")
	}
	w.Raw("</D:propstat>")
}

// Mark returns where the writer is within a response, for Rewind.
func (w *Writer) Mark() int { return len(w.buf) }

// Rewind takes back what was written since mark, in the same response.
func (w *Writer) Rewind(mark int) { w.buf = w.buf[:mark] }

// Start begins an element, and returns what its End wants to know.
func (w *Writer) Start(tag string) (mark int) {
	w.buf = append(append(append(w.buf, '<'), tag...), '>')
	return len(w.buf)
}

// End ends the element that Start began. One with nothing in it is a single tag.
func (w *Writer) End(tag string, mark int) {
	if len(w.buf) == mark {
		w.buf = append(w.buf[:mark-1], "/>"...)
		return
	}
	w.buf = append(append(append(w.buf, "</"...), tag...), '>')
}

// Empty writes an element with nothing in it.
func (w *Writer) Empty(tag string) { w.buf = append(append(append(w.buf, '<'), tag...), "/>"...) }

// EmptyOf writes an element with nothing in it whose namespace may be unknown to
// the root element.
func (w *Writer) EmptyOf(name xml.Name) {
	if name.Space == "" {
		w.Empty(name.Local)
		return
	}
	w.Raw("<x:" + name.Local + ` xmlns:x="`)
	w.buf = append(davxml.AppendAttribute(w.buf, name.Space), `"/>`...)
}

// Text writes s as text.
func (w *Writer) Text(s string) { w.buf = davxml.AppendText(w.buf, s) }

// Int writes a number.
func (w *Writer) Int(n int64) { w.buf = strconv.AppendInt(w.buf, n, 10) }

// Time writes t in UTC in a layout of package time.
func (w *Writer) Time(t time.Time, layout string) { w.buf = t.UTC().AppendFormat(w.buf, layout) }

// Raw writes XML as it is.
func (w *Writer) Raw(s string) { w.buf = append(w.buf, s...) }

// Path percent-encodes a path as net/url does.
func Path(p string) string { return string(appendPath(make([]byte, 0, len(p)+16), p, false)) }

const hexDigits = "0123456789ABCDEF"

// appendPath appends p, percent-encoded (RFC 3986 §3.3), and as XML text if asked.
func appendPath(dst []byte, p string, text bool) []byte {
	for i := range len(p) {
		switch c := p[i]; {
		case c == '&' && text:
			dst = append(dst, "&amp;"...)
		case plain(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// plain reports whether c stands for itself in a path.
func plain(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	switch c {
	case '-', '_', '.', '~', '$', '&', '+', ',', '/', ':', ';', '=', '@':
		return true
	}
	return false
}
