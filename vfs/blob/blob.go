// Package blob keeps immutable bytes under unique, time-ordered ids.
//
// A blob is written once, into a staged [Writer] that nobody else can see, and
// either committed, after which it never changes, or aborted, after which it
// never was. Names, owners and references are the business of package vfs; this
// package knows bytes only.
package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// InlineMax is the largest number of bytes that [Writer.Commit] hands back in
// [Info.Inline] instead of writing a file of their own: such bytes travel inside
// the transaction that names them, and share its fsync.
const InlineMax = 64 << 10

// Sum is the SHA-256 of a blob's bytes (FIPS 180-4).
type Sum [32]byte

// String returns the sum as 64 lower-case hexadecimal digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// IsZero reports whether s was never set.
func (s Sum) IsZero() bool { return s == Sum{} }

// Ref is the id of a blob: 26 characters of Crockford's base 32, of which the
// first ten are the time it was drawn in milliseconds, so that refs sort by age.
type Ref string

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// NewRef draws a fresh id at time now: 48 bits of milliseconds, 80 random bits.
func NewRef(now time.Time) Ref {
	var b [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	rand.Read(b[6:]) //nolint:errcheck // crypto/rand.Read never fails (Go 1.24).
	return encodeRef(b)
}

// encodeRef writes 128 bits as 26 digits of five bits, the first of three.
func encodeRef(b [16]byte) Ref {
	var out [26]byte
	var hi, lo uint64
	for i := range 8 {
		hi = hi<<8 | uint64(b[i])
		lo = lo<<8 | uint64(b[i+8])
	}
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return Ref(out[:])
}

// ErrBadRef is returned for a string that cannot be a [Ref].
var ErrBadRef = errors.New("blob: malformed id")

// Time returns when r was drawn, to the millisecond.
func (r Ref) Time() (time.Time, error) {
	if len(r) != 26 {
		return time.Time{}, fmt.Errorf("%w: %q", ErrBadRef, string(r))
	}
	var v [26]uint64
	for i := range 26 {
		d := digit(r[i])
		if d < 0 {
			return time.Time{}, fmt.Errorf("%w: %q", ErrBadRef, string(r))
		}
		v[i] = uint64(d)
	}
	var ms uint64
	for i := range 10 {
		ms = ms<<5 | v[i]
	}
	return time.UnixMilli(int64(ms)), nil
}

// valid reports whether r could be a Ref.
func (r Ref) valid() bool {
	_, err := r.Time()
	return err == nil
}

func digit(c byte) int {
	for i := range len(crockford) {
		if crockford[i] == c {
			return i
		}
	}
	return -1
}

// Info describes a committed blob.
type Info struct {
	Ref    Ref
	Size   int64 // bytes
	SHA256 Sum
	// Inline holds the bytes themselves where Size ≤ InlineMax; the transaction
	// that names the blob must store them. Nil where the store keeps them (an
	// empty blob has a non-nil, empty Inline).
	Inline []byte
}

// Reader reads a committed blob.
type Reader interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
}

// Writer stages the bytes of one blob to be. It is not safe for concurrent use.
//
// After the first error of any method but ReadAt, the writer is poisoned: Commit
// returns that error and changes nothing, so that bytes which could not be
// written whole are never named.
type Writer interface {
	io.Writer   // appends
	io.WriterAt // overwrites or extends; a gap reads as zeros
	io.ReaderAt // reads what was staged so far
	// Truncate sets the size, cutting or extending with zeros.
	Truncate(size int64) error
	// Size returns the number of bytes staged so far.
	Size() int64
	// Sum returns the SHA-256 of what was staged so far. It is free while all
	// writes were appends, and reads everything again after a write in place.
	Sum() (Sum, error)
	// Commit makes the bytes durable under a fresh Ref: on return they are
	// synced and their directory is, or they are in Info.Inline. A blob that no
	// transaction names afterwards is an orphan that the sweep removes.
	Commit(ctx context.Context) (Info, error)
	// Abort throws the staged bytes away. It may follow Commit or another Abort
	// and then does nothing.
	Abort() error
}

// Store keeps blobs. It is safe for concurrent use.
type Store interface {
	// Create starts a writer. It fails where the store has no room at all.
	Create(ctx context.Context) (Writer, error)
	// Open opens a blob that Commit did not return inline. It returns an error
	// that is fs.ErrNotExist where there is no such blob.
	Open(ctx context.Context, ref Ref) (Reader, error)
	// Remove deletes a blob's bytes, or kept ones; none there is no error.
	Remove(ctx context.Context, ref Ref) error
	// Free returns how many bytes the store can still take, or -1 if unknown.
	Free(ctx context.Context) (int64, error)
}

// Keeper is a Store that can keep staged bytes beyond their writer, and beyond the
// process: those of an upload that was cut. It is safe for concurrent use.
//
// Kept bytes have a Ref, and stay until Remove; whoever keeps them remembers the
// ref, because the sweep takes those that nobody knows.
type Keeper interface {
	// Keep makes the bytes of w, a Writer of this store, durable; they have the
	// ref when it returns. Of w only Abort is left to call, which does not remove
	// them any more: before it, neither the sweep nor Remove takes them.
	Keep(ctx context.Context, w Writer) (Ref, error)
	// Continue returns a writer that begins with all that is kept under ref, and
	// nobody else gets another until its Abort: that is ErrBusy. Bytes written
	// after the kept ones may be there too, if the process was killed or the
	// writer before this one was aborted. Abort leaves the bytes in place, with
	// what was appended; so does Commit, after which Remove and Abort take them.
	// Bytes before the size that was kept must not be overwritten.
	Continue(ctx context.Context, ref Ref) (Writer, error)
	// OpenKept reads what is kept under ref, also while somebody continues it.
	OpenKept(ctx context.Context, ref Ref) (Reader, error)
}

// ErrBusy is returned by Continue while another writer continues the same bytes.
var ErrBusy = errors.New("blob: these bytes are being continued already")

// Sweeper is a Store that can find bytes that no transaction ever named.
type Sweeper interface {
	// Sweep removes staged leftovers, and of kept bytes and of the blobs drawn
	// before limit those that known does not confirm. It asks known for at most 500 refs at a time.
	Sweep(ctx context.Context, limit time.Time, known func(context.Context, []Ref) (map[Ref]bool, error)) (removed int, err error)
}
