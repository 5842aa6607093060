package whole

import (
	"encoding/binary"
	"math"
	"strings"
)

// boxes is what checkBMFF saw at the top level.
type boxes struct {
	movie, meta, data bool
	last              string
}

// checkBMFF adds up the top-level boxes of ISO/IEC 14496-12 §4.2: they must end
// exactly where the file does, and an index and what it speaks of must be there.
func checkBMFF(s *scan) *Problem {
	var seen boxes
	for off := int64(0); off < s.size; {
		kind, n, p := s.box(off)
		if p != nil {
			return p
		}
		switch kind {
		case "ftyp":
			if b := s.at(off+8, 4); b != nil {
				s.format = brand(string(b))
			}
		case "moov":
			seen.movie = true
		case "meta":
			seen.meta = true
			seen.data = seen.data || s.holds(off, n, "idat")
		case "mdat":
			seen.data = true
		}
		if n > s.size-off {
			return s.cut(min(off, math.MaxInt64-n)+n, "its "+kind+" box is cut off")
		}
		off += n
		seen.last = kind
	}
	return s.complete(seen)
}

// complete judges a file whose boxes add up.
func (s *scan) complete(seen boxes) *Problem {
	switch {
	case !seen.movie && !seen.meta:
		return s.cut(s.size+8, "no index (moov or meta box)")
	case !seen.data:
		return s.cut(s.size+8, "no media data (mdat box)")
	case seen.last == "mdat" && seen.movie:
		return s.unwritten(longTail) // recorders pad, and silence is zeros
	case seen.last == "mdat":
		return s.unwritten(shortTail)
	}
	return nil
}

// box reads the header at off: the type, and the whole box's size.
func (s *scan) box(off int64) (kind string, n int64, p *Problem) {
	h := s.at(off, 8)
	if h == nil {
		return "", 0, s.cut(off+8, "a box is cut off")
	}
	n, kind = int64(binary.BigEndian.Uint32(h)), string(h[4:8])
	least := int64(8)
	switch {
	case !printable(h[4:8]):
		return "", 0, s.problem("the %s stops being one at byte %s: no box begins there", s.format, count(off))
	case n == 0:
		return kind, s.size - off, nil
	case n == 1:
		least = 16
		if h = s.at(off, 16); h == nil {
			return "", 0, s.cut(off+16, "its "+kind+" box is cut off")
		}
		n = int64(min(binary.BigEndian.Uint64(h[8:]), math.MaxInt64))
	}
	if n < least {
		return "", 0, s.problem("the %s is damaged at byte %s: a box of %d bytes", s.format, count(off), n)
	}
	return kind, n, nil
}

// holds reports whether the meta box of n bytes at off has a child of that kind.
func (s *scan) holds(off, n int64, kind string) bool {
	const children = 1000 // more than any writer makes
	end := off + min(n, s.size-off)
	off += 12 // a full box: version and flags (ISO/IEC 14496-12 §8.11.1)
	for range children {
		child, size, p := s.box(off)
		if p != nil || size > end-off {
			return false
		}
		if child == kind {
			return true
		}
		off += size
	}
	return false
}

// brand turns the major brand into the name that people know the format by.
func brand(code string) string {
	switch strings.TrimSpace(code) {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
		return "HEIC"
	case "avif", "avis":
		return "AVIF"
	case "qt":
		return "MOV"
	case "crx":
		return "CR3"
	}
	return "MP4"
}
