package settings

import (
	"encoding"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// mismatch reports a value of another type than v's. It does not show the value,
// which may be a secret in the wrong place.
func (d *decoder) mismatch(p path, value any, v reflect.Value) {
	d.fail(p, "%s is %s where %s is expected; write %s", p, kindOf(value), wanted(v), example(p, v))
}

// kindOf says in words what a TOML value is.
func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "text"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a date"
	case []any:
		return "a list"
	case []map[string]any:
		return "a list of tables"
	case map[string]any:
		return "a table"
	}
	return "a value"
}

// wanted says in words what v takes.
func wanted(v reflect.Value) string {
	switch k := v.Kind(); {
	case v.CanAddr() && isText(v):
		return "text"
	case k == reflect.Bool:
		return "true or false"
	case v.CanInt() || v.CanUint():
		return "a whole number"
	case v.CanFloat():
		return "a number"
	case k == reflect.Slice && tabular(v.Type().Elem()):
		return "a list of tables"
	case k == reflect.Slice:
		return "a list"
	case v.Type() == reflect.TypeFor[time.Time]():
		return "a date"
	case tabular(v.Type()):
		return "a table"
	}
	return "text"
}

// isText reports whether v reads text by a method of its own.
func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok && v.Type() != reflect.TypeFor[time.Time]()
}

// tabular reports whether t is written as a table.
func tabular(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	if p.Implements(reflect.TypeFor[Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || t == reflect.TypeFor[time.Time]() {
		return false
	}
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Map
}

// example returns the right form of the setting at p.
func example(p path, v reflect.Value) string {
	name := p.String()
	key := name
	if i := strings.LastIndexByte(name, '.'); i >= 0 && !strings.HasSuffix(name, `"`) {
		key = name[i+1:]
	}
	if v.CanAddr() {
		if e, ok := v.Addr().Interface().(Exampler); ok {
			return key + " = " + e.SettingExample()
		}
	}
	switch {
	case v.Kind() == reflect.Slice && tabular(v.Type().Elem()):
		return "[[" + name + "]] and the keys below it"
	case tabular(v.Type()) && v.Kind() == reflect.Map:
		return "[" + element.ReplaceAllString(name, "") + "] and a name = … on each line below it"
	case tabular(v.Type()):
		return "[" + element.ReplaceAllString(name, "") + "] and the keys below it"
	case v.Kind() == reflect.Slice:
		return key + " = [" + plainExample(v.Type().Elem()) + "]"
	}
	return key + " = " + plainExample(v.Type())
}

// element is what a path says of an array's elements, and a header of TOML does not.
var element = regexp.MustCompile(`\[\d+\]`)

func plainExample(t reflect.Type) string {
	switch k := t.Kind(); {
	case t == reflect.TypeFor[time.Time]():
		return "2030-12-31"
	case k == reflect.Bool:
		return "true"
	case k >= reflect.Int && k <= reflect.Uint64:
		return "5"
	case k == reflect.Float32 || k == reflect.Float64:
		return "0.5"
	case k == reflect.Slice:
		return "[" + plainExample(t.Elem()) + "]"
	}
	return `"…"`
}

// syntaxError says what the parser did not like, in one sentence and an example.
func syntaxError(text, file string, err error) *Error {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return &Error{Place: Place{File: file}, Text: "not valid TOML: " + err.Error()}
	}
	at := Place{File: file, Line: pe.Position.Line, Key: pe.LastKey}
	lines := strings.Split(text, "\n")
	if start := min(pe.Position.Start, len(text)); start > 0 || at.Line <= 1 {
		before := text[:max(start, 0)]
		at.Line = strings.Count(before, "\n") + 1
		at.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	}
	line := lines[min(max(at.Line, 1), len(lines))-1]
	return &Error{Place: at, Text: "not valid TOML: " + masked(pe.Message) + hint(pe.Message, line)}
}

// masked hides quoted stretches of the file in the parser's message but for
// single characters and the names of keys, because they may be part of a secret.
func masked(message string) string {
	message = strings.TrimSuffix(message, ".")
	if strings.HasPrefix(message, "Key '") {
		return strings.ToLower(message[:1]) + message[1:]
	}
	long := regexp.MustCompile(`: '.*'|".{4,}"`)
	return long.ReplaceAllString(message, "“…”")
}

// hint guesses from the line what its writer meant.
func hint(message, line string) string {
	if strings.HasPrefix(message, "Key '") {
		return "; keep one of the two"
	}
	key, value, isKey := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if isKey && QuoteKey(key) != key && !strings.HasPrefix(key, "[") {
		key = "key" // what stands there may be a misplaced secret
	}
	switch {
	case strings.HasPrefix(key, "["):
		return `; a table begins with its name in brackets on a line of its own: [web] or [[route]]`
	case !isKey && strings.Contains(key, ":"):
		return `; a setting is written with an equals sign: key = "…"`
	case !isKey:
		return `; a setting is written key = "…", key = 5, key = true or key = ["…", "…"]`
	case value == "":
		return "; a value is missing: " + key + ` = "…"`
	case strings.HasPrefix(value, "["):
		return "; a list is written " + key + ` = ["…", "…"]`
	case strings.HasPrefix(value, `"`) && strings.Contains(value, `\`):
		return "; a backslash in text is written twice, or the text stands in single quotes: " + key + ` = '…'`
	case strings.HasPrefix(value, "{"):
		return "; an inline table is written " + key + " = { name = 3, other = 7 }"
	}
	return "; text is written in quotes: " + key + ` = "…"`
}
