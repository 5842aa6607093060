package whole_test

import (
	"bytes"
	"testing"

	"slipway/uploader/whole"
	"slipway/uploader/whole/wholetest"
)

// TestProves: only a format that is known, and whole, proves anything.
func TestProves(t *testing.T) {
	jpeg, noise := wholetest.JPEG(48, 48, 1), wholetest.Noise(4096, 1)
	for _, tt := range []struct {
		what, kind, name string
		data             []byte
		want             bool
	}{
		{"a whole JPEG", "image/jpeg", "a.jpg", jpeg, true},
		{"a whole JPEG without a type", "", "a", jpeg, true},
		{"a half", "image/jpeg", "a.jpg", jpeg[:len(jpeg)/2], false},
		{"its first byte", "image/jpeg", "a.jpg", jpeg[:1], false},
		{"no picture of that name", "image/jpeg", "a.jpg", noise, false},
		{"what has no structure", "application/octet-stream", "a.bin", noise, false},
		{"nothing", "image/jpeg", "a.jpg", nil, false},
	} {
		if got := whole.Proves(bytes.NewReader(tt.data), int64(len(tt.data)), tt.kind, tt.name); got != tt.want {
			t.Errorf("%s: %v", tt.what, got)
		}
	}
	if whole.Proves(bytes.NewReader(jpeg[:100]), int64(len(jpeg)), "image/jpeg", "a.jpg") {
		t.Error("a file that ends while it is read proves something")
	}
}
