package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	tokenCache   = 4096
	tokenRecheck = 5 * time.Second // how long a row is believed
	tokenTouch   = time.Minute     // how often its use is noted
)

// Tokens signs people and programs in by secrets. It is safe for concurrent use.
// What it revokes ends at once; what another process revokes, within seconds.
type Tokens struct {
	store TokenStore
	users *Table
	clock func() time.Time

	mu    sync.Mutex
	known *lru[[sha256.Size]byte, knownToken]
	// turn counts revocations: a row that was read before one is not remembered.
	turn int
}

// knownToken is a row that was read lately.
type knownToken struct {
	Token
	until   time.Time // when it is to be read again
	touched time.Time
}

// NewTokens returns the tokens in store of the users of a table. clock nil is
// time.Now.
func NewTokens(store TokenStore, users *Table, clock func() time.Time) *Tokens {
	if clock == nil {
		clock = time.Now
	}
	return &Tokens{store: store, users: users, clock: clock, known: newLRU[[sha256.Size]byte, knownToken](tokenCache)}
}

// Issue makes a token of user's, a name that the table has, and returns its secret,
// which cannot be had again.
func (t *Tokens) Issue(ctx context.Context, user string, g Grant) (secret string, made Token, err error) {
	u, err := t.users.named(user)
	if err != nil {
		return "", Token{}, err
	}
	if err := g.check(u); err != nil {
		return "", Token{}, err
	}
	if g.Own && g.Kind == ProgramToken && u.Rights == Drop {
		return "", Token{}, ErrShared
	}
	if err := t.room(ctx, u.Name, g); err != nil {
		return "", Token{}, err
	}
	prefix := tokenPrefixes[g.Kind]
	secret = prefix + strings.ToLower(rand.Text()+rand.Text())
	made = Token{
		ID: strings.ToLower(rand.Text()[:12]), User: u.Name, Kind: g.Kind, Name: g.Name, Sum: sha256.Sum256([]byte(secret)),
		Folder: g.Folder, Created: t.clock().Round(0),
	}
	if g.Rights != 0 {
		made.Rights = g.Rights.String()
	}
	if g.From.IsValid() {
		made.From = g.From.String()
	}
	if g.Life > 0 {
		made.Expires = made.Created.Add(g.Life)
	}
	if g.Kind == SessionToken || g.Own {
		made.Account = u.Password.tie(secret)
	}
	return secret, made, t.store.Add(ctx, made)
}

// room sees to it that a user may have one more.
func (t *Tokens) room(ctx context.Context, user string, g Grant) error {
	list, err := t.List(ctx, user, g.Kind)
	if err != nil || len(list) < MaxTokens {
		return err
	}
	if g.Kind != SessionToken {
		return &GrantError{fmt.Errorf("%s has %d tokens; revoke one that is not needed any more", user, len(list))}
	}
	slices.SortStableFunc(list, func(a, b Token) int { return b.last().Compare(a.last()) })
	var ended []Token
	all, here, network := 1, 1, Network(g.From)
	for _, k := range list {
		near := k.network() == network
		if all == MaxSessions || near && here == MaxTokens {
			ended = append(ended, k)
			continue
		}
		all++
		if near {
			here++
		}
	}
	if len(ended) == 0 {
		return nil
	}
	return t.revoke(ctx, ended...)
}

// last is when k was used last, or made.
func (k Token) last() time.Time {
	if k.Used.After(k.Created) {
		return k.Used
	}
	return k.Created
}

// network is where k was used last; zero: not known.
func (k Token) network() netip.Prefix {
	a, _ := netip.ParseAddr(k.From) //nolint:errcheck // then it is zero, and so is its network
	return Network(a)
}

// Check returns the user whom a secret of a kind signs in, with the token's rights
// where those are narrower, and the token. Its error is
//
//   - [ErrWrong] where there is no such token, or none of that kind;
//   - [ErrExpired] where the token or the account has ended;
//   - [ErrChanged] where the account is gone, or where the password changed, for a
//     session and for a token that the account made for itself;
//   - the store's, or ctx's, where no answer was found.
func (t *Tokens) Check(ctx context.Context, kind, secret string, from netip.Addr) (User, Token, error) {
	prefix := tokenPrefixes[kind]
	if prefix == "" || !strings.HasPrefix(secret, prefix) || len(secret) != len(prefix)+secretLength {
		return User{}, Token{}, ErrWrong
	}
	k, err := t.find(ctx, sha256.Sum256([]byte(secret)))
	if errors.Is(err, fs.ErrNotExist) || err == nil && k.Kind != kind {
		return User{}, Token{}, ErrWrong
	}
	if err != nil {
		return User{}, Token{}, err
	}
	now := t.clock()
	if !k.Expires.IsZero() && !now.Before(k.Expires) {
		return User{}, Token{}, ErrExpired
	}
	u, err := t.users.named(k.User)
	if err != nil {
		return User{}, Token{}, err
	}
	if len(k.Account) > 0 && subtle.ConstantTimeCompare(k.Account, u.Password.tie(secret)) == 0 {
		return User{}, Token{}, ErrChanged
	}
	if u, err = k.narrow(u); err != nil {
		return User{}, Token{}, err
	}
	t.touch(ctx, k, now, from)
	return u, k, nil
}

// find returns the row of a secret, as it was at most tokenRecheck ago.
func (t *Tokens) find(ctx context.Context, sum [sha256.Size]byte) (Token, error) {
	t.mu.Lock()
	k, ok := t.known.get(sum)
	turn := t.turn
	t.mu.Unlock()
	if ok && t.clock().Before(k.until) {
		return k.Token, nil
	}
	row, err := t.store.Find(ctx, sum)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.known.remove(sum)
	case turn == t.turn:
		touched := row.Used
		if ok && k.touched.After(touched) {
			touched = k.touched
		}
		t.known.put(sum, knownToken{row, t.clock().Add(tokenRecheck), touched})
	}
	return row, err
}

// touch notes a use, once in a while. That it fails does not keep anybody out.
func (t *Tokens) touch(ctx context.Context, k Token, now time.Time, from netip.Addr) {
	t.mu.Lock()
	known, ok := t.known.get(k.Sum)
	due := ok && now.Sub(known.touched) >= tokenTouch
	if due {
		known.touched = now
		t.known.put(k.Sum, known)
	}
	t.mu.Unlock()
	if due {
		text := ""
		if from.IsValid() {
			text = from.String()
		}
		t.store.Touch(ctx, k.ID, now, text) //nolint:errcheck // see above
	}
}

// List returns the tokens of a kind of a user's, the newest first; all users' where
// user is "", and of every kind where kind is "". Those that have ended may be
// among them.
func (t *Tokens) List(ctx context.Context, user, kind string) ([]Token, error) {
	all, err := t.store.List(ctx, user)
	if err != nil {
		return nil, err
	}
	list := all[:0]
	for _, k := range all {
		if kind == "" || k.Kind == kind {
			list = append(list, k)
		}
	}
	return list, nil
}

// Revoke ends the token of user's with an id, of any user where user is "". It is
// fs.ErrNotExist where there is none.
func (t *Tokens) Revoke(ctx context.Context, user, id string) error {
	list, err := t.store.List(ctx, user)
	if err != nil {
		return err
	}
	for _, k := range list {
		if k.ID == id {
			return t.revoke(ctx, k)
		}
	}
	return fmt.Errorf("there is no token %q: %w", id, fs.ErrNotExist)
}

// RevokeSecret ends the token with a secret; no error where there is none.
func (t *Tokens) RevokeSecret(ctx context.Context, secret string) error {
	k, err := t.store.Find(ctx, sha256.Sum256([]byte(secret)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.revoke(ctx, k)
}

// Sweep removes tokens that have ended, and those of users who are not there any
// more: another person may get the name one day.
func (t *Tokens) Sweep(ctx context.Context) error {
	list, err := t.store.List(ctx, "")
	if err != nil {
		return err
	}
	now := t.clock()
	var ended []Token
	for _, k := range list {
		_, err := t.users.named(k.User)
		if errors.Is(err, ErrChanged) || !k.Expires.IsZero() && !now.Before(k.Expires) {
			ended = append(ended, k)
		}
	}
	if len(ended) == 0 {
		return nil
	}
	return t.revoke(ctx, ended...)
}

// revoke ends tokens. Checks that run meanwhile may still be answered from what was
// there.
func (t *Tokens) revoke(ctx context.Context, list ...Token) error {
	ids := make([]string, len(list))
	for i, k := range list {
		ids[i] = k.ID
	}
	err := t.store.Delete(ctx, ids...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn++
	for _, k := range list {
		t.known.remove(k.Sum)
	}
	return err
}

// named returns the user with a name; [ErrChanged] where there is none, and
// [ErrExpired] where the account has ended.
func (t *Table) named(name string) (User, error) {
	t.mu.Lock()
	u, ok := t.roll.users[name]
	t.mu.Unlock()
	switch {
	case !ok:
		return User{}, ErrChanged
	case !u.Expires.IsZero() && !t.clock().Before(u.Expires):
		return User{}, ErrExpired
	}
	return u, nil
}
