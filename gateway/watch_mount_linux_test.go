package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"slipway/watch"
)

// disk is a file system in memory that a test mounts at a directory, and takes away.
type disk struct {
	t       *testing.T
	at, dir string
}

// newDisk mounts one at dir, which is made; nil: nothing can be mounted here.
func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	d := &disk{t: t, at: t.TempDir(), dir: dir}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", d.at, "tmpfs", 0, "size=4m"); err != nil {
		t.Log("left out: nothing can be mounted here: ", err)
		return nil
	}
	t.Cleanup(func() {
		unix.Unmount(d.dir, unix.MNT_DETACH) //nolint:errcheck // The test may have done so.
		if err := unix.Unmount(d.at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	d.mount()
	return d
}

func (d *disk) mount() {
	d.t.Helper()
	if err := unix.Mount(d.at, d.dir, "", unix.MS_BIND, ""); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) unmount() {
	d.t.Helper()
	if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
		d.t.Fatal(err)
	}
}

// filesIn returns the paths of the files in dir.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

// waitFor waits until something holds.
func (g *ingestGateway) waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s; %+v", what, g.app.watches.list()[0].folder.Status())
		}
	}
}

// problem returns what is wrong with the only watched folder.
func (g *ingestGateway) problem() string { return g.app.watches.list()[0].folder.Status().Problem }

// TestMirrorUnmounted: sidecars wait while the disk that they go to is not mounted, and
// come by themselves when it is.
func TestMirrorUnmounted(t *testing.T) {
	d := newDisk(t, filepath.Join(t.TempDir(), "mirror"))
	if d == nil {
		return
	}
	g := startWatch(t, 50*time.Millisecond, fmt.Sprintf("sidecar_dir = %q", filepath.Join(d.dir, "sidecars")))
	door := g.Door(t)
	put := func(name string, n uint64) {
		t.Helper()
		if err := door.Put("/in/"+name, picture(2000, n)); err != nil {
			t.Fatal(err)
		}
	}
	put("a.jpg", 1)
	g.waitFor(t, "the first sidecars", func() bool { return len(filesIn(t, d.at)) == 3 })
	d.unmount()
	put("b.jpg", 2)
	g.waitFor(t, "it is said that nothing is mounted", func() bool { return strings.Contains(g.problem(), d.dir) })
	g.Settle(t)
	if got := filesIn(t, d.dir); len(got) != 0 {
		t.Errorf("written where nothing is mounted: %v", got)
	}
	if sent := g.Sent(); len(sent) != 2 {
		t.Errorf("%d uploads, want 2: sending does not wait", len(sent))
	}
	d.mount()
	g.waitFor(t, "the sidecars that waited", func() bool { return slices.Contains(filesIn(t, d.at), "sidecars/b.jpg.url") && g.problem() == "" })
}

// TestDoneUnmounted: files stay while the disk that they are moved to is not mounted, and
// what is below it is left alone.
func TestDoneUnmounted(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, `after = "move:done"`)
	folder := g.app.watches.list()[0].config.Folder
	d := newDisk(t, filepath.Join(folder, "done"))
	if d == nil {
		return
	}
	door := g.Door(t)
	if err := door.Put("/in/a.jpg", picture(2000, 1)); err != nil {
		t.Fatal(err)
	}
	g.waitFor(t, "the first move", func() bool { return slices.Contains(filesIn(t, d.at), "a.jpg.url") })
	d.unmount()
	if err := door.Put("/in/b.jpg", picture(2000, 2)); err != nil {
		t.Fatal(err)
	}
	g.waitFor(t, "it is said that nothing is mounted", func() bool { return strings.Contains(g.problem(), d.dir) })
	if got := filesIn(t, d.dir); len(got) != 0 {
		t.Errorf("moved to where nothing is mounted: %v", got)
	}
	if _, err := os.Stat(filepath.Join(folder, "b.jpg")); err != nil {
		t.Error(err)
	}
	d.mount()
	g.waitFor(t, "the move that waited", func() bool { return slices.Contains(filesIn(t, d.at), "b.jpg") && g.problem() == "" })
	if got := filesIn(t, d.at); slices.Contains(got, "a (1).jpg") || !slices.Contains(got, "a.jpg") {
		t.Errorf("it has %v", got)
	}
}

// TestFolderUnmounted: sidecars of files that were deleted after their uploads are not
// written where the folder itself is not mounted.
func TestFolderUnmounted(t *testing.T) {
	g := startWatch(t, 50*time.Millisecond, `after = "delete"`)
	w := g.app.watches.list()[0]
	config := w.config
	config.Folder = filepath.Join(t.TempDir(), "disk")
	d := newDisk(t, config.Folder)
	if d == nil {
		return
	}
	g.app.watches.configure([]WatchConfig{config})
	if err := os.WriteFile(filepath.Join(d.dir, "a.jpg"), picture(2000, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	gone := func() bool {
		known, err := w.memory.Dir(t.Context(), config.name(), "")
		return err == nil && len(known) == 1 && known[0].State == watch.Removed && known[0].Done
	}
	g.waitFor(t, "the file to go", gone)
	stands := func() bool { return slices.Equal(filesIn(t, d.at), []string{"_links.csv", "a.jpg.json", "a.jpg.url"}) }
	g.waitFor(t, "the sidecars", stands)
	d.unmount()
	config.Rescan *= 2
	g.app.watches.configure([]WatchConfig{config}) // as after a restart, everything is attended to
	g.waitFor(t, "it is said that nothing is mounted", func() bool { return strings.Contains(g.problem(), d.dir) })
	if got := filesIn(t, d.dir); len(got) != 0 {
		t.Errorf("written where nothing is mounted: %v", got)
	}
	d.mount()
	g.waitFor(t, "that it is mounted, and as it was", func() bool { return g.problem() == "" && stands() })
}
