package vfstest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/spf13/afero"
	"pgregory.net/rapid"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// resumer is what FS and DropFS are.
type resumer interface {
	afero.Fs
	Partial(name string) (fs.FileInfo, error)
	Resume(name string, offset int64) (afero.File, error)
	DropPartial(name string) error
}

var (
	_ resumer = (*vfs.FS)(nil)
	_ resumer = (*vfs.DropFS)(nil)
)

// cuttable is a staged file whose bytes are kept when its transfer is cut.
type cuttable interface {
	afero.File
	KeepPartial()
	TransferError(error)
}

// Cut writes content to h, and then its transfer is cut.
func Cut(t rapid.TB, h afero.File, err error, content string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c := h.(cuttable)
	c.KeepPartial()
	if _, err := io.Copy(c, io.MultiReader(strings.NewReader(content), iotest.ErrReader(io.ErrUnexpectedEOF))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the cut is told as %v", err)
	}
	c.TransferError(io.ErrUnexpectedEOF)
	if err := c.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Close of what was cut: %v", err)
	}
}

// finish writes content to h and commits.
func finish(t rapid.TB, h afero.File, err error, content string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(h, content)
	if err = errors.Join(err, h.Close()); err != nil {
		t.Fatal(err)
	}
}

// kept returns how many bytes are kept, -1 for none.
func kept(t rapid.TB, f resumer, name string) int64 {
	t.Helper()
	info, err := f.Partial(name)
	if errors.Is(err, fs.ErrNotExist) {
		return -1
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func wantKept(t rapid.TB, f resumer, name string, want int64) {
	t.Helper()
	if got := kept(t, f, name); got != want {
		t.Errorf("%d bytes of %s are kept, want %d", got, name, want)
	}
}

func testPartial(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	deep := ""
	for i := range 60 { // longer than an index of PostgreSQL holds, and not to be compressed
		deep += fmt.Sprintf("/%x", sha256.Sum256([]byte{byte(i)}))
	}
	if err := f.MkdirAll(deep, 0); err != nil {
		t.Fatal(err)
	}
	h, err := f.Create(deep + "/f")
	Cut(t, h, err, "half")
	wantKept(t, f, deep+"/f", 4)
	wantKept(t, f, deep+"/g", -1)
	if err := errors.Join(f.DropPartial(deep+"/f"), f.RemoveAll(deep[:65])); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{10, blob.InlineMax, 5 * blob.InlineMax} {
		name := fmt.Sprintf("/f%d", size)
		want := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		b.Hook.Take()
		h, err := f.Create(name)
		Cut(t, h, err, want[:size/3])
		b.Clock.Advance(time.Minute)
		h, err = f.Resume(name, int64(size/3))
		Cut(t, h, err, want[size/3:size/2])

		info, err := f.Partial(name)
		if err != nil || info.Size() != int64(size/2) || !info.ModTime().Equal(b.Clock.Now()) || info.Name() != name[1:] {
			t.Errorf("%v, %v", info, err)
		}
		wantTree(t, f, map[string]string{})
		if _, err := f.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a partial is seen as a file: %v", err)
		}
		for _, other := range []*vfs.FS{all, all.Sub(vfs.View{Owner: "bob"})} {
			wantKept(t, other, name, -1)
			_, err := other.Resume(name, 1)
			wantBeyond(t, err, 0)
			if other.DropPartial(name) == nil {
				t.Error("another user lets it go")
			}
		}
		if got := b.Hook.Take(); len(got) != 0 {
			t.Errorf("changes: %q", got)
		}
		h, err = f.Resume(name, int64(size/2))
		finish(t, h, err, want[size/2:])
		if got := Read(t, f, name); got != want {
			t.Errorf("%d bytes in all, want %d", len(got), size)
		}
		if got := b.Hook.Take(); len(got) != 1 || got[0] != "stored "+name {
			t.Errorf("changes: %q", got)
		}
		if err := f.Remove(name); err != nil {
			t.Fatal(err)
		}
		wantKept(t, f, name, -1)
	}
}

// wantBeyond wants the error of continuing after more bytes than there are.
func wantBeyond(t *testing.T, err error, size int64) {
	t.Helper()
	var beyond *vfs.BeyondError
	if !errors.As(err, &beyond) || beyond.Size != size {
		t.Errorf("error %v, want one that says %d bytes are here", err, size)
	}
}

func testPartialNot(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	h, err := f.Create("/empty")
	Cut(t, h, err, "")
	wantKept(t, f, "/empty", -1)

	h, err = all.Create("/nobody's")
	Cut(t, h, err, "x")
	wantKept(t, all, "/nobody's", -1)

	h, _ = f.Create("/unasked")
	h.WriteString("x")
	h.(cuttable).TransferError(io.ErrUnexpectedEOF)
	wantErr(t, h.Close(), vfs.ErrAborted)
	wantKept(t, f, "/unasked", -1)

	h, _ = f.Create("/seek")
	h.(cuttable).KeepPartial()
	h.WriteString("x")
	h.Seek(-1, io.SeekStart)
	h.(cuttable).TransferError(io.ErrUnexpectedEOF)
	wantErr(t, h.Close(), fs.ErrInvalid)
	wantKept(t, f, "/seek", -1)

	b.Policy.Refuse = func(p string, size int64) error {
		if size > 10 {
			return &vfs.Refusal{Kind: vfs.TooLarge, Text: "over 10 bytes"}
		}
		return nil
	}
	h, err = f.Create("/large")
	Cut(t, h, err, "eleven bytes")
	wantKept(t, f, "/large", -1)

	_, err = f.Resume("/none", 1)
	wantBeyond(t, err, 0)
	_, err = f.Resume("/none", -1)
	wantErr(t, err, fs.ErrInvalid)
	_, err = f.Resume("/no/dir", 0)
	wantErr(t, err, fs.ErrNotExist)
	mkdir(t, f, "/d")
	_, err = f.Resume("/d", 0)
	wantErr(t, err, vfs.ErrIsDir)
	wantErr(t, f.DropPartial("/none"), fs.ErrNotExist)
	read := all.Sub(vfs.View{Owner: "ann", Rights: vfs.Read})
	_, err = read.Resume("/none", 0)
	wantErr(t, err, fs.ErrPermission)
	wantErr(t, read.DropPartial("/none"), fs.ErrPermission)
	wantTree(t, f, map[string]string{"/d/": ""})
}

// testPartialEntry: an entry hides the partial, and is continued where the partial
// is too short.
func testPartialEntry(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann", SameName: vfs.Version})
	Write(t, f, "/x", "the old one, long")
	id := entry(t, f, "/x").ID
	h, err := f.Create("/x")
	Cut(t, h, err, "the new")
	wantKept(t, f, "/x", -1)
	if got := Read(t, f, "/x"); got != "the old one, long" {
		t.Errorf("the entry has become %q", got)
	}
	_, err = f.Resume("/x", 18)
	wantBeyond(t, err, 17)

	h, err = f.Resume("/x", 7)
	finish(t, h, err, " one")
	wantTree(t, f, map[string]string{"/x": "the new one", "/x (1)": "the old one, long"}) // the upload began at 0
	if entry(t, f, "/x (1)").ID != id {
		t.Error("the earlier entry lost its id")
	}

	id = entry(t, f, "/x").ID
	h, err = f.Resume("/x", 4)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil || Read(t, f, "/x") != "the new one" {
		t.Errorf("nothing written, and there is %q now; %v", Read(t, f, "/x"), err)
	}
	h, err = f.Resume("/x", 4)
	Cut(t, h, err, "thi")
	h, err = f.Resume("/x", 7)
	finish(t, h, err, "rd")
	if entry(t, f, "/x").ID != id {
		t.Error("continuing a file made another one")
	}
	wantTree(t, f, map[string]string{"/x": "the third", "/x (1)": "the old one, long"})

	h, err = f.Create("/x")
	Cut(t, h, err, "ab")
	h, err = f.Resume("/x", 4) // of the entry, and nothing comes
	Cut(t, h, err, "")
	h, err = f.Resume("/x", 2)
	finish(t, h, err, "c")
	if got := Read(t, f, "/x"); got != "abc" {
		t.Errorf("what was kept went for nothing: %q", got)
	}

	h, err = f.Resume("/x", 3)
	if err != nil {
		t.Fatal(err)
	}
	Write(t, f, "/x (1)", "")
	if err := f.Rename("/x (1)", "/x"); err != nil {
		t.Fatal(err)
	}
	h.WriteString("late")
	wantErr(t, h.Close(), vfs.ErrChanged)
}

// testPartialGoes: every change that puts something at the name, or takes it away,
// lets the partial go in the same transaction.
func testPartialGoes(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	bob := all.Sub(vfs.View{Owner: "bob"})
	Write(t, f, "/source", "s")
	for name, change := range map[string]func() error{
		"put":     func() error { return afero.WriteFile(f, "/x", []byte("whole"), 0) },
		"mkdir":   func() error { return f.Mkdir("/x", 0) },
		"parents": func() error { return f.MkdirAll("/x", 0) },
		"copy":    func() error { _, err := f.Copy("/source", "/x", true, true); return err },
		"move":    func() error { return f.Rename("/other", "/x") },
		"remove":  func() error { return f.Remove("/x") },
		"drop":    func() error { return f.DropPartial("/x") },
	} {
		h, err := f.Create("/x")
		Cut(t, h, err, "ann's")
		Write(t, f, "/other", "o")
		if name == "remove" {
			Write(t, bob, "/x", "bob's")
		}
		if name != "drop" {
			b.Hook.Err = errors.New("the ledger says no")
			if err := change(); err == nil {
				t.Errorf("%s succeeded", name)
			}
			b.Hook.Err = nil
		}
		if name != "remove" { // where a file hides it
			wantKept(t, f, "/x", 5)
		}
		if err := change(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		bob.RemoveAll("/x")
		wantKept(t, f, "/x", -1)
	}
	h, err := f.Create("/x")
	Cut(t, h, err, "ann's")
	Write(t, bob, "/x", "bob's")
	if err := bob.Remove("/x"); err != nil {
		t.Fatal(err)
	}
	wantKept(t, f, "/x", 5)
}

func testPartialConcurrent(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	base := strings.Repeat("b", 100_000)
	for _, firstEnds := range []bool{true, false} {
		h, err := f.Create("/x")
		Cut(t, h, err, base)
		first, err := f.Resume("/x", 100_000)
		if err != nil {
			t.Fatal(err)
		}
		first.WriteString(strings.Repeat("1", 50_000))
		second, err := f.Resume("/x", 100_000)
		if err != nil {
			t.Fatal(err)
		}
		second.WriteString(strings.Repeat("2", 70_000))
		first.WriteString(strings.Repeat("1", 50_000))
		if firstEnds {
			Cut(t, first, nil, "1")
			wantKept(t, f, "/x", 200_001)
			Cut(t, second, nil, "2") // fewer
			wantKept(t, f, "/x", 200_001)
			h, err = f.Resume("/x", 200_001)
			finish(t, h, err, "1")
			if Read(t, f, "/x") != base+strings.Repeat("1", 100_002) {
				t.Error("the first one's bytes have changed")
			}
		} else {
			finish(t, second, nil, "2")
			Cut(t, first, nil, "1") // of what is whole now
			if Read(t, f, "/x") != base+strings.Repeat("2", 70_001) {
				t.Error("the second one's bytes have changed")
			}
		}
		if err := errors.Join(f.Remove("/x"), b.Collect()); err != nil {
			t.Fatal(err)
		}
		wantKept(t, f, "/x", -1)
	}
	// Who continues what is let go meanwhile still commits.
	h, err := f.Create("/x")
	Cut(t, h, err, base)
	h, err = f.Resume("/x", 100_000)
	if err := errors.Join(err, f.DropPartial("/x"), b.Collect()); err != nil {
		t.Fatal(err)
	}
	finish(t, h, nil, "end")
	if Read(t, f, "/x") != base+"end" {
		t.Error("other bytes")
	}
}

// testPartialLess: continuing from before the end leaves what was kept alone until
// more is there.
func testPartialLess(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	h, err := f.Create("/x")
	Cut(t, h, err, "0123456789")
	h, err = f.Resume("/x", 4)
	Cut(t, h, err, "abc")
	wantKept(t, f, "/x", 10)
	h, err = f.Resume("/x", 4)
	Cut(t, h, err, "abcdefg")
	wantKept(t, f, "/x", 11)
	h, err = f.Resume("/x", 11)
	if err == nil {
		err = h.Close() // only the answer was missing
	}
	if err != nil || Read(t, f, "/x") != "0123abcdefg" {
		t.Errorf("%q, %v", Read(t, f, "/x"), err)
	}
	Write(t, f, "/x", "")
	h, err = f.Create("/x")
	Cut(t, h, err, "long enough")
	h, err = f.Create("/x")
	Cut(t, h, err, "new")
	if h, err = f.Resume("/x", 3); err != nil {
		t.Fatal(err)
	}
	finish(t, h, nil, "est")
	if got := Read(t, f, "/x"); got != "newest" {
		t.Errorf("an upload from the start was continued as %q", got)
	}
}

func testPartialQuota(t *testing.T, b *Bench, all *vfs.FS) {
	mkdir(t, all, "/home")
	f := all.Sub(vfs.View{Root: "/home", Owner: "ann", Quota: 100})
	Write(t, f, "/file", strings.Repeat("f", 40))
	cut := func(name string, size int) {
		t.Helper()
		b.Clock.Advance(time.Second)
		h, err := f.Create(name)
		Cut(t, h, err, strings.Repeat("p", size))
	}
	cut("/a", 20)
	cut("/b", 20)
	cut("/c", 20)
	cut("/b", 15)
	for name, size := range map[string]int64{"/a": 20, "/b": 15, "/c": 20} {
		wantKept(t, f, name, size)
	}
	cut("/d", 10) // a is the oldest
	for name, size := range map[string]int64{"/a": -1, "/b": 15, "/c": 20, "/d": 10} {
		wantKept(t, f, name, size)
	}
	tooMuch := func(h afero.File, err error, n int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.WriteString(strings.Repeat("p", n))
		wantErr(t, err, vfs.ErrQuota)
		h.(interface{ KeepPartial() }).KeepPartial()
		wantErr(t, h.Close(), vfs.ErrQuota)
	}
	e, err := f.Create("/e")
	tooMuch(e, err, 61)
	for name, size := range map[string]int64{"/b": 15, "/c": 20, "/d": 10, "/e": -1} {
		wantKept(t, f, name, size)
	}
	Write(t, f, "/more", strings.Repeat("m", 40)) // files before partials
	for name, size := range map[string]int64{"/b": -1, "/c": -1, "/d": 10} {
		wantKept(t, f, name, size)
	}
	h, err := f.Resume("/d", 10)
	tooMuch(h, err, 11)
	wantKept(t, f, "/d", 10)
	h, err = f.Resume("/d", 10)
	finish(t, h, err, "pp")
	if got := Read(t, f, "/d"); got != strings.Repeat("p", 12) {
		t.Errorf("%q", got)
	}
}

func testPartialExpire(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	for _, name := range []string{"/old", "/late"} {
		h, err := f.Create(name)
		Cut(t, h, err, "bytes")
		b.Clock.Advance(time.Hour)
	}
	n, err := all.ExpirePartials(t.Context(), b.Clock.Now().Add(-90*time.Minute))
	if n != 1 || err != nil {
		t.Errorf("%d expired, %v", n, err)
	}
	wantKept(t, f, "/old", -1)
	wantKept(t, f, "/late", 5)
	_, err = f.Resume("/old", 5)
	wantBeyond(t, err, 0)
}

func testPartialDrop(t *testing.T, b *Bench, all *vfs.FS) {
	mkdir(t, all, "/in")
	view := all.Sub(vfs.View{Root: "/in", Owner: "cam"})
	Write(t, view, "/p.jpg", "another's")
	d := view.Drop(vfs.NewDropSession())
	h, err := d.Create("/p.jpg")
	Cut(t, h, err, "mi")
	wantKept(t, d, "/p.jpg", 2)

	other := all.Sub(vfs.View{Root: "/in", Owner: "cam", Client: "192.0.2.7"}).Drop(vfs.NewDropSession())
	wantKept(t, other, "/p.jpg", -1) // it counts from 1, too
	h, err = other.Create("/p.jpg")
	Cut(t, h, err, "other")

	d = view.Drop(vfs.NewDropSession()) // the camera comes again
	wantKept(t, d, "/p.jpg", 2)
	_, err = d.Resume("/p.jpg", 5)
	wantBeyond(t, err, 2) // what stands there is not to be known
	h, err = d.Resume("/p.jpg", 2)
	finish(t, h, err, "ne")
	wantKept(t, d, "/p.jpg", -1)
	wantTree(t, view, map[string]string{"/p.jpg": "another's", "/p (1).jpg": "mine"})

	h, err = d.Resume("/p.jpg", 4)
	finish(t, h, err, ", all")
	h, err = d.Create("/p.jpg")
	Cut(t, h, err, "cut")
	wantKept(t, d, "/p.jpg", -1)
	wantKept(t, view.Drop(vfs.NewDropSession()), "/p.jpg", 3)
	wantTree(t, view, map[string]string{"/p.jpg": "another's", "/p (1).jpg": "mine, all"})
	if err := d.Remove("/p.jpg"); err != nil {
		t.Fatal(err)
	}
	wantKept(t, d, "/p.jpg", -1)
	h, err = d.Create("/p.jpg")
	Cut(t, h, err, "cut")
	Write(t, d, "/q", "q")
	if err := d.Rename("/q", "/p.jpg"); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("/p.jpg"); err != nil {
		t.Fatal(err)
	}
	wantKept(t, d, "/p.jpg", -1)
	_, err = d.Resume("/.album.toml", 0)
	wantErr(t, err, fs.ErrPermission)
	wantTree(t, view, map[string]string{"/p.jpg": "another's"})
}

// testPartialMany: many send the same file at once, from the start or from where it
// was cut, let it go and collect. Whatever is named is a beginning of it.
func testPartialMany(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	var numbers strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&numbers, "%07d", i)
	}
	want := numbers.String()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 30 {
				if err := sendSome(f, want, r); err != nil {
					t.Error(err)
				}
				switch r.IntN(12) {
				case 0:
					f.Remove("/x")
				case 1:
					f.DropPartial("/x")
				case 2:
					if err := b.Collect(); err != nil {
						t.Error(err)
					}
				}
				if got, err := afero.ReadFile(f, "/x"); err == nil && !strings.HasPrefix(want, string(got)) {
					t.Errorf("%d bytes are mixed", len(got))
				}
			}
		})
	}
	wg.Wait()
}

// sendSome sends part of want to "/x", from the start or from where it was cut, and
// then is cut or, rarely, has the rest taken for whole.
func sendSome(f *vfs.FS, want string, r *rand.Rand) error {
	f.Remove("/x") // it would hide what is kept, and not always be in time
	var from int64
	if info, err := f.Partial("/x"); err == nil && r.IntN(4) > 0 {
		from = info.Size() - int64(r.IntN(2)*r.IntN(int(info.Size())))
	}
	open := f.Create
	if from > 0 {
		open = func(name string) (afero.File, error) { return f.Resume(name, from) }
	}
	h, err := open("/x")
	var beyond *vfs.BeyondError
	if errors.As(err, &beyond) {
		return nil // somebody let it go meanwhile
	}
	if err != nil {
		return err
	}
	rest := want[from:]
	for range 3 {
		n := r.IntN(len(rest)/2 + 1)
		if _, err := io.WriteString(h, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	whole := r.IntN(8) == 0
	if !whole {
		h.(cuttable).KeepPartial()
		h.(cuttable).TransferError(io.ErrUnexpectedEOF)
	}
	if err := h.Close(); errors.Is(err, vfs.ErrAborted) == whole && !errors.Is(err, vfs.ErrChanged) {
		return err
	}
	return nil
}

// partialModel is what one name has: bytes, nil for none.
type partialModel struct{ entry, partial []byte }

// testPartialModel compares random uploads, cuts and continuations with the same
// done to slices of bytes.
func testPartialModel(t *testing.T, b *Bench, all *vfs.FS) {
	f := all.Sub(vfs.View{Owner: "ann"})
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		name := fmt.Sprintf("/f%d", round)
		var m partialModel
		bytes := func() string {
			n := rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, 100_000)).Draw(t, "n")
			return strings.Repeat(rapid.StringN(1, 3, 9).Draw(t, "text"), n)
		}
		// upload ends h, which began with head, in one of the ways.
		upload := func(h afero.File, head []byte, changed, fresh bool) {
			more := bytes()
			whole := append(append([]byte{}, head...), more...)
			changed = changed || more != ""
			switch rapid.SampledFrom([]string{"whole", "cut", "abort"}).Draw(t, "end") {
			case "whole":
				finish(t, h, nil, more)
				if changed {
					m = partialModel{entry: whole}
				}
			case "cut":
				Cut(t, h, nil, more)
				if changed && len(whole) > 0 && (fresh || len(whole) > len(m.partial)) {
					m.partial = whole
				}
			case "abort":
				h.(cuttable).TransferError(nil)
				if h.Close() == nil {
					t.Error("an abort succeeded")
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"STOR": func(*rapid.T) {
				h, err := f.Create(name)
				if err != nil {
					t.Fatal(err)
				}
				upload(h, nil, true, true)
			},
			"REST": func(*rapid.T) {
				limit := max(len(m.entry), len(m.partial)) + 1
				n := rapid.OneOf(rapid.Just(len(m.partial)), rapid.Just(len(m.entry)), rapid.IntRange(0, limit)).Draw(t, "offset")
				h, err := f.Resume(name, int64(n))
				switch {
				case err != nil:
					if n <= max(len(m.entry), len(m.partial)) {
						t.Fatalf("REST %d: %v", n, err)
					}
				case m.partial != nil && n <= len(m.partial):
					upload(h, m.partial[:n], true, false)
				case n <= len(m.entry):
					upload(h, m.entry[:n], m.entry == nil, true)
				default:
					t.Fatalf("REST %d succeeded", n)
				}
			},
			"APPE": func(t *rapid.T) {
				if m.entry == nil {
					t.Skip()
				}
				h, err := f.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				upload(h, m.entry, false, true)
			},
			"DELE": func(*rapid.T) {
				if f.Remove(name) == nil {
					m = partialModel{}
				} else if f.DropPartial(name) == nil {
					m.partial = nil
				}
			},
			"collect": func(*rapid.T) {
				if err := b.Collect(); err != nil {
					t.Fatal(err)
				}
			},
			"": func(*rapid.T) {
				got, err := afero.ReadFile(f, name)
				if (err == nil) != (m.entry != nil) || string(got) != string(m.entry) {
					t.Fatalf("the entry has %d bytes, want %d; %v", len(got), len(m.entry), err)
				}
				want := int64(-1)
				if m.entry == nil && m.partial != nil {
					want = int64(len(m.partial))
				}
				if got := kept(t, f, name); got != want {
					t.Fatalf("%d bytes are kept, want %d", got, want)
				}
			},
		})
	})
}
