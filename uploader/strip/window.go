package strip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// window reads a file in stretches, of which it keeps the last, so that many small
// reads close to each other cost one.
type window struct {
	r     io.ReaderAt
	size  int64
	buf   []byte
	start int64
}

const windowSize = 64 << 10

func newWindow(r io.ReaderAt, size int64) *window { return &window{r: r, size: size} }

// ReadAt reads from what it keeps, or anew.
func (w *window) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > w.size-int64(len(b)) {
		return 0, io.ErrUnexpectedEOF
	}
	if len(b) >= windowSize {
		return full(w.r, b, off)
	}
	if off < w.start || off+int64(len(b)) > w.start+int64(len(w.buf)) {
		n := min(windowSize, w.size-off)
		if int64(cap(w.buf)) < n {
			w.buf = make([]byte, windowSize)
		}
		w.start, w.buf = off, w.buf[:n]
		if n, err := full(w.r, w.buf, off); err != nil {
			w.buf = w.buf[:0]
			return n, err
		}
	}
	return copy(b, w.buf[off-w.start:]), nil
}

// full reads all of b or fails.
func full(r io.ReaderAt, b []byte, off int64) (int, error) {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, fmt.Errorf("read %d bytes at %d: %w", len(b), off, err)
}

// take reads the n bytes at off; a Problem where the file ends before.
func take(r io.ReaderAt, size, off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > size-n || n > maxBlock {
		return nil, problem("it is damaged: something lies outside of it")
	}
	b := make([]byte, n)
	if n == 0 {
		return b, nil
	}
	_, err := full(r, b, off)
	return b, err
}

// maxBlock is the longest block of metadata, in bytes, that is looked through.
const maxBlock = 16 << 20

// zeros reports whether b is nothing but zeros.
func zeros(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// afterZeros returns where from off on something else than zeros begins; size if
// nothing does.
func afterZeros(r io.ReaderAt, size, off int64) (int64, error) {
	for off < size {
		b, err := take(r, size, off, min(windowSize-1, size-off))
		if err != nil {
			return 0, err
		}
		rest := bytes.TrimLeft(b, "\x00")
		if len(rest) > 0 {
			return off + int64(len(b)-len(rest)), nil
		}
		off += int64(len(b))
	}
	return size, nil
}
