package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"slipway/uploader"
)

// spool is the folder of files that were made for sending. Each lasts as long as the
// attempt it was made for.
type spool struct {
	dir    string
	create func(dir, pattern string) (*os.File, error) // as os.CreateTemp
}

// openSpool removes what a crash left behind.
func openSpool(dir string) spool {
	left, _ := filepath.Glob(filepath.Join(dir, "*.part")) // the pattern is ours
	for _, name := range left {
		_ = os.Remove(name) // one that is in use stays where the system says so
	}
	return spool{dir, os.CreateTemp}
}

// spooled is a file that is being sent.
type spooled struct {
	f    *os.File
	size int64
}

// file makes a file of what write writes. On a full disk the error is an uploader.Away;
// an error of what write reads never becomes one.
func (s spool) file(write func(io.Writer) error) (_ *spooled, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, s.room(fmt.Errorf("make room for what is to be sent: %w", err))
	}
	f, err := s.create(s.dir, "*.part")
	if err != nil {
		return nil, s.room(fmt.Errorf("make room for what is to be sent: %w", err))
	}
	out := &spooled{f: f}
	_ = os.Remove(f.Name()) // where open files can have no name, nothing is left behind even by a crash
	w := &spooling{w: f}
	if err := write(w); err != nil {
		if w.err != nil {
			err = s.room(w.err)
		}
		return nil, errors.Join(err, out.Close())
	}
	if out.size, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

// spooling remembers the error of the file that is written.
type spooling struct {
	w   io.Writer
	err error
}

// Write writes to the file.
func (s *spooling) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		s.err = err
	}
	return n, err
}

// Codes of winerror.h: ERROR_HANDLE_DISK_FULL and ERROR_DISK_FULL.
var windowsFull = []error{syscall.Errno(39), syscall.Errno(112)}

// room returns err, which the spool's disk gave, as it has the upload wait until there
// is room where the disk is full.
func (s spool) room(err error) error {
	full := []error{syscall.ENOSPC, syscall.EDQUOT}
	if runtime.GOOS == "windows" {
		full = append(full, windowsFull...)
	}
	if !slices.ContainsFunc(full, func(f error) bool { return errors.Is(err, f) }) {
		return err
	}
	return &uploader.Away{
		Text:   "The gateway's disk is full, so that the picture cannot be prepared for sending.",
		Remedy: fmt.Sprintf("Make room on the disk of %s; it then goes on by itself.", filepath.Dir(s.dir)), Err: err,
	}
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
