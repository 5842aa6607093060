package davxml

import "unicode/utf8"

// AppendText appends s to dst as XML text (XML 1.0 §2.4). What XML cannot carry,
// which is most control characters and bytes that are not UTF-8, becomes U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// AppendAttribute appends s to dst as the value of an attribute in double quotes;
// white space in it survives the reader's normalization (XML 1.0 §3.3.3).
func AppendAttribute(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

// Text returns s as [AppendText] writes it.
func Text(s string) string { return string(AppendText(make([]byte, 0, len(s)), s)) }

func appendEscaped(dst []byte, s string, attribute bool) []byte {
	from := 0
	for i := 0; i < len(s); {
		width := 1
		var as string
		if c := s[i]; c < utf8.RuneSelf {
			as = escapeOf(c, attribute)
		} else {
			var r rune
			r, width = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
				as = "\uFFFD"
			}
		}
		if as != "" {
			dst = append(append(dst, s[from:i]...), as...)
			from = i + width
		}
		i += width
	}
	return append(dst, s[from:]...)
}

// escapeOf returns what is written for c; "" for c itself.
func escapeOf(c byte, attribute bool) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#13;"
	}
	if c >= ' ' && c != '"' {
		return ""
	}
	switch {
	case c != '"' && c != '\t' && c != '\n':
		return "\uFFFD"
	case !attribute:
		return ""
	case c == '"':
		return "&#34;"
	case c == '\t':
		return "&#9;"
	}
	return "&#10;"
}

// qualified returns a name as it is written.
func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}
