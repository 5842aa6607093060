package vfs

import "io/fs"

// measure finds out how many bytes the account's quota leaves s: more are refused
// as they come, and need not be sent and stored to the end. The transaction decides
// in any case, so that what may be replaced, and what is kept of s already, counts
// for nothing.
func (s *File) measure() error {
	if s.fs.view.Quota <= 0 {
		return nil
	}
	used, err := s.fs.index.Usage(s.fs.ctx, s.fs.view.Root)
	if err != nil {
		return err
	}
	s.limited, s.room = true, s.fs.view.Quota-used
	if s.sameName != NextFree {
		s.room += s.base.Size
	}
	return nil
}

// noRoom is the error of what s has no room for.
func (s *File) noRoom() error { return NoRoom(s.fs.view.Quota-s.room, s.fs.view.Quota) }

// fits fails where s would become longer than its room by n bytes at off.
func (s *File) fits(off, n int64) error {
	if s.limited && n > 0 && off+n > max(s.room, s.w.Size()) {
		return &fs.PathError{Op: "write", Path: s.name, Err: s.noRoom()}
	}
	return nil
}
