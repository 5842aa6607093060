package lock

import (
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

func (h Holder) holds(l *Lock) bool {
	return l.User == h.User && slices.Contains(h.Tokens, l.Token)
}

// Blocking returns a lock that forbids h to change path within scope, if there
// is one. Of shared locks on one path it takes any one token (RFC 4918 §6.2).
func (t *Table) Blocking(name string, scope Scope, h Holder) (Lock, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byToken) == 0 {
		return Lock{}, false
	}
	now := t.now()
	locks := t.covering(name, now)
	if scope >= Binding && name != "/" {
		locks = append(locks, t.at(path.Dir(name), now)...)
	}
	if scope == Tree {
		for _, l := range t.byToken {
			if l.Expires.After(now) && below(name, l.Root) {
				locks = append(locks, l)
			}
		}
	}
	return unheld(locks, h)
}

func (t *Table) at(root string, now time.Time) []*Lock {
	var out []*Lock
	for _, l := range t.byRoot[root] {
		if l.Expires.After(now) {
			out = append(out, l)
		}
	}
	return out
}

// unheld returns the first lock whose path h holds no lock on.
func unheld(locks []*Lock, h Holder) (Lock, bool) {
	held := map[string]bool{}
	for _, l := range locks {
		held[l.Root] = held[l.Root] || h.holds(l)
	}
	for _, l := range locks {
		if !held[l.Root] {
			return *l, true
		}
	}
	return Lock{}, false
}
