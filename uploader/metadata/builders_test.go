package metadata

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"slipway/uploader/whole/wholetest"
)

// tag is an entry of a directory to be written.
type tag struct {
	id, kind uint16
	count    uint32
	data     []byte
	sub      []tag // the directory that it points to
}

func ascii(id uint16, s string) tag {
	return tag{id: id, kind: 2, count: uint32(len(s) + 1), data: append([]byte(s), 0)}
}

func rational(id uint16, vs ...uint32) tag {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return tag{id: id, kind: 5, count: uint32(len(vs) / 2), data: b}
}

func short(id, v uint16) tag {
	return tag{id: id, kind: 3, count: 1, data: binary.BigEndian.AppendUint16(nil, v)}
}

func raw(id uint16, data []byte) tag {
	return tag{id: id, kind: 7, count: uint32(len(data)), data: data}
}

// tiff writes a big-endian TIFF of one chain of directories.
func tiff(dirs ...[]tag) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08")
	for i, d := range dirs {
		b = directory(b, d)
		if i < len(dirs)-1 {
			at := 8
			for range i {
				at = int(binary.BigEndian.Uint32(b[at+2+12*len(dirs[i]):]))
			}
			binary.BigEndian.PutUint32(b[at+2+12*len(d):], uint32(len(b)))
		}
	}
	return b
}

func directory(b []byte, tags []tag) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tags)))
	b = append(b, make([]byte, 12*len(tags)+4)...)
	for i, t := range tags {
		e := start + 2 + 12*i
		binary.BigEndian.PutUint16(b[e:], t.id)
		if t.sub != nil {
			binary.BigEndian.PutUint16(b[e+2:], 4)
			binary.BigEndian.PutUint32(b[e+4:], 1)
			binary.BigEndian.PutUint32(b[e+8:], uint32(len(b)))
			b = directory(b, t.sub)
			continue
		}
		binary.BigEndian.PutUint16(b[e+2:], t.kind)
		binary.BigEndian.PutUint32(b[e+4:], t.count)
		if len(t.data) <= 4 {
			copy(b[e+8:], t.data)
			continue
		}
		binary.BigEndian.PutUint32(b[e+8:], uint32(len(b)))
		b = append(b, t.data...)
		b = append(b, make([]byte, len(b)%2)...)
	}
	return b
}

// exif is what a camera writes.
func exif() []byte {
	return tiff([]tag{
		ascii(0x10e, "OLYMPUS DIGITAL CAMERA"), ascii(0x10f, "NIKON CORPORATION"), ascii(0x110, "NIKON D850"), short(0x112, 6),
		ascii(0x132, "2027:01:01 00:00:00"),
		{id: 0x8769, sub: []tag{
			rational(0x829a, 10, 2500), rational(0x829d, 28, 10), ascii(0x9003, "2026:11:22 13:14:15"), raw(0x9000, []byte("0232")),
			raw(0x927c, wholetest.Noise(300, 1)), raw(0x9286, []byte("ASCII\x00\x00\x00by hand")), {id: 0x8827, kind: 3, count: 1, data: []byte{1, 144}},
		}},
		{id: 0x14a, sub: []tag{ascii(0x131, "of the raw data")}},
		{id: 0x8825, sub: []tag{
			ascii(1, "S"), rational(2, 33, 1, 51, 1, 30, 1), ascii(3, "E"), rational(4, 151, 1, 12, 1, 0, 1),
		}},
	}, []tag{ascii(0x110, "a preview"), short(0x103, 6)})
}

// iptc writes records of IIM 4.2 in a Photoshop resource block. Each is record,
// number and text.
func iptc(records ...any) []byte {
	var b []byte
	for i := 0; i < len(records); i += 3 {
		s := records[i+2].(string)
		b = append(b, 0x1c, byte(records[i].(int)), byte(records[i+1].(int)))
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	head := binary.BigEndian.AppendUint32([]byte("Photoshop 3.0\x008BIM\x04\x04\x00\x00"), uint32(len(b)))
	return append(append(head, b...), make([]byte, len(b)%2)...)
}

// xmp writes a packet around properties of one rdf:Description.
func xmp(attributes, properties string) string {
	return `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="` + rdfSpace + `">` +
		`<rdf:Description rdf:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"` +
		` xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" ` + attributes + `>` +
		properties + `</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`
}

// jpeg puts segments behind the start of a JPEG.
func jpeg(segments ...[]byte) []byte {
	b := wholetest.JPEG(8, 8, 1)
	return bytes.Join(append(append([][]byte{b[:2]}, segments...), b[2:]), nil)
}

func segment(marker byte, data ...string) []byte {
	n := 2
	for _, d := range data {
		n += len(d)
	}
	b := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(n))
	for _, d := range data {
		b = append(b, d...)
	}
	return b
}

func exifSegment(b []byte) []byte { return segment(0xe1, "Exif\x00\x00", string(b)) }
func iptcSegment(b []byte) []byte { return segment(0xed, string(b)) }
func xmpSegment(s string) []byte  { return segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00", s) }

// png puts chunks behind the header of a PNG.
func png(chunks ...[]byte) []byte {
	b := wholetest.PNG(8, 8, 1)
	return bytes.Join(append(append([][]byte{b[:33]}, chunks...), b[33:]), nil)
}

func pngChunk(kind, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func webp(exif, xmp string) []byte {
	return wholetest.RIFF("WEBP", wholetest.Chunk("VP8X", []byte("\x0c\x00\x00\x00\x07\x00\x00\x07\x00\x00")),
		wholetest.Chunk("VP8L", wholetest.VP8L(8, 8, 1)), wholetest.Chunk("EXIF", []byte(exif)), wholetest.Chunk("XMP ", []byte(xmp)))
}

// heic writes an HEIF file with an Exif and an XMP item.
func heic(exif, xmp string) []byte {
	box, u16, u32 := wholetest.Box, binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	ftyp := box("ftyp", []byte("heic\x00\x00\x00\x00mif1"))
	infe := func(id uint16, rest string) []byte {
		return box("infe", []byte{2, 0, 0, 0}, u16(nil, id), []byte{0, 0}, []byte(rest))
	}
	data := "\x00\x00\x00\x00" + exif
	meta := func(off uint32) []byte {
		loc := func(id uint16, at, n int) []byte {
			return u32(u32(append(u16(nil, id), 0, 0, 0, 1), off+uint32(at)), uint32(n))
		}
		return box("meta", make([]byte, 4),
			box("iinf", make([]byte, 4), u16(nil, 2), infe(1, "Exif\x00"), infe(2, "mime\x00application/rdf+xml\x00")),
			box("iloc", make([]byte, 4), []byte{0x44, 0x00, 0, 2}, loc(1, 0, len(data)), loc(2, len(data), len(xmp))))
	}
	off := len(ftyp) + len(meta(0)) + 8
	return bytes.Join([][]byte{ftyp, meta(uint32(off)), box("mdat", []byte(data+xmp))}, nil)
}
