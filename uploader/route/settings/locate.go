package settings

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// path leads from the top of a file to a value: keys, and "#0", "#1", … for the
// elements of an array. A key that begins with "#" is written "\#".
type path []string

func (p path) key(k string) path {
	if strings.HasPrefix(k, "#") || strings.HasPrefix(k, `\`) {
		k = `\` + k
	}
	return append(p[:len(p):len(p)], k)
}

func (p path) index(i int) path {
	return append(p[:len(p):len(p)], "#"+strconv.Itoa(i))
}

func (p path) id() string { return strings.Join(p, "\x00") }

// String names the value as people do: route[2].at.home.title, from 1.
func (p path) String() string {
	var b strings.Builder
	for i, e := range p {
		if n, ok := strings.CutPrefix(e, "#"); ok {
			at, _ := strconv.Atoi(n)
			b.WriteString("[" + strconv.Itoa(at+1) + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(QuoteKey(strings.TrimPrefix(e, `\`)))
	}
	return b.String()
}

// QuoteKey returns a key as TOML wants it written: in quotes where needed (TOML 1.0, "Keys").
func QuoteKey(k string) string {
	bare := func(r rune) bool {
		return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if k != "" && strings.IndexFunc(k, func(r rune) bool { return !bare(r) }) < 0 {
		return k
	}
	return strconv.Quote(k)
}

// locate returns the place of each key and array element of text, which must be
// valid TOML; of other text it returns what it makes of it.
func locate(text, file string) map[string]Place {
	l := locator{text: text, file: file, line: 1, places: map[string]Place{}, arrays: map[string]int{}}
	for l.skip(" \t\r\n"); l.pos < len(l.text); l.skip(" \t\r\n") {
		start := l.pos
		if l.peek() == '[' {
			l.header()
		} else {
			l.keyValue(l.table)
		}
		if l.pos == start {
			break
		}
	}
	return l.places
}

// locator walks over TOML once.
type locator struct {
	text, file string
	pos        int
	line       int // of pos
	lineStart  int // where that line begins
	table      path
	places     map[string]Place
	arrays     map[string]int // arrays of tables: the index of the last one
}

func (l *locator) peek() byte {
	if l.pos < len(l.text) {
		return l.text[l.pos]
	}
	return 0
}

// to moves to pos, counting lines.
func (l *locator) to(pos int) {
	for i := l.pos; i < pos; i++ {
		if l.text[i] == '\n' {
			l.line, l.lineStart = l.line+1, i+1
		}
	}
	l.pos = pos
}

// skip passes the bytes in set, and comments where set has line ends.
func (l *locator) skip(set string) {
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case strings.IndexByte(set, c) >= 0:
			l.to(l.pos + 1)
		case c == '#' && strings.Contains(set, "\n"):
			l.to(l.until("\n"))
		default:
			return
		}
	}
}

// until returns where the next byte of set is, or the end.
func (l *locator) until(set string) int {
	if i := strings.IndexAny(l.text[l.pos:], set); i >= 0 {
		return l.pos + i
	}
	return len(l.text)
}

func (l *locator) here() Place {
	return Place{File: l.file, Line: l.line, Column: utf8.RuneCountInString(l.text[l.lineStart:l.pos]) + 1}
}

// note gives p the place at, unless it has one.
func (l *locator) note(p path, at Place) {
	if _, ok := l.places[p.id()]; !ok {
		at.Key = p.String()
		l.places[p.id()] = at
	}
}

// header reads [a.b] or [[a.b]] and makes it the table of the keys that follow.
func (l *locator) header() {
	at := l.here()
	l.to(l.pos + 1)
	array := l.peek() == '['
	if array {
		l.to(l.pos + 1)
	}
	keys := l.keys()
	var p path
	for i, k := range keys {
		p = p.key(k)
		if last := i == len(keys)-1; array && last {
			n, seen := l.arrays[p.id()]
			if seen {
				n++
			}
			l.arrays[p.id()] = n
		}
		l.note(p, at)
		if n, ok := l.arrays[p.id()]; ok {
			p = p.index(n)
			l.note(p, at)
		}
	}
	l.table = p
	l.skip(" \t]")
}

// keyValue reads a key, dotted or not, and its value.
func (l *locator) keyValue(table path) {
	at := l.here()
	p := table
	for _, k := range l.keys() {
		p = p.key(k)
		l.note(p, at)
	}
	if l.peek() != '=' {
		return
	}
	l.to(l.pos + 1)
	l.skip(" \t")
	l.value(p)
}

// keys reads the parts of a dotted key and the blanks after it.
func (l *locator) keys() []string {
	var out []string
	for {
		l.skip(" \t")
		switch c := l.peek(); c {
		case '"', '\'':
			start := l.pos
			l.quoted(c)
			out = append(out, unquote(l.text[start:l.pos]))
		default:
			start := l.pos
			l.to(l.until(".=] \t\r\n\"'#"))
			out = append(out, l.text[start:l.pos])
		}
		l.skip(" \t")
		if l.peek() != '.' {
			return out
		}
		l.to(l.pos + 1)
	}
}

// unquote returns what a quoted key says. Escapes that Go and TOML do not share
// leave the key as written, whose place is then that of its table.
func unquote(s string) string {
	if len(s) < 2 {
		return s
	}
	if s[0] == '"' {
		if u, err := strconv.Unquote(s); err == nil {
			return u
		}
	}
	return s[1 : len(s)-1]
}

// value passes one value at p and notes what is inside it.
func (l *locator) value(p path) {
	switch c := l.peek(); c {
	case '"', '\'':
		l.quoted(c)
	case '[':
		l.list(']', func(i int) {
			q := p.index(i)
			l.note(q, l.here())
			l.value(q)
		})
	case '{':
		l.list('}', func(int) { l.keyValue(p) })
	default:
		l.to(l.until(",]}#\r\n"))
	}
}

// list passes a bracketed list, calling item at the start of each.
func (l *locator) list(end byte, item func(i int)) {
	l.to(l.pos + 1)
	for i := 0; ; i++ {
		l.skip(" \t\r\n,")
		if c := l.peek(); c == end || l.pos == len(l.text) {
			l.to(min(l.pos+1, len(l.text)))
			return
		}
		start := l.pos
		item(i)
		if l.pos == start {
			return
		}
	}
}

// quoted passes a string in quotes q, one or three of them.
func (l *locator) quoted(q byte) {
	rest := l.text[l.pos:]
	triple := strings.Repeat(string(q), 3)
	if !strings.HasPrefix(rest, triple) {
		l.to(l.pos + 1 + closing(rest[1:], string(q), q == '"'))
		return
	}
	l.to(l.pos + 3 + closing(rest[3:], triple, q == '"'))
	for extra := 0; l.peek() == q && extra < 2; extra++ { // """a""""" ends with two quotes of its own
		l.to(l.pos + 1)
	}
}

// closing returns the length of s up to and with end, minding escapes.
func closing(s, end string, escapes bool) int {
	for i := 0; i < len(s); i++ {
		if escapes && s[i] == '\\' {
			i++
			continue
		}
		if strings.HasPrefix(s[i:], end) {
			return i + len(end)
		}
	}
	return len(s)
}
