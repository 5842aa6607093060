package sxcu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// member is one name of an object and its value, in the file's order.
type member struct {
	name  string
	value any // string, bool, json.Number, nil, []any, []member
}

// object reads the file's object as ShareX's reader does, which takes a byte order
// mark, comments and a comma too many. Keys come in lower case, with their lines.
func object(content []byte) (map[string]any, map[string]int, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return nil, nil, &Error{Text: "it is in UTF-16: save it as UTF-8"}
	}
	if !utf8.Valid(content) {
		return nil, nil, &Error{Text: "it is not in UTF-8: save it as UTF-8"}
	}
	text := relax(content)
	l := &loader{text: text, dec: json.NewDecoder(bytes.NewReader(text)), lines: map[string]int{}}
	l.dec.UseNumber()
	v, err := l.value("", 0)
	if err == nil {
		if _, more := l.dec.Token(); more != io.EOF {
			err = errors.New("something stands behind the closing brace")
		}
	}
	if err != nil {
		return nil, nil, l.explain(err)
	}
	members, ok := v.([]member)
	if !ok {
		return nil, nil, &Error{Line: 1, Text: "a custom uploader begins with { and ends with }"}
	}
	values := map[string]any{}
	for _, m := range members {
		values[strings.ToLower(m.name)] = m.value
	}
	return values, l.lines, nil
}

// relax blanks comments, and commas before a closing bracket. Nothing moves, so that
// lines stay true.
func relax(content []byte) []byte {
	out := bytes.Clone(content)
	comma := -1
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			i = stringEnd(out, i)
			comma = -1
		case c == '/' && i+1 < len(out) && (out[i+1] == '/' || out[i+1] == '*'):
			i = blank(out, i)
		case c == ',':
			comma = i
		case c == '}' || c == ']':
			if comma >= 0 {
				out[comma] = ' '
			}
			comma = -1
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			comma = -1
		}
	}
	return out
}

// stringEnd returns where the string that begins at i ends.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

// blank overwrites the comment that begins at i, and returns its last byte's place.
func blank(b []byte, i int) int {
	end := len(b)
	if b[i+1] == '/' {
		if n := bytes.IndexByte(b[i:], '\n'); n >= 0 {
			end = i + n
		}
	} else if n := bytes.Index(b[i+2:], []byte("*/")); n >= 0 {
		end = i + 2 + n + 2
	}
	for j := i; j < end; j++ {
		if b[j] != '\n' {
			b[j] = ' '
		}
	}
	return end - 1
}

// loader reads tokens and notes the lines of keys.
type loader struct {
	text  []byte
	dec   *json.Decoder
	lines map[string]int
}

// maxDepth is how deep a custom uploader may nest.
const maxDepth = 8

// value reads the next value; path is of the object it stands in.
func (l *loader) value(path string, depth int) (any, error) {
	t, err := l.dec.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errors.New("it is nested too deep")
	}
	switch t {
	case json.Delim('{'):
		return l.members(path, depth)
	case json.Delim('['):
		items := []any{}
		for l.dec.More() {
			v, err := l.value(path, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		_, err := l.dec.Token()
		return items, err
	}
	return t, nil
}

func (l *loader) members(path string, depth int) (any, error) {
	members := []member{}
	for l.dec.More() {
		t, err := l.dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if !ok {
			return nil, errors.New("a name in quotes is expected")
		}
		key := path + strings.ToLower(name)
		l.lines[key] = l.line()
		v, err := l.value(key+"/", depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, v})
	}
	_, err := l.dec.Token()
	return members, err
}

// line returns the line that was read last.
func (l *loader) line() int { return lineOf(l.text, l.dec.InputOffset()) }

func lineOf(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
}

// explain gives a reader's error its line and plain words.
func (l *loader) explain(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at := syntax.Offset - 1
		if last := l.dec.InputOffset(); syntax.Offset == last { // what was read before it
			at = int64(len(l.text)) - int64(len(bytes.TrimLeft(l.text[min(last, int64(len(l.text))):], " \t\r\n")))
		}
		return &Error{lineOf(l.text, at), "this is not JSON: " + syntax.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if len(bytes.TrimSpace(l.text)) == 0 {
			return &Error{Text: "it is empty"}
		}
		return &Error{lineOf(l.text, int64(len(l.text))), "this is not JSON: it ends in its middle"}
	}
	return &Error{l.line(), "this is not JSON: " + err.Error()}
}

// plain returns a value as text, where it is text, a number or a truth value.
func plain(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	}
	return "", false
}
