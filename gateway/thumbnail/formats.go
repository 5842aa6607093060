package thumbnail

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// format is one that is decoded.
type format struct {
	magic  []string // what a file begins with, one of these; ? is any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	// bytes that decoding takes for each pixel
	bytes int64
}

var formats = []format{
	{[]string{"\xff\xd8\xff"}, jpeg.DecodeConfig, jpeg.Decode, 3},
	{[]string{"\x89PNG\r\n\x1a\n"}, png.DecodeConfig, png.Decode, 4},
	{[]string{"GIF87a", "GIF89a"}, gif.DecodeConfig, gif.Decode, 2},
	{[]string{"RIFF????WEBP"}, webp.DecodeConfig, webp.Decode, 8},
	{[]string{"II*\x00", "MM\x00*"}, tiff.DecodeConfig, tiff.Decode, 8},
	{[]string{"BM"}, bmp.DecodeConfig, bmp.Decode, 4},
}

// formatOf returns the format of a file that begins with head; nil: none.
func formatOf(head []byte) *format {
	for i := range formats {
		for _, magic := range formats[i].magic {
			if begins(head, magic) {
				return &formats[i]
			}
		}
	}
	return nil
}

func begins(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

// cost returns how many bytes decoding takes for each pixel of a picture.
func (f *format) cost(r io.ReaderAt, c image.Config) int64 {
	n := f.bytes
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		n = max(n, 8)
	}
	if f.magic[0] == "\xff\xd8\xff" && progressive(r) {
		n += 12 // the coefficients of the whole picture are kept until its end
	}
	return n
}

// progressive reports whether a JPEG is written in several scans (ITU-T T.81
// §B.2.2, SOF2), or that is not to be seen.
func progressive(r io.ReaderAt) bool {
	for at := int64(2); at < 16<<20; {
		var b [4]byte
		if _, err := r.ReadAt(b[:], at); err != nil || b[0] != 0xff {
			return true
		}
		switch {
		case b[1] == 0xff: // padding
			at++
			continue
		case b[1] == 0xc0 || b[1] == 0xc1:
			return false
		case b[1] == 0xc2 || b[1] == 0xda:
			return true
		case b[1] == 0x01 || b[1] >= 0xd0 && b[1] <= 0xd8:
			at += 2
			continue
		}
		at += 2 + int64(binary.BigEndian.Uint16(b[2:]))
	}
	return true
}

// jpegAt reports whether a JPEG begins in b at i.
func jpegAt(b []byte, i int) bool { return bytes.HasPrefix(b[i:], []byte("\xff\xd8\xff")) }
