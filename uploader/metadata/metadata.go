// Package metadata reads what a picture says about itself (Exif, IPTC, XMP) as
// plain text by key, for templates such as "{title}" and "{exif.Model}".
package metadata

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"time"

	"github.com/bep/imagemeta"
)

const (
	maxKeys  = 512
	maxValue = 4 << 10 // bytes

	maxTime = 10 * time.Second // for one file; honest ones take milliseconds
	maxTags = 4096             // in one file, told or not
	maxTag  = maxValue         // bytes of a tag's value as it stands in the file
	maxRead = 32 << 20         // bytes read from one file for one kind of metadata
)

// The longest stretch, in bytes, that is taken into memory at once. Exif cannot
// pass 64 KiB in a JPEG, and a larger one elsewhere could keep the library busy
// for a long time, as thousands of SubIFDs may be the same directory; XMP holds
// whole editing histories.
const (
	maxEXIF = 64 << 10
	maxXMP  = 1 << 20
)

// formats are the files that metadata can be read from, by media type. Raw files
// with the magic of TIFF are often told as that.
var formats = map[string]imagemeta.ImageFormat{
	"image/jpeg":             imagemeta.JPEG,
	"image/pjpeg":            imagemeta.JPEG,
	"image/png":              imagemeta.PNG,
	"image/apng":             imagemeta.PNG,
	"image/vnd.mozilla.apng": imagemeta.PNG,
	"image/webp":             imagemeta.WebP,
	"image/tiff":             imagemeta.TIFF,
	"image/heic":             imagemeta.HEIF,
	"image/heif":             imagemeta.HEIF,
	"image/heic-sequence":    imagemeta.HEIF,
	"image/heif-sequence":    imagemeta.HEIF,
	"image/avif":             imagemeta.AVIF,
	"image/x-adobe-dng":      imagemeta.DNG,
	"image/x-canon-cr2":      imagemeta.CR2,
	"image/x-nikon-nef":      imagemeta.NEF,
	"image/x-sony-arw":       imagemeta.ARW,
	"image/x-pentax-pef":     imagemeta.PEF,
}

// Read returns what the file in r says about itself. The keys are
//
//   - "exif.Model", "iptc.City", "xmp.Creator": a tag under the name that
//     ExifTool knows it by; several values of one tag are separated by ", ";
//   - "exif.date" (2026-11-22), "exif.time" (13:14:15), "exif.year",
//     "exif.month", "exif.day": when the picture was taken, as the camera's
//     clock said, and "exif.camera": make and model;
//   - "title", "caption" and "keywords" (separated by ", "), from whichever
//     kind has them;
//   - "gps.lat" and "gps.lon" in degrees, south and west negative.
//
// Each value is valid UTF-8 of at most 4 KiB without control characters (a new
// line and a tab aside) and without blanks around it, and none is empty. There
// are at most 512.
//
//  1. There is nothing, or the type is none that metadata is read from: an empty
//     map.
//  2. The metadata is damaged, or beyond all bounds: what could be read.
//  3. r fails, or ctx ends: that error.
func Read(ctx context.Context, r io.ReadSeeker, mediaType string) (map[string]string, error) {
	kind, _, _ := mime.ParseMediaType(mediaType) // what is malformed has no row
	format, ok := formats[kind]
	if !ok {
		return map[string]string{}, nil
	}
	limited, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	c := newCollector(limited)
	for _, source := range [...]imagemeta.Source{imagemeta.EXIF, imagemeta.IPTC, imagemeta.XMP} {
		src := &reader{ctx: limited, src: r, left: maxRead, longest: maxXMP}
		if source == imagemeta.EXIF {
			src.longest = maxEXIF
		}
		if _, err := src.Seek(0, io.SeekStart); err == nil {
			pass(c, src, format, source)
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
		if src.err != nil {
			return nil, fmt.Errorf("metadata: %w", src.err)
		}
	}
	return c.result(), nil
}

// pass collects one kind of metadata. A kind that is damaged does not hide the
// others, and its own error is not told: what could be read was collected.
func pass(c *collector, src *reader, format imagemeta.ImageFormat, source imagemeta.Source) {
	// The library is a parser of foreign bytes: should one of its assumptions
	// fail, the picture goes out without metadata rather than not at all.
	defer func() { _ = recover() }()
	if format == imagemeta.PNG && source == imagemeta.XMP {
		pngXMP(c, src)
		return
	}
	_, _ = imagemeta.Decode(imagemeta.Options{
		R:               src,
		ImageFormat:     format,
		Sources:         source,
		ShouldHandleTag: c.wants,
		HandleTag:       c.tag,
		HandleXMP:       c.packet,
		LimitNumTags:    maxTags,
		LimitTagSize:    maxTag,
	})
}

// errTooMuch ends the reading of a file that asks for more than any honest one.
var errTooMuch = errors.New("metadata: beyond all bounds")

// reader bounds what is read of a file, and remembers whether the file itself
// failed, which a parser's error does not tell.
type reader struct {
	ctx     context.Context
	src     io.ReadSeeker
	left    int64
	longest int
	err     error
}

func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if len(b) > r.longest || r.left <= 0 {
		return 0, errTooMuch
	}
	n, err := r.src.Read(b)
	r.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// Seek goes where a file says, which may be nowhere: that is no failure of the
// file. Only going back to the start must succeed.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	n, err := r.src.Seek(offset, whence)
	if err != nil && offset == 0 {
		r.err = err
	}
	return n, err
}
