// Package wholetest makes small real files, the same bytes for the same
// arguments on every run of one Go release, for tests that need a picture.
package wholetest

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
)

// Image returns a picture of w by h pixels, opaque, with a gradient and noise
// that seed decides, so that two seeds give two different files.
func Image(w, h int, seed uint64) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			noise := uint8(r.UintN(48))
			img.SetNRGBA(x, y, color.NRGBA{uint8(x*200/w) + noise, uint8(y*200/h) + noise, uint8(seed) + noise, 255})
		}
	}
	return img
}

// JPEG returns a baseline JPEG.
func JPEG(w, h int, seed uint64) []byte {
	var b bytes.Buffer
	must(jpeg.Encode(&b, Image(w, h, seed), &jpeg.Options{Quality: 90}))
	return b.Bytes()
}

// PNG returns a PNG.
func PNG(w, h int, seed uint64) []byte {
	var b bytes.Buffer
	must(png.Encode(&b, Image(w, h, seed)))
	return b.Bytes()
}

// GIF returns an animated GIF89a of two frames.
func GIF(w, h int, seed uint64) []byte {
	palette := color.Palette{}
	for i := range 64 {
		palette = append(palette, color.Gray{Y: uint8(i * 4)})
	}
	r := rand.New(rand.NewPCG(seed, 2))
	g := &gif.GIF{Delay: []int{10, 10}}
	for range 2 {
		frame := image.NewPaletted(image.Rect(0, 0, w, h), palette)
		for i := range frame.Pix {
			frame.Pix[i] = uint8(r.UintN(64))
		}
		g.Image = append(g.Image, frame)
	}
	var b bytes.Buffer
	must(gif.EncodeAll(&b, g))
	return b.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err) // writing into memory cannot fail
	}
}
