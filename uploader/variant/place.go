package variant

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"slipway/uploader/whole"
)

func unsupported(why string) error { return fmt.Errorf("%w: %s", ErrUnsupported, why) }

// read returns n bytes at off, or ErrUnsupported where the file ends before.
func read(r io.ReaderAt, size, off int64, n int) ([]byte, error) {
	if off > size-int64(n) {
		return nil, unsupported("it is too short")
	}
	b := make([]byte, n)
	if got, err := r.ReadAt(b, off); got < n {
		return nil, fmt.Errorf("read the original: %w", err)
	}
	return b, nil
}

// placeJPEG puts a COM segment (ITU-T T.81 §B.2.4.5) behind the APP0 and APP1
// segments at the start, which JFIF and Exif want there, and before any other:
// the offsets in an APP2 segment of further pictures (CIPA DC-007 §5.2.2.2)
// count from that segment on, and so stay right.
func placeJPEG(r io.ReaderAt, size int64, text string) ([]edit, error) {
	const app0, app1 = 0xe0, 0xe1
	b, err := read(r, size, 0, 3)
	if err != nil {
		return nil, err
	}
	if string(b) != "\xff\xd8\xff" {
		return nil, unsupported("it is no JPEG")
	}
	off := int64(2)
	for {
		if b, err = read(r, size, off, 4); err != nil {
			return nil, err
		}
		if b[0] != 0xff {
			return nil, unsupported("stray bytes between the segments of the JPEG")
		}
		if b[1] != app0 && b[1] != app1 {
			break
		}
		off += 2 + int64(binary.BigEndian.Uint16(b[2:]))
	}
	data := binary.BigEndian.AppendUint16([]byte{0xff, 0xfe}, uint16(2+len(text)))
	return []edit{{Off: off, Data: append(data, text...)}}, nil
}

// placePNG puts a tEXt chunk (ISO/IEC 15948 §11.3.4.3) right behind the IHDR
// chunk, where any ancillary chunk may be.
func placePNG(r io.ReaderAt, size int64, text string) ([]edit, error) {
	const ihdrEnd = 8 + 8 + 13 + 4
	b, err := read(r, size, 0, ihdrEnd)
	if err != nil {
		return nil, err
	}
	if string(b[:16]) != "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" {
		return nil, unsupported("the PNG does not begin with an IHDR chunk")
	}
	body := "tEXt" + "Comment\x00" + text
	data := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	data = binary.BigEndian.AppendUint32(append(data, body...), crc32.ChecksumIEEE([]byte(body)))
	return []edit{{Off: ihdrEnd, Data: data}}, nil
}

// placeGIF puts a comment extension (GIF89a §24) before the trailer, where it
// can come between no two blocks that belong together. A GIF87a becomes a GIF89a
// (§24 requires it), unless a field that only GIF89a gives a meaning is set.
func placeGIF(r io.ReaderAt, size int64, text string) ([]edit, error) {
	const sorted = 0x08
	b, err := read(r, size, 0, 13)
	if err != nil {
		return nil, err
	}
	var edits []edit
	switch string(b[:6]) {
	case "GIF89a":
	case "GIF87a":
		if b[10]&sorted != 0 || b[12] != 0 {
			return nil, unsupported("the GIF87a would mean something else as a GIF89a")
		}
		edits = append(edits, edit{Off: 4, Drop: 1, Data: []byte("9")})
	default:
		return nil, unsupported("it is no GIF")
	}
	trailer, err := whole.GIFTrailer(r, size)
	var p *whole.Problem
	if errors.As(err, &p) {
		return nil, unsupported(p.Text)
	}
	if err != nil {
		return nil, err
	}
	data := append([]byte{'!', 0xfe, byte(len(text))}, text...)
	return append(edits, edit{Off: trailer, Data: append(data, 0)}), nil
}
