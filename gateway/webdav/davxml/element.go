package davxml

import (
	"encoding/xml"
	"slices"
	"strings"
)

// element is one element with all that is in it.
type element struct {
	whole string // as XML that stands on its own
	text  string // directly in it, without white space around it
}

// capture reads the element that was opened last up to its end. It keeps what
// RFC 4918 §4.3 asks for: names, attributes, text, prefixes, and the xml:lang that
// holds there; namespaces from outside that are used within are declared in it.
func (s *scanner) capture(e event) (element, error) {
	c := capturing{scanner: s, base: len(s.open) - 1}
	attrs := e.attrs
	if lang := s.lang(); lang != "" && s.open[c.base].lang == nil {
		attrs = append(slices.Clip(attrs), xml.Attr{Name: xml.Name{Space: "xml", Local: "lang"}, Value: lang})
	}
	tag := c.tag(s.open[c.base].raw)
	head := c.appendAttrs(nil, attrs)
	if err := c.content(); err != nil {
		return element{}, err
	}
	whole := slices.Concat([]byte("<"+tag), c.declarations(), head)
	if len(c.inner) == 0 {
		whole = append(whole, "/>"...)
	} else {
		whole = append(append(append(whole, '>'), c.inner...), "</"+tag+">"...)
	}
	if s.kept += len(whole); s.kept > keepMax {
		return element{}, ErrTooLarge
	}
	return element{string(whole), strings.TrimSpace(string(c.text))}, nil
}

// lang returns the xml:lang that holds in the element that was opened last.
func (s *scanner) lang() string {
	for _, f := range slices.Backward(s.open) {
		if f.lang != nil {
			return *f.lang
		}
	}
	return ""
}

// capturing is an element on its way into an element.
type capturing struct {
	*scanner
	base   int      // where the element stands among the open ones
	used   []string // prefixes that were declared outside and are used
	inner  []byte
	text   []byte
	opened bool // the last start tag in inner lacks its ">"
}

// content writes all up to the end of the element.
func (c *capturing) content() error {
	for len(c.open) > c.base {
		raw := c.open[len(c.open)-1].raw
		e, err := c.next()
		if err != nil {
			return err
		}
		switch e.kind {
		case start:
			c.begin()
			c.inner = append(append(c.inner, '<'), c.tag(c.open[len(c.open)-1].raw)...)
			c.inner = c.appendAttrs(c.inner, e.attrs)
			c.opened = true
		case end:
			if len(c.open) > c.base {
				c.finish(raw)
			}
		case text:
			c.begin()
			c.inner = AppendText(c.inner, string(e.text))
			if len(c.open) == c.base+1 {
				c.text = append(c.text, e.text...)
			}
		}
		if len(c.inner) > keepMax {
			return ErrTooLarge
		}
	}
	return nil
}

// begin ends the start tag of the element that something comes into.
func (c *capturing) begin() {
	if c.opened {
		c.inner = append(c.inner, '>')
	}
	c.opened = false
}

func (c *capturing) finish(raw xml.Name) {
	if c.opened {
		c.inner = append(c.inner, "/>"...)
	} else {
		c.inner = append(append(append(c.inner, "</"...), qualified(raw.Space, raw.Local)...), '>')
	}
	c.opened = false
}

// tag returns a name as it was written, and takes note of its prefix.
func (c *capturing) tag(raw xml.Name) string {
	c.use(raw, true)
	return qualified(raw.Space, raw.Local)
}

func (c *capturing) use(raw xml.Name, element bool) {
	_, level, _ := c.resolve(raw, element)
	if level >= 0 && level < c.base && !slices.Contains(c.used, raw.Space) {
		c.used = append(c.used, raw.Space)
	}
}

func (c *capturing) appendAttrs(dst []byte, attrs []xml.Attr) []byte {
	for _, a := range attrs {
		if a.Name.Space != "xmlns" {
			c.use(a.Name, false)
		}
		dst = append(append(append(dst, ' '), qualified(a.Name.Space, a.Name.Local)...), `="`...)
		dst = append(AppendAttribute(dst, a.Value), '"')
	}
	return dst
}

// declarations declares what is used and was declared outside. The element itself
// has ended, so that those who declared it are still open.
func (c *capturing) declarations() (dst []byte) {
	for _, prefix := range c.used {
		name, _, _ := c.resolve(xml.Name{Space: prefix, Local: "x"}, true)
		if name.Space == "" {
			continue
		}
		attr := "xmlns"
		if prefix != "" {
			attr = "xmlns:" + prefix
		}
		dst = append(append(append(dst, ' '), attr...), `="`...)
		dst = append(AppendAttribute(dst, name.Space), '"')
	}
	return dst
}
