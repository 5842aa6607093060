package thumbnail

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// span is a part of a file.
type span struct{ at, size int64 }

// exif is what is read of a file's EXIF data, or of a raw file.
type exif struct {
	orientation int    // 1 to 8; 1: as it is
	previews    []span // JPEGs within the file, the smallest first
}

const (
	// exifWithin is how far from its start a file's EXIF data begin.
	exifWithin = 1 << 20
	// directoriesMost and fieldsMost bound what is read of them.
	directoriesMost = 24
	fieldsMost      = 512
	previewsMost    = 16
)

// readExif reads what it finds, which may be nothing.
func readExif(r io.ReaderAt, size int64) exif {
	x := exifReader{r: r, size: size, found: exif{orientation: 1}, seen: make(map[int64]bool)}
	head := make([]byte, min(size, exifWithin))
	n, _ := r.ReadAt(head, 0)
	head = head[:n]
	switch {
	case x.tiff(head, 0): // TIFF, and raw files of most cameras
	case bytes.HasPrefix(head, []byte("FUJIFILMCCD-RAW")) && len(head) >= 92:
		x.preview(int64(binary.BigEndian.Uint32(head[84:])), int64(binary.BigEndian.Uint32(head[88:])))
	default: // in JPEG's APP1, HEIC's item and WebP's chunk alike
		at := bytes.Index(head, []byte("Exif\x00\x00"))
		if at < 0 || !x.tiff(head[at+6:], int64(at)+6) {
			x.search(head)
		} else if !jpegAt(head, 0) && len(x.found.previews) == 0 {
			x.search(head)
		}
	}
	slices.SortFunc(x.found.previews, func(a, b span) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.at, b.at)) })
	x.found.previews = slices.Compact(x.found.previews)
	return x.found
}

// exifReader walks through the directories of TIFF 6.0 §2, wherever they lead.
type exifReader struct {
	r     io.ReaderAt
	size  int64
	base  int64 // of offsets
	order binary.ByteOrder
	found exif
	seen  map[int64]bool // directories
}

// tiff reads what begins with head at base, if that is TIFF.
func (x *exifReader) tiff(head []byte, base int64) bool {
	switch {
	case len(head) < 8:
		return false
	case head[0] == 'I' && head[1] == 'I':
		x.order = binary.LittleEndian
	case head[0] == 'M' && head[1] == 'M':
		x.order = binary.BigEndian
	default:
		return false
	}
	switch x.order.Uint16(head[2:]) {
	case 42, 0x4f52, 0x5352, 0x55: // TIFF, and what Olympus and Panasonic write in its place
	default:
		return false
	}
	x.base = base
	x.directory(int64(x.order.Uint32(head[4:])), true)
	return true
}

// Tags that are read.
const (
	tagCompression = 0x103
	tagStrips      = 0x111
	tagOrientation = 0x112
	tagStripSizes  = 0x117
	tagSub         = 0x14a
	tagJPEG        = 0x201
	tagJPEGSize    = 0x202
	tagPanasonic   = 0x2e // JpgFromRaw
	tagExif        = 0x8769
)

// directory reads the one at an offset, and those that it leads to.
func (x *exifReader) directory(at int64, first bool) {
	if at <= 0 || x.seen[at] || len(x.seen) >= directoriesMost {
		return
	}
	x.seen[at] = true
	var count [2]byte
	if _, err := x.r.ReadAt(count[:], x.base+at); err != nil {
		return
	}
	n := min(int64(x.order.Uint16(count[:])), fieldsMost)
	fields := make([]byte, 12*n+4)
	read, _ := x.r.ReadAt(fields, x.base+at+2)
	fields = fields[:read]
	values := make(map[uint16]int64)
	for i := int64(0); i < n && 12*i+12 <= int64(len(fields)); i++ {
		f := fields[12*i:][:12]
		tag := x.order.Uint16(f)
		switch {
		case tag == tagSub:
			x.subs(f)
		case tag == tagPanasonic:
			x.preview(x.base+int64(x.order.Uint32(f[8:])), int64(x.order.Uint32(f[4:])))
		default:
			values[tag] = x.value(f)
		}
	}
	if o := values[tagOrientation]; first && o >= 1 && o <= 8 {
		x.found.orientation = int(o)
	}
	x.preview(x.base+values[tagJPEG], values[tagJPEGSize])
	if c := values[tagCompression]; c == 6 || c == 7 {
		x.preview(x.base+values[tagStrips], values[tagStripSizes])
	}
	if int64(len(fields)) >= 12*n+4 {
		x.directory(int64(x.order.Uint32(fields[12*n:])), false)
	}
}

// value returns a field's number, if it is one.
func (x *exifReader) value(f []byte) int64 {
	if x.order.Uint32(f[4:]) != 1 {
		return 0
	}
	switch x.order.Uint16(f[2:]) {
	case 3:
		return int64(x.order.Uint16(f[8:]))
	case 4, 13:
		return int64(x.order.Uint32(f[8:]))
	}
	return 0
}

// subs reads the directories that a field lists.
func (x *exifReader) subs(f []byte) {
	n := min(int64(x.order.Uint32(f[4:])), directoriesMost)
	if n == 1 {
		x.directory(int64(x.order.Uint32(f[8:])), false)
		return
	}
	list := make([]byte, 4*n)
	read, _ := x.r.ReadAt(list, x.base+int64(x.order.Uint32(f[8:])))
	for i := 0; i+4 <= read; i += 4 {
		x.directory(int64(x.order.Uint32(list[i:])), false)
	}
}

// preview notes a part of the file, if a JPEG begins there.
func (x *exifReader) preview(at, size int64) {
	var magic [3]byte
	if at <= 0 || size < 100 || at >= x.size || len(x.found.previews) >= previewsMost {
		return
	}
	if _, err := x.r.ReadAt(magic[:], at); err == nil && jpegAt(magic[:], 0) {
		x.found.previews = append(x.found.previews, span{at, min(size, x.size-at)})
	}
}

// search finds JPEGs within head, other than one at its start.
func (x *exifReader) search(head []byte) {
	for at := 1; len(x.found.previews) < previewsMost; {
		i := bytes.Index(head[min(at, len(head)):], []byte("\xff\xd8\xff"))
		if i < 0 {
			return
		}
		at += i
		x.preview(int64(at), x.size-int64(at))
		at += 3
	}
}
