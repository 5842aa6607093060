package local

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxName is the longest name in an address, in bytes before escaping.
const maxName = 150

// safeName makes a file's name fit to be the last element of an address and a
// file name on any system. It leaves its own results as they are.
func safeName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		case strings.ContainsRune(`/\:*?"<>|`, r):
			return '-'
		}
		return r
	}, norm.NFC.String(name))
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	name = norm.NFC.String(cut(strings.TrimSuffix(name, ext), maxName-len(ext)) + ext)
	if strings.Trim(name, ". ") == "" {
		return "file"
	}
	return name
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
