package rotate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"slipway/uploader/strip/exif"
	"slipway/uploader/whole"
	"slipway/uploader/whole/wholetest"
)

// wants skips a test for which a program is not installed.
func wants(t testing.TB, programs ...string) {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed; it is in the package libjpeg-turbo-progs", p)
		}
	}
}

func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	var problems bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, problems.Bytes())
	}
	return out
}

// lying returns a JPEG with an Exif segment that says how it lies.
func lying(data []byte, orientation int) []byte {
	block := append([]byte("Exif\x00\x00"), exif.Minimal(orientation)...)
	return slices.Concat(data[:2], []byte{0xff, 0xe1, 0, byte(2 + len(block))}, block, data[2:])
}

func turned(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := JPEG(t.Context(), bytes.NewReader(data), int64(len(data)), &b); err != nil {
		t.Fatal(err)
	}
	if err := whole.Check(bytes.NewReader(b.Bytes()), int64(b.Len()), "image/jpeg", ""); err != nil {
		t.Fatal(err)
	}
	if o, err := Orientation(bytes.NewReader(b.Bytes()), int64(b.Len())); o != 1 || err != nil {
		t.Fatalf("it lies %d, %v", o, err)
	}
	return b.Bytes()
}

// decoded reads all coefficients.
func decoded(t testing.TB, data []byte) *frame {
	t.Helper()
	d := newDecoder(context.Background(), bytes.NewReader(data), int64(len(data)))
	if err := d.head(); err != nil {
		t.Fatal(err)
	}
	if err := d.scans(); err != nil {
		t.Fatal(err)
	}
	return d.frame
}

// same compares all that makes a picture, in its own blocks.
func (f *frame) same(g *frame) error {
	if f.width != g.width || f.height != g.height || len(f.components) != len(g.components) {
		return fmt.Errorf("%d by %d became %d by %d", f.width, f.height, g.width, g.height)
	}
	for i, a := range f.components {
		b := g.components[i]
		if a.h*g.hmax != b.h*f.hmax || a.v*g.vmax != b.v*f.vmax || *f.tables[a.table] != *g.tables[b.table] {
			return fmt.Errorf("component %d has another sampling or table", i)
		}
		for y := range a.rh {
			for x := range a.rw {
				if !slices.Equal(a.block(x, y), b.block(x, y)) {
					return fmt.Errorf("component %d, block %d, %d: %v became %v", i, x, y, a.block(x, y), b.block(x, y))
				}
			}
		}
	}
	return nil
}

// samplings are cjpeg's words for them.
var samplings = []string{"1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2", "2x4", "gray"}

// made has cjpeg make a JPEG.
func made(t testing.TB, dir string, w, h int, sampling string, extra ...string) []byte {
	t.Helper()
	m := wholetest.Image(w, h, uint64(w*h))
	in := fmt.Appendf(nil, "P6 %d %d 255\n", w, h)
	for i := 0; i < len(m.Pix); i += 4 {
		in = append(in, m.Pix[i:i+3]...)
	}
	file := filepath.Join(dir, "in.ppm")
	if err := os.WriteFile(file, in, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-quality", "83"}
	if sampling == "gray" {
		args = append(args, "-grayscale")
	} else {
		args = append(args, "-sample", sampling)
	}
	return run(t, "cjpeg", append(append(args, extra...), file)...)
}

// inverse turns back what each orientation turns.
var inverse = [9]int{0, 1, 2, 3, 4, 5, 8, 7, 6}

// jpegtran, whose way of turning is known to be right, and this package come to the
// same pixels, of all samplings, ways and kinds; and turned back all coefficients are
// what they were.
func TestAgainstJpegtran(t *testing.T) {
	wants(t, "cjpeg", "djpeg", "jpegtran")
	dir := t.TempDir()
	how := [9][]string{2: {"-flip", "horizontal"}, 3: {"-rotate", "180"}, 4: {"-flip", "vertical"}, 5: {"-transpose"},
		6: {"-rotate", "90"}, 7: {"-transverse"}, 8: {"-rotate", "270"}}
	for i, sampling := range samplings {
		for k, extra := range [][]string{nil, {"-progressive"}, {"-restart", "3B"}, {"-progressive", "-restart", "1"}, {"-optimize", "-baseline", "-quality", "3"}} {
			data := made(t, dir, 160, 96, sampling, extra...)
			before := decoded(t, data)
			for o := 2; o <= 8; o++ {
				out := turned(t, lying(data, o))
				back := turned(t, lying(out, inverse[o])) // lying puts its segment first, and the first counts
				if err := before.same(decoded(t, back)); err != nil {
					t.Fatalf("%s %q, %d and back: %v", sampling, extra, o, err)
				}
				if (o+i+k)%3 > 0 {
					continue // a third of all, so that it does not take all day
				}
				in, mine, theirs := filepath.Join(dir, "in.jpg"), filepath.Join(dir, "mine.jpg"), filepath.Join(dir, "theirs.jpg")
				for file, b := range map[string][]byte{in: data, mine: out} {
					if err := os.WriteFile(file, b, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				run(t, "jpegtran", append(how[o], "-perfect", "-outfile", theirs, in)...)
				if !bytes.Equal(run(t, "djpeg", mine), run(t, "djpeg", theirs)) {
					t.Errorf("%s %q, %d: other pixels than jpegtran's", sampling, extra, o)
				}
			}
		}
	}
}

// Sizes that are no multiple of a block: transposing alone is possible, the others
// are said to be impossible.
func TestOddSizes(t *testing.T) {
	wants(t, "cjpeg", "djpeg", "jpegtran")
	dir := t.TempDir()
	for _, c := range []struct {
		w, h  int
		cans  []int
		cants []int
	}{
		{161, 96, []int{4, 5, 6}, []int{2, 3, 7, 8}},
		{160, 97, []int{2, 5, 8}, []int{3, 4, 6, 7}},
		{163, 99, []int{5}, []int{2, 3, 4, 6, 7, 8}},
		{168, 104, []int{5}, []int{2, 3, 4, 6, 7, 8}}, // of 8, but not of 16
	} {
		data := made(t, dir, c.w, c.h, "2x2")
		for _, o := range c.cants {
			var u *Unable
			if err := JPEG(t.Context(), bytes.NewReader(lying(data, o)), int64(len(lying(data, o))), &bytes.Buffer{}); !errors.As(err, &u) {
				t.Errorf("%d by %d, %d: %v", c.w, c.h, o, err)
			}
		}
		before := decoded(t, data)
		for _, o := range c.cans {
			out := turned(t, lying(data, o))
			m, err := jpeg.Decode(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Bounds().Size(); o > 4 && (got.X != c.h || got.Y != c.w) || o <= 4 && (got.X != c.w || got.Y != c.h) {
				t.Errorf("%d by %d, %d became %v", c.w, c.h, o, got)
			}
			if err := before.same(decoded(t, turned(t, lying(out, inverse[o])))); err != nil {
				t.Errorf("%d by %d, %d and back: %v", c.w, c.h, o, err)
			}
		}
	}
}

// Any coefficients at all, of one to four planes, come back.
func TestAnyCoefficients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := anyFrame(t)
		write1 := func(f *frame, w way) []byte {
			var b bytes.Buffer
			if err := write(context.Background(), &b, f.turn(w), nil, w); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}
		read := func(data []byte) *frame {
			d := newDecoder(context.Background(), bytes.NewReader(data), int64(len(data)))
			if err := errors.Join(d.head(), d.scans()); err != nil {
				t.Fatal(err)
			}
			return d.frame
		}
		o := rapid.IntRange(1, 8).Draw(t, "orientation")
		if f.turnable(ways[o]) != nil {
			t.Skip()
		}
		if err := f.same(read(write1(read(write1(f, ways[o])), ways[inverse[o]]))); err != nil {
			t.Fatal(err)
		}
	})
}

// anyFrame draws a picture that is made of anything.
func anyFrame(t *rapid.T) *frame {
	f := &frame{width: rapid.IntRange(1, 9).Draw(t, "w") * 8, height: rapid.IntRange(1, 9).Draw(t, "h") * 8}
	f.tables[0] = new([64]uint16)
	for i := range f.tables[0] {
		f.tables[0][i] = rapid.Uint16Range(1, 300).Draw(t, "q")
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "planes") {
		h, v := 1, 1
		if i == 0 {
			h, v = rapid.IntRange(1, 2).Draw(t, "sx"), rapid.IntRange(1, 2).Draw(t, "sy")
		}
		f.components = append(f.components, &component{id: byte(i + 1), h: h, v: v})
	}
	f.layout()
	for _, c := range f.components {
		c.coef = make([]int16, c.bw*c.bh*64)
		for range rapid.IntRange(0, 200).Draw(t, "n") {
			at := rapid.IntRange(0, len(c.coef)-1).Draw(t, "at")
			c.coef[at] = rapid.Int16Range(-1023, 1023).Draw(t, "v")
		}
	}
	return f
}

func TestMemory(t *testing.T) {
	// A small file that says that it is huge is refused before anything is taken.
	data := wholetest.JPEG(16, 16, 1)
	i := bytes.Index(data, []byte{0xff, 0xc0})
	copy(data[i+5:], []byte{0xf0, 0, 0xf0, 0})
	var u *Unable
	if err := JPEG(t.Context(), bytes.NewReader(lying(data, 6)), int64(len(data)+36), &bytes.Buffer{}); !errors.As(err, &u) {
		t.Fatal(err)
	}
}

func FuzzJPEG(f *testing.F) {
	for o := 1; o <= 8; o++ {
		f.Add(lying(wholetest.JPEG(32, 16, uint64(o)), o))
	}
	if _, err := exec.LookPath("cjpeg"); err == nil {
		dir := f.TempDir()
		f.Add(lying(made(f, dir, 32, 32, "2x2", "-progressive"), 6))
		f.Add(lying(made(f, dir, 32, 32, "2x1", "-restart", "1B"), 3))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b bytes.Buffer
		err := JPEG(t.Context(), bytes.NewReader(data), int64(len(data)), &b)
		var u *Unable
		if err != nil {
			if !errors.As(err, &u) {
				t.Fatal(err)
			}
			return
		}
		if err := whole.Check(bytes.NewReader(b.Bytes()), int64(b.Len()), "image/jpeg", ""); err != nil {
			t.Fatal(err)
		}
		decoded(t, b.Bytes())
	})
}

// BenchmarkJPEG turns a picture; BenchmarkDecode, to compare, decodes it to pixels.
func BenchmarkJPEG(b *testing.B) {
	data := lying(wholetest.JPEG(1600, 1200, 1), 6)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := JPEG(b.Context(), bytes.NewReader(data), int64(len(data)), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := wholetest.JPEG(1600, 1200, 1)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
