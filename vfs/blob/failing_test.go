package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"slipway/vfs/blob"
	"slipway/vfs/blob/blobtest"
)

// upload stages want in three ways at once (copy, in place, cut) and commits.
func upload(ctx context.Context, d *blob.Disk, want []byte) (blob.Info, error) {
	w, err := d.Create(ctx)
	if err != nil {
		return blob.Info{}, err
	}
	defer w.Abort()
	// Errors here poison; Commit must know.
	w.(io.ReaderFrom).ReadFrom(bytes.NewReader(want[:len(want)-10]))
	w.Write([]byte("ten bytes!"))
	w.WriteAt(want[len(want)-10:], int64(len(want)-10))
	w.Write([]byte("too much"))
	w.Truncate(int64(len(want)))
	return w.Commit(ctx)
}

// TestEveryCallFails makes each call of an upload fail in turn, that one only or
// all from then on, and looks at what is left afterwards.
func TestEveryCallFails(t *testing.T) {
	boom := errors.New("boom")
	for _, size := range []int{100, 300_000, 3 << 20} {
		for _, once := range []bool{false, true} {
			want := pattern(size)
			succeeded := false
			for n := 1; !succeeded; n++ {
				if n > 100 {
					t.Fatal("an upload of more than 100 calls")
				}
				disk := blobtest.NewFailingDisk()
				d, dir := newDisk(t, blob.DiskOptions{FS: disk})
				disk.FailAt(n, once, boom)
				info, err := upload(t.Context(), d, want)
				failed := disk.Failed()
				disk.FailAt(0, false, nil)
				switch {
				case err == nil:
					check(t, d, info, want)
					succeeded = failed == 0
				case !errors.Is(err, boom):
					t.Errorf("call %d: %v", n, err)
				case info.Ref != "" || info.Inline != nil:
					t.Errorf("call %d failed, yet Commit returned %+v", n, info)
				}
				sweepAll(t, d, err == nil, info.Ref)
				left := files(t, dir)
				if err != nil && len(left) > 0 || len(left) > 1 {
					t.Errorf("call %d (%v): the sweep left %q", n, err, left)
				}
			}
		}
	}
}

// sweepAll sweeps everything but keep.
func sweepAll(t *testing.T, d *blob.Disk, keeps bool, keep blob.Ref) {
	t.Helper()
	_, err := d.Sweep(t.Context(), time.Now().Add(time.Hour), func(_ context.Context, refs []blob.Ref) (map[blob.Ref]bool, error) {
		return map[blob.Ref]bool{keep: keeps}, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDurableBeforeNamed shows the order in which a large blob becomes durable:
// bytes, then the name, then the directory, and a new directory's own name first.
func TestDurableBeforeNamed(t *testing.T) {
	disk := blobtest.NewFailingDisk()
	d, _ := newDisk(t, blob.DiskOptions{FS: disk})
	w := create(t, d)
	w.Write(pattern(100_000))
	disk.FailAt(0, false, nil)
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	folder := string(info.Ref[24:])
	want := []string{
		"sync staged", "close staged",
		"mkdir blobs", "syncdir blobs",
		"rename " + folder, "syncdir " + folder,
	}
	if got := disk.Log(); !slices.Equal(got, want) {
		t.Errorf("calls\n%q, want\n%q", got, want)
	}
}

func TestNewDiskFails(t *testing.T) {
	disk := blobtest.NewFailingDisk()
	for n := 1; ; n++ {
		disk.FailAt(n, true, syscall.EACCES)
		_, err := blob.NewDisk(t.TempDir(), blob.DiskOptions{FS: disk})
		if disk.Failed() == 0 {
			return
		}
		// The third call syncs the folder above, which may be somebody else's.
		if (err == nil) != (n == 3) {
			t.Errorf("call %d failed: %v", n, err)
		}
	}
}
