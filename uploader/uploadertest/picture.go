package uploadertest

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"slipway/uploader"
	"slipway/vfs/blob"
)

// picture is a Picture whose bytes are made as they are read.
type picture struct {
	uploader.Picture
	open atomic.Int32 // readers not closed
	// onRead, if not nil, is called before each read at offset; its error fails it.
	onRead func(offset int64) error
	length int64 // of the bytes really given
	sums   Sums  // of small pictures
}

// picture returns one of size bytes that are like no other's.
func (b *bench) picture(size int64) *picture {
	b.seed++
	p, seed := &picture{length: size}, b.seed<<40
	p.Picture = uploader.Picture{
		Upload: fmt.Sprintf("01jd000000000000000000%04d", b.seed),
		Name:   "DSC_0001.JPG", Type: b.Type, Size: size,
	}
	content := func() *content {
		return &content{p: p, head: b.Head, tail: b.Tail, seed: seed, size: p.length}
	}
	p.Open = func(context.Context) (io.ReadSeekCloser, error) {
		p.open.Add(1)
		return content(), nil
	}
	if size <= 8<<20 { // The sum of a large one would take longer than its case.
		h, m := sha256.New(), md5.New()
		io.Copy(io.MultiWriter(h, m), struct{ io.Reader }{content()})
		p.SHA256 = blob.Sum(h.Sum(nil))
		p.sums = Sums{SHA256: p.SHA256.String(), MD5: hex.EncodeToString(m.Sum(nil))}
	}
	return p
}

// content reads head, eight-byte blocks that depend on seed and place, and tail.
type content struct {
	p          *picture
	head, tail string
	seed       uint64
	at, size   int64
	closed     bool
}

// Read implements io.Reader.
func (c *content) Read(b []byte) (int, error) {
	if c.p.onRead != nil {
		if err := c.p.onRead(c.at); err != nil {
			return 0, err
		}
	}
	if c.at >= c.size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), c.size-c.at)]
	for i := 0; i < len(b); {
		place := c.at + int64(i)
		var block [8]byte
		binary.LittleEndian.PutUint64(block[:], (c.seed+uint64(place)/8)*0x9e3779b97f4a7c15)
		i += copy(b[i:], block[place%8:])
	}
	overlay(b, c.at, c.head, 0)
	overlay(b, c.at, c.tail, c.size-int64(len(c.tail)))
	c.at += int64(len(b))
	return len(b), nil
}

// overlay puts s, whose place in the file is place, into b, whose place is at.
func overlay(b []byte, at int64, s string, place int64) {
	for i := range s {
		if j := place + int64(i) - at; j >= 0 && j < int64(len(b)) {
			b[j] = s[i]
		}
	}
}

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	c.at = offset
	return offset, nil
}

// Close implements io.Closer.
func (c *content) Close() error {
	if !c.closed {
		c.closed = true
		c.p.open.Add(-1)
	}
	return nil
}
