package thumbnail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	stddraw "image/draw"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
)

// drawing is one picture being drawn.
type drawing struct {
	m     *Maker
	ctx   context.Context
	clock *clock
	file  File
	size  int64
	edge  int
}

// draw decodes the file, or else the largest of its previews that can be, and
// returns it small and encoded. Errors but those of the reading are ErrNone.
func (d *drawing) draw() ([]byte, error) {
	x := readExif(d.file, d.size)
	whole := span{0, d.size}
	var failed []error
	for _, s := range d.candidates(whole, x.previews) {
		img, err := d.decode(s)
		if err == nil {
			return encode(turn(shrink(img, d.edge), x.orientation))
		}
		if d.ctx.Err() != nil {
			return nil, context.Cause(d.ctx)
		}
		failed = append(failed, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrNone, errors.Join(failed...))
}

// candidates returns what can be decoded in place of the file, the best first: a
// preview that is large enough where the file is no picture of a known format or a
// large one, then the file, then whatever there is.
func (d *drawing) candidates(whole span, previews []span) []span {
	var enough, small []span
	for _, p := range previews {
		c, _, err := d.config(p)
		switch {
		case err != nil:
		case max(c.Width, c.Height) >= d.edge:
			enough = append(enough, p)
		default:
			small = append([]span{p}, small...) // they come by size, and the larger is the better
		}
	}
	c, _, err := d.config(whole)
	if err == nil && c.Width*c.Height <= largePixels {
		return append(append([]span{whole}, enough...), small...)
	}
	return append(append(enough, whole), small...)
}

// largePixels is from how many pixels on a preview is decoded in place of a
// picture.
const largePixels = 16_000_000

// sideMost is how many pixels wide or high a picture may be.
const sideMost = 1<<16 - 1

// errTooLarge is what a picture is that would take too much.
var errTooLarge = errors.New("the picture is too large")

// config reads the size of the picture in a part of the file.
func (d *drawing) config(s span) (c image.Config, f *format, err error) {
	defer contain(&err)
	r := d.part(s)
	head := make([]byte, 16)
	n, _ := r.ReadAt(head, 0)
	if f = formatOf(head[:n]); f == nil {
		return c, nil, image.ErrFormat
	}
	if c, err = f.config(r); err != nil {
		return c, nil, err
	}
	if c.Width < 1 || c.Height < 1 || c.Width > sideMost || c.Height > sideMost || c.Width*c.Height > Pixels {
		return c, nil, errTooLarge
	}
	return c, f, nil
}

// decode decodes the picture in a part of the file, if that does not take too much.
func (d *drawing) decode(s span) (img image.Image, err error) {
	defer contain(&err)
	c, f, err := d.config(s)
	if err != nil {
		return nil, err
	}
	cost := int64(c.Width) * int64(c.Height) * f.cost(d.part(s), c)
	if cost > d.m.o.Memory {
		return nil, errTooLarge
	}
	if err := d.clock.hold(func() error { return d.m.memory.Acquire(d.ctx, cost) }); err != nil {
		return nil, err
	}
	defer d.m.memory.Release(cost)
	if img, err = f.decode(d.part(s)); err != nil {
		return nil, err
	}
	// Whoever wrote the head may have meant another picture.
	if b := img.Bounds(); b.Empty() || b.Dx() > c.Width || b.Dy() > c.Height {
		return nil, image.ErrFormat
	}
	return reduce(img, 2*d.edge), nil
}

// contain makes an error of a foreign decoder's panic.
func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the decoder gave up: %v", p)
	}
}

// part returns a reader of a part of the file, which fails when the time is over.
func (d *drawing) part(s span) *part {
	return &part{SectionReader: io.NewSectionReader(d.file, s.at, s.size), ctx: d.ctx}
}

// part is a part of a file.
type part struct {
	*io.SectionReader
	ctx context.Context
}

// Read reads, until the time is over.
func (p *part) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.SectionReader.Read(b)
}

// ReadAt reads, until the time is over.
func (p *part) ReadAt(b []byte, at int64) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.SectionReader.ReadAt(b, at)
}

// reduce returns img with the mean of n by n pixels in place of each, for the
// largest n that leaves the longer side at least edge long: what scales finely would
// look at too few pixels of it. It goes line by line and takes little memory.
func reduce(img image.Image, edge int) image.Image {
	b := img.Bounds()
	n := max(b.Dx(), b.Dy()) / edge
	if n <= 1 {
		return img
	}
	across, down := min(n, b.Dx()), min(n, b.Dy())
	small := image.NewRGBA(image.Rect(0, 0, b.Dx()/across, b.Dy()/down))
	line := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	sums := make([]uint32, 4*small.Rect.Dx()) // of up to sideMost/EdgeStep squared bytes
	for y := range small.Rect.Dy() {
		clear(sums)
		for row := range down {
			stddraw.Draw(line, line.Rect, img, image.Pt(b.Min.X, b.Min.Y+y*down+row), stddraw.Src)
			for x := range small.Rect.Dx() {
				add(sums[4*x:4*x+4], line.Pix[4*x*across:4*(x+1)*across])
			}
		}
		half := uint32(across*down) / 2
		for i, sum := range sums {
			small.Pix[y*small.Stride+i] = byte((sum + half) / uint32(across*down))
		}
	}
	return small
}

// add adds pixels to the sums of their four parts.
func add(sums []uint32, pixels []byte) {
	var r, g, b, a uint32
	for ; len(pixels) >= 4; pixels = pixels[4:] {
		r += uint32(pixels[0])
		g += uint32(pixels[1])
		b += uint32(pixels[2])
		a += uint32(pixels[3])
	}
	sums[0] += r
	sums[1] += g
	sums[2] += b
	sums[3] += a
}

// shrink scales img so that it fits into edge by edge.
func shrink(img image.Image, edge int) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > edge {
		w, h = max(1, (w*edge+long/2)/long), max(1, (h*edge+long/2)/long)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == b.Dx() && h == b.Dy() {
		stddraw.Draw(small, small.Rect, img, b.Min, stddraw.Src)
		return small
	}
	draw.CatmullRom.Scale(small, small.Rect, img, b, draw.Src, nil)
	return small
}

// turn returns img the way up that an EXIF orientation says (1 to 8).
func turn(img *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	turned := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			turned.SetRGBA(tx, ty, img.RGBAAt(x, y))
		}
	}
	return turned
}

// quality of JPEG, 1 to 100.
const quality = 82

// encode writes img as JPEG, or as PNG where it is transparent.
func encode(img *image.RGBA) ([]byte, error) {
	var b bytes.Buffer
	var err error
	if img.Opaque() {
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: quality})
	} else {
		err = png.Encode(&b, img)
	}
	return b.Bytes(), err
}
