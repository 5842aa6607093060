package rotate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/bits"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
)

// Headers of application segments.
const (
	headExif = "Exif\x00"
	headXMP  = "http://ns.adobe.com/xap/1.0/\x00"
	headMPF  = "MPF\x00"
	headJFIF = "JFIF\x00"
	headJFXX = "JFXX\x00"
)

// encoder writes a frame as one sequential scan.
type encoder struct {
	ctx   context.Context
	w     *bufio.Writer
	f     *frame
	turn  *turn
	count [2][2]*[257]int // symbols: first coefficients and others, of the first component and others
	code  [2][2]*[256]code
	acc   uint64
	n     int
}

// code is a Huffman code.
type code struct{ bits, size uint16 }

// write writes a JPEG of f with these segments.
func write(ctx context.Context, w io.Writer, f *frame, segments []segment, way way) error {
	e := &encoder{ctx: ctx, w: bufio.NewWriterSize(w, 64<<10), f: f, turn: newTurn(way)}
	e.w.Write([]byte{0xff, markerSOI})
	for _, s := range segments {
		if data := upright(s, f, way); data != nil {
			e.segment(s.marker, data)
		}
	}
	e.quantization()
	for i := range e.count {
		for k := range e.count[i] {
			e.count[i][k] = new([257]int)
		}
	}
	if err := e.units(e.tally); err != nil {
		return err
	}
	e.start()
	e.huffman()
	if err := e.units(e.block); err != nil {
		return err
	}
	e.put(0x7f, 7) // the rest of the last byte is ones
	e.w.Write([]byte{0xff, markerEOI})
	return e.w.Flush()
}

// upright returns a segment for a picture that was turned; nil where it is to go.
func upright(s segment, f *frame, w way) []byte {
	has := func(head string) bool { return bytes.HasPrefix(s.data, []byte(head)) }
	switch {
	case s.marker == markerAPP1 && has(headExif) && len(s.data) >= 6:
		edits, err := exif.Upright(bytes.NewReader(s.data[6:]), int64(len(s.data)-6), f.width, f.height)
		if err == nil {
			edits, err = splice.Sort(edits, int64(len(s.data)-6))
		}
		if err != nil { // what is broken must not say that it lies otherwise
			return nil
		}
		return append([]byte("Exif\x00\x00"), splice.Apply(s.data[6:], edits)...)
	case s.marker == markerAPP1 && has(headXMP):
		return exif.UprightXMP(s.data)
	case s.marker == markerAPP2 && has(headMPF), s.marker == markerAPP0 && has(headJFXX):
		return nil
	case s.marker == markerAPP0 && has(headJFIF) && len(s.data) >= 14:
		b := bytes.Clone(s.data[:14])
		if b[12], b[13] = 0, 0; w.transpose { // the pixels' density
			copy(b[8:], s.data[10:12])
			copy(b[10:], s.data[8:10])
		}
		return b
	}
	return s.data
}

func (e *encoder) segment(marker byte, data []byte) {
	b := []byte{0xff, marker, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(2+len(data)))
	e.w.Write(b)
	e.w.Write(data)
}

// quantization writes the tables.
func (e *encoder) quantization() {
	for id, q := range e.f.tables {
		if q == nil {
			continue
		}
		b := []byte{byte(id)}
		for _, v := range q {
			if v > 255 {
				b[0] = 0x10 | byte(id)
			}
		}
		for _, at := range zigzag {
			if b[0] > 15 {
				b = binary.BigEndian.AppendUint16(b, q[at])
			} else {
				b = append(b, byte(q[at]))
			}
		}
		e.segment(markerDQT, b)
	}
}

// start writes the frame header: baseline, unless a table is too coarse for that.
func (e *encoder) start() {
	marker := byte(markerSOF0)
	b := []byte{8}
	b = binary.BigEndian.AppendUint16(b, uint16(e.f.height))
	b = binary.BigEndian.AppendUint16(b, uint16(e.f.width))
	b = append(b, byte(len(e.f.components)))
	for _, c := range e.f.components {
		b = append(b, c.id, byte(c.h<<4|c.v), c.table)
		for _, v := range e.f.tables[c.table] {
			if v > 255 {
				marker = markerSOF1
			}
		}
	}
	e.segment(marker, b)
}

// huffman writes the best tables for what was counted, and the scan header.
func (e *encoder) huffman() {
	sets := min(len(e.f.components), 2)
	for class := range 2 {
		for set := range sets {
			counts, symbols := lengths(e.count[class][set])
			e.code[class][set] = codesOf(counts, symbols)
			b := append([]byte{byte(class<<4 | set)}, counts[:]...)
			e.segment(markerDHT, append(b, symbols...))
		}
	}
	b := []byte{byte(len(e.f.components))}
	for i, c := range e.f.components {
		b = append(b, c.id, byte(min(i, 1)*0x11))
	}
	e.segment(markerSOS, append(b, 0, 63, 0))
}

// units calls do with each block in the order of a scan, and what its first
// coefficient differs by from the last one's.
func (e *encoder) units(do func(set int, difference int, block *[64]int16)) error {
	var last [4]int
	var block [64]int16
	mx, my := ceil(e.f.width, 8*e.f.hmax), ceil(e.f.height, 8*e.f.vmax)
	for y := range my {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		for x := range mx {
			for i, c := range e.f.components {
				for k := range c.h * c.v {
					c.turnBlock(e.turn, x*c.h+k%c.h, y*c.v+k/c.h, &block)
					do(min(i, 1), int(block[0])-last[i], &block)
					last[i] = int(block[0])
				}
			}
		}
	}
	return nil
}

// size returns how many bits a value takes.
func size(v int) int { return bits.Len(uint(max(v, -v))) }

// tally counts the symbols of a block.
func (e *encoder) tally(set, difference int, block *[64]int16) {
	e.count[0][set][size(difference)]++
	symbols(block, func(symbol byte, _ int) { e.count[1][set][symbol]++ })
}

// block writes a block.
func (e *encoder) block(set, difference int, block *[64]int16) {
	n := size(difference)
	c := e.code[0][set][n]
	e.put(uint64(c.bits), int(c.size))
	e.value(difference, n)
	symbols(block, func(symbol byte, v int) {
		c := e.code[1][set][symbol]
		e.put(uint64(c.bits), int(c.size))
		e.value(v, int(symbol&15))
	})
}

// symbols calls do with what stands for the coefficients behind the first (T.81
// §F.1.2.2).
func symbols(block *[64]int16, do func(symbol byte, v int)) {
	run := 0
	for k := 1; k < 64; k++ {
		v := int(block[zigzag[k]])
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			do(0xf0, 0)
		}
		do(byte(run<<4|size(v)), v)
		run = 0
	}
	if run > 0 {
		do(0, 0)
	}
}

// value writes the n bits of v.
func (e *encoder) value(v, n int) {
	if v < 0 {
		v--
	}
	e.put(uint64(v)&(1<<n-1), n)
}

// put writes n bits.
func (e *encoder) put(v uint64, n int) {
	e.acc = e.acc<<n | v
	for e.n += n; e.n >= 8; e.n -= 8 {
		b := byte(e.acc >> (e.n - 8))
		e.w.WriteByte(b)
		if b == 0xff {
			e.w.WriteByte(0)
		}
	}
}

// lengths returns the lengths of the best codes of 16 bits at most for symbols that
// come so often, none of which is all ones (T.81 annex K.2).
func lengths(count *[257]int) (counts [16]byte, symbols []byte) {
	freq := *count
	freq[256] = 1 // takes the code of all ones
	if freq == ([257]int{256: 1}) {
		freq[0] = 1 // a table must have a code
	}
	var sizes [257]int
	var others [257]int
	for i := range others {
		others[i] = -1
	}
	for {
		a, b := -1, -1
		for i, f := range freq {
			switch {
			case f == 0:
			case a < 0 || f <= freq[a]:
				a, b = i, a
			case b < 0 || f <= freq[b]:
				b = i
			}
		}
		if b < 0 {
			break
		}
		freq[a] += freq[b]
		freq[b] = 0
		end := a
		for sizes[a]++; others[end] >= 0; sizes[end]++ {
			end = others[end]
		}
		others[end] = b
		for sizes[b]++; others[b] >= 0; sizes[b]++ {
			b = others[b]
		}
	}
	return limited(&sizes)
}

// limited makes codes longer than 16 bits shorter, at the cost of others.
func limited(sizes *[257]int) (counts [16]byte, symbols []byte) {
	var n [258]int
	for _, s := range sizes {
		n[s]++
	}
	n[0] = 0
	for i := len(n) - 1; i > 16; {
		if n[i] == 0 {
			i--
			continue
		}
		j := i - 2
		for n[j] == 0 {
			j--
		}
		n[i] -= 2
		n[i-1]++
		n[j+1] += 2
		n[j]--
	}
	i := 16
	for n[i] == 0 {
		i--
	}
	n[i]-- // the code of all ones
	for i := range counts {
		counts[i] = byte(n[i+1])
	}
	for s := 1; s <= 257; s++ {
		for symbol := range 256 {
			if sizes[symbol] == s {
				symbols = append(symbols, byte(symbol))
			}
		}
	}
	return counts, symbols
}

// codesOf returns the codes of symbols.
func codesOf(counts [16]byte, symbols []byte) *[256]code {
	var codes [256]code
	next, k := uint16(0), 0
	for n := range counts {
		for range counts[n] {
			codes[symbols[k]] = code{next, uint16(n + 1)}
			next++
			k++
		}
		next <<= 1
	}
	return &codes
}
