package watchtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/afero"

	"slipway/watch"
)

// Version is bytes that were put at a path: each such is an upload.
type Version struct {
	Path  string
	Entry int64
	Sum   [32]byte
	Text  string // the bytes, if they are no more than 64
}

// Tree is a virtual filesystem in memory, as a folder sees that of the gateway: files
// are staged, Move and Admit are there, and the same bytes put at a path again are no
// new version. It is a watch.Outcomes too, of entries below Into. It is safe for
// concurrent use.
type Tree struct {
	afero.Fs // nil: what is not here is not used

	Into string
	Cut  *Cut // nil: none
	// Refuse returns why a file may not be at a path; nil: all may be everywhere.
	Refuse func(name string, size int64) error
	// Key returns what paths have in common that are one, as vfs.Key does; nil: each is
	// one by itself.
	Key func(name string) string
	// Slow is called before a commit or a removal; nil: nothing is.
	Slow func()

	mu       sync.Mutex
	entries  map[string]*entry
	last     int64
	versions []Version
	removed  []string
	moves    [][2]string
	outcomes map[int64]watch.Outcome
	changed  func([]int64)
}

type entry struct {
	id       int64
	dir      bool
	sum      [32]byte
	size     int64
	modified time.Time
}

// NewTree returns a tree with one directory, into.
func NewTree(into string) *Tree {
	t := &Tree{Into: into, entries: map[string]*entry{"/": {dir: true}}, outcomes: make(map[int64]watch.Outcome)}
	t.mkdirAll(into)
	return t
}

// Versions returns all that was put, in order.
func (t *Tree) Versions() []Version {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.versions)
}

// Moves returns each move of an entry.
func (t *Tree) Moves() [][2]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.moves)
}

// Removed returns the paths that were removed, views included.
func (t *Tree) Removed() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.removed)
}

// Files returns the sum of each file by its path.
func (t *Tree) Files() map[string][32]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	files := make(map[string][32]byte)
	for p, e := range t.entries {
		if !e.dir {
			files[p] = e.sum
		}
	}
	return files
}

// Entry returns the id of the entry at a path, 0: there is none.
func (t *Tree) Entry(name string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.entries[name]; e != nil {
		return e.id
	}
	return 0
}

func (t *Tree) mkdirAll(name string) {
	for ; name != "/"; name = path.Dir(name) {
		if t.entries[name] == nil {
			t.last++
			t.entries[name] = &entry{id: t.last, dir: true}
		}
	}
}

func (t *Tree) key(name string) string {
	if t.Key == nil {
		return name
	}
	return t.Key(name)
}

// MkdirAll makes directories.
func (t *Tree) MkdirAll(name string, _ os.FileMode) error {
	if err := t.Cut.pass(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mkdirAll(name)
	return nil
}

// Admit is as vfs.FS's.
func (t *Tree) Admit(name string, size int64) error {
	if t.Refuse == nil {
		return nil
	}
	return t.Refuse(name, size)
}

// Create opens a staged file.
func (t *Tree) Create(name string) (afero.File, error) {
	if err := t.Cut.pass(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[path.Dir(name)] == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &staged{t: t, name: t.key(name)}, nil
}

// Stat describes what is at a path.
func (t *Tree) Stat(name string) (os.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[t.key(name)]
	if e == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return info{path.Base(name), *e}, nil
}

// Remove removes a file, or acknowledges the removal of a view.
func (t *Tree) Remove(name string) error {
	if err := t.Cut.pass(); err != nil {
		return err
	}
	name = t.key(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[name] == nil && !strings.HasSuffix(name, ".error.txt") {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(t.entries, name)
	t.removed = append(t.removed, name)
	return nil
}

// errChanged is as vfs.ErrChanged.
type errChanged struct{ error }

func (errChanged) Changed() bool { return true }

// RemoveIf removes a file if it is the entry, with those bytes.
func (t *Tree) RemoveIf(name string, entry int64, sum [32]byte) error {
	if t.Slow != nil {
		t.Slow()
	}
	t.mu.Lock()
	e := t.entries[t.key(name)]
	t.mu.Unlock()
	if e != nil && (e.id != entry || e.sum != sum) {
		return errChanged{errors.New("it was changed")}
	}
	return t.Remove(name)
}

// Move gives what is at from, with all below it, another path.
func (t *Tree) Move(from, to string, overwrite bool) (bool, error) {
	if err := t.Cut.pass(); err != nil {
		return false, err
	}
	from, to = t.key(from), t.key(to)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, replaced := t.entries[to]
	replaced = replaced && from != to
	switch {
	case t.entries[from] == nil:
		return false, &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	case replaced && !overwrite:
		return false, &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	case t.entries[path.Dir(to)] == nil:
		return false, &fs.PathError{Op: "rename", Path: to, Err: fs.ErrNotExist}
	}
	moved := make(map[string]*entry)
	for p, e := range t.entries {
		if within(p, from) {
			moved[to+strings.TrimPrefix(p, from)] = e
			delete(t.entries, p)
		}
	}
	for p, e := range moved {
		t.entries[p] = e
	}
	t.moves = append(t.moves, [2]string{from, to})
	return replaced, nil
}

// info describes an entry.
type info struct {
	name string
	e    entry
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.e.size }
func (i info) Mode() os.FileMode  { return 0o644 }
func (i info) ModTime() time.Time { return i.e.modified }
func (i info) IsDir() bool        { return i.e.dir }
func (i info) Sys() any           { return nil }

// ID is as vfs.Info's.
func (i info) ID() int64 { return i.e.id }

// Checksums is as vfs.Info's.
func (i info) Checksums() []string { return []string{"SHA256:" + hex.EncodeToString(i.e.sum[:])} }

// staged is a file on its way.
type staged struct {
	afero.File
	t        *Tree
	name     string
	head     bytes.Buffer
	size     int64
	sum      [32]byte
	hash     interface{ Write([]byte) (int, error) }
	modified time.Time
	err      error
	stored   int64
}

func (s *staged) Write(p []byte) (int, error) {
	if s.hash == nil {
		s.hash = sha256.New()
	}
	if s.head.Len() <= 64 {
		s.head.Write(p[:min(len(p), 65)])
	}
	s.size += int64(len(p))
	return s.hash.Write(p)
}

func (s *staged) SetModTime(t time.Time)  { s.modified = t }
func (s *staged) TransferError(err error) { s.err = errors.Join(errors.New("aborted"), err) }

func (s *staged) Stored() (int64, string) {
	if s.stored == 0 {
		return 0, ""
	}
	return s.stored, path.Base(s.name)
}

func (s *staged) Close() error {
	if s.err != nil {
		return s.err
	}
	if s.t.Slow != nil {
		s.t.Slow()
	}
	if s.t.Refuse != nil {
		if err := s.t.Refuse(s.name, s.size); err != nil {
			return err
		}
	}
	if err := s.t.Cut.pass(); err != nil {
		return err
	}
	if h, ok := s.hash.(interface{ Sum([]byte) []byte }); ok {
		copy(s.sum[:], h.Sum(nil))
	}
	s.stored = s.t.put(s)
	return nil
}

func (t *Tree) put(s *staged) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[s.name]
	if e == nil {
		t.last++
		e = &entry{id: t.last}
		t.entries[s.name] = e
	}
	if e.sum == s.sum {
		return e.id
	}
	e.sum, e.size, e.modified = s.sum, s.size, s.modified
	v := Version{Path: s.name, Entry: e.id, Sum: s.sum}
	if s.size <= 64 {
		v.Text = s.head.String()
	}
	t.versions = append(t.versions, v)
	return e.id
}

// Set says how the bytes of an entry stand; its path and sum are known.
func (t *Tree) Set(id int64, o watch.Outcome) {
	t.mu.Lock()
	t.outcomes[id] = o
	changed := t.changed
	t.mu.Unlock()
	if changed != nil {
		changed([]int64{id})
	}
}

// Outcomes is watch.Outcomes'.
func (t *Tree) Outcomes(_ context.Context, ids []int64) (map[int64]watch.Outcome, error) {
	if err := t.Cut.pass(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[int64]watch.Outcome)
	for p, e := range t.entries {
		if e.dir || !slices.Contains(ids, e.id) {
			continue
		}
		o := t.outcomes[e.id]
		o.Sum = e.sum
		if within(p, t.Into) {
			o.Path = strings.TrimPrefix(strings.TrimPrefix(p, t.Into), "/")
		}
		out[e.id] = o
	}
	return out, nil
}

// Changes is watch.Outcomes'.
func (t *Tree) Changes(ctx context.Context, changed func([]int64)) error {
	t.mu.Lock()
	t.changed = changed
	t.mu.Unlock()
	changed(nil)
	<-ctx.Done()
	return ctx.Err()
}

var _ watch.Outcomes = (*Tree)(nil)
