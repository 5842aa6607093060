package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
	"slipway/watch"
)

// TestIngestWatch runs the suite of every door over a watched folder, in which
// programs work with plain files.
func TestIngestWatch(t *testing.T) {
	ingesttest.Run(t, func(t *testing.T, quiet time.Duration) ingesttest.Gateway {
		return startWatch(t, quiet, "")
	})
}

// watchConfig is a folder whose files come to ingesttest.Folder. The time of rest is
// that which the suite asks for.
const watchConfig = `
[[watch]]
folder = %q
into = %q
settle = %q
rescan = "1s"
sidecars = ["url", "json", "links.csv"]
%s
`

// startWatch starts a gateway with a watched folder and more of its configuration.
func startWatch(t *testing.T, settle time.Duration, more string) *ingestGateway {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, ingesttest.Folder), 0o700); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(watchConfig, filepath.Join(root, ingesttest.Folder), ingesttest.Folder, settle, more)
	return startIngestWith(t, settle, config, func(t *testing.T, a *app) ingesttest.Door { return &folderClient{root, a} })
}

// folderClient works in a folder that is watched. Its root is the folder's parent.
type folderClient struct {
	root string
	app  *app
}

var (
	_ ingesttest.Door     = (*folderClient)(nil)
	_ ingesttest.Streamer = (*folderClient)(nil)
	_ ingesttest.Resumer  = (*folderClient)(nil)
	_ ingesttest.Flusher  = (*folderClient)(nil)
)

func (c *folderClient) path(name string) string {
	return filepath.Join(c.root, filepath.FromSlash(name))
}

func (c *folderClient) Put(name string, data []byte) error {
	return os.WriteFile(c.path(name), data, 0o600)
}

func (c *folderClient) PutFrom(name string, r io.Reader) error {
	f, err := os.Create(c.path(name))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (c *folderClient) PutAt(name string, offset int64, data []byte) error {
	f, err := os.OpenFile(c.path(name), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, offset)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (c *folderClient) Get(name string) ([]byte, error) { return os.ReadFile(c.path(name)) }

func (c *folderClient) List(dir string) (names []string, err error) {
	entries, err := os.ReadDir(c.path(dir))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (c *folderClient) Rename(from, to string) error { return os.Rename(c.path(from), c.path(to)) }
func (c *folderClient) Mkdir(dir string) error       { return os.Mkdir(c.path(dir), 0o700) }
func (c *folderClient) Remove(name string) error     { return os.Remove(c.path(name)) }

// Normalises: most file systems of Linux know nothing of Unicode.
func (c *folderClient) Normalises() bool { return false }

// WritesSidecars: they are files, and anybody's.
func (c *folderClient) WritesSidecars() bool { return true }

// known reports whether no file of the folder is yet to be taken.
func (c *folderClient) known(w *watched) (all bool, err error) {
	all = true
	err = filepath.WalkDir(w.config.Folder, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return nil // a sidecar that was about to get its name
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(w.config.Folder, file)
		if err != nil {
			return err
		}
		x, err := w.folder.Explain(context.Background(), filepath.ToSlash(rel))
		all = all && !slices.Contains([]watch.State{watch.Settling, watch.Waiting, watch.Unseen, watch.Taking}, x.State)
		return err
	})
	return all, err
}

// Flush waits until a scan that began after all that was done leaves nothing to
// settle, and every file is known as it is.
func (c *folderClient) Flush() error {
	began, end := time.Now(), time.Now().Add(patience)
	w := c.app.watches.list()[0]
	for {
		s := w.folder.Status()
		if s.Scanned.Add(-s.Took).After(began) && s.Waiting.Files == 0 && !s.Scanning {
			if known, err := c.known(w); known || err != nil {
				return err
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("the folder does not come to rest: %+v", s)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
