package strip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"slipway/uploader/splice"
	"slipway/uploader/strip/exif"
)

// shown are the chunks (PNG, third edition, §11) that say how the picture looks; the
// critical ones, whose codes begin with a capital, do too.
var shown = []string{
	"tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "bKGD", "pHYs", "sPLT", "hIST", "acTL", "fcTL", "fdAT", "cICP", "mDCV", "cLLI",
	"mDCv", "cLLi", "oFFs", "pCAL", "sCAL", "sTER", "gIFg", "gIFx", "gIFt",
}

// texts are the chunks that say something.
var texts = []string{"tEXt", "zTXt", "iTXt"}

// pngFile is the walk through one PNG.
type pngFile struct {
	r     io.ReaderAt
	size  int64
	mode  Mode
	lies  int // the orientation that is to be said, with All
	edits []splice.Edit
}

func findPNG(r io.ReaderAt, size int64, mode Mode) ([]splice.Edit, error) {
	p := &pngFile{r: r, size: size, mode: mode}
	const signature, overhead, headerEnd = 8, 12, 33
	for off := int64(signature); ; {
		h, err := take(r, size, off, 8)
		if err != nil {
			return nil, err
		}
		n, kind := int64(binary.BigEndian.Uint32(h)), string(h[4:])
		if n > size-off-overhead || strings.ContainsFunc(kind, func(c rune) bool { return c|0x20 < 'a' || c|0x20 > 'z' }) {
			return nil, problem("the PNG is damaged at byte %d", off)
		}
		if err := p.chunk(kind, off, n); err != nil {
			return nil, err
		}
		if off += n + overhead; kind == "IEND" {
			p.drop(off, size)
			break
		}
	}
	if p.lies > 1 {
		p.edits = append([]splice.Edit{{Off: headerEnd, Data: pngChunk("eXIf", exif.Minimal(p.lies))}}, p.edits...)
	}
	return p.edits, nil
}

func pngChunk(kind string, data []byte) []byte {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), kind...)
	b = append(b, data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func (p *pngFile) drop(off, end int64) {
	if off < end {
		p.edits = append(p.edits, splice.Edit{Off: off, Drop: end - off})
	}
}

// chunk deals with the chunk of n bytes of data at off.
func (p *pngFile) chunk(kind string, off, n int64) error {
	switch {
	case kind[0] < 'a', slices.Contains(shown, kind), kind == "tIME" && p.mode == GPS:
		return nil
	case kind == "eXIf":
		return p.exif(off, n)
	case slices.Contains(texts, kind) && p.mode == GPS:
		return p.text(kind, off, n)
	}
	p.drop(off, off+12+n) // of a program that nobody knows, or not wanted
	return nil
}

// replace puts other data into the chunk of n bytes at off.
func (p *pngFile) replace(kind string, off, n int64, data, clean []byte) {
	if !bytes.Equal(data, clean) {
		p.edits = append(p.edits, splice.Edit{Off: off, Drop: n + 12, Data: pngChunk(kind, clean)})
	}
}

func (p *pngFile) exif(off, n int64) error {
	data, err := take(p.r, p.size, off+8, n)
	if err != nil {
		return err
	}
	if p.mode == GPS {
		clean, err := exif.Clean(data, nested(1))
		if err == nil {
			p.replace("eXIf", off, n, data, clean)
		}
		return err
	}
	o, err := exif.Orientation(bytes.NewReader(data), n)
	var damaged *Problem
	switch {
	case err != nil && !errors.As(err, &damaged):
		return err
	case off == 33 && o > 1 && p.lies == 0 && bytes.Equal(data, exif.Minimal(o)):
		p.lies = -1 // it is there already
		return nil
	case p.lies == 0:
		p.lies = o
	}
	p.drop(off, off+12+n)
	return nil
}

// text deals with a chunk of text: an XMP packet is cleaned, and what programs wrote
// there as lines of hexadecimal digits, or under a name that speaks of a place, goes.
func (p *pngFile) text(kind string, off, n int64) error {
	data, err := take(p.r, p.size, off+8, n)
	if err != nil {
		return err
	}
	keyword, rest, ok := bytes.Cut(data, []byte{0})
	name := strings.ToLower(string(keyword))
	switch {
	case !ok, strings.HasPrefix(name, "raw profile"), ofPlace(name):
		p.drop(off, off+12+n)
	case strings.HasPrefix(name, "xml:com.adobe.xmp"), strings.Contains(name, "xmp"):
		head := bytes.Index(rest, []byte("<"))
		if kind == "zTXt" || kind == "iTXt" && (len(rest) < 4 || rest[0] != 0) || head < 0 {
			if len(bytes.TrimSpace(rest[min(len(rest), 4):])) > 0 || kind == "zTXt" {
				p.drop(off, off+12+n)
			}
			return nil
		}
		at := len(keyword) + 1 + head
		p.replace(kind, off, n, data, append(bytes.Clone(data[:at]), exif.XMP(data[at:])...))
	}
	return nil
}

// ofPlace reports whether a keyword speaks of a place. ImageMagick writes Exif's tags
// under their names.
func ofPlace(name string) bool {
	for _, part := range []string{"gps", "location", "latitude", "longitude", "altitude", "city", "country", "state", "geo"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
