package vfstest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"slipway/vfs"
)

// counted is a source that does not end.
type counted struct{ n int64 }

func (c *counted) Read(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// testRoom: what the account's quota has no room for is refused as it comes.
func testRoom(t *testing.T, _ *Bench, f *vfs.FS) {
	mkdir(t, f, "/u")
	const limit = 1000
	u := f.Sub(vfs.View{Root: "/u", Quota: limit})
	old := strings.Repeat("a", 600)
	Write(t, u, "/a", old)

	h, _ := u.Create("/endless")
	src := &counted{}
	if _, err := h.(io.ReaderFrom).ReadFrom(src); !errors.Is(err, vfs.ErrQuota) {
		t.Errorf("an endless upload: %v", err)
	}
	if src.n > 4<<20 {
		t.Errorf("%d bytes were taken", src.n)
	}
	wantErr(t, h.Close(), vfs.ErrQuota)

	_, err := u.Copy("/a", "/b", true, false)
	for _, err := range []error{err, u.Admit("/b", 401)} {
		if wantErr(t, err, vfs.ErrQuota); !strings.Contains(fmt.Sprint(err), "400 bytes of 1.0 kB are free") {
			t.Errorf("a file beyond the quota: %v", err)
		}
	}

	for name, write := range map[string]func(w afero.File, n int) error{
		"Write": func(w afero.File, n int) error {
			_, err := io.WriteString(w, strings.Repeat("b", n))
			return err
		},
		"WriteAt": func(w afero.File, n int) error {
			_, err := w.WriteAt([]byte("b"), int64(n-1))
			return err
		},
		"Truncate": func(w afero.File, n int) error {
			return w.Truncate(int64(n))
		},
	} {
		h, _ := u.Create("/b")
		if err := write(h, 401); !errors.Is(err, vfs.ErrQuota) {
			t.Errorf("%s beyond the quota: %v", name, err)
		}
		wantErr(t, h.Close(), vfs.ErrQuota)
		h, _ = u.Create("/b")
		if err := write(h, 400); err != nil {
			t.Errorf("%s within the quota: %v", name, err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := u.Remove("/b"); err != nil {
			t.Error(err)
		}
	}
	Write(t, u, "/a", strings.Repeat("c", limit)) // which the earlier one makes room for
	wantTree(t, u, map[string]string{"/a": strings.Repeat("c", limit)})
}
