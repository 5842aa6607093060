package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// home is what is known of the folder itself. Where another directory stands at its
// path (a file system that is not mounted leaves an empty one), nothing that is
// missing there counts as deleted.
type home struct {
	asked bool     // the memory was asked which directories there are
	now   identity // of what stood at the path at the last look
	known identity // of what stood there when something remembered was in it
	since int64    // when what stands there was seen for the first time
	stay  int      // counts what stood there
	// mine are files that were taken from what stands there while it was not known to be
	// the folder, at most maxMine. No clock says that: it may have been set since.
	mine    map[string]bool
	other   bool // another one, or none, stood there before, since this process began
	network bool
	missing string // why it cannot be opened; "": it can
	emptied bool   // there is nothing at all in it
	unsure  bool   // it was not sure for something that was missing, in this walk
	warned  bool
}

// identity is a directory's.
type identity struct {
	device, inode uint64
	volume        string // of its file system, when it was asked for last; "": not known
	there         bool
}

// volumes is what a Place may be too, where file systems have numbers of their own that
// outlive being unmounted.
type volumes interface {
	// Volume returns that of the file system that dir is on; "": it is not known.
	Volume(dir string) string
}

// sure reports whether the folder is the one that was known.
func (h *home) sure() bool { return h.known.there && h.known.is(h.now) && !(h.emptied && h.network) }

// had reports whether k was in what stands at the path.
func (h *home) had(k Known) bool {
	return h.sure() || h.now.there && h.mine[k.Path] && !(h.emptied && h.network)
}

// maxMine is how many files are noted of which had is told; of more it is not known.
const maxMine = 100_000

// took notes that a file was taken from what stood there at a stay.
func (h *home) took(path string, stay int) {
	if h.known.there || stay != h.stay || len(h.mine) >= maxMine {
		return
	}
	if h.mine == nil {
		h.mine = make(map[string]bool)
	}
	h.mine[path] = true
}

// is reports whether two are of one directory, as far as is known.
func (i identity) is(j identity) bool {
	if i.volume == "" || j.volume == "" {
		j.volume = i.volume
	}
	return i == j
}

// visit looks whether the folder is there, and reads at the first time what is
// remembered of it. It is false where nothing can be done now.
func (f *Folder) visit(ctx context.Context) bool {
	root, err := f.open()
	if err != nil {
		return false
	}
	root.Close()
	f.askVolume()
	network := f.o.Place.Network(f.o.Root)
	f.mu.Lock()
	f.home.network = network
	asked := f.home.asked
	f.mu.Unlock()
	if asked {
		return true
	}
	if err := f.recall(ctx); err != nil {
		if ctx.Err() != nil {
			return false // it was not asked to its end, which says nothing of the memory
		}
		f.o.Log.Error("the memory of a watched folder cannot be read", "folder", f.o.Root, "error", err)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.home.missing = "what is remembered of the folder cannot be read: " + err.Error()
		return false
	}
	return true
}

// recall reads which directories are remembered.
func (f *Folder) recall(ctx context.Context) error {
	dirs, err := f.o.Memory.Dirs(ctx, f.o.Name)
	if err != nil {
		return err
	}
	count, err := f.o.Memory.Count(ctx, f.o.Name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.home.asked = true
	for _, dir := range dirs {
		if f.dirs[dir] == nil {
			f.dirs[dir] = &node{}
		}
	}
	if count[Taken]+count[Missing]+count[Removing]+count[Taking] == 0 {
		f.home.known = f.home.now
	}
	return nil
}

// open opens the folder for a moment: held open, its file system could not be
// unmounted, and a folder that was renamed would be watched on.
func (f *Folder) open() (*os.Root, error) {
	root, err := os.OpenRoot(f.o.Root)
	var id identity
	if err == nil {
		var info fs.FileInfo
		if info, err = root.Stat("."); err == nil {
			s := f.o.Place.Stat(info)
			id = identity{device: s.Device, inode: s.Inode, there: true}
		} else {
			root.Close()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id.volume = f.home.now.volume
	f.nowIs(id)
	if err == nil {
		f.home.missing, f.home.warned = "", false
		return root, nil
	}
	f.home.missing = f.unreachable(err)
	if !f.home.warned {
		f.o.Log.Warn("a watched folder cannot be read", "folder", f.o.Root, "error", err)
	}
	f.home.warned = true
	return nil, err
}

// nowIs notes what stands at the path. Where that is not what was known, or nothing,
// the folder is not known any more: another file system that is mounted there later may
// well have the same numbers, so that only a file that is remembered tells.
func (f *Folder) nowIs(id identity) {
	h, was := &f.home, f.home.now
	h.now = id
	if h.since == 0 || !was.is(id) {
		h.other = h.other || h.since != 0
		h.since, h.mine = f.now(), nil
		h.stay++
	}
	if h.known.there && !h.known.is(id) {
		h.known = identity{}
		f.unquiet()
	}
}

// askVolume asks which file system the folder is on.
func (f *Folder) askVolume() {
	v, ok := f.o.Place.(volumes)
	if !ok {
		return
	}
	volume := v.Volume(f.o.Root)
	f.mu.Lock()
	defer f.mu.Unlock()
	if id := f.home.now; id.there {
		id.volume = volume
		f.nowIs(id)
	}
}

// unreachable says what err about the folder means.
func (f *Folder) unreachable(err error) string {
	what := "the folder cannot be opened: " + err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = "the folder is not there: create it, or mount what it lies on"
	case errors.Is(err, fs.ErrPermission):
		what = "the folder may not be read: give this program's user the right to"
	}
	return fmt.Sprintf("%s; it is tried again every %v", what, f.o.Rescan)
}

// vouches reports whether k, which stands in the folder, says that it is the known one.
// After another has stood there, what was taken since does not, nor that only the inode
// is the same.
func (f *Folder) vouches(k Known, same bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.home.other || f.home.known.there || same && k.Since <= f.home.since && !f.home.mine[k.Path]
}

// recognise notes that a file that is remembered stands in the folder that is there
// now.
func (f *Folder) recognise() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.home.known = f.home.now
}
