package vfs

import (
	"encoding/hex"
	"strings"
)

// Checksums are sums of a file's bytes that a client sent and a door compared,
// beside our own SHA-256: each as ownCloud writes it, as in "SHA1:" and the sum in
// lower-case hexadecimal, in the order of checksumKinds, with a space between
// them. "" is none.
type Checksums string

// checksumKinds are the algorithms whose sums are kept, and how long a sum is in
// bytes.
var checksumKinds = []struct {
	name string
	size int
}{{"SHA1", 20}, {"MD5", 16}, {"ADLER32", 4}}

// NewChecksums returns those of sums that can be kept. Of two of one algorithm
// the later one stands; what is malformed, or of an algorithm that is not kept, is
// left out.
func NewChecksums(sums ...string) Checksums {
	kept := make([]string, len(checksumKinds))
	for _, s := range sums {
		name, sum, _ := strings.Cut(s, ":")
		for i, k := range checksumKinds {
			if strings.EqualFold(name, k.name) && isHex(sum, k.size) {
				kept[i] = k.name + ":" + strings.ToLower(sum)
			}
		}
	}
	return Checksums(strings.Join(strings.Fields(strings.Join(kept, " ")), " "))
}

func isHex(s string, size int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 2*size
}

// List returns the sums one by one.
func (c Checksums) List() []string { return strings.Fields(string(c)) }

// With returns c with the sums of newer, which stand where both have one.
func (c Checksums) With(newer Checksums) Checksums {
	if c == "" || newer == "" {
		return c + newer
	}
	return NewChecksums(append(c.List(), newer.List()...)...)
}
