package rotate

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
)

// Markers of ITU-T T.81 table B.1.
const (
	markerSOF0  = 0xc0
	markerSOF1  = 0xc1
	markerSOF2  = 0xc2
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDNL   = 0xdc
	markerDRI   = 0xdd
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP15 = 0xef
	markerCOM   = 0xfe
)

// zigzag is the order of coefficients in a file, each as its place row by row.
var zigzag = [64]byte{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// segment is one that goes into what is written.
type segment struct {
	marker byte
	data   []byte
}

// Bounds of what one file may ask for; honest ones have a dozen scans.
const (
	maxScans    = 200
	maxSegments = 4096
)

// decoder reads a JPEG into coefficients.
type decoder struct {
	ctx      context.Context
	r        io.ReaderAt
	size     int64
	off      int64 // of the next marker
	frame    *frame
	segments []segment
	dc, ac   [4]*codes
	tables   [4]*[64]uint16
	interval int
	read     int  // segments
	begun    bool // there was a scan
}

func newDecoder(ctx context.Context, r io.ReaderAt, size int64) *decoder {
	return &decoder{ctx: ctx, r: r, size: size}
}

// bytes reads the n bytes at off.
func (d *decoder) bytes(off, n int64) ([]byte, error) {
	if off < 0 || off > d.size-n {
		return nil, unable("the JPEG is cut off")
	}
	b := make([]byte, n)
	got, err := d.r.ReadAt(b, off)
	if int64(got) == n {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}

// segment reads the segment at d.off.
func (d *decoder) segment() (segment, error) {
	if d.read++; d.read > maxSegments {
		return segment{}, unable("the JPEG has no end")
	}
	for {
		b, err := d.bytes(d.off, 2)
		if err != nil {
			return segment{}, err
		}
		switch {
		case b[0] != 0xff:
			return segment{}, unable("the JPEG has stray bytes between its segments")
		case b[1] == 0xff:
			d.off++
			continue
		case b[1] == markerEOI:
			d.off += 2
			return segment{marker: b[1]}, nil
		}
		h, err := d.bytes(d.off+2, 2)
		if err != nil {
			return segment{}, err
		}
		n := int64(binary.BigEndian.Uint16(h))
		if n < 2 {
			return segment{}, unable("the JPEG is damaged")
		}
		data, err := d.bytes(d.off+4, n-2)
		d.off += 2 + n
		return segment{b[1], data}, err
	}
}

// head reads up to the first scan.
func (d *decoder) head() error {
	b, err := d.bytes(0, 2)
	if err != nil {
		return err
	}
	if string(b) != "\xff\xd8" {
		return unable("it is no JPEG")
	}
	for d.off = 2; ; {
		before := d.off
		s, err := d.segment()
		if err != nil {
			return err
		}
		if s.marker == markerSOS {
			d.off = before
			break
		}
		if s.marker >= markerAPP0 && s.marker <= markerAPP15 || s.marker == markerCOM {
			d.segments = append(d.segments, s)
			continue
		}
		if err := d.setting(s); err != nil {
			return err
		}
	}
	if d.frame == nil {
		return unable("the JPEG is damaged")
	}
	return nil
}

// setting deals with a segment that says how to read the picture.
func (d *decoder) setting(s segment) error {
	switch m := s.marker; {
	case m == markerDHT:
		return d.huffman(s.data)
	case m == markerDQT:
		return d.quantization(s.data)
	case m == markerDRI && len(s.data) == 2:
		d.interval = int(binary.BigEndian.Uint16(s.data))
		return nil
	case m >= markerAPP0 && m <= markerAPP15, m == markerCOM: // between scans
		return nil
	case m == markerSOF0, m == markerSOF1, m == markerSOF2:
		return d.start(s)
	case m == markerDAC, m > markerSOF2 && m <= markerSOF15 && m != markerJPG:
		return unable("the JPEG is of a kind that few programs write (arithmetic, lossless or hierarchical coding)")
	}
	return unable("the JPEG is damaged")
}

// start reads a frame header (T.81 §B.2.2).
func (d *decoder) start(s segment) error {
	b := s.data
	if d.frame != nil || len(b) < 6 || len(b) != 6+3*int(b[5]) || b[5] == 0 || b[5] > 4 {
		return unable("the JPEG is damaged")
	}
	if b[0] != 8 {
		return unable("its colours have %d bits each", b[0])
	}
	f := &frame{height: int(binary.BigEndian.Uint16(b[1:])), width: int(binary.BigEndian.Uint16(b[3:])), progressive: s.marker == markerSOF2}
	units := 0
	for i := range int(b[5]) {
		c := &component{id: b[6+3*i], h: int(b[7+3*i] >> 4), v: int(b[7+3*i] & 15), table: b[8+3*i]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 {
			return unable("the JPEG is damaged")
		}
		units += c.h * c.v
		f.components = append(f.components, c)
	}
	if f.width == 0 || f.height == 0 {
		return unable("its size is not said where it begins")
	}
	if f.layout(); len(f.components) > 1 && units > 10 {
		return unable("its colours are sampled in a way that few programs read")
	}
	blocks := 0
	for _, c := range f.components {
		blocks += c.bw * c.bh
	}
	if blocks > MaxCoefficients/64 {
		return unable("with %d by %d pixels it is too large to be turned here", f.width, f.height)
	}
	if int64(blocks) > 8*d.size+64 { // each takes one bit at least
		return unable("the JPEG is cut off")
	}
	d.frame = f
	return nil
}

// quantization reads tables (§B.2.4.1).
func (d *decoder) quantization(b []byte) error {
	for len(b) > 0 {
		n, id := 64, b[0]&15
		if b[0]>>4 == 1 {
			n = 128
		}
		if b[0]>>4 > 1 || id > 3 || len(b) < 1+n {
			return unable("the JPEG is damaged")
		}
		var q [64]uint16
		for k, at := range zigzag {
			if n == 64 {
				q[at] = uint16(b[1+k])
			} else {
				q[at] = binary.BigEndian.Uint16(b[1+2*k:])
			}
		}
		if err := d.define(int(id), &q); err != nil {
			return err
		}
		b = b[1+n:]
	}
	return nil
}

// define sets a table, which must be the same for all scans.
func (d *decoder) define(id int, q *[64]uint16) error {
	if old := d.tables[id]; old != nil && *old != *q && d.begun {
		return unable("it changes its tables between its scans")
	}
	d.tables[id] = q
	return nil
}

// huffman reads tables (§B.2.4.2).
func (d *decoder) huffman(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 || b[0]>>4 > 1 || b[0]&15 > 3 {
			return unable("the JPEG is damaged")
		}
		n := 0
		for _, c := range b[1:17] {
			n += int(c)
		}
		if n > 256 || len(b) < 17+n {
			return unable("the JPEG is damaged")
		}
		c, err := newCodes([16]byte(b[1:17]), b[17:17+n])
		if err != nil {
			return err
		}
		if b[0]>>4 == 0 {
			d.dc[b[0]&15] = c
		} else {
			d.ac[b[0]&15] = c
		}
		b = b[17+n:]
	}
	return nil
}

// scans reads all that follows the head.
func (d *decoder) scans() error {
	for _, c := range d.frame.components {
		c.coef = make([]int16, c.bw*c.bh*64)
	}
	for n := 0; ; {
		s, err := d.segment()
		switch {
		case err != nil:
			return err
		case s.marker == markerEOI:
			if n == 0 {
				return unable("the JPEG is damaged")
			}
			d.frame.tables = d.tables
			return d.complete()
		case s.marker != markerSOS:
			if err := d.setting(s); err != nil {
				return err
			}
			continue
		}
		if n++; n > maxScans {
			return unable("the JPEG has no end")
		}
		d.begun = true
		if err := d.scan(s.data); err != nil {
			return err
		}
	}
}
