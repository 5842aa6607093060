package metadata

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	rdfSpace = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	xmlSpace = "http://www.w3.org/XML/1998/namespace"
	maxDepth = 64
)

// property is one property of an XMP packet while it is read.
type property struct {
	name  xml.Name
	depth int // of its element
	text  strings.Builder
	items []string
	item  *strings.Builder // the open rdf:li
	main  bool             // the open item is the default language's
	first string           // the default language's text, if there is one
}

// xmp collects the simple and list properties of an XMP packet (ISO 16684-1
// §7.4), up to where it is damaged. Structures are passed over.
func (c *collector) xmp(packet []byte) {
	d := xml.NewDecoder(bytes.NewReader(packet))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var stack []xml.Name
	var p *property
	for c.ctx.Err() == nil {
		token, err := d.Token()
		if err != nil || len(stack) > maxDepth {
			return
		}
		switch t := token.(type) {
		case xml.StartElement:
			stack = append(stack, t.Name)
			if p != nil {
				p.open(t, len(stack))
			} else {
				p = c.element(t, stack)
			}
		case xml.CharData:
			p.write(t, len(stack))
		case xml.EndElement:
			if p != nil && p.close(len(stack)) {
				c.property(p)
				p = nil
			}
			stack = stack[:max(len(stack)-1, 0)]
		}
	}
}

// element collects the attributes of a top-level rdf:Description, and returns
// the property that begins with t, if one does.
func (c *collector) element(t xml.StartElement, stack []xml.Name) *property {
	n := len(stack)
	rdf, description := xml.Name{Space: rdfSpace, Local: "RDF"}, xml.Name{Space: rdfSpace, Local: "Description"}
	switch {
	case n >= 2 && t.Name == description && stack[n-2] == rdf:
		for _, a := range t.Attr {
			if a.Name.Space != rdfSpace && a.Name.Space != "xmlns" && a.Name.Space != xmlSpace && a.Name.Space != "" {
				c.put(xmpKey(a.Name), a.Value)
			}
		}
	case n >= 3 && stack[n-2] == description && stack[n-3] == rdf:
		p := &property{name: t.Name, depth: n}
		for _, a := range t.Attr {
			if a.Name.Space == rdfSpace && a.Name.Local == "resource" {
				p.text.WriteString(a.Value)
			}
		}
		return p
	}
	return nil
}

// property collects one that has been read.
func (c *collector) property(p *property) {
	key := xmpKey(p.name)
	switch {
	case p.first != "":
		c.put(key, p.first)
	case p.items != nil:
		c.list(key, p.items)
	default:
		c.put(key, p.text.String())
	}
}

// xmpKey writes the first letter large, as ExifTool does.
func xmpKey(name xml.Name) string {
	r, n := utf8.DecodeRuneInString(name.Local)
	return "xmp." + string(unicode.ToUpper(r)) + name.Local[n:]
}

// open begins an item where t is the rdf:li of a list.
func (p *property) open(t xml.StartElement, depth int) {
	if depth != p.depth+2 || t.Name.Space != rdfSpace || t.Name.Local != "li" {
		return
	}
	p.item, p.main = &strings.Builder{}, false
	for _, a := range t.Attr {
		p.main = p.main || a.Name.Local == "lang" && a.Value == "x-default"
	}
}

// write takes text of the property itself or of its open item.
func (p *property) write(b []byte, depth int) {
	switch {
	case p == nil:
	case depth == p.depth && p.text.Len() < maxValue:
		p.text.Write(b)
	case p.item != nil && depth == p.depth+2 && p.item.Len() < maxValue:
		p.item.Write(b)
	}
}

// close ends the element at depth, and reports whether that was the property's.
func (p *property) close(depth int) bool {
	if p.item != nil && depth == p.depth+2 {
		if p.main {
			p.first = p.item.String()
		}
		if len(p.items) < maxKeys {
			p.items = append(p.items, p.item.String())
		}
		p.item = nil
	}
	return depth == p.depth
}

// pngXMP collects the XMP packet of a PNG, which is an iTXt chunk (ISO 16684-3
// §1.1.5) that is not compressed.
func pngXMP(c *collector, r io.ReadSeeker) {
	const keyword = "XML:com.adobe.xmp\x00\x00\x00\x00\x00" // and flag, method, two empty languages
	var h [8]byte
	for off := int64(8); ; {
		if _, err := r.Seek(off, io.SeekStart); err != nil {
			return
		}
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return
		}
		n := int64(binary.BigEndian.Uint32(h[:]))
		if string(h[4:]) == "iTXt" && n >= int64(len(keyword)) && n <= maxXMP {
			b := make([]byte, n)
			if _, err := io.ReadFull(r, b); err != nil {
				return
			}
			if packet, ok := bytes.CutPrefix(b, []byte(keyword)); ok {
				c.xmp(packet)
				return
			}
		}
		off += 12 + n
	}
}
