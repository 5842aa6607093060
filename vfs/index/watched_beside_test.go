package index

import (
	"maps"
	"testing"
)

// FuzzBeside: what was written comes back, and what is damaged is an error.
func FuzzBeside(f *testing.F) {
	f.Add("/a/", "a/b.url", "c.json", []byte{})
	f.Add("/", "\xff", "", []byte{0, 200, 1})
	f.Add("/x/", "x/", "x//", []byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, dir, a, b string, foreign []byte) {
		if dir == "" || dir[0] != '/' || dir[len(dir)-1] != '/' {
			return
		}
		want := map[string][32]byte{a: {1}, b: {2}}
		encoded := encodeBeside(dir, want)
		got, err := decodeBeside(dir, encoded)
		if err != nil || !maps.Equal(want, got) {
			t.Errorf("%q became %q, error %v", want, got, err)
		}
		if _, err := decodeBeside(dir, encoded[:len(encoded)-1]); err == nil {
			t.Error("what was cut was taken for whole")
		}
		decodeBeside(dir, foreign) //nolint:errcheck // It must only come back.
	})
}
