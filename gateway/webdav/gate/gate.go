// Package gate keeps changes of one path, and of what lies above and below it, apart,
// so that a precondition that held still holds when its change is committed.
package gate

import (
	"path"
	"slices"
	"strings"
	"sync"
)

// Gates are one for each path at or below which somebody changes something now. The
// zero value is ready.
type Gates struct {
	mu     sync.Mutex
	byPath map[string]*gate
}

type gate struct {
	sync.RWMutex
	users int
}

// way is one path of a change: its own, or one above it, which others may share.
type way struct {
	path  string
	alone bool
}

// Enter waits until nobody changes anything at, above or below the paths, which are
// clean and absolute, and returns what lets others in again. What is changed at
// different paths of one directory goes on side by side. Nobody may wait for a client
// between the two.
func (g *Gates) Enter(paths ...string) (leave func()) {
	ways := waysTo(paths)
	for _, w := range ways {
		if gt := g.of(w.path); w.alone {
			gt.Lock()
		} else {
			gt.RLock()
		}
	}
	return func() {
		for _, w := range ways {
			g.leave(w)
		}
	}
}

// waysTo returns paths and what lies above them, each once, in the order in which
// everybody takes them, so that no two wait for each other.
func waysTo(paths []string) []way {
	ways := make([]way, 0, 8)
	for _, p := range paths {
		ways = append(ways, way{p, true})
		for p != "/" && p != "." {
			p = path.Dir(p)
			ways = append(ways, way{p, false})
		}
	}
	slices.SortFunc(ways, func(a, b way) int {
		if a.path == b.path && a.alone != b.alone { // who changes it comes first, and is kept
			if a.alone {
				return -1
			}
			return 1
		}
		return strings.Compare(a.path, b.path)
	})
	return slices.CompactFunc(ways, func(a, b way) bool { return a.path == b.path })
}

// of returns the gate of a path, of which the caller becomes a user.
func (g *Gates) of(p string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	gt := g.byPath[p]
	if gt == nil {
		gt = &gate{}
		if g.byPath == nil {
			g.byPath = map[string]*gate{}
		}
		g.byPath[p] = gt
	}
	gt.users++
	return gt
}

func (g *Gates) leave(w way) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gt := g.byPath[w.path]
	if w.alone {
		gt.Unlock()
	} else {
		gt.RUnlock()
	}
	if gt.users--; gt.users == 0 {
		delete(g.byPath, w.path)
	}
}
