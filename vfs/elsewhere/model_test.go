package elsewhere_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/elsewhere"
	"slipway/vfs/index"
	"slipway/vfs/index/indextest"
)

// contents of files, of one length: only their sums tell them apart.
var contents = [][]byte{bytes.Repeat([]byte("a"), 70_000), bytes.Repeat([]byte("b"), 70_000)}

// What the address of a content's picture gives, beside a content.
const siteNothing, siteFails = -1, -2

// gateway is everything between names, a watched folder and a host, with a person in
// between.
type gateway struct {
	t        *rapid.T
	fs       *vfs.FS
	memory   index.Memory
	releaser *index.Releaser
	collect  index.Collector
	store    *elsewhere.Store
	disk     *stubborn
	folder   string
	now      time.Time
	mtime    time.Time

	want     map[string]int  // the content of each path
	sent     map[string]bool // paths whose uploads are done
	loose    map[string]bool // paths whose bytes may have been let go since they came there
	during   func()          // what a person does right after a file or picture was proven
	touching bool
	hosted   [2]bool // whether it is known here that the host has a picture of a content
	site     [2]int  // what its address gives
}

// stubborn is a disk that cannot remove anything for a time, as if the process ended
// just before.
type stubborn struct {
	*blob.Disk
	fails  bool
	before func(blob.Ref) // hears of what is removed
}

func (s *stubborn) Remove(ctx context.Context, ref blob.Ref) error {
	if s.fails {
		return errors.New("the process was killed")
	}
	if s.before != nil {
		s.before(ref)
	}
	return s.Disk.Remove(ctx, ref)
}

func newGateway(t *testing.T, r *rapid.T, db *index.Database, n int) *gateway {
	g := &gateway{t: r, now: time.Now(), mtime: time.Now().Add(-time.Hour).Truncate(time.Second),
		want: make(map[string]int), sent: make(map[string]bool), loose: make(map[string]bool), during: func() {},
		site: [2]int{siteNothing, siteNothing}}
	dir := filepath.Join(t.TempDir(), fmt.Sprint(n))
	g.folder = filepath.Join(dir, "folder")
	if err := os.MkdirAll(g.folder, 0o700); err != nil {
		r.Fatal(err)
	}
	os.WriteFile(filepath.Join(g.folder, "unrelated"), nil, 0o600)
	clock := func() time.Time { return g.now }
	disk, err := blob.NewDisk(filepath.Join(dir, "data"), blob.DiskOptions{Now: clock})
	if err != nil {
		r.Fatal(err)
	}
	g.disk = &stubborn{Disk: disk}
	g.disk.before = g.proven
	g.memory = index.Memory{DB: db}
	g.store = elsewhere.New(g.disk, elsewhere.Options{Releases: index.Releases{DB: db}, Places: g.places, Remotes: g.remotes, Clock: clock})
	g.fs = vfs.New(vfs.Options{Index: index.NewTree(db, clock, nil), Blobs: g.store, Clock: clock})
	g.collect = index.Collector{DB: db, Store: g.disk, Clock: clock}
	g.releaser = &index.Releaser{DB: db, Store: g.disk, Clock: clock, State: "taken", May: g.may, Prove: g.prove, Copies: g.copies, Compare: g.compare,
		Relied: func(index.Candidate) bool { return true },
		Needs:  func(context.Context, vfs.Tx, blob.Sum, []blob.Ref) (string, error) { return "", nil }}
	return g
}

func (g *gateway) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) may(k index.Kept) index.Verdict {
	return index.Verdict{May: !slices.ContainsFunc(k.Paths, func(p string) bool { return !g.sent[p] }), Why: "unsent"}
}

func (g *gateway) prove(ctx context.Context, c index.Candidate, deep bool) (string, error) {
	p := elsewhere.Place{Root: g.folder, Path: filepath.Join(g.folder, c.Path)}
	if !deep {
		return p.Path, elsewhere.Look(p, nil)
	}
	defer g.during()
	return p.Path, elsewhere.Prove(ctx, p, c.Sum, nil)
}

func (g *gateway) copies(_ context.Context, _ vfs.Tx, sum blob.Sum, _ []blob.Ref) (list []index.Copy, err error) {
	for content := range contents {
		if g.hosted[content] && sums[content] == sum {
			list = append(list, index.Copy{ID: int64(content) + 1, Host: "host.example"})
		}
	}
	return list, nil
}

func (g *gateway) compare(ctx context.Context, c index.Copy, sum blob.Sum, size int64) error {
	defer g.during()
	return elsewhere.Compare(ctx, g.remote(int(c.ID)-1), sum, size)
}

func (g *gateway) remotes(_ context.Context, rel vfs.Released) (list []elsewhere.Remote, err error) {
	for content := range contents {
		if sums[content] == rel.SHA256 && (g.hosted[content] || rel.Hosted == int64(content)+1) {
			list = append(list, g.remote(content))
		}
	}
	return list, nil
}

// remote is the picture of a content, as its address gives it.
func (g *gateway) remote(content int) elsewhere.Remote {
	return elsewhere.Remote{Host: "host.example", Open: func(context.Context) (io.ReadCloser, error) {
		switch now := g.site[content]; now {
		case siteNothing:
			return nil, &vfs.AwayError{Text: "it is not there any more", Remedy: "store it again"}
		case siteFails:
			return nil, &vfs.AwayError{Text: "it cannot be reached", Remedy: "try again", Passing: true}
		default:
			return io.NopCloser(bytes.NewReader(contents[now])), nil
		}
	}}
}

// forsake deletes the picture of a content at the host, if nothing depends on it: in one
// transaction it is found out and written down, and then it is done.
func (g *gateway) forsake(content int) {
	g.must(g.memory.DB.Write(g.t.Context(), func(ctx context.Context, tx vfs.Tx) error {
		var n int
		err := tx.QueryRow(ctx, "SELECT count(*) FROM released WHERE sha256 = $1 AND stage <> 'waiting'", sums[content][:]).Scan(&n)
		if err == nil && n == 0 {
			g.hosted[content] = false
		}
		return err
	}))
	if !g.hosted[content] {
		g.site[content] = siteNothing
	}
}

func (g *gateway) places(ctx context.Context, sum blob.Sum) (places []elsewhere.Place, err error) {
	found, err := g.memory.WithSum(ctx, sum)
	for _, row := range found[g.folder] {
		places = append(places, elsewhere.Place{Root: g.folder, Path: filepath.Join(g.folder, row.Path)})
	}
	return places, err
}

// outside writes a file of the folder, its time always the same.
func (g *gateway) outside(name string, content int) {
	file := filepath.Join(g.folder, name)
	g.must(os.WriteFile(file, contents[content], 0o600))
	g.must(os.Chtimes(file, g.mtime, g.mtime))
}

func (g *gateway) put(path string, content int) vfs.Entry {
	f, err := g.fs.Create(path)
	g.must(err)
	_, err = io.Copy(f, bytes.NewReader(contents[content]))
	g.must(errors.Join(err, f.Close()))
	g.want[path], g.sent[path], g.loose[path] = content, false, false
	return f.(*vfs.File).Result()
}

// take is put for a file of the folder.
func (g *gateway) take(name string, content int) {
	g.outside(name, content)
	e := g.put("/"+name, content)
	g.must(g.memory.Store(g.t.Context(), g.folder, []index.Watched{{
		Path: name, Size: e.Size, Modified: g.mtime.UnixNano(), Sum: e.SHA256, Entry: int64(e.ID), State: "taken"}}, nil))
}

// send has all uploads done.
func (g *gateway) send() {
	for p := range g.want {
		g.sent[p] = true
	}
}

// steps are what can happen to a name; letting go is there often, because it takes
// many of the others in the right order.
var steps = []string{"take", "put", "put again", "copy", "remove", "send", "pass", "killed", "collect", "change", "lose", "restore",
	"touched while proven", "site takes", "site loses", "site alters", "site fails", "site recovers", "forsaken while proven", "forsake",
	"let go", "let go", "let go to the site", "forsaken when let go"}

// step does one thing.
func (g *gateway) step() {
	name := rapid.SampledFrom([]string{"x", "y"}).Draw(g.t, "name")
	content := rapid.IntRange(0, len(contents)-1).Draw(g.t, "content")
	g.do(rapid.SampledFrom(steps).Draw(g.t, "step"), name, content)
	g.now = g.now.Add(time.Duration(rapid.SampledFrom([]int{1, 16, 16, 1600}).Draw(g.t, "minutes")) * time.Minute)
	g.must(g.store.Drop(g.t.Context(), true))
}

func (g *gateway) do(step, name string, content int) {
	path := "/" + name
	had, there := g.want[path]
	switch {
	case step == "take":
		g.take(name, content)
	case step == "let go":
		g.take(name, content)
		g.send()
		g.pass()
		g.now = g.now.Add(16 * time.Minute)
		g.do(rapid.SampledFrom(steps[:len(steps)-4]).Draw(g.t, "meanwhile"), name, 1-content)
		g.pass()
	case step == "let go to the site":
		g.put(path, content)
		g.site[content], g.hosted[content] = content, true
		g.send()
		g.pass()
		g.now = g.now.Add(16 * time.Minute)
		g.do(rapid.SampledFrom(steps[:len(steps)-4]).Draw(g.t, "meanwhile"), name, rapid.IntRange(0, 1).Draw(g.t, "other"))
		g.pass()
	case step == "forsaken when let go":
		g.put(path, content)
		g.site[content], g.hosted[content] = content, true
		g.send()
		g.pass()
		g.now = g.now.Add(16 * time.Minute)
		g.do("forsaken while proven", name, content)
	case step == "site takes":
		g.site[content], g.hosted[content] = content, true
	case step == "site loses":
		g.site[content] = siteNothing
	case step == "site alters" && g.site[content] >= 0:
		g.site[content] = 1 - content
	case step == "site fails" && g.site[content] >= 0:
		g.site[content] = siteFails
	case step == "site recovers" && g.hosted[content]:
		g.site[content] = content
	case step == "forsake":
		g.forsake(content)
	case step == "forsaken while proven":
		g.during = func() { g.forsake(content) }
		g.pass()
		g.during = func() {}
	case step == "put":
		g.put(path, content)
	case step == "put again" && there:
		g.put(path, had)
	case step == "copy" && there:
		_, err := g.fs.Copy(path, path+"2", true, true)
		g.must(err)
		g.want[path+"2"], g.sent[path+"2"], g.loose[path+"2"] = had, false, g.loose[path] && !g.here(path)
	case step == "remove":
		g.must(g.fs.RemoveAll(path))
		delete(g.want, path)
		delete(g.sent, path)
		delete(g.loose, path)
	case step == "send":
		g.send()
	case step == "pass":
		g.pass()
	case step == "killed":
		g.killed()
	case step == "collect":
		_, err := g.collect.Collect(g.t.Context())
		g.must(err)
	case step == "change":
		g.outside(name, content)
	case step == "lose":
		g.must(os.RemoveAll(filepath.Join(g.folder, name)))
	case step == "restore" && there:
		g.outside(name, had)
	case step == "touched while proven":
		g.during, g.touching = func() { g.outside(name, content) }, true
		g.pass()
		g.during, g.touching = func() {}, false
	}
}

// killed is a pass that ends before it can remove anything.
func (g *gateway) killed() {
	g.disk.fails = true
	g.releaser.Release(g.t.Context())        //nolint:errcheck // Its end is the point.
	g.disk.fails, g.disk.before = false, nil // what was decided goes, whatever a person does
	g.note()
}

func (g *gateway) pass() {
	_, err := g.releaser.Release(g.t.Context())
	g.must(err)
	g.disk.before = g.proven
	g.note()
}

// proven fails where bytes are about to be removed that nobody outside has.
func (g *gateway) proven(ref blob.Ref) {
	r, err := g.disk.Open(g.t.Context(), ref)
	if err != nil {
		return // of something that is garbage
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	g.must(err)
	for content := range contents {
		if bytes.Equal(b, contents[content]) && !g.touching && !g.stands(content) && g.named(ref) {
			g.t.Fatalf("the last bytes of content %d are being removed", content)
		}
	}
}

// named reports whether a file here has the blob.
func (g *gateway) named(ref blob.Ref) bool {
	for path := range g.want {
		if info, err := g.fs.Stat(path); err == nil && info.Sys().(vfs.Entry).Blob == ref {
			return true
		}
	}
	return false
}

// here reports whether the blob of path is kept.
func (g *gateway) here(path string) bool {
	info, err := g.fs.Stat(path)
	g.must(err)
	r, err := g.disk.Open(g.t.Context(), info.Sys().(vfs.Entry).Blob)
	if err == nil {
		r.Close()
	}
	return err == nil
}

// note remembers what may have been let go: what nobody waits for.
func (g *gateway) note() {
	for p := range g.want {
		g.loose[p] = g.loose[p] || g.sent[p]
	}
}

// look reads every file: its very bytes; or, where they were let go and a person has
// changed what had them, an error that says so.
func (g *gateway) look() {
	for path, content := range g.want {
		info, err := g.fs.Stat(path)
		g.must(err)
		if info.Size() != int64(len(contents[content])) || info.Sys().(vfs.Entry).SHA256 != blob.Sum(sums[content]) {
			g.t.Fatalf("%s is listed with %d bytes", path, info.Size())
		}
		f, err := g.fs.Open(path)
		var away *vfs.AwayError
		switch {
		case errors.As(err, &away):
			if !g.loose[path] || away.Text == "" || g.stands(content) {
				g.t.Fatalf("%s: %v; let go ever: %v", path, err, g.loose[path])
			}
			continue
		case err != nil:
			g.t.Fatalf("%s: %v", path, err)
		}
		got, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(got, contents[content]) {
			g.t.Fatalf("%s: %d bytes, error %v", path, len(got), err)
		}
		g.must(f.Close())
	}
}

var sums = [][32]byte{blobSum(0), blobSum(1)}

// stands reports whether a file that the memory knows to have had a content has it, or
// the host does.
func (g *gateway) stands(content int) bool {
	if g.hosted[content] && g.site[content] == content {
		return true
	}
	places, err := g.places(g.t.Context(), sums[content])
	g.must(err)
	return slices.ContainsFunc(places, func(p elsewhere.Place) bool {
		b, err := os.ReadFile(p.Path)
		return err == nil && bytes.Equal(b, contents[content])
	})
}

// TestModel: whatever is put, copied, removed, let go, changed outside or at a host, and
// killed half way, no file is without its bytes or a stated reason, which is a person's
// or the host's doing; and what we delete at the host are never the last bytes.
func TestModel(t *testing.T) {
	indextest.Each(t, func(t *testing.T, source string) {
		db, n := indextest.Open(t, source), 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			g := newGateway(t, r, db, n)
			defer g.clear()
			for range rapid.IntRange(1, 12).Draw(r, "steps") {
				g.step()
				g.look()
			}
			g.clear()
			if left := blobsIn(filepath.Dir(g.folder)); left != 0 {
				r.Fatalf("%d blobs are left of nothing", left)
			}
		})
	})
}

// clear removes everything.
func (g *gateway) clear() {
	g.must(g.store.Drop(context.Background(), true))
	for _, p := range []string{"/x", "/x2", "/y", "/y2"} {
		g.must(g.fs.RemoveAll(p))
	}
	g.must(g.memory.Store(context.Background(), g.folder, nil, []string{"x", "y"}))
	for range 4 {
		_, err := g.collect.Collect(context.Background())
		g.must(err)
		g.now = g.now.Add(time.Hour)
	}
}

func blobSum(i int) [32]byte { return sha256.Sum256(contents[i]) }

// blobsIn counts the files of the store below dir.
func blobsIn(dir string) (n int) {
	filepath.WalkDir(filepath.Join(dir, "data"), func(_ string, d os.DirEntry, err error) error { //nolint:errcheck // counted only
		if err == nil && !d.IsDir() {
			n++
		}
		return nil
	})
	return n
}
