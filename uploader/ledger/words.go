package ledger

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The search finds uploads by words of their paths, each from its start: "img 2024"
// finds /trip/IMG_20240101.jpg. On SQLite and PostgreSQL alike, and without their
// extensions, that is a table of words by name (words), written off the path of
// commits by [Ledger.Run] with a durable cursor. It only leads to uploads: each is
// compared with its path again, so that old words do no harm, and those that are
// not in the table yet are looked at one by one. A word that thousands of names
// have is not looked up; there the uploads that changed last are read until the
// page is full, which is soon.

const (
	wordsMost = 8    // words of a search
	wordLong  = 24   // runes of a word in the table
	namesMost = 16   // words of one name in the table
	postsMost = 5000 // names of one word in the table, and that are read for one
)

// fold returns s as it is compared.
func fold(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// Kinds of runes in names.
const (
	between = iota
	letter
	digit
	sign // of a script that does not put spaces between words
)

func kindOf(r rune) int {
	switch {
	case r < 0x80:
		switch {
		case 'a' <= r && r <= 'z':
			return letter
		case '0' <= r && r <= '9':
			return digit
		}
		return between
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return sign
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return letter
	case unicode.IsNumber(r):
		return digit
	}
	return between
}

// starts yields each place in folded where a word begins: after what is no word,
// where letters follow digits or the other way, and at every sign. run says that
// it is the first.
func starts(folded string, yield func(at int, run bool) bool) {
	last := between
	for i, r := range folded {
		k := kindOf(r)
		if k != between && (k != last || k == sign) && !yield(i, last == between) {
			return
		}
		last = k
	}
}

// wordAt returns the word that begins at the start of s.
func wordAt(s string) string {
	runes := 0
	for i, r := range s {
		if runes == wordLong || kindOf(r) == between {
			return s[:i]
		}
		runes++
	}
	return s
}

// nameWords returns the words of a name for the table.
func nameWords(name string) (words []string) {
	folded := fold(name)
	for _, runs := range []bool{true, false} { // where there are many, whole ones first
		starts(folded, func(at int, run bool) bool {
			if run == runs {
				words = append(words, wordAt(folded[at:]))
			}
			return true
		})
	}
	words = words[:min(len(words), namesMost)]
	slices.Sort(words)
	return slices.Compact(words)
}

// wordsOf returns the words of a search.
func wordsOf(text string) (words []string) {
	words = strings.FieldsFunc(fold(text), func(r rune) bool { return kindOf(r) == between })
	slices.Sort(words)
	words = slices.Compact(words)
	return words[:min(len(words), wordsMost)]
}

// matches reports whether each of words is in path, from a word's start.
func matches(path string, words []string) bool {
	if len(words) == 0 {
		return true
	}
	folded := fold(path)
	for _, w := range words {
		found := false
		starts(folded, func(at int, _ bool) bool {
			found = strings.HasPrefix(folded[at:], w)
			return !found
		})
		if !found {
			return false
		}
	}
	return true
}

// named is the names that have a word: files by entry, and directories.
type named struct{ files, dirs []int64 }

// byWords reads what the table of words leads to by the rarest word of the search;
// nil where all of them are common.
func (f *finding) byWords(ctx context.Context) (stream, error) {
	var best *named
	for _, w := range f.words {
		n, err := f.named(ctx, w)
		if err != nil {
			return nil, err
		}
		if n != nil && (best == nil || len(n.files)+dirsMost*len(n.dirs) < len(best.files)+dirsMost*len(best.dirs)) {
			best = n
		}
	}
	if best == nil {
		return nil, nil
	}
	dirs := make(map[int64]bool)
	for _, d := range best.dirs {
		below, err := f.l.dirsBelow(ctx, f.tx, d)
		if err != nil {
			return nil, err
		}
		for id := range below {
			if dirs[id] = true; len(dirs) > dirsMost {
				return nil, nil
			}
		}
	}
	behind, known, err := f.behind(ctx)
	if err != nil || !known {
		return nil, err
	}
	if err := f.setBelow(ctx); err != nil {
		return nil, err
	}
	m := &merged{}
	m.add(behind)
	if s, err := f.listed(ctx, "entry", best.files); err != nil {
		return nil, err
	} else {
		m.add(s)
	}
	if len(dirs) == 0 {
		return m, nil
	}
	s, err := f.inDirs(ctx, dirs)
	m.add(s)
	return m, err
}

// named returns the names with a word that begins with w; nil where it is common.
func (f *finding) named(ctx context.Context, w string) (*named, error) {
	w = wordAt(w)
	var common int
	if found, err := optional(f.tx.QueryRow(ctx, "SELECT 1 FROM common_words WHERE word >= $1 AND word < $2 LIMIT 1", w, w+"\U0010FFFF"), &common); found || err != nil {
		return nil, err
	}
	var n named
	rows := 0
	err := each(ctx, f.tx, func(s *sql.Rows) error {
		var id int64
		err := s.Scan(&id)
		if rows++; id < 0 {
			n.dirs = append(n.dirs, -id)
		} else {
			n.files = append(n.files, id)
		}
		return err
	}, "SELECT id FROM words WHERE word >= $1 AND word < $2 LIMIT $3", w, w+"\U0010FFFF", postsMost+1)
	if rows > postsMost || len(n.dirs) > dirsMost/10 {
		return nil, err
	}
	return &n, err
}

// behind gives the uploads that the table of words does not have yet; false where
// these are too many, or directories were renamed.
func (f *finding) behind(ctx context.Context) (s stream, known bool, err error) {
	var entries []int64
	dirs := false
	err = each(ctx, f.tx, func(s *sql.Rows) error {
		var id int64
		err := s.Scan(&id)
		entries, dirs = append(entries, id), dirs || id < 0
		return err
	}, "SELECT id FROM renamed LIMIT $1", postsMost+1)
	if err != nil || dirs || len(entries) > postsMost {
		return nil, false, err
	}
	var fresh []int64
	err = each(ctx, f.tx, func(s *sql.Rows) error {
		var id int64
		err := s.Scan(&id)
		fresh = append(fresh, id)
		return err
	}, "SELECT id FROM uploads WHERE id > (SELECT upload FROM indexed) LIMIT $1", postsMost+1)
	if err != nil || len(fresh) > postsMost {
		return nil, false, err
	}
	m := &merged{}
	for column, ids := range map[string][]int64{"entry": entries, "id": fresh} {
		s, err := f.listed(ctx, column, ids)
		if err != nil {
			return nil, false, err
		}
		m.add(s)
	}
	return m, true, nil
}
