package route

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"slipway/uploader"
	"slipway/uploader/route/settings"
)

// folderConfig is what an .album.toml may hold.
type folderConfig struct {
	Keys
	At     map[string]Keys `toml:"at"`
	Places settings.Places `toml:"-"`
}

// folderSays is an .album.toml, ready for use.
type folderSays struct {
	text   string
	path   string
	layer  layer
	at     map[string]layer
	places func(at, key string) settings.Place
	errs   settings.Errors
}

// foldersCached is how many files a folderCache keeps at most.
const foldersCached = 256

// folderCache keeps what was read of .album.toml files for as long as their bytes
// are the same.
type folderCache struct {
	mu    sync.Mutex
	files map[string]*folderSays
}

// get returns the file at path, whose bytes are text.
func (c *folderCache) get(path string, text []byte, parse func() *folderSays) *folderSays {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.files[path]; ok && f.text == string(text) {
		return f
	}
	if c.files == nil || len(c.files) >= foldersCached {
		c.files = map[string]*folderSays{}
	}
	f := parse()
	c.files[path] = f
	return f
}

// folderLayers returns what the .album.toml files of path's folders say for a
// destination, the nearest first. A file that cannot be used is a *uploader.Hold.
func (t *Table) folderLayers(ctx context.Context, path, destination string, captures []string) (layers, error) {
	if t.options.Folder == nil {
		return nil, nil
	}
	var out layers
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
		f := t.folders.get(file, text, func() *folderSays { return t.parseFolder(file, text) })
		if errs := f.problems(captures); len(errs) > 0 {
			return nil, folderHold(strings.ReplaceAll(errs.Error(), "\n", "; "))
		}
		if l, ok := f.at[destination]; ok {
			out = append(out, l)
		}
		out = append(out, f.layer)
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

// parseFolder reads one .album.toml.
func (t *Table) parseFolder(path string, text []byte) *folderSays {
	f := &folderSays{text: string(text), path: path, at: map[string]layer{}}
	var c folderConfig
	if err := settings.Decode(text, path, &c); err != nil {
		if !errors.As(err, &f.errs) {
			f.errs = settings.Errors{{Place: settings.Place{File: path}, Text: err.Error()}}
		}
		return f
	}
	f.places = func(at, key string) settings.Place {
		if at == "" {
			return c.Places.Of(key)
		}
		return c.At[at].Places.Of(key)
	}
	f.layer = compile(c.Keys, path, f.report("", &f.errs))
	for _, name := range slices.Sorted(maps.Keys(c.At)) {
		if _, ok := t.destinations[name]; !ok {
			f.report(name, &f.errs)("", fmt.Errorf("there is no destination %q; %s", name,
				settings.Suggest(name, slices.Collect(maps.Keys(t.destinations)))))
			continue
		}
		f.at[name] = compile(c.At[name], path+", at."+name, f.report(name, &f.errs))
	}
	return f
}

// report returns a function that adds an error about a key to errs.
func (f *folderSays) report(at string, errs *settings.Errors) func(key string, err error) {
	return func(key string, err error) {
		name := strings.Trim(strings.TrimSuffix("at."+at+"."+key, "."), ".")
		if at == "" {
			name = key
		}
		*errs = append(*errs, &settings.Error{Place: f.places(at, key), Text: name + ": " + err.Error()})
	}
}

// problems returns what is wrong with the file for a route with these captures.
func (f *folderSays) problems(captures []string) settings.Errors {
	if len(f.errs) > 0 {
		return f.errs
	}
	var errs settings.Errors
	f.layer.check(captures, f.report("", &errs))
	for _, name := range slices.Sorted(maps.Keys(f.at)) {
		f.at[name].check(captures, f.report(name, &errs))
	}
	return errs
}
