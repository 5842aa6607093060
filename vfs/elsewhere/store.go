// Package elsewhere reads bytes that were let go here, because a file outside of the
// gateway, or a picture at a host, has them too.
//
// A Store is a blob store that, asked for such a blob, fetches it back for a while:
// what is outside may change at any time, so that it is never read from directly.
// What is fetched is compared with the blob's sum before anybody sees a byte of it.
package elsewhere

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Disk is what a Store stands on, such as a *blob.Disk.
type Disk interface {
	blob.Store
	blob.Keeper
	blob.Sweeper
}

// Place is where a file with certain bytes should be.
type Place struct {
	Root  string    // the folder that the file is in; "": not known
	Path  string    // the file, an absolute path
	Since time.Time // since when it is known to be missing; zero: it is not
}

// Places returns where files with a sum should be, the likeliest first.
type Places func(ctx context.Context, sum blob.Sum) ([]Place, error)

// Remote is a picture at a host that should be made of certain bytes.
type Remote struct {
	Host string // for people
	URL  string
	// Open begins to read it. The error of it and of its Read is a *vfs.AwayError where
	// it is not to be had, or not now. Reading ends with ctx, and where nothing comes.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Remotes returns the pictures at hosts that should be made of the bytes of rel, the
// likeliest first.
type Remotes func(ctx context.Context, rel vfs.Released) ([]Remote, error)

// How long fetched bytes stay after they were last opened: a watched file is here in no
// time again.
const keepFor, keepRemoteFor = 2 * time.Minute, 6 * time.Hour

// cacheMax is how many bytes that were fetched are kept for a while, or twice as many
// as the largest file among them has.
const cacheMax = 1 << 30

// Options of New.
type Options struct {
	Releases vfs.Releases
	Places   Places
	Remotes  Remotes // nil: there are none
	// Read, if not nil, hears of each blob that is opened. It has to be quick.
	Read  func(blob.Ref)
	Clock func() time.Time
	// CacheMax is in place of cacheMax; 0: as that says.
	CacheMax int64
}

// Store is a blob.Store that can also open blobs which were released, as long as a
// file or a picture elsewhere has their bytes. It is safe for concurrent use.
type Store struct {
	Disk
	options Options
	cached  cache
}

// New returns a store that opens what disk has, and what was released and is elsewhere.
func New(disk Disk, o Options) *Store {
	if o.CacheMax == 0 {
		o.CacheMax = cacheMax
	}
	return &Store{Disk: disk, options: o, cached: cache{clock: o.Clock, max: o.CacheMax, fetched: make(map[blob.Sum]*fetch)}}
}

// Open opens a blob. Where its bytes were released and nothing has them any more, or
// none can be read now, the error is a *vfs.AwayError.
func (s *Store) Open(ctx context.Context, ref blob.Ref) (blob.Reader, error) {
	r, err := s.Disk.Open(ctx, ref)
	if err == nil {
		s.read(ref)
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	rel, relErr := s.options.Releases.Released(ctx, ref)
	if errors.Is(relErr, fs.ErrNotExist) {
		return nil, err
	}
	if relErr != nil {
		return nil, relErr
	}
	if rel.Successor != "" {
		if r, err := s.Disk.Open(ctx, rel.Successor); err == nil || !errors.Is(err, fs.ErrNotExist) {
			s.read(rel.Successor)
			return r, err
		}
	}
	return s.openFetched(ctx, rel)
}

func (s *Store) read(ref blob.Ref) {
	if s.options.Read != nil {
		s.options.Read(ref)
	}
}

// openFetched opens the fetched copy, and fetches it where there is none. All who want
// it wait for one fetch, which ends early where the last of them has given up.
func (s *Store) openFetched(ctx context.Context, rel vfs.Released) (blob.Reader, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := s.cached.join(rel.SHA256, func(ctx context.Context) (fetched, error) { return s.fetch(ctx, rel) })
		if err != nil {
			return nil, err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
		}
		s.cached.leave(rel.SHA256, f)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.err != nil {
			if errors.Is(f.err, context.Canceled) {
				continue // the others had given up just when this one came
			}
			return nil, f.err
		}
		s.remove(ctx, s.cached.surplus(f))
		r, err := s.Disk.Open(ctx, f.got.ref)
		if errors.Is(err, fs.ErrNotExist) {
			s.cached.forget(rel.SHA256, f)
			continue // it was dropped meanwhile
		}
		return r, err
	}
}

// remove removes fetched bytes. What cannot be removed now is the sweep's.
func (s *Store) remove(ctx context.Context, refs []blob.Ref) (err error) {
	for _, ref := range refs {
		err = errors.Join(err, s.Disk.Remove(context.WithoutCancel(ctx), ref))
	}
	return err
}

// Drop removes fetched bytes that nobody opened for a while; all: every one. Readers
// that have them open read on.
func (s *Store) Drop(ctx context.Context, all bool) error {
	return s.remove(ctx, s.cached.idle(all))
}

// Close ends what is being fetched, waits for that, and removes all that was. Nothing
// can be fetched any more.
func (s *Store) Close() error {
	s.cached.close()
	return s.Drop(context.Background(), true)
}
