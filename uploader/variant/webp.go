package variant

import (
	"encoding/binary"
	"io"
	"math"
)

// commentChunk is the code of the chunk that holds the comment. RFC 9649 §2.7.1.6
// lets files have chunks of unknown codes at their end and readers ignore them.
const commentChunk = "SLPW"

// placeWebP appends a chunk of an unknown code. Only the extended file format
// (RFC 9649 §2.7) has room for such, so a file in the simple format gets the
// VP8X chunk that the picture's own header calls for.
func placeWebP(r io.ReaderAt, size int64, text string) ([]edit, error) {
	h, err := read(r, size, 0, 30)
	if err != nil {
		return nil, err
	}
	if string(h[:4]) != "RIFF" || string(h[8:12]) != "WEBP" {
		return nil, unsupported("it is no WebP")
	}
	riff := int64(binary.LittleEndian.Uint32(h[4:]))
	if riff+8 != size || riff%2 != 0 {
		return nil, unsupported("the WebP is not padded as it must be")
	}
	header, err := extended(h, size)
	if err != nil {
		return nil, err
	}
	tail := chunk(commentChunk, []byte(text))
	riff += int64(len(header) + len(tail))
	if riff > math.MaxUint32-9 { // RFC 9649 §2.4: 2^32 - 10 at most
		return nil, unsupported("the WebP is as large as one can be")
	}
	edits := []edit{{Off: 4, Drop: 4, Data: binary.LittleEndian.AppendUint32(nil, uint32(riff))}}
	if header != nil {
		edits = append(edits, edit{Off: 12, Data: header})
	}
	return append(edits, edit{Off: size, Data: tail}), nil
}

// extended returns the VP8X chunk that a WebP with the first bytes h lacks; nil
// for one that has it.
func extended(h []byte, size int64) ([]byte, error) {
	kind, n := string(h[12:16]), int64(binary.LittleEndian.Uint32(h[16:]))
	if kind == "VP8X" {
		if n != 10 {
			return nil, unsupported("the WebP has a header of another size")
		}
		return nil, nil
	}
	if 20+n+n%2 != size {
		return nil, unsupported("the WebP has chunks that its format does not allow")
	}
	var w, ht, alpha uint32
	switch b := h[20:]; {
	case kind == "VP8 " && n >= 10 && b[0]&1 == 0 && string(b[3:6]) == "\x9d\x01\x2a": // RFC 6386 §9.1
		w, ht = uint32(binary.LittleEndian.Uint16(b[6:])&0x3fff), uint32(binary.LittleEndian.Uint16(b[8:])&0x3fff)
	case kind == "VP8L" && n >= 5 && b[0] == 0x2f: // RFC 9649 §3.4
		v := binary.LittleEndian.Uint32(b[1:])
		w, ht, alpha = v&0x3fff+1, v>>14&0x3fff+1, v>>28&1
	default:
		return nil, unsupported("the WebP does not begin with a picture")
	}
	if w == 0 || ht == 0 {
		return nil, unsupported("the WebP has no size")
	}
	data := binary.LittleEndian.AppendUint32(nil, alpha<<4)
	data = append(data, byte(w-1), byte((w-1)>>8), byte((w-1)>>16))
	return chunk("VP8X", append(data, byte(ht-1), byte((ht-1)>>8), byte((ht-1)>>16))), nil
}

// chunk returns a RIFF chunk of an even number of bytes.
func chunk(kind string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data)))
	return append(b, data...)
}
