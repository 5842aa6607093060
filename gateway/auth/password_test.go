package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// cheap is a hash of password that takes no time to check.
func cheap(password string) Password {
	a := argon{memory: 8, time: 1, threads: 1, salt: []byte("saltsalt"), key: make([]byte, 16)}
	a.key = a.derive(normal(password))
	return Password{argon: &a}
}

func TestHash(t *testing.T) {
	hash, err := Hash([]byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=3,p=1$") {
		t.Errorf("hash %q does not name today's parameters", hash)
	}
	if err := verify(hash, []byte("correct horse")); err != nil {
		t.Errorf("the right password: %v", err)
	}
	if err := verify(hash, []byte("correct hors")); !errors.Is(err, ErrWrong) {
		t.Errorf("a wrong password: %v", err)
	}
	if again, _ := Hash([]byte("correct horse")); again == hash {
		t.Error("two hashes have the same salt")
	}
	for _, bad := range []string{"", strings.Repeat("x", MaxPassword+1)} {
		if _, err := Hash([]byte(bad)); err == nil {
			t.Errorf("a password of %d bytes is accepted", len(bad))
		}
	}
}

// Hashes that other programs made work here; the argon2id one is a vector of the
// reference implementation's own tests.
func TestForeignHashes(t *testing.T) {
	const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	if err := verify(reference, []byte("password")); err != nil {
		t.Errorf("argon2id: %v", err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("password"), 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		foreign := prefix + string(hash[4:])
		if err := verify(foreign, []byte("password")); err != nil {
			t.Errorf("bcrypt %s: %v", prefix, err)
		}
		if err := verify(foreign, []byte("Password")); !errors.Is(err, ErrWrong) {
			t.Errorf("bcrypt %s, wrong password: %v", prefix, err)
		}
	}
}

func TestBadHashes(t *testing.T) {
	const salt, key = "c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	for _, bad := range []string{
		"", "secret", "$", "$argon2id$", "$argon2i$v=19$m=256,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=256,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=256,t=2$" + salt + "$" + key,
		"$argon2id$v=19$t=2,m=256,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=0256,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=+256,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65537,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=256,t=33,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=256,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=256,t=2,p=17$" + salt + "$" + key,
		"$argon2id$v=19$m=8,t=2,p=2$" + salt + "$" + key,
		"$argon2id$v=19$m=256,t=2,p=1$c2FsdA$" + key,
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$nf65",
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + key + "=",
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + key + "$",
		"$2y$05$short", "$2y$31$" + strings.Repeat("a", 53), "$2y$04$" + strings.Repeat("a", 52),
	} {
		p, err := HashedPassword(bad)
		if err == nil {
			t.Errorf("%q is accepted", bad)
			continue
		}
		if !p.IsZero() || (strings.Contains(err.Error(), key)) {
			t.Errorf("%q: password %#v, error %v", bad, p, err)
		}
	}
}

func TestPlainPassword(t *testing.T) {
	p := PlainPassword("geheim")
	if !p.matches(normal("geheim")) || p.matches(normal("Geheim")) || p.matches(normal("")) {
		t.Error("a plain password does not match itself alone")
	}
	if empty := PlainPassword(""); !empty.IsZero() || empty.matches(nil) || (Password{}).matches(nil) {
		t.Error("an empty password matches")
	}
}

func TestPasswordsMatchInAnyUnicodeForm(t *testing.T) {
	const composed, decomposed = "caf\u00e9", "cafe\u0301"
	hash, err := Hash([]byte(decomposed))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(hash, []byte(composed)); err != nil {
		t.Error(err)
	}
	if !PlainPassword(decomposed).matches(normal(composed)) {
		t.Error("a plain password does not")
	}
}

func TestPasswordsPrintAsStars(t *testing.T) {
	text, err := json.Marshal(struct{ P Password }{PlainPassword("geheim")})
	if err != nil {
		t.Fatal(err)
	}
	u := User{Password: cheap("geheim")}
	for _, s := range []string{string(text), fmt.Sprintf("%v %+v %#v %s", u.Password, u.Password, u.Password, u.Password), fmt.Sprintf("%+v", u)} {
		if !strings.Contains(s, "***") || strings.Contains(s, "argon{") || strings.Contains(s, "salt") {
			t.Errorf("printed as %s", s)
		}
	}
}

func TestRandomPassword(t *testing.T) {
	form := regexp.MustCompile(`^([2-9a-hjkmnp-z]{5}-){3}[2-9a-hjkmnp-z]{5}$`)
	seen := map[rune]bool{}
	for range 200 {
		p := RandomPassword()
		if !form.MatchString(p) {
			t.Fatalf("%q", p)
		}
		for _, r := range p {
			seen[r] = true
		}
	}
	if len(seen) != 31 { // 30 letters and the hyphen
		t.Errorf("%d letters of 31 in use", len(seen))
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add(newArgon().String())
	f.Add("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parsePHC(s)
		if err != nil {
			return
		}
		if a.String() != s {
			t.Errorf("%q is read as %q", s, a.String())
		}
		if a.memory > maxMemory || a.time > maxTime || a.threads > maxThreads || a.threads == 0 || a.time == 0 {
			t.Errorf("%q asks for too much", s)
		}
	})
}

// verify checks password against a hash that [HashedPassword] accepts: nil where
// it matches, [ErrWrong] where it does not, another error where the hash is broken.
func verify(hash string, password []byte) error {
	p, err := HashedPassword(hash)
	if err != nil {
		return err
	}
	if len(password) > MaxPassword || !p.matches(normal(string(password))) {
		return ErrWrong
	}
	return nil
}
