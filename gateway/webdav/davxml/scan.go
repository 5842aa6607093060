// Package davxml reads the XML bodies of WebDAV requests (RFC 4918 §14) without
// trusting them: no document type, no entities but XML's own five, bounds on
// depth, number and length, and namespaces as "Namespaces in XML 1.0" has them.
package davxml

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of foreign XML.
const (
	depthMax = 64        // elements within elements
	countMax = 4_000     // elements and attributes of a body
	namesMax = 500       // properties that one request names
	nameMax  = 1 << 10   // bytes of a property's namespace and name
	keepMax  = 256 << 10 // bytes of all values of one request, each standing on its own
)

// Errors that those of this package wrap.
var (
	// ErrMalformed says that a body is not what it must be.
	ErrMalformed = errors.New("the request's body is not what it must be")
	// ErrTooLarge says that a body is beyond what is kept.
	ErrTooLarge = errors.New("the request's body holds too much")
)

// DAV is the namespace of RFC 4918.
const DAV = "DAV:"

const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// scanner reads a document's elements with their namespaces.
type scanner struct {
	d     *xml.Decoder
	open  []frame
	count int  // elements and attributes so far
	begun bool // something but white space was seen
	root  bool // the root element was seen
	kept  int  // bytes captured so far
}

// frame is an element that is open.
type frame struct {
	raw   xml.Name          // as written: Space is the prefix
	bound map[string]string // the namespaces that it declares, by prefix
	lang  *string           // its own xml:lang
}

type kind int

const (
	start kind = iota
	end
	text
	eof
)

// event is one step through a document. Its text is good until the next step.
type event struct {
	kind  kind
	name  xml.Name   // of a start
	attrs []xml.Attr // of a start, as written
	text  []byte
}

func newScanner(body []byte) *scanner {
	s := &scanner{d: xml.NewDecoder(bytes.NewReader(toUTF8(body)))}
	s.d.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		if isUTF16(body) && bytes.EqualFold([]byte(charset), []byte("utf-16")) {
			return input, nil
		}
		return nil, malformed("its encoding must be UTF-8 or UTF-16")
	}
	return s
}

func isUTF16(body []byte) bool {
	return len(body) >= 2 && (body[0] == 0xFE && body[1] == 0xFF || body[0] == 0xFF && body[1] == 0xFE)
}

// toUTF8 removes a byte order mark, and turns UTF-16, which every processor of
// XML must read (XML 1.0 §2.2), into UTF-8.
func toUTF8(body []byte) []byte {
	if !isUTF16(body) {
		return bytes.TrimPrefix(body, []byte("\uFEFF"))
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if body[0] == 0xFE {
		order = binary.BigEndian
	}
	units := make([]uint16, 0, len(body)/2)
	for rest := body[2:]; len(rest) >= 2; rest = rest[2:] {
		units = append(units, order.Uint16(rest))
	}
	return []byte(string(utf16.Decode(units)))
}

// next returns the next event; comments and processing instructions are passed over.
func (s *scanner) next() (event, error) {
	for {
		token, err := s.d.RawToken()
		if errors.Is(err, io.EOF) && len(s.open) == 0 && s.root {
			return event{kind: eof}, nil
		}
		if err != nil {
			return event{}, malformed("it is not well-formed XML")
		}
		e, pass, err := s.event(token)
		s.begun = true
		if err != nil || !pass {
			return e, err
		}
	}
}

func (s *scanner) event(token xml.Token) (e event, pass bool, err error) {
	switch t := token.(type) {
	case xml.StartElement:
		e, err = s.push(t)
		return e, false, err
	case xml.EndElement:
		if n := len(s.open); n == 0 || s.open[n-1].raw != t.Name {
			return e, false, malformed("an end tag does not fit")
		}
		s.open = s.open[:len(s.open)-1]
		return event{kind: end}, false, nil
	case xml.CharData:
		if len(s.open) > 0 {
			return event{kind: text, text: t}, false, nil
		}
		if len(bytes.TrimSpace(t)) > 0 {
			return e, false, malformed("there is text outside its root element")
		}
	case xml.Directive:
		return e, false, malformed("a document type is not taken")
	case xml.ProcInst:
		if t.Target == "xml" && s.begun {
			return e, false, malformed("an XML declaration stands within it")
		}
	}
	return e, true, nil
}

// push opens an element.
func (s *scanner) push(t xml.StartElement) (event, error) {
	s.count += 1 + len(t.Attr)
	switch {
	case len(s.open) == 0 && s.root:
		return event{}, malformed("it has two root elements")
	case len(s.open) >= depthMax || s.count > countMax:
		return event{}, malformed("it is nested too deep, or too long")
	}
	s.root = true
	f := frame{raw: t.Name}
	for _, a := range t.Attr {
		if err := f.declare(a); err != nil {
			return event{}, err
		}
	}
	s.open = append(s.open, f)
	name, _, err := s.resolve(t.Name, true)
	if err == nil {
		err = s.checkAttributes(t.Attr)
	}
	return event{kind: start, name: name, attrs: t.Attr}, err
}

// declare takes note of a namespace or language that an attribute declares.
// A prefix is never undone (Namespaces in XML 1.0 §2.2), and those that begin
// with xml are not rebound (§3).
func (f *frame) declare(a xml.Attr) error {
	prefix := ""
	switch {
	case a.Name.Space == "xml" && a.Name.Local == "lang":
		f.lang = &a.Value
		return nil
	case a.Name.Space == "xmlns":
		prefix = a.Name.Local
		if a.Value == "" || prefix == "xmlns" || (prefix == "xml") != (a.Value == xmlSpace) {
			return malformed("a prefix is declared as it must not be")
		}
	case a.Name.Space == "" && a.Name.Local == "xmlns":
		if a.Value == xmlSpace {
			return malformed("a prefix is declared as it must not be")
		}
	default:
		return nil
	}
	if a.Value == xmlnsSpace {
		return malformed("a prefix is declared as it must not be")
	}
	if f.bound == nil {
		f.bound = map[string]string{}
	}
	f.bound[prefix] = a.Value
	return nil
}

// resolve returns the name that a written one stands for, and which of the open
// elements declares its prefix; -1 for none.
func (s *scanner) resolve(raw xml.Name, element bool) (name xml.Name, level int, err error) {
	first, _ := utf8.DecodeRuneInString(raw.Local)
	if strings.ContainsRune(raw.Local, ':') || strings.ContainsRune("-.·", first) || unicode.IsDigit(first) || unicode.IsMark(first) {
		return name, -1, malformed("a name is not one of XML namespaces (QName, §4 there)")
	}
	switch {
	case raw.Space == "" && !element:
		return raw, -1, nil
	case raw.Space == "xml":
		return xml.Name{Space: xmlSpace, Local: raw.Local}, -1, nil
	}
	for level = len(s.open) - 1; level >= 0; level-- {
		if space, ok := s.open[level].bound[raw.Space]; ok {
			return xml.Name{Space: space, Local: raw.Local}, level, nil
		}
	}
	if raw.Space != "" {
		return name, -1, malformed("a prefix is not declared")
	}
	return raw, -1, nil
}

// checkAttributes refuses undeclared prefixes and attributes that come twice.
func (s *scanner) checkAttributes(attrs []xml.Attr) error {
	var seen map[xml.Name]bool
	if len(attrs) > 1 {
		seen = make(map[xml.Name]bool, len(attrs))
	}
	for _, a := range attrs {
		name := xml.Name{Space: xmlnsSpace, Local: a.Name.Local}
		if a.Name.Space != "xmlns" {
			var err error
			if name, _, err = s.resolve(a.Name, false); err != nil {
				return err
			}
		}
		if seen[name] {
			return malformed("an attribute comes twice")
		}
		if seen != nil {
			seen[name] = true
		}
	}
	return nil
}

// document reads a document whose root element is called root in [DAV], and has
// visit look at each of the elements in it, as children does.
func (s *scanner) document(root string, visit func(event) error) error {
	e, err := s.next()
	for err == nil && e.kind == text {
		e, err = s.next()
	}
	if err != nil {
		return err
	}
	if e.name != (xml.Name{Space: DAV, Local: root}) {
		return malformed("its root element must be " + root)
	}
	if err := s.children(visit); err != nil {
		return err
	}
	_, err = s.next()
	return err
}

// children has visit look at each child element of the one that was opened last,
// up to that one's end. What visit leaves unread of a child is passed over.
func (s *scanner) children(visit func(event) error) error {
	for {
		e, err := s.next()
		if err != nil || e.kind == end {
			return err
		}
		if e.kind != start {
			continue
		}
		depth := len(s.open)
		if err := visit(e); err != nil {
			return err
		}
		for len(s.open) >= depth {
			if _, err := s.next(); err != nil {
				return err
			}
		}
	}
}
