package notice

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// watcher watches a folder with one source. All but its inbox belongs to one
// goroutine.
type watcher struct {
	*Notice
	root    string // the folder as the source knows it, without symbolic links
	source  Source
	changed func(dir string, all bool)
	inbox   *inbox
	watched forest
	lacks   lacks
	flushed time.Time // when hints were given last
}

func newWatcher(n *Notice, root string, source Source, changed func(dir string, all bool)) *watcher {
	return &watcher{
		Notice: n, root: root, source: source, changed: changed, inbox: newInbox(),
		watched: forest{byID: make(map[identity]*node)},
		lacks:   lacks{dirs: make(map[string]lack)},
	}
}

// run watches until ctx ends, or something is wrong.
func (w *watcher) run(ctx context.Context, home identity) error {
	if err := w.begin(ctx, home); err != nil {
		return err
	}
	look, audit := time.NewTicker(homeEvery), time.NewTicker(w.o.Recover)
	defer look.Stop()
	defer audit.Stop()
	flush := time.NewTimer(0)
	defer flush.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			err = w.atHome()
		case <-audit.C:
			err = w.audit(ctx)
		case <-w.inbox.wake:
		case <-flush.C:
		}
		if err == nil {
			err = w.heed(ctx)
		}
		if err != nil {
			return err
		}
		if wait := w.flush(); wait > 0 {
			flush.Reset(wait)
		}
	}
}

// begin watches all that is there.
func (w *watcher) begin(ctx context.Context, home identity) error {
	if err := w.source.Add(w.root); err != nil {
		return noWatch(err)
	}
	top := w.watched.put(nil, "", home)
	if err := w.atHome(); err != nil {
		return err
	}
	root, err := os.OpenRoot(w.o.Root)
	if err != nil {
		return absentRoot(err)
	}
	defer root.Close()
	w.plant(ctx, root, w.directories(root, top, ""))
	w.setWhy(w.lacks.text())
	w.inbox.mark("", true)
	return nil
}

// atHome returns an error where another directory, or none, is at the folder's path.
func (w *watcher) atHome() error {
	info, err := os.Stat(w.o.Root)
	if err != nil {
		return absentRoot(err)
	}
	if identify(info) != w.watched.top.id {
		return errors.New("another folder, or another file system, is in its place now")
	}
	return nil
}

// heed does what the inbox asks for.
func (w *watcher) heed(ctx context.Context) error {
	touched, doubt, failed := w.inbox.structure()
	if failed != nil {
		return failed
	}
	if doubt {
		if err := w.audit(ctx); err != nil {
			return err
		}
	}
	if len(touched) == 0 {
		return nil
	}
	root, err := os.OpenRoot(w.o.Root)
	if err != nil {
		return absentRoot(err)
	}
	defer root.Close()
	for rel, stale := range touched {
		if ctx.Err() != nil {
			return nil
		}
		w.refresh(ctx, root, rel, stale)
		w.flush()
	}
	w.setWhy(w.lacks.text())
	return nil
}

// flush gives the hints that are due, and returns how long to wait for the others; 0:
// there are none.
func (w *watcher) flush() time.Duration {
	if left := w.o.Every - time.Since(w.flushed); left > 0 {
		if w.inbox.empty() {
			return 0
		}
		return left
	}
	if dirty := w.inbox.hints(); dirty != nil {
		w.flushed = time.Now()
		for dir, all := range dirty {
			w.changed(dir, all)
		}
	}
	return 0
}

// refresh looks at what is at rel, and watches it if it is a directory. stale: what was
// watched there may have been another.
func (w *watcher) refresh(ctx context.Context, root *os.Root, rel string, stale bool) {
	delete(w.lacks.dirs, rel)
	n := w.watched.at(rel)
	info, err := root.Lstat(rel)
	isDir := err == nil && info.IsDir()
	if n == nil && !isDir || n != nil && isDir && !stale && n.id == identify(info) {
		return
	}
	if n != nil {
		w.drop(n)
		w.inbox.mark(rel, true)
	}
	if isDir {
		w.plant(ctx, root, []string{rel})
		w.inbox.mark(rel, true)
	}
}

// drop ends the watches of n and all below it.
func (w *watcher) drop(n *node) {
	w.watched.cut(n, func(rel string) {
		w.source.Remove(w.full(rel)) //nolint:errcheck // It may be none of the source's any more.
	})
}

// full returns the absolute path of a directory below the folder.
func (w *watcher) full(rel string) string { return filepath.Join(w.root, filepath.FromSlash(rel)) }

// plant watches directories and those below them, the upper ones first: where not all
// can be watched, the lower ones lack.
func (w *watcher) plant(ctx context.Context, root *os.Root, dirs []string) {
	for len(dirs) > 0 && ctx.Err() == nil {
		rel := dirs[0]
		dirs = dirs[1:]
		if n := w.add(root, rel); n != nil {
			dirs = append(dirs, w.directories(root, n, rel)...)
		}
		w.flush()
	}
}

// add watches one directory; nil: it is none, or is not to be or cannot be watched.
func (w *watcher) add(root *os.Root, rel string) *node {
	up := w.watched.at(parent(rel))
	info, err := root.Lstat(rel)
	if up == nil || err != nil || !info.IsDir() || w.o.Ignore(rel) {
		return nil
	}
	id := identify(info)
	if n := w.watched.at(rel); n != nil {
		w.drop(n)
	}
	// The kernel has one watch for one directory, under whatever path: what was renamed
	// must be let go under the old one first, as letting it go later ends the new one.
	if other := w.watched.byID[id]; other != nil && id != (identity{}) {
		if w.stands(root, other) {
			w.lacks.note(rel, lack{quiet: true}) // mounted at both paths
			return nil
		}
		w.drop(other)
	}
	if why := w.refuses(rel, id, up.id); why != (lack{}) {
		w.lacks.note(rel, why)
		return nil
	}
	if err := w.source.Add(w.full(rel)); err != nil {
		w.lacks.fail(rel, err)
		return nil
	}
	if again, err := root.Lstat(rel); err != nil || !again.IsDir() || identify(again) != id {
		w.source.Remove(w.full(rel)) //nolint:errcheck // As above.
		w.inbox.touch(rel, true)
		return nil
	}
	return w.watched.put(up, filepath.Base(filepath.FromSlash(rel)), id)
}

// stands reports whether n still is where it was.
func (w *watcher) stands(root *os.Root, n *node) bool {
	info, err := root.Lstat(n.path())
	return err == nil && info.IsDir() && identify(info) == n.id
}

// directories returns the paths of the directories in n, which is at rel.
func (w *watcher) directories(root *os.Root, n *node, rel string) (dirs []string) {
	at := rel
	if at == "" {
		at = "."
	}
	d, err := root.Open(at)
	if err != nil {
		return nil // it is gone, or may not be read, of which the scan tells
	}
	defer d.Close()
	n.listed = 0
	if info, err := d.Stat(); err == nil && time.Since(info.ModTime()) > time.Second {
		n.listed = info.ModTime().UnixNano()
	}
	for {
		list, err := d.ReadDir(1024)
		for _, e := range list {
			if e.Type()&fs.ModeType == fs.ModeDir {
				dirs = append(dirs, under(rel, e.Name()))
			}
		}
		if err != nil || len(list) == 0 {
			return dirs
		}
	}
}
