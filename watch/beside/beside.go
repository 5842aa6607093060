// Package beside writes the sidecars of watched files as real files: beside each of
// them, or into a folder of their own that mirrors the watched one.
//
// What they say comes from the views of the virtual filesystem. A sidecar is written
// under a name of its own, made durable, and then renamed, and what was written is
// remembered by its sum first: so a file that says anything else is somebody else's,
// and is neither written over nor removed. Ours then has ".slipway" in its name, as
// the views have.
package beside

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/afero"

	"slipway/watch"
)

// Options of New. Root, Into, Tree, Memory and Name must be there.
type Options struct {
	// Root is the watched folder, and Into where its files are in the virtual
	// filesystem: absolute paths, as watch.Options has them.
	Root, Into string
	// Dir is where sidecars are written instead, each at its file's path below it; it is
	// made if it is not there. "": beside the files.
	Dir string
	// Tree is the virtual filesystem with views: their FileInfos have Of() string, which
	// returns the name of the file that one is about, "" for a folder's.
	Tree afero.Fs
	// File are the kinds that files have: url, json, txt, md, html, bbcode. Folder are
	// those that folders have: html, md, csv. One that tells of a failure every file
	// has.
	File, Folder []string
	// Memory is the folder's, and Name the folder's name in it. What belongs to folders
	// is remembered under a name that begins so.
	Memory watch.Memory
	Name   string
	// Where returns where a file that was moved lies now, below the folder; "": it was not
	// moved. Where that cannot be looked at now it is a watch.ErrAway. nil: none is moved.
	Where func(ctx context.Context, k watch.Known) (string, error)
	// Mounted is asked before anything is looked at where sidecars are written; an error
	// (watch.ErrAway) keeps it from being written to. nil: nothing does.
	Mounted func(ctx context.Context) error
	Log     *slog.Logger // nil: nothing is logged
}

// Beside keeps sidecars. It is safe for concurrent use for different files.
type Beside struct {
	o      Options
	file   []string // suffixes that files have
	folder []string
	// before, in tests, fails in place of a step.
	before func(step string) error

	mu    sync.Mutex
	told  bool // that the folder cannot be written to
	stale map[string]bool
	swept map[string]bool
	rest  map[string]time.Time // until when a folder's sidecars are let be
	shut  map[string]*shut     // directories that may not be written
	// probes is how long a directory that may not be written is let be.
	probes time.Duration
}

var _ watch.Beside = (*Beside)(nil)

// kinds are the suffixes of sidecars by the configuration's words.
var kinds = []struct{ word, suffix string }{
	{"url", ".url"}, {"json", ".json"}, {"txt", ".txt"}, {"md", ".md"}, {"html", ".html"}, {"bbcode", ".bbcode"}, {"csv", ".csv"},
}

const (
	errorSuffix = ".error.txt"
	folderStem  = "_links"
	// yielding comes before the suffix where somebody else's file has the first name.
	yielding = ".slipway"
	maxName  = 255     // bytes
	maxText  = 8 << 20 // bytes of one sidecar
)

// New returns sidecars. It writes nothing by itself.
func New(o Options) *Beside {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Where == nil {
		o.Where = func(context.Context, watch.Known) (string, error) { return "", nil }
	}
	if o.Mounted == nil {
		o.Mounted = func(context.Context) error { return nil }
	}
	b := &Beside{
		o: o, folder: suffixes(o.Folder), file: append(suffixes(o.File), errorSuffix),
		before: func(string) error { return nil }, stale: make(map[string]bool), swept: make(map[string]bool), rest: make(map[string]time.Time),
		shut: make(map[string]*shut), probes: probeEvery,
	}
	return b
}

func suffixes(words []string) (list []string) {
	for _, k := range kinds {
		if slices.Contains(words, k.word) {
			list = append(list, k.suffix)
		}
	}
	return list
}

// mirrored begins the paths in Known.Beside of sidecars in Dir: nothing of the watched
// folder is called so.
const mirrored = ".mirror/"

// key returns how the sidecar at rel is remembered.
func (b *Beside) key(rel string) string {
	if b.o.Dir == "" {
		return rel
	}
	return mirrored + rel
}

// Retries reports whether the removal of the sidecar at rel by a person asks for
// another try.
func (b *Beside) Retries(_ watch.Known, rel string) bool {
	return strings.HasSuffix(rel, errorSuffix) && !strings.HasPrefix(rel, mirrored)
}

// Update brings the sidecars of k in line; see watch.Beside.
//
//  1. A file that should stand in the folder and does not has nothing written: the
//     folder may be another one, of a file system that is not mounted.
//  2. That of a failure, removed by a person, asks for another try here too: in Dir
//     nobody else looks.
//  3. A folder that cannot be written to is told of once, and is no error: Reopened
//     says when it can be.
//  4. Where sidecars are written is not mounted: nothing is written or forgotten, and
//     that one is missing says nothing.
func (b *Beside) Update(ctx context.Context, k watch.Known, o *watch.Outcome, store watch.Store) (watch.Known, bool, error) {
	if o == nil && len(k.Beside) == 0 {
		return k, true, nil
	}
	place, err := b.open(ctx, o != nil)
	if errors.Is(err, watch.ErrAway) {
		return k, k.Done && o != nil, nil
	}
	if err != nil {
		return b.failed(k, "", err)
	}
	defer place.Close()
	home, err := b.home(ctx, k)
	if errors.Is(err, watch.ErrAway) {
		return k, k.Done && o != nil, nil
	}
	if err != nil {
		return b.failed(k, path.Dir(k.Path), err)
	}
	s := newSet(b, place, home, k.Beside, func(ctx context.Context, beside map[string][32]byte) error {
		stored := k
		stored.Beside = beside
		return store(ctx, stored)
	})
	b.sweep(place, path.Dir(home))
	s.taken = k.Since
	settled := true
	switch {
	case o == nil || home == "":
	case !b.stands(k):
		return k, false, nil
	default:
		if err = b.retry(ctx, s, *o); err == nil {
			s.want, err = b.views(ctx, path.Join("/", b.o.Into, o.Path), b.file)
		}
		_, trouble := s.want[errorSuffix]
		settled = b.o.Dir == "" || !trouble
	}
	if err == nil {
		err = s.align(ctx)
	} else {
		s.keep()
	}
	k.Beside = s.now
	if err != nil {
		return b.failed(k, path.Dir(home), err)
	}
	b.noteStale(s.left)
	return k, settled && !s.late, nil
}

// home returns beside which path sidecars of k are written, below the folder; "":
// none are, as the file was moved and is not there any more.
func (b *Beside) home(ctx context.Context, k watch.Known) (string, error) {
	if k.State != watch.Removed || b.o.Dir != "" {
		return k.Path, nil
	}
	at, err := b.o.Where(ctx, k)
	if err != nil {
		return "", err
	}
	if at == "" {
		return k.Path, nil
	}
	root, err := os.OpenRoot(b.o.Root)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if _, err := root.Lstat(at); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return at, nil
}

// stands reports whether k is where it should be, if it should be anywhere.
func (b *Beside) stands(k watch.Known) bool {
	if k.State != watch.Taken {
		return true
	}
	root, err := os.OpenRoot(b.o.Root)
	if err != nil {
		return false
	}
	defer root.Close()
	_, err = root.Lstat(k.Path)
	return err == nil
}

// open opens where sidecars are written, if it is mounted.
func (b *Beside) open(ctx context.Context, create bool) (*os.Root, error) {
	if err := b.o.Mounted(ctx); err != nil {
		return nil, err
	}
	if b.o.Dir == "" {
		return os.OpenRoot(b.o.Root)
	}
	if create {
		if err := os.MkdirAll(b.o.Dir, 0o777); err != nil {
			return nil, err
		}
	}
	return os.OpenRoot(b.o.Dir)
}

// retry asks for another try where a person has removed what told of a failure.
func (b *Beside) retry(ctx context.Context, s *set, o watch.Outcome) error {
	for _, between := range []string{"", yielding} {
		rel := s.rel(between, errorSuffix)
		if _, ours := s.had[b.key(rel)]; !ours {
			continue
		}
		if removed, err := s.removed(rel); !removed || err != nil {
			return err
		}
		if err := b.before("retry"); err != nil {
			return err
		}
		of := path.Join("/", b.o.Into, o.Path)
		tree := b.tree(ctx)
		if name, err := b.view(tree, of, errorSuffix); name == "" || err != nil {
			return err
		} else if err := tree.Remove(name); err != nil {
			return fmt.Errorf("another try cannot be made: %w", err)
		}
		delete(s.had, b.key(rel))
		return nil
	}
	return nil
}
