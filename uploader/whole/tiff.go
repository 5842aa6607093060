package whole

import (
	"encoding/binary"
	"math"
)

// Tags of TIFF 6.0, TIFF/EP and Exif 2.32 that lead to other places in the file.
const (
	tagCompression  = 0x0103
	tagStripOffsets = 0x0111
	tagStripCounts  = 0x0117
	tagRawOffset    = 0x0118 // Panasonic RW2
	tagTileOffsets  = 0x0144
	tagTileCounts   = 0x0145
	tagSubIFDs      = 0x014a
	tagJPEGOffset   = 0x0201
	tagJPEGCount    = 0x0202
	tagExif         = 0x8769
	tagGPS          = 0x8825
	tagMakerNote    = 0x927c
	tagInterop      = 0xa005
)

// Bounds of what a TIFF may ask to be read. They are far above what any writer
// makes: scans of a thousand pages, a million tiles.
const (
	maxDirectories = 1 << 16
	maxSteps       = 1 << 22 // entries and values
	maxRead        = 256 << 20
)

// typeSizes are the bytes that one value of each field type takes; 0: unknown.
var typeSizes = [...]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8}

// field is what an entry of a directory says.
type field struct {
	kind  uint16
	count int64
	at    int64 // where its values are
}

// tiff is the walk through one file.
type tiff struct {
	*scan
	order binary.ByteOrder
	big   bool // BigTIFF: offsets of 64 bits
	rw2   bool
	queue []int64
	seen  map[int64]bool
	steps int64
	tail  int64 // where the zeros at the end of the file begin
}

// checkTIFF follows the directories of a TIFF, BigTIFF or TIFF-based raw file:
// each, its values, and the strips, tiles and previews it names must lie within
// the file.
func checkTIFF(s *scan) *Problem {
	t := &tiff{scan: s, order: binary.LittleEndian, seen: map[int64]bool{}}
	t.tail = s.size - s.zeroTail()
	first, p := t.header()
	if p != nil {
		return p
	}
	t.queue = append(t.queue, first)
	for len(t.queue) > 0 {
		off := t.queue[0]
		t.queue = t.queue[1:]
		if off == 0 || t.seen[off] {
			continue
		}
		t.seen[off] = true
		if p := t.directory(off); p != nil {
			return p
		}
		if len(t.seen) > maxDirectories || t.tired() {
			return t.problem("the TIFF is damaged: its directories have no end")
		}
	}
	return nil
}

// tired reports whether the file has asked for more than any honest one does.
func (t *tiff) tired() bool { return t.steps > maxSteps || t.read > maxRead }

// header reads the offset of the first directory.
func (t *tiff) header() (int64, *Problem) {
	h := t.at(0, 8)
	if h == nil {
		return 0, t.cut(8, "its header is cut off")
	}
	if h[0] == 'M' {
		t.order = binary.BigEndian
	}
	magic := t.order.Uint16(h[2:])
	t.big, t.rw2 = magic == 43, magic == 0x55
	first := int64(t.order.Uint32(h[4:]))
	if t.big {
		if h = t.at(0, 16); h == nil {
			return 0, t.cut(16, "its header is cut off")
		}
		first = clamp(t.order.Uint64(h[8:]))
	}
	if first == 0 {
		return 0, t.problem("the TIFF names no directory: the writer has not finished")
	}
	return first, nil
}

// directory checks the image file directory at off and queues the ones it names.
func (t *tiff) directory(off int64) *Problem {
	head, entry, link := int64(2), int64(12), int64(4)
	if t.big {
		head, entry, link = 8, 20, 8
	}
	b := t.at(off, int(head))
	if b == nil {
		return t.cut(plus(off, head+entry+link), "a directory is cut off")
	}
	n := t.number(b)
	if n == 0 && off >= t.tail {
		return t.problem("the TIFF has zeros where a directory must be: the writer has not finished")
	}
	if n > math.MaxUint16 {
		return t.problem("the TIFF is damaged at byte %s: a directory of %d entries", count(off), n)
	}
	end := plus(off, head+n*entry+link)
	if end > t.size {
		return t.cut(end, "a directory is cut off")
	}
	t.steps += n
	fields := map[uint16]field{}
	for i := range n {
		if p := t.field(off+head+i*entry, fields); p != nil {
			return p
		}
	}
	t.queue = append(t.queue, t.number(t.at(end-link, int(link))))
	return t.follow(fields)
}

// field reads the entry at off into fields and checks that its values are there.
func (t *tiff) field(off int64, fields map[uint16]field) *Problem {
	room := int64(4)
	if t.big {
		room = 8
	}
	b := t.at(off, int(4+2*room))
	if b == nil {
		return nil // a read error, which scan keeps
	}
	tag, f := t.order.Uint16(b), field{kind: t.order.Uint16(b[2:]), count: t.number(b[4 : 4+room])}
	if int(f.kind) >= len(typeSizes) || typeSizes[f.kind] == 0 || f.count == 0 {
		return nil
	}
	size := typeSizes[f.kind]
	f.at = off + 4 + room
	if f.count > room/size {
		f.at = t.number(b[4+room:])
		end := plus(f.at, f.count*size)
		if f.count > math.MaxInt64/8 {
			end = math.MaxInt64
		}
		if end > t.size {
			if tag == tagMakerNote { // editors that move it leave its offset behind
				return nil
			}
			return t.cut(end, "the values of a directory are cut off")
		}
	}
	if _, twice := fields[tag]; !twice {
		fields[tag] = f
	}
	return nil
}

// follow checks the places that fields name, and queues directories among them.
func (t *tiff) follow(fields map[uint16]field) *Problem {
	for _, tag := range [...]uint16{tagSubIFDs, tagExif, tagGPS, tagInterop} {
		p := t.each(fields[tag], field{}, func(off, _ int64) *Problem {
			if len(t.queue) < maxDirectories {
				t.queue = append(t.queue, off)
			}
			return nil
		})
		if p != nil {
			return p
		}
	}
	compressed := false
	if f, ok := fields[tagCompression]; ok {
		v := t.at(f.at, 2)
		compressed = v != nil && f.kind == 3 && t.order.Uint16(v) != 1
	}
	for _, pair := range [...][2]uint16{
		{tagStripOffsets, tagStripCounts}, {tagTileOffsets, tagTileCounts}, {tagJPEGOffset, tagJPEGCount}, {tagRawOffset, tagStripCounts},
	} {
		if pair[0] == tagRawOffset && !t.rw2 {
			continue
		}
		packed := compressed || pair[0] == tagJPEGOffset
		if p := t.each(fields[pair[0]], fields[pair[1]], func(off, n int64) *Problem { return t.piece(off, n, packed) }); p != nil {
			return p
		}
	}
	return nil
}

// piece checks a strip, tile or preview of n bytes at off; n < 0: not known.
func (t *tiff) piece(off, n int64, packed bool) *Problem {
	switch {
	case n == 0, t.rw2 && off == math.MaxUint32:
		return nil // a sparse tile; the raw data has an offset of its own
	case n < 0, t.rw2:
		n = 1 // unknown, or as unreliable as cameras of that kind write it
	}
	end := plus(off, n)
	if end > t.size {
		return t.cut(end, "its picture data is cut off")
	}
	missing := end - max(off, t.tail)
	if packed && (off >= t.tail && missing >= shortTail || missing >= longTail) {
		return t.unwritten(0)
	}
	return nil
}

// each calls f with the values of a and, beside them, those of b, or -1 where
// there are none.
func (t *tiff) each(a, b field, f func(x, y int64) *Problem) *Problem {
	const block = 512
	var xs, ys [block]int64
	for i := int64(0); i < a.count; i += block {
		n := t.values(xs[:], a, i)
		m := t.values(ys[:], b, i)
		for j := range n {
			y := int64(-1)
			if j < m {
				y = ys[j]
			}
			if p := f(xs[j], y); p != nil {
				return p
			}
		}
		if t.steps += int64(n); n < block || t.tired() {
			return nil
		}
	}
	return nil
}

// values reads the values of f from index i on into into, and returns how many.
func (t *tiff) values(into []int64, f field, i int64) int {
	n := min(int64(len(into)), f.count-i)
	if n <= 0 {
		return 0
	}
	size := typeSizes[f.kind]
	if f.kind != 3 && f.kind != 4 && f.kind != 13 && f.kind != 16 && f.kind != 18 {
		return 0 // no type that an offset can have
	}
	b := t.at(f.at+i*size, int(n*size))
	for j := range len(b) / int(size) {
		into[j] = t.number(b[j*int(size):][:size])
	}
	return len(b) / int(size)
}

// number reads an unsigned number of 2, 4 or 8 bytes.
func (t *tiff) number(b []byte) int64 {
	switch len(b) {
	case 2:
		return int64(t.order.Uint16(b))
	case 4:
		return int64(t.order.Uint32(b))
	case 8:
		return clamp(t.order.Uint64(b))
	}
	return 0
}

func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// plus adds two numbers that are not negative, without overflow.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
