// Package thumbnail draws small pictures of files, and keeps them on disk.
//
// The bytes are anybody's. What a picture would take to decode is worked out from
// its head first, and what would take too much is drawn from the preview within
// the file, or not at all. Decoders of others run on such bytes: that one panics is
// contained, and is an error like any other of theirs.
package thumbnail

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrNone is returned for a file that cannot be drawn: it is no picture, one of a
// format that is not known, damaged, or too large.
var ErrNone = errors.New("there is no small picture of this file")

// ErrSlow is an ErrNone of a picture that takes too long to draw. It is not tried
// again for a while.
var ErrSlow = fmt.Errorf("%w: it takes too long to draw", ErrNone)

// Options of New. The zero value, but for Dir, works.
type Options struct {
	// Dir is where pictures are kept; it is made.
	Dir string
	// Keep is how many bytes of them are kept at the most; 0: 256 MiB.
	Keep int64
	// Memory is how many bytes pictures may take while they are decoded, all
	// together; 0: 512 MiB. A picture that alone would take more is not decoded.
	Memory int64
	// Workers is how many are drawn at a time; 0: 2.
	Workers int
	// Time is how long one may take when it is its turn; 0: 20 s.
	Time time.Duration
	Log  *slog.Logger // nil: silent
}

// Pixels is how many pixels a picture may have to be decoded.
const Pixels = 100_000_000

// Edges of small pictures: multiples of EdgeStep up to EdgeMost pixels.
const (
	EdgeStep = 64
	EdgeMost = 512
)

// Maker draws small pictures. It is safe for concurrent use.
type Maker struct {
	o       Options
	store   *store
	memory  *semaphore.Weighted
	workers *semaphore.Weighted

	mu      sync.Mutex
	flights map[string]*flight
	none    map[[32]byte]time.Time // those that cannot be drawn, and until when; zero: for ever
}

const (
	// noneMost is how many of those are remembered that cannot be drawn.
	noneMost = 4096
	// slowRest is how long one is left alone that took too long.
	slowRest = 15 * time.Minute
)

// New returns a maker.
func New(o Options) *Maker {
	if o.Keep <= 0 {
		o.Keep = 256 << 20
	}
	if o.Memory <= 0 {
		o.Memory = 512 << 20
	}
	if o.Workers <= 0 {
		o.Workers = 2
	}
	if o.Time <= 0 {
		o.Time = 20 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Maker{o: o, store: &store{dir: o.Dir, keep: o.Keep}, memory: semaphore.NewWeighted(o.Memory),
		workers: semaphore.NewWeighted(int64(o.Workers)), flights: make(map[string]*flight),
		none: make(map[[32]byte]time.Time)}
}

// File is a file to be drawn.
type File interface {
	io.Reader
	io.ReaderAt
	io.Seeker
	io.Closer
}

// Source names bytes.
type Source struct {
	Sum  [32]byte // SHA-256 of the bytes
	Type string   // media type by content
	Size int64    // bytes
	Open func(ctx context.Context) (File, error)
}

// Picture is a small picture.
type Picture struct {
	Type  string // "image/jpeg", or "image/png" where parts are transparent
	ETag  string // quotes included
	Bytes []byte
}

// Small returns the picture of a file that fits into a square of edge pixels, the
// way up that its EXIF data say; one that is smaller is not made larger. The error
// is ErrNone, ctx's, or that of reading the file.
func (m *Maker) Small(ctx context.Context, s Source, edge int) (Picture, error) {
	if edge < EdgeStep || edge > EdgeMost || edge%EdgeStep != 0 {
		return Picture{}, fmt.Errorf("%w: edges are multiples of %d up to %d", ErrNone, EdgeStep, EdgeMost)
	}
	if !strings.HasPrefix(s.Type, "image/") {
		return Picture{}, ErrNone
	}
	if err := m.cannot(s.Sum); err != nil {
		return Picture{}, err
	}
	name := fmt.Sprintf("%s-%d", hex.EncodeToString(s.Sum[:]), edge)
	if b, ok := m.store.load(name); ok {
		return picture(name, b), nil
	}
	b, err := m.draw(ctx, name, func(ctx context.Context) ([]byte, error) { return m.make(ctx, s, edge, name) })
	if err != nil {
		return Picture{}, err
	}
	return picture(name, b), nil
}

// picture names what was drawn.
func picture(name string, b []byte) Picture {
	p := Picture{Type: "image/jpeg", ETag: `"` + name[:32] + name[strings.LastIndexByte(name, '-'):] + `"`, Bytes: b}
	if len(b) > 0 && b[0] != 0xff {
		p.Type = "image/png"
	}
	return p
}

// cannot returns why there is no picture of these bytes, as far as is known.
func (m *Maker) cannot(sum [32]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, known := m.none[sum]
	switch {
	case !known:
		return nil
	case until.IsZero():
		return ErrNone
	case time.Now().Before(until):
		return ErrSlow
	}
	delete(m.none, sum)
	return nil
}

// forgo remembers that there is no picture of these bytes.
func (m *Maker) forgo(s Source, err error) {
	var until time.Time
	if errors.Is(err, ErrSlow) {
		until = time.Now().Add(slowRest)
		m.o.Log.Warn("a small picture takes too long to draw; it is left alone for a while", "sha256", hex.EncodeToString(s.Sum[:]), "wait", slowRest)
	} else {
		m.o.Log.Debug("a file cannot be drawn", "sha256", hex.EncodeToString(s.Sum[:]), "error", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.none) >= noneMost {
		clear(m.none)
	}
	m.none[s.Sum] = until
}

// make draws and keeps one.
func (m *Maker) make(ctx context.Context, s Source, edge int, name string) ([]byte, error) {
	if err := m.cannot(s.Sum); err != nil {
		return nil, err // it is known since, by another edge
	}
	ctx, clock := newClock(ctx, m.o.Time)
	defer clock.stop()
	f, err := s.Open(ctx)
	if err != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	defer f.Close()
	d := drawing{m: m, ctx: ctx, clock: clock, file: f, size: s.Size, edge: edge}
	b, err := d.draw()
	if errors.Is(err, ErrNone) {
		m.forgo(s, err)
	}
	if err != nil {
		return nil, err
	}
	if err := m.store.save(name, b); err != nil {
		m.o.Log.Warn("a small picture cannot be kept; it is drawn again each time", "error", err)
	}
	return b, nil
}
