// Package exif finds in blocks of Exif (TIFF), XMP, IPTC and Photoshop resources
// what tells where a picture was taken, and the edits that take it out. No edit
// moves anything, so that every offset in the block and around it stays right.
package exif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"slipway/uploader/splice"
)

// Problem says why a block cannot be read as what it is.
type Problem struct {
	Text string // one plain sentence without full stop, for people
}

// Error returns the text.
func (p *Problem) Error() string { return p.Text }

func problem(text string, args ...any) *Problem { return &Problem{fmt.Sprintf(text, args...)} }

// Nested finds the edits for a picture inside of a block; r begins at it.
type Nested func(r io.ReaderAt, size int64) ([]splice.Edit, error)

// Tags of TIFF 6.0, Exif 2.32, DNG 1.7, GeoTIFF 1.1 and Panasonic's raw files.
const (
	tagJPGFromRaw   = 0x002e
	tagWidth        = 0x0100
	tagHeight       = 0x0101
	tagStripOffsets = 0x0111
	tagOrientation  = 0x0112
	tagStripCounts  = 0x0117
	tagSubIFDs      = 0x014a
	tagJPEGOffset   = 0x0201
	tagJPEGCount    = 0x0202
	tagXMP          = 0x02bc
	tagIPTC         = 0x83bb
	tagPhotoshop    = 0x8649
	tagExif         = 0x8769
	tagGPS          = 0x8825
	tagPixelWidth   = 0xa002
	tagPixelHeight  = 0xa003
	tagInterop      = 0xa005
)

// geo are the tags of GeoTIFF, which say where on earth each pixel is.
var geo = map[uint16]bool{33550: true, 33922: true, 34264: true, 34735: true, 34736: true, 34737: true}

// Bounds of what one block may ask to be read.
const (
	maxDirectories = 512
	maxBlock       = 16 << 20 // an XMP packet, an IPTC block, a value to be zeroed
	maxEntries     = 4096     // of one directory
	maxReads       = 1 << 17
	maxPictures    = 16
)

var typeSizes = [...]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4}

// entry is an entry of a directory.
type entry struct {
	tag, kind uint16
	count     int64
	at, size  int64 // where its values are, and how long
	outside   bool  // of the directory
}

// directory is an image file directory.
type directory struct {
	off     int64
	raw     []byte // with the count before and the link behind
	entries []entry
	next    int64
}

// walk is the way through one block.
type walk struct {
	r      io.ReaderAt
	size   int64
	order  binary.ByteOrder
	first  int64
	nested Nested
	edits  []splice.Edit
	seen   map[int64]bool

	reads, pictures int
}

func newWalk(r io.ReaderAt, size int64) (*walk, error) {
	w := &walk{r: r, size: size, order: binary.LittleEndian, seen: make(map[int64]bool)}
	h, err := w.bytes(0, 8)
	if err != nil {
		return nil, err
	}
	switch string(h[:2]) {
	case "II":
	case "MM":
		w.order = binary.BigEndian
	default:
		return nil, problem("an Exif block does not begin like one")
	}
	switch magic := w.order.Uint16(h[2:]); magic {
	case 42, 0x4f52, 0x5352, 0x55: // TIFF, Olympus' two, Panasonic's
	case 43:
		return nil, problem("it is a BigTIFF")
	default:
		return nil, problem("an Exif block does not begin like one")
	}
	w.first = int64(w.order.Uint32(h[4:]))
	return w, nil
}

// bytes reads the n bytes at off.
func (w *walk) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || n > maxBlock || off > w.size-n {
		return nil, problem("its Exif block is damaged: something lies outside of it")
	}
	if w.reads++; w.reads > maxReads {
		return nil, problem("its Exif block is damaged: it has no end")
	}
	b := make([]byte, n)
	if _, err := w.r.ReadAt(b, off); err != nil && !(errors.Is(err, io.EOF) && n == 0) {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return b, fmt.Errorf("read %d bytes at %d: %w", n, off, io.ErrUnexpectedEOF)
		}
		return nil, err
	}
	return b, nil
}

// directory reads the directory at off.
func (w *walk) directory(off int64) (*directory, error) {
	b, err := w.bytes(off, 2)
	if err != nil {
		return nil, err
	}
	n := int64(w.order.Uint16(b))
	if n > maxEntries {
		return nil, problem("its Exif block is damaged: a directory of %d entries", n)
	}
	d := &directory{off: off}
	size := 2 + 12*n + 4
	if off+size > w.size && off+size-4 <= w.size {
		size -= 4 // some writers leave the last link out
	}
	if d.raw, err = w.bytes(off, size); err != nil {
		return nil, err
	}
	for i := range n {
		e, err := w.entry(off+2+12*i, d.raw[2+12*i:])
		if err != nil {
			return nil, err
		}
		d.entries = append(d.entries, e)
	}
	if size == 2+12*n+4 {
		d.next = int64(w.order.Uint32(d.raw[2+12*n:]))
	}
	return d, nil
}

// entry reads the entry b, which stands at off. One of an unknown type has no
// values that can be read.
func (w *walk) entry(off int64, b []byte) (entry, error) {
	e := entry{tag: w.order.Uint16(b), kind: w.order.Uint16(b[2:]), count: int64(w.order.Uint32(b[4:])), at: off + 8}
	if int(e.kind) < len(typeSizes) {
		e.size = e.count * typeSizes[e.kind]
	}
	if e.size > 4 {
		e.at, e.outside = int64(w.order.Uint32(b[8:])), true
	}
	return e, nil
}

// number reads the i-th value of an entry of whole numbers, 0 where there is none.
func (w *walk) number(e entry, i int64) (int64, error) {
	if i >= e.count {
		return 0, nil
	}
	switch e.kind {
	case 3:
		b, err := w.bytes(e.at+2*i, 2)
		if err != nil {
			return 0, err
		}
		return int64(w.order.Uint16(b)), nil
	case 4, 13:
		b, err := w.bytes(e.at+4*i, 4)
		if err != nil {
			return 0, err
		}
		return int64(w.order.Uint32(b)), nil
	}
	return 0, nil
}

// find returns the entry with that tag.
func (d *directory) find(tag uint16) (entry, bool) {
	for _, e := range d.entries {
		if e.tag == tag {
			return e, true
		}
	}
	return entry{}, false
}
