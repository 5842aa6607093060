// Package finish removes files from a watched folder, or moves them within it, once
// every destination has them.
//
// A file that somebody changes, opens or replaces at that very moment stays. It is
// first given a private name beside its own, which nobody else writes to; what then
// is under that name is compared with what was sent, byte for byte, and only that
// goes. All else is put back, over nothing.
package finish

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
	"sync/atomic"
	"time"

	"slipway/watch"
	"slipway/watch/place"
)

// Options of New.
type Options struct {
	// Root is the watched folder, an absolute path.
	Root string
	// MoveTo is the directory below the folder that files are moved to, each to its own
	// path below that; "": they are deleted.
	MoveTo string
	// Mounted is asked before anything is written into MoveTo; an error keeps it from
	// being written to (watch.ErrAway). nil: nothing does.
	Mounted func(ctx context.Context) error
	Clock   func() time.Time // nil: time.Now
}

// Finisher does it. It is safe for concurrent use for different files.
type Finisher struct {
	o    Options
	said atomic.Bool // MoveTo is written as it is called
	// before, in tests, fails in place of a step.
	before func(step string) error
	lease  func(*os.File) (release func(), busy, known bool)
	rename func(root *os.Root, from, to string) error // what is to go gets its private name
	remove func(root *os.Root, name string) error
}

var (
	_ watch.Finisher = (*Finisher)(nil)
	_ watch.Undoer   = (*Finisher)(nil)
)

// New returns a Finisher. The error says what is wrong with MoveTo.
func New(o Options) (*Finisher, error) {
	if o.MoveTo != "" && (!fs.ValidPath(o.MoveTo) || o.MoveTo == ".") {
		return nil, fmt.Errorf("%q is no directory below the folder; write a name as in \"done\"", o.MoveTo)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Mounted == nil {
		o.Mounted = func(context.Context) error { return nil }
	}
	return &Finisher{o: o, before: func(string) error { return nil }, lease: place.Lease, rename: (*os.Root).Rename, remove: (*os.Root).Remove}, nil
}

// restTime is how long a file must have stood as it was taken where it cannot be found
// out whether somebody still has it open.
const restTime = 10 * time.Second

// prefix is what private names begin with. A leading dot keeps them from being
// listed, taken and forwarded.
const prefix = ".slipway-"

// Private returns the name by which the file at a path below the folder is known
// while it goes, in the same directory.
func Private(rel string) string {
	sum := sha256.Sum256([]byte(rel))
	return path.Join(path.Dir(rel), prefix+hex.EncodeToString(sum[:10])+".tmp")
}

// Finish removes or moves the file that k remembers; see watch.Finisher.
//
//  1. k comes back as Removed: the file is gone or moved, durably, by this call or by
//     an earlier one that a crash cut.
//  2. k comes back as Taken and done: the file is another one by now, and stays. The
//     next scan takes it.
//  3. done is false: somebody has it open, or the error says what is in the way. It
//     stands in its place, and k comes back as Taken, unless not even that can be had.
func (f *Finisher) Finish(ctx context.Context, k watch.Known, _ watch.Outcome, store watch.Store) (after watch.Known, done bool, err error) {
	j, err := f.open(k)
	if err != nil {
		return k, false, err
	}
	defer j.root.Close()
	aside, err := j.there(j.private)
	if err == nil && aside != nil && k.State != watch.Removing {
		aside, err = nil, j.back() // an earlier file of that name, which a crash left
	}
	if err != nil {
		return k, false, err
	}
	if aside == nil {
		if stop, err := j.putAside(ctx, store); stop || err != nil {
			return j.k, err == nil, err
		}
	}
	if err := j.ready(ctx); err != nil {
		return j.putBack(err)
	}
	return j.end(ctx)
}

// Undo brings the file that k remembers as Removing back to its name, where a crash
// or an error left it aside and it is not to go any more. One that is nowhere comes
// back as Removed: that it went before the crash is no deletion by a person.
func (f *Finisher) Undo(_ context.Context, k watch.Known) (watch.Known, error) {
	j, err := f.open(k)
	if err != nil {
		return k, err
	}
	defer j.root.Close()
	aside, err := j.there(j.private)
	if err != nil {
		return k, err
	}
	if aside != nil {
		return j.k, j.back()
	}
	info, err := j.there(k.Path)
	if err != nil {
		return k, err
	}
	j.set(watch.Taken)
	if info == nil {
		j.set(watch.Removed)
	}
	return j.k, nil
}

// job is one file that is to go.
type job struct {
	*Finisher
	root    *os.Root
	k       watch.Known
	private string
	since   time.Time // when what is remembered became so
}

func (f *Finisher) open(k watch.Known) (*job, error) {
	root, err := os.OpenRoot(f.o.Root)
	if err != nil {
		return nil, err
	}
	return &job{Finisher: f, root: root, k: k, private: Private(k.Path), since: time.Unix(0, k.Since)}, nil
}

func (j *job) set(s watch.State) {
	if j.k.State != s {
		j.k.State, j.k.Since = s, j.o.Clock().UnixNano()
	}
}

// there describes what has a name; nil: nothing has.
func (j *job) there(name string) (fs.FileInfo, error) {
	info, err := j.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

// putAside gives the file its private name, unless it is not there or another one:
// that ends it.
func (j *job) putAside(ctx context.Context, store watch.Store) (stop bool, err error) {
	info, err := j.there(j.k.Path)
	switch {
	case err != nil:
		return false, err
	case info == nil && j.k.State == watch.Removing:
		j.set(watch.Removed) // by a call that was cut
		return true, nil
	case info == nil || !info.Mode().IsRegular() || place.Of(info) != j.k.Stat:
		j.set(watch.Taken)
		return true, nil
	}
	if err := j.ready(ctx); err != nil {
		j.set(watch.Taken)
		return false, err
	}
	was := j.k
	j.set(watch.Removing)
	if err := j.before("store"); err != nil {
		return false, err
	}
	if err := store(ctx, j.k); err != nil {
		return false, err
	}
	if err := j.before("aside"); err != nil {
		return false, err
	}
	err = j.rename(j.root, j.k.Path, j.private)
	if err == nil || j.look(j.k.Path) == nil {
		return false, err
	}
	// It may not be renamed: it is not about to go.
	j.k = was
	j.set(watch.Taken)
	return false, errors.Join(err, store(ctx, j.k))
}

// ready makes the directory that the file is to be moved to.
func (j *job) ready(ctx context.Context) error {
	if j.o.MoveTo == "" {
		return nil
	}
	if err := j.o.Mounted(ctx); err != nil {
		return err
	}
	if err := j.makeDirs(path.Dir(path.Join(j.o.MoveTo, j.k.Path))); err != nil {
		return err
	}
	return j.spelled(j.root)
}

// putBack is back, after err. What is not aside any more went in spite of err.
func (j *job) putBack(err error) (watch.Known, bool, error) {
	if aside, e := j.there(j.private); e == nil && aside == nil {
		return j.k, false, err
	}
	err = errors.Join(err, j.back())
	return j.k, false, err
}

// end looks once more at what is aside, and lets it go or puts it back.
func (j *job) end(ctx context.Context) (watch.Known, bool, error) {
	same, busy, file, err := j.judge(ctx)
	if file != nil {
		defer file.Close()
	}
	if err != nil || busy || !same {
		err = errors.Join(err, j.back())
		return j.k, err == nil && !busy, err
	}
	if err := j.before("go"); err != nil {
		return j.k, false, err
	}
	if j.o.MoveTo == "" {
		err = j.remove(j.root, j.private)
	} else if err = j.o.Mounted(ctx); err == nil { // reading it may have taken long
		err = j.move(file)
	}
	if err == nil {
		err = place.SyncDir(j.root, path.Dir(j.k.Path))
	}
	if err != nil {
		return j.putBack(err)
	}
	j.set(watch.Removed)
	return j.k, true, nil
}

// judge opens what is aside, and reports whether it is what was sent, and whether
// somebody else is writing to it.
func (j *job) judge(ctx context.Context) (same, busy bool, file *os.File, err error) {
	if file, err = j.root.Open(j.private); err != nil {
		return false, false, nil, err
	}
	release, busy, known := j.lease(file)
	defer release()
	if !known && j.o.Clock().Sub(j.since) < restTime {
		busy = true
	}
	if !busy {
		same, err = j.same(ctx, file)
	}
	return same, busy, file, err
}

// same reports whether file, which is aside, is what was sent.
func (j *job) same(ctx context.Context, file *os.File) (bool, error) {
	is := func() (bool, error) {
		info, err := file.Stat()
		if err != nil {
			return false, err
		}
		s := place.Of(info) // the new name is a change of it
		s.Changed = j.k.Stat.Changed
		named := j.look(j.private)
		return info.Mode().IsRegular() && s == j.k.Stat && named != nil && os.SameFile(info, named), nil
	}
	if same, err := is(); err != nil || !same {
		return false, err
	}
	if err := j.before("read"); err != nil {
		return false, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, contextReader{ctx, file}); err != nil {
		return false, err
	}
	if [32]byte(h.Sum(nil)) != j.k.Sum {
		return false, nil
	}
	return is()
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// back gives what is aside its name again, or, where something else has that by now,
// a number: it was never sent, or is not known to have been.
func (j *job) back() error {
	if err := j.before("back"); err != nil {
		return err
	}
	at, err := j.settleAt(j.private, j.k.Path)
	if err != nil {
		return err
	}
	j.set(watch.Taken)
	if info := j.look(at); at == j.k.Path && info != nil {
		// That its name changed and changed back is no change of the file.
		was := j.k.Stat
		if was.Changed = place.Of(info).Changed; place.Of(info) == was {
			j.k.Stat = was
		}
	}
	return nil
}

// maxNumber is how many names are tried.
const maxNumber = 10_000

// settleAt renames a file to name, or to the first number of it that is free, and
// returns which. What has the name and is the same file already keeps it.
func (j *job) settleAt(from, name string) (string, error) {
	for n := range maxNumber {
		to := numbered(name, n)
		err := place.Rename(j.root, from, to)
		if err == nil {
			return to, place.SyncDir(j.root, path.Dir(to))
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if a, b := j.look(from), j.look(to); a != nil && b != nil && os.SameFile(a, b) {
			return to, j.root.Remove(from) // a link that a crash left
		}
	}
	return "", fmt.Errorf("%s: %w under %d names", name, fs.ErrExist, maxNumber)
}

func (j *job) look(name string) fs.FileInfo {
	info, _ := j.root.Lstat(name)
	return info
}

// numbered returns name with a number before its extension, "a (1).jpg"; name itself
// for 0.
func numbered(name string, n int) string {
	if n == 0 {
		return name
	}
	ext := path.Ext(name)
	return fmt.Sprintf("%s (%d)%s", name[:len(name)-len(ext)], n, ext)
}
