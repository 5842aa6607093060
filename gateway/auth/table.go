package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"
)

// Errors of [Table.Check] and [Table.Still]; their texts are for people.
var (
	ErrWrong   = errors.New("the name or the password is wrong")
	ErrExpired = errors.New("this account has expired; ask whoever runs this gateway to renew it")
	ErrTooMany = errors.New("too many wrong passwords")
	ErrChanged = errors.New("this account was changed or removed; sign in again")
)

// TooManyError is an [ErrTooMany] that says when to try again.
type TooManyError struct {
	// RetryAfter is above 0 and at most a minute.
	RetryAfter time.Duration
}

// Error says when to try again.
func (e *TooManyError) Error() string {
	seconds := max(1, (e.RetryAfter+time.Second-1)/time.Second)
	return fmt.Sprintf("%v; try again in %d s", ErrTooMany, seconds)
}

// Is makes it ErrTooMany.
func (e *TooManyError) Is(target error) bool { return target == ErrTooMany }

const (
	cacheLife     = 5 * time.Minute
	cacheEntries  = 4096
	defaultMemory = 2 * newMemory << 10
	maxParallel   = 4  // checks at once, however little memory they take
	maxWaiting    = 64 // checks that wait for memory before strangers are sent away
)

// Options are what a [Table] needs beside the users; the zero value works.
type Options struct {
	// Clock tells the time; nil: time.Now.
	Clock func() time.Time
	// Log hears of wrong passwords, with the address and, where it is a user's, the
	// name; nil: nobody does. A name that is nobody's may be a password typed into
	// the wrong field.
	Log *slog.Logger
	// Memory bounds what the checks that run at once take together, in bytes; 0:
	// 38 MiB, which is two of them. A hash that asks for more runs alone.
	Memory int64
}

// Table is the users and what is remembered of their sign-ins. It is safe for
// concurrent use.
type Table struct {
	clock func() time.Time
	log   *slog.Logger
	key   [32]byte // of every HMAC; lives as long as the process
	decoy Password // what a wrong name is checked against where no user has a hash
	slots *semaphore.Weighted
	size  int64 // of slots, in KiB

	mu      sync.Mutex // for all below, and the caches of roll
	roll    *roll
	guard   *guard
	waiting int
}

// New returns a table of users. Names that are not unique, and fields out of the
// bounds that [User] names, are errors.
func New(users []User, o Options) (*Table, error) {
	r, err := newRoll(users)
	if err != nil {
		return nil, err
	}
	t := &Table{clock: o.Clock, log: o.Log, decoy: Password{argon: newArgon()}, roll: r, guard: newGuard()}
	if t.clock == nil {
		t.clock = time.Now
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	t.size = max(maxParallel, o.Memory>>10)
	t.slots = semaphore.NewWeighted(t.size)
	rand.Read(t.key[:]) //nolint:errcheck // never fails (Go 1.24)
	return t, nil
}

// Reload replaces the users at once and forgets every remembered sign-in. What is
// known of addresses stays. On an error the old users stay too. A check that runs
// meanwhile may still be answered from the old users, and is not remembered.
func (t *Table) Reload(users []User) error {
	r, err := newRoll(users)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.roll = r
	return nil
}

// Check returns the user called name where password is right, and
//
//   - [ErrWrong] where the name or the password is not, after the time that a
//     check of a hash takes;
//   - [ErrTooMany] as a [*TooManyError] where addr has to wait, unread;
//   - [ErrExpired] where both are right and the account has ended;
//   - ctx's error where it ends before an answer is found.
//
// addr is the client's, the zero Addr where there is none (a unix socket).
func (t *Table) Check(ctx context.Context, name, password string, addr netip.Addr) (User, error) {
	if len(name) > MaxName || len(password) > MaxPassword {
		return User{}, ErrWrong
	}
	name = norm.NFC.String(name)
	a := attempt{secret: normal(password), id: id{who: who{Network(addr), name}}}
	a.sum = t.sum(name, a.secret)
	for {
		f, mine, err := t.enter(a)
		if err != nil {
			return User{}, err
		}
		if mine {
			t.lead(ctx, a, f)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return User{}, ctx.Err()
		}
		if f.err == errAbandoned && ctx.Err() == nil {
			continue // whoever asked first went away before the answer
		}
		return t.accept(ctx, f)
	}
}

// accept turns a finished check into the answer for one who asked.
func (t *Table) accept(ctx context.Context, f *flight) (User, error) {
	switch {
	case f.err == errAbandoned:
		return User{}, ctx.Err()
	case f.err != nil:
		return User{}, f.err
	case !f.user.Expires.IsZero() && !t.clock().Before(f.user.Expires):
		return User{}, ErrExpired
	}
	return f.user, nil
}

// Still says whether a session may go on that u, as [Table.Check] returned it,
// began: nil, [ErrExpired], or [ErrChanged] where the account is gone or is not what
// it was, its password included. It takes no hash.
func (t *Table) Still(u User) error {
	t.mu.Lock()
	now, ok := t.roll.users[u.Name]
	t.mu.Unlock()
	switch {
	case !ok:
		return ErrChanged
	case !now.Expires.IsZero() && !t.clock().Before(now.Expires):
		return ErrExpired
	case now.Home != u.Home || now.Rights != u.Rights || now.Quota != u.Quota || now.RequireTLS != u.RequireTLS || !now.Password.same(u.Password):
		return ErrChanged
	}
	return nil
}

// Canonical returns the name of the account that name is the name of, in whatever
// form of Unicode; false where there is none.
func (t *Table) Canonical(name string) (string, bool) {
	name = norm.NFC.String(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.roll.users[name]
	return name, ok
}

// sum names a pair of name and password to this process alone.
func (t *Table) sum(name string, secret []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, t.key[:])
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(name)))
	mac.Write(n[:])
	mac.Write([]byte(name))
	mac.Write(secret)
	mac.Sum(sum[:0])
	return sum
}
