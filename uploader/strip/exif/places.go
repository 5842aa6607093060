package exif

import (
	"bytes"
	"io"
	"slices"

	"slipway/uploader/splice"
)

// Places returns the edits that take out of a TIFF or an Exif block where it was
// taken: the GPS directories and what they point at, GeoTIFF's tags, and what the
// XMP, IPTC, Photoshop and JPEG blocks in it tell. nested, which may be nil, does
// the JPEGs. The maker's note stays as it is. The error is a *Problem for a block
// that is none, or damaged, and of reading else.
func Places(r io.ReaderAt, size int64, nested Nested) ([]splice.Edit, error) {
	w, err := newWalk(r, size)
	if err != nil {
		return nil, err
	}
	w.nested = nested
	for queue := []int64{w.first}; len(queue) > 0; queue = queue[1:] {
		off := queue[0]
		if off == 0 || w.seen[off] {
			continue
		}
		if w.seen[off] = true; len(w.seen) > maxDirectories {
			return nil, problem("its Exif block is damaged: its directories have no end")
		}
		d, err := w.directory(off)
		if err != nil {
			return nil, err
		}
		more, err := w.clean(d)
		if err != nil {
			return nil, err
		}
		queue = append(queue, more...)
	}
	return w.edits, nil
}

// clean edits one directory, and returns those that it leads to.
func (w *walk) clean(d *directory) ([]int64, error) {
	more := []int64{d.next}
	var gone []int
	for i, e := range d.entries {
		switch {
		case e.tag == tagGPS:
			if err := w.dropGPS(e); err != nil {
				return nil, err
			}
			gone = append(gone, i)
		case geo[e.tag]:
			if err := w.zero(e); err != nil {
				return nil, err
			}
			gone = append(gone, i)
		case e.tag == tagExif || e.tag == tagInterop || e.tag == tagSubIFDs:
			for i := range min(e.count, maxDirectories) {
				off, err := w.number(e, i)
				if err != nil {
					return nil, err
				}
				more = append(more, off)
			}
		default:
			if err := w.block(e); err != nil {
				return nil, err
			}
		}
	}
	w.without(d, gone)
	return more, w.previews(d)
}

// dropGPS zeroes a GPS directory and its values.
func (w *walk) dropGPS(e entry) error {
	off, err := w.number(e, 0)
	if err != nil {
		return err
	}
	if off == 0 && e.count > 0 && e.kind != 3 && e.kind != 4 && e.kind != 13 {
		return problem("its Exif block is damaged: where its position stands is said in a way that is not known")
	}
	if off == 0 || w.seen[off] {
		return nil
	}
	w.seen[off] = true
	d, err := w.directory(off)
	if err != nil {
		return err
	}
	w.edits = append(w.edits, splice.Edit{Off: off, Drop: int64(len(d.raw)), Zeros: true})
	if d.next != 0 { // it has no successor, so that these are other bytes, of its neighbour
		w.edits[len(w.edits)-1].Drop = int64(2 + 12*len(d.entries))
	}
	for _, e := range d.entries {
		if err := w.zero(e); err != nil {
			return err
		}
	}
	return nil
}

// zero zeroes the values of an entry that are outside of its directory.
func (w *walk) zero(e entry) error {
	if !e.outside {
		return nil
	}
	if e.at > w.size-e.size || e.size > maxBlock {
		return problem("its Exif block is damaged: something lies outside of it")
	}
	w.edits = append(w.edits, splice.Edit{Off: e.at, Drop: e.size, Zeros: true})
	return nil
}

// without takes entries out of a directory: the ones behind move up, and their last
// places become zeros.
func (w *walk) without(d *directory, gone []int) {
	if len(gone) == 0 {
		return
	}
	b := make([]byte, 2, len(d.raw))
	w.order.PutUint16(b, uint16(len(d.entries)-len(gone)))
	for i := range d.entries {
		if !slices.Contains(gone, i) {
			b = append(b, d.raw[2+12*i:14+12*i]...)
		}
	}
	b = append(b, d.raw[2+12*len(d.entries):]...)
	w.edits = append(w.edits, splice.Edit{Off: d.off, Drop: int64(len(d.raw)), Data: append(b, make([]byte, len(d.raw)-len(b))...)})
}

// block cleans an entry that holds a block of another kind.
func (w *walk) block(e entry) error {
	var clean func([]byte) ([]byte, error)
	switch e.tag {
	case tagXMP:
		clean = func(b []byte) ([]byte, error) { return XMP(b), nil }
	case tagIPTC:
		clean = func(b []byte) ([]byte, error) { return IPTC(b), nil }
	case tagPhotoshop:
		clean = Resources
	case tagJPGFromRaw:
		return w.jpeg(e.at, e.size)
	}
	if clean == nil || !e.outside {
		return nil
	}
	b, err := w.bytes(e.at, e.size)
	if err != nil {
		return err
	}
	cleaned, err := clean(b)
	if err == nil && !bytes.Equal(b, cleaned) {
		w.edits = append(w.edits, splice.Edit{Off: e.at, Drop: e.size, Data: cleaned})
	}
	return err
}

// previews cleans the JPEGs that a directory points at: a thumbnail or preview, or
// the only strip.
func (w *walk) previews(d *directory) error {
	for _, tags := range [][2]uint16{{tagJPEGOffset, tagJPEGCount}, {tagStripOffsets, tagStripCounts}} {
		at, ok := d.find(tags[0])
		n, has := d.find(tags[1])
		if !ok || !has || at.count != 1 || n.count != 1 {
			continue
		}
		off, err := w.number(at, 0)
		if err != nil {
			return err
		}
		size, err := w.number(n, 0)
		if err != nil {
			return err
		}
		if err := w.jpeg(off, size); err != nil {
			return err
		}
	}
	return nil
}

// jpeg cleans what is at off if it is a JPEG that tells something: one without any
// application segment, such as a raw file's lossless one, begins with a table.
func (w *walk) jpeg(off, size int64) error {
	if w.nested == nil || size < 4 || off > w.size-size || w.seen[-off] {
		return nil
	}
	w.seen[-off] = true
	b, err := w.bytes(off, 4)
	if err != nil {
		return err
	}
	if b[0] != 0xff || b[1] != 0xd8 || b[2] != 0xff || b[3]&0xf0 != 0xe0 && b[3] != 0xfe {
		return nil
	}
	if w.pictures++; w.pictures > maxPictures {
		return problem("it holds more pictures than are looked through")
	}
	edits, err := w.nested(io.NewSectionReader(w.r, off, size), size)
	for _, e := range edits {
		e.Off += off
		w.edits = append(w.edits, e)
	}
	return err
}
