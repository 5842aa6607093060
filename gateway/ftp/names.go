package ftp

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns name with each byte that is not UTF-8 in hexadecimal, as in
// "%FC": nothing is lost, and what stands in another character set can be told
// apart.
func Escape(name string) string {
	var b strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, "%%%02X", name[0])
		} else {
			b.WriteString(name[:size])
		}
		name = name[size:]
	}
	return b.String()
}

// clean returns the absolute path in the account's tree that the client means by
// name, seen from dir. Each element that is not UTF-8 is decoded by itself, so
// that a path may mix what clients of different kinds have made. ".." never leads
// above the root.
func clean(name, dir string, decode func(string) string) string {
	if !strings.HasPrefix(name, "/") {
		name = dir + "/" + name
	}
	if utf8.ValidString(name) {
		return path.Clean("/" + name)
	}
	elements := strings.Split(name, "/")
	for i, e := range elements {
		if !utf8.ValidString(e) {
			elements[i] = decoded(e, decode)
		}
	}
	return path.Clean("/" + strings.Join(elements, "/"))
}

// decoded is one element in UTF-8. What no character set explains is escaped.
func decoded(element string, decode func(string) string) string {
	s := decode(element)
	bad := func(r rune) bool { return r == utf8.RuneError || r == '/' || unicode.IsControl(r) }
	if !utf8.ValidString(s) || strings.ContainsFunc(s, bad) || s == "" || s == "." || s == ".." {
		return Escape(element)
	}
	return s
}

// listed is an entry whose name cannot break a listing into lines of its own.
type listed struct{ fs.FileInfo }

// Name returns the name with "?" in the place of control characters.
func (l listed) Name() string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, l.FileInfo.Name())
}

// printable makes every entry of infos fit for a listing.
func printable(infos []fs.FileInfo) []fs.FileInfo {
	for i, info := range infos {
		if name := info.Name(); strings.ContainsFunc(name, unicode.IsControl) {
			infos[i] = listed{info}
		}
	}
	return infos
}

// matching returns those of infos whose names match pattern (path.Match), all for
// "" and none for a pattern that is none.
func matching(infos []fs.FileInfo, pattern string) []fs.FileInfo {
	if pattern == "" {
		return infos
	}
	return slices.DeleteFunc(infos, func(info fs.FileInfo) bool {
		ok, err := path.Match(pattern, info.Name())
		return err != nil || !ok
	})
}
