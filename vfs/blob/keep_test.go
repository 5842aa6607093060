package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"slipway/vfs/blob"
	"slipway/vfs/blob/blobtest"
)

// keep stages b, keeps it and ends the writer.
func keep(t *testing.T, d *blob.Disk, b []byte) blob.Ref {
	t.Helper()
	w := create(t, d)
	w.Write(b)
	ref, err := d.Keep(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	return ref
}

func wantKept(t *testing.T, d *blob.Disk, ref blob.Ref, want []byte) {
	t.Helper()
	r, err := d.OpenKept(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); !bytes.Equal(got, want) || err != nil {
		t.Errorf("%d bytes are kept, want %d; %v", len(got), len(want), err)
	}
}

func TestKeepAndContinue(t *testing.T) {
	for _, size := range []int{10, blob.InlineMax, 300_000} {
		d, dir := newDisk(t, blob.DiskOptions{})
		all := pattern(size)
		ref := keep(t, d, all[:size/2])
		wantKept(t, d, ref, all[:size/2])

		// Another process, which is killed while it continues.
		d, err := blob.NewDisk(dir, blob.DiskOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := d.Continue(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Continue(t.Context(), ref); !errors.Is(err, blob.ErrBusy) {
			t.Errorf("continued twice: %v", err)
		}
		w.Write([]byte("what came before the kill"))

		d, _ = blob.NewDisk(dir, blob.DiskOptions{})
		if w, err = d.Continue(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if err := w.Truncate(int64(size / 2)); err != nil {
			t.Fatal(err)
		}
		w.Write(all[size/2:])
		info, err := w.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		check(t, d, info, all)
		wantKept(t, d, ref, all) // until it is let go
		if err := errors.Join(d.Remove(t.Context(), ref), w.Abort()); err != nil {
			t.Fatal(err)
		}
		check(t, d, info, all)
		if _, err := d.OpenKept(t.Context(), ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("let go, and still there: %v", err)
		}
		if _, err := d.Continue(t.Context(), ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("let go, and continued: %v", err)
		}
		if _, err := d.Continue(t.Context(), "../../etc/passwd"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a ref that leads elsewhere: %v", err)
		}
	}
}

// TestKeptDurably shows the order in which kept bytes become durable: bytes, then
// their name, once.
func TestKeptDurably(t *testing.T) {
	disk := blobtest.NewFailingDisk()
	d, _ := newDisk(t, blob.DiskOptions{FS: disk})
	ref := keep(t, d, pattern(10))
	want := []string{"open staged", "write staged", "sync staged", "close staged", "syncdir staged"}
	if got := disk.Log(); !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("calls\n%q, want\n%q", got, want)
	}
	w, err := d.Continue(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	disk.FailAt(0, false, nil)
	w.Write([]byte("more"))
	if _, err := d.Keep(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if got, want := disk.Log(), []string{"write staged", "sync staged", "close staged"}; !slices.Equal(got, want) {
		t.Errorf("calls\n%q, want\n%q", got, want)
	}
}

// TestKeptAndRemove: a file that a writer continues stays until it ends.
func TestKeptAndRemove(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	ref := keep(t, d, pattern(100_000))
	w, err := d.Continue(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("more"))
	if err := d.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check(t, d, info, append(pattern(100_000), "more"...))
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if left := files(t, filepath.Join(dir, "staged")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func TestSweepAndKept(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	known, unknown, busy := keep(t, d, pattern(10)), keep(t, d, pattern(20)), keep(t, d, pattern(30))
	w, err := d.Continue(t.Context(), busy)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "staged", "of an old version"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := d.Sweep(t.Context(), time.Now(), func(_ context.Context, refs []blob.Ref) (map[blob.Ref]bool, error) {
		return map[blob.Ref]bool{known: true}, nil
	})
	if n != 2 || err != nil {
		t.Errorf("%d files were removed, %v", n, err)
	}
	wantKept(t, d, known, pattern(10))
	wantKept(t, d, busy, pattern(30))
	if _, err := d.OpenKept(t.Context(), unknown); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what no row knows was left: %v", err)
	}
	boom := errors.New("the database is gone")
	w.Abort()
	if _, err := d.Sweep(t.Context(), time.Now(), func(context.Context, []blob.Ref) (map[blob.Ref]bool, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	wantKept(t, d, known, pattern(10))
}

// noLink is a file system without second names.
type noLink struct{ blob.OS }

func (noLink) Link(string, string) error { return errors.ErrUnsupported }

func TestCommitWithoutLinks(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{FS: noLink{}})
	ref := keep(t, d, pattern(100_000))
	w, err := d.Continue(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check(t, d, info, pattern(100_000))
	if err := errors.Join(d.Remove(t.Context(), ref), w.Abort()); err != nil {
		t.Error(err)
	}
	check(t, d, info, pattern(100_000))
	if left := files(t, filepath.Join(dir, "staged")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// TestKeepFails makes each call fail in turn while bytes are kept, continued and
// kept again: what was kept before is there afterwards, and nothing else.
func TestKeepFails(t *testing.T) {
	boom := errors.New("boom")
	for _, size := range []int{100, 300_000} {
		before, more := pattern(size), pattern(200_000)
		for n, succeeded := 1, false; !succeeded; n++ {
			if n > 50 {
				t.Fatal("more than 50 calls")
			}
			disk := blobtest.NewFailingDisk()
			d, dir := newDisk(t, blob.DiskOptions{FS: disk})
			ref := keep(t, d, before)
			disk.FailAt(n, true, boom)
			kept, err := prolong(t.Context(), d, ref, int64(size), more)
			fresh, freshErr := prolong(t.Context(), d, "", 0, more)
			failed := disk.Failed()
			disk.FailAt(0, false, nil)
			succeeded = failed == 0
			for _, err := range []error{err, freshErr} {
				if err != nil && !errors.Is(err, boom) {
					t.Errorf("call %d: %v", n, err)
				}
			}
			if err == nil && kept == ref {
				wantKept(t, d, ref, append(bytes.Clone(before), more...))
			} else if r, err := d.OpenKept(t.Context(), ref); err != nil {
				t.Errorf("call %d: what was kept is lost: %v", n, err)
			} else {
				head := make([]byte, size)
				if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, before) {
					t.Errorf("call %d: what was kept has other bytes: %v", n, err)
				}
				r.Close()
			}
			sweepAll(t, d, true, ref)
			if freshErr == nil {
				if _, err := d.OpenKept(t.Context(), fresh); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("call %d: the sweep left what nobody knows: %v", n, err)
				}
			}
			if left := files(t, dir); len(left) != 1 {
				t.Errorf("call %d: left %q", n, left)
			}
		}
	}
}

// prolong continues ref, or begins anew where it is "", and keeps the result.
func prolong(ctx context.Context, d *blob.Disk, ref blob.Ref, size int64, more []byte) (blob.Ref, error) {
	var w blob.Writer
	var err error
	if ref == "" {
		w, err = d.Create(ctx)
	} else {
		w, err = d.Continue(ctx, ref)
	}
	if err != nil {
		return "", err
	}
	defer w.Abort()
	// Errors here poison; Keep must know.
	w.Truncate(size)
	w.Sum()
	w.Write(more)
	return d.Keep(ctx, w)
}
