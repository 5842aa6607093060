package vfs

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/spf13/afero"
)

// DropSession remembers what one client that may only drop files has put: the
// path that it chose, and the path that the file got. It is safe for concurrent
// use.
type DropSession struct {
	id     string // unique
	mu     sync.Mutex
	real   map[string]dropped // by Key of the path that the client chose
	chosen map[ID]string      // the other way
}

// dropped is what the session put or made: where, and as which entry. What stands
// there later under another id is somebody else's.
type dropped struct {
	path string
	id   ID
}

// NewDropSession returns a session that has put nothing.
func NewDropSession() *DropSession {
	return &DropSession{id: rand.Text(), real: make(map[string]dropped), chosen: make(map[ID]string)}
}

// Root returns a place outside the tree, which no other session shares: DropFS.Root.
func (s *DropSession) Root() string { return ":drop/" + s.id }

// Chosen returns the path, in the form of Key, that the client chose for what it
// put or made as the entry with an id.
func (s *DropSession) Chosen(id ID) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := s.chosen[id]
	return name, ok
}

// Entries returns the paths that the client chose for what it put and made, in the
// form of Key, by entry.
func (s *DropSession) Entries() map[ID]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.chosen)
}

// Path returns where in the view what the client calls name was put, which is where
// it said unless a file got a number.
func (s *DropSession) Path(name string) string {
	if what, ok := s.get(name); ok {
		return what.path
	}
	return name
}

func (s *DropSession) get(name string) (dropped, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.real[Key(name)]
	return p, ok
}

func (s *DropSession) set(name string, what dropped) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(Key(name), what)
}

// put and take change both maps; mu is held.
func (s *DropSession) put(name string, what dropped) {
	s.take(name)
	s.real[name], s.chosen[what.id] = what, name
}

func (s *DropSession) take(name string) (what dropped, ok bool) {
	if what, ok = s.real[name]; ok {
		delete(s.real, name)
		if s.chosen[what.id] == name {
			delete(s.chosen, what.id)
		}
	}
	return what, ok
}

func (s *DropSession) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(Key(name))
}

// move follows a rename of what is at and below from.
func (s *DropSession) move(from, to, real string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to = Key(from), Key(to)
	was, _ := s.take(from)
	var below []string
	for name := range s.real {
		if strings.HasPrefix(name, from) && strings.HasPrefix(name[len(from):], "/") {
			below = append(below, name)
		}
	}
	for _, name := range below {
		d, _ := s.take(name)
		s.put(to+strings.TrimPrefix(name, from), dropped{path.Join(real, strings.TrimPrefix(d.path, was.path+"/")), d.id})
	}
	s.put(to, dropped{real, was.id})
}

// DropFS is the view of a user who may put files and see nothing else: it shows
// directories, and of the files those that its session put. On these a client may
// do what it does after an upload (look, list, set the time, rename, remove, put
// again), but not read them back. Another's file is invisible; a new file of its
// name gets the next free number.
type DropFS struct {
	fs *FS
	s  *DropSession
}

var _ afero.Fs = (*DropFS)(nil)

// Drop returns f as a user sees it who may only drop files.
func (f *FS) Drop(s *DropSession) *DropFS { return &DropFS{fs: f, s: s} }

// WithContext returns the same view for the time of ctx.
func (d *DropFS) WithContext(ctx context.Context) afero.Fs {
	return &DropFS{fs: d.fs.WithContext(ctx).(*FS), s: d.s}
}

// Name returns "slipway".
func (d *DropFS) Name() string { return d.fs.Name() }

// Root returns a place that no other view shares and that is in no tree, because
// doors keep locks by it: what is locked here is not to be seen elsewhere, nor the
// other way. That others do not change what this client has locked, nor this client
// what others have, is for View.Locked and for whoever forwards files.
func (d *DropFS) Root() string { return d.s.Root() }

// Usage returns how many bytes this user may still put, -1 if that is not known,
// and -1 for those that the files have: what others put is not to be known.
func (d *DropFS) Usage() (used, left int64, err error) {
	used, limit, err := d.fs.Usage()
	if err != nil || limit < 0 {
		return -1, -1, err
	}
	return -1, max(0, limit-used), nil
}

// Admit reports why a file would be refused; see FS.Admit.
func (d *DropFS) Admit(name string, size int64) error {
	if err := d.mayPut("open", name); err != nil {
		return err
	}
	p, err := Clean(name)
	if err != nil {
		return failed("open", name, err)
	}
	return failed("open", name, d.fs.Admit(d.where(p), size))
}

// mayPut fails for the names that steer uploads.
func (d *DropFS) mayPut(op, name string) error {
	if strings.EqualFold(path.Base(name), ".album.toml") {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrPermission}
	}
	return nil
}

// own returns where the client's own file or directory is, or fs.ErrNotExist.
func (d *DropFS) own(op, name string) (string, error) {
	p, err := Clean(name)
	if err != nil {
		return "", failed(op, name, err)
	}
	if what, ok := d.s.get(p); ok {
		info, err := d.fs.Stat(what.path)
		if err == nil && info.Sys().(Entry).ID == what.id {
			return what.path, nil
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			d.s.forget(p) // somebody took it away
		}
	}
	return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Stat describes a directory, or a file of this session under the name that the
// client chose.
func (d *DropFS) Stat(name string) (os.FileInfo, error) {
	if real, err := d.own("stat", name); err == nil {
		info, err := d.fs.Stat(real)
		if err != nil {
			return nil, failed("stat", name, err)
		}
		return renamed(info, name), nil
	}
	p, err := Clean(name)
	if err != nil {
		return nil, failed("stat", name, err)
	}
	info, err := d.fs.Stat(d.where(p))
	if err != nil {
		return nil, unseen("stat", name, err)
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return info, nil
}

// renamed returns info with the last element of name.
func renamed(info os.FileInfo, name string) os.FileInfo {
	if i, ok := info.(Info); ok {
		i.Entry.Name = path.Base(name)
		return i
	}
	return info
}

// Create opens a staged file.
func (d *DropFS) Create(name string) (afero.File, error) {
	return d.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Open opens a directory for listing; files are not read back.
func (d *DropFS) Open(name string) (afero.File, error) { return d.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile opens a directory for listing or a file for writing.
func (d *DropFS) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) == 0 {
		return d.openDir(name)
	}
	if err := d.mayPut("open", name); err != nil {
		return nil, err
	}
	p, err := Clean(name)
	if err != nil {
		return nil, failed("open", name, err)
	}
	real, err := d.own("open", name)
	mine, tree := err == nil, d.fs
	if !mine {
		// What stands there is not to be seen, nor a lock on it: this is a new file.
		real, flag, tree = d.where(p), flag|os.O_CREATE|os.O_TRUNC, d.fs.unheeding()
	}
	f, err := tree.OpenFile(real, flag&^os.O_EXCL, perm)
	if err != nil {
		return nil, unseen("open", name, err)
	}
	return d.drop(f.(*File), p, mine), nil
}

// drop returns a staged file as one that the client calls chosen: mine is whether
// what stands there is the session's own.
func (d *DropFS) drop(staged *File, chosen string, mine bool) *dropFile {
	staged.sameName, staged.partial = NextFree, d.fs.partialKey(path.Join(d.fs.view.Root, chosen))
	if mine {
		// Cameras of one account may share an address, and each counts from 1.
		began := staged.onto == 0 || staged.onto != staged.base.ID // not on a copy of it
		staged.sameName, staged.otherwise = Replace, NextFree
		if anew := began && d.fs.view.SameName == Version; anew {
			staged.sameName, staged.ifBase = Version, staged.base.ID != 0
		} else {
			staged.inPlace = staged.base.ID != 0
		}
	}
	return &dropFile{File: staged, s: d.s, chosen: chosen}
}

func (d *DropFS) openDir(name string) (afero.File, error) {
	info, err := d.Stat(name)
	if err != nil {
		return nil, failed("open", name, err)
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	p, _ := Clean(name)
	real := d.where(p)
	f, err := d.fs.Open(real)
	if err != nil {
		return nil, failed("open", name, err)
	}
	return &dropDir{File: f, d: d, path: real}, nil
}

// dropFile is a staged file that is remembered once it is committed.
type dropFile struct {
	*File
	s      *DropSession
	chosen string
}

// Name returns the path that the client chose.
func (f *dropFile) Name() string { return f.chosen }

// Close commits or aborts; see File.
func (f *dropFile) Close() error {
	if err := f.File.Close(); err != nil {
		return err
	}
	f.s.set(f.chosen, dropped{path.Join(path.Dir(f.File.name), f.Result().Name), f.Result().ID})
	return nil
}

// dropDir lists directories, and the session's own files.
type dropDir struct {
	afero.File
	d    *DropFS
	path string // in the tree
	all  []os.FileInfo
	read bool
}

// Readdir returns the next n entries that the user may see.
func (l *dropDir) Readdir(n int) ([]os.FileInfo, error) {
	if !l.read {
		all, err := l.visible()
		if err != nil {
			return nil, err
		}
		l.all, l.read = all, true
	}
	return page(&l.all, n)
}

// visible returns all of the directory that the user may see.
func (l *dropDir) visible() ([]os.FileInfo, error) {
	infos, err := l.File.Readdir(-1)
	if err != nil {
		return nil, err
	}
	chosen := l.d.s.in(l.path)
	var list []os.FileInfo
	for _, info := range infos {
		name, own := chosen[info.Sys().(Entry).ID]
		switch {
		case own && path.Base(name) != Key(info.Name()):
			list = append(list, renamed(info, name))
		case own || info.IsDir():
			list = append(list, info)
		}
	}
	return list, nil
}

// in returns the session's files and directories in a directory: the name that the client chose
// by the entry.
func (s *DropSession) in(dir string) map[ID]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make(map[ID]string)
	for chosen, d := range s.real {
		if path.Dir(d.path) == dir {
			names[d.id] = chosen
		}
	}
	return names
}

// Readdirnames is Readdir with names alone.
func (l *dropDir) Readdirnames(n int) ([]string, error) {
	infos, err := l.Readdir(n)
	return namesOf(infos), err
}

// Remove removes a file, or an empty directory, of this session.
func (d *DropFS) Remove(name string) error {
	real, err := d.own("remove", name)
	if err != nil {
		if info, statErr := d.Stat(name); statErr == nil && info.IsDir() {
			return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrPermission}
		}
		return err
	}
	if err := d.fs.Remove(real); err != nil {
		return failed("remove", name, err)
	}
	p, _ := Clean(name)
	d.s.forget(p)
	if err := d.DropPartial(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// RemoveAll removes what Remove does: a directory with something in it may hold
// the files of others.
func (d *DropFS) RemoveAll(name string) error {
	err := d.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Rename gives a file or directory of this session another path.
func (d *DropFS) Rename(from, to string) error {
	_, err := d.Move(from, to, true)
	return err
}

// Move gives a file or directory of this session another path. A file of another
// that stands there stays, and this one gets the next free number.
func (d *DropFS) Move(from, to string, overwrite bool) (replaced bool, err error) {
	real, err := d.own("rename", from)
	if err != nil {
		return false, err
	}
	if err := d.mayPut("rename", to); err != nil {
		return false, err
	}
	chosen, err := Clean(to)
	if err != nil {
		return false, failed("rename", to, err)
	}
	target := d.where(chosen)
	m := Move{Overwrite: true, FilesOnly: true, SameName: NextFree}
	if p, err := d.own("rename", to); err == nil {
		if !overwrite {
			return false, &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
		}
		target, m.SameName = p, Replace
	}
	if m.From, m.To, err = d.fs.pair("rename", real, target, true); err != nil {
		return false, unseen("rename", from, err)
	}
	m.LetGo = d.fs.partialKey(path.Join(d.fs.view.Root, chosen))
	e, replaced, err := d.fs.apply("rename", from, m)
	if err != nil {
		return false, unseen("rename", from, err)
	}
	old, _ := Clean(from)
	d.s.move(old, chosen, path.Join(path.Dir(target), e.Name))
	return replaced && m.SameName == Replace, nil
}

// Copy is refused: it would read.
func (d *DropFS) Copy(from, _ string, _, _ bool) (bool, error) {
	return false, &fs.PathError{Op: "copy", Path: from, Err: fs.ErrPermission}
}

// Chtimes sets the time of a file of this session.
func (d *DropFS) Chtimes(name string, atime, mtime time.Time) error {
	real, err := d.own("chtimes", name)
	if err != nil {
		return err
	}
	return failed("chtimes", name, d.fs.Chtimes(real, atime, mtime))
}

// Chmod accepts every mode of what the user sees and keeps none.
func (d *DropFS) Chmod(name string, _ os.FileMode) error {
	_, err := d.Stat(name)
	return err
}

// Chown accepts every owner of what the user sees and keeps none.
func (d *DropFS) Chown(name string, _, _ int) error {
	_, err := d.Stat(name)
	return err
}
