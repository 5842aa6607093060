// Package rotate turns JPEGs upright as their Exif says, without loss: it moves and
// mirrors the coefficients that the picture is made of, and encodes none anew. Each
// coefficient of what it writes is one of the original.
//
// It holds the coefficients of one picture in memory, two bytes each: 150 MB for 50
// megapixels as cameras write them.
package rotate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"slipway/uploader/strip/exif"
)

// Unable says why a picture cannot be turned without loss.
type Unable struct {
	Text string // one plain sentence without full stop, for people
}

// Error returns the text.
func (u *Unable) Error() string { return u.Text }

func unable(text string, args ...any) error { return &Unable{fmt.Sprintf(text, args...)} }

// MaxCoefficients is how large a picture may be: 128 megapixels as cameras write
// them (4:2:0), 64 with colours in full (4:4:4).
const MaxCoefficients = 192 << 20

// Orientation returns what the Exif of a JPEG says of how it lies, 1 to 8; 1 where it
// says nothing, where its Exif is damaged, and for what is no JPEG.
func Orientation(r io.ReaderAt, size int64) (int, error) {
	d := newDecoder(context.Background(), r, size)
	if err := d.head(); err != nil {
		var u *Unable
		if errors.As(err, &u) {
			err = nil
		}
		return 1, err
	}
	return d.lies(), nil
}

// lies returns the orientation that the first Exif segment says.
func (d *decoder) lies() int {
	for _, s := range d.segments {
		if s.marker != markerAPP1 || !bytes.HasPrefix(s.data, []byte(headExif)) || len(s.data) < 6 {
			continue
		}
		o, err := exif.Orientation(bytes.NewReader(s.data[6:]), int64(len(s.data)-6))
		if err != nil {
			return 1
		}
		return o
	}
	return 1
}

// JPEG writes the picture in the size bytes of r to w, turned and mirrored so that it
// is shown upright by those who know nothing of orientations. What it tells stays,
// but the orientation, which becomes 1, and thumbnails and further pictures in the
// file, which were not turned.
//
//  1. It lies upright already, or cannot be turned without loss: an *Unable.
//  2. r or w fails, or ctx ends: that error.
func JPEG(ctx context.Context, r io.ReaderAt, size int64, w io.Writer) error {
	d := newDecoder(ctx, r, size)
	if err := d.head(); err != nil {
		return err
	}
	o := d.lies()
	if o == 1 {
		return unable("it lies upright")
	}
	return d.turned(ways[o], w)
}

// turned decodes, turns and writes.
func (d *decoder) turned(way way, w io.Writer) error {
	if err := d.frame.turnable(way); err != nil {
		return err
	}
	if err := d.scans(); err != nil {
		return err
	}
	return write(d.ctx, w, d.frame.turn(way), d.segments, way)
}

// way is how a picture is turned: its rows become columns, then it is mirrored.
type way struct{ transpose, flipX, flipY bool }

// ways are what each orientation of Exif (TIFF 6.0, tag 274) takes.
var ways = [9]way{
	2: {flipX: true},
	3: {flipX: true, flipY: true},
	4: {flipY: true},
	5: {transpose: true},
	6: {transpose: true, flipX: true},
	7: {transpose: true, flipX: true, flipY: true},
	8: {transpose: true, flipY: true},
}

// frame is a picture as coefficients.
type frame struct {
	width, height int
	hmax, vmax    int
	components    []*component
	tables        [4]*[64]uint16 // for quantization, row by row
	progressive   bool
}

// component is one plane of a picture.
type component struct {
	id     byte
	h, v   int
	table  byte
	bw, bh int     // blocks, with those that fill up the last units
	rw, rh int     // blocks that are of the picture
	coef   []int16 // of each block 64, row by row
	src    *component
}

func (c *component) block(x, y int) []int16 {
	i := (y*c.bw + x) * 64
	return c.coef[i : i+64 : i+64]
}

// layout sets what follows from size and sampling.
func (f *frame) layout() {
	if len(f.components) == 1 { // its blocks come one by one, whatever its sampling says
		f.components[0].h, f.components[0].v = 1, 1
	}
	f.hmax, f.vmax = 1, 1
	for _, c := range f.components {
		f.hmax, f.vmax = max(f.hmax, c.h), max(f.vmax, c.v)
	}
	mx, my := ceil(f.width, 8*f.hmax), ceil(f.height, 8*f.vmax)
	for _, c := range f.components {
		c.bw, c.bh = mx*c.h, my*c.v
		c.rw, c.rh = ceil(ceil(f.width*c.h, f.hmax), 8), ceil(ceil(f.height*c.v, f.vmax), 8)
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// turnable reports with an error why the picture cannot be turned that way.
func (f *frame) turnable(w way) error {
	width, height, h, v := f.width, f.height, f.hmax, f.vmax
	if w.transpose {
		width, height, h, v = height, width, v, h
	}
	if w.flipX && width%(8*h) != 0 || w.flipY && height%(8*v) != 0 {
		return unable("its size of %d by %d pixels is no multiple of the blocks of %d by %d that it is made of", f.width, f.height, 8*f.hmax, 8*f.vmax)
	}
	return nil
}

// turn returns the picture turned. Its coefficients are made from those of f as they
// are asked for.
func (f *frame) turn(w way) *frame {
	t := &frame{width: f.width, height: f.height, tables: f.tables}
	if w.transpose {
		t.width, t.height = f.height, f.width
		for i, q := range f.tables {
			if q == nil {
				continue
			}
			t.tables[i] = new([64]uint16)
			for k := range q {
				t.tables[i][k] = q[k%8*8+k/8]
			}
		}
	}
	for _, c := range f.components {
		n := &component{id: c.id, h: c.h, v: c.v, table: c.table, src: c}
		if w.transpose {
			n.h, n.v = c.v, c.h
		}
		t.components = append(t.components, n)
	}
	t.layout()
	return t
}

// turnBlock puts the block at x, y of a turned component into out.
func (c *component) turnBlock(w *turn, x, y int, out *[64]int16) {
	if w.flipX {
		x = c.bw - 1 - x
	}
	if w.flipY {
		y = c.bh - 1 - y
	}
	if w.transpose {
		x, y = y, x
	}
	in := c.src.block(x, y)
	for i := range out {
		out[i] = in[w.from[i]&63] * w.sign[i]
	}
}

// turn is a way, coefficient by coefficient.
type turn struct {
	way
	from [64]byte  // which one comes here
	sign [64]int16 // and whether it is mirrored
}

func newTurn(w way) *turn {
	t := &turn{way: w}
	for i := range 64 {
		u, v := i%8, i/8
		t.from[i], t.sign[i] = byte(i), 1
		if w.transpose {
			t.from[i] = byte(u*8 + v)
		}
		if (w.flipX && u&1 != 0) != (w.flipY && v&1 != 0) {
			t.sign[i] = -1
		}
	}
	return t
}
