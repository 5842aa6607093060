package vfs

import (
	"errors"
	"io"
	"os"

	"slipway/vfs/blob"
)

// CloneFrom takes the bytes of src without copying them, where store and file system
// can do that and s has none yet. It returns 0 where they are to be copied, and leaves
// src's offset behind what it took.
func (s *File) CloneFrom(src *os.File) (n int64, err error) {
	if err := s.open("write"); err != nil {
		return 0, err
	}
	n, err = s.clone(src)
	s.offset += n
	s.wrote += n
	s.transfer.reached(s.offset)
	return n, err
}

// clone takes the bytes of r without copying them, where r is a file of this machine
// and store and file system can do that, and s has none yet. The rest, which may be
// all, is to be copied.
func (s *File) clone(r io.Reader) (int64, error) {
	from, ok := s.w.(blob.Cloner)
	src, isFile := r.(blob.Source)
	if !ok || !isFile || s.offset > 0 || s.w.Size() > 0 {
		return 0, nil
	}
	if info, err := src.Stat(); err != nil || info.Size() <= blob.InlineMax {
		return 0, nil //nolint:nilerr // Reading it says the same.
	}
	if err := s.begin("write"); err != nil {
		return 0, err
	}
	n, err := from.CloneFrom(src)
	if errors.Is(err, errors.ErrUnsupported) {
		return 0, nil
	}
	if err == nil && s.limited && n > s.room {
		err = s.noRoom()
	}
	if n > 0 {
		s.change()
	}
	return n, s.fail("write", err)
}
