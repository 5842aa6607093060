// Package settings decodes TOML strictly: whatever a person wrote is either
// understood or named, with its line and what to write instead.
//
// It uses github.com/BurntSushi/toml as the parser and decodes the result itself,
// because that package does not say where an unknown key stands, and knows one
// place only for a key that several tables of an array share. All mistakes of a
// file are reported at once, but for syntax, where the first one ends parsing.
package settings

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Place is where something stands in a file. The zero Place is unknown.
type Place struct {
	File   string
	Line   int    // from 1; 0: not known
	Column int    // in characters, from 1; 0: not known
	Key    string // as people name it: "destination.anh.key", "route[2].title"
}

// String returns "file:line:column", as far as they are known.
func (p Place) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			s += fmt.Sprintf(":%d", p.Column)
		}
	}
	return s
}

// Places tells where the keys of one table stand; "" is the table itself. A
// struct field of this type, tagged `toml:"-"`, is filled in by [Decode].
type Places map[string]Place

// Of returns the place of key, or else of its table, or the zero Place.
func (p Places) Of(key string) Place {
	if at, ok := p[key]; ok {
		return at
	}
	return p[""]
}

// Error is one mistake in a file.
type Error struct {
	Place Place
	// Text is a sentence that says what is wrong and what to write instead. It
	// never holds a value from the file that might be a secret.
	Text string
}

// Error returns the place and the text.
func (e *Error) Error() string {
	if at := e.Place.String(); at != "" {
		return at + ": " + e.Text
	}
	return e.Text
}

// Errors are all mistakes of a file, in the order of its lines.
type Errors []*Error

// Error returns them on a line each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns them as errors.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

// Unmarshaler is a type with a form of its own.
type Unmarshaler interface {
	// UnmarshalSetting takes value, which is a string, int64, float64, bool,
	// time.Time, []any or map[string]any, as written at at. Its error is a
	// sentence without the place, or Errors where it knows the places itself.
	UnmarshalSetting(value any, at Place) error
}

// Exampler is an Unmarshaler, or an encoding.TextUnmarshaler, that shows what its
// value looks like in TOML, such as `"2s"`, for messages.
type Exampler interface{ SettingExample() string }

// Decode decodes text, which is the content of the file called file, into v, a
// pointer to a struct whose keys are its `toml` tags. Keys that the text does not
// have leave their field as it was. The error is Errors; v may then be half
// filled.
//
//  1. A key without a field, or in other letters than the tag, is a mistake.
//  2. A value of another type than the field's is one: a number is not text.
//  3. Values are taken by UnmarshalSetting or UnmarshalText where the field has it.
func Decode(text []byte, file string, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("settings: cannot decode into a %T", v)
	}
	source := withoutMarks(string(text))
	tree := map[string]any{}
	if _, err := toml.Decode(source, &tree); err != nil {
		return Errors{syntaxError(source, file, err)}
	}
	d := decoder{places: locate(source, file), root: target.Elem().Type()}
	d.table(nil, tree, target.Elem())
	if len(d.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(d.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return d.errs
}

// withoutMarks cuts what an editor may have put before the text: byte order
// marks, of which the parser would cut only one.
func withoutMarks(s string) string {
	for _, mark := range []string{"\ufeff", "\xfe\xff", "\xff\xfe"} {
		if rest, ok := strings.CutPrefix(s, mark); ok {
			return withoutMarks(rest)
		}
	}
	return s
}

// Character returns an error about the byte at offset i of s, which it counts in
// characters, as people do: "character 9: …".
func Character(s string, i int, format string, args ...any) error {
	return fmt.Errorf("character %d: %s", utf8.RuneCountInString(s[:i])+1, fmt.Sprintf(format, args...))
}
