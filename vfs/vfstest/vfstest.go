// Package vfstest is the suite that every index and blob store must pass under
// vfs.FS.
package vfstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// Bench is one filesystem under test.
type Bench struct {
	Index  vfs.Index
	Blobs  blob.Store
	Clock  *Clock
	Policy *Policy
	Hook   *Recorder
	// Collect runs the collector once.
	Collect func() error
}

// Clock is a clock that tests move.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at the present time, to the second.
func NewClock() *Clock { return &Clock{now: time.Now().Truncate(time.Second)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Recorder is a vfs.Hook that remembers what it heard, and fails when told to.
type Recorder struct {
	mu      sync.Mutex
	changes []vfs.Change
	Err     error
}

// OnCommit is the hook.
func (r *Recorder) OnCommit(_ context.Context, _ vfs.Tx, changes []vfs.Change) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Err != nil {
		return r.Err
	}
	r.changes = append(r.changes, changes...)
	return nil
}

// Take returns the changes since the last call, each as "kind path", with "settled"
// where it says so.
func (r *Recorder) Take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, c := range r.changes {
		s := [...]string{"stored", "moved", "copied", "removed"}[c.Kind] + " " + c.Path
		if c.From != "" {
			s += " from " + c.From
		}
		if c.Kind == vfs.Removed {
			s += fmt.Sprintf(" (%d files)", len(c.IDs))
		}
		if c.Settled {
			s += " settled"
		}
		list = append(list, s)
	}
	r.changes = nil
	return list
}

// Policy is a vfs.Policy that tests set.
type Policy struct {
	Refuse func(path string, size int64) error
	Same   map[string]vfs.SameName
}

// Admit asks Refuse.
func (p *Policy) Admit(path string, size int64) error {
	if p.Refuse == nil {
		return nil
	}
	return p.Refuse(path, size)
}

// SameName looks path up in Same.
func (p *Policy) SameName(path string) (vfs.SameName, bool) {
	s, ok := p.Same[path]
	return s, ok
}

// FS returns the view of everything.
func (b *Bench) FS() *vfs.FS {
	return vfs.New(vfs.Options{Index: b.Index, Blobs: b.Blobs, Policy: b.Policy, Clock: b.Clock.Now})
}

// Run runs the suite; open gives an empty filesystem each time.
func Run(t *testing.T, open func(t *testing.T, hook vfs.Hook, clock func() time.Time) (vfs.Index, blob.Store, func() error)) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := &Bench{Clock: NewClock(), Policy: &Policy{}, Hook: &Recorder{}}
			b.Index, b.Blobs, b.Collect = open(t, b.Hook.OnCommit, b.Clock.Now)
			c.run(t, b, b.FS())
		})
	}
}

var cases = []struct {
	name string
	run  func(t *testing.T, b *Bench, f *vfs.FS)
}{
	{"commit", testCommit},
	{"abort", testAbort},
	{"etag", testETag},
	{"times", testTimes},
	{"in place", testInPlace},
	{"in place on changed", testInPlaceChanged},
	{"exclusive", testExclusive},
	{"replace", testReplace},
	{"remove", testRemove},
	{"move", testMove},
	{"move refused", testMoveRefused},
	{"temporary onto file", testTemporaryOnto},
	{"copy", testCopy},
	{"normal forms", testNormalForms},
	{"same name", testSameName},
	{"same name meanwhile", testSameNameMeanwhile},
	{"same name asked", testSameNameAsked},
	{"same name resumed", testSameNameResumed},
	{"drop and same name", testSameNameDrop},
	{"drop and folders", testDropDir},
	{"quota", testQuota},
	{"quota while bytes come", testRoom},
	{"usage", testUsage},
	{"sub", testSub},
	{"read only", testReadOnly},
	{"drop", testDrop},
	{"drop and others", testDropOthers},
	{"locked", testLocked},
	{"locked while it came", testLockedMeanwhile},
	{"drop and locked", testDropLocked},
	{"properties", testProperties},
	{"property limits", testPropertyLimits},
	{"properties follow", testPropertiesFollow},
	{"properties in bulk", testPropertiesBulk},
	{"drop and properties", testDropProperties},
	{"checksums", testChecksums},
	{"partial", testPartial},
	{"partial not kept", testPartialNot},
	{"partial and entry", testPartialEntry},
	{"partial let go", testPartialGoes},
	{"partial continued twice", testPartialConcurrent},
	{"partial continued from before", testPartialLess},
	{"partial and quota", testPartialQuota},
	{"partial expires", testPartialExpire},
	{"drop and partial", testPartialDrop},
	{"partial in many hands", testPartialMany},
	{"partial against model", testPartialModel},
	{"policy", testPolicy},
	{"hook", testHook},
	{"settled", testSettled},
	{"listing", testListing},
	{"concurrent", testConcurrent},
	{"collector", testCollector},
	{"old blob", testOldBlob},
	{"fstest", testFSTest},
}

// Write puts content at name.
func Write(t testing.TB, f afero.Fs, name, content string) {
	t.Helper()
	if err := afero.WriteFile(f, name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Read returns the content at name.
func Read(t testing.TB, f afero.Fs, name string) string {
	t.Helper()
	b, err := afero.ReadFile(f, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mkdir(t testing.TB, f afero.Fs, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := f.MkdirAll(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
}

// Tree returns every path below the root with its content, directories with a
// slash.
func Tree(t testing.TB, f afero.Fs) map[string]string {
	t.Helper()
	tree := make(map[string]string)
	err := afero.Walk(f, "/", func(p string, info os.FileInfo, err error) error {
		if err != nil || p == "/" {
			return err
		}
		if info.IsDir() {
			tree[p+"/"] = ""
		} else {
			tree[p] = Read(t, f, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func wantTree(t *testing.T, f afero.Fs, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, Tree(t, f)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	var pe *fs.PathError
	if err != nil && !errors.As(err, &pe) {
		t.Errorf("error %v is no *fs.PathError", err)
	}
}

func entry(t *testing.T, f afero.Fs, name string) vfs.Entry {
	t.Helper()
	info, err := f.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(vfs.Entry)
}

func testCommit(t *testing.T, b *Bench, f *vfs.FS) {
	for _, size := range []int{0, 1, blob.InlineMax, blob.InlineMax + 1, 3 << 20} {
		name := fmt.Sprintf("/f%d", size)
		content := strings.Repeat("x", size)
		h, err := f.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(h, content); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is seen before Close: %v", name, err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if got := Read(t, f, name); got != content {
			t.Errorf("%s: %d bytes, want %d", name, len(got), size)
		}
		if err := h.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("second Close: %v", err)
		}
	}
	_, err := f.Create("/no/such/dir")
	wantErr(t, err, fs.ErrNotExist)
	_, err = f.Create("/f1/below")
	wantErr(t, err, vfs.ErrNotDir)
	_, err = f.OpenFile("/none", os.O_RDWR, 0)
	wantErr(t, err, fs.ErrNotExist)
}

func testAbort(t *testing.T, b *Bench, f *vfs.FS) {
	for _, size := range []int{10, blob.InlineMax * 3} {
		Write(t, f, "/old", "the old bytes")
		for _, name := range []string{"/old", "/new"} {
			h, err := f.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			h.WriteString(strings.Repeat("n", size))
			h.(*vfs.File).TransferError(io.ErrUnexpectedEOF)
			wantErr(t, h.Close(), vfs.ErrAborted)
		}
	}
	h, _ := f.OpenFile("/old", os.O_RDWR, 0)
	if _, err := h.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the start succeeded")
	}
	h.WriteString("gone wrong")
	wantErr(t, h.Close(), fs.ErrInvalid)
	wantTree(t, f, map[string]string{"/old": "the old bytes"})
}

// testTimes: a time that the index cannot keep becomes the nearest one, not another.
func testTimes(t *testing.T, b *Bench, f *vfs.FS) {
	for year, want := range map[int]int{1: 1677, 1601: 1677, 1678: 1678, 1969: 1969, 1970: 1970, 2261: 2261, 2300: 2262, 9999: 2262} {
		at := time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)
		h, err := f.Create("/a")
		if err != nil {
			t.Fatal(err)
		}
		h.WriteString("x")
		h.(*vfs.File).SetModTime(at)
		staged, err := h.Stat()
		if err := errors.Join(err, h.Close()); err != nil {
			t.Fatal(err)
		}
		put, err := f.Stat("/a")
		if err != nil || put.ModTime().UTC().Year() != want || !put.ModTime().Equal(staged.ModTime()) {
			t.Errorf("put with %d: %v, staged with %v, %v", year, put.ModTime(), staged.ModTime(), err)
		}
		if err := errors.Join(f.Chtimes("/a", at, time.Unix(1, 0)), f.Chtimes("/a", at, at)); err != nil {
			t.Fatal(err)
		}
		if info, err := f.Stat("/a"); err != nil || info.ModTime().UTC().Year() != want {
			t.Errorf("set to %d: %v, %v", year, info.ModTime(), err)
		}
		if err := f.SetProperties("/a", nil, nil, at); err != nil {
			t.Fatal(err)
		}
		if info, err := f.Stat("/a"); err != nil || info.ModTime().UTC().Year() != want {
			t.Errorf("patched to %d: %v, %v", year, info.ModTime(), err)
		}
	}
	if err := f.Chtimes("/a", time.Time{}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat("/a"); err != nil || info.ModTime().Unix() != 0 {
		t.Errorf("set to the epoch: %v, %v", info.ModTime(), err)
	}
}

func testETag(t *testing.T, b *Bench, f *vfs.FS) {
	tag := func(info os.FileInfo, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := info.(vfs.Info).ETag(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	h, _ := f.Create("/a")
	h.WriteString("same")
	staged, err := h.Stat()
	before := tag(staged, err)
	b.Clock.Advance(time.Minute)
	h.Close()
	after, err := f.Stat("/a")
	if got := tag(after, err); got != before || len(got) != 34 {
		t.Errorf("ETag %s after the commit, %s before", got, before)
	}
	if !after.ModTime().Equal(staged.ModTime()) || after.Size() != staged.Size() {
		t.Errorf("%v and %v", staged, after)
	}
	if err := f.Chtimes("/a", time.Time{}, time.Unix(1e9, 5)); err != nil {
		t.Fatal(err)
	}
	touched, err := f.Stat("/a")
	if tag(touched, err) != before || !touched.ModTime().Equal(time.Unix(1e9, 5)) {
		t.Errorf("after Chtimes: %v %v", tag(touched, err), touched.ModTime())
	}
	Write(t, f, "/b", "same")
	Write(t, f, "/c", "other")
	if tag(f.Stat("/b")) != before || tag(f.Stat("/c")) == before {
		t.Error("an ETag does not follow the bytes")
	}
	if got := entry(t, f, "/a").Type; got != "text/plain" {
		t.Errorf("type %q", got)
	}
}

func testInPlace(t *testing.T, b *Bench, f *vfs.FS) {
	edit := func(flag int, change func(h afero.File)) {
		t.Helper()
		h, err := f.OpenFile("/f", flag, 0)
		if err != nil {
			t.Fatal(err)
		}
		before := Read(t, f, "/f")
		change(h)
		if got := Read(t, f, "/f"); got != before {
			t.Errorf("changed to %q before Close", got)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
	Write(t, f, "/f", "0123456789")
	id := entry(t, f, "/f").ID
	edit(os.O_RDWR, func(h afero.File) { h.WriteAt([]byte("AB"), 3) })
	edit(os.O_WRONLY|os.O_APPEND, func(h afero.File) { h.WriteString("xyz") })
	edit(os.O_RDWR, func(h afero.File) {
		p := make([]byte, 4)
		io.ReadFull(h, p)
		h.Write([]byte(strings.ToUpper("q" + string(p[3:]))))
	})
	if got := Read(t, f, "/f"); got != "012AQA6789xyz" {
		t.Errorf("%q", got)
	}
	edit(os.O_RDWR, func(h afero.File) { h.Truncate(2) })
	edit(os.O_WRONLY, func(h afero.File) { h.WriteAt([]byte("z"), 4) })
	if got := Read(t, f, "/f"); got != "01\x00\x00z" {
		t.Errorf("%q", got)
	}
	b.Hook.Take()
	edit(os.O_RDWR, func(afero.File) {})
	if got := b.Hook.Take(); got != nil {
		t.Errorf("a handle that wrote nothing changed %v", got)
	}
	if entry(t, f, "/f").ID != id {
		t.Error("the entry lost its id")
	}
	Write(t, f, "/big", strings.Repeat("0123456789", 20000))
	h, _ := f.OpenFile("/big", os.O_RDWR, 0)
	h.WriteAt([]byte("!"), 150000)
	h.Close()
	if got := Read(t, f, "/big"); len(got) != 200000 || got[150000] != '!' || got[150001] != '1' {
		t.Errorf("%d bytes", len(got))
	}
}

func testInPlaceChanged(t *testing.T, b *Bench, f *vfs.FS) {
	Write(t, f, "/f", "one")
	h, _ := f.OpenFile("/f", os.O_RDWR, 0)
	h.WriteString("ONE and more")
	Write(t, f, "/f", "two")
	wantErr(t, h.Close(), vfs.ErrChanged)
	wantTree(t, f, map[string]string{"/f": "two"})
}

func testExclusive(t *testing.T, b *Bench, f *vfs.FS) {
	Write(t, f, "/f", "one")
	_, err := f.OpenFile("/f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0)
	wantErr(t, err, fs.ErrExist)
	mkdir(t, f, "/d")
	_, err = f.Create("/d")
	wantErr(t, err, vfs.ErrIsDir)
	wantErr(t, f.Mkdir("/d", 0), fs.ErrExist)
	wantErr(t, f.Mkdir("/f", 0), fs.ErrExist)
	wantErr(t, f.MkdirAll("/f/x", 0), vfs.ErrNotDir)
	wantErr(t, f.Mkdir("/x/y", 0), fs.ErrNotExist)
}

func testRemove(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/d/e")
	Write(t, f, "/d/e/f", "1")
	Write(t, f, "/d/g", "2")
	wantErr(t, f.Remove("/d"), vfs.ErrNotEmpty)
	wantErr(t, f.Remove("/none"), fs.ErrNotExist)
	wantErr(t, f.Remove("/"), fs.ErrPermission)
	Write(t, f, "/if", "1")
	e := entry(t, f, "/if")
	wantErr(t, f.RemoveIf("/if", int64(e.ID)+1, e.SHA256), vfs.ErrChanged)
	Write(t, f, "/if", "2")
	wantErr(t, f.RemoveIf("/if", int64(e.ID), e.SHA256), vfs.ErrChanged)
	if err := f.RemoveIf("/if", int64(e.ID), entry(t, f, "/if").SHA256); err != nil {
		t.Error(err)
	}
	b.Hook.Take()
	if err := errors.Join(f.Remove("/d/g"), f.RemoveAll("/d"), f.RemoveAll("/d")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"removed /d/g (1 files)", "removed /d (1 files)"}, b.Hook.Take()); diff != "" {
		t.Error(diff)
	}
	wantTree(t, f, map[string]string{})
}

func testMove(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/a/sub", "/b")
	Write(t, f, "/a/sub/x", "x")
	Write(t, f, "/y", "y")
	id := entry(t, f, "/a/sub/x").ID
	b.Hook.Take()
	move := func(from, to string, want bool) {
		t.Helper()
		if replaced, err := f.Move(from, to, true); err != nil || replaced != want {
			t.Errorf("%s to %s: %v %v", from, to, replaced, err)
		}
	}
	move("/a", "/b/a2", false)
	if got := entry(t, f, "/b/a2/sub/x").ID; got != id {
		t.Errorf("id %d, was %d", got, id)
	}
	move("/y", "/b/a2/sub/x", true)
	wantTree(t, f, map[string]string{"/b/": "", "/b/a2/": "", "/b/a2/sub/": "", "/b/a2/sub/x": "y"})
	want := []string{"moved /b/a2 from /a", "removed /b/a2/sub/x (1 files)", "moved /b/a2/sub/x from /y"}
	if diff := cmp.Diff(want, b.Hook.Take()); diff != "" {
		t.Error(diff)
	}
	mkdir(t, f, "/c")
	move("/c", "/b/a2", true) // a whole tree, as WebDAV's Overwrite: T
	wantTree(t, f, map[string]string{"/b/": "", "/b/a2/": ""})
	if err := f.Rename("/b/a2", "/b/a3"); err != nil {
		t.Error(err)
	}
	wantTree(t, f, map[string]string{"/b/": "", "/b/a3/": ""})
}

func testMoveRefused(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/a/b/c", "/full")
	Write(t, f, "/a/b/f", "f")
	Write(t, f, "/full/g", "g")
	before := Tree(t, f)
	for _, c := range []struct {
		from, to  string
		overwrite bool
		want      error
	}{
		{"/none", "/full/g", true, fs.ErrNotExist},
		{"/a", "/a/b/in", true, vfs.ErrIntoItself},
		{"/a/b", "/a", true, vfs.ErrIntoItself},
		{"/a/b/f", "/a", true, vfs.ErrIntoItself},
		{"/a/b/f", "/none/f", true, fs.ErrNotExist},
		{"/a/b/f", "/full/g/h", true, vfs.ErrNotDir},
		{"/a/b/f", "/full/g", false, fs.ErrExist},
		{"/", "/x", true, fs.ErrPermission},
		{"/a", "/", true, fs.ErrPermission},
	} {
		_, err := f.Move(c.from, c.to, c.overwrite)
		wantErr(t, err, c.want)
		_, err = f.Copy(c.from, c.to, c.overwrite, true)
		wantErr(t, err, c.want)
	}
	wantErr(t, f.Rename("/a/b", "/full"), vfs.ErrNotEmpty)
	if _, err := f.Move("/a/b/f", "/a/b/f", true); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, Tree(t, f)); diff != "" {
		t.Error(diff)
	}
}

func testTemporaryOnto(t *testing.T, b *Bench, f *vfs.FS) {
	Write(t, f, "/p.jpg", "old")
	Write(t, f, "/p.jpg.part", "new")
	id := entry(t, f, "/p.jpg").ID
	b.Hook.Take()
	if err := f.Rename("/p.jpg.part", "/p.jpg"); err != nil {
		t.Fatal(err)
	}
	if entry(t, f, "/p.jpg").ID != id {
		t.Error("the entry lost its id to a temporary name")
	}
	want := []string{"stored /p.jpg", "removed /p.jpg.part (1 files)"}
	if diff := cmp.Diff(want, b.Hook.Take()); diff != "" {
		t.Error(diff)
	}
	wantTree(t, f, map[string]string{"/p.jpg": "new"})
}

func testCopy(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/a/sub/deep", "/t")
	Write(t, f, "/a/sub/x", "x")
	Write(t, f, "/a/y", strings.Repeat("y", blob.InlineMax+1))
	b.Hook.Take()
	cp := func(from, to string, deep, want bool) {
		t.Helper()
		if replaced, err := f.Copy(from, to, true, deep); err != nil || replaced != want {
			t.Errorf("%s to %s: %v %v", from, to, replaced, err)
		}
	}
	cp("/a", "/t/copy", true, false)
	cp("/a", "/t/shallow", false, false)
	cp("/a/sub/x", "/t/x", true, false)
	cp("/a/y", "/t/x", true, true)
	cp("/a/sub", "/t/shallow", true, true)
	if entry(t, f, "/t/copy/y").Blob != entry(t, f, "/a/y").Blob || entry(t, f, "/t/copy/y").ID == entry(t, f, "/a/y").ID {
		t.Error("a copy is not a new entry on the same blob")
	}
	Write(t, f, "/a/sub/x", "changed")
	y := strings.Repeat("y", blob.InlineMax+1)
	wantTree(t, f, map[string]string{
		"/a/": "", "/a/sub/": "", "/a/sub/deep/": "", "/a/sub/x": "changed", "/a/y": y,
		"/t/": "", "/t/copy/": "", "/t/copy/sub/": "", "/t/copy/sub/deep/": "", "/t/copy/sub/x": "x", "/t/copy/y": y,
		"/t/shallow/": "", "/t/shallow/deep/": "", "/t/shallow/x": "x", "/t/x": y,
	})
	want := []string{"copied /t/copy from /a", "stored /t/x", "stored /t/x", "removed /t/shallow (0 files)", "copied /t/shallow from /a/sub", "stored /a/sub/x"}
	if diff := cmp.Diff(want, b.Hook.Take()); diff != "" {
		t.Error(diff)
	}
}

func testNormalForms(t *testing.T, b *Bench, f *vfs.FS) {
	nfd, nfc := "/cafe\u0301.jpg", "/caf\u00e9.jpg"
	Write(t, f, nfd, "1")
	Write(t, f, nfc, "2")
	wantTree(t, f, map[string]string{nfd: "2"})
	if got := entry(t, f, nfc).Name; got != path.Base(nfd) {
		t.Errorf("shown as %q", got)
	}
	if err := f.Rename(nfc, nfc); err != nil {
		t.Fatal(err)
	}
	wantTree(t, f, map[string]string{nfc: "2"})
}

func testSameName(t *testing.T, b *Bench, f *vfs.FS) {
	camera := f.Sub(vfs.View{SameName: vfs.Version})
	Write(t, camera, "/D.JPG", "1")
	first := entry(t, f, "/D.JPG").ID
	Write(t, camera, "/D.JPG", "2")
	Write(t, camera, "/D.JPG", "2") // the same bytes again
	Write(t, camera, "/D.JPG", "3")
	wantTree(t, f, map[string]string{"/D (1).JPG": "1", "/D (2).JPG": "2", "/D.JPG": "3"})
	if entry(t, f, "/D (1).JPG").ID != first {
		t.Error("the earlier picture lost its id")
	}
	Write(t, camera, "/E.JPG", "")
	Write(t, camera, "/E.JPG", "full")
	others := f.Sub(vfs.View{SameName: vfs.NextFree})
	h, _ := others.Create("/D.JPG")
	h.WriteString("4")
	h.Close()
	if id, name := h.(*vfs.File).Stored(); name != "D (3).JPG" || vfs.ID(id) != entry(t, f, "/D (3).JPG").ID {
		t.Errorf("put as %q, entry %d", name, id)
	}
	b.Policy.Same = map[string]vfs.SameName{"/D.JPG": vfs.Replace}
	Write(t, camera, "/D.JPG", "5")
	h, _ = f.Sub(vfs.View{SameName: vfs.Refuse}).Create("/E.JPG")
	h.WriteString("6")
	wantErr(t, h.Close(), fs.ErrExist)
	wantTree(t, f, map[string]string{"/D (1).JPG": "1", "/D (2).JPG": "2", "/D (3).JPG": "4", "/D.JPG": "5", "/E.JPG": "full"})
}

func testQuota(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/u", "/v")
	Write(t, f, "/v/other", strings.Repeat("o", 1000))
	u := f.Sub(vfs.View{Root: "/u", Quota: 100})
	Write(t, u, "/a", strings.Repeat("a", 60))
	wantErr(t, u.Admit("/b", 50), vfs.ErrQuota)
	h, _ := u.Create("/b")
	h.WriteString(strings.Repeat("b", 50))
	wantErr(t, h.Close(), vfs.ErrQuota)
	Write(t, u, "/a", strings.Repeat("a", 100))
	if err := u.Admit("/a", 100); err != nil {
		t.Error(err)
	}
	_, err := u.Copy("/a", "/copy", true, true)
	wantErr(t, err, vfs.ErrQuota)
	if _, err := u.Copy("/a", "/a2", true, false); !errors.Is(err, vfs.ErrQuota) {
		t.Error("a copy went beyond the quota")
	}
	camera := f.Sub(vfs.View{Root: "/u", Quota: 150, SameName: vfs.Version})
	h, _ = camera.Create("/a")
	h.WriteString(strings.Repeat("c", 100)) // the earlier one stays, so both count
	wantErr(t, h.Close(), vfs.ErrQuota)
	if used, limit, err := u.Usage(); used != 100 || limit != 100 || err != nil {
		t.Error(used, limit, err)
	}
	wantTree(t, u, map[string]string{"/a": strings.Repeat("a", 100)})
}

func testSub(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/home/ann", "/home/bob")
	Write(t, f, "/home/bob/secret", "s")
	ann := f.Sub(vfs.View{Root: "/home/ann"})
	for _, p := range []string{"/../bob/secret", "../../home/bob/secret", "/home/bob/secret"} {
		if _, err := ann.Open(p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", p, err)
		}
		if _, err := ann.Move(p, "/got", true); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", p, err)
		}
	}
	Write(t, ann, "/x", "1")
	h, _ := ann.Create("/x")
	h.WriteString("2")
	aborter, ok := h.(interface{ TransferError(error) })
	if !ok {
		t.Fatal("TransferError is out of reach")
	}
	aborter.TransferError(io.ErrUnexpectedEOF)
	err := h.Close()
	if err == nil || strings.Contains(err.Error(), "/home") {
		t.Errorf("Close: %v", err)
	}
	_, err = ann.Open("/none")
	if err == nil || strings.Contains(err.Error(), "/home") {
		t.Errorf("Open: %v", err)
	}
	wantErr(t, ann.Remove("/"), fs.ErrPermission)
	wantTree(t, ann, map[string]string{"/x": "1"})
	if info, err := ann.Stat("/"); err != nil || info.Name() != "/" || !info.IsDir() {
		t.Error(info, err)
	}
}

func testReadOnly(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/d")
	Write(t, f, "/d/x", "1")
	r := f.Sub(vfs.View{Rights: vfs.Read})
	_, err := r.Create("/y")
	wantErr(t, err, fs.ErrPermission)
	_, err = r.OpenFile("/d/x", os.O_RDWR, 0)
	wantErr(t, err, fs.ErrPermission)
	_, err = r.Copy("/d/x", "/z", true, true)
	wantErr(t, err, fs.ErrPermission)
	for _, err := range []error{r.Mkdir("/e", 0), r.Remove("/d/x"), r.Rename("/d/x", "/z"), r.Chtimes("/d/x", time.Time{}, time.Now()), r.Admit("/y", 1)} {
		wantErr(t, err, fs.ErrPermission)
	}
	wantTree(t, r, map[string]string{"/d/": "", "/d/x": "1"})
}

func testDrop(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/box/sub")
	Write(t, f, "/box/other.jpg", "another's")
	d := f.Sub(vfs.View{Root: "/box"}).Drop(vfs.NewDropSession())
	names := func(dir string) []string {
		t.Helper()
		h, err := d.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		list, err := h.Readdirnames(-1)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	want := func(dir string, want ...string) {
		t.Helper()
		if got := names(dir); !slices.Equal(got, want) {
			t.Errorf("%s shows %v, want %v", dir, got, want)
		}
	}
	want("/", "sub")
	_, err := d.Stat("/other.jpg")
	wantErr(t, err, fs.ErrNotExist)
	_, err = d.Open("/other.jpg")
	wantErr(t, err, fs.ErrNotExist)
	wantErr(t, d.Remove("/other.jpg"), fs.ErrNotExist)
	wantErr(t, d.Rename("/other.jpg", "/x"), fs.ErrNotExist)
	Write(t, d, "/other.jpg", "mine")
	want("/", "other.jpg", "sub")
	if got := Read(t, f, "/box/other.jpg") + Read(t, f, "/box/other (1).jpg"); got != "another'smine" {
		t.Error(got)
	}
	if info, err := d.Stat("/other.jpg"); err != nil || info.Size() != 4 || info.Name() != "other.jpg" {
		t.Error(info, err)
	}
	_, err = d.Open("/other.jpg")
	wantErr(t, err, fs.ErrPermission)
	_, err = d.Copy("/other.jpg", "/y", true, true)
	wantErr(t, err, fs.ErrPermission)
	Write(t, d, "/other.jpg", "mine 2")
	if err := d.Chtimes("/other.jpg", time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Error(err)
	}
	Write(t, d, "/z.part", "z")
	if err := errors.Join(d.Rename("/z.part", "/sub/z.jpg"), d.Mkdir("/sub/made", 0), d.Rename("/other.jpg", "/mine.jpg")); err != nil {
		t.Fatal(err)
	}
	want("/sub", "made", "z.jpg")
	wantErr(t, d.Remove("/sub"), fs.ErrPermission)
	wantErr(t, d.RemoveAll("/sub"), fs.ErrPermission)
	if err := errors.Join(d.Remove("/sub/made"), d.Remove("/sub/z.jpg")); err != nil {
		t.Error(err)
	}
	_, err = d.Create("/sub/.album.toml")
	wantErr(t, err, fs.ErrPermission)
	h, err := d.Create("/cut")
	if err != nil {
		t.Fatal(err)
	}
	h.WriteString("cut")
	h.(interface{ TransferError(error) }).TransferError(io.ErrUnexpectedEOF)
	wantErr(t, h.Close(), vfs.ErrAborted)
	wantTree(t, f, map[string]string{"/box/": "", "/box/sub/": "", "/box/other.jpg": "another's", "/box/mine.jpg": "mine 2"})
	fresh := f.Sub(vfs.View{Root: "/box"}).Drop(vfs.NewDropSession())
	if _, err := fresh.Stat("/mine.jpg"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("another session sees the file")
	}
}

func testDropOthers(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/in", "/theirs")
	Write(t, f, "/in/photo.jpg", "another's")
	Write(t, f, "/c", "another's c")
	d := f.Sub(vfs.View{}).Drop(vfs.NewDropSession())
	mkdir(t, d, "/in/x")
	_, err := d.Move("/in/x", "/in/photo.jpg", true)
	wantErr(t, err, fs.ErrExist)
	Write(t, d, "/f", "mine")
	_, err = d.Move("/f", "/theirs", true)
	wantErr(t, err, fs.ErrExist)

	mkdir(t, d, "/own")
	mkdir(t, d, "/own/b")
	Write(t, d, "/own/b/x", "mine")
	mkdir(t, f, "/to")
	Write(t, f, "/to/x", "another's x")
	if err := d.Rename("/own", "/to/own"); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("/to/own/b/x"); err != nil {
		t.Error(err)
	}
	if _, err := f.Stat("/to/own/b/x"); !errors.Is(err, fs.ErrNotExist) || Read(t, f, "/to/x") != "another's x" {
		t.Error("after a rename the session acts on another path", err)
	}

	Write(t, d, "/late", "mine")
	if err := f.Rename("/late", "/sorted"); err != nil {
		t.Fatal(err)
	}
	Write(t, f, "/late", "another's late")
	if _, err := d.Stat("/late"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("another's file of the same name is seen")
	}
	Write(t, d, "/late", "mine again")
	if Read(t, f, "/late") != "another's late" || Read(t, f, "/late (1)") != "mine again" || Read(t, f, "/in/photo.jpg") != "another's" {
		t.Error("another's file was replaced")
	}
}

func testPolicy(t *testing.T, b *Bench, f *vfs.FS) {
	b.Policy.Refuse = func(p string, size int64) error {
		if strings.HasPrefix(p, "/no") && size != 0 {
			return &vfs.Refusal{Kind: vfs.Forbidden, Text: "no route goes there"}
		}
		if size > 10 {
			return &vfs.Refusal{Kind: vfs.TooLarge, Text: "over 10 bytes"}
		}
		return nil
	}
	h, _ := f.Create("/no")
	_, err := h.WriteString("x")
	wantErr(t, err, fs.ErrPermission)
	wantErr(t, h.Close(), fs.ErrPermission)
	h, _ = f.Create("/no")
	_, err = io.Copy(h, strings.NewReader("x"))
	wantErr(t, err, fs.ErrPermission)
	wantErr(t, h.Close(), fs.ErrPermission)
	Write(t, f, "/empty", "") // a placeholder may be anywhere
	h, _ = f.Create("/yes")
	h.WriteString("eleven bytes")
	err = h.Close()
	var r *vfs.Refusal
	if !errors.As(err, &r) || r.Kind != vfs.TooLarge {
		t.Errorf("%v", err)
	}
	Write(t, f, "/yes", "few")
	_, err = f.Move("/yes", "/no2", true)
	wantErr(t, err, fs.ErrPermission)
	_, err = f.Copy("/yes", "/no2", true, true)
	wantErr(t, err, fs.ErrPermission)
	mkdir(t, f, "/nodir", "/full/sub")
	Write(t, f, "/full/sub/x", "1")
	_, err = f.Move("/full", "/nodir/full", true)
	wantErr(t, err, fs.ErrPermission)
	_, err = f.Copy("/full", "/nodir/full", true, true)
	wantErr(t, err, fs.ErrPermission)
	if _, err := f.Copy("/full", "/nodir/full", true, false); err != nil {
		t.Error(err)
	}
	if err := errors.Join(f.RemoveAll("/full"), f.RemoveAll("/nodir/full")); err != nil {
		t.Fatal(err)
	}
	b.Policy.Refuse = func(string, int64) error {
		return &vfs.Refusal{Text: "put it into /a/, /nodir/b/ or /c/", Folders: []string{"/a", "/nodir/b", "/c"}}
	}
	h, _ = f.Sub(vfs.View{Root: "/nodir"}).Create("/x")
	_, err = h.WriteString("x")
	if err == nil || !strings.Contains(err.Error(), " /b") || strings.Contains(err.Error(), "/c") || strings.Contains(err.Error(), "nodir") {
		t.Errorf("a view tells of what is outside of it: %v", err)
	}
	wantTree(t, f, map[string]string{"/yes": "few", "/empty": "", "/nodir/": ""})
}

func testHook(t *testing.T, b *Bench, f *vfs.FS) {
	Write(t, f, "/x", "1")
	mkdir(t, f, "/d")
	b.Hook.Err = errors.New("the ledger says no")
	h, _ := f.Create("/x")
	h.WriteString(strings.Repeat("2", blob.InlineMax+1))
	wantErr(t, h.Close(), b.Hook.Err)
	wantErr(t, f.Remove("/x"), b.Hook.Err)
	wantErr(t, f.Rename("/x", "/y"), b.Hook.Err)
	_, err := f.Copy("/d", "/e", true, true)
	wantErr(t, err, b.Hook.Err)
	b.Hook.Err = nil
	wantTree(t, f, map[string]string{"/x": "1", "/d/": ""})
}

// testSettled: the hook hears that what a view puts has settled, and of nothing
// else that it has.
func testSettled(t *testing.T, b *Bench, f *vfs.FS) {
	watched := f.Sub(vfs.View{Settled: true, SameName: vfs.Version})
	b.Hook.Take()
	Write(t, watched, "/a", "one")
	Write(t, watched, "/a", "two")
	Write(t, f, "/b", "three")
	if err := watched.Rename("/b", "/c"); err != nil {
		t.Fatal(err)
	}
	want := []string{"stored /a settled", "stored /a settled", "stored /b", "moved /c from /b"}
	if diff := cmp.Diff(want, b.Hook.Take()); diff != "" {
		t.Errorf("what the hook heard (-want +got):\n%s", diff)
	}
}

func testListing(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/d")
	var want []string
	var wg sync.WaitGroup
	for i := range 2300 {
		name := fmt.Sprintf("f%04d", i)
		want = append(want, name)
		wg.Go(func() { Write(t, f, "/d/"+name, "x") })
	}
	wg.Wait()
	d, err := f.Open("/d")
	if err != nil {
		t.Fatal(err)
	}
	all, err := d.Readdirnames(-1)
	if !slices.Equal(all, want) || err != nil {
		t.Errorf("%d names, %v", len(all), err)
	}
	d.Seek(0, io.SeekStart)
	var paged []string
	for {
		page, err := d.Readdirnames(700)
		paged = append(paged, page...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(paged, want) {
		t.Errorf("%d names in pages", len(paged))
	}
	if rest, err := d.Readdirnames(-1); len(rest) != 0 || err != nil {
		t.Error(rest, err)
	}
}

func testConcurrent(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/d")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				if err := afero.WriteFile(f, "/d/same", []byte(strings.Repeat(string(rune('a'+i)), 1000*(j%3+1)*40)), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
				if i%2 == 0 {
					f.Move("/d", fmt.Sprintf("/d%d", i), true)
					f.Move(fmt.Sprintf("/d%d", i), "/d", true)
				}
				got, err := afero.ReadFile(f, "/d/same")
				if err == nil && (len(got) == 0 || strings.Trim(string(got), string(got[:1])) != "") {
					t.Errorf("torn: %d bytes", len(got))
				}
				mkdir(t, f, "/d")
			}
		})
	}
	wg.Wait()
}

func testCollector(t *testing.T, b *Bench, f *vfs.FS) {
	big := strings.Repeat("b", blob.InlineMax+1)
	Write(t, f, "/a", big)
	Write(t, f, "/b", big+"2")
	Write(t, f, "/small", "s")
	a, bb, small := entry(t, f, "/a"), entry(t, f, "/b"), entry(t, f, "/small")
	if _, err := f.Copy("/b", "/b2", true, true); err != nil {
		t.Fatal(err)
	}
	reader, err := f.Open("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := errors.Join(f.Remove("/a"), f.Remove("/b"), f.Remove("/small"), b.Collect()); err != nil {
		t.Fatal(err)
	}
	open := func(e vfs.Entry) error {
		r, err := f.OpenEntry(t.Context(), e)
		if err == nil {
			r.Close()
		}
		return err
	}
	if err := open(a); err != nil {
		t.Errorf("the bytes went before the grace time: %v", err)
	}
	if err := open(small); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("inline bytes stayed: %v", err)
	}
	b.Clock.Advance(16 * time.Minute)
	if err := b.Collect(); err != nil {
		t.Fatal(err)
	}
	if err := open(a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the bytes stayed: %v", err)
	}
	if err := open(bb); err != nil {
		t.Errorf("bytes that an entry refers to went: %v", err)
	}
}

func testOldBlob(t *testing.T, b *Bench, f *vfs.FS) {
	info := blob.Info{Ref: blob.NewRef(b.Clock.Now().Add(-2 * time.Hour)), Inline: []byte{}}
	_, _, err := b.Index.Apply(t.Context(), vfs.Put{Path: "/late", Blob: info})
	if err == nil {
		t.Error("a blob that the sweep may have taken was named")
	}
	wantTree(t, f, map[string]string{})
}

func testFSTest(t *testing.T, b *Bench, f *vfs.FS) {
	mkdir(t, f, "/a/b", "/empty")
	Write(t, f, "/a/b/small.txt", "small")
	Write(t, f, "/a/large.bin", strings.Repeat("l", 200000))
	if err := fstest.TestFS(afero.NewIOFS(f), "a/b/small.txt", "a/large.bin", "empty"); err != nil {
		t.Error(err)
	}
}
