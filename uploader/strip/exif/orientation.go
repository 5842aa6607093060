package exif

import (
	"encoding/binary"
	"io"

	"slipway/uploader/splice"
)

// Orientation returns what an Exif block says of how the picture lies: 1 to 8; 1
// where it says nothing.
func Orientation(r io.ReaderAt, size int64) (int, error) {
	w, err := newWalk(r, size)
	if err != nil || w.first == 0 {
		return 1, err
	}
	d, err := w.directory(w.first)
	if err != nil {
		return 1, err
	}
	e, ok := d.find(tagOrientation)
	if !ok {
		return 1, nil
	}
	v, err := w.number(e, 0)
	if err != nil || v < 1 || v > 8 {
		return 1, err
	}
	return int(v), nil
}

// Minimal returns an Exif block that says the orientation and nothing else.
func Minimal(orientation int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	binary.BigEndian.PutUint16(b[18:], uint16(orientation))
	return b
}

// Upright returns the edits for a block whose picture was turned: the orientation
// becomes 1, width and height that it tells become these, and the thumbnail, which
// was not turned, is taken out.
func Upright(r io.ReaderAt, size int64, width, height int) ([]splice.Edit, error) {
	w, err := newWalk(r, size)
	if err != nil || w.first == 0 {
		return nil, err
	}
	d, err := w.directory(w.first)
	if err != nil {
		return nil, err
	}
	w.set(d, tagOrientation, 1)
	w.set(d, tagWidth, width)
	w.set(d, tagHeight, height)
	if err := w.dropThumbnail(d); err != nil {
		return nil, err
	}
	e, ok := d.find(tagExif)
	if !ok {
		return w.edits, nil
	}
	off, err := w.number(e, 0)
	if err != nil || off == 0 || off == d.off {
		return w.edits, err
	}
	if d, err = w.directory(off); err != nil {
		return nil, err
	}
	w.set(d, tagPixelWidth, width)
	w.set(d, tagPixelHeight, height)
	return w.edits, nil
}

// set writes the one number of an entry, if it is there.
func (w *walk) set(d *directory, tag uint16, v int) {
	e, ok := d.find(tag)
	if !ok || e.count != 1 {
		return
	}
	b := make([]byte, 4)
	switch e.kind {
	case 3:
		w.order.PutUint16(b, uint16(v))
	case 4:
		w.order.PutUint32(b, uint32(v))
	default:
		return
	}
	w.edits = append(w.edits, splice.Edit{Off: e.at, Drop: 4, Data: b})
}

// dropThumbnail cuts the second directory off, and zeroes it and its JPEG.
func (w *walk) dropThumbnail(d *directory) error {
	if d.next == 0 || d.next == d.off {
		return nil
	}
	t, err := w.directory(d.next)
	if err != nil {
		return err
	}
	w.edits = append(w.edits, splice.Edit{Off: d.off + int64(len(d.raw)) - 4, Drop: 4, Zeros: true},
		splice.Edit{Off: t.off, Drop: int64(len(t.raw)), Zeros: true})
	at, ok := t.find(tagJPEGOffset)
	n, has := t.find(tagJPEGCount)
	if !ok || !has {
		return nil
	}
	off, err := w.number(at, 0)
	if err != nil {
		return err
	}
	size, err := w.number(n, 0)
	if err == nil && size > 0 && off <= w.size-size {
		w.edits = append(w.edits, splice.Edit{Off: off, Drop: size, Zeros: true})
	}
	return err
}
