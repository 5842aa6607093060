// Package digest checks a request body against the digests its header promises:
// Content-Digest and Repr-Digest (RFC 9530), Content-MD5 (RFC 1864) and
// OC-Checksum (ownCloud).
package digest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"net/http"
	"strings"
)

// ErrMismatch is wrapped by the error of [Set.Verify].
var ErrMismatch = errors.New("the bytes do not match their digest")

// Set is the digests that one body must have. Write the body into it.
type Set struct {
	hashes map[string]hash.Hash // by algorithm, lower case
	wants  []want
}

type want struct {
	field, algorithm string
	sum              []byte // nil: what was promised cannot be true
}

// FromHeader returns the promises of h. Algorithms that are not known here and
// malformed structured fields are passed over, as RFC 9530 §2 and RFC 9651 §4.2
// ask; a value that no digest of a known algorithm can have never verifies.
func FromHeader(h http.Header) *Set {
	s := &Set{hashes: map[string]hash.Hash{}}
	for _, field := range []string{"Content-Digest", "Repr-Digest"} {
		for member := range strings.SplitSeq(strings.Join(h.Values(field), ","), ",") {
			s.addMember(field, strings.TrimSpace(member))
		}
	}
	if v := strings.TrimSpace(h.Get("Content-MD5")); v != "" {
		sum, err := base64.StdEncoding.DecodeString(v)
		s.add("Content-MD5", "md5", sum, err)
	}
	for _, v := range strings.Fields(h.Get("OC-Checksum")) {
		algorithm, digits, _ := strings.Cut(v, ":")
		sum, err := hex.DecodeString(digits)
		s.add("OC-Checksum", strings.ToLower(algorithm), sum, err)
		// Who sends one asks for it again, and perhaps for another: rclone sends
		// SHA-1 and compares MD5.
		s.compute("sha1")
		s.compute("md5")
	}
	return s
}

// addMember reads one member of a dictionary, such as sha-256=:base64:;a=b.
func (s *Set) addMember(field, member string) {
	key, value, _ := strings.Cut(member, "=")
	value, ok := strings.CutPrefix(value, ":")
	coded, _, ok2 := strings.Cut(value, ":")
	if !ok || !ok2 || key != "sha-256" && key != "sha-512" {
		return
	}
	if sum, err := base64.StdEncoding.DecodeString(coded); err == nil {
		s.add(field, strings.Replace(key, "-", "", 1), sum, nil)
	}
}

// compute sees to it that a sum by algorithm is made, if it is known.
func (s *Set) compute(algorithm string) (known bool) {
	if s.hashes[algorithm] == nil {
		h := newHash(algorithm)
		if h == nil {
			return false
		}
		s.hashes[algorithm] = h
	}
	return true
}

func (s *Set) add(field, algorithm string, sum []byte, err error) {
	if !s.compute(algorithm) {
		return
	}
	if err != nil {
		sum = nil
	}
	s.wants = append(s.wants, want{field, algorithm, sum})
}

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	case "sha1":
		return sha1.New()
	case "md5":
		return md5.New()
	case "adler32":
		return adler32.New()
	}
	return nil
}

// Write hashes p. It never fails.
func (s *Set) Write(p []byte) (int, error) {
	for _, h := range s.hashes {
		h.Write(p)
	}
	return len(p), nil
}

// Verify returns an error that names the header field whose promise was not
// kept by the bytes written so far.
func (s *Set) Verify() error {
	for _, w := range s.wants {
		if !bytes.Equal(s.hashes[w.algorithm].Sum(nil), w.sum) {
			return fmt.Errorf("%w (%s, %s): nothing was stored; send the file again", ErrMismatch, w.field, w.algorithm)
		}
	}
	return nil
}

// Sums returns the digests of the bytes written so far, as ownCloud writes them,
// such as "SHA1:" and lower-case hexadecimal digits.
func (s *Set) Sums() (sums []string) {
	for _, algorithm := range []string{"sha1", "md5", "adler32", "sha256"} { // ownCloud has no name for SHA-512
		if h := s.hashes[algorithm]; h != nil {
			sums = append(sums, strings.ToUpper(algorithm)+":"+hex.EncodeToString(h.Sum(nil)))
		}
	}
	return sums
}
