// Package mount notices that a directory which is written to lies on a file system that
// is not mounted now. What is written there meanwhile would fill the disk below, and be
// hidden when the file system is mounted again.
//
// Where the directory lay is remembered: below which path another file system was
// mounted. While none is there, nothing is written; nothing is ever removed. A mount of
// the same file system (mount --bind) is not told from a directory.
package mount

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"slipway/watch"
	"slipway/watch/place"
)

// Options of New. Dir, What, Memory and Name must be there.
type Options struct {
	// Dir is the directory, an absolute path. It need not be there.
	Dir string
	// Top is a directory that Dir lies in: what that is on itself does not matter. "": the
	// whole machine.
	Top string
	// What is written into Dir, for people: "sidecars".
	What string
	// Memory is the watched folder's, and Name the folder's name in it. What is remembered
	// of Dir is remembered under a name that begins so.
	Memory watch.Memory
	Name   string
	// Point returns where the file system is mounted that a directory is on; nil:
	// place.MountPoint.
	Point func(dir string) (string, error)
	Log   *slog.Logger // nil: nothing is logged
}

// Target is the directory. It is safe for concurrent use.
type Target struct {
	o        Options
	problem  atomic.Pointer[string] // what Problem returns; nil: nothing. A disk that does not answer keeps nobody from it
	accepted atomic.Bool            // a person has said that what stands there is right

	mu    sync.Mutex
	asked bool   // the memory was
	known string // where a file system was mounted, below Top; "": nowhere
}

var _ watch.Target = (*Target)(nil)

// New returns a Target. It looks at nothing by itself.
func New(o Options) *Target {
	if o.Point == nil {
		o.Point = place.MountPoint
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Target{o: o}
}

// Check returns nil where Dir may be written to, and remembers what it lies on.
//
//  1. It lies on the file system that it lay on, or on one that is mounted elsewhere:
//     nil. So it is where it is not there, and can be made.
//  2. It lies on the one below that: an error that is watch.ErrAway and says what to do,
//     which Problem returns until Check returns another.
//  3. It cannot be found out: the system's error, or the memory's.
func (t *Target) Check(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.recall(ctx); err != nil {
		return err
	}
	now, err := t.point()
	if err != nil {
		return err
	}
	if t.away(now) && !t.accepted.Load() {
		return t.refuse()
	}
	if now != t.known {
		if err := t.remember(ctx, now); err != nil {
			return err
		}
	}
	t.accepted.Store(false)
	t.problem.Store(nil)
	return nil
}

// away reports whether now is where t.known was mounted on.
func (t *Target) away(now string) bool {
	return t.known != "" && t.known != now && (now == "" || strings.HasPrefix(t.known, now+"/"))
}

// refuse says that nothing is mounted, once to the log.
func (t *Target) refuse() error {
	text := fmt.Sprintf("nothing is mounted at %s now, which %s lies on: no %s are written there until it is (or you agree to it, by slipway watch --release or on the page)",
		filepath.Join(t.top(), filepath.FromSlash(t.known)), t.o.Dir, t.o.What)
	if t.problem.Swap(&text) == nil {
		t.o.Log.Warn("a file system is not mounted", "directory", t.o.Dir, "problem", text)
	}
	return &awayError{text}
}

// Problem returns what the last Check said of a file system that is not mounted; "":
// nothing.
func (t *Target) Problem() string {
	if text := t.problem.Load(); text != nil {
		return *text
	}
	return ""
}

// Returned reports whether there was a problem, and is none now.
func (t *Target) Returned(ctx context.Context) bool {
	return t.Problem() != "" && t.Check(ctx) == nil
}

// Release makes the next Check take what stands there now for right, where there is a
// problem.
func (t *Target) Release() {
	if t.Problem() != "" {
		t.accepted.Store(true)
	}
}

// top is Options.Top.
func (t *Target) top() string {
	if t.o.Top == "" {
		return filepath.VolumeName(t.o.Dir) + string(filepath.Separator)
	}
	return t.o.Top
}

// point returns where the file system is mounted that Dir is on, below Top; "": not
// below it.
func (t *Target) point() (string, error) {
	at, err := t.o.Point(t.o.Dir)
	if at == "" || err != nil {
		return "", err
	}
	top, err := filepath.EvalSymlinks(t.top())
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(top, at)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return "", nil //nolint:nilerr // It is on another volume.
	}
	return filepath.ToSlash(rel), nil
}

// name is the name under which it is remembered.
func (t *Target) name() string { return t.o.Name + "\nmount\n" + path.Clean(filepath.ToSlash(t.o.Dir)) }

// recall reads what is remembered, once.
func (t *Target) recall(ctx context.Context) error {
	if t.asked {
		return nil
	}
	list, err := t.o.Memory.Below(ctx, t.name(), "", "", 1)
	if err != nil {
		return err
	}
	for _, k := range list {
		t.known = k.Path
	}
	t.asked = true
	return nil
}

// remember makes durable where the file system is mounted.
func (t *Target) remember(ctx context.Context, now string) error {
	var list []watch.Known
	var gone []string
	if now != "" {
		list = append(list, watch.Known{Path: now, State: watch.Taken, Done: true})
	}
	if t.known != "" {
		gone = append(gone, t.known)
	}
	if err := t.o.Memory.Store(context.WithoutCancel(ctx), t.name(), list, gone); err != nil {
		return err
	}
	t.known = now
	return nil
}

// awayError says which file system is not mounted.
type awayError struct{ text string }

func (e *awayError) Error() string { return e.text }

// Unwrap returns watch.ErrAway.
func (e *awayError) Unwrap() error { return watch.ErrAway }
