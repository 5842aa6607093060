package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// spool is the folder of files that were made for sending. Each lasts as long as the
// attempt it was made for.
type spool struct{ dir string }

// openSpool removes what a crash left behind.
func openSpool(dir string) spool {
	left, _ := filepath.Glob(filepath.Join(dir, "*.part")) // the pattern is ours
	for _, name := range left {
		_ = os.Remove(name) // one that is in use stays where the system says so
	}
	return spool{dir}
}

// spooled is a file that is being sent.
type spooled struct {
	f    *os.File
	size int64
}

// file makes a file of what write writes.
func (s spool) file(write func(io.Writer) error) (_ *spooled, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make room for what is to be sent: %w", err)
	}
	f, err := os.CreateTemp(s.dir, "*.part")
	if err != nil {
		return nil, fmt.Errorf("make room for what is to be sent: %w", err)
	}
	out := &spooled{f: f}
	_ = os.Remove(f.Name()) // where open files can have no name, nothing is left behind even by a crash
	if err := write(f); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	if out.size, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// Size returns the file's bytes.
func (s *spooled) Size() int64 { return s.size }

// Open returns a reader of its own of the file, which ends with Close of s.
func (s *spooled) Open(ctx context.Context) (io.ReadSeekCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return section{io.NewSectionReader(s.f, 0, s.size)}, nil
}

// Close removes the file.
func (s *spooled) Close() error {
	err := s.f.Close()
	if gone := os.Remove(s.f.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

type section struct{ *io.SectionReader }

// Close does nothing: the file is another's.
func (section) Close() error { return nil }
