package davxml

import (
	"encoding/xml"
	"slices"
	"strings"
)

// Propfind is what a PROPFIND asks for (RFC 4918 §14.20).
type Propfind struct {
	// Names asks for the names of all properties, without their values.
	Names bool
	// All asks for all dead properties and those of RFC 4918.
	All bool
	// Props are asked for by name, each once; beside All, in addition.
	Props []xml.Name
}

// ParsePropfind reads the body of a PROPFIND. An empty one asks for all (§9.1).
func ParsePropfind(body []byte) (p Propfind, err error) {
	if len(body) == 0 {
		return Propfind{All: true}, nil
	}
	s := newScanner(body)
	kinds, include := 0, false
	err = s.document("propfind", func(e event) error {
		switch e.name {
		case xml.Name{Space: DAV, Local: "propname"}:
			kinds++
			p.Names = true
		case xml.Name{Space: DAV, Local: "allprop"}:
			kinds++
			p.All = true
		case xml.Name{Space: DAV, Local: "prop"}:
			kinds++
			return s.names(&p.Props)
		case xml.Name{Space: DAV, Local: "include"}:
			include = true
			return s.names(&p.Props)
		}
		return nil
	})
	if err != nil {
		return Propfind{}, err
	}
	if kinds != 1 || include && !p.All {
		return Propfind{}, malformed("it must hold one of prop, propname and allprop, and include with allprop alone")
	}
	return p, nil
}

// names collects the names of the elements in the one that was opened last.
func (s *scanner) names(to *[]xml.Name) error {
	return s.children(func(e event) error {
		if slices.Contains(*to, e.name) {
			return nil
		}
		*to = append(*to, e.name)
		if len(*to) > namesMax || tooLong(e.name) {
			return ErrTooLarge
		}
		return nil
	})
}

func tooLong(n xml.Name) bool { return len(n.Space)+len(n.Local) > nameMax }

// Change is one instruction of a PROPPATCH.
type Change struct {
	Name   xml.Name
	Remove bool
	// Value is the whole element as XML that stands on its own: it declares every
	// namespace that it uses, and keeps the xml:lang that held for it.
	Value string
	// Text is the text directly in the element, without white space around it.
	Text string
}

// ParseUpdate reads the body of a PROPPATCH (RFC 4918 §14.19): its instructions
// in the order of the document, at least one.
func ParseUpdate(body []byte) (changes []Change, err error) {
	s := newScanner(body)
	err = s.document("propertyupdate", func(e event) error {
		remove := e.name.Local == "remove"
		if e.name.Space != DAV || !remove && e.name.Local != "set" {
			return nil
		}
		props := 0
		err := s.children(func(e event) error {
			if e.name != (xml.Name{Space: DAV, Local: "prop"}) {
				return nil
			}
			props++
			return s.changes(remove, &changes)
		})
		if err == nil && props != 1 {
			err = malformed("set and remove must hold one prop")
		}
		return err
	})
	if err == nil && len(changes) == 0 {
		err = malformed("it must set or remove a property")
	}
	if err != nil {
		return nil, err
	}
	return changes, nil
}

func (s *scanner) changes(remove bool, to *[]Change) error {
	return s.children(func(e event) error {
		c := Change{Name: e.name, Remove: remove}
		if len(*to) >= namesMax || tooLong(e.name) {
			return ErrTooLarge
		}
		if !remove {
			value, err := s.capture(e)
			if err != nil {
				return err
			}
			c.Value, c.Text = value.whole, value.text
		}
		*to = append(*to, c)
		return nil
	})
}

// Lock is what a LOCK asks for (RFC 4918 §14.11).
type Lock struct {
	Shared bool // else exclusive
	// Owner is what the owner element holds, as XML in which every element stands
	// on its own; "" if there is none.
	Owner string
}

// ParseLock reads the body of a LOCK.
func ParseLock(body []byte) (Lock, error) {
	var l Lock
	scopes, writes, owners := 0, 0, 0
	s := newScanner(body)
	err := s.document("lockinfo", func(e event) error {
		if e.name.Space != DAV {
			return nil
		}
		switch e.name.Local {
		case "lockscope":
			return s.children(func(e event) error {
				if e.name == (xml.Name{Space: DAV, Local: "shared"}) {
					l.Shared = true
					scopes++
				} else if e.name == (xml.Name{Space: DAV, Local: "exclusive"}) {
					scopes++
				}
				return nil
			})
		case "locktype":
			return s.children(func(e event) error {
				if e.name == (xml.Name{Space: DAV, Local: "write"}) {
					writes++
				}
				return nil
			})
		case "owner":
			owners++
			var err error
			l.Owner, err = s.owner()
			return err
		}
		return nil
	})
	if err != nil {
		return Lock{}, err
	}
	if scopes != 1 || writes != 1 || owners > 1 {
		return Lock{}, malformed("it must be a lockinfo with one lockscope and locktype write")
	}
	return l, nil
}

// owner returns what is in the element that was opened last.
func (s *scanner) owner() (string, error) {
	var b strings.Builder
	for {
		e, err := s.next()
		if err != nil {
			return "", err
		}
		switch e.kind {
		case start:
			child, err := s.capture(e)
			if err != nil {
				return "", err
			}
			b.WriteString(child.whole)
		case text:
			b.WriteString(Text(string(e.text)))
		case end:
			return strings.TrimSpace(b.String()), nil
		}
	}
}
