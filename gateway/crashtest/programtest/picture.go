package programtest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"slipway/uploader/whole/wholetest"
)

// Picture describes a whole JPEG that no other Picture equals. Its bytes are made
// when they are asked for, so that thousands of them take no memory.
type Picture struct {
	ID   string
	base []byte
	fill int // bytes of comment beside the id
	seed uint64
	// Sums of the bytes, in lower-case hexadecimal digits.
	MD5, SHA256 string
	Size        int64
}

// comment is how long the text of a JPEG's comment may be, in bytes.
const comment = 0xffff - 2

// NewPicture returns the picture of base, a JPEG, with id and fill bytes that seed
// decides in comments behind its start.
func NewPicture(base []byte, id string, fill int, seed uint64) Picture {
	p := Picture{ID: id, base: base, fill: fill, seed: seed}
	b := p.Bytes()
	m, s := md5.Sum(b), sha256.Sum256(b)
	p.MD5, p.SHA256, p.Size = hex.EncodeToString(m[:]), hex.EncodeToString(s[:]), int64(len(b))
	return p
}

// Bytes returns the picture's bytes, the same each time.
func (p Picture) Bytes() []byte {
	var b bytes.Buffer
	b.Grow(len(p.base) + len(p.ID) + p.fill + 1024)
	b.Write(p.base[:2]) // SOI
	writeComment(&b, []byte(p.ID))
	fill := rand.NewChaCha8([32]byte{0: 1, 8: byte(p.seed), 9: byte(p.seed >> 8), 10: byte(p.seed >> 16), 11: byte(p.seed >> 24)})
	for left := p.fill; left > 0; left -= comment {
		text := make([]byte, min(left, comment))
		fill.Read(text) //nolint:errcheck // it never fails
		writeComment(&b, text)
	}
	b.Write(p.base[2:])
	return b.Bytes()
}

// writeComment writes a COM segment.
func writeComment(b *bytes.Buffer, text []byte) {
	b.Write([]byte{0xff, 0xfe})
	b.Write(binary.BigEndian.AppendUint16(nil, uint16(len(text)+2)))
	b.Write(text)
}

// Base returns a small JPEG for NewPicture.
func Base() []byte { return wholetest.JPEG(32, 24, 1) }
