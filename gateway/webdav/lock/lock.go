// Package lock keeps WebDAV write locks (RFC 4918 §6, §7) in memory.
package lock

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"
)

// Errors of [Table.Create].
var (
	ErrLocked = errors.New("lock: in conflict with another lock")
	ErrFull   = errors.New("lock: too many locks")
)

// Lock is one granted write lock.
type Lock struct {
	// Token names the lock: "opaquelocktoken:" and a random UUID (RFC 4918 §6.5).
	Token string
	// Root is the clean absolute path that was locked.
	Root string
	// Deep locks everything below Root too (Depth: infinity).
	Deep bool
	// Shared lets others hold shared locks on the same path.
	Shared bool
	// Owner is XML that the client gave to describe itself, without a namespace
	// prefix other than D, which is "DAV:".
	Owner string
	// User is who may use the token.
	User string
	// Timeout is how long the lock lives after its last refresh.
	Timeout time.Duration
	// Expires is when it ends.
	Expires time.Time
}

// Covers reports whether l locks path, directly or from above.
func (l Lock) Covers(path string) bool {
	return l.Root == path || l.Deep && below(l.Root, path)
}

// below reports whether path lies under dir.
func below(dir, path string) bool {
	if dir == "/" {
		return path != "/"
	}
	return len(path) > len(dir) && path[len(dir)] == '/' && strings.HasPrefix(path, dir)
}

// Table is a set of locks. It is safe for concurrent use. An expired lock is as
// good as gone at once, and is forgotten later.
type Table struct {
	now func() time.Time
	max int

	mu      sync.Mutex
	byToken map[string]*Lock
	byRoot  map[string][]*Lock
}

// NewTable returns an empty table of at most max locks that reads the time from now.
func NewTable(now func() time.Time, max int) *Table {
	return &Table{now: now, max: max, byToken: map[string]*Lock{}, byRoot: map[string][]*Lock{}}
}

// Create grants l under a fresh token, which the result carries. It fails with
// ErrLocked where another lock is in the way, and with ErrFull.
func (t *Table) Create(l Lock) (Lock, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if len(t.byToken) >= t.max {
		t.sweep(now)
	}
	if len(t.byToken) >= t.max {
		return Lock{}, ErrFull
	}
	if t.conflict(l, now) {
		return Lock{}, ErrLocked
	}
	l.Token, l.Expires = newToken(), now.Add(l.Timeout)
	t.byToken[l.Token] = &l
	t.byRoot[l.Root] = append(t.byRoot[l.Root], &l)
	return l, nil
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
		if o.Expires.After(now) && below(l.Root, o.Root) && (!l.Shared || !o.Shared) {
			return true
		}
	}
	return false
}

// Refresh starts the lock's time anew with timeout. It reports false where no
// live lock has the token or it belongs to another user.
func (t *Table) Refresh(token, user string, timeout time.Duration) (Lock, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	l := t.byToken[token]
	if l == nil || !l.Expires.After(now) || l.User != user {
		return Lock{}, false
	}
	l.Timeout, l.Expires = timeout, now.Add(timeout)
	return *l, true
}

// Get returns the live lock with this token.
func (t *Table) Get(token string) (Lock, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byToken[token]
	if l == nil || !l.Expires.After(t.now()) {
		return Lock{}, false
	}
	return *l, true
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
	var out []Lock
	for _, l := range t.covering(path, t.now()) {
		out = append(out, *l)
	}
	return out
}

func (t *Table) covering(name string, now time.Time) []*Lock {
	if len(t.byToken) == 0 {
		return nil
	}
	var out []*Lock
	for dir := name; ; dir = path.Dir(dir) {
		for _, l := range t.byRoot[dir] {
			if l.Expires.After(now) && l.Covers(name) {
				out = append(out, l)
			}
		}
		if dir == "/" || dir == "." {
			return out
		}
	}
}

// Remove ends the lock with this token.
func (t *Table) Remove(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.byToken[token]; l != nil {
		t.forget(l)
	}
}

// Drop ends every lock whose root is at or below path: what was there is gone.
func (t *Table) Drop(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.byToken {
		if l.Root == path || below(path, l.Root) {
			t.forget(l)
		}
	}
}

func (t *Table) sweep(now time.Time) {
	for _, l := range t.byToken {
		if !l.Expires.After(now) {
			t.forget(l)
		}
	}
}

func (t *Table) forget(l *Lock) {
	delete(t.byToken, l.Token)
	rest := t.byRoot[l.Root][:0]
	for _, o := range t.byRoot[l.Root] {
		if o != l {
			rest = append(rest, o)
		}
	}
	if t.byRoot[l.Root] = rest; len(rest) == 0 {
		delete(t.byRoot, l.Root)
	}
}

// newToken draws a random UUID (RFC 9562 §5.4).
func newToken() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails (Go 1.24).
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("opaquelocktoken:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
