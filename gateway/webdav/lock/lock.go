// Package lock keeps WebDAV write locks (RFC 4918 §6, §7): a [Table] in memory,
// which every request asks, and a [Store] behind it, which outlives the program.
package lock

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Errors of [Table.Create], [Table.Refresh] and [Table.Remove].
var (
	ErrLocked   = errors.New("lock: in conflict with another lock")
	ErrFull     = errors.New("lock: too many locks are held")
	ErrUserFull = errors.New("lock: this user holds too many locks")
	ErrNoLock   = errors.New("lock: no such lock")
)

// Lock is one granted write lock.
type Lock struct {
	// Token names the lock: "opaquelocktoken:" and a random UUID (RFC 4918 §6.5).
	Token string
	// Root is the clean path that was locked. It is absolute in the tree that all
	// share; another tree's root is a name without a slash before it.
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
		return len(path) > 1 && path[0] == '/'
	}
	return len(path) > len(dir) && path[len(dir)] == '/' && strings.HasPrefix(path, dir)
}

// Options of NewTable.
type Options struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Max is how many locks there may be, and MaxPerUser how many of one user, who
	// must not take them all; 0: 10,000 and 1,000.
	Max, MaxPerUser int
	// Store keeps the locks; nil: memory alone does.
	Store Store
	// Unlocked is told the root of each lock that its owner gave back; nil: nobody
	// wants to know.
	Unlocked func(ctx context.Context, root string)
}

// Table is a set of locks. It is safe for concurrent use. An expired lock is as
// good as gone at once, and is forgotten later. What a method reports as done is
// in the store; where the store fails, the table is as it was before.
type Table struct {
	Options

	mu      sync.Mutex // never held while the store works
	byToken map[string]*record
	byRoot  map[string][]*record
	byUser  map[string]int
	owed    map[string]*record // by token: what the store has may differ from what it is to have
}

// record is a lock in the table. Its Lock changes under write and Table.mu both.
type record struct {
	Lock
	write turn // held while the store changes this lock; taken before Table.mu

	// Under Table.mu:
	pending bool // it excludes others, and is not granted before it is stored
	held    bool // it does not end by time while a refresh is being stored
	gone    bool // it is not in the table any more
}

// turn is a mutex that may be held for as long as a store takes.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take() { t <- struct{}{} }
func (t turn) give() { <-t }

func (r *record) live(now time.Time) bool { return r.pending || r.held || r.Expires.After(now) }

func (r *record) granted(now time.Time) bool { return !r.gone && !r.pending && r.live(now) }

// NewTable returns an empty table.
func NewTable(o Options) *Table {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Max <= 0 {
		o.Max = 10_000
	}
	if o.MaxPerUser <= 0 {
		o.MaxPerUser = 1000
	}
	if o.Store == nil {
		o.Store = nowhere{}
	}
	if o.Unlocked == nil {
		o.Unlocked = func(context.Context, string) {}
	}
	return &Table{
		Options: o,
		byToken: map[string]*record{}, byRoot: map[string][]*record{}, byUser: map[string]int{}, owed: map[string]*record{},
	}
}

// Create grants l under a fresh token, which the result carries. It fails with
// ErrLocked where another lock is in the way, with ErrFull and ErrUserFull, with
// ErrNoLock where Drop ended the lock before it was granted, and with the store's
// errors.
func (t *Table) Create(ctx context.Context, l Lock) (Lock, error) {
	r, err := t.reserve(l)
	if err != nil {
		return Lock{}, err
	}
	defer r.write.give()
	err = t.Store.Save(ctx, r.Lock)
	t.mu.Lock()
	defer t.mu.Unlock()
	r.pending = false
	switch {
	case err != nil:
		t.forget(r) // the row may stand all the same
		return Lock{}, err
	case r.gone:
		return Lock{}, ErrNoLock
	}
	return r.Lock, nil
}

// reserve enters l as pending, with its write taken.
func (t *Table) reserve(l Lock) (*record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Now()
	if len(t.byToken) >= t.Max || t.byUser[l.User] >= t.MaxPerUser {
		t.expire(now)
	}
	switch {
	case len(t.byToken) >= t.Max:
		return nil, ErrFull
	case t.byUser[l.User] >= t.MaxPerUser:
		return nil, ErrUserFull
	case t.conflict(l, now):
		return nil, ErrLocked
	}
	l.Token, l.Expires = newToken(), now.Add(l.Timeout)
	r := &record{Lock: l, write: newTurn(), pending: true}
	r.write.take()
	t.enter(r)
	return r, nil
}

// Refresh starts the lock's time anew with timeout. It fails with ErrNoLock where
// no live lock has the token or it belongs to another user, and with the store's
// errors.
func (t *Table) Refresh(ctx context.Context, token, user string, timeout time.Duration) (Lock, error) {
	r, ok := t.seize(token, user)
	if !ok {
		return Lock{}, ErrNoLock
	}
	defer r.write.give()
	next := r.Lock
	next.Timeout, next.Expires = timeout, t.Now().Add(timeout)
	err := t.Store.Save(ctx, next)
	t.mu.Lock()
	defer t.mu.Unlock()
	r.held = false
	switch {
	case err != nil:
		t.owed[token] = r
		return Lock{}, err
	case r.gone:
		return Lock{}, ErrNoLock
	}
	r.Lock = next
	return next, nil
}

// Remove ends the lock with this token, which belongs to user, and else fails as
// Refresh does.
func (t *Table) Remove(ctx context.Context, token, user string) error {
	r, ok := t.seize(token, user)
	if !ok {
		return ErrNoLock
	}
	err := t.Store.Delete(ctx, token)
	t.mu.Lock()
	r.held = false
	if err != nil {
		t.owed[token] = r // the row may be gone all the same
	} else if !r.gone {
		t.leave(r)
	}
	t.mu.Unlock()
	r.write.give()
	if err == nil {
		t.Unlocked(ctx, r.Root)
	}
	return err
}

// seize finds user's granted lock, with its write taken, and keeps it from
// ending by time.
func (t *Table) seize(token, user string) (*record, bool) {
	t.mu.Lock()
	r := t.byToken[token]
	t.mu.Unlock()
	if r == nil {
		return nil, false
	}
	r.write.take()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !r.granted(t.Now()) || r.User != user {
		r.write.give()
		return nil, false
	}
	r.held = true
	return r, true
}

// Drop ends every lock at or below path: what was there is gone. It reports
// whether there was any. They are gone even where the store fails; Sweep tries
// again to remove the rows.
func (t *Table) Drop(ctx context.Context, path string) (bool, error) {
	return t.drop(ctx, func(l Lock) bool { return l.Root == path || below(path, l.Root) })
}

// DropBelow is Drop without the locks on path itself, which stay where another
// takes the place of what was there (RFC 4918 §7.6).
func (t *Table) DropBelow(ctx context.Context, path string) (bool, error) {
	return t.drop(ctx, func(l Lock) bool { return below(path, l.Root) })
}

func (t *Table) drop(ctx context.Context, ends func(Lock) bool) (bool, error) {
	any := false
	t.mu.Lock()
	for _, r := range t.byToken {
		if ends(r.Lock) {
			t.forget(r)
			any = true
		}
	}
	t.mu.Unlock()
	if !any {
		return false, nil
	}
	return true, t.settle(ctx)
}

func (t *Table) enter(r *record) {
	t.byToken[r.Token] = r
	t.byRoot[r.Root] = append(t.byRoot[r.Root], r)
	t.byUser[r.User]++
}

// forget takes r out of the table; its row is owed.
func (t *Table) forget(r *record) {
	t.owed[r.Token] = r
	if !r.gone {
		t.leave(r)
	}
}

// leave takes r out of the table.
func (t *Table) leave(r *record) {
	r.gone = true
	delete(t.byToken, r.Token)
	if t.byUser[r.User]--; t.byUser[r.User] == 0 {
		delete(t.byUser, r.User)
	}
	rest := t.byRoot[r.Root][:0]
	for _, o := range t.byRoot[r.Root] {
		if o != r {
			rest = append(rest, o)
		}
	}
	if t.byRoot[r.Root] = rest; len(rest) == 0 {
		delete(t.byRoot, r.Root)
	}
}

// newToken draws a random UUID (RFC 9562 §5.4).
func newToken() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails (Go 1.24).
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("opaquelocktoken:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
