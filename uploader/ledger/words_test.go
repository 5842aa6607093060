package ledger

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNameWords(t *testing.T) {
	for name, want := range map[string]string{
		"IMG_20240101.jpg":              "20240101 img jpg",
		"DSC0002.JPG":                   "0002 dsc0002 jpg",
		"Élan":                          "élan",
		"E\u0301lan":                    "élan",
		"日本語":                           "日本語 本語 語",
		"---":                           "",
		strings.Repeat("x", 100):        strings.Repeat("x", 24),
		"\xff\xfea":                     "a",
		strings.Repeat("a1", 30) + ".z": "",
	} {
		got := strings.Join(nameWords(name), " ")
		if want == "" && name != "---" {
			if n := len(nameWords(name)); n == 0 || n > namesMost || !slices.Contains(nameWords(name), "z") {
				t.Errorf("%q: %s", name, got)
			}
		} else if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// FuzzWords: every word that the table has of a name is one that the search finds
// the name by, and what is looked for leads to nothing that cannot be stored.
func FuzzWords(f *testing.F) {
	f.Add("IMG_20240101.jpg", "img 2024")
	f.Add("Ǆ\u0301İ/日本1a", "i̇")
	f.Fuzz(func(t *testing.T, name, text string) {
		words := nameWords(name)
		if len(words) > namesMost {
			t.Fatalf("%d words", len(words))
		}
		for _, w := range words {
			if !matches("/x/"+name, []string{w}) {
				t.Errorf("%q does not find %q", w, name)
			}
			if !utf8.ValidString(w) && utf8.ValidString(name) {
				t.Errorf("%q of %q", w, name)
			}
		}
		for _, w := range wordsOf(text) {
			if w == "" || wordAt(w) == "" {
				t.Errorf("an empty word of %q", text)
			}
			if matches(name, []string{w}) && len(words) < namesMost && !slices.ContainsFunc(words, func(have string) bool { return strings.HasPrefix(have, wordAt(w)) }) {
				t.Errorf("%q is found by %q, which the table does not have: %q", name, w, words)
			}
		}
	})
}

// FuzzCursor: a cursor is either exactly what Find gave out, or refused.
func FuzzCursor(f *testing.F) {
	f.Add("1.2")
	f.Add("-1y2p0ij32e8e8.1y2p0ij32e8e7")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePlace(s)
		if err == nil && s != "" && p.String() != s {
			t.Errorf("%q is read as %v", s, p)
		}
	})
}
