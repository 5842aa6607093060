package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

// MaxPassword is the longest password that is looked at, in bytes.
const MaxPassword = 1024

// maxBcryptCost bounds a check of a foreign hash to about two seconds.
const maxBcryptCost = 15

// Password is what a user's password is checked against: a hash, or the keyed
// sum of a plain value. It holds no plain password and prints as ***. The zero
// Password matches nothing.
type Password struct {
	argon  *argon
	bcrypt []byte
	plain  *plain
}

// plain is a password known in full, kept as its HMAC under a key made of it, by
// which the same one is known again after a reload.
type plain struct {
	key [32]byte
	sum [sha256.Size]byte
}

// String hides the password.
func (Password) String() string { return "***" }

// GoString hides the password.
func (Password) GoString() string { return "***" }

// MarshalText hides the password from encoders.
func (Password) MarshalText() ([]byte, error) { return []byte("***"), nil }

// HashedPassword reads a hash: argon2id as a PHC string, as [Hash] makes it, or
// bcrypt ($2a$, $2b$, $2y$) of a cost up to 15. Parameters out of bounds are an
// error, which never quotes the hash.
func HashedPassword(hash string) (Password, error) {
	switch {
	case strings.HasPrefix(hash, "$argon2id$"):
		a, err := parsePHC(hash)
		if err != nil {
			return Password{}, err
		}
		return Password{argon: &a}, nil
	case strings.HasPrefix(hash, "$2"):
		cost, err := bcrypt.Cost([]byte(hash))
		if err != nil || len(hash) != 60 {
			return Password{}, errors.New("not a bcrypt hash: it is cut or broken")
		}
		if cost > maxBcryptCost {
			return Password{}, fmt.Errorf("a bcrypt hash of cost %d takes too long to check; at most %d is accepted", cost, maxBcryptCost)
		}
		return Password{bcrypt: []byte(hash)}, nil
	}
	return Password{}, errors.New("not a password hash that is known here; make one with `slipway passwd`, or name the plain password with \"env:NAME\" or \"file:PATH\"")
}

// PlainPassword is a password known in full (from "env:" or "file:"). An empty
// one matches nothing.
func PlainPassword(value string) Password {
	if value == "" {
		return Password{}
	}
	p := &plain{key: sha256.Sum256(normal(value))}
	p.sum = p.of(normal(value))
	return Password{plain: p}
}

func (p *plain) of(value []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write(value)
	mac.Sum(sum[:0])
	return sum
}

// IsZero reports whether p was never set, and so matches nothing.
func (p Password) IsZero() bool { return p.argon == nil && p.bcrypt == nil && p.plain == nil }

// matches reports whether password is p's; both go through [normal] first. It
// takes as long for a wrong password as for the right one, but for plain
// passwords, whose caller spends the time of a hash on each wrong one.
func (p Password) matches(password []byte) bool {
	switch {
	case p.argon != nil:
		return subtle.ConstantTimeCompare(p.argon.derive(password), p.argon.key) == 1
	case p.bcrypt != nil:
		return bcrypt.CompareHashAndPassword(p.bcrypt, password) == nil
	case p.plain != nil:
		sum := p.plain.of(password)
		return subtle.ConstantTimeCompare(sum[:], p.plain.sum[:]) == 1
	}
	return false
}

// same reports whether p and q are the same hash, or the same plain password.
func (p Password) same(q Password) bool {
	switch {
	case p.argon != nil && q.argon != nil:
		return p.argon.String() == q.argon.String()
	case p.plain != nil && q.plain != nil:
		return *p.plain == *q.plain
	}
	return p.argon == q.argon && p.plain == q.plain && bytes.Equal(p.bcrypt, q.bcrypt)
}

// memory is what one check takes, in KiB.
func (p Password) memory() int64 {
	if p.argon != nil {
		return int64(p.argon.memory)
	}
	return 64 // bcrypt takes 4 KiB, a plain password nothing.
}

// normal is how passwords are compared: in Unicode form C, so that one typed on
// a Mac matches the same one typed elsewhere (RFC 8265 §4.2).
func normal(password string) []byte { return norm.NFC.Bytes([]byte(password)) }

// Hash returns password's argon2id hash as a PHC string with a fresh salt. An
// empty password, or one of more than [MaxPassword] bytes, is an error.
func Hash(password []byte) (string, error) {
	if len(password) == 0 {
		return "", errors.New("an empty password is not accepted")
	}
	if len(password) > MaxPassword {
		return "", fmt.Errorf("a password of more than %d bytes is not accepted", MaxPassword)
	}
	a := newArgon()
	a.key = a.derive(normal(string(password)))
	return a.String(), nil
}

// newArgon is a hash of today's parameters with a fresh salt and a zero key.
func newArgon() *argon {
	a := &argon{memory: newMemory, time: newTime, threads: newThreads, salt: make([]byte, newSalt), key: make([]byte, newKey)}
	rand.Read(a.salt) //nolint:errcheck // never fails (Go 1.24)
	return a
}

// RandomPassword returns a fresh password of 23 characters in four groups of
// five, "k7m2q-x9w4t-…", of lower-case letters and digits that are hard to
// confuse: 98 bits.
func RandomPassword() string {
	const letters = "23456789abcdefghjkmnpqrstvwxyz" // 30 of them
	var b strings.Builder
	for n := 0; n < 20; {
		var r [1]byte
		rand.Read(r[:])                  //nolint:errcheck // never fails (Go 1.24)
		if int(r[0]) >= 8*len(letters) { // else the first letters would be likelier
			continue
		}
		if n > 0 && n%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[int(r[0])%len(letters)])
		n++
	}
	return b.String()
}
