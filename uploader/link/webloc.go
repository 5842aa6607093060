package link

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
)

// webloc reads a link of macOS: a property list, in XML or binary, whose dictionary has
// a URL.
func webloc(data []byte) (address string, err error) {
	if bytes.HasPrefix(data, []byte("bplist0")) {
		address, err = binaryURL(data)
	} else {
		address, err = xmlURL(data)
	}
	if err != nil {
		return "", err
	}
	return address, nil
}

var errNoWebloc = errors.New("it is no link of macOS: there is no property list with a URL in it")

// xmlURL returns the string that follows the key URL.
func xmlURL(data []byte) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Strict = false
	last := ""
	for {
		t, err := d.Token()
		if err != nil { // io.EOF too
			return "", errNoWebloc
		}
		start, ok := t.(xml.StartElement)
		if !ok || start.Name.Local != "key" && start.Name.Local != "string" {
			continue
		}
		text, err := content(d)
		if err != nil {
			return "", errNoWebloc
		}
		if start.Name.Local == "string" && last == "URL" {
			return text, nil
		}
		last = text
	}
}

// content returns the text up to the next tag.
func content(d *xml.Decoder) (string, error) {
	var b bytes.Buffer
	for {
		t, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement, xml.StartElement:
			return b.String(), nil
		}
	}
}

// Objects of a binary property list, by the upper half of their first byte.
const (
	bplistASCII = 0x5
	bplistWide  = 0x6 // UTF-16, big endian
	bplistDict  = 0xd
)

// bplist is a binary property list of which only the outermost dictionary is read: so
// nothing in it can refer to itself, or be larger than the file.
type bplist struct {
	data              []byte
	offsets, count    uint64 // of the table of offsets, and how many there are
	offsetSize, width int    // in bytes: of an offset, of a reference to an object
}

// binaryURL returns the value of the key URL.
func binaryURL(data []byte) (string, error) {
	const trailer = 32
	if len(data) < 8+trailer {
		return "", errNoWebloc
	}
	end := data[len(data)-trailer:]
	p := bplist{
		data: data[:len(data)-trailer], offsetSize: int(end[6]), width: int(end[7]),
		count: binary.BigEndian.Uint64(end[8:]), offsets: binary.BigEndian.Uint64(end[24:]),
	}
	kind, n, at, ok := p.object(binary.BigEndian.Uint64(end[16:]))
	if !ok || kind != bplistDict || n > uint64(len(data)) {
		return "", errNoWebloc
	}
	for i := range n {
		key, ok := p.number(at+i*uint64(p.width), p.width)
		if !ok || !p.isURL(key) {
			continue
		}
		if ref, ok := p.number(at+(n+i)*uint64(p.width), p.width); ok {
			if address := p.text(ref); address != "" {
				return address, nil
			}
		}
	}
	return "", errNoWebloc
}

// number returns the big-endian number of size bytes at an offset.
func (p bplist) number(at uint64, size int) (n uint64, ok bool) {
	if size < 1 || size > 8 || at > uint64(len(p.data)) || uint64(len(p.data))-at < uint64(size) {
		return 0, false
	}
	for _, b := range p.data[at:][:size] {
		n = n<<8 | uint64(b)
	}
	return n, true
}

// object returns the kind of an object, its length and where its content begins.
func (p bplist) object(ref uint64) (kind byte, length, at uint64, ok bool) {
	if ref >= p.count || ref > uint64(len(p.data)) {
		return 0, 0, 0, false
	}
	at, ok = p.number(p.offsets+ref*uint64(p.offsetSize), p.offsetSize)
	if !ok || at >= uint64(len(p.data)) {
		return 0, 0, 0, false
	}
	kind, length = p.data[at]>>4, uint64(p.data[at]&15)
	at++
	if length < 15 {
		return kind, length, at, true
	}
	marker, ok := p.number(at, 1) // an integer object with the length
	if !ok || marker>>4 != 1 || marker&15 > 3 {
		return 0, 0, 0, false
	}
	size := 1 << (marker & 15)
	length, ok = p.number(at+1, size)
	return kind, length, at + 1 + uint64(size), ok
}

// isURL reports whether an object is the string URL. It does not look at longer ones: a
// file can have many keys that are one long string.
func (p bplist) isURL(ref uint64) bool {
	_, n, _, ok := p.object(ref)
	return ok && n == uint64(len("URL")) && p.text(ref) == "URL"
}

// text returns a string object; "" where it is none.
func (p bplist) text(ref uint64) string {
	kind, n, at, ok := p.object(ref)
	rest := uint64(len(p.data)) - min(at, uint64(len(p.data)))
	switch {
	case !ok || n > rest:
	case kind == bplistASCII:
		return string(p.data[at:][:n])
	case kind == bplistWide && 2*n <= rest:
		return wide(p.data[at:][:2*n], binary.BigEndian)
	}
	return ""
}
