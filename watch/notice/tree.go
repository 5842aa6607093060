package notice

import (
	"io/fs"
	"strings"

	"slipway/watch/place"
)

// identity tells a directory from others; the zero one, on Windows, from none.
type identity struct{ device, inode uint64 }

func identify(info fs.FileInfo) identity {
	s := place.Of(info)
	return identity{s.Device, s.Inode}
}

// node is a directory that is watched.
type node struct {
	name   string // "" of the folder itself
	up     *node
	kids   map[string]*node
	id     identity
	listed int64 // its mtime, in nanoseconds, when it was listed; 0: it may be another
}

// path returns where the directory is, below the folder.
func (n *node) path() string {
	if n.up == nil {
		return n.name
	}
	return under(n.up.path(), n.name)
}

// forest is all directories that are watched.
type forest struct {
	top  *node
	byID map[identity]*node
	size int
}

// at returns the directory at rel, or nil.
func (f *forest) at(rel string) *node {
	n := f.top
	for rel != "" && n != nil {
		var name string
		name, rel, _ = strings.Cut(rel, "/")
		n = n.kids[name]
	}
	return n
}

// put adds a directory in up, which is nil for the folder itself.
func (f *forest) put(up *node, name string, id identity) *node {
	n := &node{name: name, up: up, id: id}
	if up == nil {
		f.top = n
	} else {
		if up.kids == nil {
			up.kids = make(map[string]*node)
		}
		up.kids[name] = n
	}
	if id != (identity{}) {
		f.byID[id] = n
	}
	f.size++
	return n
}

// cut takes n with all below it out, and calls gone with each of their paths.
func (f *forest) cut(n *node, gone func(rel string)) {
	rel := n.path()
	if n.up == nil {
		f.top = nil
	} else {
		delete(n.up.kids, n.name)
	}
	f.forget(n, rel, gone)
}

func (f *forest) forget(n *node, rel string, gone func(rel string)) {
	for name, kid := range n.kids {
		f.forget(kid, under(rel, name), gone)
	}
	if f.byID[n.id] == n {
		delete(f.byID, n.id)
	}
	f.size--
	gone(rel)
}

// each calls do with every directory, those above before those below; do may cut what
// it is called with.
func (f *forest) each(do func(n *node, rel string)) {
	if f.top != nil {
		each(f.top, "", do)
	}
}

func each(n *node, rel string, do func(n *node, rel string)) {
	do(n, rel)
	for name, kid := range n.kids {
		each(kid, under(rel, name), do)
	}
}

// parent returns the directory of a path below the folder, "" for the folder itself.
func parent(rel string) string {
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		return rel[:i]
	}
	return ""
}

// under returns the path of name in dir.
func under(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
