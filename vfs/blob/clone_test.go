package blob_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"slipway/vfs/blob"
	"slipway/vfs/blob/blobtest"
)

// cloningDisk is a file system that can clone: it copies, at one moment.
type cloningDisk struct {
	blob.OS
	clones int
	half   bool // fails with half of the bytes cloned
}

func (d *cloningDisk) Clone(dst blob.File, src blob.Source) error {
	b, err := os.ReadFile(src.(*os.File).Name())
	if err != nil {
		return err
	}
	if d.half {
		b = b[:len(b)/2]
	}
	if _, err := dst.WriteAt(b, 0); err != nil {
		return err
	}
	if d.half {
		return errors.New("half of it")
	}
	d.clones++
	return nil
}

func sourceFile(t *testing.T, b []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// takeIn clones what can be, and copies the rest, as the caller of CloneFrom does.
func takeIn(t *testing.T, w blob.Writer, src *os.File) (cloned int64) {
	t.Helper()
	cloned, err := w.(blob.Cloner).CloneFrom(src)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	if _, err := w.(io.ReaderFrom).ReadFrom(src); err != nil {
		t.Fatal(err)
	}
	return cloned
}

func TestClone(t *testing.T) {
	for name, test := range map[string]struct {
		size   int
		fs     *cloningDisk
		cloned bool
	}{
		"cloned":           {blob.InlineMax + 1, &cloningDisk{}, true},
		"larger":           {3 << 20, &cloningDisk{}, true},
		"inline":           {blob.InlineMax, &cloningDisk{}, false},
		"empty":            {0, &cloningDisk{}, false},
		"fails half way":   {3 << 20, &cloningDisk{half: true}, false},
		"half, then small": {blob.InlineMax + 1, &cloningDisk{half: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			want := pattern(test.size)
			d, _ := newDisk(t, blob.DiskOptions{FS: test.fs})
			w, src := create(t, d), sourceFile(t, want)
			cloned := takeIn(t, w, src)
			if test.cloned != (cloned == int64(test.size) && test.fs.clones == 1) {
				t.Errorf("%d bytes were cloned, in %d times", cloned, test.fs.clones)
			}
			info, err := w.Commit(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			check(t, d, info, want)
		})
	}
}

// TestCloneIsAMoment: what is hashed and kept is what the source had when it was
// cloned, and what is appended to the source before the copying goes on is there too.
func TestCloneIsAMoment(t *testing.T) {
	d, _ := newDisk(t, blob.DiskOptions{FS: &cloningDisk{}})
	want := pattern(200_000)
	w, src := create(t, d), sourceFile(t, want)
	if _, err := w.(blob.Cloner).CloneFrom(src); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(src.Name(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	out.WriteAt([]byte("changed"), 100)
	out.WriteAt([]byte("the end"), int64(len(want)))
	out.Close()
	if n, err := w.(io.ReaderFrom).ReadFrom(src); n != 7 || err != nil {
		t.Fatalf("%d bytes were copied after the clone, error %v", n, err)
	}
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check(t, d, info, append(want, "the end"...))
}

// TestCloneOnlyWhole: only a whole file becomes a whole writer.
func TestCloneOnlyWhole(t *testing.T) {
	d, _ := newDisk(t, blob.DiskOptions{FS: &cloningDisk{}})
	want := pattern(200_000)
	src := sourceFile(t, want)
	w := create(t, d)
	w.Write([]byte("before"))
	if n, err := w.(blob.Cloner).CloneFrom(src); n != 0 || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("after other bytes: %d, %v", n, err)
	}
	src.Seek(10, io.SeekStart)
	if n, err := create(t, d).(blob.Cloner).CloneFrom(src); n != 0 || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("from the middle: %d, %v", n, err)
	}
	if at, _ := src.Seek(0, io.SeekCurrent); at != 10 {
		t.Errorf("the source stands at %d", at)
	}
	w.Abort()
	if n, err := w.(blob.Cloner).CloneFrom(src); n != 0 || err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

// TestCloneFails: each call fails in turn, and the bytes are there whole or not at all.
func TestCloneFails(t *testing.T) {
	want := pattern(300_000)
	for n := 1; ; n++ {
		disk := blobtest.NewFailingDisk()
		disk.Over(&cloningDisk{half: n%2 == 0})
		d, _ := newDisk(t, blob.DiskOptions{FS: disk})
		src := sourceFile(t, want)
		w, err := d.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		disk.FailAt(n, true, nil)
		if _, err := w.(blob.Cloner).CloneFrom(src); err == nil || errors.Is(err, errors.ErrUnsupported) {
			w.(io.ReaderFrom).ReadFrom(src) // Commit tells.
		}
		info, err := w.Commit(t.Context())
		failed := disk.Failed()
		disk.FailAt(0, false, nil)
		w.Abort()
		if err == nil {
			check(t, d, info, want)
		}
		if failed == 0 {
			return
		}
	}
}

// TestCloneHere clones with the system's own call where the test's directory can,
// and copies where it cannot: in both cases the bytes are right, and a change of the
// source is none of the blob.
func TestCloneHere(t *testing.T) {
	want := pattern(1 << 20)
	d, dir := newDisk(t, blob.DiskOptions{})
	name := filepath.Join(dir, "source")
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	w := create(t, d)
	t.Logf("%d of %d bytes share their place on this file system", takeIn(t, w, src), len(want))
	src.WriteAt(bytes.Repeat([]byte("x"), 4096), 0)
	info, err := w.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check(t, d, info, want)
}
