package vfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs/blob"
)

// PartialKey says whose partial upload it is, and to which path of the whole tree;
// before that stands View.Client. Without an owner there is none.
type PartialKey struct{ Owner, Path string }

// Partial is what is kept of an upload that was cut, outside of the namespace: its
// bytes lie in the blob store, and are continued or let go, never listed, read or
// forwarded.
type Partial struct {
	PartialKey
	Ref  blob.Ref // of the kept bytes; see blob.Keeper
	Size int64    // bytes that can be continued from; what is kept after them counts for nothing
	Cut  time.Time
	Onto ID // the entry on a copy of whose bytes it began; 0: none
}

// Keep is a partial that is to be kept.
type Keep struct {
	Partial
	// From is the ref of the partial that the upload continued: "" for none. If
	// another one, or none, is kept under the key now, or more of this one, then
	// that stays as it is.
	From blob.Ref
	// Quota and QuotaRoot are as in Put: with what is kept of its owner, the home
	// stays within the limit.
	Quota     int64
	QuotaRoot string
}

// PartialsMax is how many partials are kept of one user's uploads.
const PartialsMax = 1000

// Partials is what an Index may be too: it remembers partial uploads, one for each
// key. A Put, Mkdir, Move, Copy or Remove lets go the one of its LetGo in its own
// transaction, and partials make room where a quota wants it, the oldest first.
type Partials interface {
	// Partial returns what is kept under key, or fs.ErrNotExist.
	Partial(ctx context.Context, key PartialKey) (Partial, error)
	// KeepPartial returns when it is durable that k is kept, in place of what was
	// kept under its key. Kept is false where k.From or the quota forbids it, and
	// then nothing has changed.
	KeepPartial(ctx context.Context, k Keep) (kept bool, err error)
	// DropPartial lets go what is kept under key; fs.ErrNotExist if nothing is.
	DropPartial(ctx context.Context, key PartialKey) error
	// ExpirePartials lets go what was cut before olderThan, and returns how many.
	ExpirePartials(ctx context.Context, olderThan time.Time) (n int, err error)
}

// BeyondError is returned by Resume where fewer bytes are there than the client
// wants to continue after.
type BeyondError struct{ Size int64 }

// Error returns the text for people.
func (e *BeyondError) Error() string {
	return fmt.Sprintf("the file has only %d bytes here; send it again from the start", e.Size)
}

// Reason returns the text for people.
func (e *BeyondError) Reason() string { return e.Error() }

// Beyond returns true, by which doors know this error.
func (e *BeyondError) Beyond() bool { return true }

// partialKey returns this user's key for the real path p, which begins with a
// slash; one that does not is of a client's own.
func (f *FS) partialKey(p string) PartialKey {
	if f.partials == nil || f.view.Owner == "" {
		return PartialKey{}
	}
	return PartialKey{f.view.Owner, f.view.Client + p}
}

// lookPartial returns what is kept under key.
func (f *FS) lookPartial(key PartialKey) (Partial, error) {
	if key.Owner == "" {
		return Partial{}, fs.ErrNotExist
	}
	return f.partials.Partial(f.ctx, key)
}

// Partial describes what is kept of an upload to name that this user began and
// that was cut: Size is what can be continued from, ModTime when it was cut. It is
// fs.ErrNotExist where nothing is kept, or something stands at name.
func (f *FS) Partial(name string) (fs.FileInfo, error) {
	p, err := f.real("stat", name)
	if err != nil {
		return nil, err
	}
	switch e, err := f.index.Lookup(f.ctx, p); {
	case err == nil:
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	case !errors.Is(err, fs.ErrNotExist) || e.Parent == 0:
		return nil, failed("stat", name, err)
	}
	return f.partialInfo(name, p)
}

func (f *FS) partialInfo(name, p string) (fs.FileInfo, error) {
	part, err := f.lookPartial(f.partialKey(p))
	if err != nil {
		return nil, failed("stat", name, err)
	}
	return Info{Entry{Name: path.Base(p), Size: part.Size, Modified: part.Cut}}, nil
}

// DropPartial lets go what Partial describes, whatever stands at name.
func (f *FS) DropPartial(name string) error {
	p, err := f.real("remove", name)
	if err == nil {
		err = f.writable("remove", name)
	}
	if err != nil {
		return err
	}
	key := f.partialKey(p)
	if key.Owner == "" {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	return failed("remove", name, f.partials.DropPartial(f.ctx, key))
}

// ExpirePartials lets go what is kept of everybody's uploads that were cut before
// olderThan, and returns how many those are. Their bytes go with the collector's
// next pass.
func (f *FS) ExpirePartials(ctx context.Context, olderThan time.Time) (n int, err error) {
	if f.partials == nil {
		return 0, nil
	}
	return f.partials.ExpirePartials(ctx, olderThan)
}

// Resume opens a staged file that continues an upload at offset (RFC 959 REST):
//
//  1. If at least offset bytes are kept of this user's upload to name, it begins
//     with the first of them. What becomes of the file at name is what would have
//     without the cut: an upload that began with its first byte follows the rule
//     for same names, one that began on a copy of that very file replaces it.
//     Nobody else's bytes get between: who continues all that is kept has it for
//     himself, and others work on copies. Closing commits also where nothing was
//     written: then only the end of the upload was missing.
//  2. Else, if the file at name has at least offset bytes, it begins with a copy of
//     the first of them. What followed is not kept: a client that restarts sends
//     everything from offset on, and the tail of a longer old picture would spoil
//     the new one. (Some servers leave such a tail.) A handle through which nothing
//     was written changes nothing.
//  3. Else the error is a BeyondError.
func (f *FS) Resume(name string, offset int64) (afero.File, error) {
	p, err := f.real("open", name)
	if err != nil {
		return nil, err
	}
	s, err := f.resume(name, p, p, offset, true)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// resume opens name, the real path p, whose partial is kept under the real path
// chosen. If seen is not set, what stands at p is another's.
func (f *FS) resume(name, p, chosen string, offset int64, seen bool) (*File, error) {
	if offset < 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	base, err := f.target(name, p, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if !seen {
		base = Entry{}
	}
	s := f.staged(name, p, base)
	s.partial, s.offset = f.partialKey(chosen), offset
	kept, err := s.fromPartial()
	if err == nil && s.w == nil {
		if offset > base.Size {
			err = &BeyondError{Size: max(kept, base.Size)}
		} else {
			err = s.fromBase(offset)
		}
	}
	if err != nil {
		return nil, failed("open", name, err)
	}
	f.transfers.begin(s)
	return s, nil
}

// errPartialChanged says that the partial is another one than it was just now.
var errPartialChanged = errors.New("somebody else continued this upload at the same time; try again")

// fromPartial makes s begin with what is kept up to its offset, if that is enough,
// and returns how much is kept. Else s.w stays nil.
func (s *File) fromPartial() (kept int64, err error) {
	for range 3 {
		part, err := s.fs.lookPartial(s.partial)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		if err != nil || part.Size < s.offset {
			return part.Size, err
		}
		w, err := s.fs.continuePartial(part, s.offset)
		switch {
		case err == nil:
			s.w, s.from, s.onto, s.dirty = w, part.Ref, part.Onto, true
			if s.base.ID != 0 && s.onto == s.base.ID {
				s.replaceBase() // as it would have been without the cut
			}
			return part.Size, nil
		case !errors.Is(err, errPartialChanged) && !errors.Is(err, fs.ErrNotExist):
			return part.Size, err
		}
	}
	// The row stands and its bytes do not: they are lost. A whole upload lets go
	// of the row.
	return 0, nil
}

// continuePartial returns a writer that begins with the first offset bytes of part.
// The error is errPartialChanged or fs.ErrNotExist where part is not what is kept
// any more.
func (f *FS) continuePartial(part Partial, offset int64) (blob.Writer, error) {
	if offset == part.Size {
		w, err := f.takePartial(part)
		if !errors.Is(err, blob.ErrBusy) {
			return w, err
		}
	}
	r, err := f.keeper.OpenKept(f.ctx, part.Ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return f.stageHead(r, offset)
}

// takePartial continues part itself, for which nobody else is doing that.
func (f *FS) takePartial(part Partial) (blob.Writer, error) {
	w, err := f.keeper.Continue(f.ctx, part.Ref)
	if err != nil {
		return nil, err
	}
	// Whoever continued it before may have kept more of it meanwhile. From now on
	// only this writer can.
	now, err := f.lookPartial(part.PartialKey)
	if err == nil && now != part {
		err = errPartialChanged
	}
	if err == nil && w.Size() < part.Size {
		err = fmt.Errorf("%d bytes of a partial upload are lost: %w", part.Size-w.Size(), fs.ErrNotExist)
	}
	if err == nil {
		err = w.Truncate(part.Size)
	}
	if err == nil {
		_, err = w.Sum() // so that what follows is hashed as it comes
	}
	if err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// fromBase makes s begin with the first offset bytes of what stands at its name.
func (s *File) fromBase(offset int64) (err error) {
	if s.base.ID == 0 {
		s.dirty = true
		s.w, err = s.fs.blobs.Create(s.fs.ctx)
		return err
	}
	if err := s.fs.unlocked(s.path, false); err != nil {
		return err
	}
	s.inPlace, s.sameName, s.onto = true, Replace, s.base.ID
	r, err := s.fs.OpenEntry(s.fs.ctx, s.base)
	if err != nil {
		return err
	}
	defer r.Close()
	s.w, err = s.fs.stageHead(r, offset)
	return err
}

// Onto returns the entry on a copy of whose bytes s began, if it did, and not by
// continuing a partial that had.
func (s *File) Onto() (base Entry, ok bool) {
	return s.base, s.base.ID != 0 && s.onto == s.base.ID && s.from == ""
}

// stageHead returns a writer that begins with the first n bytes of r.
func (f *FS) stageHead(r io.Reader, n int64) (blob.Writer, error) {
	w, err := f.blobs.Create(f.ctx)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(w, r, n); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// KeepPartial makes Close, where the transfer was cut, keep the bytes that came as
// the user's partial upload. It still returns why it aborts.
func (s *File) KeepPartial() { s.keep = true }

// keepPartial keeps what is staged, if that is wanted and of use, and returns when
// it is durable. s.w is to be aborted afterwards.
func (s *File) keepPartial() error {
	if !s.keep || !s.cut || !s.dirty || s.partial.Owner == "" || s.w.Size() == 0 {
		return nil
	}
	if s.fs.admit("close", s.name, s.path, s.w.Size()) != nil {
		return nil // it would be refused when it is whole
	}
	// Whoever was cut has gone, and what belongs to him may have ended.
	ctx := context.WithoutCancel(s.fs.ctx)
	size := s.w.Size()
	ref, err := s.fs.keeper.Keep(ctx, s.w)
	if err != nil {
		return failed("close", s.name, err)
	}
	kept, err := s.fs.partials.KeepPartial(ctx, Keep{
		Partial: Partial{PartialKey: s.partial, Ref: ref, Size: size, Cut: s.fs.clock(), Onto: s.onto},
		From:    s.from, Quota: s.fs.view.Quota, QuotaRoot: s.fs.view.Root,
	})
	if !kept && !errors.Is(err, ErrCommit) && ref != s.from {
		err = errors.Join(err, s.fs.blobs.Remove(ctx, ref))
	}
	return failed("close", s.name, err)
}

// Partial describes what is kept of an upload that was cut, under the name that the
// client chose, in whichever session of his it was; see FS.Partial.
func (d *DropFS) Partial(name string) (fs.FileInfo, error) {
	if _, err := d.own("stat", name); err == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	p, err := d.fs.real("stat", name)
	if err != nil {
		return nil, err
	}
	return d.fs.partialInfo(name, p)
}

// DropPartial lets go what Partial describes.
func (d *DropFS) DropPartial(name string) error { return d.fs.DropPartial(name) }

// Resume continues an upload, or the session's own file; see FS.Resume.
func (d *DropFS) Resume(name string, offset int64) (afero.File, error) {
	if err := d.mayPut("open", name); err != nil {
		return nil, err
	}
	p, err := Clean(name)
	if err != nil {
		return nil, failed("open", name, err)
	}
	real, err := d.own("open", name)
	mine := err == nil
	if !mine {
		real = d.where(p)
	}
	s, err := d.fs.resume(real, path.Join(d.fs.view.Root, real), path.Join(d.fs.view.Root, p), offset, mine)
	if err != nil {
		return nil, unseen("open", name, err)
	}
	return d.drop(s, p, mine), nil
}
