package film

import (
	"bytes"
	"encoding/binary"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
)

// extent is a stretch of the file.
type extent struct{ off, size int64 }

// items deals with the meta box of a picture (ISO/IEC 14496-12 §8.11): its Exif and
// XMP are items, whose bytes are overwritten where they lie.
func (w *walk) items(b box) error {
	children, err := w.metaChildren(b)
	if err != nil {
		return err
	}
	kinds, places := map[uint32]string{}, map[uint32][]extent{}
	data := box{in: -1}
	for _, c := range children {
		if c.kind == "idat" {
			data = c
		}
	}
	for _, c := range children {
		switch c.kind {
		case "iinf":
			kinds, err = w.infos(c)
		case "iloc":
			places, err = w.locations(c, data)
		case "uuid":
			err = w.uuid(c)
		case "free", "skip":
			err = w.free(c)
		case "xml ", "bxml":
			err = problem("it has metadata in a form of its own")
		}
		if err != nil {
			return err
		}
	}
	for id, kind := range kinds {
		if err := w.item(kind, places[id]); err != nil {
			return err
		}
	}
	return nil
}

// Kinds of items, by what is to become of them.
const (
	itemExif = "Exif"
	itemXMP  = "application/rdf+xml"
)

// infos reads which items hold metadata (ItemInfoEntry, §8.11.6).
func (w *walk) infos(b box) (map[uint32]string, error) {
	v, err := w.bytes(b.in, min(8, b.end-b.in))
	if err != nil {
		return nil, err
	}
	if len(v) < 8 {
		return nil, problem("its boxes are damaged at byte %d", b.off)
	}
	in := b.in + 6
	if v[0] != 0 {
		in = b.in + 8
	}
	entries, err := w.children(in, b.end)
	if err != nil {
		return nil, err
	}
	kinds := make(map[uint32]string)
	for _, e := range entries {
		h, err := w.bytes(e.in, min(e.end-e.in, 4096))
		if err != nil {
			return nil, err
		}
		if len(h) < 12 || e.kind != "infe" || h[0] < 2 || h[0] > 3 {
			return nil, problem("it lists its items in a way that is not known")
		}
		id, rest := uint32(binary.BigEndian.Uint16(h[4:])), h[6:]
		if h[0] == 3 {
			id, rest = binary.BigEndian.Uint32(h[4:]), h[8:]
		}
		if len(rest) < 6 {
			return nil, problem("its boxes are damaged at byte %d", e.off)
		}
		switch kind := string(rest[2:6]); kind {
		case "Exif":
			kinds[id] = itemExif
		case "mime":
			_, content, _ := bytes.Cut(rest[6:], []byte{0}) // behind the item's name
			content, encoding, _ := bytes.Cut(content, []byte{0})
			if kinds[id] = string(content); len(bytes.TrimRight(encoding, "\x00")) > 0 {
				kinds[id] = "encoded"
			}
		case "uri ":
			kinds[id] = kind
		}
	}
	return kinds, nil
}

// cursor reads numbers of a box one after the other.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) number(n int) int64 {
	if len(c.b) < n {
		c.short = true
		return 0
	}
	v := uint64(0)
	for _, d := range c.b[:n] {
		v = v<<8 | uint64(d)
	}
	c.b = c.b[n:]
	return int64(min(v, 1<<62))
}

// locations reads where items lie (§8.11.3). data is the idat box.
func (w *walk) locations(b box, data box) (map[uint32][]extent, error) {
	content, err := w.bytes(b.in, b.end-b.in)
	if err != nil {
		return nil, err
	}
	c := &cursor{b: content}
	version := c.number(1)
	c.number(3)
	sizes := c.number(2)
	offsetSize, lengthSize, baseSize, indexSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		indexSize = 0
	}
	if version > 2 || max(offsetSize, lengthSize, baseSize, indexSize) > 8 {
		return nil, problem("it says where its items lie in a way that is not known")
	}
	idSize := 2
	if version == 2 {
		idSize = 4
	}
	places, total := make(map[uint32][]extent), 0
	for range c.number(idSize) {
		id, method := uint32(c.number(idSize)), int64(0)
		if version > 0 {
			method = c.number(2) & 15
		}
		reference, base := c.number(2), c.number(baseSize)
		var extents []extent
		for range c.number(2) {
			if total++; total > maxExtents { // one whose numbers have no bytes takes none in the file
				return nil, problem("its items lie in more pieces than are looked through")
			}
			c.number(indexSize)
			e := extent{base + c.number(offsetSize), c.number(lengthSize)}
			if c.short {
				return nil, problem("its boxes are damaged at byte %d", b.off)
			}
			extents = append(extents, w.placed(e, method, reference, data))
		}
		if c.short {
			return nil, problem("its boxes are damaged at byte %d", b.off)
		}
		places[id] = extents
	}
	return places, nil
}

// placed returns an extent's place in the file; one that is not in it has the offset
// -1. A length of 0 is all there is.
func (w *walk) placed(e extent, method, reference int64, data box) extent {
	end := w.size
	switch {
	case reference != 0 || method > 1 || method == 1 && data.in < 0:
		return extent{off: -1}
	case method == 1:
		e.off, end = e.off+data.in, data.end
	}
	if e.off > end {
		return extent{off: -1}
	}
	if e.size == 0 {
		e.size = end - e.off
	}
	if e.size > end-e.off {
		return extent{off: -1}
	}
	return e
}

// item overwrites an item of metadata.
func (w *walk) item(kind string, extents []extent) error {
	var all []byte
	for _, e := range extents {
		b, err := w.bytes(e.off, e.size)
		if err != nil {
			return err
		}
		if all = append(all, b...); len(all) > maxBlock {
			return problem("its metadata is too large to be looked through")
		}
	}
	cleaned, err := w.cleaned(kind, all)
	if err != nil {
		return err
	}
	for _, e := range extents {
		b, c := all[:e.size], cleaned[:e.size]
		if all, cleaned = all[e.size:], cleaned[e.size:]; !bytes.Equal(b, c) {
			w.edits = append(w.edits, splice.Edit{Off: e.off, Drop: e.size, Data: bytes.Clone(c)})
		}
	}
	return nil
}

// cleaned returns what an item is to become.
func (w *walk) cleaned(kind string, b []byte) ([]byte, error) {
	out := make([]byte, len(b))
	switch kind {
	case itemExif:
		if w.all { // turned and mirrored by properties of the picture, not by Exif
			copy(out, append(make([]byte, 4), exif.Minimal(1)...))
			return out, nil
		}
		if len(b) < 4 {
			return nil, problem("its Exif block is damaged: it is too short")
		}
		at := 4 + int64(binary.BigEndian.Uint32(b))
		if at > int64(len(b)) {
			return nil, problem("its Exif block is damaged: something lies outside of it")
		}
		cleaned, err := exif.Clean(b[at:], nil)
		return append(bytes.Clone(b[:at]), cleaned...), err
	case itemXMP:
		if !w.all {
			return exif.XMP(b), nil
		}
	case "uri ", "encoded":
		if !w.all {
			return nil, problem("it has metadata in a form of its own")
		}
	default: // of a media type
		if !w.all {
			return b, nil
		}
	}
	for i := range out {
		out[i] = ' '
	}
	if kind == itemXMP && len(out) >= len(emptyXMP) {
		copy(out, emptyXMP)
	}
	return out, nil
}

// emptyXMP is a packet that says nothing.
const emptyXMP = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>`
