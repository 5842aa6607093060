package digest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The vectors are those of "The quick brown fox jumps over the lazy dog".
const fox = "The quick brown fox jumps over the lazy dog"

func TestVerify(t *testing.T) {
	for _, tt := range []struct {
		field, value string
		checks       int
	}{
		{"Content-Digest", "sha-256=:16j7swfXgJRpypq8sAguT41WUeRtPNt2LQLQvzfJ5ZI=:", 1},
		{"Repr-Digest", "x=1, sha-256=:16j7swfXgJRpypq8sAguT41WUeRtPNt2LQLQvzfJ5ZI=:;p=1", 1},
		{"Repr-Digest", "sha-256=16j7, sha-512=::", 1},
		{"Content-Digest", "md5=:AA==:, id-sha-256=:AA==:, sha-256=:??:, sha-256", 0},
		{"Content-Md5", "nhB9nTcrtoJr2B01QqQZ1g==", 1},
		{"Oc-Checksum", "SHA1:2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 ADLER32:5bdc0fda CRC32:00", 2},
		{"Oc-Checksum", "MD5:9E107D9D372BB6826BD81D3542A419D6", 1},
	} {
		s := FromHeader(http.Header{tt.field: {tt.value}})
		s.Write([]byte(fox[:10]))
		s.Write([]byte(fox[10:]))
		err := s.Verify()
		if len(s.wants) != tt.checks || (err != nil) != (tt.value == "sha-256=16j7, sha-512=::") {
			t.Errorf("%s: %s: %d checks, %v", tt.field, tt.value, len(s.wants), err)
		}
		s.Write([]byte("."))
		if err := s.Verify(); tt.checks > 0 && !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %s: other bytes gave %v", tt.field, tt.value, err)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add("sha-256=:16j7swfXgJRpypq8sAguT41WUeRtPNt2LQLQvzfJ5ZI=:", "AA==", "SHA1:00 MD5:")
	f.Fuzz(func(t *testing.T, content, md5, oc string) {
		s := FromHeader(http.Header{"Content-Digest": {content}, "Repr-Digest": {content}, "Content-Md5": {md5}, "Oc-Checksum": {oc}})
		s.Write([]byte("x"))
		if err := s.Verify(); err != nil && !errors.Is(err, ErrMismatch) {
			t.Error(err)
		}
	})
}

// TestSums: a client that sent one of ownCloud's checksums finds the other too.
func TestSums(t *testing.T) {
	for header, want := range map[string][]string{
		"OC-Checksum: SHA1:f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0": {"SHA1:f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0", "MD5:8b1a9953c4611296a827abf8c47804d7"},
		"OC-Checksum: SHA3-256:00":                                   {"SHA1:f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0", "MD5:8b1a9953c4611296a827abf8c47804d7"},
		"Content-MD5: ixqZU8RhEpaoJ6v4xHgE1w==":                      {"MD5:8b1a9953c4611296a827abf8c47804d7"},
		"OC-Checksum: ADLER32:058c01f5":                              {"SHA1:f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0", "MD5:8b1a9953c4611296a827abf8c47804d7", "ADLER32:058c01f5"},
		"Content-Digest: sha-512=:AAAA:":                             nil,
		"X-Nothing: x":                                               nil,
	} {
		name, value, _ := strings.Cut(header, ": ")
		s := FromHeader(http.Header{http.CanonicalHeaderKey(name): {value}})
		s.Write([]byte("Hello"))
		if got := s.Sums(); !slices.Equal(got, want) {
			t.Errorf("%s: %q", header, got)
		}
	}
}
