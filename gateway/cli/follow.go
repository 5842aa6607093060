package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"slipway/gateway/operate"
	"slipway/gateway/progress"
)

// errLate means that a file was not at its destinations in time.
var errLate = errors.New("not finished in time")

// outcome is what came of one file.
type outcome struct {
	*source
	shown   *progress.File
	entry   operate.Entry
	uploads []operate.Upload // of the bytes that were put
	why     string           // why there are none
	err     error            // that it was not stored, not followed, or errLate
	over    bool
}

// putting is one run of put.
type putting struct {
	*program
	g    operate.Gateway
	o    putOptions
	bar  *progress.Progress
	slot *semaphore.Weighted // for those that are followed

	mu    sync.Mutex
	files []*outcome
	next  int // the first that was not told of
	code  int
}

// put stores the files, four at a time, waits for each, and tells of each in the
// order they were named.
func (p *program) put(ctx context.Context, g operate.Gateway, sources []*source, o putOptions) error {
	r := &putting{program: p, g: g, o: o, bar: newProgress(p.stderr, len(sources)), slot: semaphore.NewWeighted(waiting)}
	defer r.bar.Close()
	for _, s := range sources {
		r.files = append(r.files, &outcome{source: s})
	}
	late, cancel := context.WithTimeout(ctx, o.timeout)
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
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.code != exitOK:
		return &exitError{code: r.code}
	}
	return nil
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
	f.shown = r.bar.File(f.file, f.size)
	f.entry, f.err = store(ctx, r.g, f.source, f.shown.Reader)
	f.uploads = f.entry.Uploads
}

// finish waits for a file that was stored, and tells of those that are over.
func (r *putting) finish(ctx, late context.Context, f *outcome) {
	if f.err == nil && !r.o.noWait {
		f.err = r.follow(ctx, late, f)
	}
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f.over = true
	for r.next < len(r.files) && r.files[r.next].over {
		f, code, why := r.files[r.next], exitOK, ""
		r.bar.Print(func() { code, why = r.tell(f) })
		r.ended(f, code, why)
		r.code = worse(r.code, code)
		r.next++
	}
}

// follow waits until every upload of f is settled, or it is late.
func (r *putting) follow(ctx, late context.Context, f *outcome) error {
	f.shown.Note("stored; waiting")
	if r.slot.Acquire(late, 1) != nil {
		return errLate
	}
	defer r.slot.Release(1)
	for now, err := range r.g.Follow(late, f.entry.ID) {
		if err != nil && late.Err() != nil {
			return errLate
		}
		if err != nil {
			return fmt.Errorf("stored, but not followed to its end: %w", err)
		}
		f.uploads = ofBytes(now.Uploads, f.entry.SHA256)
		f.shown.Note(waitsFor(f.uploads, now.Sent))
	}
	if slices.ContainsFunc(f.uploads, onItsWay) {
		return errLate
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

// worse is the code that tells more: a failure rather than a delay.
func worse(a, b int) int {
	if a == exitFailed || b == exitFailed {
		return exitFailed
	}
	return max(a, b)
}
