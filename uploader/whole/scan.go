package whole

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	window = 64 << 10 // what a sequential read fetches
	hop    = 4 << 10  // what a jump fetches
)

// scan reads a file through one window. Its first read error sticks.
type scan struct {
	r      io.ReaderAt
	size   int64
	format string
	err    error
	read   int64 // bytes fetched so far

	buf   []byte // the window's room, which grows where it is read on
	held  []byte // what it holds
	start int64  // the offset of held[0]
}

func newScan(r io.ReaderAt, size int64) *scan {
	return &scan{r: r, size: max(size, 0)}
}

// from returns the bytes that the window has from off on, at least one, or nil
// at the end of the file and after an error. They are good until the next call.
func (s *scan) from(off int64) []byte {
	if off < 0 || off >= s.size || s.err != nil {
		return nil
	}
	if off >= s.start && off < s.start+int64(len(s.held)) {
		return s.held[off-s.start:]
	}
	n := int64(hop)
	if off == s.start+int64(len(s.held)) {
		n = window
	}
	return s.fill(off, n)
}

// at returns the n bytes at off, n being at most the window, or nil where the
// file ends before them. They are good until the next call.
func (s *scan) at(off int64, n int) []byte {
	if off < 0 || off > s.size || int64(n) > s.size-off || s.err != nil {
		return nil
	}
	if off >= s.start && off+int64(n) <= s.start+int64(len(s.held)) {
		return s.held[off-s.start:][:n:n]
	}
	b := s.fill(off, int64(max(n, hop)))
	if len(b) < n {
		return nil
	}
	return b[:n:n]
}

// fill moves the window to off.
func (s *scan) fill(off, n int64) []byte {
	n = min(n, s.size-off)
	if int64(len(s.buf)) < n {
		s.buf = make([]byte, n)
	}
	got, err := s.r.ReadAt(s.buf[:n], off)
	s.read += int64(got)
	s.start, s.held = off, s.buf[:got]
	if int64(got) == n {
		return s.held
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	s.err = fmt.Errorf("read %d bytes at %d: %w", n, off, err)
	s.held = nil
	return nil
}

// zeroTail returns how many of the file's last bytes are zeros, looking at no
// more than longTail of them.
func (s *scan) zeroTail() int64 {
	n := min(s.size, longTail)
	b := s.at(s.size-n, int(n))
	return int64(len(b) - len(bytes.TrimRight(b, "\x00")))
}

// problem makes a Problem of the file's format.
func (s *scan) problem(text string, args ...any) *Problem {
	return &Problem{Format: s.format, Text: fmt.Sprintf(text, args...)}
}

// cut is the Problem of a file of which at least least bytes were to be there.
func (s *scan) cut(least int64, why string) *Problem {
	return s.problem("the %s ends after %s of at least %s bytes: %s", s.format, count(s.size), count(least), why)
}

// trailing judges what follows the end of the picture at end: nothing but a long
// run of zeros is a fault, which is space that was allocated and not yet used.
func (s *scan) trailing(end int64) *Problem {
	if s.size-end < shortTail {
		return nil
	}
	if n := s.zeroTail(); n >= shortTail {
		return s.problem("the %s ends after %s of %s bytes, and zeros follow: the space was allocated, and the writer has not finished",
			s.format, count(end), count(s.size))
	}
	return nil
}

// zeros reports whether b is not empty and holds nothing but zeros.
func zeros(b []byte) bool {
	return len(b) > 0 && len(bytes.TrimRight(b, "\x00")) == 0
}

// printable reports whether b is a chunk's or box's code, which is four
// characters of ISO 646, or of Mac Roman with the copyright sign.
func printable(code []byte) bool {
	for _, c := range code {
		if (c < 0x20 || c > 0x7e) && c != 0xa9 {
			return false
		}
	}
	return true
}
