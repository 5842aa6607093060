package link

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
)

// value returns the first value of a key in a section of an INI file, as Windows and
// the Desktop Entry Specification write them; names are compared without case.
func value(text, section, key string) (string, bool) {
	in := false
	for _, line := range lines(text) {
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ = strings.Cut(name, "]")
			in = strings.EqualFold(strings.TrimSpace(name), section)
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if in && ok && strings.EqualFold(strings.TrimSpace(k), key) {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}

// shortcut reads an Internet shortcut of Windows. Its section InternetShortcut.W, in
// UTF-7, is there for addresses that the other one cannot have whole.
func shortcut(data []byte) (string, error) {
	text := decode(data)
	if v, ok := value(text, "InternetShortcut.W", "URL"); ok {
		if address, ok := utf7(v); ok && New(address).Err == nil {
			return address, nil
		}
	}
	if v, ok := value(text, "InternetShortcut", "URL"); ok {
		return v, nil
	}
	return "", errors.New("it is no Internet shortcut: there is no URL in a section [InternetShortcut]")
}

// desktop reads a link of a Linux desktop (Desktop Entry Specification, Type=Link).
func desktop(data []byte) (string, error) {
	text := decode(data)
	kind, ok := value(text, "Desktop Entry", "Type")
	switch {
	case !ok:
		return "", errors.New("it is no desktop entry: there is no Type in a section [Desktop Entry]")
	case !strings.EqualFold(kind, "Link"):
		return "", none("it is a desktop entry, but no link")
	}
	for _, key := range []string{"URL", "URL[$e]"} { // the second is how KDE writes it
		if v, ok := value(text, "Desktop Entry", key); ok {
			return v, nil
		}
	}
	return "", errors.New("it is a desktop entry of a link, but has no URL")
}

// utf7 decodes UTF-7 (RFC 2152); false where it is none.
func utf7(s string) (string, bool) {
	var b strings.Builder
	for s != "" {
		plain, rest, more := strings.Cut(s, "+")
		b.WriteString(plain)
		if !more {
			break
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return !isBase64(r) })
		if n < 0 {
			n = len(rest)
		}
		run := rest[:n]
		s = strings.TrimPrefix(rest[n:], "-")
		if run == "" {
			b.WriteByte('+')
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(run)
		if err != nil {
			return "", false
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(raw[2*i:])
		}
		b.WriteString(string(utf16.Decode(units)))
	}
	return b.String(), true
}

func isBase64(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '+' || r == '/'
}
