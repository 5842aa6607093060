package splice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
)

// reader reads a file from one open original.
type reader struct {
	ctx context.Context
	f   *File
	src io.ReadSeekCloser
	off int64 // in the file
	at  int64 // where src stands; -1: not known
}

// Read reads on within one piece.
func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, fmt.Errorf("splice: %w", err)
	}
	if len(b) == 0 {
		return 0, nil
	}
	ps := r.f.pieces
	i := sort.Search(len(ps), func(i int) bool { return ps[i].start+ps[i].size > r.off })
	if i == len(ps) {
		return 0, io.EOF
	}
	p := ps[i]
	in := r.off - p.start
	b = b[:min(int64(len(b)), p.size-in)]
	switch {
	case p.data != nil:
		copy(b, p.data[in:])
	case p.zeros:
		clear(b)
	default:
		return r.original(b, p.from+in)
	}
	r.off += int64(len(b))
	return len(b), nil
}

// original reads bytes of the original at off.
func (r *reader) original(b []byte, off int64) (int, error) {
	if r.at != off {
		r.at = -1
		if _, err := r.src.Seek(off, io.SeekStart); err != nil {
			return 0, fmt.Errorf("splice: %w", err)
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
		err = fmt.Errorf("splice: the original is shorter than it was: %w", io.ErrUnexpectedEOF)
	case err != nil:
		err = fmt.Errorf("splice: %w", err)
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
		offset += r.f.size
	default:
		return r.off, fmt.Errorf("splice: seek from %d: no such place", whence)
	}
	if offset < 0 {
		return r.off, fmt.Errorf("splice: seek to %d: before the start", offset)
	}
	r.off = offset
	return offset, nil
}

// Close closes the original.
func (r *reader) Close() error { return r.src.Close() }

// At reads anywhere in a file that only seeks, until ctx ends. It is not safe for
// concurrent use.
func At(ctx context.Context, src io.ReadSeeker) io.ReaderAt { return readerAt{ctx, src} }

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
