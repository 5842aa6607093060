package route

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"slipway/uploader"
	"slipway/uploader/route/keys"
)

// foldersCached is how many files a folderCache keeps at most.
const foldersCached = 256

// folderCache keeps what was read of .album.toml files for as long as their bytes
// are the same.
type folderCache struct {
	mu    sync.Mutex
	files map[string]*keys.File
}

// get returns the file at path, whose bytes are text.
func (c *folderCache) get(path string, text []byte, parse func() *keys.File) *keys.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.files[path]; ok && f.Same(text) {
		return f
	}
	if c.files == nil || len(c.files) >= foldersCached {
		c.files = map[string]*keys.File{}
	}
	f := parse()
	c.files[path] = f
	return f
}

// folderLayers returns what the .album.toml files of path's folders say for a
// destination, the nearest first. A file that cannot be used is a *uploader.Hold.
func (t *Table) folderLayers(ctx context.Context, path, destination string, captures []string) (keys.Layers, error) {
	if t.options.Folder == nil {
		return nil, nil
	}
	var out keys.Layers
	for dir := path; dir != ""; {
		dir = dir[:strings.LastIndexByte(dir, '/')]
		file := dir + "/" + FolderFile
		text, err := t.options.Folder(ctx, file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", file, err)
		case len(text) > FolderFileMax:
			return nil, folderHold(fmt.Sprintf("%s is over %d KiB", file, FolderFileMax>>10))
		}
		f := t.folders.get(file, text, func() *keys.File { return keys.ParseFile(file, text, t.names) })
		if errs := f.Problems(captures); len(errs) > 0 {
			return nil, folderHold(strings.ReplaceAll(errs.Error(), "\n", "; "))
		}
		out = append(out, f.Layers(destination)...)
	}
	return out, nil
}

// folderHold is the hold of an upload whose folder's file is wrong.
func folderHold(text string) error {
	return &uploader.Hold{
		Reason: uploader.ReasonSettings,
		Text:   text,
		Remedy: `correct that file, then delete the .error.txt beside the picture, or run "slipway queue release"`,
	}
}
