package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Source is an open file of the operating system, such as an *os.File.
type Source interface {
	io.ReadSeeker
	Stat() (fs.FileInfo, error)
	SyscallConn() (syscall.RawConn, error)
}

// Cloner is what a [Writer] may be too: it can take a file's bytes without copying
// them.
type Cloner interface {
	// CloneFrom stages all bytes of src, a file of more than InlineMax bytes, in a
	// writer that has none: they are src's at one moment, whatever is written to it
	// then, and lie on the disk once for both until one of the two changes. It leaves
	// src's offset behind them. The error is errors.ErrUnsupported where that cannot
	// be, as on most file systems and between two of them; then nothing was staged,
	// src's offset stays, and copying is the way.
	CloneFrom(src Source) (n int64, err error)
}

// FileCloner is what a [FileSystem] may be too.
type FileCloner interface {
	// Clone gives dst, an empty file that it opened, the bytes of src by sharing
	// them, in one step. After an error dst may have some of them.
	Clone(dst File, src Source) error
}

var (
	_ Cloner     = (*writer)(nil)
	_ FileCloner = OS{}
)

// errNoClone is what CloneFrom answers where copying is the way.
var errNoClone = fmt.Errorf("blob: not to be cloned: %w", errors.ErrUnsupported)

// CloneFrom stages the bytes of src by sharing them; see Cloner. What is hashed
// later are the bytes of the clone.
func (w *writer) CloneFrom(src Source) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	if !w.clonable(src) {
		return 0, errNoClone
	}
	if err := w.spill(); err != nil {
		return 0, err
	}
	if w.disk.fs.(FileCloner).Clone(w.file, src) != nil {
		if err := w.file.Truncate(0); err != nil {
			return 0, w.fail(err)
		}
		return 0, errNoClone
	}
	size, err := w.file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = src.Seek(size, io.SeekStart)
	}
	if err != nil {
		return 0, w.fail(err)
	}
	w.size, w.flushed = size, size
	return size, nil
}

// clonable reports whether it is worth trying.
func (w *writer) clonable(src Source) bool {
	if _, ok := w.disk.fs.(FileCloner); !ok || w.size > 0 || w.kept {
		return false
	}
	info, err := src.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() <= InlineMax {
		return false
	}
	at, err := src.Seek(0, io.SeekCurrent)
	return err == nil && at == 0
}

// Clone shares the bytes of src where the file system can; see FileCloner.
func (OS) Clone(dst File, src Source) error {
	into, ok := dst.(*os.File)
	if !ok {
		return errors.ErrUnsupported
	}
	a, err := into.SyscallConn()
	if err != nil {
		return err
	}
	b, err := src.SyscallConn()
	if err != nil {
		return err
	}
	// The inner error is set only where both calls of Control succeed.
	var cloned error
	outer := a.Control(func(dst uintptr) {
		if err := b.Control(func(src uintptr) { cloned = clone(dst, src) }); err != nil {
			cloned = err
		}
	})
	return errors.Join(outer, cloned)
}
