package ifheader

import (
	"fmt"
	"strings"
)

// conditionsMax is how many conditions a header may have: each may cost a look at
// a file. Clients send one to four.
const conditionsMax = 1000

// Parse reads the value of an If header. Either every list has a resource
// before it or before a list ahead of it, or none has.
func Parse(s string) (Header, error) {
	p := &parser{rest: s}
	var h Header
	resource := ""
	for p.skip(); p.rest != ""; p.skip() {
		if p.rest[0] == '<' {
			if len(h) > 0 && resource == "" {
				return nil, p.fail("a resource after a list without one")
			}
			uri, err := p.uri()
			if err != nil {
				return nil, err
			}
			resource = uri
			p.skip()
		}
		l, err := p.list()
		if err != nil {
			return nil, err
		}
		l.Resource = resource
		h = append(h, l)
	}
	if len(h) == 0 {
		return nil, p.fail("no list")
	}
	return h, nil
}

type parser struct {
	rest  string
	count int // of conditions so far
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("%w: %s", ErrSyntax, what)
}

func (p *parser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *parser) take(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	return ok
}

// list reads "(" 1*Condition ")".
func (p *parser) list() (List, error) {
	var l List
	if !p.take("(") {
		return l, p.fail("a list must begin with (")
	}
	for {
		p.skip()
		if p.take(")") {
			break
		}
		c, err := p.condition()
		if err != nil {
			return l, err
		}
		if p.count++; p.count > conditionsMax {
			return l, p.fail("too many conditions")
		}
		l.Conditions = append(l.Conditions, c)
	}
	if len(l.Conditions) == 0 {
		return l, p.fail("an empty list")
	}
	return l, nil
}

// condition reads ["Not"] ( "<" URI ">" | "[" entity-tag "]" ).
func (p *parser) condition() (c Condition, err error) {
	if len(p.rest) > 3 && strings.EqualFold(p.rest[:3], "not") {
		c.Not = true
		p.rest = p.rest[3:]
		p.skip()
	}
	switch {
	case strings.HasPrefix(p.rest, "<"):
		c.Token, err = p.uri()
	case p.take("["):
		c.ETag, err = p.etag()
	default:
		err = p.fail("neither a token nor an entity tag")
	}
	return c, err
}

// uri reads "<" URI ">".
func (p *parser) uri() (string, error) {
	uri, rest, ok := strings.Cut(p.rest[1:], ">")
	if !ok || uri == "" || strings.ContainsAny(uri, " \t\r\n<") {
		return "", p.fail("a malformed URI")
	}
	p.rest = rest
	return uri, nil
}

// etag reads what follows "[": an entity tag and "]".
func (p *parser) etag() (string, error) {
	p.skip()
	weak := ""
	if p.take("W/") {
		weak = "W/"
	}
	if !p.take(`"`) {
		return "", p.fail("an entity tag without quotes")
	}
	tag, rest, ok := strings.Cut(p.rest, `"`)
	p.rest = rest
	if p.skip(); !ok || !p.take("]") {
		return "", p.fail("an entity tag without an end")
	}
	return weak + `"` + tag + `"`, nil
}
