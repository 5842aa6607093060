package index_test

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// TestTokens: rows come back as they were kept, by the sum of their secret and by
// their user, and are gone when they were removed.
func TestTokens(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		ctx := t.Context()
		s := index.Tokens{DB: indextest.Open(t, source)}
		made := time.Unix(1_800_000_000, 123456789)
		a := index.Token{ID: "a", User: "anna", Kind: "token", Name: "ShareX", Sum: sha256.Sum256([]byte("a")), Rights: "drop", Folder: "/in", From: "192.0.2.1", Created: made}
		b := index.Token{ID: "b", User: "anna", Kind: "session", Sum: sha256.Sum256([]byte("b")), Account: []byte("tied"), Created: made.Add(time.Second), Used: made, Expires: made.Add(time.Hour)}
		c := index.Token{ID: "c", User: "ben", Kind: "token", Sum: sha256.Sum256([]byte("c")), Created: made}
		for _, k := range []index.Token{a, b, c} {
			if err := s.Add(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Add(ctx, index.Token{ID: "d", Sum: a.Sum}); err == nil {
			t.Error("two tokens have the same secret")
		}
		a.Used, a.From = made.Add(time.Minute), "192.0.2.2"
		if err := errors.Join(s.Touch(ctx, "a", a.Used, a.From), s.Touch(ctx, "none", made, "")); err != nil {
			t.Fatal(err)
		}
		for _, want := range []index.Token{a, b, c} {
			if got, err := s.Find(ctx, want.Sum); err != nil || !cmp.Equal(got, want) {
				t.Errorf("%v: %s", err, cmp.Diff(want, got))
			}
		}
		if _, err := s.Find(ctx, sha256.Sum256(nil)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a secret that nobody has: %v", err)
		}
		wantTokens(t, s, "anna", b, a)
		if err := s.Delete(ctx, "a", "none"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Find(ctx, a.Sum); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a token that was removed: %v", err)
		}
		wantTokens(t, s, "anna", b)
		wantTokens(t, s, "", b, c)
	})
}

func wantTokens(t *testing.T, s index.Tokens, user string, want ...index.Token) {
	t.Helper()
	got, err := s.List(t.Context(), user)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("tokens of %q: %v: %s", user, err, cmp.Diff(want, got))
	}
}
