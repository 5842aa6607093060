// Package send sends files through a gateway, waits until each is where it is owed
// to, and tells of it.
package send

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/progress"
)

const (
	// storing is how many files are stored at once, and waiting how many of those
	// stored are followed at once.
	storing, waiting = 4, 32
)

var (
	// ErrFailed means that a file was not stored, or not sent.
	ErrFailed = errors.New("not all was stored and sent")
	// ErrLate means that a file was not sent in time.
	ErrLate = errors.New("not finished in time")
)

// Options say how files are sent.
type Options struct {
	// NoWait ends it when all files are stored.
	NoWait bool
	// JSON tells of uploads in JSON, one object a line, in place of the URLs.
	JSON bool
	// Timeout is how long the uploads are waited for, from the beginning; files are
	// stored after it, too.
	Timeout time.Duration
}

// outcome is what came of one file.
type outcome struct {
	*File
	shown   *progress.File
	entry   operate.Entry
	uploads []operate.Upload // of the bytes that were put
	why     string           // why there are none
	err     error            // that it was not stored, not followed, or ErrLate
	over    bool
}

// putting is one run of put.
type putting struct {
	*show.Screen
	g    operate.Gateway
	o    Options
	bar  *progress.Progress
	slot *semaphore.Weighted // for those that are followed

	mu    sync.Mutex
	files []*outcome
	next  int // the first that was not told of
	err   error
}

// Send stores the files, four at a time, waits for each, and tells of each on the
// screen, in their order. What it tells of it returns as ErrFailed, else ErrLate;
// when ctx ends, it returns its cause.
func Send(ctx context.Context, g operate.Gateway, files []*File, screen *show.Screen, o Options) error {
	r := &putting{Screen: screen, g: g, o: o, bar: newProgress(screen.Err, len(files)), slot: semaphore.NewWeighted(waiting)}
	defer r.bar.Close()
	for _, s := range files {
		r.files = append(r.files, &outcome{File: s})
	}
	late, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	var stores errgroup.Group
	stores.SetLimit(storing)
	var follows sync.WaitGroup
	for _, f := range r.files {
		stores.Go(func() error {
			r.store(ctx, f)
			follows.Go(func() { r.finish(ctx, late, f) })
			return nil
		})
	}
	stores.Wait() //nolint:errcheck // each file keeps its own
	follows.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.err
}

func newProgress(w io.Writer, files int) *progress.Progress {
	if f, ok := w.(*os.File); ok {
		return progress.ForTerminal(f, files)
	}
	return progress.New(w, progress.Options{Files: files})
}

func (r *putting) store(ctx context.Context, f *outcome) {
	if ctx.Err() != nil {
		f.err = context.Cause(ctx)
		return
	}
	f.shown = r.bar.File(f.name, f.size)
	f.entry, f.err = store(ctx, r.g, f.File, f.shown.Reader)
	f.uploads = f.entry.Uploads
}

// finish waits for a file that was stored, and tells of those that are over.
func (r *putting) finish(ctx, late context.Context, f *outcome) {
	if f.err == nil && !r.o.NoWait {
		f.err = r.follow(ctx, late, f)
	}
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f.over = true
	for r.next < len(r.files) && r.files[r.next].over {
		f := r.files[r.next]
		var why string
		var err error
		r.bar.Print(func() { why, err = r.tell(f) })
		r.ended(f, why, err)
		r.err = worse(r.err, err)
		r.next++
	}
}

// follow waits until every upload of f is settled, or it is late.
func (r *putting) follow(ctx, late context.Context, f *outcome) error {
	f.shown.Note("stored; waiting")
	if r.slot.Acquire(late, 1) != nil {
		return ErrLate
	}
	defer r.slot.Release(1)
	for now, err := range r.g.Follow(late, f.entry.ID) {
		if err != nil && late.Err() != nil {
			return ErrLate
		}
		if err != nil {
			return fmt.Errorf("stored, but not followed to its end: %w", err)
		}
		f.uploads = ofBytes(now.Uploads, f.entry.SHA256)
		f.shown.Note(waitsFor(f.uploads, now.Sent))
	}
	if slices.ContainsFunc(f.uploads, onItsWay) {
		return ErrLate
	}
	if len(f.uploads) == 0 {
		told, err := r.g.Explain(ctx, f.entry.Path)
		if err != nil {
			return err
		}
		f.why = told.Why
	}
	return nil
}

// ofBytes returns the uploads of the bytes with this hash: those of others that
// were put there before or since are not ours.
func ofBytes(all []operate.Upload, sha256 string) []operate.Upload {
	return slices.DeleteFunc(slices.Clone(all), func(u operate.Upload) bool { return u.SHA256 != sha256 })
}

func onItsWay(u operate.Upload) bool { return u.State == "settling" || u.State == "sending" }

// waitsFor says what is under way: "sending to anh (45 %), waiting for home".
func waitsFor(uploads []operate.Upload, sent map[int64]int64) string {
	var parts []string
	for _, u := range uploads {
		switch {
		case u.State == "sending" && u.Size > 0:
			parts = append(parts, fmt.Sprintf("sending to %s (%d %%)", u.Destination, min(sent[u.ID]*100/u.Size, 100)))
		case onItsWay(u):
			parts = append(parts, "waiting for "+u.Destination)
		}
	}
	return strings.Join(parts, ", ")
}

// worse is the one of nil, ErrLate and ErrFailed that tells more.
func worse(a, b error) error {
	if a == nil || b == ErrFailed {
		return b
	}
	return a
}
