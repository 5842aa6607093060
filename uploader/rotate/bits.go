package rotate

import (
	"errors"
	"io"
)

// bitReader reads the compressed data of a scan (ITU-T T.81 §F.2.2.5): without the zeros
// that are stuffed behind FF, up to the next marker.
type bitReader struct {
	r      io.ReaderAt
	size   int64
	off    int64 // of buf[0] in the file
	buf    []byte
	at     int
	acc    uint64 // the bits at hand, from the highest of n on
	n      int
	marker byte // the marker that ended the data; 0: none yet
	err    error
}

const bitsBuffer = 64 << 10

func newBits(r io.ReaderAt, size, off int64) *bitReader {
	return &bitReader{r: r, size: size, off: off}
}

// next returns the next byte of the file.
func (b *bitReader) next() (byte, bool) {
	if b.at == len(b.buf) {
		b.off += int64(len(b.buf))
		n := min(bitsBuffer, b.size-b.off)
		if n <= 0 || b.err != nil {
			return 0, false
		}
		if cap(b.buf) < bitsBuffer {
			b.buf = make([]byte, bitsBuffer)
		}
		b.buf, b.at = b.buf[:n], 0
		if got, err := b.r.ReadAt(b.buf, b.off); int64(got) < n {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			b.buf, b.err = b.buf[:0], err
			return 0, false
		}
	}
	c := b.buf[b.at]
	b.at++
	return c, true
}

// position returns where in the file the next byte is.
func (b *bitReader) position() int64 { return b.off + int64(b.at) }

// fill gets bits until there are more than 48 or the data ends.
func (b *bitReader) fill() {
	for b.n <= 48 && b.marker == 0 {
		c, ok := b.next()
		if !ok {
			return
		}
		if c == 0xff {
			d, ok := b.next()
			for ok && d == 0xff {
				d, ok = b.next()
			}
			if !ok {
				return
			}
			if d != 0 {
				b.marker = d
				return
			}
		}
		b.acc = b.acc<<8 | uint64(c)
		b.n += 8
	}
}

var errData = &Unable{"its compressed data is damaged"}

// take returns the next n bits, n being 16 at most.
func (b *bitReader) take(n int) (int, error) {
	if b.n < n {
		if b.fill(); b.n < n {
			return 0, b.short()
		}
	}
	b.n -= n
	return int(b.acc>>b.n) & (1<<n - 1), nil
}

func (b *bitReader) short() error {
	if b.err != nil {
		return b.err
	}
	return errData
}

// value returns the number of n bits that follows (T.81 §F.2.2.1, EXTEND).
func (b *bitReader) value(n int) (int, error) {
	v, err := b.take(n)
	if n > 0 && v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v, err
}

// restart passes over the restart marker that must come now.
func (b *bitReader) restart(i int) error {
	b.n = 0
	if b.marker == 0 {
		b.fill()
		if b.n >= 8 || b.marker == 0 {
			return b.short()
		}
	}
	if b.marker != byte(markerRST0+i%8) {
		return errData
	}
	b.marker, b.n, b.acc = 0, 0, 0
	return nil
}

// end passes over what is left of the data and returns the marker behind it, and
// where its segment begins.
func (b *bitReader) end() (byte, int64, error) {
	for b.marker == 0 {
		b.n = 0
		if b.fill(); b.marker == 0 && b.n == 0 {
			return 0, 0, b.short()
		}
	}
	return b.marker, b.position(), nil
}

// codes is a Huffman table for reading.
type codes struct {
	quick   [512]uint16 // by the next 9 bits: length<<8 | symbol; 0: the code is longer
	first   [18]int     // the first code of each length
	last    [18]int     // one more than its last code
	index   [18]int     // of its first symbol
	symbols []byte
}

// newCodes makes a table of how many codes of each length there are and what they
// stand for (T.81 annex C).
func newCodes(counts [16]byte, symbols []byte) (*codes, error) {
	c := &codes{symbols: symbols}
	code, k := 0, 0
	for n := 1; n <= 16; n++ {
		c.first[n], c.index[n] = code, k
		for range counts[n-1] {
			if n <= 9 {
				for i := range 1 << (9 - n) {
					if at := code<<(9-n) | i; at < len(c.quick) {
						c.quick[at] = uint16(n)<<8 | uint16(symbols[k])
					}
				}
			}
			code++
			k++
		}
		if c.last[n] = code; code > 1<<n {
			return nil, errData
		}
		code <<= 1
	}
	return c, nil
}

// symbol reads the next symbol.
func (b *bitReader) symbol(c *codes) (byte, error) {
	if b.n < 16 {
		b.fill()
	}
	next := int(b.acc<<(16-min(b.n, 16))>>(max(b.n, 16)-16)) & 0xffff // zeros follow the last bits
	if q := c.quick[next>>7]; q != 0 {
		if n := int(q >> 8); n <= b.n {
			b.n -= n
			return byte(q), nil
		}
		return 0, b.short()
	}
	for n := 10; n <= 16 && n <= b.n; n++ {
		if code := next >> (16 - n); code < c.last[n] && code >= c.first[n] {
			b.n -= n
			return c.symbols[c.index[n]+code-c.first[n]], nil
		}
	}
	return 0, b.short()
}
