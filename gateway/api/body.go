package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/fault"
)

// incoming is a request's body that ends where its client stands still.
type incoming struct {
	io.ReadCloser
	control *http.ResponseController
	idle    time.Duration
	last    time.Time
	err     error // of the body, but for its end
	// stranger: nobody has signed in. Then the time for the whole does not grow, and
	// room is how many bytes may come still.
	stranger bool
	room     int
}

// strangerRoom is how many bytes are read of a form whose sender has not signed in:
// the key has to be among them.
const strangerRoom = 64 << 10

// incoming returns the request's body.
func (q *request) incoming() *incoming { return q.body(q.w, q.r) }

func (h *Handler) body(w http.ResponseWriter, r *http.Request) *incoming {
	return &incoming{ReadCloser: r.Body, control: http.NewResponseController(w), idle: h.Idle}
}

// Read reads on, and gives the next byte the whole idle time, give or take an
// eighth.
func (b *incoming) Read(p []byte) (int, error) {
	if b.stranger && b.room <= 0 {
		return 0, lateKey
	}
	if b.stranger {
		p = p[:min(len(p), b.room)]
	}
	if now := time.Now(); b.last.IsZero() || now.Sub(b.last) > b.idle/8 && !b.stranger {
		b.last = now
		b.control.SetReadDeadline(now.Add(b.idle)) //nolint:errcheck // where there are none, there are none
	}
	n, err := b.ReadCloser.Read(p)
	b.room -= n
	if err == io.EOF {
		b.control.SetReadDeadline(time.Time{}) //nolint:errcheck // so that the work after it is not cut
	} else if err != nil {
		b.err = err
	}
	return n, err
}

// cut returns what is said of a body that did not come whole; nil where err is
// another one's.
func (b *incoming) cut(err error) error {
	switch {
	case b.err == nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case fault.Of(b.err) == fault.TooSlow:
		return faults[fault.TooSlow]
	}
	return wrong("the file was cut off; nothing was stored")
}

// transferErrorer is a File opened for writing whose Close, after TransferError,
// throws away what was written.
type transferErrorer interface{ TransferError(err error) }

// modTimer is a File opened for writing that can be given its modification time.
type modTimer interface{ SetModTime(t time.Time) }

// expecter is a File opened for writing that tells others how many bytes it is
// going to have; -1 if that is not known.
type expecter interface{ Expect(size int64) }

// storer is a File that, once closed without an error, tells what it was stored as.
type storer interface {
	Stored() (entry int64, name string)
}

// admitter is asked before the bytes of a file are read. size is -1 if unknown.
type admitter interface {
	Admit(path string, size int64) error
}

// admitStep is after how many bytes of a file of unknown length it is asked again
// whether that many may come; it doubles until admitStepMax.
const (
	admitStep    = 1 << 20
	admitStepMax = 64 << 20
)

// admitted is a body of unknown length that ends where it becomes too large.
type admitted struct {
	io.Reader
	admit func(size int64) error
	count int64
	next  int64 // when it is asked again
}

// Read reads on.
func (a *admitted) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	a.count += int64(n)
	if a.count < a.next {
		return n, err
	}
	a.next = a.count + min(a.count, admitStepMax)
	// Of the rest it was asked before. What came takes up its room already.
	if refused := a.admit(a.count); fault.Of(refused) == fault.TooLarge {
		return n, refused
	}
	if refused := a.admit(1); fault.Of(refused) == fault.NoSpace {
		return n, refused
	}
	return n, err
}

// staged is a file that is being written: one commit or one abort ends it.
type staged struct {
	afero.File
	// admit, where the length was not known at first, reports why a file of that
	// many bytes is refused; nil: nobody is asked.
	admit func(size int64) error
	ended bool
}

// fill writes all of r.
func (s *staged) fill(r io.Reader) error {
	if s.admit != nil {
		r = &admitted{Reader: r, admit: s.admit, next: admitStep}
	}
	if from, ok := s.File.(io.ReaderFrom); ok {
		_, err := from.ReadFrom(r)
		return err
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{s.File}, r, make([]byte, 64<<10))
	return err
}

func (s *staged) commit() error {
	s.ended = true
	return s.Close()
}

// abort throws the file away unless it was committed.
func (s *staged) abort(err error) {
	if s.ended {
		return
	}
	s.ended = true
	if err == nil {
		err = errors.New("api: the upload was given up")
	}
	if t, ok := s.File.(transferErrorer); ok {
		t.TransferError(err)
	}
	s.Close() //nolint:errcheck // it can only say that it was aborted
}
