package whole

import (
	"encoding/binary"
	"math"
)

// checkRIFF compares the sizes that a RIFF file declares with its own. An AVI
// beyond a gigabyte is several RIFF chunks one after the other (OpenDML 1.02).
// One byte of padding behind an odd size is allowed for.
func checkRIFF(s *scan) *Problem {
	for off := int64(0); ; {
		n, p := s.riffSize(off)
		if p != nil || n < 0 {
			return p
		}
		end := off + 8 + n
		if end > s.size {
			return s.cut(end, "its header says so")
		}
		if off == 0 && s.format == "WebP" {
			if p := s.webpChunks(end); p != nil {
				return p
			}
		}
		if n%2 == 1 && end < s.size {
			end++
		}
		if end == s.size {
			return nil
		}
		if h := s.at(end, 12); h == nil || string(h[:4]) != "RIFF" || string(h[8:]) != "AVIX" {
			return s.problem("the %s has %s bytes and its header says %s: the writer has not finished", s.format, count(s.size), count(end))
		}
		off = end
	}
}

// riffSize returns what the RIFF chunk at off says of its size, header left out,
// and -1 where it says that the size was never known.
func (s *scan) riffSize(off int64) (int64, *Problem) {
	h := s.at(off, 12)
	if h == nil {
		return 0, s.cut(off+12, "no header")
	}
	n := int64(binary.LittleEndian.Uint32(h[4:]))
	if string(h[:4]) != "RIFF" { // EBU Tech 3306: the size is in the ds64 chunk
		d := s.at(off+12, 16)
		if d == nil {
			return 0, s.cut(off+36, "no ds64 chunk")
		}
		size := binary.LittleEndian.Uint64(d[8:])
		if string(d[:4]) != "ds64" || size > math.MaxInt64/2 {
			return 0, s.problem("the %s is damaged: no ds64 chunk", s.format)
		}
		return int64(size), nil
	}
	if n == math.MaxUint32 {
		return -1, nil
	}
	if n < 4 {
		return 0, s.problem("the %s says that it is empty: the writer has not finished", s.format)
	}
	return n, nil
}

// webpChunks walks the chunks of a WebP, which ends at end.
func (s *scan) webpChunks(end int64) *Problem {
	kind := ""
	for off := int64(12); off < end; {
		h := s.at(off, 8)
		if h == nil || !printable(h[:4]) {
			return s.problem("the WebP stops being one at byte %s: no chunk begins there", count(off))
		}
		kind = string(h[:4])
		n := int64(binary.LittleEndian.Uint32(h[4:]))
		if off += 8 + n; off > end {
			return s.cut(off, "its "+kind+" chunk is cut off")
		}
		off += n % 2
	}
	switch kind {
	case "":
		return s.cut(end+8, "there is no picture in it")
	case "VP8 ", "VP8L", "ALPH", "ANMF":
		return s.unwritten(shortTail)
	}
	return nil
}

// unwritten is the Problem of a file whose compressed picture ends in at least n
// zeros, nil where it does not.
func (s *scan) unwritten(n int64) *Problem {
	if s.zeroTail() < n {
		return nil
	}
	return s.problem("the %s of %s bytes ends in zeros where picture data must be: the space was allocated, and the writer has not finished",
		s.format, count(s.size))
}
