// Package variant makes a picture that differs from another in a harmless
// comment only, for hosts that refuse bytes which they have already: other
// bytes, another hash, the same pixels.
//
// The comment is spliced into the stream while it is read. It is the same for
// the same upload and copy number, so that every attempt sends the same bytes,
// and a digest, so that it tells nobody anything.
package variant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"strconv"

	"slipway/uploader/splice"
	"slipway/uploader/whole"
)

// ErrUnsupported is returned for a file that has no safe place for a comment:
// one of another format, a damaged one, or one that uses its format in a way
// which a comment would break.
var ErrUnsupported = errors.New("there is no safe place for a comment in this file")

// Variant is a picture with a comment in it. It is safe for concurrent use.
type Variant struct{ *splice.File }

// edit drops bytes of the original and puts others in their place.
type edit = splice.Edit

// placer finds the edits that put a comment into the size bytes of r. Its errors
// are ErrUnsupported or those of reading.
type placer func(r io.ReaderAt, size int64, text string) ([]edit, error)

// placers are the formats with a place for a comment, by media type.
var placers = map[string]placer{
	"image/jpeg":             placeJPEG,
	"image/png":              placePNG,
	"image/apng":             placePNG,
	"image/vnd.mozilla.apng": placePNG,
	"image/gif":              placeGIF,
	"image/webp":             placeWebP,
}

func placerOf(mediaType string) placer {
	kind, _, _ := mime.ParseMediaType(mediaType) // what is malformed has no row
	return placers[kind]
}

// New returns the copy-th variant, copy being 1 or more, for the upload with
// that id, of the size bytes that open reads. open is called here once, and then
// once for every Open.
//
//  1. The file has a place for a comment: its variant.
//  2. It has none: an error that is ErrUnsupported.
//  3. It could not be read: that error.
func New(ctx context.Context, open func(ctx context.Context) (io.ReadSeekCloser, error), size int64,
	mediaType, upload string, copy int,
) (*Variant, error) {
	place := placerOf(mediaType)
	if place == nil {
		return nil, fmt.Errorf("variant: %w: its type is %q", ErrUnsupported, mediaType)
	}
	if copy < 1 {
		return nil, fmt.Errorf("variant: copy number %d, and the first is 1", copy)
	}
	src, err := open(ctx)
	if err != nil {
		return nil, fmt.Errorf("variant: %w", err)
	}
	defer src.Close()
	edits, err := inspect(splice.At(ctx, src), size, place, mediaType, comment(upload, copy))
	if err != nil {
		return nil, fmt.Errorf("variant: %w", err)
	}
	return &Variant{splice.New(open, size, edits)}, nil
}

// inspect finds the edits for a file that is whole; a comment is not put into
// one of which parts are missing.
func inspect(r io.ReaderAt, size int64, place placer, mediaType, text string) ([]edit, error) {
	if err := whole.Check(r, size, mediaType, ""); err != nil {
		var p *whole.Problem
		if errors.As(err, &p) {
			return nil, fmt.Errorf("%w: %s", ErrUnsupported, p.Text)
		}
		return nil, err
	}
	return place(r, size, text)
}

// comment returns what the copy-th variant for an upload says: 40 characters.
func comment(upload string, copy int) string {
	sum := sha256.Sum256([]byte(upload + "\x00" + strconv.Itoa(copy)))
	return "slipway " + hex.EncodeToString(sum[:16])
}
