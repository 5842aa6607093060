package watch_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"slipway/watch"
	"slipway/watch/place"
	"slipway/watch/watchtest"
)

// world is a folder on disk with what a watch.Folder needs. It lives in a bubble of
// synctest, where waiting costs no time.
type world struct {
	testing.TB
	root   string
	tree   *watchtest.Tree
	memory *watchtest.Memory
	cut    *watchtest.Cut
	hints  *hints
	o      watch.Options
	f      *watch.Folder
	stop   func()
}

// hints are told by a test.
type hints struct {
	mu      sync.Mutex
	changed func(dir string, all bool)
	err     error
}

func (h *hints) Watch(ctx context.Context, changed func(dir string, all bool)) error {
	h.mu.Lock()
	h.changed = changed
	err := h.err
	h.mu.Unlock()
	if err != nil {
		return err
	}
	changed("", true)
	<-ctx.Done()
	return nil
}

func (h *hints) tell(dir string, all bool) {
	h.mu.Lock()
	changed := h.changed
	h.mu.Unlock()
	if changed != nil {
		changed(dir, all)
	}
}

// in runs test in a bubble, with a folder that nobody watches yet.
func in(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.halt()
		test(t, w)
	})
}

func newWorld(t testing.TB) *world {
	cut := new(watchtest.Cut)
	w := &world{TB: t, root: t.TempDir(), tree: watchtest.NewTree("/inbox"), memory: &watchtest.Memory{Cut: cut}, cut: cut, hints: new(hints)}
	w.tree.Cut = cut
	w.o = watch.Options{
		Name: "drop", Root: w.root, Into: "/inbox", Tree: w.tree, Memory: w.memory, Outcomes: w.tree, Place: local{},
		Ignore: func(rel string, _ bool) string {
			if strings.HasSuffix(rel, ".part") {
				return "it is a temporary file"
			}
			return ""
		},
	}
	return w
}

// local is this machine's, never on a network.
type local struct{ place.System }

func (local) Network(string) bool { return false }

// start watches the folder.
func (w *world) start() {
	w.Helper()
	w.halt()
	ctx, cancel := context.WithCancel(w.Context())
	w.f = watch.New(w.o)
	w.run(ctx, cancel)
}

// again watches the folder as the same process does after a pause.
func (w *world) again() {
	w.Helper()
	w.halt()
	w.run(context.WithCancel(w.Context()))
}

func (w *world) run(ctx context.Context, cancel context.CancelFunc) {
	f := w.f
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f.Run(ctx); err != nil {
			w.Error(err)
		}
	}()
	w.stop = func() { cancel(); <-done }
	w.wait(0)
}

// halt ends it.
func (w *world) halt() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// wait lets time pass, and all that comes of it happen.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) at(rel string) string { return filepath.Join(w.root, filepath.FromSlash(rel)) }

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) write(rel, text string) {
	w.Helper()
	w.ok(os.MkdirAll(filepath.Dir(w.at(rel)), 0o755))
	w.ok(os.WriteFile(w.at(rel), []byte(text), 0o644))
}

func (w *world) append(rel, text string) {
	w.Helper()
	h, err := os.OpenFile(w.at(rel), os.O_WRONLY|os.O_APPEND, 0)
	w.ok(err)
	_, err = h.WriteString(text)
	w.ok(errors.Join(err, h.Close()))
}

func (w *world) rename(from, to string) {
	w.Helper()
	w.ok(os.MkdirAll(filepath.Dir(w.at(to)), 0o755))
	w.ok(os.Rename(w.at(from), w.at(to)))
}

func (w *world) remove(rel string) {
	w.Helper()
	w.ok(os.RemoveAll(w.at(rel)))
}

// versions returns what was put, as "path=text", in the order of paths.
func (w *world) versions() []string {
	var list []string
	for _, v := range w.tree.Versions() {
		list = append(list, strings.TrimPrefix(v.Path, "/inbox/")+"="+v.Text)
	}
	slices.Sort(list)
	return list
}

// took fails unless exactly these versions were put, each once.
func (w *world) took(want ...string) {
	w.Helper()
	slices.Sort(want)
	if got := w.versions(); !slices.Equal(got, want) {
		w.Errorf("put %q, want %q (%+v)", got, want, w.f.Status())
	}
}

// holds fails unless the tree has exactly these files, as "path=text".
func (w *world) holds(want ...string) {
	w.Helper()
	files := w.tree.Files()
	if len(files) != len(want) {
		w.Errorf("the tree has %d files, want %d: %v", len(files), len(want), w.paths())
	}
	for _, s := range want {
		p, text, _ := strings.Cut(s, "=")
		if files[path.Join("/inbox", p)] != sha256.Sum256([]byte(text)) {
			w.Errorf("the tree does not have %s; it has %v", s, w.paths())
		}
	}
}

func (w *world) paths() (list []string) {
	for p := range w.tree.Files() {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// state fails unless the file at rel is remembered so; "" is not at all.
func (w *world) state(rel string, want watch.State) {
	w.Helper()
	var got watch.State
	for _, k := range w.memory.All() {
		if k.Path == rel {
			got = k.State
		}
	}
	if got != want {
		w.Errorf("%s is %q, want %q", rel, got, want)
	}
}

func (w *world) explain(rel string) watch.Explanation {
	w.Helper()
	e, err := w.f.Explain(w.Context(), rel)
	w.ok(err)
	return e
}
