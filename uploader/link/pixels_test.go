package link_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"slipway/uploader/link"
	"slipway/uploader/whole/wholetest"
)

// bomb is a PNG of a few bytes that says it is w × h pixels large.
func bomb(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	chunk = append(binary.BigEndian.AppendUint32(chunk, h), 8, 6, 0, 0, 0)
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func TestCheckPixels(t *testing.T) {
	jpeg := wholetest.JPEG(40, 40, 1)
	sof := bytes.Index(jpeg, []byte("\xff\xc0"))
	large := bytes.Clone(jpeg)
	copy(large[sof+5:], "\xff\xff\xff\xff")
	gif := []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00")
	ispe := "\x00\x00\x00\x18ftypheic" + strings.Repeat("x", 500) + "\x00\x00\x00\x14ispe\x00\x00\x00\x00"
	for _, tt := range []struct {
		name, media string
		data        []byte
		refused     bool
	}{
		{"png bomb", "image/png", bomb(65535, 65535), true},
		{"png beyond", "image/png", bomb(1<<31-1, 1<<31-1), true},
		{"png without pixels", "image/png", bomb(65535, 0), false},
		{"png at the limit", "image/png", bomb(20000, 20000), false},
		{"png above", "image/png", bomb(20000, 20001), true},
		{"jpeg", "image/jpeg", jpeg, false},
		{"jpeg bomb", "image/jpeg", large, true},
		{"gif bomb", "image/gif", gif, true},
		{"heic", "image/heic", []byte(ispe + "\x00\x00\x10\x00\x00\x00\x0c\x00"), false},
		{"heic bomb", "image/heic", []byte(ispe + "\x00\x00\x10\x00\x00\x00\x0c\x00" + "ispe\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00"), true},
		{"unknown", "image/x-xcf", []byte("x"), false},
		{"garbage", "image/webp", []byte("RIFFxxxxWEBPVP8 "), false},
	} {
		err := link.CheckPixels(bytes.NewReader(tt.data), int64(len(tt.data)), tt.media)
		if (err != nil) != tt.refused {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func FuzzCheckPixels(f *testing.F) {
	kinds := []string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/tiff", "image/bmp", "image/heic"}
	f.Add(0, wholetest.JPEG(16, 16, 1))
	f.Add(1, bomb(65535, 65535))
	f.Add(2, wholetest.GIF(16, 16, 1))
	f.Add(3, wholetest.WebP(16, 16, 1))
	f.Add(4, []byte("II*\x00\x08\x00\x00\x00\x02\x00\x00\x01\x04\x00\x01\x00\x00\x00\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		link.CheckPixels(bytes.NewReader(data), int64(len(data)), kinds[uint(i)%uint(len(kinds))]) //nolint:errcheck // It must come back.
	})
}
