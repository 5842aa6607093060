package vfs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs/blob"
)

// Options of New.
type Options struct {
	// Uploads that were cut can be continued where Index is a Partials too, and
	// Blobs a blob.Keeper.
	Index Index
	Blobs blob.Store
	// Policy decides which names may appear; nil admits every name.
	Policy Policy
	Clock  func() time.Time
	// Arrived, if not nil, hears of each transfer that has ended. It is called before
	// the door answers, and has to be quick.
	Arrived func(Arrival)
}

// core is what all views of one filesystem share.
type core struct {
	index Index
	blobs blob.Store
	// nil: nothing is kept of uploads that were cut
	partials Partials
	keeper   blob.Keeper

	policy  atomic.Pointer[Policy]
	clock   func() time.Time
	arrived func(Arrival) // nil: nobody hears

	transfers transfers
}

// FS is a view of the virtual filesystem: a root within it, the rules of the door
// it is handed to, and a context. It is an afero.Fs, safe for concurrent use.
//
// Files opened for writing are staged: nothing is seen of them before Close, which
// commits, and TransferError before Close aborts. An open for writing that is
// never closed changes nothing.
type FS struct {
	*core
	ctx  context.Context
	view View
}

var _ afero.Fs = (*FS)(nil)

// Rights are what a user may do.
type Rights int

const (
	// Full: everything.
	Full Rights = iota
	// Read: no change of anything.
	Read
)

// View is what a door sees of the filesystem.
type View struct {
	Root     string   // an absolute, clean path; "" is "/"
	Rights   Rights   // of the user
	SameName SameName // the door's rule, where the route has none
	Quota    int64    // bytes at and below Root; 0: no limit
	Settled  bool     // what is put has been left alone for long enough, and waits no more
	Door     string   // the way in that it is handed to: "webdav", "ftp", …
	Owner    string   // the user's name: of whom partial uploads are kept; "": nothing is
	// Client is who of several that share an account this is, if each has partial
	// uploads of his own; "": they are the account's.
	Client string
	// Locked reports whether somebody has locked path, of the whole tree, or with
	// tree anything below it. It is asked before what stands there is changed, and
	// again right before a staged file is committed; see ErrLocked. nil: the door
	// heeds locks itself.
	Locked func(path string, tree bool) bool
}

// New returns the view of everything.
func New(o Options) *FS {
	c := &core{index: o.Index, blobs: o.Blobs, clock: o.Clock, arrived: o.Arrived}
	if c.clock == nil {
		c.clock = time.Now
	}
	partials, ok := o.Index.(Partials)
	if keeper, keeps := o.Blobs.(blob.Keeper); ok && keeps {
		c.partials, c.keeper = partials, keeper
	}
	f := &FS{core: c, ctx: context.Background(), view: View{Root: "/"}}
	f.SetPolicy(o.Policy)
	return f
}

// SetPolicy changes the policy of every view of this filesystem.
func (f *FS) SetPolicy(p Policy) {
	if p == nil {
		p = admitAll{}
	}
	f.policy.Store(&p)
}

type admitAll struct{}

func (admitAll) Admit(string, int64) error        { return nil }
func (admitAll) SameName(string) (SameName, bool) { return Replace, false }

// Sub returns the view v, whose root is below f's.
func (f *FS) Sub(v View) *FS {
	v.Root = path.Join(f.view.Root, path.Clean("/"+v.Root))
	return &FS{core: f.core, ctx: f.ctx, view: v}
}

// WithContext returns the same view for the time of ctx: what waits, waits no
// longer than that. A commit that has begun is not undone by it.
func (f *FS) WithContext(ctx context.Context) afero.Fs {
	return &FS{core: f.core, ctx: ctx, view: f.view}
}

// Name returns "slipway".
func (f *FS) Name() string { return "slipway" }

// Root returns where this view's "/" lies in the whole tree.
func (f *FS) Root() string { return f.view.Root }

// real returns the path within the whole tree of a view's path.
func (f *FS) real(op, name string) (string, error) {
	p, err := Clean(name)
	if err != nil {
		return "", failed(op, name, err)
	}
	return path.Join(f.view.Root, p), nil
}

// failed returns err about name, a path of this view, hiding the root above it.
func failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = errors.Join(ErrNoSpace, err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// writable fails for users who may not change anything.
func (f *FS) writable(op, name string) error {
	if f.view.Rights == Read {
		return &fs.PathError{Op: op, Path: name, Err: ErrReadOnly}
	}
	return nil
}

// apply makes one change for a user who may.
func (f *FS) apply(op, name string, change Op) (Entry, bool, error) {
	if err := f.writable(op, name); err != nil {
		return Entry{}, false, err
	}
	change, err := f.heed(change)
	if err != nil {
		return Entry{}, false, failed(op, name, err)
	}
	e, replaced, err := f.index.Apply(f.ctx, change)
	return e, replaced, failed(op, name, err)
}

// Create opens a staged file that replaces what stands at name when it is closed.
func (f *FS) Create(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Mkdir makes a directory.
func (f *FS) Mkdir(name string, _ os.FileMode) error {
	p, err := f.real("mkdir", name)
	if err == nil {
		_, _, err = f.apply("mkdir", name, Mkdir{Path: p, LetGo: f.partialKey(p)})
	}
	return err
}

// MkdirAll makes a directory and those above it that are missing.
func (f *FS) MkdirAll(name string, _ os.FileMode) error {
	p, err := f.real("mkdir", name)
	if err == nil {
		_, _, err = f.apply("mkdir", name, Mkdir{Path: p, Parents: true, LetGo: f.partialKey(p)})
	}
	return err
}

// Open opens a file or directory for reading.
func (f *FS) Open(name string) (afero.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile opens a file. With os.O_WRONLY or os.O_RDWR it is staged: a new file
// or os.O_TRUNC begins empty, else with a copy of the present bytes, and a handle
// through which nothing was written changes nothing.
func (f *FS) OpenFile(name string, flag int, _ os.FileMode) (afero.File, error) {
	p, err := f.real("open", name)
	if err != nil {
		return nil, err
	}
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return f.stage(name, p, flag)
	}
	e, err := f.index.Lookup(f.ctx, p)
	if err != nil {
		return nil, failed("open", name, err)
	}
	if e.Dir {
		return &dirFile{fs: f, name: name, entry: e}, nil
	}
	r, err := f.OpenEntry(f.ctx, e)
	if err != nil {
		return nil, failed("open", name, err)
	}
	return &readFile{Reader: r, name: name, entry: e}, nil
}

// OpenEntry opens the bytes of a file by its entry, however it was named since.
func (f *FS) OpenEntry(ctx context.Context, e Entry) (blob.Reader, error) {
	return OpenBlob(ctx, f.index, f.blobs, e.Blob, e.Inline)
}

// OpenBlob opens bytes that are in the index (inline) or in the blob store.
func OpenBlob(ctx context.Context, index Index, blobs blob.Store, ref blob.Ref, inline bool) (blob.Reader, error) {
	if !inline {
		return blobs.Open(ctx, ref)
	}
	b, err := index.Bytes(ctx, ref)
	if err != nil {
		return nil, err
	}
	return newBytesReader(b), nil
}

// Remove removes a file or an empty directory.
func (f *FS) Remove(name string) error { return f.remove(name, Remove{}) }

// RemoveIf removes a file if it is the entry with id, with bytes of that SHA-256; else
// it fails with ErrChanged.
func (f *FS) RemoveIf(name string, id int64, sum [32]byte) error {
	return f.remove(name, Remove{IfEntry: ID(id), IfSum: sum})
}

// RemoveAll removes what is at name with everything below it; nothing there is
// no error.
func (f *FS) RemoveAll(name string) error {
	err := f.remove(name, Remove{Tree: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (f *FS) remove(name string, r Remove) error {
	p, err := f.real("remove", name)
	if err != nil {
		return err
	}
	if p == f.view.Root {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrPermission}
	}
	r.Path, r.LetGo = p, f.partialKey(p)
	_, _, err = f.apply("remove", name, r)
	return err
}

// Rename gives a file or directory another path. A file, or an empty directory,
// that stands there is replaced (RFC 959 RNTO, rename(2)).
func (f *FS) Rename(from, to string) error {
	_, err := f.move(from, to, Move{Overwrite: true, FilesOnly: true})
	return err
}

// Move gives a file or directory another path in one transaction. What stands at
// to is removed with it if overwrite is set, else that is fs.ErrExist. It reports
// whether something was replaced.
func (f *FS) Move(from, to string, overwrite bool) (replaced bool, err error) {
	return f.move(from, to, Move{Overwrite: overwrite})
}

func (f *FS) move(from, to string, m Move) (bool, error) {
	var err error
	if m.From, m.To, err = f.pair("rename", from, to, true); err != nil {
		return false, err
	}
	if rule, ok := (*f.policy.Load()).SameName(m.To); ok {
		m.SameName = rule
	}
	m.LetGo = f.partialKey(m.To)
	_, replaced, err := f.apply("rename", from, m)
	return replaced, err
}

// Copy makes another entry with the same bytes, or with deep a whole tree of
// them, in one transaction, under the rules of Move.
func (f *FS) Copy(from, to string, overwrite, deep bool) (replaced bool, err error) {
	c := Copy{Overwrite: overwrite, Shallow: !deep, Quota: f.view.Quota, QuotaRoot: f.view.Root}
	if c.From, c.To, err = f.pair("copy", from, to, deep); err != nil {
		return false, err
	}
	if rule, ok := (*f.policy.Load()).SameName(c.To); ok {
		c.SameName = rule
	}
	c.LetGo = f.partialKey(c.To)
	_, replaced, err = f.apply("copy", from, c)
	return replaced, err
}

// pair returns the real paths of a move or copy, if the policy admits the target.
func (f *FS) pair(op, from, to string, deep bool) (realFrom, realTo string, err error) {
	if realFrom, err = f.real(op, from); err != nil {
		return "", "", err
	}
	if realTo, err = f.real(op, to); err != nil {
		return "", "", err
	}
	if realFrom == f.view.Root || realTo == f.view.Root {
		return "", "", &fs.PathError{Op: op, Path: from, Err: fs.ErrPermission}
	}
	e, err := f.index.Lookup(f.ctx, realFrom)
	if err != nil {
		return "", "", failed(op, from, err)
	}
	switch {
	case e.Dir && deep && !f.admitsAll(realTo):
		err = f.admitTree(op, to, realTo, e.ID)
	case !e.Dir && e.Size > 0:
		err = f.admit(op, to, realTo, e.Size)
	}
	return realFrom, realTo, err
}

// admitsAll reports whether files are taken at every depth below dir, as far as a
// few examples tell. It spares a move of a large tree the look at each file.
func (f *FS) admitsAll(dir string) bool {
	policy := *f.policy.Load()
	for _, name := range []string{"a", "a/b", "a/b/c/d/e"} {
		if policy.Admit(path.Join(dir, name), -1) != nil {
			return false
		}
	}
	return true
}

// admitTree asks the policy about each file below the directory with an id, as if
// it stood at dir already.
func (f *FS) admitTree(op, to, dir string, id ID) error {
	after := ""
	for {
		children, err := f.index.List(f.ctx, id, after, dirPage)
		if err != nil {
			return failed(op, to, err)
		}
		for _, e := range children {
			after = e.Name
			p := path.Join(dir, e.Name)
			switch {
			case e.Dir:
				err = f.admitTree(op, to, p, e.ID)
			case e.Size > 0:
				err = f.admit(op, to, p, e.Size)
			}
			if err != nil {
				return err
			}
		}
		if len(children) < dirPage {
			return nil
		}
	}
}

// Admit reports why a file of size bytes (-1: not known) would be refused at
// name, before any of them is sent.
func (f *FS) Admit(name string, size int64) error {
	p, err := f.real("open", name)
	if err != nil {
		return err
	}
	if err := f.writable("open", name); err != nil {
		return err
	}
	if err := f.admit("open", name, p, size); err != nil {
		return err
	}
	if size <= 0 {
		return nil
	}
	if free, err := f.blobs.Free(f.ctx); err == nil && free >= 0 && size > free {
		return &fs.PathError{Op: "open", Path: name, Err: ErrNoSpace}
	}
	return f.admitQuota(name, p, size)
}

// admit asks the policy about the real path p.
func (f *FS) admit(op, name, p string, size int64) error {
	err := (*f.policy.Load()).Admit(p, size)
	var r *Refusal
	if errors.As(err, &r) {
		err = r.within(f.view.Root)
	}
	return failed(op, name, err)
}

// admitQuota looks ahead whether size bytes at p can fit the account's quota; the
// transaction decides.
func (f *FS) admitQuota(name, p string, size int64) error {
	if f.view.Quota <= 0 {
		return nil
	}
	used, err := f.index.Usage(f.ctx, f.view.Root)
	if err != nil {
		return failed("open", name, err)
	}
	if e, err := f.index.Lookup(f.ctx, p); err == nil && f.view.SameName != NextFree {
		used -= e.Size
	}
	if used+size > f.view.Quota {
		return &fs.PathError{Op: "open", Path: name, Err: NoRoom(used, f.view.Quota)}
	}
	return nil
}

// Usage returns how many bytes the files of this view have, and how many they may
// have at the most, by the account's quota and the room that is left; -1 if that
// is not known (RFC 4331).
func (f *FS) Usage() (used, limit int64, err error) {
	used, err = f.index.Usage(f.ctx, f.view.Root)
	if err != nil {
		return 0, 0, failed("stat", "/", err)
	}
	limit = -1
	if free, err := f.blobs.Free(f.ctx); err == nil && free >= 0 {
		limit = used + free
	}
	if f.view.Quota > 0 && (limit < 0 || f.view.Quota < limit) {
		limit = f.view.Quota
	}
	return used, limit, nil
}

// Stat describes the file or directory at name; its Sys is an Entry.
func (f *FS) Stat(name string) (os.FileInfo, error) {
	p, err := f.real("stat", name)
	if err != nil {
		return nil, err
	}
	e, err := f.index.Lookup(f.ctx, p)
	if err != nil {
		return nil, failed("stat", name, err)
	}
	return f.info(p, e), nil
}

// info describes e, which stands at the real path p.
func (f *FS) info(p string, e Entry) Info {
	if p == f.view.Root {
		e.Name = ""
	}
	return Info{e}
}

// Chtimes sets the modification time; access times are not kept.
func (f *FS) Chtimes(name string, _, mtime time.Time) error {
	p, err := f.real("chtimes", name)
	if err == nil {
		_, _, err = f.apply("chtimes", name, Touch{Path: p, Modified: Timestamp(mtime)})
	}
	return err
}

// Chmod accepts every mode of an existing file and keeps none.
func (f *FS) Chmod(name string, _ os.FileMode) error {
	_, err := f.Stat(name)
	return err
}

// Chown accepts every owner of an existing file and keeps none.
func (f *FS) Chown(name string, _, _ int) error {
	_, err := f.Stat(name)
	return err
}
