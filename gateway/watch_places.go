package main

import (
	"iter"
	"os"
	"path/filepath"
)

// overlap reports whether one of two paths lies in the other.
func overlap(a, b string) bool { return liesIn(a, b) || liesIn(b, a) }

// liesIn reports whether one clean path is another, or lies below it: by its name, with
// the links on the way followed as far as they lead somewhere now, or because a
// directory on its way is that one by another name: a second mount of it (mount --bind),
// or another spelling where the file system does not tell case or forms of Unicode.
func liesIn(p, dir string) bool {
	p, dir = followed(p), followed(dir)
	rel, err := filepath.Rel(dir, p)
	return err == nil && filepath.IsLocal(rel) || meets(p, dir)
}

// meets reports whether a directory on the way to p is the nearest to dir that is there,
// and what is left of p lies in what is left of dir.
func meets(p, dir string) bool {
	there, left := "", "."
	var known os.FileInfo
	for at, rest := range upwards(dir) {
		if info, err := os.Stat(at); err == nil {
			there, left, known = at, rest, info
			break
		}
	}
	if there == "" {
		return false
	}
	for at, rest := range upwards(p) {
		info, err := os.Stat(at)
		if err != nil || !os.SameFile(info, known) {
			continue
		}
		if rel, err := filepath.Rel(left, rest); err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

// upwards returns p and all directories above it, each with what p is below it.
func upwards(p string) iter.Seq2[string, string] {
	return func(yield func(at, rest string) bool) {
		for at, rest := p, "."; yield(at, rest) && filepath.Dir(at) != at; {
			at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest)
		}
	}
}

// followed returns p with the links in it followed, in as much of it as is there.
func followed(p string) string {
	for at, rest := range upwards(p) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
	}
	return p
}
