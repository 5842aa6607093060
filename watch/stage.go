package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

// What the virtual filesystem can do beside afero's; see Options.Tree.
type (
	staged interface {
		afero.File
		SetModTime(t time.Time)
		TransferError(err error)
	}
	storer interface {
		Stored() (entry int64, name string)
	}
	mover interface {
		Move(from, to string, overwrite bool) (replaced bool, err error)
	}
	admitter interface {
		Admit(name string, size int64) error
	}
	remover interface {
		RemoveIf(name string, entry int64, sum [32]byte) error
	}
	summed     interface{ Checksums() []string }
	identified interface{ ID() int64 }
	binder     interface {
		WithContext(ctx context.Context) afero.Fs
	}
)

// tree returns the virtual filesystem for the time of ctx.
func (f *Folder) tree(ctx context.Context) afero.Fs {
	if b, ok := f.o.Tree.(binder); ok {
		return b.WithContext(ctx)
	}
	return f.o.Tree
}

// admit asks whether a file may be at rel before it is read.
func (f *Folder) admit(ctx context.Context, rel string, size int64) error {
	if err := f.vacant(ctx, rel); err != nil {
		return err
	}
	if a, ok := f.tree(ctx).(admitter); ok {
		return a.Admit(f.virtual(rel), size)
	}
	return nil
}

// create opens a staged file for rel, in directories that are made for it.
func (f *Folder) create(ctx context.Context, rel string) (staged, error) {
	tree, name := f.tree(ctx), f.virtual(rel)
	h, err := tree.Create(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := tree.MkdirAll(path.Dir(name), 0o755); err != nil {
			return nil, err
		}
		h, err = tree.Create(name)
	}
	if err != nil {
		return nil, err
	}
	s, ok := h.(staged)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T is no staged file", h), h.Close())
	}
	return s, nil
}

// abort ends a staged file so that it changes nothing.
func abort(s staged, why error) {
	s.TransferError(why)
	s.Close() //nolint:errcheck // It says that it was aborted.
}

// move gives what is at one path of the virtual filesystem another, where nothing is.
func (f *Folder) move(ctx context.Context, from, to string) error {
	tree := f.tree(ctx)
	if err := tree.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	if m, ok := tree.(mover); ok {
		_, err := m.Move(from, to, false)
		return err
	}
	if _, err := tree.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(&fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}, err)
	}
	return tree.Rename(from, to)
}

// holds returns the entry of the virtual filesystem's file at name, 0 if it has not
// those bytes.
func (f *Folder) holds(ctx context.Context, name string, sum [32]byte) int64 {
	info, err := f.tree(ctx).Stat(name)
	if err != nil || info.IsDir() {
		return 0
	}
	s, ok := info.(interface {
		summed
		identified
	})
	if !ok {
		return 0
	}
	for _, c := range s.Checksums() {
		algorithm, value, _ := strings.Cut(c, ":")
		if strings.EqualFold(algorithm, "SHA256") && strings.EqualFold(value, hex.EncodeToString(sum[:])) {
			return s.ID()
		}
	}
	return 0
}

// removeIf removes an entry if it is still at name, with those bytes.
func (f *Folder) removeIf(ctx context.Context, name string, entry int64, sum [32]byte) error {
	tree := f.tree(ctx)
	if r, ok := tree.(remover); ok {
		return r.RemoveIf(name, entry, sum)
	}
	if f.holds(ctx, name, sum) != entry {
		return nil
	}
	return tree.Remove(name)
}

// readFlags open a file for reading; a pipe that took its name keeps nobody waiting.
const readFlags = os.O_RDONLY | syscall.O_NONBLOCK

// source is a file of the folder that is being read.
type source struct {
	*os.File
	f    *Folder
	root *os.Root
	path string
	stat Stat
}

// read opens the file at rel, which must be s: not another that took its name, nor
// what a link leads to.
func (f *Folder) read(rel string, s Stat) (*source, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	h, err := root.OpenFile(onDisk(rel), readFlags, 0)
	if err != nil {
		root.Close()
		if absent(err) {
			return nil, errSurprise
		}
		return nil, readError(err)
	}
	src := &source{h, f, root, rel, s}
	err = src.unwritten()
	if err == nil {
		err = src.still()
	}
	if err != nil {
		src.Close()
		return nil, err
	}
	return src, nil
}

// unwritten fails where another program has the file open for writing, as far as that
// can be known: however long it rests, more of it may come.
func (s *source) unwritten() error {
	if w, ok := s.f.o.Place.(interface{ Writing(file *os.File) bool }); ok && w.Writing(s.File) {
		return errOpen
	}
	return nil
}

// still fails unless the open file is what it was, and stands at its path.
func (s *source) still() error {
	info, err := s.File.Stat()
	if err != nil {
		return readError(err)
	}
	if s.f.o.Place.Stat(info) != s.stat {
		return errSurprise
	}
	if now, err := s.f.stat(s.root, s.path); err != nil || now != s.stat {
		return errSurprise
	}
	return nil
}

// Close ends the reading.
func (s *source) Close() error { return errors.Join(s.File.Close(), s.root.Close()) }

// sum reads all of the file into w, and returns the sum of what it was from its
// beginning to its end.
func (s *source) sum(ctx context.Context, w io.Writer) (sum [32]byte, err error) {
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return sum, readError(err)
	}
	h := sha256.New()
	in := &reader{ctx: ctx, r: s.File}
	n, err := s.clone(ctx, w, h)
	if err == nil {
		var rest int64
		rest, err = io.Copy(io.MultiWriter(w, h), in)
		n += rest
	}
	switch {
	case in.err != nil:
		return sum, in.err
	case err != nil:
		return sum, err
	case n != s.stat.Size:
		return sum, errSurprise
	}
	h.Sum(sum[:0])
	if err := s.unwritten(); err != nil {
		return sum, err
	}
	return sum, s.still() // after unwritten: who has closed it has written before
}

// clone has w share the file's bytes, where it can do that, and reads what it has then
// into h. 0: they are to be copied.
func (s *source) clone(ctx context.Context, w, h io.Writer) (n int64, err error) {
	to, ok := w.(interface {
		io.ReaderAt
		CloneFrom(src *os.File) (int64, error)
	})
	if !ok {
		return 0, nil
	}
	if n, err = to.CloneFrom(s.File); err == nil && n > 0 {
		_, err = io.Copy(h, &reader{ctx: ctx, r: io.NewSectionReader(to, 0, n)})
	}
	return n, err
}

// reader reads until ctx ends, and tells its own errors from those of who is written
// to.
type reader struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err = r.ctx.Err(); r.err != nil {
		return 0, r.err
	}
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = readError(err)
	}
	return n, err
}
