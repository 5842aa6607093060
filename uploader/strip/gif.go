package strip

import (
	"bytes"
	"io"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
)

// gifFile is the walk through one GIF.
type gifFile struct {
	r     io.ReaderAt
	size  int64
	mode  Mode
	edits []splice.Edit
}

// findGIF walks the blocks of GIF89a.
func findGIF(r io.ReaderAt, size int64, mode Mode) ([]splice.Edit, error) {
	const header, table, trailer = 13, 0x80, ';'
	g := &gifFile{r: r, size: size, mode: mode}
	h, err := take(r, size, 0, header)
	if err != nil {
		return nil, err
	}
	off := int64(header)
	if h[10]&table != 0 {
		off += 3 << (h[10]&7 + 1)
	}
	for {
		b, err := take(r, size, off, 1)
		if err != nil {
			return nil, err
		}
		switch b[0] {
		case '!':
			off, err = g.extension(off)
		case ',':
			off, err = g.image(off)
		case trailer:
			if off+1 < size {
				g.edits = append(g.edits, splice.Edit{Off: off + 1, Drop: size - off - 1})
			}
			return g.edits, nil
		default:
			return nil, problem("the GIF is damaged at byte %d", off)
		}
		if err != nil {
			return nil, err
		}
	}
}

// image passes over a picture.
func (g *gifFile) image(off int64) (int64, error) {
	d, err := take(g.r, g.size, off, 10)
	if err != nil {
		return 0, err
	}
	off += 11
	if d[9]&0x80 != 0 {
		off += 3 << (d[9]&7 + 1)
	}
	return g.blocks(off)
}

// blocks returns where the sub-blocks at off end.
func (g *gifFile) blocks(off int64) (int64, error) {
	for {
		b, err := take(g.r, g.size, off, 1)
		if err != nil {
			return 0, err
		}
		if off += 1 + int64(b[0]); b[0] == 0 {
			return off, nil
		}
	}
}

// extension deals with an extension: a picture's own and loops stay, XMP is cleaned,
// and what programs that nobody knows wrote goes.
func (g *gifFile) extension(off int64) (int64, error) {
	const comment, application, control, plain = 0xfe, 0xff, 0xf9, 0x01
	h, err := take(g.r, g.size, off, 2)
	if err != nil {
		return 0, err
	}
	end, err := g.blocks(off + 2)
	if err != nil {
		return 0, err
	}
	keep := h[1] == control || h[1] == plain || h[1] == comment && g.mode == GPS
	if h[1] == application && end-off >= 15 {
		name, err := take(g.r, g.size, off+3, 11)
		if err != nil {
			return 0, err
		}
		switch string(name) {
		case "NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012":
			keep = true
		case "XMP DataXMP":
			if g.mode == GPS {
				return end, g.xmp(off+14, end)
			}
		}
	}
	if !keep {
		g.edits = append(g.edits, splice.Edit{Off: off, Drop: end - off})
	}
	return end, nil
}

// xmp cleans a packet that is not in sub-blocks: 258 bytes behind it lead readers who
// take it for some to their end (XMP specification part 3 §1.1.2). Blanks lead there too.
func (g *gifFile) xmp(off, end int64) error {
	const magic = 258
	n := end - off - magic
	if n < 0 {
		return problem("the GIF is damaged at byte %d", off)
	}
	b, err := take(g.r, g.size, off, n)
	if err != nil {
		return err
	}
	if clean := exif.XMP(b); !bytes.Equal(b, clean) {
		g.edits = append(g.edits, splice.Edit{Off: off, Drop: n, Data: clean})
	}
	return nil
}
