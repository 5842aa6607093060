package whole

import "encoding/binary"

// checkPNG walks the chunks of ISO/IEC 15948 §5.3 from IHDR to IEND.
func checkPNG(s *scan) *Problem {
	const signature, overhead = 8, 12 // length, type and CRC of a chunk
	for off := int64(signature); ; {
		h := s.at(off, 8)
		if h == nil {
			return s.cut(off+overhead, "no IEND chunk")
		}
		n, kind := int64(binary.BigEndian.Uint32(h)), string(h[4:8])
		if n > 1<<31-1 || !letters(kind) || off == signature && kind != "IHDR" && kind != "CgBI" {
			return s.problem("the PNG stops being one at byte %s: no chunk begins there", count(off))
		}
		if off += n + overhead; off > s.size {
			return s.cut(off, "its "+kind+" chunk is cut off")
		}
		if kind == "IEND" {
			return s.trailing(off)
		}
	}
}

// letters reports whether kind can be the type of a PNG chunk.
func letters(kind string) bool {
	for _, c := range []byte(kind) {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
