// Package pattern matches the paths of files against the paths of routes.
package pattern

import (
	"slices"
	"strings"
	"unicode/utf8"

	"slipway/uploader/route/settings"
	"slipway/vfs"
)

// Pattern says which paths a route takes: "/products/{category}/{rest...}".
//
//  1. {x} stands for one element, whatever it is.
//  2. {x...}, at the end, stands for one or more elements, the file name included.
//  3. Other elements stand for themselves: in the same letters, in whatever
//     Unicode normal form.
type Pattern struct {
	text     string
	elements []element
}

// element is one element of a pattern: a literal in normal form C, or a capture.
type element struct {
	literal string
	capture string
	rest    bool
}

// Parse reads a pattern. Its error says at which character what is wrong
// and what to write instead.
func Parse(s string) (Pattern, error) {
	if !strings.HasPrefix(s, "/") {
		return Pattern{}, settings.Character(s, 0, `a path begins with "/"; write %q`, "/"+s)
	}
	p := Pattern{text: s}
	for start := 1; ; {
		text, tail, more := strings.Cut(s[start:], "/")
		e, err := parseElement(s, start, text)
		if err != nil {
			return Pattern{}, err
		}
		if e.rest && more {
			return Pattern{}, settings.Character(s, start, `"{%s...}" takes all that follows, so it must be last; write "{%s}" for one element`, e.capture, e.capture)
		}
		if e.capture != "" && slices.Contains(p.Captures(), e.capture) {
			return Pattern{}, settings.Character(s, start, `the name %q is there twice; give one of the two another name`, e.capture)
		}
		p.elements = append(p.elements, e)
		if !more {
			return p, nil
		}
		start = len(s) - len(tail)
	}
}

func parseElement(s string, start int, text string) (element, error) {
	switch {
	case text == "" && start == len(s):
		return element{}, settings.Character(s, start, `the path ends with "/"; write %q for everything in that folder`, s+"{rest...}")
	case text == "":
		return element{}, settings.Character(s, start, `an element is empty; write one "/" only`)
	case text == "." || text == "..":
		return element{}, settings.Character(s, start, `%q is not a name; write the path without it`, text)
	case text[0] == '{' && text[len(text)-1] == '}':
		return parseCapture(s, start, text[1:len(text)-1])
	}
	for i, r := range text {
		switch {
		case r == '{' || r == '}':
			return element{}, settings.Character(s, start+i, `braces stand for a whole element; write "{name}" between two slashes`)
		case r == '*' || r == '?':
			return element{}, settings.Character(s, start+i, `%q is no wildcard here; write "{name}" for one element or "{rest...}" for all that follow`, string(r))
		case r == '\\':
			return element{}, settings.Character(s, start+i, `folders are separated by "/"; write it instead of "\"`)
		case r < ' ' || r == 0x7f || r == utf8.RuneError:
			return element{}, settings.Character(s, start+i, `%q cannot be in a name; leave it out`, string(r))
		}
	}
	return element{literal: vfs.Key(text)}, nil
}

func parseCapture(s string, start int, name string) (element, error) {
	bare, rest := strings.CutSuffix(name, "...")
	if bare == "" {
		return element{}, settings.Character(s, start, `a name is missing; write "{name}" for one element or "{rest...}" for all that follow`)
	}
	for i := range len(bare) {
		c := bare[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return element{}, settings.Character(s, start+1+i, `a name between braces is made of letters, digits and "_" and begins with a letter, as in "{category}"`)
		}
	}
	return element{capture: bare, rest: rest}, nil
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Captures returns the names of the captures, in order.
func (p Pattern) Captures() []string {
	var names []string
	for _, e := range p.elements {
		if e.capture != "" {
			names = append(names, e.capture)
		}
	}
	return names
}

// BeginsWith reports whether every path of p begins with the element name.
func (p Pattern) BeginsWith(name string) bool { return p.elements[0].literal == vfs.Key(name) }

// Folder returns the pattern of the folder that files of the route lie in, or
// under, for people: "/inbox/", "/products/{category}/".
func (p Pattern) Folder() string {
	return p.text[:strings.LastIndexByte(p.text, '/')+1]
}

// Match reports whether path, absolute and clean, is one of p's, and what its
// captures stand for, as the path has it.
func (p Pattern) Match(path string) (captures map[string]string, ok bool) {
	if !p.Matches(path) {
		return nil, false
	}
	captures = make(map[string]string, len(p.elements))
	tail := path[1:]
	for _, e := range p.elements {
		if e.rest {
			captures[e.capture] = tail
			break
		}
		var name string
		name, tail, _ = strings.Cut(tail, "/")
		if e.capture != "" {
			captures[e.capture] = name
		}
	}
	return captures, true
}

// Matches is Match without the captures; it allocates nothing for ASCII names.
func (p Pattern) Matches(path string) bool {
	tail, ok := strings.CutPrefix(path, "/")
	if !ok {
		return false
	}
	for i, e := range p.elements {
		if e.rest {
			return tail != ""
		}
		name, next, more := strings.Cut(tail, "/")
		if name == "" || e.literal != "" && name != e.literal && vfs.Key(name) != e.literal {
			return false
		}
		if last := i == len(p.elements)-1; last == more {
			return false
		}
		tail = next
	}
	return true
}

// Below reports whether a path below dir, absolute and clean, can be one of p's.
func (p Pattern) Below(dir string) bool {
	i := 0
	for name := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		switch {
		case name == "":
			continue // the root
		case i < len(p.elements) && p.elements[i].rest:
			return true
		case i >= len(p.elements)-1, p.elements[i].literal != "" && vfs.Key(name) != p.elements[i].literal:
			return false
		}
		i++
	}
	return true
}

// Covers reports whether every path of q is one of p's too.
func (p Pattern) Covers(q Pattern) bool {
	for i, e := range p.elements {
		switch {
		case i == len(q.elements):
			return false
		case e.rest:
			return true
		case q.elements[i].rest, e.literal != "" && e.literal != q.elements[i].literal:
			return false
		}
	}
	return len(p.elements) == len(q.elements)
}
