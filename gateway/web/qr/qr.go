// Package qr draws QR codes (ISO/IEC 18004) as SVG.
package qr

import (
	"fmt"
	"io"

	"rsc.io/qr"
)

// quiet is the free space around a code, in modules; the standard asks for four.
const quiet = 4

// Write draws the code of text, of at most 1,000 bytes, black on white.
func Write(w io.Writer, text string) error {
	if len(text) > 1000 {
		return fmt.Errorf("qr: %d bytes are too many for a code that phones can read", len(text))
	}
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return err
	}
	all := c.Size + 2*quiet
	b := fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%[1]dv%[2]dH0z"/><path d="`, all, all)
	for y := range c.Size {
		for x := 0; x < c.Size; {
			run := 0
			for x+run < c.Size && c.Black(x+run, y) {
				run++
			}
			if run > 0 {
				b = fmt.Appendf(b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
			}
			x += max(run, 1)
		}
	}
	_, err = w.Write(append(b, `"/></svg>`...))
	return err
}
