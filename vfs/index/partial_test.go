package index_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/blob/blobtest"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
	"slipway/vfs/vfstest"
)

// process is one life of the gateway's storage.
type process struct {
	fs        *vfs.FS
	disk      *blob.Disk
	collector index.Collector
}

// start opens what lies in dir and at source, as a process does, whatever became
// of the one before.
func start(t *testing.T, dir, source string, clock func() time.Time, over blob.FileSystem) process {
	t.Helper()
	disk, err := blob.NewDisk(dir, blob.DiskOptions{FS: over})
	if err != nil {
		t.Fatal(err)
	}
	db := indextest.Open(t, source)
	all := vfs.New(vfs.Options{Index: index.NewTree(db, clock, nil), Blobs: disk, Clock: clock})
	return process{all.Sub(vfs.View{Owner: "ann"}), disk, index.Collector{DB: db, Store: disk, Clock: clock}}
}

// sweep does what a process does at its start.
func (p process) sweep(t *testing.T) int {
	t.Helper()
	n, err := p.disk.Sweep(t.Context(), time.Now().Add(time.Hour), p.collector.Known)
	if err != nil {
		t.Error(err)
	}
	return n
}

// files returns how many files are below dir.
func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
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

// TestPartialOutlivesProcess: what is kept is there after a kill, also one amid its
// continuation or its commit, and the sweep tells it from what nobody knows.
func TestPartialOutlivesProcess(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		dir, clock := t.TempDir(), vfstest.NewClock()
		want := strings.Repeat("0123456789", 30_000)
		p := start(t, dir, source, clock.Now, nil)
		h, err := p.fs.Create("/big")
		vfstest.Cut(t, h, err, want[:100_000])
		h, err = p.fs.Create("/small")
		vfstest.Cut(t, h, err, "small")
		if h, err = p.fs.Create("/dying"); err != nil {
			t.Fatal(err)
		}
		io.WriteString(h, want)

		for range 2 {
			p = start(t, dir, source, clock.Now, nil) // killed
			if n := p.sweep(t); n > 1 {
				t.Errorf("the sweep took %d files", n)
			}
			info, err := p.fs.Partial("/big")
			if err != nil || info.Size() != 100_000 {
				t.Fatalf("%v, %v", info, err)
			}
			if h, err = p.fs.Resume("/big", 100_000); err != nil {
				t.Fatal(err)
			}
			io.WriteString(h, "other bytes, and then a kill")
		}
		if got := files(t, dir); got != 2 {
			t.Errorf("%d files are left, want those of two partials", got)
		}

		// Killed between the file's new name and the transaction.
		p = start(t, dir, source, clock.Now, nil)
		part, err := p.partial(t, "/big")
		if err != nil {
			t.Fatal(err)
		}
		w, err := p.disk.Continue(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		p = start(t, dir, source, clock.Now, nil)
		if n := p.sweep(t); n != 1 {
			t.Errorf("the sweep took %d files, want the blob without a name", n)
		}

		h, err = p.fs.Resume("/big", 100_000)
		if err == nil {
			io.WriteString(h, want[100_000:])
			err = h.Close()
		}
		if got := vfstest.Read(t, p.fs, "/big"); err != nil || got != want {
			t.Errorf("%d bytes in the end, want %d; %v", len(got), len(want), err)
		}
		if h, err = p.fs.Resume("/small", 5); err == nil {
			err = h.Close()
		}
		if got := vfstest.Read(t, p.fs, "/small"); err != nil || got != "small" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := p.collector.Collect(t.Context()); err != nil {
			t.Error(err)
		}
		if got := files(t, dir); got != 1 {
			t.Errorf("%d files are left, want that of the large blob", got)
		}
	})
}

// partial returns the ref of what is kept.
func (p process) partial(t *testing.T, path string) (blob.Ref, error) {
	tree := index.NewTree(p.collector.DB, time.Now, nil)
	part, err := tree.Partial(t.Context(), vfs.PartialKey{Owner: "ann", Path: path})
	return part.Ref, err
}

// meddler lets somebody else act right after the first look at a partial.
type meddler struct {
	*index.Tree
	act func()
}

func (m *meddler) Partial(ctx context.Context, key vfs.PartialKey) (vfs.Partial, error) {
	p, err := m.Tree.Partial(ctx, key)
	if act := m.act; act != nil {
		m.act = nil
		act()
	}
	return p, err
}

// TestPartialChangesMeanwhile: between the look at what is kept and its
// continuation another session keeps more of it, or lets it go.
func TestPartialChangesMeanwhile(t *testing.T) {
	clock := vfstest.NewClock()
	p := start(t, t.TempDir(), indextest.SQLite(t), clock.Now, nil)
	other := &meddler{Tree: index.NewTree(p.collector.DB, clock.Now, nil)}
	f := vfs.New(vfs.Options{Index: other, Blobs: p.disk, Clock: clock.Now}).Sub(vfs.View{Owner: "ann"})
	h, err := f.Create("/x")
	vfstest.Cut(t, h, err, "01234")

	other.act = func() {
		h, err := p.fs.Resume("/x", 5)
		vfstest.Cut(t, h, err, "567")
	}
	h, err = f.Resume("/x", 5)
	vfstest.Cut(t, h, err, "x")
	h, err = f.Resume("/x", 8)
	if err == nil {
		io.WriteString(h, "9")
		err = h.Close()
	}
	if got := vfstest.Read(t, f, "/x"); err != nil || got != "012345679" {
		t.Errorf("%q, %v", got, err)
	}

	h, err = f.Create("/y")
	vfstest.Cut(t, h, err, "01234")
	other.act = func() {
		if err := p.fs.DropPartial("/y"); err != nil {
			t.Error(err)
		}
	}
	var beyond *vfs.BeyondError
	if _, err = f.Resume("/y", 5); !errors.As(err, &beyond) {
		t.Errorf("what was let go is continued: %v", err)
	}
}

func TestPartialsMax(t *testing.T) {
	db, err := index.Open(t.Context(), indextest.SQLite(t), index.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tree := index.NewTree(db, time.Now, nil)
	began := time.Now()
	for i := range vfs.PartialsMax + 2 {
		for _, owner := range []string{"ann", "bob"}[:1+i%2] {
			kept, err := tree.KeepPartial(t.Context(), vfs.Keep{Partial: vfs.Partial{
				PartialKey: vfs.PartialKey{Owner: owner, Path: fmt.Sprint("/", i)},
				Ref:        blob.NewRef(began), Size: 1, Cut: began.Add(time.Duration(i)),
			}})
			if !kept || err != nil {
				t.Fatal(kept, err)
			}
		}
	}
	for i, want := range map[int]bool{0: false, 1: false, 2: true, vfs.PartialsMax + 1: true} {
		_, err := tree.Partial(t.Context(), vfs.PartialKey{Owner: "ann", Path: fmt.Sprint("/", i)})
		if (err == nil) != want {
			t.Errorf("upload %d: %v", i, err)
		}
	}
	if _, err := tree.Partial(t.Context(), vfs.PartialKey{Owner: "bob", Path: "/1"}); err != nil {
		t.Errorf("another user's went: %v", err)
	}
	n, err := tree.ExpirePartials(t.Context(), began.Add(time.Hour))
	if n != vfs.PartialsMax+vfs.PartialsMax/2+1 || err != nil {
		t.Errorf("%d expired, %v", n, err)
	}
}

// TestPartialOnFailingDisk makes each call to the disk fail in turn while an upload
// is cut, continued, cut again and continued to its end, over an old file: that
// stands until the end, what was kept is never less or other bytes, and no file is
// left that nobody knows.
func TestPartialOnFailingDisk(t *testing.T) {
	source, clock := indextest.SQLite(t), vfstest.NewClock()
	db := indextest.Open(t, source)
	want := strings.Repeat("0123456789", 30_000)
	boom := errors.New("boom")
	for n, succeeded := 1, false; !succeeded; n++ {
		if n > 100 {
			t.Fatal("more than 100 calls")
		}
		dir, over := t.TempDir(), blobtest.NewFailingDisk()
		disk, err := blob.NewDisk(dir, blob.DiskOptions{FS: over})
		if err != nil {
			t.Fatal(err)
		}
		f := vfs.New(vfs.Options{Index: index.NewTree(db, clock.Now, nil), Blobs: disk, Clock: clock.Now}).Sub(vfs.View{Owner: "ann"})
		p := process{f, disk, index.Collector{DB: db, Store: disk, Clock: clock.Now}}
		name, reader := fmt.Sprint("/f", n), start(t, dir, source, clock.Now, nil).fs
		vfstest.Write(t, f, name, "old")

		over.FailAt(n, true, boom)
		done := false
		for try := 0; !done && try < 10; try++ {
			kept, err := p.size(t, name)
			if err != nil {
				t.Fatal(err)
			}
			done = p.send(t, name, want, kept)
			after, err := p.size(t, name)
			if !done && after < kept || err != nil {
				t.Errorf("call %d: %d bytes were kept and %d are, %v", n, kept, after, err)
			}
			if got := vfstest.Read(t, reader, name); !done && got != "old" || done && got != want {
				t.Errorf("call %d: the file has %d bytes; done: %v", n, len(got), done)
			}
		}
		succeeded = over.Failed() == 0
		over.FailAt(0, false, nil)
		if !done {
			t.Fatalf("call %d: ten tries were not enough", n)
		}
		if _, err := p.collector.Collect(t.Context()); err != nil {
			t.Error(err)
		}
		p.sweep(t)
		if got := files(t, dir); got != 1 {
			t.Errorf("call %d: %d files are left, want one", n, got)
		}
		if err := f.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// size returns how much is kept under name, whatever stands there.
func (p process) size(t *testing.T, name string) (int64, error) {
	tree := index.NewTree(p.collector.DB, time.Now, nil)
	part, err := tree.Partial(t.Context(), vfs.PartialKey{Owner: "ann", Path: name})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return part.Size, err
}

// send goes on sending want after the bytes that are kept: 100,000 bytes, after
// which it is cut, or the rest. It reports whether the file is whole.
func (p process) send(t *testing.T, name, want string, kept int64) bool {
	var h afero.File
	var err error
	if kept == 0 {
		h, err = p.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0)
	} else {
		h, err = p.fs.Resume(name, kept)
	}
	if err != nil {
		return false
	}
	rest := want[kept:]
	last := len(rest) <= 100_000
	if !last {
		rest = rest[:100_000]
	}
	f := h.(*vfs.File)
	f.KeepPartial()
	_, err = io.WriteString(f, rest)
	if err != nil || !last {
		f.TransferError(io.ErrUnexpectedEOF)
	}
	err = f.Close()
	if !last && err == nil {
		t.Error("what was cut was committed")
	}
	return err == nil
}
