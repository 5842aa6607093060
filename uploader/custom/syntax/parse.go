package syntax

import (
	"fmt"
	"regexp"
	"strings"
)

// parser reads one text.
type parser struct {
	text    string
	pos     int
	options Options
}

// braces reads the whole text in the form {name:argument}. Beyond ShareX it takes a
// brace that begins no function, a closing one and a bar outside of functions as
// themselves: ShareX gives up or drops the rest there.
func (p *parser) braces() (*Template, error) {
	t := &Template{}
	var plain strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '\\' && !p.options.Data && p.pos+1 < len(p.text):
			plain.WriteByte(p.text[p.pos+1])
			p.pos += 2
		case c == '{' && p.begins():
			t.add(&plain)
			if err := p.call(t, 0); err != nil {
				return nil, err
			}
		default:
			plain.WriteByte(c)
			p.pos++
		}
	}
	t.add(&plain)
	return t, nil
}

// begins reports whether a function begins at the brace that p stands on.
func (p *parser) begins() bool {
	rest := p.text[p.pos+1:]
	n := strings.IndexFunc(rest, func(r rune) bool { return !letter(r) })
	if n < 0 {
		n = len(rest)
	}
	if n == 0 {
		return false
	}
	if p.options.Data {
		return n < len(rest) && strings.IndexByte(":|}", rest[n]) >= 0 && known(rest[:n])
	}
	return true
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }

// call reads the function that begins at the brace that p stands on into t.
func (p *parser) call(t *Template, depth int) error {
	if depth >= maxDepth {
		return errDepth
	}
	start := p.pos
	p.pos++
	n := p.pos
	for p.pos < len(p.text) && strings.IndexByte(":|}{", p.text[p.pos]) < 0 {
		p.pos++
	}
	name := p.text[n:p.pos]
	var args []*Template
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case '}':
			p.pos++
			return p.finish(t, name, args, depth)
		case '{':
			return fmt.Errorf("after %q a colon or a closing brace is expected", "{"+name)
		}
		p.pos++
		a, err := p.argument(depth + 1)
		if err != nil {
			return err
		}
		args = append(args, a)
	}
	return fmt.Errorf("%s is not closed: put } at its end, or \\{ for a brace of its own", cut(p.text[start:]))
}

// argument reads up to the bar or brace that ends it.
func (p *parser) argument(depth int) (*Template, error) {
	t := &Template{}
	var plain strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '\\' && p.pos+1 < len(p.text):
			plain.WriteByte(p.text[p.pos+1])
			p.pos += 2
		case c == '}' || c == '|':
			t.add(&plain)
			return t, nil
		case c == '{':
			t.add(&plain)
			if err := p.call(t, depth); err != nil {
				return nil, err
			}
		default:
			plain.WriteByte(c)
			p.pos++
		}
	}
	t.add(&plain)
	return t, nil
}

// add ends a stretch of plain text.
func (t *Template) add(plain *strings.Builder) {
	if plain.Len() > 0 {
		t.parts = append(t.parts, part{text: plain.String()})
		plain.Reset()
	}
}

// finish looks the function up, and adds it to t.
func (p *parser) finish(t *Template, name string, args []*Template, depth int) error {
	fn, err := lookUp(name)
	if err != nil {
		return err
	}
	c := &call{fn: fn, args: args}
	if len(args) < fn.min || len(args) > fn.max {
		return fmt.Errorf("%s has %s", c, fn.arity(len(args)))
	}
	if fn.prepare != nil {
		if err := fn.prepare(c, p.options); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	if c.isFile() {
		if depth > 0 {
			return fmt.Errorf("%s must stand by itself, not inside another function", c)
		}
		if t.file {
			return fmt.Errorf("%s stands there twice", c)
		}
		t.file = true
	}
	t.parts = append(t.parts, part{call: c})
	return nil
}

// dollars reads the whole text in the form $name:argument|argument$.
func (p *parser) dollars() (*Template, error) {
	if p.options.Data {
		return p.dollarData()
	}
	t := &Template{}
	var plain, inner strings.Builder
	within, start := false, 0
	for p.pos = 0; p.pos < len(p.text); p.pos++ {
		c := p.text[p.pos]
		to := &plain
		if within {
			to = &inner
		}
		switch {
		case c == '\\' && p.pos+1 < len(p.text):
			p.pos++
			to.WriteByte(p.text[p.pos])
		case c == '$' && within:
			if err := p.dollar(t, inner.String()); err != nil {
				return nil, err
			}
			within = false
			inner.Reset()
		case c == '$':
			t.add(&plain)
			within, start = true, p.pos
		default:
			to.WriteByte(c)
		}
	}
	if within {
		return nil, fmt.Errorf(`%s is not closed: put $ at its end, or \$ for a dollar`, cut(p.text[start:]))
	}
	t.add(&plain)
	return t, nil
}

// dollarData reads a body, in which only what is surely a function counts.
func (p *parser) dollarData() (*Template, error) {
	t := &Template{}
	var plain strings.Builder
	last := 0
	for _, m := range oldInData.FindAllStringSubmatchIndex(p.text, -1) {
		plain.WriteString(p.text[last:m[0]])
		t.add(&plain)
		if err := p.dollar(t, p.text[m[2]:m[3]]); err != nil {
			return nil, err
		}
		last = m[1]
	}
	plain.WriteString(p.text[last:])
	t.add(&plain)
	return t, nil
}

// oldInData finds functions of the old form in a body.
var oldInData = regexp.MustCompile(`(?i)\$((?:input|filename|(?:file|key|secret|random|base64):[^$]*))\$`)

// groupMark is what parts the number and the group in $regex:1|group$; early versions
// had a comma.
var groupMark = regexp.MustCompile(`^(\d+)[|,](.*)$`)

// dollar adds the function whose text between the dollars is inner. Nothing between
// them is nothing, as in ShareX.
func (p *parser) dollar(t *Template, inner string) error {
	if inner == "" {
		return nil
	}
	name, rest, hasArgs := strings.Cut(inner, ":")
	texts := []string{rest}
	switch strings.ToLower(name) {
	case "random", "select", "prompt", "first", "key", "file":
		texts = strings.Split(rest, "|")
	case "regex":
		if m := groupMark.FindStringSubmatch(rest); m != nil {
			texts = m[1:]
		}
	}
	if !hasArgs {
		texts = nil
	}
	args := make([]*Template, len(texts))
	for i, text := range texts {
		args[i] = literal(text)
	}
	return p.finish(t, name, args, 0)
}

// literal returns a template of plain text.
func literal(text string) *Template {
	t := &Template{}
	if text != "" {
		t.parts = []part{{text: text}}
	}
	return t
}

// cut shortens what messages repeat.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return fmt.Sprintf("%q…", string(r[:40]))
	}
	return fmt.Sprintf("%q", s)
}

// functionIn finds functions that both forms have.
const names = `(?:json|regex|response|responseurl|header|xml|filename|input|random|select|prompt|base64|inputbox|outputbox)`

var (
	inDollars = regexp.MustCompile(`(?i)\$` + names + `(?::[^$]*)?\$`)
	inBraces  = regexp.MustCompile(`(?i)\{` + names + `[:}]`)
)

// FormOf guesses in which form texts are written, where a file does not say: old
// reports whether its version is one that had Dollars.
func FormOf(texts []string, old bool) Form {
	all := strings.Join(texts, "\n")
	d, b := inDollars.MatchString(all), inBraces.MatchString(all)
	if d && (!b || old) || !b && old {
		return Dollars
	}
	return Braces
}
