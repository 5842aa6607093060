package variant

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// reader reads a variant from one open original.
type reader struct {
	ctx context.Context
	v   *Variant
	src io.ReadSeekCloser
	off int64 // in the variant
	at  int64 // where src stands; -1: not known
}

// Read reads on within one piece.
func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, fmt.Errorf("variant: %w", err)
	}
	if len(b) == 0 {
		return 0, nil
	}
	for _, p := range r.v.pieces {
		in := r.off - p.start
		if in >= p.size {
			continue
		}
		b = b[:min(int64(len(b)), p.size-in)]
		if p.data != nil {
			n := copy(b, p.data[in:])
			r.off += int64(n)
			return n, nil
		}
		return r.original(b, p.from+in)
	}
	return 0, io.EOF
}

// original reads bytes of the original at off.
func (r *reader) original(b []byte, off int64) (int, error) {
	if r.at != off {
		r.at = -1
		if _, err := r.src.Seek(off, io.SeekStart); err != nil {
			return 0, fmt.Errorf("variant: %w", err)
		}
		r.at = off
	}
	n, err := r.src.Read(b)
	r.at += int64(n)
	r.off += int64(n)
	switch {
	case n > 0 && errors.Is(err, io.EOF):
		err = nil // the piece may not be the last, and a further read tells
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("variant: the original is shorter than it was: %w", io.ErrUnexpectedEOF)
	case err != nil:
		err = fmt.Errorf("variant: %w", err)
	}
	return n, err
}

// Seek sets where the next Read begins.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.off
	case io.SeekEnd:
		offset += r.v.size
	default:
		return r.off, fmt.Errorf("variant: seek from %d: no such place", whence)
	}
	if offset < 0 {
		return r.off, fmt.Errorf("variant: seek to %d: before the start", offset)
	}
	r.off = offset
	return offset, nil
}

// Close closes the original.
func (r *reader) Close() error { return r.src.Close() }

// readerAt reads anywhere in a file that only seeks.
type readerAt struct {
	ctx context.Context
	src io.ReadSeeker
}

func (r readerAt) ReadAt(b []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if _, err := r.src.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	return io.ReadFull(r.src, b)
}
