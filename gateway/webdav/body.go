package webdav

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"slipway/gateway/webdav/digest"
	"slipway/gateway/webdav/fault"
)

// bufferSize is what a large file is copied by, in bytes.
const bufferSize = 1 << 20

// body is a request's body under watch: it counts, hashes what the header
// promises a digest of, and keeps the connection's deadline ahead of a client
// that makes progress.
type body struct {
	source   io.Reader
	deadline *deadline
	sums     *digest.Set
	declared int64 // what X-Expected-Entity-Length says, or else -1
	count    int64
	room     *room // nil: what comes is no longer than was admitted
	ended    bool  // the end was seen, where the framing says it must be
	err      error // of source; never io.EOF
}

// body returns the request's body, under watch.
func (q *request) body() *body {
	return &body{
		source:   q.r.Body,
		deadline: q.readDeadline(),
		sums:     digest.FromHeader(q.r.Header),
		declared: expectedLength(q.r.Header),
		room:     q.room(),
	}
}

// expectedLength reads what macOS sends along with a chunked body: its length.
func expectedLength(h http.Header) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-Expected-Entity-Length")), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// size is how long the body will be, in bytes, or -1 if that was not said.
func (q *request) size() int64 {
	if n := q.r.ContentLength; n >= 0 {
		return n
	}
	return expectedLength(q.r.Header)
}

// Read reads on, and ends with an error as soon as more came than may.
func (b *body) Read(p []byte) (int, error) {
	b.deadline.extend()
	n, err := b.source.Read(p)
	b.count += int64(n)
	b.sums.Write(p[:n])
	if refused := b.room.take(b.count); refused != nil {
		return n, refused
	}
	switch {
	case err == io.EOF:
		b.ended = true
	case err != nil:
		b.err = err
	}
	return n, err
}

// whole returns nil if the body came whole and as promised. net/http reports a
// body shorter than its Content-Length, a cut or malformed chunk as an error of
// Read; what else was promised is compared here.
func (b *body) whole() error {
	if errors.As(b.err, new(*http.MaxBytesError)) {
		return fail(http.StatusRequestEntityTooLarge, "the request is too long")
	}
	if fault.Of(b.err) == fault.TooSlow {
		return b.err
	}
	if b.err != nil || !b.ended {
		return fail(http.StatusBadRequest, fmt.Sprintf("the file was cut off after %d bytes; nothing was stored", b.count))
	}
	if b.declared >= 0 && b.count != b.declared {
		return fail(http.StatusBadRequest, fmt.Sprintf("%d bytes were announced, %d came; nothing was stored", b.declared, b.count))
	}
	if err := b.sums.Verify(); err != nil {
		return fail(http.StatusBadRequest, err.Error())
	}
	return nil
}

// copyTo writes all of b to w, by w's own ReadFrom if it has one.
func (h *Handler) copyTo(w io.Writer, b *body, size int64) error {
	if rf, ok := w.(io.ReaderFrom); ok {
		_, err := rf.ReadFrom(b)
		return err
	}
	if size >= 0 && size < bodyMax {
		_, err := io.CopyBuffer(onlyWriter{w}, b, make([]byte, size+1))
		return err
	}
	buf := h.buffers.Get().(*[bufferSize]byte)
	defer h.buffers.Put(buf)
	_, err := io.CopyBuffer(onlyWriter{w}, b, buf[:])
	return err
}

type onlyWriter struct{ io.Writer }

// deadline moves a connection's deadline ahead as long as it is in use.
type deadline struct {
	set  func(time.Time) error
	idle time.Duration
	last time.Time
}

func (q *request) readDeadline() *deadline {
	return &deadline{set: http.NewResponseController(q.w).SetReadDeadline, idle: q.Idle}
}

// extend gives the next byte the whole idle time, give or take an eighth. It
// uses the machine's clock, as the network does. Where deadlines are not
// supported there are none.
func (d *deadline) extend() {
	if now := time.Now(); now.Sub(d.last) > d.idle/8 {
		d.last = now
		d.set(now.Add(d.idle)) //nolint:errcheck // http.ErrNotSupported
	}
}

// clear lifts the deadline, so that work after the last byte is not cut.
func (d *deadline) clear() { d.set(time.Time{}) } //nolint:errcheck // as above

// limitBody bounds the body of every request that is not a file.
func (q *request) limitBody() {
	if q.r.Method != http.MethodPut {
		q.r.Body = http.MaxBytesReader(q.w, q.r.Body, bodyMax)
	}
}

// readAll reads a small body whole.
func (q *request) readAll() ([]byte, error) {
	b := &body{source: q.r.Body, deadline: q.readDeadline(), sums: digest.FromHeader(nil), declared: -1}
	data, err := io.ReadAll(b)
	if err != nil {
		return nil, b.whole()
	}
	b.deadline.clear()
	return data, nil
}

// progressWriter keeps the deadline ahead of a client that accepts bytes;
// net/http lifts it before the connection's next request.
type progressWriter struct {
	http.ResponseWriter
	deadline *deadline
}

// Write extends the deadline and writes.
func (w *progressWriter) Write(p []byte) (int, error) {
	w.deadline.extend()
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *progressWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (q *request) progressWriter() *progressWriter {
	return &progressWriter{q.w, &deadline{set: http.NewResponseController(q.w).SetWriteDeadline, idle: q.Idle}}
}
