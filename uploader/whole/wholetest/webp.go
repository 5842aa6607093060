package wholetest

import (
	"bytes"
	"encoding/binary"
)

// WebP returns a lossless WebP (RFC 9649) in the simple file format: one VP8L
// chunk without transforms, each of whose colours is eight bits.
func WebP(w, h int, seed uint64) []byte { return RIFF("WEBP", Chunk("VP8L", VP8L(w, h, seed))) }

// RIFF returns a RIFF file of the given form around its chunks.
func RIFF(form string, chunks ...[]byte) []byte {
	body := bytes.Join(chunks, nil)
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(body)))
	return append(append(b, form...), body...)
}

// Chunk returns a RIFF chunk, padded to an even size.
func Chunk(kind string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data)))
	b = append(b, data...)
	if len(data)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// VP8L returns the bitstream of [WebP] (RFC 9649 §3).
func VP8L(w, h int, seed uint64) []byte {
	var b bits
	b.put(0x2f, 8)
	b.put(uint32(w-1), 14)
	b.put(uint32(h-1), 14)
	b.put(0, 1+3) // no alpha, version 0
	b.put(0, 3)   // no transform, no colour cache, one group of codes
	b.flat(24)    // green, beside which 24 lengths go unused
	b.flat(0)     // red
	b.flat(0)     // blue
	b.put(1|0<<1|1<<2|255<<3, 11)
	b.put(1|0<<1|0<<2|0<<3, 4) // alpha is always 255, distance never used
	img := Image(w, h, seed)
	for i := 0; i < len(img.Pix); i += 4 {
		for _, c := range [...]uint8{img.Pix[i+1], img.Pix[i], img.Pix[i+2]} {
			for bit := 7; bit >= 0; bit-- {
				b.put(uint32(c)>>bit&1, 1)
			}
		}
	}
	b.put(0, (8-b.n%8)%8)
	return b.out
}

// bits writes the least significant bit first.
type bits struct {
	out []byte
	n   int
}

func (b *bits) put(v uint32, n int) {
	for i := range n {
		if b.n%8 == 0 {
			b.out = append(b.out, 0)
		}
		b.out[len(b.out)-1] |= byte(v>>i&1) << (b.n % 8)
		b.n++
	}
}

// flat writes a prefix code in which 256 symbols have eight bits each, and
// unused further ones none: code lengths 0 and 8 are themselves coded in a bit.
func (b *bits) flat(unused int) {
	const lengths = 12 // as many, in the order of RFC 9649 §3.7.2.1.2, until 8 comes
	b.put(0, 1)
	b.put(lengths-4, 4)
	for i := range lengths {
		if i == 2 || i == 11 { // lengths 0 and 8
			b.put(1, 3)
		} else {
			b.put(0, 3)
		}
	}
	b.put(0, 1)
	for range 256 {
		b.put(1, 1)
	}
	b.put(0, unused)
}
