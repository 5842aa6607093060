package sidecar_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/afero"
	"pgregory.net/rapid"

	"slipway/vfs"
	"slipway/vfs/sidecar"
)

func sum(inner *fakeFS, t testing.TB, name string) string {
	t.Helper()
	info, err := inner.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(vfs.Entry).SHA256.String()
}

func TestWhichViewsThereAre(t *testing.T) {
	few := sidecar.Options{File: []string{"url"}}
	trouble := done("https://h/a.jpg")
	trouble.Uploads = append(trouble.Uploads, failed().Uploads...)
	for name, test := range map[string]struct {
		opts    sidecar.Options
		receipt sidecar.Receipt
		want    string
	}{
		"none":               {all, sidecar.Receipt{}, ""},
		"waiting":            {all, waiting(), "json"},
		"failed":             {all, failed(), "error.txt json"},
		"done":               {all, done("https://h/a.jpg"), "bbcode html json md txt url _links.csv _links.html _links.md"},
		"done without URL":   {all, done(""), "json"},
		"done, unsafe":       {all, done("javascript:alert(1)"), "json"},
		"done, with account": {all, done("https://user:secret@h/a.jpg"), "json"},
		"not done, with URL": {all, sidecar.Receipt{Uploads: []sidecar.Upload{{State: "awaiting", URL: "https://h/a.jpg"}}}, "json"},
		"only previous":      {all, sidecar.Receipt{Previous: done("https://h/a.jpg").Uploads}, "json"},
		"both":               {all, trouble, "bbcode error.txt html json md txt url _links.csv _links.html _links.md"},
		"few chosen":         {few, trouble, "error.txt url"},
		"nothing chosen":     {sidecar.Options{}, done("https://h/a.jpg"), ""},
	} {
		v, inner, source := newView(test.opts)
		source.of[inner.put(t, "/d/a.jpg")] = test.receipt
		want := []string{"a.jpg"}
		for _, w := range strings.Fields(test.want) {
			if w[0] != '_' {
				w = "a.jpg." + w
			}
			want = append(want, w)
		}
		slices.Sort(want)
		if got := names(t, v, "/d"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		agree(t, v, "/d")
	}
}

// agree fails unless listing and looking up tell the same about a folder, for
// every name that could be there.
func agree(t testing.TB, v *sidecar.View, dir string) {
	t.Helper()
	listed := make(map[string]os.FileInfo)
	f, err := v.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	infos, err := f.Readdir(-1)
	if err != nil {
		t.Fatal(err)
	}
	possible := []string{"_links.html", "_links.md", "_links.csv", "_links.slipway.html", "_links.slipway.md", "_links.slipway.csv"}
	for _, info := range infos {
		if listed[info.Name()] != nil {
			t.Errorf("%s is listed twice", info.Name())
		}
		listed[info.Name()] = info
		for _, s := range []string{"json", "url", "txt", "md", "html", "bbcode", "error.txt"} {
			possible = append(possible, info.Name()+"."+s, info.Name()+".slipway."+s)
		}
	}
	for _, name := range append(possible, namesOf(infos)...) {
		at := path.Join(dir, name)
		got, err := v.Stat(at)
		want := listed[name]
		if (err == nil) != (want != nil) {
			t.Errorf("%s: listed %v, Stat: %v", at, want != nil, err)
			continue
		}
		if err != nil {
			continue
		}
		if got.Name() != want.Name() || got.Size() != want.Size() || !got.ModTime().Equal(want.ModTime()) || got.Mode() != want.Mode() {
			t.Errorf("%s: listed %v %d, Stat says %v %d", at, want.Mode(), want.Size(), got.Mode(), got.Size())
		}
		if !got.IsDir() && int64(len(read(t, v, at))) != got.Size() {
			t.Errorf("%s has not the size %d that it says", at, got.Size())
		}
		if v.IsView(at) != (got.Sys() == nil) {
			t.Errorf("IsView(%s) = %v", at, v.IsView(at))
		}
	}
}

func namesOf(infos []os.FileInfo) []string {
	var list []string
	for _, i := range infos {
		list = append(list, i.Name())
	}
	return list
}

func TestRealFilesWin(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/a.jpg")] = done("https://h/a.jpg")
	for _, name := range []string{"/a.jpg.json", "/_links.csv", "/a.jpg.url", "/a.jpg.slipway.url"} {
		inner.put(t, name)
	}
	want := []string{
		"_links.csv", "_links.html", "_links.md", "_links.slipway.csv",
		"a.jpg", "a.jpg.bbcode", "a.jpg.html", "a.jpg.json", "a.jpg.md", "a.jpg.slipway.json", "a.jpg.slipway.url", "a.jpg.txt", "a.jpg.url",
	}
	if got := names(t, v, "/"); !slices.Equal(got, want) {
		t.Errorf("listed\n%q, want\n%q", got, want)
	}
	for _, name := range []string{"a.jpg.json", "_links.csv", "a.jpg.url", "a.jpg.slipway.url"} {
		if got := read(t, v, "/"+name); got != "real "+name {
			t.Errorf("%s reads %q", name, got)
		}
	}
	if got := read(t, v, "/a.jpg.slipway.json"); !strings.Contains(got, `"path":"/a.jpg"`) {
		t.Errorf("a.jpg.slipway.json reads %q", got)
	}
	agree(t, v, "/")
}

func TestViewsOfTwoPicturesWithOneName(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/a.jpg")] = failed()
	source.of[inner.put(t, "/a.jpg.error")] = done("https://h/other")
	source.of[inner.put(t, "/_links")] = done("https://h/links")
	agree(t, v, "/")
	if got := read(t, v, "/a.jpg.error.txt"); !strings.HasPrefix(got, "a.jpg\n") {
		t.Errorf("a.jpg.error.txt reads %q", got)
	}
	if got := read(t, v, "/_links.md"); !strings.HasPrefix(got, "# ") {
		t.Errorf("_links.md reads %q", got)
	}
}

// TestOnlyTwoPictures has no other reason to compare names than the two.
func TestOnlyTwoPictures(t *testing.T) {
	for one, other := range map[string]string{
		"a.jpg": "a.jpg.error", "b.jpg": "b.jpg.slipway", "c": "_links", "e.slipway": "e.slipway.error", "b%3Ac.jpg": "b:c.jpg",
	} {
		for _, names := range [][]string{{one, other}, {one, other, one + ".json", one + ".txt"}} {
			v, inner, source := newView(all)
			for _, name := range names {
				id := inner.put(t, "/d/"+name)
				if source.of[id] = full(); name == one {
					source.of[id] = failed()
				}
			}
			agree(t, v, "/d")
		}
	}
}

func TestNamesForWindows(t *testing.T) {
	v, inner, source := newView(sidecar.Options{File: []string{"url"}, Folder: []string{"md"}})
	pictures := []string{"a:b?.jpg", "con.jpg", "x%.jpg", "x%3A:.jpg", "x:::.jpg", "aux.a:b", "dot.", "space ", `q"<>|*\.jpg`, "ctl\x01.jpg", "b%3Ac.jpg", "b:c.jpg", "nul"}
	for _, p := range pictures {
		source.of[inner.put(t, "/d/"+p)] = done("https://h/" + fmt.Sprintf("%x", p))
	}
	var views []string
	for _, name := range names(t, v, "/d") {
		if !slices.Contains(pictures, name) {
			views = append(views, name)
			if !vfs.ForWindows(name) {
				t.Errorf("a view is called %q", name)
			}
		}
	}
	want := []string{
		"%61ux.a%3Ab.url", "%63on.jpg.url", "%6Eul.url", "_links.md", "a%3Ab%3F.jpg.url", "b%3Ac.jpg.url", "ctl%01.jpg.url", "dot..url",
		"q%22%3C%3E%7C%2A%5C.jpg.url", "space .url", "x%.jpg.url", "x%253A%3A.jpg.url", "x%3A%3A%3A.jpg.url",
	}
	if !slices.Equal(views, want) {
		t.Errorf("views\n%q, want\n%q", views, want)
	}
	if got := read(t, v, "/d/b%3Ac.jpg.url"); !strings.Contains(got, fmt.Sprintf("%x", "b%3Ac.jpg")) {
		t.Errorf("the picture that is really called so does not come first: %q", got)
	}
	for _, name := range views {
		if _, err := v.Stat("/d/" + name); err != nil {
			t.Error(err)
		}
	}
}

func TestLongNames(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/"+strings.Repeat("x", 247)+".jpg")] = done("https://h/x.jpg")
	for _, name := range names(t, v, "/") {
		if len(name) > 255 {
			t.Errorf("%d bytes: %s", len(name), name)
		}
	}
	if got := len(names(t, v, "/")); got != 1+3+3 { // .url .txt .md fit
		t.Errorf("%d names", got)
	}
	agree(t, v, "/")
}

// TestListingAndLookupAgree makes folders of names that could be each other's views.
func TestListingAndLookupAgree(t *testing.T) {
	parts := []string{"a", "a.jpg", "_links", "con", "a:b", "a%3Ab", "%63on", "a.slipway"}
	suffixes := []string{"", ".json", ".error", ".error.txt", ".slipway.json", ".txt", ".slipway", ".md", ".json.json"}
	rapid.Check(t, func(rt *rapid.T) {
		v, inner, source := newView(all)
		for range rapid.IntRange(1, 8).Draw(rt, "files") {
			name := "/d/" + rapid.SampledFrom(parts).Draw(rt, "part") + rapid.SampledFrom(suffixes).Draw(rt, "suffix")
			id := inner.put(t, name)
			switch rapid.IntRange(0, 3).Draw(rt, "receipt") {
			case 0:
				source.of[id] = failed()
			case 1:
				source.of[id] = done("https://h/" + fmt.Sprintf("%x", name))
			case 2:
				source.of[id] = full()
			}
		}
		agree(t, v, "/d")
		if t.Failed() {
			rt.Fatalf("in a folder of %q", names(t, v, "/d"))
		}
	})
}

func TestWritingMakesARealFile(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/a.jpg")] = done("https://h/a.jpg")
	f, err := v.OpenFile("/a.jpg.json", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("mine")
	if _, ok := f.(interface{ TransferError(error) }); !ok {
		t.Error("TransferError is out of reach")
	}
	f.Close()
	f, err = v.Create("/a.jpg.txt")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if got := read(t, v, "/a.jpg.json"); got != "mine" {
		t.Errorf("reads %q", got)
	}
	if !v.IsView("/a.jpg.slipway.json") || !v.IsView("/a.jpg.slipway.txt") || v.IsView("/a.jpg.json") {
		t.Error("the view did not yield")
	}
}

func TestOpenView(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/a.jpg")] = done("https://h/a.jpg")
	f, err := v.Open("/a.jpg.url")
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"write":    second(f.Write([]byte("x"))),
		"writeat":  second(f.WriteAt([]byte("x"), 0)),
		"string":   second(f.WriteString("x")),
		"truncate": f.Truncate(0),
	} {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := f.Readdir(1); !errors.Is(err, vfs.ErrNotDir) {
		t.Errorf("Readdir: %v", err)
	}
	if _, err := f.Seek(-2, io.SeekEnd); err != nil {
		t.Error(err)
	}
	if b, _ := io.ReadAll(f); string(b) != "\r\n" {
		t.Errorf("the end reads %q", b)
	}
	if f.Name() != "/a.jpg.url" || f.Sync() != nil || f.Close() != nil || !errors.Is(f.Close(), fs.ErrClosed) {
		t.Error("an open view is no good file")
	}
}

func second(_ int, err error) error { return err }

func TestRemove(t *testing.T) {
	v, inner, source := newView(all)
	id := inner.put(t, "/d/a.jpg")
	source.of[id] = failed()
	before := names(t, v, "/d")
	for _, remove := range []func(string) error{v.Remove, v.RemoveAll} {
		if err := remove("/d/a.jpg.json"); err != nil {
			t.Error(err)
		}
		if len(source.retried) > 0 {
			t.Error("removing a receipt tries again")
		}
	}
	for i, remove := range []func(string) error{v.Remove, v.RemoveAll} {
		if err := remove("/d/a.jpg.error.txt"); err != nil || len(source.retried) != i+1 || source.retried[i] != id {
			t.Errorf("%v, retried %v", err, source.retried)
		}
	}
	if after := names(t, v, "/d"); !slices.Equal(before, after) {
		t.Errorf("%q became %q", before, after)
	}
	if err := v.Remove("/d/b.jpg"); !isNotExist(err) {
		t.Errorf("removing nothing: %v", err)
	}
	if err := v.Remove("/nowhere/b.jpg.url"); !isNotExist(err) {
		t.Errorf("removing nothing: %v", err)
	}
	if err := v.Remove("/d"); !errors.Is(err, vfs.ErrNotEmpty) {
		t.Errorf("removing a folder with a picture: %v", err)
	}
	source.err = errors.New("database is down")
	if err := v.Remove("/d/a.jpg.error.txt"); !errors.Is(err, source.err) {
		t.Errorf("a retry that fails: %v", err)
	}
	source.err = nil
	// A client empties the folder in the order of its listing.
	for _, name := range before {
		if err := v.Remove("/d/" + name); err != nil {
			t.Error(err)
		}
	}
	if err := v.Remove("/d"); err != nil {
		t.Errorf("removing a folder of views: %v", err)
	}
}

func TestWhoMayNotRetry(t *testing.T) {
	opts := all
	opts.CanRetry = false
	v, inner, source := newView(opts)
	source.of[inner.put(t, "/a.jpg")] = failed()
	if err := v.Remove("/a.jpg.error.txt"); err != nil || len(source.retried) > 0 {
		t.Errorf("%v, retried %v", err, source.retried)
	}
	if strings.Contains(read(t, v, "/a.jpg.error.txt"), "Delete this file") {
		t.Error("says to delete it")
	}
}

func TestRenameAndAttributes(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/a.jpg")] = done("https://h/a.jpg")
	inner.put(t, "/other.txt")
	if err := v.Rename("/a.jpg.json", "/b"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("renaming a view: %v", err)
	}
	if err := v.Rename("/nothing.json", "/b"); !isNotExist(err) {
		t.Errorf("renaming nothing: %v", err)
	}
	if err := v.Rename("/other.txt", "/a.jpg.json"); err != nil {
		t.Errorf("renaming onto a view: %v", err)
	}
	if got := read(t, v, "/a.jpg.json"); got != "real other.txt" {
		t.Errorf("reads %q", got)
	}
	for what, change := range map[string]func(string) error{
		"Chtimes": func(n string) error { return v.Chtimes(n, noon.Add(time.Hour), noon.Add(time.Hour)) },
		"Chmod":   func(n string) error { return v.Chmod(n, 0o600) },
		"Chown":   func(n string) error { return v.Chown(n, 1, 1) },
	} {
		if err := change("/a.jpg.url"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := change("/b.jpg.url"); !isNotExist(err) {
			t.Errorf("%s of nothing: %v", what, err)
		}
	}
	info, err := v.Stat("/a.jpg.url")
	if err != nil || !info.ModTime().Equal(noon) || info.Mode() != 0o444 {
		t.Errorf("%v, %v", info, err)
	}
	if err := v.Rename("/a.jpg", "/c.jpg"); err != nil {
		t.Fatal(err)
	}
	if !v.IsView("/c.jpg.url") || v.IsView("/a.jpg.url") {
		t.Error("the views did not follow their picture")
	}
}

func TestDescriptions(t *testing.T) {
	v, inner, source := newView(all)
	id := inner.put(t, "/a.jpg")
	source.of[id] = done("https://h/a.jpg")
	type described interface {
		ETag(context.Context) (string, error)
		ContentType(context.Context) (string, error)
	}
	tag := func() string {
		info, err := v.Stat("/a.jpg.url")
		if err != nil {
			t.Fatal(err)
		}
		s, err := info.(described).ETag(t.Context())
		if err != nil || len(s) != 34 || s[0] != '"' || s[33] != '"' {
			t.Errorf("ETag %s, %v", s, err)
		}
		return s
	}
	first := tag()
	if again := tag(); again != first {
		t.Errorf("ETag %s, then %s", first, again)
	}
	source.of[id] = done("https://h/b.jpg")
	if tag() == first {
		t.Error("the ETag of another text is the same")
	}
	for name, want := range map[string]string{
		"a.jpg.json": "application/json", "a.jpg.html": "text/html; charset=utf-8", "_links.csv": "text/csv; charset=utf-8", "a.jpg.url": "application/internet-shortcut",
	} {
		info, err := v.Stat("/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := info.(described).ContentType(t.Context()); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
	later := full()
	later.Changed = noon.Add(time.Hour)
	source.of[inner.put(t, "/b.jpg")] = later
	info, err := v.Stat("/_links.md")
	if err != nil || !info.ModTime().Equal(later.Changed) {
		t.Errorf("%v, %v", info.ModTime(), err)
	}
}

func TestSourceFails(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/a.jpg")] = done("https://h/a.jpg")
	source.err = errors.New("database is down")
	var pe *fs.PathError
	if _, err := v.Stat("/a.jpg.url"); !errors.Is(err, source.err) || !errors.As(err, &pe) {
		t.Errorf("Stat: %v", err)
	}
	if _, err := v.Stat("/_links.md"); !errors.Is(err, source.err) {
		t.Errorf("Stat: %v", err)
	}
	if _, err := afero.ReadDir(v, "/"); !errors.Is(err, source.err) || !errors.As(err, &pe) {
		t.Errorf("Readdir: %v", err)
	}
	if _, err := v.Stat("/a.jpg"); err != nil {
		t.Errorf("the picture itself: %v", err)
	}
	if _, err := v.Stat("/b.png"); !isNotExist(err) {
		t.Errorf("nothing: %v", err)
	}
}

func TestListingInPages(t *testing.T) {
	v, inner, source := newView(sidecar.Options{File: []string{"url"}})
	for i := range 5 {
		source.of[inner.put(t, fmt.Sprintf("/%d.jpg", i))] = done("https://h/a.jpg")
	}
	f, err := v.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for {
		page, err := f.Readdirnames(3)
		got = append(got, page...)
		if err == io.EOF {
			break
		}
		if err != nil || len(page) == 0 || len(page) > 3 {
			t.Fatal(page, err)
		}
	}
	if want := names(t, v, "/"); !slices.Equal(got, want) || len(got) != 10 || !slices.IsSorted(got) {
		t.Errorf("%q, want %q", got, want)
	}
	if again, err := f.Readdirnames(-1); len(again) != 0 || err != nil {
		t.Errorf("after the end: %q, %v", again, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if again, err := f.Readdirnames(-1); len(again) != 10 || err != nil {
		t.Errorf("from the start: %q, %v", again, err)
	}
}

func TestOneQueryForAListing(t *testing.T) {
	v, inner, source := newView(all)
	for i := range 300 {
		source.of[inner.put(t, fmt.Sprintf("/d/%d.jpg", i))] = full()
	}
	infos, err := afero.ReadDir(v, "/d")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		i.Size()
	}
	if source.folders != 1 || source.files != 0 {
		t.Errorf("%d queries for folders, %d for files", source.folders, source.files)
	}
	source.folders = 0
	v.Stat("/d/5.jpg")
	v.Stat("/d/missing.jpg")
	if source.folders+source.files != 0 {
		t.Error("the ledger is asked about a name that no view has")
	}
	if info, err := v.Stat("/d/5.jpg.url"); err != nil || info.Size() == 0 || source.folders != 0 || source.files != 1 {
		t.Errorf("one view: %d queries for folders, %d for files, %v", source.folders, source.files, err)
	}
}

func TestFS(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/a.jpg")] = full()
	source.of[inner.put(t, "/holiday/b.jpg")] = done("https://h/b.jpg")
	source.of[inner.put(t, "/holiday/2026/c.jpg")] = failed()
	inner.put(t, "/holiday/b.jpg.json")
	if err := fstest.TestFS(afero.NewIOFS(v), "a.jpg.url", "_links.html", "holiday/b.jpg.slipway.json", "holiday/2026/c.jpg.error.txt"); err != nil {
		t.Error(err)
	}
}

func TestNothingSecretHasAPlace(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[sidecar.Upload](), reflect.TypeFor[sidecar.Receipt]()} {
		for i := range typ.NumField() {
			if name := strings.ToLower(typ.Field(i).Name); strings.Contains(name, "delet") || strings.Contains(name, "key") || strings.Contains(name, "token") {
				t.Errorf("%s has a field %s", typ, name)
			}
		}
	}
}

// richFS offers what vfs.FS does.
type richFS struct {
	*fakeFS
	calls []string
	ctx   context.Context
}

func (r *richFS) note(format string, args ...any) {
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
}

func (r *richFS) WithContext(ctx context.Context) afero.Fs {
	c := *r
	c.ctx = ctx
	return &c
}

func (r *richFS) Move(from, to string, overwrite bool) (bool, error) {
	r.note("move %s %s %v", from, to, overwrite)
	return true, r.Rename(from, to)
}

func (r *richFS) Copy(from, to string, overwrite, deep bool) (bool, error) {
	r.note("copy %s %s %v %v", from, to, overwrite, deep)
	_, err := r.Stat(from)
	return true, err
}

func (r *richFS) RemoveIf(name string, id int64, sum [32]byte) error {
	return fmt.Errorf("remove %s if %d %d", name, id, sum[0])
}

func (r *richFS) Usage() (int64, int64, error) { return 1, 2, nil }
func (r *richFS) Root() string                 { return "/home/me" }
func (r *richFS) Admit(name string, size int64) error {
	return fmt.Errorf("admit %s %d", name, size)
}

func TestWhatTheInnerOffersStays(t *testing.T) {
	inner := &richFS{fakeFS: newFake()}
	source := &receipts{fs: inner.fakeFS, of: make(map[vfs.ID]sidecar.Receipt)}
	v := sidecar.New(inner, source, all)
	source.of[inner.put(t, "/a.jpg")] = done("https://h/a.jpg")
	inner.put(t, "/taken")

	if replaced, err := v.Copy("/a.jpg", "/b.jpg", true, false); !replaced || err != nil {
		t.Error(replaced, err)
	}
	if _, err := v.Copy("/nothing", "/b.jpg", true, true); !isNotExist(err) {
		t.Errorf("copying nothing: %v", err)
	}
	if replaced, err := v.Copy("/a.jpg.url", "/copy.url", false, true); replaced || err != nil {
		t.Error(replaced, err)
	}
	if got := read(t, inner, "/copy.url"); !strings.HasPrefix(got, "[Internet") {
		t.Errorf("the copy reads %q", got)
	}
	if _, err := v.Copy("/a.jpg.url", "/taken", false, true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("copying a view onto a file: %v", err)
	}
	if replaced, err := v.Copy("/a.jpg.url", "/taken", true, true); !replaced || err != nil {
		t.Error(replaced, err)
	}
	if _, err := v.Move("/a.jpg.url", "/x", true); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("moving a view: %v", err)
	}
	if replaced, err := v.Move("/a.jpg", "/c.jpg", true); !replaced || err != nil {
		t.Error(replaced, err)
	}
	if used, limit, err := v.Usage(); used != 1 || limit != 2 || err != nil {
		t.Error(used, limit, err)
	}
	if err := v.Admit("/x", 7); err == nil || err.Error() != "admit /x 7" {
		t.Error(err)
	}
	if err := v.RemoveIf("/x", 7, [32]byte{8}); err == nil || err.Error() != "remove /x if 7 8" {
		t.Error(err)
	}
	if v.Root() != "/home/me" {
		t.Error(v.Root())
	}
	want := []string{"copy /a.jpg /b.jpg true false", "copy /nothing /b.jpg true true", "copy /a.jpg.url /copy.url false true",
		"copy /a.jpg.url /taken false true", "copy /a.jpg.url /taken true true", "move /a.jpg.url /x true", "move /a.jpg /c.jpg true"}
	if !slices.Equal(inner.calls, want) {
		t.Errorf("%q", inner.calls)
	}
	if _, ok := v.WithContext(t.Context()).(*sidecar.View); !ok {
		t.Error("WithContext is no View any more")
	}
}

func TestWithoutWhatTheInnerDoesNotOffer(t *testing.T) {
	v, _, _ := newView(all)
	_, err1 := v.Move("/a", "/b", true)
	_, err2 := v.Copy("/a", "/b", true, true)
	_, limit, err3 := v.Usage()
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
	if limit != -1 || v.Admit("/a", 1) != nil || v.Root() != "/" {
		t.Error("defaults")
	}
}

// contextual is a Source that looks at its context.
type contextual struct{ *receipts }

func (c contextual) File(ctx context.Context, id vfs.ID) (sidecar.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return sidecar.Receipt{}, err
	}
	return c.receipts.File(ctx, id)
}

func TestContextReachesTheSource(t *testing.T) {
	inner := newFake()
	source := &receipts{fs: inner, of: make(map[vfs.ID]sidecar.Receipt)}
	source.of[inner.put(t, "/a.jpg")] = done("https://h/a.jpg")
	ctx, cancel := context.WithCancel(t.Context())
	v := sidecar.New(inner, contextual{source}, all).WithContext(ctx)
	if _, err := v.Stat("/a.jpg.url"); err != nil {
		t.Error(err)
	}
	cancel()
	if _, err := v.Stat("/a.jpg.url"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// BenchmarkListing lists 10,000 pictures with two views each, sizes and tags
// included.
func BenchmarkListing(b *testing.B) {
	inner := newFake()
	receipts := make(map[vfs.ID]sidecar.Receipt)
	for i := range 10_000 {
		receipts[inner.put(b, fmt.Sprintf("/d/DSC_%05d.JPG", i))] = done(fmt.Sprintf("https://i.example/2026/07/%d.jpg", i))
	}
	v := sidecar.New(inner, ready(receipts), sidecar.Options{File: []string{"url", "json"}, Folder: []string{"html", "md", "csv"}})
	list := func(b *testing.B, v afero.Fs) []os.FileInfo {
		f, err := v.Open("/d")
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		infos, err := f.Readdir(-1)
		if err != nil {
			b.Fatal(err)
		}
		return infos
	}
	b.Run("inner", func(b *testing.B) {
		for b.Loop() {
			list(b, inner)
		}
	})
	b.Run("names", func(b *testing.B) {
		for b.Loop() {
			list(b, v)
		}
	})
	b.Run("sizes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, i := range list(b, v) {
				i.Size()
			}
		}
	})
}

// ready is a Source without the cost of one.
type ready map[vfs.ID]sidecar.Receipt

func (r ready) Folder(context.Context, vfs.ID) (map[vfs.ID]sidecar.Receipt, error) { return r, nil }
func (r ready) File(_ context.Context, id vfs.ID) (sidecar.Receipt, error)         { return r[id], nil }
func (r ready) Retry(context.Context, vfs.ID) error                                { return nil }
