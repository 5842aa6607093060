package whole

import (
	"fmt"
	"io"
)

// checkGIF walks the blocks of GIF89a §17–§27 up to the trailer.
func checkGIF(s *scan) *Problem {
	off, p := s.gifTrailer()
	if p != nil {
		return p
	}
	return s.trailing(off + 1)
}

// GIFTrailer returns the offset of the trailer (GIF89a §27) of the GIF in the
// size bytes of r, which is behind its last block. The error is a *Problem where
// there is none, and else one of reading.
func GIFTrailer(r io.ReaderAt, size int64) (int64, error) {
	s := newScan(r, size)
	s.format = "GIF"
	off, p := s.gifTrailer()
	if s.err != nil {
		return 0, fmt.Errorf("whole: %w", s.err)
	}
	if p != nil {
		return 0, p
	}
	return off, nil
}

func (s *scan) gifTrailer() (int64, *Problem) {
	const screen = 13 // header and logical screen descriptor
	h := s.at(0, screen)
	if h == nil {
		return 0, s.cut(screen+1, "no trailer")
	}
	off := screen + colourTable(h[10])
	for {
		b := s.at(off, 1)
		if b == nil {
			return 0, s.cut(off+1, "no trailer")
		}
		switch b[0] {
		case ';':
			return off, nil
		case 0: // a stray terminator, which decoders pass over
			off++
			continue
		case '!': // extension: introducer and label
			off += 2
		case ',': // image: descriptor, colour table, least code size
			d := s.at(off, 10)
			if d == nil {
				return 0, s.cut(off+12, "an image is cut off")
			}
			off += 10 + colourTable(d[9]) + 1
		default:
			return 0, s.problem("the GIF stops being one at byte %s: no block begins there", count(off))
		}
		if off = s.subBlocks(off); off < 0 {
			return 0, s.cut(s.size+2, "a block is cut off")
		}
	}
}

// colourTable returns the bytes of the colour table that packed announces.
func colourTable(packed byte) int64 {
	if packed&0x80 == 0 {
		return 0
	}
	return 3 << (packed&7 + 1)
}

// subBlocks returns the offset behind the data sub-blocks at off, or -1 where
// their terminator is missing.
func (s *scan) subBlocks(off int64) int64 {
	for {
		b := s.at(off, 1)
		if b == nil {
			return -1
		}
		off += 1 + int64(b[0])
		if b[0] == 0 {
			return off
		}
	}
}
