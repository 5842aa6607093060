package settings

import (
	"slices"
	"strings"
)

// Nearest returns the one of known that somebody who wrote word most likely
// meant, or "" where none is near: at most one edit in three letters, an edit
// being a letter added, left out, changed, or swapped with its neighbour. Case,
// "-" and "_" make no difference, and the beginning of one word alone is near to it.
func Nearest(word string, known []string) string {
	plain := plainWord(word)
	if plain == "" || len(plain) > 64 {
		return ""
	}
	best, distance := "", max(1, len(plain)/3)+1
	for _, k := range known {
		if d := edits(plain, plainWord(k)); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return best
	}
	return beginning(plain, known)
}

// beginning returns the only one of known that begins with plain, or that plain
// begins with; at least three letters have to agree.
func beginning(plain string, known []string) string {
	found := ""
	for _, k := range known {
		p := plainWord(k)
		if min(len(p), len(plain)) < 3 || !strings.HasPrefix(p, plain) && !strings.HasPrefix(plain, p) {
			continue
		}
		if found != "" {
			return ""
		}
		found = k
	}
	return found
}

func plainWord(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
}

// edits counts the edits between a and b (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}

// Suggest returns a clause for a message about an unknown word: the nearest of
// known, or else all of them.
func Suggest(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return `did you mean "` + near + `"?`
	}
	if len(known) == 0 {
		return "none is known here"
	}
	return "known here: " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}
