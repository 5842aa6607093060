package certs

import (
	"context"
	"io/fs"
	"sync"

	"github.com/caddyserver/certmagic"
)

// storage is certmagic's folder of files with locks inside this process. The
// data directory belongs to one process alone, so lock files would guard against
// nobody, and after a crash be in the way. Once closed it changes nothing more:
// certmagic's workers may outlive their context for a moment.
type storage struct {
	certmagic.Storage

	mu    sync.Mutex
	locks map[string]chan struct{} // closed at the unlock

	writes sync.RWMutex // held while something changes
	closed bool
}

func newStorage(dir string) *storage {
	return &storage{Storage: &certmagic.FileStorage{Path: dir}, locks: make(map[string]chan struct{})}
}

// Lock waits for name, or for ctx's end.
func (s *storage) Lock(ctx context.Context, name string) error {
	for {
		s.mu.Lock()
		held, ok := s.locks[name]
		if !ok {
			s.locks[name] = make(chan struct{})
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Unlock lets the next one have name.
func (s *storage) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.locks[name]; ok {
		close(held)
		delete(s.locks, name)
	}
	return nil
}

// Store writes a file, and fails with fs.ErrClosed after close.
func (s *storage) Store(ctx context.Context, key string, value []byte) error {
	return s.write(func() error { return s.Storage.Store(ctx, key, value) })
}

// Delete removes a file or folder, and fails with fs.ErrClosed after close.
func (s *storage) Delete(ctx context.Context, key string) error {
	return s.write(func() error { return s.Storage.Delete(ctx, key) })
}

func (s *storage) write(f func() error) error {
	s.writes.RLock()
	defer s.writes.RUnlock()
	if s.closed {
		return fs.ErrClosed
	}
	return f()
}

// close waits for the writes that run and refuses the next.
func (s *storage) close() {
	s.writes.Lock()
	defer s.writes.Unlock()
	s.closed = true
}
