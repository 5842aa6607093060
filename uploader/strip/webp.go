package strip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
)

// Flags of the VP8X chunk (RFC 9649 §2.7.1).
const (
	flagXMP  = 0x04
	flagExif = 0x08
)

// webpShown are the chunks that say how the picture looks.
var webpShown = []string{"VP8 ", "VP8L", "VP8X", "ANIM", "ANMF", "ALPH", "ICCP"}

// webp is the walk through one WebP.
type webp struct {
	r      io.ReaderAt
	size   int64
	mode   Mode
	end    int64 // of the RIFF chunk
	header int64 // where VP8X's flags are; 0: there is none
	flags  byte
	clear  byte // flags that are to go
	keep   byte // and those that are not
	lies   int
	grown  int64
	edits  []splice.Edit
}

func findWebP(r io.ReaderAt, size int64, mode Mode) ([]splice.Edit, error) {
	h, err := take(r, size, 0, 12)
	if err != nil {
		return nil, err
	}
	riff := int64(binary.LittleEndian.Uint32(h[4:]))
	w := &webp{r: r, size: size, mode: mode, end: min(8+riff+riff&1, size)}
	if riff+8 > size || riff < 4 {
		return nil, problem("the WebP is damaged: its size is not the one that it says")
	}
	for off := int64(12); off < 8+riff; {
		h, err := take(r, size, off, 8)
		if err != nil {
			return nil, err
		}
		n := int64(binary.LittleEndian.Uint32(h[4:]))
		if n > 8+riff-off-8 {
			return nil, problem("the WebP is damaged at byte %d", off)
		}
		next := min(off+8+n+n&1, w.end)
		if err := w.chunk(string(h[:4]), off, n, next); err != nil {
			return nil, err
		}
		off = next
	}
	w.finish()
	return w.edits, nil
}

func (w *webp) drop(off, end int64) {
	if off < end {
		w.edits = append(w.edits, splice.Edit{Off: off, Drop: end - off})
		w.grown -= end - off
	}
}

// chunk deals with the chunk of n bytes at off, before next.
func (w *webp) chunk(kind string, off, n, next int64) error {
	switch {
	case kind == "VP8X" && n >= 10:
		b, err := take(w.r, w.size, off+8, 1)
		if err != nil {
			return err
		}
		w.header, w.flags = off+8, b[0]
		return nil
	case slices.Contains(webpShown, kind):
		return nil
	case kind == "EXIF" && w.mode == GPS, kind == "XMP " && w.mode == GPS:
		return w.block(kind, off, n)
	case kind == "EXIF":
		return w.orientation(off, n, next)
	case kind == "XMP ":
		w.clear |= flagXMP
	}
	w.drop(off, next)
	return nil
}

// tiff returns where in an EXIF chunk the block begins: some writers put JPEG's
// header before it.
func tiff(data []byte) int {
	if bytes.HasPrefix(data, []byte("Exif\x00\x00")) {
		return 6
	}
	return 0
}

// block cleans a chunk in place.
func (w *webp) block(kind string, off, n int64) error {
	data, err := take(w.r, w.size, off+8, n)
	if err != nil {
		return err
	}
	clean := exif.XMP
	if kind == "EXIF" {
		at := tiff(data)
		c, err := exif.Clean(data[at:], nested(1))
		if err != nil {
			return err
		}
		clean = func([]byte) []byte { return append(bytes.Clone(data[:at]), c...) }
	}
	if c := clean(data); !bytes.Equal(c, data) {
		w.edits = append(w.edits, splice.Edit{Off: off + 8, Drop: n, Data: c})
	}
	return nil
}

// orientation makes of an EXIF chunk one that says nothing but how the picture lies,
// if it does not lie upright, and drops it else.
func (w *webp) orientation(off, n, next int64) error {
	data, err := take(w.r, w.size, off+8, n)
	if err != nil {
		return err
	}
	block := data[tiff(data):]
	o, err := exif.Orientation(bytes.NewReader(block), int64(len(block)))
	var damaged *Problem
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	if w.lies > 1 || err != nil || o == 1 {
		w.clear |= flagExif
		w.drop(off, next)
		return nil
	}
	w.lies, w.keep = o, flagExif
	if minimal := exif.Minimal(o); !bytes.Equal(data, minimal) {
		chunk := append(binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(minimal))), minimal...)
		w.edits = append(w.edits, splice.Edit{Off: off, Drop: next - off, Data: chunk})
		w.grown += int64(len(chunk)) - (next - off)
	}
	return nil
}

// finish sets the flags and the size, and cuts off what is behind the file's end.
func (w *webp) finish() {
	if off := w.clear &^ w.keep; w.header > 0 && w.flags&off != 0 {
		w.edits = append(w.edits, splice.Edit{Off: w.header, Drop: 1, Data: []byte{w.flags &^ off}})
	}
	if w.grown != 0 {
		riff := w.end - 8 + w.grown
		w.edits = append(w.edits, splice.Edit{Off: 4, Drop: 4, Data: binary.LittleEndian.AppendUint32(nil, uint32(riff))})
	}
	if w.end < w.size {
		w.edits = append(w.edits, splice.Edit{Off: w.end, Drop: w.size - w.end})
	}
}
