package auth

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxName is the longest name of a user, in bytes.
const MaxName = 255

// Rights is what a user may do. The zero value is none of them and refused by
// [New].
type Rights int

const (
	// Full: read, write, rename and delete.
	Full Rights = iota + 1
	// Drop: add files, and see only what was put in the same session.
	Drop
	// Read: look, and change nothing.
	Read
)

var rightsNames = [...]string{Full: "full", Drop: "drop", Read: "read"}

// String returns the word that the configuration uses.
func (r Rights) String() string {
	if r >= Full && int(r) < len(rightsNames) {
		return rightsNames[r]
	}
	return fmt.Sprintf("rights(%d)", int(r))
}

// ParseRights reads "full" (also ""), "drop" or "read".
func ParseRights(s string) (Rights, error) {
	if s == "" {
		return Full, nil
	}
	for r := Full; r <= Read; r++ {
		if s == rightsNames[r] {
			return r, nil
		}
	}
	return 0, fmt.Errorf("rights %q are not known: take full, drop or read", s)
}

// User is one account.
type User struct {
	// Name is what the person signs in with: 1 to [MaxName] bytes without ":" and
	// control characters. It is compared in Unicode form C, upper and lower case
	// differ.
	Name string
	// Home is the folder that the user sees as "/": absolute, "" is "/".
	Home   string
	Rights Rights
	// Expires is when the account ends; zero: never.
	Expires time.Time
	// Quota is how many bytes the user's home may hold; 0: no limit.
	Quota int64
	// RequireTLS refuses the user on a plain connection from another machine.
	RequireTLS bool
	Password   Password
}

// check returns u with its name and home in their normal form.
func (u User) check() (User, error) {
	u.Name = norm.NFC.String(u.Name)
	switch {
	case u.Name == "" || len(u.Name) > MaxName || !utf8.ValidString(u.Name):
		return u, fmt.Errorf("user %q: a name has 1 to %d bytes of UTF-8", u.Name, MaxName)
	case strings.ContainsFunc(u.Name, func(r rune) bool { return r == ':' || unicode.IsControl(r) }):
		return u, fmt.Errorf("user %q: a name holds neither \":\" nor control characters", u.Name)
	case u.Password.IsZero():
		return u, fmt.Errorf("user %q: no password; make a hash of one with `slipway passwd`", u.Name)
	case u.Rights < Full || u.Rights > Read:
		return u, fmt.Errorf("user %q: %v are not known", u.Name, u.Rights)
	case u.Quota < 0:
		return u, fmt.Errorf("user %q: the quota is negative", u.Name)
	}
	if u.Home == "" {
		u.Home = "/"
	}
	if u.Home[0] != '/' {
		return u, fmt.Errorf("user %q: home %q does not begin with /", u.Name, u.Home)
	}
	u.Home = path.Clean(u.Home)
	return u, nil
}

type contextKey struct{}

// NewContext returns ctx with the user who signed in.
func NewContext(ctx context.Context, u User) context.Context {
	return context.WithValue(ctx, contextKey{}, u)
}

// FromContext returns the user who signed in; false where nobody did.
func FromContext(ctx context.Context) (User, bool) {
	u, ok := ctx.Value(contextKey{}).(User)
	return u, ok
}
