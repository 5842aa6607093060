package custom

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"slipway/uploader"
	"slipway/uploader/form"
	"slipway/vfs/blob"
)

// chunk is how many bytes of a file are turned into base64 at a time: whole groups of
// three.
const chunk = 24 << 10

// encoded gives a picture's bytes as base64 (RFC 4648 §4), with "+", "/" and "=" as
// %2B, %2F and %3D where escape is set, as a form's value has them.
type encoded struct {
	io.Closer
	source io.Reader
	size   int64 // that the source must have
	read   int64
	escape bool
	raw    []byte
	out    []byte
	text   []byte // of out, what is left
	err    error
}

func newEncoded(source io.ReadCloser, tee io.Writer, size int64, escape bool) *encoded {
	e := &encoded{Closer: source, source: io.TeeReader(source, tee), size: size, escape: escape, raw: make([]byte, chunk)}
	e.out = make([]byte, 0, 3*base64.StdEncoding.EncodedLen(chunk))
	return e
}

// Read implements io.Reader.
func (e *encoded) Read(p []byte) (int, error) {
	for len(e.text) == 0 {
		if e.err != nil {
			return 0, e.err
		}
		e.fill()
	}
	n := copy(p, e.text)
	e.text = e.text[n:]
	return n, nil
}

// fill encodes the next chunk. A source of another length than announced ends in an
// error: base64 of one byte more or less may be as long.
func (e *encoded) fill() {
	n, err := io.ReadFull(e.source, e.raw)
	e.read += int64(n)
	switch {
	case err == nil && e.read <= e.size:
	case e.read > e.size:
		e.err = fmt.Errorf("%w: it goes on after %d bytes", form.ErrLong, e.size)
		return
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		e.err = err
		return
	case e.read < e.size:
		e.err = fmt.Errorf("%w: it ended after %d of %d bytes", form.ErrShort, e.read, e.size)
		return
	default:
		e.err = io.EOF
	}
	e.out = base64.StdEncoding.AppendEncode(e.out[:0], e.raw[:n])
	if e.escape {
		e.out = escapeForm(e.out)
	}
	e.text = e.out
}

// escapeForm escapes base64 in place, from its end.
func escapeForm(b []byte) []byte {
	extra := 0
	for _, c := range b {
		if formEscape(c) != "" {
			extra += 2
		}
	}
	end := len(b)
	b = b[:end+extra]
	for i, j := end-1, len(b); i >= 0; i-- {
		if s := formEscape(b[i]); s != "" {
			j -= 3
			copy(b[j:], s)
		} else {
			j--
			b[j] = b[i]
		}
	}
	return b
}

func formEscape(c byte) string {
	switch c {
	case '+':
		return "%2B"
	case '/':
		return "%2F"
	case '=':
		return "%3D"
	}
	return ""
}

// Seek is not for a stream.
func (e *encoded) Seek(int64, int) (int64, error) {
	return 0, errors.New("custom: a stream of base64 has no places")
}

// asBase64 returns p as a request sends it that wants base64; tee is given the file's
// own bytes. In a form its length shows only when it is read: once beforehand.
func asBase64(ctx context.Context, p uploader.Picture, escape bool, tee io.Writer) (uploader.Picture, error) {
	own := p
	open := func(ctx context.Context, tee io.Writer) (*encoded, error) {
		r, err := own.Open(ctx)
		if err != nil {
			return nil, err
		}
		return newEncoded(r, tee, own.Size, escape), nil
	}
	p.Open = func(ctx context.Context) (io.ReadSeekCloser, error) {
		r, err := open(ctx, tee)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	p.Size = (own.Size + 2) / 3 * 4
	if escape {
		r, err := open(ctx, io.Discard)
		if err != nil {
			return p, &uploader.Error{Message: "the gateway could not open the file's bytes", Err: err}
		}
		defer r.Close()
		if p.Size, err = io.Copy(io.Discard, blob.Until(ctx, r)); err != nil {
			return p, &uploader.Error{Message: "the gateway could not read the file's bytes", Err: err}
		}
	}
	if own.Progress != nil {
		last := int64(-1)
		size := p.Size
		p.Progress = func(sent int64) {
			n := own.Size
			if sent < size {
				n = min(n-1, int64(float64(n)*float64(sent)/float64(size)))
			}
			if n > last {
				last = n
				own.Progress(n)
			}
		}
	}
	return p, nil
}
