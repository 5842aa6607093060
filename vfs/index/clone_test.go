package index_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// cloningDisk is a file system that can clone: it copies, and counts.
type cloningDisk struct {
	blob.OS
	clones int
}

func (d *cloningDisk) Clone(dst blob.File, src blob.Source) error {
	size, err := src.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = src.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(src, b); err != nil {
		return err
	}
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return err
	}
	d.clones++
	_, err = dst.WriteAt(b, 0)
	return err
}

// TestFilesAreCloned: io.Copy of a file of this machine into a staged one shares its
// bytes, where it is to be a whole new file; quota, policy and sums are what they are
// after copying.
func TestFilesAreCloned(t *testing.T) {
	disk := &cloningDisk{}
	blobs, err := blob.NewDisk(t.TempDir(), blob.DiskOptions{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	f := vfs.New(vfs.Options{Index: index.NewTree(indextest.Open(t, indextest.SQLite(t)), time.Now, nil), Blobs: blobs})
	want := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	name := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	put := func(f *vfs.FS, to, before string) error {
		src, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		dst, err := f.Create(to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dst.WriteString(before); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(dst, src); err == nil && n != int64(len(want)) {
			t.Errorf("%s: io.Copy tells %d bytes", to, n)
		}
		return dst.Close()
	}
	if err := put(f, "/whole", ""); err != nil || disk.clones != 1 {
		t.Fatalf("%d clones, error %v", disk.clones, err)
	}
	again, err := f.Create("/again")
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if n, err := again.(*vfs.File).CloneFrom(src); n != int64(len(want)) || err != nil || disk.clones != 2 {
		t.Fatalf("CloneFrom: %d bytes in %d clones, error %v", n, disk.clones, err)
	}
	if n, err := again.WriteString("more"); n != 4 || err != nil || again.Close() != nil {
		t.Fatal(n, err)
	}
	disk.clones = 1
	info, err := f.Stat("/whole")
	if err != nil {
		t.Fatal(err)
	}
	if e := info.Sys().(vfs.Entry); e.SHA256 != sha256.Sum256(want) || e.Size != int64(len(want)) || e.Type == "" {
		t.Errorf("%+v", e)
	}
	if err := put(f, "/after", "before"); err != nil || disk.clones != 1 {
		t.Errorf("after other bytes: %d clones, error %v", disk.clones, err)
	}
	for path, want := range map[string][]byte{"/whole": want, "/again": append(bytes.Clone(want), "more"...), "/after": append([]byte("before"), want...)} {
		if got, err := afero.ReadFile(f, path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, error %v", path, len(got), err)
		}
	}
	small := f.Sub(vfs.View{Root: "/small", Quota: int64(len(want)) - 1})
	if err := f.Mkdir("/small", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := put(small, "/beyond", ""); !errors.Is(err, vfs.ErrQuota) {
		t.Errorf("beyond the quota: %v", err)
	}
	f.SetPolicy(none{})
	if err := put(f, "/refused", ""); !errors.Is(err, errNone) {
		t.Errorf("where nothing may be: %v", err)
	}
}

var errNone = errors.New("nothing may be here")

type none struct{}

func (none) Admit(string, int64) error            { return errNone }
func (none) SameName(string) (vfs.SameName, bool) { return vfs.Replace, false }
