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
	"slices"
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

func (s *Set) add(field, algorithm string, sum []byte, err error) {
	if s.hashes[algorithm] == nil {
		h := newHash(algorithm)
		if h == nil {
			return
		}
		s.hashes[algorithm] = h
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

// Verified returns the digests that were compared, as ownCloud writes them, such
// as "SHA1:" and lower-case hexadecimal digits; each once. It is to be called
// after Verify found nothing wrong.
func (s *Set) Verified() (sums []string) {
	for _, w := range s.wants {
		if w.algorithm == "sha512" { // ownCloud has no name for it
			continue
		}
		if sum := strings.ToUpper(w.algorithm) + ":" + hex.EncodeToString(w.sum); !slices.Contains(sums, sum) {
			sums = append(sums, sum)
		}
	}
	return sums
}
