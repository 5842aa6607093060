package vfs_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

func newFS(t *testing.T) *vfs.FS {
	t.Helper()
	dir := t.TempDir()
	db, err := index.Open(t.Context(), filepath.Join(dir, "index.db"), index.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	disk, err := blob.NewDisk(dir, blob.DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return vfs.New(vfs.Options{Index: index.NewTree(db, time.Now, nil), Blobs: disk})
}

// stepReader gives its parts one by one, and calls before each read.
type stepReader struct {
	parts  []string
	before func()
}

func (r *stepReader) Read(p []byte) (int, error) {
	r.before()
	if len(r.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.parts[0])
	r.parts = r.parts[1:]
	return n, nil
}

// TestIncoming: everybody sees what is being written, by whom and how far it is,
// from the open to the end, however that comes.
func TestIncoming(t *testing.T) {
	root := newFS(t)
	if err := root.Mkdir("/home", 0o755); err != nil {
		t.Fatal(err)
	}
	view := root.Sub(vfs.View{Root: "/home", Door: "webdav", Owner: "ann", Client: "10.0.0.1"})
	if got := root.Incoming(); len(got) != 0 {
		t.Fatalf("at first: %+v", got)
	}
	f, err := view.Create("/a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	in := func() vfs.Incoming {
		t.Helper()
		all := root.Incoming()
		if len(all) == 0 {
			t.Fatal("nothing is coming in")
		}
		return all[0]
	}
	if got := in(); got.Path != "/home/a.jpg" || got.Door != "webdav" || got.Owner != "ann" || got.Client != "10.0.0.1" ||
		got.Done != 0 || got.Size != -1 || got.Began.IsZero() || got.ID == "" {
		t.Errorf("opened: %+v", got)
	}
	f.(interface{ Expect(int64) }).Expect(9)
	var seen []int64
	r := &stepReader{parts: []string{"abc", "def"}, before: func() { seen = append(seen, in().Done) }}
	if _, err := f.(io.ReaderFrom).ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || seen[0] != 0 || seen[1] != 3 || seen[2] != 6 {
		t.Errorf("while it came: %v", seen)
	}
	if _, err := io.WriteString(f, "ghi"); err != nil {
		t.Fatal(err)
	}
	if got := in(); got.Done != 9 || got.Size != 9 {
		t.Errorf("in the end: %+v", got)
	}
	second, err := view.Create("/b.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if all := root.Incoming(); len(all) != 2 || all[0].ID == all[1].ID || !strings.HasSuffix(all[1].Path, "b.jpg") {
		t.Errorf("two: %+v", all)
	}
	second.(*vfs.File).TransferError(errors.New("cut"))
	if second.Close() == nil || len(root.Incoming()) != 1 {
		t.Errorf("one was cut: %+v", root.Incoming())
	}
	if err := f.Close(); err != nil || len(root.Incoming()) != 0 {
		t.Errorf("all ended: %v, %+v", err, root.Incoming())
	}
	if f.Close() == nil { // twice is once
		t.Error("closed twice")
	}
}

// TestIncomingRefused: what could not be opened is not coming in.
func TestIncomingRefused(t *testing.T) {
	root := newFS(t)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, view := range []*vfs.FS{root.Sub(vfs.View{Rights: vfs.Read}), root.WithContext(ended).(*vfs.FS)} {
		if f, err := view.Create("/missing/x.jpg"); err == nil {
			t.Error("opened", f.Name())
		}
	}
	if got := root.Incoming(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
