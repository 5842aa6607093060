package blob_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"

	"pgregory.net/rapid"

	"slipway/vfs/blob"
)

// TestWriterAgainstModel compares random sequences of calls with the same done to
// a slice of bytes.
func TestWriterAgainstModel(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	bytesOf := rapid.Custom(func(t *rapid.T) []byte {
		n := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 20_000), rapid.IntRange(0, 90_000)).Draw(t, "n")
		b := pattern(n)
		for i := range b {
			b[i] += rapid.Byte().Draw(t, "salt")
			break
		}
		return b
	})
	rapid.Check(t, func(t *rapid.T) {
		w, err := d.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		var model []byte
		extend := func(n int) {
			if n > len(model) {
				model = append(model, make([]byte, n-len(model))...)
			}
		}
		offset := func() int {
			return rapid.OneOf(rapid.Just(len(model)), rapid.IntRange(0, len(model)), rapid.IntRange(0, 150_000)).Draw(t, "off")
		}
		t.Repeat(map[string]func(*rapid.T){
			"Write": func(t *rapid.T) {
				p := bytesOf.Draw(t, "p")
				if n, err := w.Write(p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
				model = append(model, p...)
			},
			"ReadFrom": func(t *rapid.T) {
				p := bytesOf.Draw(t, "p")
				if n, err := w.(io.ReaderFrom).ReadFrom(bytes.NewReader(p)); n != int64(len(p)) || err != nil {
					t.Fatal(n, err)
				}
				model = append(model, p...)
			},
			"WriteAt": func(t *rapid.T) {
				p, off := bytesOf.Draw(t, "p"), offset()
				if n, err := w.WriteAt(p, int64(off)); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
				if len(p) > 0 {
					extend(off + len(p))
					copy(model[off:], p)
				}
			},
			"Truncate": func(t *rapid.T) {
				n := offset()
				if err := w.Truncate(int64(n)); err != nil {
					t.Fatal(err)
				}
				extend(n)
				model = model[:n]
			},
			"ReadAt": func(t *rapid.T) {
				off, n := offset(), rapid.IntRange(0, 70_000).Draw(t, "n")
				got, want := make([]byte, n), make([]byte, n)
				gotN, gotErr := w.ReadAt(got, int64(off))
				wantN, wantErr := bytes.NewReader(model).ReadAt(want, int64(off))
				if gotN != wantN || !bytes.Equal(got[:gotN], want[:wantN]) || n > 0 && gotErr != wantErr {
					t.Fatalf("ReadAt(%d, %d) = %d, %v; want %d, %v", n, off, gotN, gotErr, wantN, wantErr)
				}
			},
			"Sum": func(t *rapid.T) {
				if sum, err := w.Sum(); err != nil || sum != sha256.Sum256(model) {
					t.Fatal(sum, err)
				}
			},
			"": func(t *rapid.T) {
				if w.Size() != int64(len(model)) {
					t.Fatalf("Size %d, want %d", w.Size(), len(model))
				}
			},
		})
		info, err := w.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkRapid(t, d, info, model)
	})
	for _, f := range files(t, dir) {
		if f[:7] == "staged/" {
			t.Errorf("left %s", f)
		}
	}
}

func checkRapid(t *rapid.T, d *blob.Disk, info blob.Info, want []byte) {
	got := info.Inline
	if got == nil {
		r, err := d.Open(t.Context(), info.Ref)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if info.Size != int64(len(want)) || info.SHA256 != sha256.Sum256(want) || !bytes.Equal(got, want) {
		t.Fatalf("committed %d bytes %s; want %d bytes", info.Size, info.SHA256, len(want))
	}
}
