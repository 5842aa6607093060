package auth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// errAbandoned ends a flight whose leader went away before the answer was found.
var errAbandoned = errors.New("the check was given up")

// id is one password for one name from one address.
type id struct {
	who
	sum [sha256.Size]byte // of name and password, under the table's key
}

// attempt is an id with the password itself.
type attempt struct {
	id
	secret []byte
}

// flight is one check that runs or has run. user and err may be read once done is
// closed.
type flight struct {
	roll *roll // that the answer is from
	done chan struct{}
	user User
	err  error
}

// answer is a check's answer that is remembered until a time.
type answer struct {
	flight *flight
	until  time.Time
}

// roll is the users of one configuration and the answers given from it, so that
// a reload forgets both together.
type roll struct {
	users   map[string]User
	names   []string // of users
	flights map[id]*flight
	right   *lru[[sha256.Size]byte, answer]
	// wrong is kept per address, so that nobody learns what others tried, and apart,
	// so that guesses do not push right answers out.
	wrong *lru[id, answer]
}

func newRoll(users []User) (*roll, error) {
	r := &roll{
		users:   make(map[string]User, len(users)),
		flights: make(map[id]*flight),
		right:   newLRU[[sha256.Size]byte, answer](cacheEntries),
		wrong:   newLRU[id, answer](cacheEntries),
	}
	for _, u := range users {
		u, err := u.check()
		if err != nil {
			return nil, err
		}
		if _, ok := r.users[u.Name]; ok {
			return nil, fmt.Errorf("user %q is there twice", u.Name)
		}
		r.users[u.Name] = u
		r.names = append(r.names, u.Name)
	}
	return r, nil
}

// enter finds the flight that answers a: a remembered one, one that runs, or a
// new one, which is then the caller's to lead.
func (t *Table) enter(a attempt) (f *flight, mine bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, r := t.clock(), t.roll
	if w, ok := r.wrong.get(a.id); ok && now.Before(w.until) {
		return w.flight, false, nil
	}
	// Before the wait: it says nothing that the one who began it will not hear.
	if f, ok := r.flights[a.id]; ok {
		return f, false, nil
	}
	// After the wait: else a guesser could ask the cache as often as he likes.
	if wait := t.guard.wait(a.who, now); wait > 0 {
		return nil, false, &TooManyError{wait}
	}
	if c, ok := r.right.get(a.sum); ok && now.Before(c.until) {
		t.guard.passed(a.who)
		return c.flight, false, nil
	}
	f = &flight{roll: r, done: make(chan struct{}), err: errAbandoned}
	r.flights[a.id] = f
	return f, true, nil
}

// lead runs a's check and ends f with its answer, whatever happens.
func (t *Table) lead(ctx context.Context, a attempt, f *flight) {
	r := f.roll
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(r.flights, a.id)
		close(f.done)
	}()
	user, known := r.users[a.name]
	ok, err := t.verify(ctx, r, a, user.Password)
	if err != nil {
		f.err = err
		return
	}
	if !ok {
		f.err = ErrWrong
		t.logWrong(a, known)
	} else {
		f.user, f.err = user, nil
	}
	t.remember(a, f)
}

func (t *Table) logWrong(a attempt, known bool) {
	name := "(nobody's)"
	if known {
		name = a.name
	}
	t.log.Warn("wrong password", "user", name, "address", a.addr.Addr())
}

// remember keeps f's answer for others and counts it.
func (t *Table) remember(a attempt, f *flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	kept := answer{f, now.Add(cacheLife)}
	if f.err != nil {
		t.guard.failed(a.who, now)
		f.roll.wrong.put(a.id, kept)
		return
	}
	t.guard.passed(a.who)
	f.roll.right.put(a.sum, kept)
}

// verify checks a's secret against p, the zero Password where the name is
// nobody's. A no takes the time of a hash in any case.
func (t *Table) verify(ctx context.Context, r *roll, a attempt, p Password) (bool, error) {
	if p.plain != nil && p.matches(a.secret) {
		return true, nil
	}
	real := p.argon != nil || p.bcrypt != nil
	if !real {
		p = t.decoyFor(r, a.name, p)
	}
	weight := min(max(p.memory(), t.size/maxParallel), t.size)
	if err := t.slot(ctx, a.who, weight); err != nil {
		return false, err
	}
	defer t.slots.Release(weight)
	return p.matches(a.secret) && real, nil
}

// decoyFor returns the hash that a wrong name, or a wrong plain password, is
// checked against for the time it takes. Where users' hashes differ in cost, each
// wrong name costs what one of the users does, and always the same.
func (t *Table) decoyFor(r *roll, name string, p Password) Password {
	if p.plain != nil || len(r.names) == 0 {
		return t.decoy
	}
	sum := t.sum(name, nil)
	n := binary.BigEndian.Uint64(sum[:]) % uint64(len(r.names))
	if like := r.users[r.names[n]].Password; like.plain == nil {
		return like
	}
	return t.decoy
}
