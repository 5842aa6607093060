package strip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
	"slipway/uploader/strip/film"
)

// Markers of ITU-T T.81 table B.1.
const (
	markerTEM   = 0x01
	markerRST0  = 0xd0
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP13 = 0xed
	markerAPP14 = 0xee
	markerAPP15 = 0xef
	markerCOM   = 0xfe
)

// Headers of application segments.
const (
	headExif      = "Exif\x00"
	headXMP       = "http://ns.adobe.com/xap/1.0/\x00"
	headICC       = "ICC_PROFILE\x00"
	headMPF       = "MPF\x00"
	headGain      = "urn:iso:std:iso:ts:21496:-1\x00" // ISO 21496-1, of a gain map
	headPhotoshop = "Photoshop 3.0\x00"
	headAdobe     = "Adobe"
	headJFIF      = "JFIF\x00"
	headJFXX      = "JFXX\x00"
)

// maxNested is how deep pictures in pictures are followed.
const maxNested = 2

// nested returns what cleans a JPEG inside of another file, in place.
func nested(depth int) exif.Nested {
	return func(r io.ReaderAt, size int64) ([]splice.Edit, error) {
		j := &jpegFile{r: r, size: size, mode: GPS, depth: depth}
		_, err := j.picture()
		return j.edits, err
	}
}

// jpegFile is the walk through one JPEG.
type jpegFile struct {
	r      io.ReaderAt
	size   int64
	mode   Mode
	depth  int
	lies   int   // the orientation that Exif says, with All
	header int64 // behind SOI and the JFIF segment
	edits  []splice.Edit
}

// findJPEG does a JPEG and what follows it.
func findJPEG(r io.ReaderAt, size int64, mode Mode) ([]splice.Edit, error) {
	j := &jpegFile{r: r, size: size, mode: mode, lies: 1, header: 2}
	end, err := j.picture()
	if err != nil {
		return nil, err
	}
	if mode == All {
		j.cut(end, size)
		if err := j.orientation(); err != nil {
			return nil, err
		}
		return j.edits, nil
	}
	return j.edits, j.trailer(end)
}

func (j *jpegFile) cut(off, end int64) {
	if off < end {
		j.edits = append(j.edits, splice.Edit{Off: off, Drop: end - off})
	}
}

// picture walks the segments up to the end of the picture, which it returns.
func (j *jpegFile) picture() (int64, error) {
	scan := false
	for off := int64(2); ; {
		marker, next, err := j.marker(off, scan)
		if err != nil || marker == markerEOI {
			return next, err
		}
		b, err := take(j.r, j.size, next, 2)
		if err != nil {
			return 0, err
		}
		n := int64(binary.BigEndian.Uint16(b))
		if n < 2 {
			return 0, problem("the JPEG is damaged at byte %d: a segment of %d bytes", next, n)
		}
		if marker >= markerAPP0 && marker <= markerAPP15 || marker == markerCOM {
			data, err := take(j.r, j.size, next+2, n-2)
			if err != nil {
				return 0, err
			}
			if err := j.segment(marker, off, next+2, data); err != nil {
				return 0, err
			}
		}
		off, scan = next+n, marker == markerSOS
		if off > j.size {
			return 0, problem("the JPEG ends before its picture does")
		}
	}
}

// marker returns the marker at off, or behind the compressed data at off, and the
// offset behind it.
func (j *jpegFile) marker(off int64, scan bool) (byte, int64, error) {
	for size := int64(16); off+1 < j.size; size = windowSize / 2 {
		b, err := take(j.r, j.size, off, min(size, j.size-off))
		if err != nil {
			return 0, 0, err
		}
		at := 0
		for at < len(b)-1 {
			i := bytes.IndexByte(b[at:len(b)-1], 0xff)
			if i != 0 && !scan {
				return 0, 0, problem("the JPEG has stray bytes between its segments, at byte %d", off+int64(at))
			}
			if i < 0 {
				at = len(b) - 1
				break
			}
			at += i
			switch c := b[at+1]; {
			case c == 0xff: // fill
				at++
			case scan && (c <= markerTEM || c >= markerRST0 && c < markerSOI):
				at += 2
			case c <= markerTEM || c >= markerRST0 && c <= markerSOI:
				return 0, 0, problem("the JPEG has a marker out of place at byte %d", off+int64(at))
			default:
				return c, off + int64(at) + 2, nil
			}
		}
		off += int64(at)
	}
	return 0, 0, problem("the JPEG ends before its picture does")
}

// segment deals with an application or comment segment, whose marker begins at or
// behind off and whose data at in.
func (j *jpegFile) segment(marker byte, off, in int64, data []byte) error {
	if j.mode == All {
		return j.drop(marker, off, in, data)
	}
	has := func(head string) bool { return bytes.HasPrefix(data, []byte(head)) }
	var clean []byte
	switch {
	case marker == markerCOM, zeros(data),
		marker == markerAPP0 && (has(headJFIF) || has(headJFXX) || has("AVI1")),
		marker == markerAPP2 && (has(headICC) || has(headMPF) || has(headGain)),
		marker == markerAPP14 && has(headAdobe):
		return nil
	case marker == markerAPP1 && has(headExif) && len(data) >= 6:
		var inner exif.Nested
		if j.depth < maxNested {
			inner = nested(j.depth + 1)
		}
		c, err := exif.Clean(data[6:], inner)
		if err != nil {
			return err
		}
		clean = append(bytes.Clone(data[:6]), c...)
	case marker == markerAPP1 && has(headXMP):
		clean = append([]byte(headXMP), exif.XMP(data[len(headXMP):])...)
	case marker == markerAPP13 && has(headPhotoshop):
		c, err := exif.Resources(data[len(headPhotoshop):])
		if err == nil {
			clean = append([]byte(headPhotoshop), c...)
			break
		}
		var p *Problem
		if !errors.As(err, &p) {
			return err
		}
		fallthrough // of several segments, or damaged
	default: // of a camera or program that nobody knows, or more XMP
		clean = nil
	}
	if clean == nil {
		j.edits = append(j.edits, splice.Edit{Off: in, Drop: int64(len(data)), Zeros: true})
	} else if !bytes.Equal(clean, data) {
		j.edits = append(j.edits, splice.Edit{Off: in, Drop: int64(len(data)), Data: clean})
	}
	return nil
}

// drop drops a segment from which the picture takes neither form nor colour.
func (j *jpegFile) drop(marker byte, off, in int64, data []byte) error {
	end := in + int64(len(data))
	has := func(head string) bool { return bytes.HasPrefix(data, []byte(head)) }
	switch {
	case marker == markerAPP0 && has(headJFIF) && len(data) >= 14:
		if off == 2 {
			j.header = end
		}
		if len(data) > 14 { // a thumbnail
			j.cut(in+14, end)
			j.edits = append(j.edits, splice.Edit{Off: in - 2, Drop: 2, Data: []byte{0, 16}}, splice.Edit{Off: in + 12, Drop: 2, Zeros: true})
		}
		return nil
	case marker == markerAPP2 && has(headICC), marker == markerAPP14 && has(headAdobe):
		return nil
	case marker == markerAPP1 && has(headExif) && len(data) >= 6:
		if bytes.Equal(data, append([]byte("Exif\x00\x00"), exif.Minimal(j.said(data))...)) && off == j.header && j.said(data) > 1 {
			j.lies = 0 // it is there already
			return nil
		}
		if o := j.said(data); j.lies == 1 {
			j.lies = o
		}
	}
	j.cut(off, end)
	return nil
}

// said returns the orientation that an Exif segment says; 1 where it cannot be read.
func (j *jpegFile) said(data []byte) int {
	o, err := exif.Orientation(bytes.NewReader(data[6:]), int64(len(data)-6))
	if err != nil {
		return 1
	}
	return o
}

// orientation puts an Exif segment in that says nothing but how the picture lies, if
// it does not lie upright.
func (j *jpegFile) orientation() error {
	if j.lies > 1 {
		b := append([]byte("\xff\xe1\x00\x22Exif\x00\x00"), exif.Minimal(j.lies)...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)-2))
		j.edits = append([]splice.Edit{{Off: j.header, Data: b}}, j.edits...)
	}
	return nil
}

// trailer deals with what follows the picture: further pictures (CIPA DC-007) and a
// film are cleaned; the first thing that is neither is cut off with all behind it.
func (j *jpegFile) trailer(off int64) error {
	for pictures := 0; pictures < 64; pictures++ {
		var err error
		from := off
		if off, err = afterZeros(j.r, j.size, off); err != nil || off == j.size {
			return err
		}
		if off, err = j.boxAround(off, from); err != nil {
			return err
		}
		head, err := take(j.r, j.size, off, min(8, j.size-off))
		if err != nil {
			return err
		}
		rest := io.NewSectionReader(j.r, off, j.size-off)
		inner := &jpegFile{r: rest, size: rest.Size(), mode: GPS, depth: 1}
		next := int64(0)
		switch {
		case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
			next, err = inner.picture()
		case len(head) == 8 && string(head[4:]) == "ftyp":
			inner.edits, err = film.Edits(rest, rest.Size(), false)
			next = rest.Size()
		default:
			j.cut(off, j.size)
			return nil
		}
		var p *Problem
		if errors.As(err, &p) {
			j.cut(off, j.size)
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range inner.edits {
			e.Off += off
			j.edits = append(j.edits, e)
		}
		off += next
	}
	j.cut(off, j.size)
	return nil
}

// boxAround returns where the box begins of which the size's first byte that is not
// zero stands at off, but not before from; off where there is no such box.
func (j *jpegFile) boxAround(off, from int64) (int64, error) {
	from = max(from, off-3)
	b, err := take(j.r, j.size, from, min(12, j.size-from))
	if err != nil {
		return 0, err
	}
	for i := range off - from {
		if int(i)+8 <= len(b) && string(b[i+4:i+8]) == "ftyp" {
			return from + i, nil
		}
	}
	return off, nil
}
