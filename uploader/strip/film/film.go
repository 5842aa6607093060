// Package film finds what the boxes of ISO/IEC 14496-12 (MP4, MOV, 3GP, HEIC, AVIF)
// tell of places and of everything else beside the picture, and the edits that
// overwrite it. No edit moves anything: what goes becomes a free box of zeros, so
// that the offsets of pictures and samples stay right.
package film

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
)

// Bounds of what one file may ask to be read.
const (
	maxBoxes   = 1 << 16
	maxDepth   = 8
	maxBlock   = 16 << 20
	maxExtents = 1 << 18 // of items; a picture in tiles has one for each
)

// Edits returns the edits for the size bytes of r: with all, for everything beside
// picture and sound, else for what tells of places. The error is an *exif.Problem for
// a file that it cannot be taken out of, and of reading else.
func Edits(r io.ReaderAt, size int64, all bool) ([]splice.Edit, error) {
	w := &walk{r: r, size: size, all: all}
	boxes, err := w.children(0, size)
	if err != nil {
		return nil, err
	}
	for _, b := range boxes {
		if err := w.top(b); err != nil {
			return nil, err
		}
	}
	return w.edits, nil
}

func problem(text string, args ...any) error {
	return &exif.Problem{Text: fmt.Sprintf(text, args...)}
}

type walk struct {
	r     io.ReaderAt
	size  int64
	all   bool
	boxes int
	depth int
	edits []splice.Edit
}

// box is one box: it begins at off, its content at in, and ends at end.
type box struct {
	kind         string
	off, in, end int64
}

// bytes reads the n bytes at off.
func (w *walk) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || n > maxBlock || off > w.size-n {
		return nil, problem("its boxes are damaged: something lies outside of the file")
	}
	b := make([]byte, n)
	if n == 0 {
		return b, nil
	}
	if got, err := w.r.ReadAt(b, off); int64(got) < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %d bytes at %d: %w", n, off, err)
	}
	return b, nil
}

// children reads the boxes from off to end, which they must fill; four zeros at the
// end, as old writers put behind user data, are let pass.
func (w *walk) children(off, end int64) ([]box, error) {
	var out []box
	for off < end {
		if w.boxes++; w.boxes > maxBoxes {
			return nil, problem("its boxes have no end")
		}
		if end-off < 8 {
			b, err := w.bytes(off, end-off)
			if err != nil || len(bytes.Trim(b, "\x00")) == 0 {
				return out, err
			}
			return nil, problem("its boxes are damaged at byte %d", off)
		}
		h, err := w.bytes(off, 8)
		if err != nil {
			return nil, err
		}
		b := box{kind: string(h[4:]), off: off, in: off + 8}
		n := int64(binary.BigEndian.Uint32(h))
		switch {
		case n == 0:
			n = end - off
		case n == 1:
			if h, err = w.bytes(off+8, 8); err != nil {
				return nil, err
			}
			n, b.in = int64(min(binary.BigEndian.Uint64(h), 1<<62)), off+16
		}
		if n < b.in-off || n > end-off {
			return nil, problem("its boxes are damaged at byte %d", off)
		}
		b.end = off + n
		out, off = append(out, b), b.end
	}
	return out, nil
}

// free turns a box into a free one of zeros. One that is that already stays.
func (w *walk) free(b box) error {
	if b.kind != "free" && b.kind != "skip" && b.kind != "wide" {
		w.edits = append(w.edits, splice.Edit{Off: b.off + 4, Drop: 4, Data: []byte("free")})
	}
	empty, err := w.zeros(b.in, b.end)
	if err == nil && !empty {
		w.edits = append(w.edits, splice.Edit{Off: b.in, Drop: b.end - b.in, Zeros: true})
	}
	return err
}

// zeros reports whether there is nothing else from off to end.
func (w *walk) zeros(off, end int64) (bool, error) {
	for off < end {
		b, err := w.bytes(off, min(end-off, 64<<10))
		if err != nil {
			return false, err
		}
		if len(bytes.Trim(b, "\x00")) > 0 {
			return false, nil
		}
		off += int64(len(b))
	}
	return true, nil
}

// top deals with a box at the top level. What is not known there may tell anything.
func (w *walk) top(b box) error {
	switch b.kind {
	case "ftyp", "styp", "mdat", "sidx", "mfra", "ssix", "prft", "pdin", "pnot":
		return nil
	case "meta":
		return w.items(b)
	case "moov", "moof":
		return w.inside(b)
	case "uuid":
		return w.uuid(b)
	}
	return w.free(b)
}

// containers are boxes of boxes that lead to what may tell something.
var containers = []string{"moov", "moof", "trak", "traf", "mdia", "minf", "edts", "mvex", "dinf", "stbl"}

// known are boxes inside of those that a player needs, and that tell of time and
// form only.
var known = []string{
	"mvhd", "tkhd", "mdhd", "hdlr", "elst", "tref", "tapt", "clip", "matt", "load", "imap", "trgr", "mehd", "trex", "trep", "leva",
	"vmhd", "smhd", "hmhd", "sthd", "nmhd", "gmhd", "gmin", "elng", "dref", "iods", "prfl", "ctab", "rmra", "mfhd", "tfhd", "trun",
	"stsd", "stts", "stsc", "stsz", "stz2", "stco", "co64", "stss", "stsh", "ctts", "cslg", "padb", "stdp", "sdtp", "sbgp", "sgpd", "subs",
	"saiz", "saio", "tfdt", "stps", "pssh", "senc", "grpl",
}

// inside walks the boxes of a container.
func (w *walk) inside(b box) error {
	if w.depth++; w.depth > maxDepth {
		return problem("its boxes have no end")
	}
	defer func() { w.depth-- }()
	children, err := w.children(b.in, b.end)
	if err != nil {
		return err
	}
	if b.kind == "trak" {
		if err := w.track(children); err != nil {
			return err
		}
	}
	for _, c := range children {
		if err := w.child(c); err != nil {
			return err
		}
	}
	return nil
}

// child deals with one box of a container.
func (w *walk) child(c box) error {
	switch {
	case c.kind == "cmov":
		return problem("its index is compressed")
	case c.kind == "gps ":
		return problem("it has positions among its pictures, as dashboard cameras write them")
	case slices.Contains(containers, c.kind):
		return w.inside(c)
	case c.kind == "udta":
		return w.user(c)
	case c.kind == "meta":
		return w.keyed(c)
	case c.kind == "uuid":
		return w.uuid(c)
	case w.all && (c.kind == "mvhd" || c.kind == "tkhd" || c.kind == "mdhd"):
		return w.undated(c)
	case slices.Contains(known, c.kind):
		return nil
	}
	return w.free(c)
}

// undated zeroes when something was made and changed (ISO/IEC 14496-12 §8.2.2.2).
func (w *walk) undated(b box) error {
	v, err := w.bytes(b.in, 1)
	if err != nil {
		return err
	}
	n := int64(8)
	if v[0] == 1 {
		n = 16
	}
	empty, err := w.zeros(b.in+4, min(b.in+4+n, b.end))
	if err == nil && !empty {
		w.edits = append(w.edits, splice.Edit{Off: b.in + 4, Drop: min(n, b.end-b.in-4), Zeros: true})
	}
	return err
}

// xmpUUID marks a box with an XMP packet (XMP specification part 3 §1.2.7).
const xmpUUID = "\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac"

// uuid deals with a box whose kind is a UUID.
func (w *walk) uuid(b box) error {
	id, err := w.bytes(b.in, min(16, b.end-b.in))
	if err != nil {
		return err
	}
	if w.all || string(id) != xmpUUID {
		return w.free(b)
	}
	return w.replace(b.in+16, b.end, exif.XMP)
}

// replace puts what clean makes of the bytes from off to end in their place.
func (w *walk) replace(off, end int64, clean func([]byte) []byte) error {
	b, err := w.bytes(off, end-off)
	if err != nil {
		return err
	}
	if cleaned := clean(b); !bytes.Equal(b, cleaned) {
		w.edits = append(w.edits, splice.Edit{Off: off, Drop: end - off, Data: cleaned})
	}
	return nil
}
