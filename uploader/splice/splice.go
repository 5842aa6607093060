// Package splice makes files out of other files with small edits, without a copy:
// what stays is read from the original, what is new comes from memory.
package splice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrOverlap is returned for edits of which two are about the same bytes.
var ErrOverlap = errors.New("two edits are about the same bytes")

// Edit drops Drop bytes of the original at Off and puts Data in their place, or as
// many zeros where Zeros is set.
type Edit struct {
	Off, Drop int64
	Data      []byte
	Zeros     bool
}

// InPlace reports whether the edit moves nothing of what follows it.
func (e Edit) InPlace() bool { return e.Zeros || int64(len(e.Data)) == e.Drop }

// Sort puts edits into the order of their places. Zeros may overlap zeros, and are
// joined; where anything else overlaps, or lies outside of size bytes, the error is
// ErrOverlap.
func Sort(edits []Edit, size int64) ([]Edit, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return int(min(max(a.Off-b.Off, -1), 1)) })
	var out []Edit
	end := int64(0)
	for _, e := range sorted {
		if e.Off < 0 || e.Drop < 0 || e.Off > size-e.Drop {
			return nil, ErrOverlap
		}
		if n := len(out); e.Off < end {
			if !e.Zeros || !out[n-1].Zeros {
				return nil, ErrOverlap
			}
			end = max(end, e.Off+e.Drop)
			out[n-1].Drop = end - out[n-1].Off
			continue
		}
		out, end = append(out, e), e.Off+e.Drop
	}
	return out, nil
}

// Apply returns b with edits, which are sorted.
func Apply(b []byte, edits []Edit) []byte {
	var out []byte
	from := int64(0)
	for _, e := range edits {
		out = append(append(out, b[from:e.Off]...), e.Data...)
		if e.Zeros {
			out = append(out, make([]byte, e.Drop)...)
		}
		from = e.Off + e.Drop
	}
	return append(out, b[from:]...)
}

// Open opens the original at its start. Each call gives a reader of its own.
type Open func(ctx context.Context) (io.ReadSeekCloser, error)

// File is an original with edits. It is safe for concurrent use.
type File struct {
	open   Open
	size   int64
	pieces []piece
}

// piece is a stretch of the file: some bytes of the original, data, or zeros.
type piece struct {
	start, size int64 // in the file
	from        int64 // in the original
	data        []byte
	zeros       bool
}

// New lays out the file that an original of size bytes becomes. The edits are in
// order and do not overlap, as Sort leaves them.
func New(open Open, size int64, edits []Edit) *File {
	f := &File{open: open}
	from := int64(0)
	for _, e := range edits {
		f.add(piece{from: from, size: e.Off - from})
		f.add(piece{data: e.Data, size: int64(len(e.Data))})
		if e.Zeros {
			f.add(piece{zeros: true, size: e.Drop})
		}
		from = e.Off + e.Drop
	}
	f.add(piece{from: from, size: size - from})
	return f
}

func (f *File) add(p piece) {
	if p.size > 0 {
		p.start = f.size
		f.size += p.size
		f.pieces = append(f.pieces, p)
	}
}

// Size returns the bytes of the file.
func (f *File) Size() int64 { return f.size }

// Kept calls visit with each stretch that is the original's: where it is in the
// file and in the original, and how long.
func (f *File) Kept(visit func(at, from, n int64)) {
	for _, p := range f.pieces {
		if p.data == nil && !p.zeros {
			visit(p.start, p.from, p.size)
		}
	}
}

// Open returns a reader of its own of the file's bytes, from their start. It keeps
// nothing in memory, and fails once ctx has ended.
func (f *File) Open(ctx context.Context) (io.ReadSeekCloser, error) {
	src, err := f.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("splice: %w", err)
	}
	return &reader{ctx: ctx, f: f, src: src, at: -1}, nil
}
