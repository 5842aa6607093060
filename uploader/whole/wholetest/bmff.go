package wholetest

import (
	"bytes"
	"encoding/binary"
)

// Box returns a box of ISO/IEC 14496-12 around its parts.
func Box(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	return append(append(b, kind...), body...)
}

// full returns a full box of version 0 with flags.
func full(kind string, flags uint32, parts ...[]byte) []byte {
	return Box(kind, append([][]byte{words(flags)}, parts...)...)
}

// words returns numbers of 32 bits.
func words(vs ...uint32) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// MP4 returns a film of one frame, which is a JPEG of w by h pixels, with its
// index at the end as cameras write it.
func MP4(w, h int, seed uint64) []byte {
	ftyp := Box("ftyp", []byte("isom"), words(512), []byte("isommp41"))
	frame := JPEG(w, h, seed)
	head := append(ftyp, Box("mdat", frame)...)
	return append(head, movie(w, h, uint32(len(frame)), uint32(len(ftyp)+8))...)
}

// movie returns a moov box for one frame of n bytes at off.
func movie(w, h int, n, off uint32) []byte {
	const second = 1000
	matrix := words(1<<16, 0, 0, 0, 1<<16, 0, 0, 0, 1<<30)
	entry := Box("jpeg", make([]byte, 6), []byte{0, 1}, make([]byte, 16), words(uint32(w)<<16|uint32(h), 72<<16, 72<<16, 0),
		[]byte{0, 1}, make([]byte, 32), []byte{0, 24, 0xff, 0xff})
	table := Box("stbl", full("stsd", 0, words(1), entry), full("stts", 0, words(1, 1, second)), full("stsc", 0, words(1, 1, 1, 1)),
		full("stsz", 0, words(n, 1)), full("stco", 0, words(1, off)))
	data := Box("dinf", full("dref", 0, words(1), full("url ", 1)))
	media := Box("mdia", full("mdhd", 0, words(0, 0, second, second, 0x55c40000)),
		full("hdlr", 0, words(0), []byte("vide"), make([]byte, 13)), Box("minf", full("vmhd", 1, make([]byte, 8)), data, table))
	track := Box("trak", full("tkhd", 3, words(0, 0, 1, 0, second, 0, 0, 0, 0), matrix, words(uint32(w)<<16, uint32(h)<<16)), media)
	return Box("moov", full("mvhd", 0, words(0, 0, second, second, 1<<16, 1<<24, 0, 0), matrix, make([]byte, 24), words(2)), track)
}

// HEIC returns the boxes of an HEIF file (ISO/IEC 23008-12) with one item of n
// bytes, which are noise: readers of containers find their way, decoders do not.
func HEIC(n int, seed uint64) []byte {
	ftyp := Box("ftyp", []byte("heic"), words(0), []byte("mif1heic"))
	item := full("infe", 2<<24, []byte{0, 1, 0, 0}, []byte("hvc1"), []byte{0})
	meta := func(off uint32) []byte {
		return full("meta", 0, full("hdlr", 0, words(0), []byte("pict"), make([]byte, 13)), full("pitm", 0, []byte{0, 1}),
			full("iinf", 0, []byte{0, 1}, item), full("iloc", 0, []byte{0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1}, words(off, uint32(n))))
	}
	off := len(ftyp) + len(meta(0)) + 8
	return bytes.Join([][]byte{ftyp, meta(uint32(off)), Box("mdat", Noise(n, seed))}, nil)
}
