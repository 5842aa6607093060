package elsewhere_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
)

// world is a store whose blob lies in a file of a folder alone.
type world struct {
	*elsewhere.Store
	disk   *blob.Disk
	dir    string // of the disk
	folder string
	file   string
	bytes  []byte
	rel    vfs.Released
	places []elsewhere.Place

	remotes []elsewhere.Remote
	reads   []blob.Ref
	looked  int
	now     time.Time
}

func (w *world) Released(_ context.Context, ref blob.Ref) (vfs.Released, error) {
	if ref != w.rel.Ref {
		return vfs.Released{}, fs.ErrNotExist
	}
	return w.rel, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), folder: t.TempDir(), now: time.Now(), bytes: bytes.Repeat([]byte("0123456789abcdef"), 20_000)}
	w.file = filepath.Join(w.folder, "a.jpg")
	if err := os.WriteFile(w.file, w.bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.disk, err = blob.NewDisk(w.dir, blob.DiskOptions{}); err != nil {
		t.Fatal(err)
	}
	w.rel = vfs.Released{Ref: blob.NewRef(w.now), SHA256: sha256.Sum256(w.bytes), Size: int64(len(w.bytes)), Place: w.file}
	w.places = []elsewhere.Place{{Root: w.folder, Path: w.file}}
	w.Store = elsewhere.New(w.disk, elsewhere.Options{
		Releases: w,
		Places: func(context.Context, blob.Sum) ([]elsewhere.Place, error) {
			w.looked++
			return w.places, nil
		},
		Remotes:  func(context.Context, vfs.Released) ([]elsewhere.Remote, error) { return w.remotes, nil },
		Read:     func(ref blob.Ref) { w.reads = append(w.reads, ref) },
		Clock:    func() time.Time { return w.now },
		CacheMax: int64(2 * len(w.bytes)),
	})
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// left counts the files in the store.
func (w *world) left(t *testing.T) (n int) {
	t.Helper()
	err := filepath.WalkDir(w.dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestReadsFromElsewhere: ranges and wholes, by many at once, with one fetch; and
// nothing of it is left when nobody has read for a while.
func TestReadsFromElsewhere(t *testing.T) {
	w := newWorld(t)
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			r, err := w.Open(t.Context(), w.rel.Ref)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			part := make([]byte, 1000)
			if _, err := r.ReadAt(part, int64(i)*12_345); err != nil || !bytes.Equal(part, w.bytes[i*12_345:][:1000]) {
				t.Errorf("a range is wrong, error %v", err)
			}
			if all, err := io.ReadAll(r); err != nil || !bytes.Equal(all, w.bytes) {
				t.Errorf("%d bytes, error %v", len(all), err)
			}
		})
	}
	readers.Wait()
	if w.looked != 1 {
		t.Errorf("the file was fetched %d times", w.looked)
	}
	w.now = w.now.Add(time.Minute)
	if err := w.Drop(t.Context(), false); err != nil || w.left(t) != 1 {
		t.Errorf("a minute later %d files are kept, error %v", w.left(t), err)
	}
	late, err := w.Open(t.Context(), w.rel.Ref)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	w.now = w.now.Add(time.Hour)
	if err := w.Drop(t.Context(), false); err != nil || w.left(t) != 0 {
		t.Errorf("much later %d files are kept, error %v", w.left(t), err)
	}
	if all, err := io.ReadAll(late); err != nil || !bytes.Equal(all, w.bytes) {
		t.Errorf("who had it open reads %d bytes, error %v", len(all), err)
	}
}

// TestWhatIsNotThere: what a person did to the file is said, and whether it may pass.
func TestWhatIsNotThere(t *testing.T) {
	changed := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		do      func(w *world) error
		want    string
		passing bool
	}{
		"other bytes": {func(w *world) error {
			return errors.Join(os.WriteFile(w.file, bytes.Repeat([]byte("x"), len(w.bytes)), 0o600), os.Chtimes(w.file, changed, changed))
		}, "were changed there on 2026-03-01 at 12:30 UTC", false},
		"longer": {func(w *world) error { return os.WriteFile(w.file, append(w.bytes, 'x'), 0o600) }, "were changed there", false},
		"empty":  {func(w *world) error { return os.Truncate(w.file, 0) }, "were changed there", false},
		"removed": {func(w *world) error {
			w.places[0].Since = changed
			return errors.Join(os.WriteFile(filepath.Join(w.folder, "other"), nil, 0o600), os.Remove(w.file))
		}, "were removed there on 2026-03-01", false},
		"a folder now": {func(w *world) error { return errors.Join(os.Remove(w.file), os.Mkdir(w.file, 0o700)) }, "were removed there", false},
		"not mounted":  {func(w *world) error { return os.Remove(w.file) }, "cannot be read now", true},
		"no folder":    {func(w *world) error { return os.RemoveAll(w.folder) }, "cannot be read now", true},
		"a link out": {func(w *world) error {
			out := filepath.Join(w.dir, "..", "out.jpg")
			w.places = w.places[:1]
			w.rel.Place = w.file
			return errors.Join(os.Rename(w.file, out), os.Symlink(out, w.file))
		}, "cannot be read now", true},
		"nowhere known": {func(w *world) error { w.places = nil; return os.Remove(w.file) }, "were removed there", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := test.do(w); err != nil {
				t.Fatal(err)
			}
			_, err := w.Open(t.Context(), w.rel.Ref)
			var away *vfs.AwayError
			if !errors.As(err, &away) || errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("error %v", err)
			}
			if !strings.Contains(away.Text, test.want) || !strings.Contains(away.Text, filepath.Base(w.file)) ||
				strings.Contains(away.Text, filepath.Dir(w.folder)) || // which is nobody's business who uses the gateway
				away.Remedy == "" || away.Passing != test.passing {
				t.Errorf("%q, %q, passing %v", away.Text, away.Remedy, away.Passing)
			}
			if n := w.left(t); n != 0 {
				t.Errorf("%d files are left", n)
			}
			if err := errors.Join(os.MkdirAll(w.folder, 0o700), os.RemoveAll(w.file), os.WriteFile(w.file, w.bytes, 0o600)); err != nil {
				t.Fatal(err)
			}
			r, err := w.Open(t.Context(), w.rel.Ref)
			if err != nil {
				t.Fatalf("after it was put back: %v", err)
			}
			r.Close()
		})
	}
}

// TestAnotherHasIt: one file is gone and another has the bytes; and what came again
// here is read from here.
func TestAnotherHasIt(t *testing.T) {
	w := newWorld(t)
	moved := filepath.Join(w.folder, "moved.jpg")
	if err := os.Rename(w.file, moved); err != nil {
		t.Fatal(err)
	}
	w.places = append(w.places, elsewhere.Place{Root: w.folder, Path: moved})
	r, err := w.Open(t.Context(), w.rel.Ref)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := errors.Join(w.Drop(t.Context(), true), os.Remove(moved)); err != nil {
		t.Fatal(err)
	}
	again, err := w.disk.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again.Write(w.bytes)
	info, err := again.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.rel.Successor = info.Ref
	if r, err = w.Open(t.Context(), w.rel.Ref); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if all, err := io.ReadAll(r); err != nil || !bytes.Equal(all, w.bytes) {
		t.Errorf("%d bytes, error %v", len(all), err)
	}
}

// TestOthersErrors: what was never released is missing as before, and who gives up
// does not spoil it for others.
func TestOthersErrors(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Open(t.Context(), blob.NewRef(w.now)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of an unknown one: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := w.Open(ended, w.rel.Ref); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	r, err := w.Open(t.Context(), w.rel.Ref)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

// TestProve: only the very bytes of a file that stays the same are proof.
func TestProve(t *testing.T) {
	w := newWorld(t)
	p := w.places[0]
	if err := elsewhere.Prove(t.Context(), p, w.rel.SHA256, nil); err != nil {
		t.Error(err)
	}
	if err := elsewhere.Prove(t.Context(), p, blob.Sum{1}, nil); err == nil {
		t.Error("other bytes were proof")
	}
	refused := errors.New("not that one")
	looks := 0
	err := elsewhere.Prove(t.Context(), p, w.rel.SHA256, func(fs.FileInfo) error {
		if looks++; looks == 2 {
			return refused
		}
		return nil
	})
	if !errors.Is(err, refused) {
		t.Errorf("changed while it was read: %v", err)
	}
	err = elsewhere.Prove(t.Context(), p, w.rel.SHA256, func(fs.FileInfo) error { // replaced while it is read
		return errors.Join(os.WriteFile(w.file+".new", w.bytes, 0o600), os.Rename(w.file+".new", w.file))
	})
	if err == nil {
		t.Error("a file that was replaced is proof")
	}
	if err := elsewhere.Look(elsewhere.Place{Root: w.folder, Path: filepath.Join(w.folder, "..", "x")}, nil); err == nil {
		t.Error("a file outside of the folder is proof")
	}
}
