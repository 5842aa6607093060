package exif

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"

	"slipway/uploader/splice"
)

// placeSets are the data sets of IPTC's record 2 (IIM 4.2) that tell of a place:
// content location code and name, city, sublocation, province, country's code and
// name.
var placeSets = map[byte]bool{26: true, 27: true, 90: true, 92: true, 95: true, 100: true, 101: true}

// IPTC returns a block of the same length without the data sets that tell of a
// place: what is behind them moves up, and zeros fill the end. What cannot be read
// becomes zeros.
func IPTC(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for rest := b; len(rest) >= 5 && rest[0] == 0x1c; {
		n, head := int(binary.BigEndian.Uint16(rest[3:])), 5
		if n&0x8000 != 0 { // an extended data set: so many bytes hold the length
			k := n & 0x7fff
			if k > 4 || len(rest) < 5+k {
				break
			}
			n = 0
			for _, c := range rest[5 : 5+k] {
				n = n<<8 | int(c)
			}
			head += k
		}
		if n > len(rest)-head {
			break
		}
		if rest[1] != 2 || !placeSets[rest[2]] {
			out = append(out, rest[:head+n]...)
		}
		rest = rest[head+n:]
	}
	return append(out, make([]byte, len(b)-len(out))...)
}

// Resources of Photoshop (File Formats Specification, "Image Resources").
const (
	resourceIPTC   = 0x0404
	resourceExif1  = 0x0422
	resourceExif3  = 0x0423
	resourceXMP    = 0x0424
	resourceDigest = 0x0425 // the MD5 of the IPTC block
)

// Resources returns a block of Photoshop's image resources of the same length
// without what tells of a place. The error is a *Problem where it cannot be read.
func Resources(b []byte) ([]byte, error) {
	out := bytes.Clone(b)
	var digest, iptc []byte
	for off := 0; len(bytes.Trim(b[off:], "\x00")) > 0; {
		id, at, end, ok := resource(b, off)
		if !ok {
			return nil, problem("its Photoshop block is damaged")
		}
		data := out[at:end]
		switch id {
		case resourceIPTC:
			copy(data, IPTC(data))
			iptc = data
		case resourceXMP:
			copy(data, XMP(data))
		case resourceExif1, resourceExif3:
			if err := exifResource(data); err != nil {
				return nil, err
			}
		case resourceDigest:
			digest = data
		}
		off = min(end+(end-at)&1, len(b))
	}
	if len(digest) == md5.Size && iptc != nil && !bytes.Equal(b, out) {
		sum := md5.Sum(iptc)
		copy(digest, sum[:])
	}
	return out, nil
}

// exifResource cleans an Exif block in place.
func exifResource(data []byte) error {
	if len(bytes.Trim(data, "\x00")) == 0 {
		return nil
	}
	cleaned, err := Clean(data, nil)
	copy(data, cleaned)
	return err
}

// resource finds the data of the resource at off: from at to end.
func resource(b []byte, off int) (id uint16, at, end int, ok bool) {
	if len(b)-off < 12 {
		return 0, 0, 0, false
	}
	id = binary.BigEndian.Uint16(b[off+4:])
	at = off + 6 + (1+int(b[off+6])+1)&^1
	if at+4 > len(b) {
		return 0, 0, 0, false
	}
	n := int64(binary.BigEndian.Uint32(b[at:]))
	at += 4
	if n > int64(len(b)-at) {
		return 0, 0, 0, false
	}
	switch string(b[off : off+4]) {
	case "8BIM", "MeSa", "PHUT", "AgHg", "DCSR":
		return id, at, at + int(n), true
	}
	return 0, 0, 0, false
}

// Clean returns an Exif block of the same length without what tells of a place.
func Clean(b []byte, nested Nested) ([]byte, error) {
	edits, err := Places(bytes.NewReader(b), int64(len(b)), nested)
	if err != nil {
		return nil, err
	}
	if edits, err = splice.Sort(edits, int64(len(b))); err != nil {
		return nil, problem("its Exif block is damaged: its parts lie over each other")
	}
	return splice.Apply(b, edits), nil
}
