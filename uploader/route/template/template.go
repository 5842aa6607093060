// Package template fills text with what a file's path and the picture in it say.
package template

import (
	"slices"
	"strings"
	"unicode"

	"slipway/uploader/route/settings"
)

// Template is text with places for what the path and the picture say:
// "{stem} ({exif.Model|\"unknown camera\"})".
//
//  1. {name} {stem} {ext} {dir} {album} {path} are the file's name, the same
//     without its extension, the extension without its dot, the folder's path,
//     the folder's own name, and the whole path.
//  2. A capture of the route's pattern goes before those.
//  3. {title} {caption} {keywords} and {exif.…} {iptc.…} {xmp.…} are the picture's
//     metadata, and "" where it has none; {companion.title} {companion.caption}
//     {companion.keywords} what files beside it say alone.
//  4. {a|b|"text"} is the first of them that is not empty.
//  5. {{ and }} are single braces.
type Template struct {
	text  string
	parts []part
}

// part is literal text, or alternatives of which the first non-empty one is taken.
type part struct {
	literal string
	choices []choice
}

// choice is a name, or quoted text where name is "".
type choice struct {
	name, quoted string
	at           int // byte offset in the template
}

// ofPath lists the names of rule 1, ofMetadata the plain ones of rule 3.
var (
	ofPath     = []string{"name", "stem", "ext", "dir", "album", "path"}
	ofMetadata = []string{"title", "caption", "keywords"}
)

// Parse reads a template. Its error says at which character what is
// wrong and what to write instead. Names are not judged here, see Check.
func Parse(s string) (Template, error) {
	t := Template{text: s}
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			t.parts = append(t.parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case (c == '{' || c == '}') && i+1 < len(s) && s[i+1] == c:
			literal.WriteByte(c)
			i += 2
		case c == '}':
			return Template{}, settings.Character(s, i, `"}" without "{" before it; write "}}" for a single brace`)
		case c == '{':
			end, choices, err := parsePlace(s, i)
			if err != nil {
				return Template{}, err
			}
			flush()
			t.parts = append(t.parts, part{choices: choices})
			i = end
		default:
			literal.WriteByte(c)
			i++
		}
	}
	flush()
	return t, nil
}

// parsePlace reads what stands in braces from s[start] on and returns where it ends.
func parsePlace(s string, start int) (end int, choices []choice, err error) {
	for i := start + 1; ; {
		for i < len(s) && s[i] == ' ' {
			i++
		}
		c := choice{at: i}
		stop := i
		if i < len(s) && (s[i] == '"' || s[i] == '\'') {
			n := strings.IndexByte(s[i+1:], s[i])
			if n < 0 {
				return 0, nil, settings.Character(s, i, "the quoted text has no end; write the same quote after it")
			}
			c.quoted, stop = s[i+1:i+1+n], i+n+2
		} else {
			for stop < len(s) && isNameByte(s[stop]) {
				stop++
			}
			c.name = s[i:stop]
		}
		for stop < len(s) && s[stop] == ' ' {
			stop++
		}
		if err := placeEnds(s, start, stop, c, i); err != nil {
			return 0, nil, err
		}
		choices = append(choices, c)
		if s[stop] == '}' {
			return stop + 1, choices, nil
		}
		i = stop + 1
	}
}

// placeEnds reports what is wrong with the choice c, which begins at i, or with
// what follows it at stop.
func placeEnds(s string, start, stop int, c choice, i int) error {
	switch {
	case stop == len(s):
		return settings.Character(s, start, `"{" without "}" after it; write "{{" for a single brace`)
	case s[stop] != '}' && s[stop] != '|':
		return settings.Character(s, stop, `%q cannot be in a name; write "{name}", or "{{" for a single brace`, firstRune(s[stop:]))
	case c.name == "" && stop == i:
		return settings.Character(s, i, `a name is missing; write "{name}", or "{{" for a single brace`)
	}
	return nil
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func isNameByte(c byte) bool {
	return c == '_' || c == '.' || c == ':' || c == '-' ||
		c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// String returns the template as it was written.
func (t Template) String() string { return t.text }

// Constant returns the text of a template that has no places, or false.
func (t Template) Constant() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].choices == nil:
		return t.parts[0].literal, true
	}
	return "", false
}

// Check reports the first name that is neither a capture, of the given names,
// nor known otherwise, with the nearest that is.
func (t Template) Check(captures []string) error {
	for _, p := range t.parts {
		for _, c := range p.choices {
			if c.name == "" || slices.Contains(captures, c.name) || slices.Contains(ofPath, c.name) || isMetadata(c.name) {
				continue
			}
			known := slices.Concat(captures, ofPath, ofMetadata)
			hint := settings.Suggest(c.name, known)
			if settings.Nearest(c.name, known) == "" {
				hint += ", and exif.…, iptc.…, xmp.…"
			}
			return settings.Character(t.text, c.at, "unknown name %q; %s", c.name, hint)
		}
	}
	return nil
}

// isMetadata reports whether name is a key of the picture's metadata.
func isMetadata(name string) bool {
	family, field, ok := strings.Cut(name, ".")
	if !ok {
		return slices.Contains(ofMetadata, name)
	}
	if family == "companion" {
		return slices.Contains(ofMetadata, field)
	}
	return field != "" && (family == "exif" || family == "iptc" || family == "xmp")
}

// Render returns the text with each place filled in by lookup, which returns ""
// where there is nothing. Choices are looked up in order up to the first that is
// not empty. Blanks around a value, control characters in it and invalid UTF-8
// are left out.
func (t Template) Render(lookup func(name string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		for _, c := range p.choices {
			value := c.quoted
			if c.name != "" {
				value = clean(lookup(c.name))
			}
			if value != "" {
				b.WriteString(value)
				break
			}
		}
	}
	return b.String()
}

// clean makes a value from a file fit for a form field.
func clean(s string) string {
	drop := func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}
	return strings.TrimSpace(strings.Map(drop, strings.ToValidUTF8(s, "")))
}
