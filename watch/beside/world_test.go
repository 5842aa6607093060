package beside

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/sidecar"
	"slipway/watch"
	"slipway/watch/watchtest"
)

// tree is a file system in memory whose infos have a vfs.Entry, as vfs.FS's do.
type tree struct {
	afero.Fs
	ids map[string]vfs.ID
}

func (f *tree) id(name string) vfs.ID {
	if f.ids[name] == 0 {
		f.ids[name] = vfs.ID(len(f.ids) + 1)
	}
	return f.ids[name]
}

type treeInfo struct {
	os.FileInfo
	entry vfs.Entry
}

func (i treeInfo) Sys() any { return i.entry }

func (f *tree) info(at string, i os.FileInfo) os.FileInfo {
	e := vfs.Entry{ID: f.id(at), Name: i.Name(), Dir: i.IsDir(), Size: i.Size(), Modified: time.Unix(1700000000, 0), Type: "image/jpeg"}
	e.SHA256 = blob.Sum(sha256.Sum256([]byte(at)))
	return treeInfo{i, e}
}

func (f *tree) Stat(name string) (os.FileInfo, error) {
	i, err := f.Fs.Stat(name)
	if err != nil {
		return nil, err
	}
	return f.info(name, i), nil
}

func (f *tree) Open(name string) (afero.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

func (f *tree) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	file, err := f.Fs.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &treeFile{file, f, name}, nil
}

type treeFile struct {
	afero.File
	fs   *tree
	path string
}

func (f *treeFile) Stat() (os.FileInfo, error) { return f.fs.Stat(f.path) }

func (f *treeFile) Readdir(n int) ([]os.FileInfo, error) {
	list, err := f.File.Readdir(n)
	for i := range list {
		list[i] = f.fs.info(path.Join(f.path, list[i].Name()), list[i])
	}
	return list, err
}

// world is a watched folder, with the real views of a virtual filesystem.
type world struct {
	t       *testing.T
	root    string
	inner   *tree
	uploads map[vfs.ID][]sidecar.Upload
	retried []vfs.ID
	links   *watchtest.Memory
	beside  *Beside
	known   map[string]watch.Known // as it is remembered
	stores  int
}

func (w *world) Folder(_ context.Context, _ vfs.ID) (map[vfs.ID]sidecar.Receipt, error) {
	all := make(map[vfs.ID]sidecar.Receipt)
	for id, u := range w.uploads {
		all[id] = sidecar.Receipt{Uploads: u}
	}
	return all, nil
}

func (w *world) File(_ context.Context, id vfs.ID) (sidecar.Receipt, error) {
	return sidecar.Receipt{Uploads: w.uploads[id]}, nil
}

func (w *world) Retry(_ context.Context, id vfs.ID) error {
	w.retried = append(w.retried, id)
	w.uploads[id] = nil
	return nil
}

var kindsOfAll = []string{"url", "json", "txt", "md", "html", "bbcode"}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{
		t: t, root: t.TempDir(), inner: &tree{Fs: afero.NewMemMapFs(), ids: map[string]vfs.ID{"/": vfs.Root}},
		uploads: make(map[vfs.ID][]sidecar.Upload), links: &watchtest.Memory{}, known: make(map[string]watch.Known),
	}
	o.Root, o.Into, o.Memory, o.Name = w.root, "/in", w.links, "name"
	o.Tree = sidecar.New(w.inner, w, sidecar.Options{File: o.File, Folder: o.Folder, CanRetry: true})
	w.beside = New(o)
	return w
}

// picture puts a file into the folder and the virtual filesystem.
func (w *world) picture(rel string) {
	w.t.Helper()
	w.write(rel, "picture "+rel)
	if err := afero.WriteFile(w.inner, "/in/"+rel, []byte("picture "+rel), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.known[rel] = watch.Known{Path: rel, Entry: int64(w.inner.id("/in/" + rel)), State: watch.Taken}
}

// sent makes the file at rel have a URL.
func (w *world) sent(rel, url string) {
	w.uploads[w.inner.id("/in/"+rel)] = []sidecar.Upload{{Destination: "home", State: "done", URL: url}}
}

// failed makes the upload of the file at rel fail.
func (w *world) failed(rel string) {
	w.uploads[w.inner.id("/in/"+rel)] = []sidecar.Upload{{
		Destination: "home", State: "failed", Trouble: true, Attempts: 3, Error: "the host is gone", Remedy: "wait",
	}}
}

// update brings the sidecars of the file at rel in line; gone: it has no entry any more.
func (w *world) update(rel string, gone bool) (settled bool, err error) {
	w.t.Helper()
	k := w.known[rel]
	o := &watch.Outcome{Path: rel, Owed: 1}
	if gone {
		o = nil
	}
	k.Beside = maps.Clone(k.Beside)
	after, settled, err := w.beside.Update(w.t.Context(), k, o, func(_ context.Context, k watch.Known) error {
		w.stores++
		k.Beside = maps.Clone(k.Beside)
		w.known[k.Path] = k
		return nil
	})
	if !errors.Is(err, errCrash) {
		w.known[rel] = after
	}
	return settled, err
}

func (w *world) must(rel string, gone bool) {
	w.t.Helper()
	if _, err := w.update(rel, gone); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(rel, text string) {
	w.t.Helper()
	name := filepath.Join(w.root, rel)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(rel string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.root, rel)); err != nil {
		w.t.Fatal(err)
	}
}

// files returns what is in a folder.
func (w *world) files(root string) map[string]string {
	w.t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(root, name)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	return files
}

// has demands that exactly these files are in the folder.
func (w *world) has(want map[string]string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.files(w.root)); diff != "" {
		w.t.Errorf("the folder has (-want +got):\n%s", diff)
	}
}

func shortcut(url string) string { return "[InternetShortcut]\r\nURL=" + url + "\r\n" }
