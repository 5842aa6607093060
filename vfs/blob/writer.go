package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// writer stages one blob: in memory up to InlineMax, in a file beyond.
type writer struct {
	disk *Disk
	size int64
	err  error // the first one; the writer is poisoned

	mem  []byte // the bytes, while file is nil
	name string // of the staged file
	file File
	kept bool // the file stays when the writer ends; see Keeper

	hash    hash.Hash // of the first hashed bytes of file
	hashed  int64
	hashing sync.WaitGroup // a goroutine that adds the last append to hash
	flushed int64          // write-back was started for the bytes before
}

var (
	_ Writer        = (*writer)(nil)
	_ io.ReaderFrom = (*writer)(nil)
)

// overlapMin is the length in bytes from which hashing beside writing is worth
// a goroutine.
const overlapMin = 16 << 10

// writeBackEvery is how many bytes are written before the kernel is asked to
// begin bringing them to the disk.
const writeBackEvery = 8 << 20

// fail poisons the writer with its first error and returns that.
func (w *writer) fail(err error) error {
	if w.err == nil {
		w.err = fmt.Errorf("blob: %w", spaceError(err))
	}
	return w.err
}

// Write appends p.
func (w *writer) Write(p []byte) (int, error) {
	defer w.hashing.Wait() // p is the caller's again
	return w.put(p, w.size)
}

// WriteAt writes p at off; a gap before it reads as zeros.
func (w *writer) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, w.fail(fmt.Errorf("write at %d: %w", off, fs.ErrInvalid))
	}
	defer w.hashing.Wait()
	return w.put(p, off)
}

// put writes p at off. It may return while p is still being hashed; w.hashing
// tells when not.
func (w *writer) put(p []byte, off int64) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	end := off + int64(len(p))
	if end < off {
		return 0, w.fail(fmt.Errorf("write at %d: %w", off, fs.ErrInvalid))
	}
	if w.file == nil && end <= InlineMax {
		w.resize(max(w.size, end))
		return copy(w.mem[off:end], p), nil
	}
	if err := w.spill(); err != nil {
		return 0, err
	}
	return w.putFile(p, off)
}

// putFile writes to the staged file and hashes an append meanwhile.
func (w *writer) putFile(p []byte, off int64) (int, error) {
	w.forget(off)
	if off == w.hashed {
		if len(p) < overlapMin {
			w.hash.Write(p)
		} else {
			w.hashing.Go(func() { w.hash.Write(p) })
		}
		w.hashed += int64(len(p))
	}
	n, err := w.file.WriteAt(p, off)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	w.size = max(w.size, off+int64(n))
	if err != nil {
		return n, w.fail(err)
	}
	if n := w.size - w.flushed; n >= writeBackEvery {
		startWriteBack(w.file, w.flushed, n)
		w.flushed = w.size
	}
	return n, nil
}

// forget starts the hash over where the byte at off is already part of it.
func (w *writer) forget(off int64) {
	w.hashing.Wait()
	if off < w.hashed {
		w.hash.Reset()
		w.hashed = 0
	}
}

// resize sets the number of bytes in memory; new ones are zero.
func (w *writer) resize(size int64) {
	if size > int64(cap(w.mem)) {
		grown := w.disk.buffer(size)[:len(w.mem)]
		copy(grown, w.mem)
		w.disk.recycle(w.mem)
		w.mem = grown
	}
	old := len(w.mem)
	w.mem = w.mem[:size]
	if int64(old) < size {
		clear(w.mem[old:])
	}
	w.size = size
}

// spill moves the bytes from memory into a staged file.
func (w *writer) spill() error {
	if w.file != nil {
		return nil
	}
	w.name = w.disk.stage()
	f, err := w.disk.fs.OpenFile(w.path(), os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return w.fail(err)
	}
	w.file, w.hash = f, sha256.New()
	mem := w.mem
	w.mem = nil
	defer w.disk.recycle(mem)
	if len(mem) == 0 {
		return nil
	}
	_, err = w.putFile(mem, 0)
	w.hashing.Wait()
	return err
}

func (w *writer) path() string { return filepath.Join(w.disk.staged, w.name) }

// ReadAt reads what was staged so far.
func (w *writer) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, fmt.Errorf("blob: read at %d: %w", off, fs.ErrInvalid)
	case w.file != nil:
		return w.file.ReadAt(p, off)
	case off >= int64(len(w.mem)):
		return 0, io.EOF
	}
	n := copy(p, w.mem[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate cuts or extends with zeros.
func (w *writer) Truncate(size int64) error {
	switch {
	case w.err != nil:
		return w.err
	case size < 0:
		return w.fail(fmt.Errorf("truncate to %d: %w", size, fs.ErrInvalid))
	case w.file == nil && size <= InlineMax:
		w.resize(size)
		return nil
	}
	if err := w.spill(); err != nil {
		return err
	}
	w.forget(size)
	if err := w.file.Truncate(size); err != nil {
		return w.fail(err)
	}
	w.size = size
	w.flushed = min(w.flushed, size)
	return nil
}

// Size returns the number of bytes staged so far.
func (w *writer) Size() int64 { return w.size }

// Sum hashes what the running hash has not seen and returns the result.
func (w *writer) Sum() (Sum, error) {
	if w.err != nil {
		return Sum{}, w.err
	}
	if w.file == nil {
		return sha256.Sum256(w.mem), nil
	}
	if err := w.catchUp(); err != nil {
		return Sum{}, w.fail(err)
	}
	return Sum(w.hash.Sum(nil)), nil
}

// catchUp reads from the staged file what is not in the hash yet.
func (w *writer) catchUp() error {
	if w.hashed == w.size {
		return nil
	}
	buf := w.disk.chunk.Get().(*[chunkSize]byte)
	defer w.disk.chunk.Put(buf)
	n, err := io.CopyBuffer(w.hash, onlyReader{io.NewSectionReader(w.file, w.hashed, w.size-w.hashed)}, buf[:])
	w.hashed += n
	if err == nil && w.hashed < w.size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// onlyReader hides everything else, so that io.CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }

// Abort throws everything away.
func (w *writer) Abort() error {
	if w.err == nil {
		w.err = errEnded
	}
	err := w.release()
	if w.name != "" && w.kept {
		err = errors.Join(err, w.disk.unstage(w.name, false))
		w.name = ""
	}
	return err
}

// errEnded is what a writer answers after Commit or Abort.
var errEnded = fmt.Errorf("blob: the writer has ended: %w", fs.ErrClosed)

// release gives back memory, and removes the staged file unless it is kept. Again
// it does nothing.
func (w *writer) release() error {
	w.disk.recycle(w.mem)
	w.mem = nil
	var err error
	if w.file != nil {
		err = w.file.Close()
		w.file = nil
	}
	if w.name != "" && !w.kept {
		err = errors.Join(err, w.disk.unstage(w.name, true))
		w.name = ""
	}
	return err
}
