package link

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// PixelsMax is how many pixels a picture may say that it has. What is larger is refused
// without being decoded: a few bytes can stand for gigabytes of memory in whoever opens
// them, and no camera makes as many.
const PixelsMax = 400_000_000

// header is how much of a picture is read for its size.
const header = 4 << 20

// sizes are the formats whose header tells the size.
var sizes = map[string]func(io.Reader) (image.Config, error){
	"image/jpeg":             jpeg.DecodeConfig,
	"image/png":              pngSize,
	"image/vnd.mozilla.apng": pngSize,
	"image/gif":              gif.DecodeConfig,
	"image/webp":             webp.DecodeConfig,
	"image/tiff":             tiff.DecodeConfig,
	"image/bmp":              bmp.DecodeConfig,
	"image/heic":             boxes,
	"image/heif":             boxes,
	"image/avif":             boxes,
}

// CheckPixels returns an error for people where the header of a picture of size bytes
// says that it has too many pixels. Formats that it does not know, and headers that it
// cannot read, pass: whether a file is whole is another question.
func CheckPixels(r io.ReaderAt, size int64, mediaType string) error {
	read := sizes[mediaType]
	if read == nil {
		return nil
	}
	c, err := read(bufio.NewReader(io.NewSectionReader(r, 0, min(size, header))))
	if err != nil || c.Height == 0 || int64(c.Width) <= PixelsMax/int64(c.Height) {
		return nil //nolint:nilerr // See above.
	}
	return fmt.Errorf("the picture says that it is %d × %d pixels large, and more than %d million are not taken", c.Width, c.Height, PixelsMax/1_000_000)
}

// pngSize returns the size in the header of a PNG, also one that is too large for the
// decoder.
func pngSize(r io.Reader) (c image.Config, err error) {
	var b [24]byte // the signature, and the first chunk up to the size (PNG §11.2.2)
	if _, err = io.ReadFull(r, b[:]); err == nil {
		c.Width, c.Height = int(binary.BigEndian.Uint32(b[16:])), int(binary.BigEndian.Uint32(b[20:]))
	}
	return c, err
}

// boxes returns the largest size in a HEIC or AVIF (ISO/IEC 23008-12 §6.5.3, ispe). It
// looks for the box wherever it is: the way there has many forms.
func boxes(r io.Reader) (c image.Config, err error) {
	data, err := io.ReadAll(r)
	for err == nil {
		_, rest, found := bytes.Cut(data, []byte("ispe\x00\x00\x00\x00"))
		if !found || len(rest) < 8 {
			break
		}
		w, h := int64(binary.BigEndian.Uint32(rest)), int64(binary.BigEndian.Uint32(rest[4:]))
		if float64(w)*float64(h) > float64(c.Width)*float64(c.Height) {
			c.Width, c.Height = int(w), int(h)
		}
		data = rest
	}
	return c, err
}
