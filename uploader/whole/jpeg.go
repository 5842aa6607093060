package whole

import "bytes"

// Markers of ITU-T T.81 table B.1, each after a byte FF.
const (
	markerTEM  = 0x01
	markerRST0 = 0xd0
	markerSOI  = 0xd8
	markerEOI  = 0xd9
)

// checkJPEG walks the segments of ITU-T T.81 annex B up to the end-of-image
// marker. Previews inside application segments are skipped with their segment.
// What follows the marker is no concern of the picture: further pictures (CIPA
// DC-007), the film of a motion photo, a camera's padding.
func checkJPEG(s *scan) *Problem {
	for off := int64(2); ; {
		marker, next := s.marker(off)
		switch marker {
		case 0:
			return s.cut(s.size+2, "no end-of-image marker")
		case markerEOI:
			return nil
		}
		b := s.at(next, 2)
		if b == nil {
			return s.cut(next+4, "no end-of-image marker")
		}
		n := int64(b[0])<<8 | int64(b[1])
		if n < 2 {
			return s.problem("the JPEG is damaged at byte %s: a segment of %d bytes", count(next), n)
		}
		if off = next + n; off > s.size {
			return s.cut(off+2, "no end-of-image marker")
		}
	}
}

// marker returns the first marker at or after off that begins a segment or ends
// the picture, and the offset behind it; 0 if there is none. It passes over
// entropy-coded data, in which FF is stuffed with 00 and restart markers may
// stand, over fill bytes FF, and, as decoders do, over stray bytes.
func (s *scan) marker(off int64) (byte, int64) {
	for b := s.from(off); b != nil; b = s.from(off) {
		for {
			i := bytes.IndexByte(b, 0xff)
			if i < 0 {
				off += int64(len(b))
				break
			}
			off, b = off+int64(i)+1, b[i+1:]
			if len(b) == 0 {
				if b = s.from(off); b == nil {
					return 0, s.size
				}
			}
			switch c := b[0]; {
			case c == 0xff: // fill, which may be the first half of a marker
			case c <= markerTEM || c >= markerRST0 && c <= markerSOI: // stuffed, or without a segment
				off, b = off+1, b[1:]
			default:
				return c, off + 1
			}
		}
	}
	return 0, s.size
}
