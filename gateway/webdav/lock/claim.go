package lock

import (
	"cmp"
	"path"
	"slices"
	"time"
)

// Scope is how much of the tree a request changes.
type Scope int

const (
	// Content: the bytes or properties of one path.
	Content Scope = iota
	// Binding: Content, and its name appears or disappears, which a lock on the
	// directory that holds it forbids, of whatever depth (RFC 4918 §7.4).
	Binding
	// Tree: Binding, and everything below changes too.
	Tree
)

// Holder is who asks for a change, and the tokens that the request submitted.
type Holder struct {
	User   string
	Tokens []string
}

func (h Holder) holds(l *record) bool {
	return l.User == h.User && slices.Contains(h.Tokens, l.Token)
}

// Blocking returns the locks that forbid h to change path within scope, one for
// each path that is locked, in the order of the paths. Of shared locks on one
// path it takes any one token (RFC 4918 §6.2).
func (t *Table) Blocking(name string, scope Scope, h Holder) []Lock {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byToken) == 0 {
		return nil
	}
	now := t.Now()
	locks := t.covering(name, now)
	if scope >= Binding && name != "/" {
		locks = append(locks, t.at(path.Dir(name), now)...)
	}
	if scope == Tree {
		for _, l := range t.byToken {
			if l.live(now) && below(name, l.Root) {
				locks = append(locks, l)
			}
		}
	}
	return unheld(locks, h)
}

func (t *Table) at(root string, now time.Time) []*record {
	var out []*record
	for _, l := range t.byRoot[root] {
		if l.live(now) {
			out = append(out, l)
		}
	}
	return out
}

// unheld returns the locks on paths on which h holds none.
func unheld(locks []*record, h Holder) []Lock {
	seen := map[string]bool{} // the paths that h holds or that are in out
	for _, l := range locks {
		seen[l.Root] = seen[l.Root] || h.holds(l)
	}
	var out []Lock
	for _, l := range locks {
		if !seen[l.Root] {
			out = append(out, l.Lock)
			seen[l.Root] = true
		}
	}
	slices.SortFunc(out, func(a, b Lock) int { return cmp.Compare(a.Root, b.Root) })
	return out
}

// conflict reports whether a live lock forbids granting l (RFC 4918 §6.2).
func (t *Table) conflict(l Lock, now time.Time) bool {
	for _, o := range t.covering(l.Root, now) {
		if !l.Shared || !o.Shared {
			return true
		}
	}
	if !l.Deep {
		return false
	}
	for _, o := range t.byToken {
		if o.live(now) && below(l.Root, o.Root) && (!l.Shared || !o.Shared) {
			return true
		}
	}
	return false
}

// Get returns the live lock with this token.
func (t *Table) Get(token string) (Lock, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.byToken[token]
	if r == nil || !r.granted(t.Now()) {
		return Lock{}, false
	}
	return r.Lock, true
}

// Any reports whether the table holds a lock, which may have expired.
func (t *Table) Any() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byToken) > 0
}

// Covering returns the live locks on path: its own and deep ones above it.
func (t *Table) Covering(path string) []Lock {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	var out []Lock
	for _, r := range t.covering(path, now) {
		if r.granted(now) {
			out = append(out, r.Lock)
		}
	}
	return out
}

// covering is Covering with those that are pending.
func (t *Table) covering(name string, now time.Time) []*record {
	if len(t.byToken) == 0 {
		return nil
	}
	var out []*record
	for dir := name; ; dir = path.Dir(dir) {
		for _, l := range t.byRoot[dir] {
			if l.live(now) && l.Covers(name) {
				out = append(out, l)
			}
		}
		if dir == "/" || dir == "." {
			return out
		}
	}
}
