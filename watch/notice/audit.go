package notice

import (
	"context"
	"os"
)

// audit looks whether all that can be watched is: watches are lost where directories
// are renamed while others are, or file systems are unmounted, and limits are raised.
func (w *watcher) audit(ctx context.Context) error {
	if err := w.atHome(); err != nil {
		return err
	}
	root, err := os.OpenRoot(w.o.Root)
	if err != nil {
		return absentRoot(err)
	}
	defer root.Close()
	watched, err := w.alive()
	if err != nil {
		return err
	}
	everything := w.lacks.more
	lacking := w.lacks.dirs
	w.lacks = lacks{dirs: make(map[string]lack)}
	for rel := range lacking {
		w.refresh(ctx, root, rel, false)
	}
	for _, rel := range w.wrong(ctx, root, watched) {
		w.refresh(ctx, root, rel, true)
	}
	for _, rel := range w.missed(ctx, root, everything) {
		if ctx.Err() != nil {
			break
		}
		w.refresh(ctx, root, rel, false)
	}
	w.setWhy(w.lacks.text())
	return nil
}

// alive returns the directories that the source watches, by their absolute paths. It
// is errLost where the folder itself is not among them.
func (w *watcher) alive() (map[string]bool, error) {
	list := w.source.WatchList()
	watched := make(map[string]bool, len(list))
	for _, name := range list {
		watched[name] = true
	}
	if !watched[w.root] {
		return nil, errLost
	}
	return watched, nil
}

// wrong returns the directories that are not there any more, are others, or have lost
// their watch.
func (w *watcher) wrong(ctx context.Context, root *os.Root, watched map[string]bool) (wrong []string) {
	w.watched.each(func(n *node, rel string) {
		if rel != "" && ctx.Err() == nil && (!watched[w.full(rel)] || !w.stands(root, n)) {
			wrong = append(wrong, rel)
		}
	})
	return wrong
}

// missed returns the directories that are not watched in those that have changed since
// they were listed, or in any.
func (w *watcher) missed(ctx context.Context, root *os.Root, everything bool) (missed []string) {
	w.watched.each(func(n *node, rel string) {
		if ctx.Err() != nil || !everything && !w.differs(root, n, rel) {
			return
		}
		for _, dir := range w.directories(root, n, rel) {
			if w.watched.at(dir) == nil && !w.o.Ignore(dir) {
				missed = append(missed, dir)
			}
		}
	})
	return missed
}

// differs reports whether a directory may have got others since it was listed.
func (w *watcher) differs(root *os.Root, n *node, rel string) bool {
	if rel == "" {
		rel = "."
	}
	info, err := root.Lstat(rel)
	return err == nil && (n.listed == 0 || info.ModTime().UnixNano() != n.listed)
}
