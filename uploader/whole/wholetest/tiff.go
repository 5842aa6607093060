package wholetest

import (
	"encoding/binary"
	"math/rand/v2"
)

// Noise returns n bytes, none of them 0 or 255, so that they are no part of any
// format's structure.
func Noise(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + r.UintN(254))
	}
	return b
}

// TIFF returns an uncompressed TIFF 6.0 of grey pixels in two strips, in the
// given byte order, with its directory at the end.
func TIFF(w, h int, seed uint64, order binary.AppendByteOrder) []byte {
	b := append(mark(order), order.AppendUint16(nil, 42)...)
	pixels := w * h
	data := 8
	b = order.AppendUint32(b, uint32(data+pixels+pixels%2))
	b = append(b, Noise(pixels, seed)...)
	b = append(b, make([]byte, pixels%2)...)
	first := (h - h/2) * w
	end := len(b) + 2 + 9*12 + 4 // behind the directory, where the arrays are
	b = order.AppendUint16(b, 9)
	entry := func(tag, kind uint16, count, value uint32) {
		b = order.AppendUint16(b, tag)
		b = order.AppendUint16(b, kind)
		b = order.AppendUint32(b, count)
		if kind == 3 {
			b = order.AppendUint16(b, uint16(value))
			b = order.AppendUint16(b, 0)
			return
		}
		b = order.AppendUint32(b, value)
	}
	entry(0x100, 4, 1, uint32(w))
	entry(0x101, 4, 1, uint32(h))
	entry(0x102, 3, 1, 8)
	entry(0x103, 3, 1, 1)
	entry(0x106, 3, 1, 1)
	entry(0x111, 4, 2, uint32(end))
	entry(0x115, 3, 1, 1)
	entry(0x116, 4, 1, uint32(h-h/2))
	entry(0x117, 4, 2, uint32(end+8))
	b = order.AppendUint32(b, 0)
	for _, v := range [...]int{data, data + first, first, pixels - first} {
		b = order.AppendUint32(b, uint32(v))
	}
	return b
}

// BigTIFF returns the same as [TIFF] with one strip, offsets of 64 bits, and
// the directory before the pixels.
func BigTIFF(w, h int, seed uint64, order binary.AppendByteOrder) []byte {
	b := append(mark(order), order.AppendUint16(nil, 43)...)
	b = order.AppendUint16(b, 8)
	b = order.AppendUint16(b, 0)
	b = order.AppendUint64(b, 16)
	const entries = 7
	data := 16 + 8 + entries*20 + 8
	b = order.AppendUint64(b, entries)
	for _, e := range [entries][2]int{{0x100, w}, {0x101, h}, {0x102, 8}, {0x103, 1}, {0x106, 1}, {0x111, data}, {0x117, w * h}} {
		kind := uint16(16)
		if e[0] == 0x103 {
			kind = 3
		}
		b = order.AppendUint16(b, uint16(e[0]))
		b = order.AppendUint16(b, kind)
		b = order.AppendUint64(b, 1)
		if kind == 3 {
			b = append(order.AppendUint16(b, uint16(e[1])), make([]byte, 6)...)
		} else {
			b = order.AppendUint64(b, uint64(e[1]))
		}
	}
	b = order.AppendUint64(b, 0)
	return append(b, Noise(w*h, seed)...)
}

func mark(order binary.AppendByteOrder) []byte {
	if order.AppendUint16(nil, 1)[0] == 1 {
		return []byte("II")
	}
	return []byte("MM")
}
