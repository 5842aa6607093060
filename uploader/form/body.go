package form

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Errors that a [Body] fails with where the content is not what was announced.
var (
	ErrShort  = errors.New("form: the file is shorter than announced")
	ErrLong   = errors.New("form: the file is longer than announced")
	ErrClosed = errors.New("form: the body was closed")
)

// Body is the stream of one request's body. Read is for one goroutine at a time;
// every other method may be called from any goroutine at any time.
type Body struct {
	mu      sync.Mutex // held while reading, so that Close waits for a read under way
	head    []byte     // what is left of it
	content io.Reader
	size    int64
	left    int64 // bytes of content still owed
	holds   bool  // the content's last byte is still to be read, as the foot
	ended   bool  // content was seen to end where it has to
	foot    []byte
	before  func() error
	asked   bool // before was called
	failed  error

	progress func(int64)
	sent     atomic.Int64
	complete atomic.Bool
}

// Read fills p as far as the body goes, so that a small picture goes out in one
// piece. After an error every later Read returns that error.
func (b *Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var n, empty int
	for n < len(p) && b.failed == nil {
		m, err := b.step(p[n:])
		n += m
		if empty++; m > 0 {
			empty = 0
		} else if err == nil && empty >= 100 {
			err = io.ErrNoProgress
		}
		b.failed = err
	}
	if n > 0 {
		sent := b.sent.Add(int64(n))
		if b.progress != nil {
			b.progress(sent)
		}
		return n, nil // A failure is told by the next Read.
	}
	return 0, b.failed
}

// step hands out bytes of the part that the body has reached.
func (b *Body) step(p []byte) (int, error) {
	switch {
	case len(b.head) > 0:
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	case b.left > 0:
		return b.middle(p[:min(int64(len(p)), b.left)])
	case b.holds:
		return 0, b.hold()
	case !b.ended:
		return 0, b.end()
	}
	return b.last(p)
}

// middle hands out bytes of the content.
func (b *Body) middle(p []byte) (int, error) {
	n, err := b.content.Read(p)
	b.left -= int64(n)
	if err == io.EOF {
		err = nil
		if b.left > 0 {
			err = b.short(b.left)
		}
	}
	return n, err
}

// short is the error of content that ended with left bytes owed.
func (b *Body) short(left int64) error {
	if b.holds {
		left++
	}
	return fmt.Errorf("%w: it ended after %d of %d bytes", ErrShort, b.size-left, b.size)
}

// hold reads the content's last byte, which goes out as the foot of a body that has
// none, so that it is asked for.
func (b *Body) hold() error {
	var one [1]byte
	n, err := b.content.Read(one[:])
	if n == 0 {
		if err == io.EOF {
			return b.short(0)
		}
		return err // nil: nothing yet; step asks again
	}
	b.foot, b.holds = one[:], false
	if err == io.EOF {
		err = nil
	}
	return err
}

// end makes sure that the content ends here.
func (b *Body) end() error {
	var one [1]byte
	n, err := b.content.Read(one[:])
	switch {
	case n > 0:
		return fmt.Errorf("%w: it goes on after %d bytes", ErrLong, b.size)
	case err == io.EOF:
		b.ended = true
		return nil
	}
	return err // nil: nothing yet; step asks again
}

// last hands out the foot, and asks before its last byte goes.
func (b *Body) last(p []byte) (int, error) {
	if len(b.foot) == 0 {
		return 0, io.EOF
	}
	if len(p) >= len(b.foot) && !b.asked {
		b.asked = true
		if b.before != nil {
			if err := b.before(); err != nil {
				return 0, err
			}
		}
	}
	n := copy(p, b.foot)
	b.foot = b.foot[n:]
	if len(b.foot) == 0 {
		b.complete.Store(true)
		return n, io.EOF
	}
	return n, nil
}

// Close ends the body: a Read under way is waited for, and none after it touches
// the content. What Complete and Sent say then never changes again. It does not
// close the content.
func (b *Body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = ErrClosed
	}
	return nil
}

// Complete reports whether the body's last byte was handed out, and so may have
// reached the host.
func (b *Body) Complete() bool { return b.complete.Load() }

// Sent returns how many bytes were handed out.
func (b *Body) Sent() int64 { return b.sent.Load() }

// Err returns what the body failed with by itself (the content, its length, or
// what before returned), or nil.
func (b *Body) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == io.EOF || b.failed == ErrClosed {
		return nil
	}
	return b.failed
}
