package link

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode returns data as text: UTF-8, UTF-16 with or without its mark, or else what a
// Western Windows writes.
func decode(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return wide(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return wide(data[2:], binary.BigEndian)
	case len(data) > 3 && data[0] != 0 && data[1] == 0 && data[3] == 0:
		return wide(data, binary.LittleEndian)
	case len(data) > 3 && data[0] == 0 && data[1] != 0 && data[2] == 0:
		return wide(data, binary.BigEndian)
	}
	if utf8.Valid(data) {
		return string(data)
	}
	runes := make([]rune, len(data)) // ISO 8859-1: near enough for an address
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

func wide(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}

// lines yields the lines of a text without what surrounds them; the endings of
// Windows, Unix and the old Macintosh.
func lines(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
		n := 0
		for line := range strings.SplitSeq(text, "\n") {
			if n++; !yield(n, strings.TrimSpace(line)) {
				return
			}
		}
	}
}

// list reads a text with a link on each line. Blank lines and those that begin with #
// or ; are left out. One line that is something else makes it a text like any other.
func list(data []byte) ([]Link, error) {
	var links []Link
	seen := make(map[string]bool)
	web := false
	for n, line := range lines(decode(data)) {
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		kind, isLink := linkLike(line)
		if !isLink {
			return nil, none(fmt.Sprintf("it is a text and no list of links: line %d is no link", n))
		}
		web = web || kind == "http" || kind == "https"
		l := New(line)
		if !seen[l.URL] {
			seen[l.URL] = true
			links = append(links, l)
		}
		if len(links) > LinksMax {
			if !web {
				break
			}
			return nil, fmt.Errorf("it has more than %d links, which is the most; split it into several files", LinksMax)
		}
	}
	if !web {
		return nil, none("it is a text without links")
	}
	return links, nil
}

// linkLike reports whether a line is one word that begins as an address does, and of
// which kind.
func linkLike(line string) (kind string, ok bool) {
	line = strings.Trim(line, `"<>`)
	kind, rest, ok := strings.Cut(line, ":")
	kind = strings.ToLower(kind)
	if !ok || strings.ContainsAny(line, " \t") {
		return "", false
	}
	return kind, strings.HasPrefix(rest, "//") || kind == "data" || kind == "file"
}
