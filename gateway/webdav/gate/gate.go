// Package gate lets one change of a path through at a time, so that a precondition
// that held still holds when its change is committed.
package gate

import "sync"

// Gates are one for each path that somebody changes now. The zero value is ready.
type Gates struct {
	mu     sync.Mutex
	byPath map[string]*gate
}

type gate struct {
	sync.Mutex
	users int
}

// Enter waits for the gates of all keys, which must be sorted and different, and
// returns what opens them again.
func (g *Gates) Enter(keys ...string) (leave func()) {
	for _, k := range keys {
		g.of(k).Lock()
	}
	return func() {
		for _, k := range keys {
			g.leave(k)
		}
	}
}

// of returns the gate of key, of which the caller becomes a user.
func (g *Gates) of(key string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	gt := g.byPath[key]
	if gt == nil {
		gt = &gate{}
		if g.byPath == nil {
			g.byPath = map[string]*gate{}
		}
		g.byPath[key] = gt
	}
	gt.users++
	return gt
}

func (g *Gates) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gt := g.byPath[key]
	gt.Unlock()
	if gt.users--; gt.users == 0 {
		delete(g.byPath, key)
	}
}
