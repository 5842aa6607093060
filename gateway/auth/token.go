package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kinds of a [Token].
const (
	// ProgramToken is what a program sends with each request, for as long as nobody
	// revokes it.
	ProgramToken = "token"
	// SessionToken is what a browser keeps in a cookie. It ends with the account's
	// password.
	SessionToken = "session"
)

// tokenPrefixes begin the secrets, so that people, and programs that look for
// secrets in what is published, know them.
var tokenPrefixes = map[string]string{ProgramToken: "slip_", SessionToken: "slipsession_"}

const (
	// secretLength is how long the rest of a secret is, in letters and digits of base
	// 32: 260 random bits.
	secretLength = 52
	// MaxTokenName is how long the name of a token may be, in bytes.
	MaxTokenName = 100
	// MaxTokens is how many tokens a user may have, and how many sessions from one
	// network: guests of one account do not end each other's. One more session ends
	// the one that was used least lately; one more token is refused.
	MaxTokens = 100
	// MaxSessions is how many sessions a user may have from all networks.
	MaxSessions = 2000
)

// Token is what is kept of a secret that signs a user in. The secret itself is not.
type Token struct {
	ID   string // names it to people
	User string
	Kind string // ProgramToken or SessionToken
	Name string // that people gave it
	// Sum is the secret's SHA-256. It is random in 260 bits, so no slow hash is
	// needed, and finding a row by it tells nothing by its time.
	Sum [sha256.Size]byte
	// Account ties a session, and a token that the account made for itself, to the
	// password that it was begun with.
	Account []byte
	Rights  string // narrower than the user's; "": the user's
	Folder  string // where uploads of unnamed place go; "": where the user's do
	From    string // the address that it was last used from
	Created time.Time
	Used    time.Time // to the minute; zero: never
	Expires time.Time // zero: never
}

// TokenStore keeps tokens. It is safe for concurrent use.
type TokenStore interface {
	// Add keeps a new token.
	Add(ctx context.Context, t Token) error
	// Find returns the token whose secret has the sum; fs.ErrNotExist where there is
	// none.
	Find(ctx context.Context, sum [sha256.Size]byte) (Token, error)
	// List returns those of a user, or all where user is "", the newest first.
	List(ctx context.Context, user string) ([]Token, error)
	// Touch notes a use; no error where the token is gone.
	Touch(ctx context.Context, id string, used time.Time, from string) error
	// Delete removes tokens; those that are not there are no error.
	Delete(ctx context.Context, ids ...string) error
}

// Grant says what token is to be made.
type Grant struct {
	Kind string
	Name string // up to MaxTokenName bytes
	// Rights, where not 0, are what the token may do, where the user may.
	Rights Rights
	Folder string        // see Token
	Life   time.Duration // 0: for ever
	From   netip.Addr
	// Own: the account makes it for itself. Such a token ends with the password that
	// the account has now; one that whoever runs the gateway makes does not.
	Own bool
}

// ErrShared is what those are told who have no tokens of their own.
var ErrShared error = &GrantError{errors.New("this account only adds files and may be shared by many; its tokens are made and ended by whoever runs the gateway, with `slipway token`")}

// MayKeep reports whether a user makes, sees and ends the tokens of the account
// himself. An account that only adds files is a guests' account, and none of them
// is to act for the others: it is [ErrShared].
func (t *Tokens) MayKeep(user string) error {
	u, err := t.users.named(user)
	if err == nil && u.Rights == Drop {
		err = ErrShared
	}
	return err
}

// GrantError says for people why a token cannot be made as it is asked for. Other
// errors of [Tokens.Issue] are not the fault of who asks.
type GrantError struct{ err error }

func (e *GrantError) Error() string { return e.err.Error() }
func (e *GrantError) Unwrap() error { return e.err }

// check finds what is wrong with a token that u asks for: a [GrantError].
func (g *Grant) check(u User) error {
	if err := g.wrong(u); err != nil {
		return &GrantError{err}
	}
	return nil
}

func (g *Grant) wrong(u User) error {
	switch {
	case tokenPrefixes[g.Kind] == "":
		return fmt.Errorf("a token of the kind %q is not known", g.Kind)
	case len(g.Name) > MaxTokenName || !utf8.ValidString(g.Name) || strings.ContainsFunc(g.Name, unicode.IsControl):
		return fmt.Errorf("a token's name has up to %d bytes of UTF-8 and no control characters", MaxTokenName)
	case g.Rights < 0 || g.Rights > Read:
		return fmt.Errorf("%v are not known", g.Rights)
	case g.Rights != 0 && g.Rights != u.Rights && u.Rights != Full:
		return fmt.Errorf("%s has %s rights, and a token cannot have others", u.Name, u.Rights)
	case g.Life < 0:
		return errors.New("a token cannot have ended before it begins")
	case g.Folder != "" && (g.Folder[0] != '/' || path.Clean(g.Folder) != g.Folder || !utf8.ValidString(g.Folder) || strings.ContainsFunc(g.Folder, unicode.IsControl)):
		return fmt.Errorf("the folder %q is no path of one; write it as in /inbox", g.Folder)
	}
	return nil
}

// narrow gives u the token's rights. Those that the user does not have any more are
// [ErrChanged].
func (k Token) narrow(u User) (User, error) {
	if k.Rights == "" {
		return u, nil
	}
	r, err := ParseRights(k.Rights)
	if err != nil || r != u.Rights && u.Rights != Full {
		return User{}, ErrChanged
	}
	u.Rights = r
	return u, nil
}

// tie returns what a secret knows p by again. Without the secret it tells nothing
// of p, nor does it let anybody try passwords.
func (p Password) tie(secret string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	switch {
	case p.argon != nil:
		mac.Write([]byte(p.argon.String()))
	case p.bcrypt != nil:
		mac.Write(p.bcrypt)
	case p.plain != nil:
		mac.Write(p.plain.sum[:])
	}
	return mac.Sum(nil)
}
