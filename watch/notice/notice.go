// Package notice tells of changes in a folder as the operating system reports them.
//
// What it tells are hints: a directory in which something may have changed. Events are
// lost by the kernel where many come at once, do not come at all from other machines,
// and name files that are not there any more; so nothing is decided here, and the scan
// that looks at everything from time to time finds what no hint told of.
package notice

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"slipway/watch"
)

// Options of New. Root must be there.
type Options struct {
	// Root is the folder, an absolute path. Root itself may be a symbolic link; those
	// below it are not followed.
	Root string
	// Ignore reports whether the directory at rel, below the folder, is left alone with
	// all below it. nil: none is.
	Ignore func(rel string) bool
	// Every is the least time between two hints about the same directory; 0: 50 ms.
	Every time.Duration
	// Recover is how often it is tried to watch what could not be watched, and looked
	// whether all that can be is; 0: 60 s.
	Recover time.Duration
	// Limit is how many directories are watched at most; 0: 200,000. One takes about
	// 300 bytes here, and 1 KiB of the kernel's memory.
	Limit int
	// Source opens a source of events; nil: the operating system's.
	Source func() (Source, error)
	Log    *slog.Logger // nil: nothing is logged
}

const (
	defaultEvery   = 50 * time.Millisecond
	defaultRecover = 60 * time.Second
	defaultLimit   = 200_000
	// homeEvery is how often it is looked whether the folder still is what it was: the
	// system does not tell that a file system was unmounted.
	homeEvery = 5 * time.Second
	// restartEvery is the least time between two beginnings after lost events.
	restartEvery = time.Second
)

// Notice tells of changes in one folder.
type Notice struct {
	o Options

	mu  sync.Mutex
	why string
}

var (
	_ watch.Hints   = (*Notice)(nil)
	_ watch.Partial = (*Notice)(nil)
)

// New returns a Notice. It does nothing before Watch.
func New(o Options) *Notice {
	if o.Ignore == nil {
		o.Ignore = func(string) bool { return false }
	}
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	if o.Recover <= 0 {
		o.Recover = defaultRecover
	}
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	if o.Source == nil {
		o.Source = system
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Notice{o: o}
}

// Polled returns why some directories are not watched although others are; "": all
// are, or Watch does not run.
func (n *Notice) Polled() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.why
}

func (n *Notice) setWhy(why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if why != "" && why != n.why {
		n.o.Log.Info("a part of a watched folder is polled", "folder", n.o.Root, "why", why)
	}
	n.why = why
}

// Watch calls changed with directories in which something may have changed, as
// watch.Hints says, until ctx ends. Where events were lost it calls changed("", true)
// and begins anew. The error says why nothing can be watched, and what to do.
func (n *Notice) Watch(ctx context.Context, changed func(dir string, all bool)) error {
	defer n.setWhy("")
	for {
		began := time.Now()
		err := n.once(ctx, changed)
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.Is(err, errLost):
			return err
		}
		n.o.Log.Info("events of a watched folder were lost; all of it is looked at", "folder", n.o.Root)
		changed("", true)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(began.Add(restartEvery))):
		}
	}
}

// errLost says that events were lost.
var errLost = errors.New("events were lost")

// once watches with one source until ctx ends, or something is wrong.
func (n *Notice) once(ctx context.Context, changed func(dir string, all bool)) error {
	info, err := os.Stat(n.o.Root)
	if err != nil {
		return absentRoot(err)
	}
	source, err := n.o.Source()
	if err != nil {
		return noSource(err)
	}
	root, err := filepath.EvalSymlinks(n.o.Root)
	if err != nil {
		root = filepath.Clean(n.o.Root) // Windows does not see through all that it has
	}
	w := newWatcher(n, root, source, changed)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer source.Close() //nolint:errcheck // Nothing that could be done about it.
	reader.Go(func() { w.inbox.listen(root, source) })
	return w.run(ctx, identify(info))
}

// absentRoot says that the folder cannot be looked at.
func absentRoot(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("the folder is not there")
	}
	return fmt.Errorf("the folder cannot be looked at: %w", err)
}
