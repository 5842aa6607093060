// Package syntax reads and fills in the templates of custom uploaders, as ShareX
// writes them: "{json:data.link}", "https://{random:a.example|b.example}/{filename}".
//
// A template is text with functions in it. A function has a name in letters of either
// case and arguments, which are templates themselves: {name}, {name:argument|argument}.
// A backslash takes away the meaning of the character behind it. Functions beyond
// ShareX's own are {file:…}, {key:…}, {secret:…} and {first:…}.
package syntax

import (
	"errors"
	"fmt"
	"strings"
)

// Form is how functions are marked in a text.
type Form int

const (
	// Braces is {name:argument|argument}, of ShareX 14 and later, and of TOML.
	Braces Form = iota
	// Dollars is $name:argument|argument$, of ShareX up to 13.7.1. Functions do not
	// nest.
	Dollars
)

// Options say how a text is read.
type Options struct {
	Form Form
	// Data is the text of a body: whatever is no known function stands for itself,
	// braces and backslashes too.
	Data bool
	// Dates fills in ShareX's "%y", "%mo" and so on.
	Dates bool
	// Regexes are what {regex:1} counts, in files of early versions.
	Regexes []string
}

// MaxLength is how many bytes a template may have, and maxDepth how deep functions
// may nest.
const (
	MaxLength = 256 << 10
	maxDepth  = 16
)

// Template is a text that was understood. It never changes; nil is an empty one.
type Template struct {
	parts []part
	file  bool // it has {file:base64}
}

// part is plain text or, where call is not nil, a function's result.
type part struct {
	text string
	call *call
}

// call is one use of a function.
type call struct {
	fn   *function
	args []*Template
	// prepared is what fn made of arguments that are plain text, such as a pattern.
	prepared any
}

// Parse reads text. Errors are meant for the person who wrote it.
func Parse(text string, o Options) (*Template, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("it is longer than %d KiB", MaxLength>>10)
	}
	p := parser{text: text, options: o}
	var t *Template
	var err error
	if o.Form == Dollars {
		t, err = p.dollars()
	} else {
		t, err = p.braces()
	}
	if err != nil {
		return nil, err
	}
	if o.Dates {
		t = t.dated()
	}
	return t, nil
}

// Empty reports whether t is nothing at all.
func (t *Template) Empty() bool { return t == nil || len(t.parts) == 0 }

// HasFile reports whether t has {file:base64}.
func (t *Template) HasFile() bool { return t != nil && t.file }

// Lead returns the plain text that t begins with.
func (t *Template) Lead() string {
	if t.Empty() || t.parts[0].call != nil {
		return ""
	}
	return t.parts[0].text
}

// Use is one function that a template uses.
type Use struct {
	Name string // in lower case, "json"
	Arg  string // its first argument where that is plain text, "data.link"
	// Text is the function as people know it, "{json:data.link}".
	Text string
}

// Uses returns every function of t, nested ones too, each once.
func (t *Template) Uses() []Use {
	var uses []Use
	seen := map[Use]bool{}
	t.walk(func(c *call) {
		u := Use{Name: c.fn.name}
		if len(c.args) > 0 {
			u.Arg, _ = c.args[0].plain()
		}
		if u.Text = c.String(); !seen[u] {
			seen[u] = true
			uses = append(uses, u)
		}
	})
	return uses
}

// Has reports whether t uses the function name; with arg not "", with that argument.
func (t *Template) Has(name, arg string) bool {
	found := false
	t.walk(func(c *call) {
		if c.fn.name != name {
			return
		}
		first := ""
		if len(c.args) > 0 {
			first, _ = c.args[0].plain()
		}
		found = found || arg == "" || strings.EqualFold(first, arg)
	})
	return found
}

// walk visits every call of t, outer ones first.
func (t *Template) walk(visit func(*call)) {
	if t == nil {
		return
	}
	for _, p := range t.parts {
		if p.call == nil {
			continue
		}
		visit(p.call)
		for _, a := range p.call.args {
			a.walk(visit)
		}
	}
}

// Words returns the words of t's plain text, that of arguments too.
func (t *Template) Words() []string {
	if t == nil {
		return nil
	}
	var words []string
	for _, p := range t.parts {
		words = append(words, strings.Fields(p.text)...)
		if p.call == nil || p.call.fn.min > 0 && p.call.fn.from != fromAnywhere {
			continue
		}
		for _, a := range p.call.args {
			words = append(words, a.Words()...)
		}
	}
	return words
}

// plain returns the text of a template without functions.
func (t *Template) plain() (string, bool) {
	switch {
	case t.Empty():
		return "", true
	case len(t.parts) == 1 && t.parts[0].call == nil:
		return t.parts[0].text, true
	}
	return "", false
}

// String returns the template in braces; other files' forms are shown so too.
func (t *Template) String() string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.call != nil {
			b.WriteString(p.call.String())
			continue
		}
		b.WriteString(escape(p.text, `\{}`))
	}
	return b.String()
}

// String returns the call as it is written.
func (c *call) String() string {
	if c.fn.name == dateName {
		text, _ := c.args[0].plain()
		return "%" + text
	}
	var b strings.Builder
	b.WriteString("{" + c.fn.name)
	for i, a := range c.args {
		b.WriteByte(":|"[min(i, 1)])
		for _, p := range a.parts {
			if p.call != nil {
				b.WriteString(p.call.String())
			} else {
				b.WriteString(escape(p.text, `\{}|`))
			}
		}
	}
	return b.String() + "}"
}

// escape puts a backslash before each character of s that is in set.
func escape(s, set string) string {
	if !strings.ContainsAny(s, set) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(set, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// errDepth is the error of templates that nobody wrote by hand.
var errDepth = errors.New("functions are nested too deep")
