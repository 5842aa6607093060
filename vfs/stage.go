package vfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs/blob"
)

// File is a staged file: bytes on their way to a name. Nothing of them is seen
// before Close commits.
//
//  1. Close commits: the bytes are durable and named, and the uploads that they
//     owe are written, when it returns nil. A handle that was opened without
//     O_TRUNC on an existing file and through which nothing was written commits
//     nothing.
//  2. After TransferError, or an error of any method but the reading ones, Close
//     aborts: what stood at the name stands unchanged, and Close says so. After
//     KeepPartial the bytes that came before the transfer was cut are kept for
//     Resume.
//
// It is not safe for concurrent use.
type File struct {
	fs       *FS
	name     string // in the view
	path     string // in the whole tree
	base     Entry  // what stood there at the open; zero: nothing
	w        blob.Writer
	inPlace  bool // began as a copy of base, and must commit onto the same
	admitted bool
	limited  bool  // by room
	room     int64 // how many bytes it may have, by the account's quota
	dirty    bool
	kind     string // the media type of what is staged; "": not looked at yet
	append   bool
	offset   int64
	modified time.Time
	sums     Checksums // of what is staged
	sameName SameName
	ruled    bool // sameName is the route's
	yields   func(before Entry) bool
	// Close puts the bytes by sameName only where base stands there still, as it
	// was; where something else does, by otherwise.
	ifBase    bool
	otherwise SameName
	errand    int64
	err       error // why Close aborts
	cut       bool  // err is the transfer's: what is staged is good as far as it goes
	keep      bool  // KeepPartial was called
	partial   PartialKey
	from      blob.Ref // the partial that it continues; "": none
	onto      ID       // the entry on a copy of whose bytes it began
	closed    bool
	result    Entry
	began     time.Time
	wrote     int64 // bytes that came, wherever they went
	transfer  *transfer
}

var _ afero.File = (*File)(nil)

// stage opens name, the real path p, for writing.
func (f *FS) stage(name, p string, flag int) (afero.File, error) {
	e, err := f.target(name, p, flag)
	if err != nil {
		return nil, err
	}
	s := f.staged(name, p, e)
	s.append = flag&os.O_APPEND != 0
	if e.ID == 0 || flag&os.O_TRUNC != 0 {
		s.dirty = true
		if _, err = f.beside(p, s.sameName, false); err == nil {
			s.w, err = f.blobs.Create(f.ctx)
		}
	} else {
		err = s.fromBase(e.Size)
	}
	if err != nil {
		return nil, failed("open", name, err)
	}
	f.transfers.begin(s)
	return s, nil
}

// target returns what stands at name, the real path p, where a file may be staged:
// zero for nothing.
func (f *FS) target(name, p string, flag int) (Entry, error) {
	if err := f.writable("open", name); err != nil {
		return Entry{}, err
	}
	e, err := f.index.Lookup(f.ctx, p)
	switch {
	case err == nil && e.Dir:
		return e, &fs.PathError{Op: "open", Path: name, Err: ErrIsDir}
	case err == nil && flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return e, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0 && e.Parent != 0:
		return Entry{}, nil
	}
	return e, failed("open", name, err)
}

// staged returns a file for name, the real path p, where base stands. It has no
// writer yet.
func (f *FS) staged(name, p string, base Entry) *File {
	s := &File{fs: f, name: name, path: p, base: base, sameName: f.view.SameName, partial: f.partialKey(p), began: f.clock()}
	if rule, ok := (*f.policy.Load()).SameName(p); ok {
		s.sameName, s.ruled = rule, true
	}
	return s
}

// YieldIf says what gives way to s where the view's rule is Version and the route
// has none. With all bytes staged, Close asks yields about what stood at the name
// when s was opened. What gives way is replaced, but only as it was then: whatever
// else came to the name meanwhile stays, under a number.
func (s *File) YieldIf(yields func(before Entry) bool) {
	if !s.ruled {
		s.yields = yields
	}
}

// settleSameName asks what YieldIf was told.
func (s *File) settleSameName() {
	if s.sameName == Version && s.yields != nil && s.base.ID != 0 && s.yields(s.base) {
		s.replaceBase()
	}
}

// replaceBase makes Close replace base, and keep the rule for what else may stand
// there by then.
func (s *File) replaceBase() {
	if !s.ifBase {
		s.ifBase, s.otherwise = true, s.sameName
	}
	s.sameName = Replace
}

// Errand says that nobody put s, but it was fetched for what the hook knows by a
// number. Whatever the rules are, it takes no place of another's: it gets the next free
// number.
func (s *File) Errand(number int64) {
	s.errand, s.sameName, s.ruled = number, NextFree, true
}

// Name returns the path that the file was opened by.
func (s *File) Name() string { return s.name }

// fail records an error that makes Close abort.
func (s *File) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	err = failed(op, s.name, err)
	if s.err == nil {
		s.err = err
	}
	return err
}

// begin is called before bytes are written. The policy is asked before the first
// of them: an empty file may be where others may not.
func (s *File) begin(op string) error {
	if err := s.open(op); err != nil {
		return err
	}
	if !s.admitted {
		if err := s.fs.admit(op, s.name, s.path, -1); err != nil {
			return s.fail(op, err)
		}
		if err := s.measure(); err != nil {
			return s.fail(op, err)
		}
	}
	s.admitted, s.dirty = true, true
	return nil
}

// open fails after Close, and after an error that made the handle useless.
func (s *File) open(op string) error {
	if s.closed {
		return &fs.PathError{Op: op, Path: s.name, Err: fs.ErrClosed}
	}
	return s.err
}

// change notes that the bytes are about to be others.
func (s *File) change() { s.dirty, s.kind, s.sums = true, "", "" }

// Write writes at the offset, or at the end with os.O_APPEND.
func (s *File) Write(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, s.open("write")
	}
	if err := s.begin("write"); err != nil {
		return 0, err
	}
	if s.append {
		s.offset = s.w.Size()
	}
	if err := s.fits(s.offset, int64(len(p))); err != nil {
		return 0, s.fail("write", err)
	}
	s.change()
	if s.offset == s.w.Size() {
		n, err = s.w.Write(p)
	} else {
		n, err = s.w.WriteAt(p, s.offset)
	}
	s.offset += int64(n)
	s.wrote += int64(n)
	s.transfer.reached(s.offset)
	return n, s.fail("write", err)
}

// WriteAt writes at off without moving the offset.
func (s *File) WriteAt(p []byte, off int64) (int, error) {
	if err := s.begin("write"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, s.fail("write", fs.ErrInvalid)
	}
	if err := s.fits(off, int64(len(p))); err != nil {
		return 0, s.fail("write", err)
	}
	s.change()
	n, err := s.w.WriteAt(p, off)
	s.wrote += int64(n)
	s.transfer.reached(off + int64(n))
	return n, s.fail("write", err)
}

// WriteString is Write of a string.
func (s *File) WriteString(p string) (int, error) { return s.Write([]byte(p)) }

// ReadFrom writes all of r at the offset.
func (s *File) ReadFrom(r io.Reader) (int64, error) {
	if err := s.open("write"); err != nil {
		return 0, err
	}
	from, ok := s.w.(io.ReaderFrom)
	if s.append {
		s.offset = s.w.Size()
	}
	if !ok || s.offset != s.w.Size() {
		return io.Copy(onlyWriter{s}, r)
	}
	n, err := s.clone(r)
	if err != nil {
		return n, err
	}
	source := &source{Reader: r, s: s, at: s.offset + n}
	copied, err := from.ReadFrom(source)
	if n += copied; n > 0 {
		s.change()
	}
	s.offset += n
	s.wrote += n
	if err == nil && source.err != nil {
		s.cut = s.cut || s.err == nil
		err = source.err
	}
	return n, s.fail("write", err)
}

// source is what a staged file reads from. It asks the policy when the first byte
// comes, and keeps its own error from the writer, whose bytes are good: to that the
// error is the end.
type source struct {
	io.Reader
	s   *File
	at  int64 // the next byte's offset
	err error
}

func (r *source) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 && !r.s.admitted {
		if err := r.s.begin("write"); err != nil {
			return 0, err
		}
	}
	if err := r.s.fits(r.at, int64(n)); err != nil {
		return 0, r.s.fail("write", err)
	}
	r.at += int64(n)
	r.s.transfer.reached(r.at)
	if err != nil && err != io.EOF {
		r.err, err = err, io.EOF
	}
	return n, err
}

// onlyWriter hides File.ReadFrom from io.Copy.
type onlyWriter struct{ io.Writer }

// Read reads what is staged, from the offset.
func (s *File) Read(p []byte) (int, error) {
	if err := s.open("read"); err != nil {
		return 0, err
	}
	n, err := s.w.ReadAt(p, s.offset)
	s.offset += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt reads what is staged.
func (s *File) ReadAt(p []byte, off int64) (int, error) {
	if err := s.open("read"); err != nil {
		return 0, err
	}
	return s.w.ReadAt(p, off)
}

// Seek moves the offset. A failed seek makes Close abort: a client that asked to
// resume somewhere impossible must not have its bytes put elsewhere.
func (s *File) Seek(offset int64, whence int) (int64, error) {
	if err := s.open("seek"); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekCurrent:
		offset += s.offset
	case io.SeekEnd:
		offset += s.w.Size()
	case io.SeekStart:
	default:
		return 0, s.fail("seek", fs.ErrInvalid)
	}
	if offset < 0 {
		return 0, s.fail("seek", fs.ErrInvalid)
	}
	s.offset = offset
	return offset, nil
}

// Truncate sets the size.
func (s *File) Truncate(size int64) error {
	if err := s.begin("truncate"); err != nil {
		return err
	}
	if err := s.fits(0, size); err != nil {
		return s.fail("truncate", err)
	}
	s.change()
	return s.fail("truncate", s.w.Truncate(size))
}

// Sync does nothing: a staged file becomes durable by Close.
func (s *File) Sync() error { return s.open("sync") }

// SetModTime sets the time that Close commits; zero: that of the commit.
func (s *File) SetModTime(t time.Time) {
	if !t.IsZero() {
		t = Timestamp(t)
	}
	s.modified = t
}

// SetChecksums tells sums of the bytes that are staged now, which the caller has
// compared with them; see Checksums. Later writes void them.
func (s *File) SetChecksums(sums []string) { s.sums = NewChecksums(sums...) }

// TransferError says that the transfer did not end well: Close will abort.
func (s *File) TransferError(err error) {
	if err == nil {
		err = ErrAborted
	}
	if s.err == nil {
		s.cut = true
		s.err = &fs.PathError{Op: "close", Path: s.name, Err: errors.Join(ErrAborted, err)}
	}
}

// Stat describes the file as Close will commit it: size, hash and time.
func (s *File) Stat() (os.FileInfo, error) {
	if s.closed {
		return Info{s.result}, nil
	}
	sum, err := s.w.Sum()
	if err != nil {
		return nil, s.fail("stat", err)
	}
	e := s.base
	if e.SHA256 != sum {
		e.Checksums = ""
	}
	e.Checksums = e.Checksums.With(s.sums)
	e.Name, e.Size, e.SHA256, e.Type = path.Base(s.path), s.w.Size(), sum, s.sniff()
	if s.modified.IsZero() {
		s.modified = s.fs.clock()
	}
	e.Modified = s.modified
	return Info{e}, nil
}

// sniff returns the media type of what is staged.
func (s *File) sniff() string {
	if s.kind == "" {
		head := make([]byte, min(sniffLen, s.w.Size()))
		n, _ := s.w.ReadAt(head, 0)
		s.kind = MediaType(head[:n], s.path)
	}
	return s.kind
}

// Close commits, or aborts after an error; see File.
func (s *File) Close() error {
	if s.closed {
		return &fs.PathError{Op: "close", Path: s.name, Err: fs.ErrClosed}
	}
	err := s.end()
	s.fs.transfers.end(s.transfer)
	if s.fs.arrived != nil && (s.dirty || err != nil) {
		s.fs.arrived(Arrival{Door: s.fs.view.Door, Bytes: s.wrote, Took: s.fs.clock().Sub(s.began), Err: err})
	}
	return err
}

// Arrival is a transfer into the tree that has come to its end.
type Arrival struct {
	Door  string        // by which it came; see View
	Bytes int64         // that came, be it in vain
	Took  time.Duration // from the open to the end
	Err   error         // of Close; nil: the bytes are durable and named
}

// end is Close, once.
func (s *File) end() error {
	if s.err == nil && s.dirty {
		s.settleSameName()
	}
	s.closed = true
	if s.err != nil {
		keepErr := s.keepPartial()
		return errors.Join(s.err, keepErr, s.w.Abort())
	}
	if !s.dirty {
		s.result = s.base
		return s.w.Abort()
	}
	if err := s.fs.admit("close", s.name, s.path, s.w.Size()); err != nil {
		return errors.Join(err, s.w.Abort())
	}
	return failed("close", s.name, s.commit())
}

// commit makes the bytes durable and names them.
func (s *File) commit() error {
	// What was sent whole is kept even if the client has gone since.
	ctx := context.WithoutCancel(s.fs.ctx)
	kind := s.sniff()
	info, err := s.w.Commit(ctx)
	if err != nil {
		return errors.Join(err, s.w.Abort())
	}
	defer s.w.Abort() //nolint:errcheck // It ends what Resume began; the rest is the collector's.
	put := Put{
		Path: s.path, Blob: info, Checksums: s.sums, Type: kind, Modified: s.modified, SameName: s.sameName,
		Settled: s.fs.view.Settled, Errand: s.errand, Quota: s.fs.view.Quota, QuotaRoot: s.fs.view.Root, LetGo: s.partial,
	}
	if s.inPlace || s.ifBase {
		put.IfEntry, put.IfSum = s.base.ID, s.base.SHA256
	}
	e, _, err := s.fs.put(ctx, put)
	if s.ifBase && (errors.Is(err, ErrChanged) || errors.Is(err, ErrLocked)) {
		put.IfEntry, put.SameName = 0, s.otherwise
		e, _, err = s.fs.put(ctx, put)
	}
	s.result = e
	unnamed := err != nil && !errors.Is(err, ErrCommit) || err == nil && e.Blob != info.Ref
	if unnamed && info.Inline == nil {
		// Nobody can know these bytes; the sweep would take them a day later.
		if removeErr := s.fs.blobs.Remove(ctx, info.Ref); removeErr != nil && err != nil {
			err = errors.Join(err, removeErr)
		}
	}
	return err
}

// Result returns what Close left at the name; the name may be another one where
// the rule for same names said so. It is zero before Close and after an abort.
func (s *File) Result() Entry { return s.result }

// Stored returns the id of the entry that a Close which returned nil left, and that
// entry's name, without its folder: the rule for same names may have given it
// another than it was opened by. Before that, and after an abort, they are 0 and "".
func (s *File) Stored() (entry int64, name string) { return int64(s.result.ID), s.result.Name }

// Readdir fails: a staged file is no directory.
func (s *File) Readdir(int) ([]os.FileInfo, error) {
	return nil, &fs.PathError{Op: "readdir", Path: s.name, Err: ErrNotDir}
}

// Readdirnames fails: a staged file is no directory.
func (s *File) Readdirnames(int) ([]string, error) {
	return nil, &fs.PathError{Op: "readdir", Path: s.name, Err: ErrNotDir}
}

var _ blob.Reader = (*File)(nil)
