package api

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// Bounds of forms.
const (
	maxParts  = 64       // of one form
	maxField  = 64 << 10 // bytes of a field that is no file
	maxFields = 256 << 10
)

// Errors of forms.
var (
	errManyParts = wrong("the form has more than 64 parts")
	errLongField = wrong("a field of the form is too long")
	errMalformed = wrong("the form is malformed, or was cut off; nothing was stored")
)

// part is one of a form: a field, or a file. Its bytes are read before the next is
// asked for.
type part struct {
	io.Reader
	field string
	file  bool
	name  string // of the file, as the client calls it
}

// value reads a field whole, within the room that all together have.
func (p part) value(room *int) (string, error) {
	text, err := io.ReadAll(io.LimitReader(p, maxField+1))
	if err != nil {
		return "", errors.Join(errMalformed, err)
	}
	if *room -= len(text); len(text) > maxField || *room < 0 {
		return "", errLongField
	}
	return string(text), nil
}

// parts reads a form: multipart/form-data (RFC 7578), or
// application/x-www-form-urlencoded, whichever it is, as it comes. next returns
// io.EOF after the last part, once the form has ended as it should.
func parts(kind string, body io.Reader) (next func() (part, error), ok bool) {
	kind, params, err := mime.ParseMediaType(kind)
	switch {
	case err == nil && kind == "multipart/form-data" && params["boundary"] != "":
		return multiparts(body, params["boundary"]), true
	case err == nil && kind == "application/x-www-form-urlencoded":
		return pairs(body), true
	}
	return nil, false
}

func multiparts(body io.Reader, boundary string) func() (part, error) {
	r, count := multipart.NewReader(body, boundary), 0
	return func() (part, error) {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return part{}, io.EOF
		}
		if err != nil {
			return part{}, errors.Join(errMalformed, err)
		}
		if count++; count > maxParts {
			return part{}, errManyParts
		}
		_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if err != nil {
			return part{}, errMalformed
		}
		name, file := params["filename"]
		return part{p, params["name"], file, name}, nil
	}
}

// pairs reads name=value&name=value (URL, §5.1) without holding a value.
func pairs(body io.Reader) func() (part, error) {
	r, count := bufio.NewReaderSize(body, 16<<10), 0
	var last *pairValue
	return func() (part, error) {
		if last != nil {
			if _, err := io.Copy(io.Discard, last); err != nil {
				return part{}, err
			}
			if last.end == io.EOF {
				return part{}, io.EOF
			}
		}
		if count++; count > maxParts {
			return part{}, errManyParts
		}
		name := &pairValue{r: r, until: '='}
		text, err := io.ReadAll(io.LimitReader(name, maxField+1))
		switch {
		case err != nil:
			return part{}, err
		case len(text) > maxField:
			return part{}, errLongField
		case name.end == io.EOF && len(text) == 0:
			return part{}, io.EOF
		case name.end == io.EOF || name.ended == '&':
			last = &pairValue{r: r, end: name.end, done: true} // a name without a value
		default:
			last = &pairValue{r: r, until: '&'}
		}
		return part{Reader: last, field: string(text)}, nil
	}
}

// pairValue reads one name or value, decoded, up to its end.
type pairValue struct {
	r     *bufio.Reader
	until byte
	done  bool
	ended byte  // what ended it
	end   error // io.EOF where the form ended with it
}

// Read reads on.
func (v *pairValue) Read(p []byte) (n int, err error) {
	for n < len(p) && !v.done {
		c, err := v.r.ReadByte()
		switch {
		case err == io.EOF:
			v.done, v.end = true, io.EOF
			continue
		case err != nil:
			return n, errors.Join(errMalformed, err)
		case c == v.until || c == '&':
			v.done, v.ended = true, c
			continue
		case c == '+':
			c = ' '
		case c == '%':
			if c, err = v.escape(); err != nil {
				return n, err
			}
		}
		p[n] = c
		n++
	}
	if n == 0 && v.done && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// escape reads the two digits after a percent sign.
func (v *pairValue) escape() (c byte, err error) {
	for range 2 {
		d, err := v.r.ReadByte()
		i := strings.IndexByte("0123456789abcdef", d|0x20)
		if err != nil || i < 0 {
			return 0, errMalformed
		}
		c = c<<4 | byte(i)
	}
	return c, nil
}

// errBase64 is said of what is no base64.
var errBase64 = errors.New("the source is no base64")

// unbase64 decodes base64 (RFC 4648 §4) as it comes. White space and padding are no
// part of it; a space is a "+" that nobody escaped.
func unbase64(r io.Reader) io.Reader {
	return &base64Error{base64.NewDecoder(base64.RawStdEncoding, &base64Letters{r: r})}
}

type base64Letters struct{ r io.Reader }

// Read reads letters of the alphabet, and what is none for the decoder to find.
func (l *base64Letters) Read(p []byte) (int, error) {
	for {
		n, err := l.r.Read(p)
		kept := p[:0]
		for _, c := range p[:n] {
			switch c {
			case '\r', '\n', '\t', '=':
				continue
			case ' ':
				c = '+'
			}
			kept = append(kept, c)
		}
		if len(kept) > 0 || err != nil || len(p) == 0 {
			return len(kept), err
		}
	}
}

type base64Error struct{ io.Reader }

// Read tells what is malformed by errBase64.
func (b *base64Error) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if corrupt := (base64.CorruptInputError)(0); errors.As(err, &corrupt) || err == io.ErrUnexpectedEOF {
		err = errBase64
	}
	return n, err
}

// keyOf returns the key in a request's address, as clients of both contracts may
// send it.
func keyOf(r *http.Request) string { return r.URL.Query().Get("key") }
