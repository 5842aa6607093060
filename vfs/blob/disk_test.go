package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"slipway/vfs/blob"
	"slipway/vfs/blob/blobtest"
)

func newDisk(t testing.TB, opts blob.DiskOptions) (*blob.Disk, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := blob.NewDisk(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

func create(t testing.TB, d *blob.Disk) blob.Writer {
	t.Helper()
	w, err := d.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	return w
}

// pattern returns n bytes that differ from each other at any likely distance.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// readBack returns the bytes that info stands for.
func readBack(t testing.TB, d *blob.Disk, info blob.Info) []byte {
	t.Helper()
	if info.Inline != nil {
		return info.Inline
	}
	r, err := d.Open(t.Context(), info.Ref)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// check fails unless info describes want and reads back so.
func check(t testing.TB, d *blob.Disk, info blob.Info, want []byte) {
	t.Helper()
	if info.Size != int64(len(want)) || info.SHA256 != sha256.Sum256(want) {
		t.Errorf("Info says %d bytes %s; want %d bytes %x", info.Size, info.SHA256, len(want), sha256.Sum256(want))
	}
	if (info.Inline != nil) != (len(want) <= blob.InlineMax) {
		t.Errorf("%d bytes: inline %v", len(want), info.Inline != nil)
	}
	if _, err := info.Ref.Time(); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(readBack(t, d, info), want) {
		t.Errorf("%d bytes do not read back", len(want))
	}
}

// files returns the names of the files below dir, relative to it.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestCommitSizes(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4096, 4097, blob.InlineMax - 1, blob.InlineMax, blob.InlineMax + 1, 1 << 20, 3<<20 + 7} {
		want := pattern(size)
		for name, put := range map[string]func(w blob.Writer) error{
			"Write":    func(w blob.Writer) error { _, err := w.Write(want); return err },
			"ReadFrom": func(w blob.Writer) error { _, err := w.(io.ReaderFrom).ReadFrom(bytes.NewReader(want)); return err },
			"pieces": func(w blob.Writer) error {
				_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(want)}, make([]byte, 1000))
				return err
			},
			"halves": func(w blob.Writer) error {
				_, err := w.(io.ReaderFrom).ReadFrom(iotest.HalfReader(bytes.NewReader(want)))
				return err
			},
			"backwards": func(w blob.Writer) error {
				for end := size; end > 0; end -= min(end, 50_000) {
					from := end - min(end, 50_000)
					if _, err := w.WriteAt(want[from:end], int64(from)); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			d, dir := newDisk(t, blob.DiskOptions{})
			w := create(t, d)
			if err := put(w); err != nil {
				t.Fatalf("%s of %d bytes: %v", name, size, err)
			}
			if w.Size() != int64(size) {
				t.Errorf("%s: Size %d, want %d", name, w.Size(), size)
			}
			sum, err := w.Sum()
			if err != nil || sum != sha256.Sum256(want) {
				t.Errorf("%s of %d bytes: Sum %s, %v", name, size, sum, err)
			}
			info, err := w.Commit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			check(t, d, info, want)
			if err := w.Abort(); err != nil {
				t.Errorf("Abort after Commit: %v", err)
			}
			check(t, d, info, want)
			for _, f := range files(t, dir) {
				if ref := string(info.Ref); f != "blobs/"+ref[24:]+"/"+ref {
					t.Errorf("%s of %d bytes left %s", name, size, f)
				}
			}
		}
	}
}

func TestShrunkFileTravelsInline(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	w := create(t, d)
	want := pattern(blob.InlineMax)
	w.Write(pattern(blob.InlineMax * 2))
	if err := w.Truncate(blob.InlineMax); err != nil {
		t.Fatal(err)
	}
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check(t, d, info, want)
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	for _, size := range []int{0, 100, 1 << 20} {
		w := create(t, d)
		w.Write(pattern(size))
		for range 2 {
			if err := w.Abort(); err != nil {
				t.Error(err)
			}
		}
		if _, err := w.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Write after Abort: %v", err)
		}
		if _, err := w.Commit(t.Context()); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Commit after Abort: %v", err)
		}
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

func TestErrorsPoison(t *testing.T) {
	cut := errors.New("connection reset")
	for name, spoil := range map[string]func(w blob.Writer) error{
		"source": func(w blob.Writer) error {
			_, err := w.(io.ReaderFrom).ReadFrom(io.MultiReader(bytes.NewReader(pattern(1<<20)), iotest.ErrReader(cut)))
			if !errors.Is(err, cut) || w.Size() != 1<<20 {
				t.Errorf("ReadFrom: %v after %d bytes", err, w.Size())
			}
			return err
		},
		"small source": func(w blob.Writer) error {
			_, err := w.(io.ReaderFrom).ReadFrom(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(io.ErrUnexpectedEOF)))
			return err
		},
		"negative offset": func(w blob.Writer) error { _, err := w.WriteAt([]byte("x"), -1); return err },
		"huge offset":     func(w blob.Writer) error { _, err := w.WriteAt([]byte("xy"), 1<<63-1); return err },
		"negative size":   func(w blob.Writer) error { return w.Truncate(-1) },
		"context": func(w blob.Writer) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := w.Commit(ctx)
			return err
		},
	} {
		d, dir := newDisk(t, blob.DiskOptions{})
		w := create(t, d)
		first := spoil(w)
		if first == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := w.Write([]byte("x")); !errors.Is(err, first) {
			t.Errorf("%s: then Write: %v", name, err)
		}
		if err := w.Truncate(0); !errors.Is(err, first) {
			t.Errorf("%s: then Truncate: %v", name, err)
		}
		if _, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("x")); !errors.Is(err, first) {
			t.Errorf("%s: then ReadFrom: %v", name, err)
		}
		if _, err := w.Sum(); !errors.Is(err, first) {
			t.Errorf("%s: then Sum: %v", name, err)
		}
		if info, err := w.Commit(t.Context()); !errors.Is(err, first) || info.Ref != "" {
			t.Errorf("%s: then Commit: %v, %v", name, info, err)
		}
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("%s left %q", name, left)
		}
	}
}

func TestReadingWhatIsNotThere(t *testing.T) {
	d, _ := newDisk(t, blob.DiskOptions{})
	for _, ref := range []blob.Ref{blob.NewRef(time.Now()), "", "../x", "nonsense"} {
		if _, err := d.Open(t.Context(), ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%q): %v", ref, err)
		}
	}
	if err := d.Remove(t.Context(), blob.NewRef(time.Now())); err != nil {
		t.Errorf("Remove of nothing: %v", err)
	}
	if err := d.Remove(t.Context(), "../../x"); !errors.Is(err, blob.ErrBadRef) {
		t.Errorf("Remove of a malformed ref: %v", err)
	}
}

func TestRemove(t *testing.T) {
	d, _ := newDisk(t, blob.DiskOptions{})
	w := create(t, d)
	w.Write(pattern(100_000))
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), info.Ref); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), info.Ref); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open after Remove: %v", err)
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	d, dir := newDisk(t, blob.DiskOptions{})
	w := create(t, d)
	w.Write(pattern(100_000))
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return nil
	})
}

func TestFree(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	free, err := d.Free(t.Context())
	if err != nil || free == 0 || free < -1 {
		t.Errorf("Free = %d, %v", free, err)
	}
	if runtime.GOOS == "linux" && free < 0 {
		t.Error("unknown on linux")
	}
	os.RemoveAll(dir)
	if runtime.GOOS == "linux" {
		if _, err := d.Free(t.Context()); err == nil {
			t.Error("no error without the directory")
		}
	}
}

// noRoom is a disk without any room.
type noRoom struct{ blob.OS }

func (noRoom) Free(string) (int64, error) { return 0, nil }

func TestFullDisk(t *testing.T) {
	d, _ := newDisk(t, blob.DiskOptions{FS: noRoom{}})
	if _, err := d.Create(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Create on a full disk: %v", err)
	}
	disk := blobtest.NewFailingDisk()
	d, _ = newDisk(t, blob.DiskOptions{FS: disk})
	w := create(t, d)
	disk.FailAt(2, false, nil) // the first write
	if _, err := w.Write(pattern(100_000)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write on a disk that fills: %v", err)
	}
}

// TestManyConcurrentWriters copies more files at once than there are blocks.
func TestManyConcurrentWriters(t *testing.T) {
	d, dir := newDisk(t, blob.DiskOptions{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var refs []string
	for i := range 40 {
		wg.Go(func() {
			want := pattern(200_000 + i*1000)
			w := create(t, d)
			if _, err := w.(io.ReaderFrom).ReadFrom(bytes.NewReader(want)); err != nil {
				t.Error(err)
				return
			}
			info, err := w.Commit(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			check(t, d, info, want)
			mu.Lock()
			defer mu.Unlock()
			refs = append(refs, "blobs/"+string(info.Ref[24:])+"/"+string(info.Ref))
		})
	}
	wg.Wait()
	slices.Sort(refs)
	if got := files(t, dir); !slices.Equal(got, refs) {
		t.Errorf("on disk %q, committed %q", got, refs)
	}
}

// TestManyWritersNeedLittleMemory keeps 2,000 small uploads open.
func TestManyWritersNeedLittleMemory(t *testing.T) {
	d, _ := newDisk(t, blob.DiskOptions{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	writers := make([]blob.Writer, 2000)
	for i := range writers {
		writers[i] = create(t, d)
		writers[i].Write(make([]byte, 1000))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > 2000*6000 {
		t.Errorf("%d bytes for 2,000 writers of 1,000 bytes each", used)
	}
	runtime.KeepAlive(writers)
}
