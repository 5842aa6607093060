// Package form is the one HTTP request that an upload driver makes: a multipart
// body (RFC 7578) that is streamed, whose length is known to the byte before it
// starts, and which is sent at most once.
//
// Chunked bodies reached some PHP hosts as an upload without a file, so the
// length is never left open. Memory does not grow with the picture.
package form

import (
	"crypto/rand"
	"fmt"
	"io"
	"mime"
	"strings"
)

// Field is one plain part of a form: a name and its value, both sent as they are
// (UTF-8), the name's quotes and line ends escaped.
type Field struct {
	Name, Value string
}

// File is the part that carries the picture. Size is the exact number of bytes
// that follow. Type is its media type; "" or one that could not stand in a
// header is sent as application/octet-stream.
type File struct {
	Field string // name of the part, "source"
	Name  string // file name as the host is to see it, in UTF-8
	Type  string
	Size  int64
	// Plain: the bytes are the value of a plain field, without Name and Type, as for
	// hosts that take a picture as text in base64. Before and After stand around them.
	Plain         bool
	Before, After string
}

// Form is a body whose bytes around the file are made, so that its length is known:
// multipart/form-data by [New], anything else by [Raw]. It never changes and may be
// used again.
type Form struct {
	contentType string
	head, foot  []byte
	size        int64
}

// New returns the form of fields, in their order, with file at its end. The
// boundary is 130 random bits, which no file contains by chance.
func New(fields []Field, file File) *Form {
	boundary := "slipway-" + rand.Text()
	f := &Form{contentType: "multipart/form-data; boundary=" + boundary, size: file.Size}
	var head strings.Builder
	for _, field := range fields {
		head.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quote(field.Name) + "\"\r\n\r\n")
		head.WriteString(field.Value + "\r\n")
	}
	head.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + quote(file.Field) + "\"")
	if !file.Plain {
		head.WriteString("; filename=\"" + quote(file.Name) + "\"\r\nContent-Type: " + mediaType(file.Type))
	}
	head.WriteString("\r\n\r\n" + file.Before)
	f.head = []byte(head.String())
	f.foot = []byte(file.After + "\r\n--" + boundary + "--\r\n")
	return f
}

// Raw returns a body of another kind: head, size bytes of content, foot. It is sent
// under contentType, or under none where that is "". Where foot is empty, the last
// byte of the content is the one that is asked for before it goes.
func Raw(contentType string, head []byte, size int64, foot []byte) *Form {
	return &Form{contentType: contentType, head: head, size: size, foot: foot}
}

// quote escapes what would end a quoted string, its line or a strict parser's
// patience. Names stay raw UTF-8 otherwise: hosts ignore or reject the filename*
// of RFC 8187, which RFC 7578 §4.2 forbids here anyway.
func quote(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// mediaType returns t where it is one (RFC 2045 §5.1) that can stand in a header.
func mediaType(t string) string {
	_, _, err := mime.ParseMediaType(t)
	if err != nil || !strings.Contains(t, "/") || strings.ContainsFunc(t, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "application/octet-stream"
	}
	return t
}

// ContentType returns the value of the request's Content-Type.
func (f *Form) ContentType() string { return f.contentType }

// ContentLength returns the exact length of the whole body in bytes.
func (f *Form) ContentLength() int64 { return int64(len(f.head)) + f.size + int64(len(f.foot)) }

// Reader returns the body for one request.
//
//  1. content gives the file's bytes, exactly File.Size of them: fewer or more
//     fail the body before its end, so that it never arrives whole.
//  2. before, if not nil, is called once, just before the read that hands out the
//     body's last byte; its error fails that read.
//  3. progress, if not nil, hears the number of bytes handed out so far, after
//     each read that handed out some.
func (f *Form) Reader(content io.Reader, before func() error, progress func(int64)) *Body {
	b := &Body{head: f.head, content: content, size: f.size, left: f.size, foot: f.foot, before: before, progress: progress}
	if len(f.foot) == 0 && f.size > 0 {
		b.left, b.holds = f.size-1, true
	}
	return b
}
