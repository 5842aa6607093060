package notice

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// fakeSource tells what a test says.
type fakeSource struct {
	events chan fsnotify.Event
	errs   chan error

	mu    sync.Mutex
	dirs  map[string]bool
	limit int // how many directories can be watched; 0: any number
	err   error
}

func newFake() *fakeSource {
	return &fakeSource{events: make(chan fsnotify.Event), errs: make(chan error), dirs: make(map[string]bool)}
}

func (s *fakeSource) Add(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && len(s.dirs) >= s.limit {
		return s.err
	}
	s.dirs[dir] = true
	return nil
}

func (s *fakeSource) Remove(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dirs, dir)
	return nil
}

func (s *fakeSource) WatchList() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for dir := range s.dirs {
		list = append(list, dir)
	}
	return list
}

func (s *fakeSource) Events() <-chan fsnotify.Event { return s.events }
func (s *fakeSource) Errors() <-chan error          { return s.errs }
func (s *fakeSource) Close() error                  { close(s.events); return nil }

func (s *fakeSource) setLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

// told keeps hints with the time at which they came.
type told struct {
	mu   sync.Mutex
	list []string
}

func (l *told) changed(dir string, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, fmt.Sprintf("%q %v", dir, all))
}

func (l *told) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	return list
}

// watching runs f beside a Watch with fakes, in a bubble in which time is not waited
// for. sources returns those that were opened.
func watching(t *testing.T, o Options, limit int, f func(n *Notice, sources func() []*fakeSource, l *told)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var sources []*fakeSource
		o.Source = func() (Source, error) {
			s := newFake()
			s.limit, s.err = limit, fmt.Errorf("add: %w", syscall.ENOSPC)
			sources = append(sources, s)
			return s, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		n, l := New(o), &told{}
		done := make(chan error, 1)
		go func() { done <- n.Watch(ctx, l.changed) }()
		synctest.Wait()
		f(n, func() []*fakeSource { return sources }, l)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch: %v", err)
		}
	})
}

// TestFlood writes as a large file does, 1,593 times within a second.
func TestFlood(t *testing.T) {
	root := t.TempDir()
	watching(t, Options{Root: root}, 0, func(_ *Notice, sources func() []*fakeSource, l *told) {
		s := sources()[0]
		l.take()
		for range 1593 {
			s.events <- fsnotify.Event{Name: filepath.Join(root, "a.jpg"), Op: fsnotify.Write}
			time.Sleep(time.Second / 1593)
		}
		time.Sleep(time.Second)
		if got := l.take(); len(got) < 10 || len(got) > 21 {
			t.Errorf("%d hints within a second", len(got))
		}
		s.events <- fsnotify.Event{Name: filepath.Join(root, "a.jpg"), Op: fsnotify.Write}
		synctest.Wait()
		if got := l.take(); len(got) != 1 {
			t.Errorf("a change after rest is told %d times at once", len(got))
		}
	})
}

// TestManyDirectories makes sure that hints take no more memory than is set.
func TestManyDirectories(t *testing.T) {
	b := newInbox()
	for i := range 3 * maxDirty {
		b.heed("/r", fsnotify.Event{Name: fmt.Sprintf("/r/%d/a", i), Op: fsnotify.Write})
		if len(b.dirty) > maxDirty {
			t.Fatalf("%d directories are kept", len(b.dirty))
		}
	}
	if !b.dirty[""] {
		t.Error("not everything counts as changed")
	}
	for i := range 2 * maxTouched {
		b.heed("/r", fsnotify.Event{Name: fmt.Sprintf("/r/%d", i), Op: fsnotify.Create})
	}
	if _, _, err := b.structure(); !errors.Is(err, errLost) || len(b.touched) > maxTouched {
		t.Errorf("%d paths are kept, %v", len(b.touched), err)
	}
}

// TestOverflow loses events, and demands that everything is looked at, with new
// watches.
func TestOverflow(t *testing.T) {
	root := t.TempDir()
	watching(t, Options{Root: root}, 0, func(_ *Notice, sources func() []*fakeSource, l *told) {
		if got := l.take(); len(got) != 1 || got[0] != `"" true` {
			t.Fatalf("first hints: %v", got)
		}
		if err := os.Mkdir(filepath.Join(root, "unseen"), 0o755); err != nil {
			t.Fatal(err)
		}
		sources()[0].errs <- fsnotify.ErrEventOverflow
		synctest.Wait()
		if got := l.take(); len(got) == 0 || got[0] != `"" true` {
			t.Errorf("hints after an overflow: %v", got)
		}
		time.Sleep(restartEvery)
		synctest.Wait()
		if got := l.take(); len(got) != 1 || got[0] != `"" true` || len(sources()) != 2 {
			t.Errorf("hints after the new beginning: %v, %d sources", got, len(sources()))
		}
		if !sources()[1].dirs[filepath.Join(root, "unseen")] {
			t.Errorf("watched are %v", sources()[1].WatchList())
		}
	})
}

// TestRealOverflow makes the kernel drop events: nobody fetches them.
func TestRealOverflow(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes 20,000 files")
	}
	root := t.TempDir()
	mkdir(t, root, "d")
	gate := make(chan struct{})
	first := true
	_, f := begin(t, Options{Root: root, Source: func() (Source, error) {
		s, err := system()
		if first && err == nil {
			first = false
			return heldSource{s, gate, make(chan fsnotify.Event)}, nil
		}
		return s, err
	}})
	for i := range 20_000 {
		if f, err := os.Create(filepath.Join(root, "d", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		} else {
			f.Close()
		}
	}
	mkdir(t, root, "late/dir")
	close(gate)
	f.until(t, "files are missed", func() bool { return len(f.seen) == 20_000 })
	write(t, root, "late/dir/x.jpg")
	f.finds(t, "late/dir/x.jpg")
}

// heldSource gives no events before the gate opens.
type heldSource struct {
	Source
	gate   chan struct{}
	events chan fsnotify.Event
}

func (s heldSource) Events() <-chan fsnotify.Event {
	go func() {
		<-s.gate
		defer close(s.events)
		for e := range s.Source.Events() {
			s.events <- e
		}
	}()
	return s.events
}

// TestLimit reaches the limit of watches, and raises it.
func TestLimit(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/deep/deeper", "b", "c"} {
		mkdir(t, root, dir)
	}
	watching(t, Options{Root: root}, 3, func(n *Notice, sources func() []*fakeSource, l *told) {
		s := sources()[0]
		why := n.Polled()
		for _, part := range []string{"limit", "scans", "sysctl fs.inotify.max_user_watches="} {
			if !strings.Contains(why, part) {
				t.Errorf("%q does not say %q", why, part)
			}
		}
		l.take()
		time.Sleep(defaultRecover)
		synctest.Wait()
		if n.Polled() == "" || len(s.WatchList()) != 3 {
			t.Errorf("watched are %v, and it is said: %q", s.WatchList(), n.Polled())
		}
		s.setLimit(0)
		time.Sleep(defaultRecover)
		synctest.Wait()
		if why := n.Polled(); why != "" || len(s.WatchList()) != 6 {
			t.Errorf("watched are %v, and it is said: %q", s.WatchList(), why)
		}
		time.Sleep(time.Second)
		if got := l.take(); len(got) == 0 {
			t.Error("what was not watched is not told of")
		}
	})
}

// TestOwnLimit reaches the limit of this package.
func TestOwnLimit(t *testing.T) {
	root := t.TempDir()
	for i := range 10 {
		mkdir(t, root, fmt.Sprint(i))
	}
	watching(t, Options{Root: root, Limit: 4}, 0, func(n *Notice, sources func() []*fakeSource, _ *told) {
		s := sources()[0]
		if !strings.Contains(n.Polled(), "split the folder") || len(s.WatchList()) != 4 {
			t.Errorf("watched are %v, and it is said: %q", s.WatchList(), n.Polled())
		}
	})
}

// TestNothingToBeHad makes sure that it is said what to do where nothing at all can be
// watched.
func TestNothingToBeHad(t *testing.T) {
	root := t.TempDir()
	none := func(string, bool) { t.Error("a hint") }
	err := New(Options{Root: root, Source: func() (Source, error) { return nil, syscall.EMFILE }}).Watch(t.Context(), none)
	if err == nil || !strings.Contains(err.Error(), "max_user_instances=") {
		t.Errorf("no source: %v", err)
	}
	s := newFake()
	s.limit, s.err, s.dirs["/other"] = 1, syscall.ENOSPC, true
	err = New(Options{Root: root, Source: func() (Source, error) { return s, nil }}).Watch(t.Context(), none)
	if err == nil || !strings.Contains(err.Error(), "max_user_watches=") {
		t.Errorf("no watch: %v", err)
	}
}

// TestAudit loses a watch without a word, and makes a directory of which no event
// comes; both are found by looking.
func TestAudit(t *testing.T) {
	root := t.TempDir()
	mkdir(t, root, "a")
	watching(t, Options{Root: root}, 0, func(_ *Notice, sources func() []*fakeSource, l *told) {
		s := sources()[0]
		s.Remove(filepath.Join(root, "a")) //nolint:errcheck // It cannot fail.
		mkdir(t, root, "b/c")
		l.take()
		time.Sleep(defaultRecover + time.Second)
		if got := len(s.WatchList()); got != 4 {
			t.Errorf("watched are %v", s.WatchList())
		}
		if got := strings.Join(l.take(), ", "); !strings.Contains(got, `"a" true`) || !strings.Contains(got, `"b" true`) {
			t.Errorf("hints: %s", got)
		}
		if err := os.RemoveAll(filepath.Join(root, "b")); err != nil {
			t.Fatal(err)
		}
		s.errs <- errors.New("something about a watch")
		synctest.Wait()
		if got := len(s.WatchList()); got != 2 {
			t.Errorf("watched are %v", s.WatchList())
		}
	})
}

// TestAnotherRoot puts another folder in the place of the watched one, as mounting
// does, of which the system tells nothing.
func TestAnotherRoot(t *testing.T) {
	base := t.TempDir()
	root := filepath.Join(base, "in")
	mkdir(t, root)
	synctest.Test(t, func(t *testing.T) {
		s := newFake()
		done := make(chan error, 1)
		go func() {
			done <- New(Options{Root: root, Source: func() (Source, error) { return s, nil }}).Watch(t.Context(), func(string, bool) {})
		}()
		synctest.Wait()
		rename(t, base, "in", "old")
		mkdir(t, root)
		if err := <-done; err == nil || !strings.Contains(err.Error(), "another folder") {
			t.Errorf("Watch: %v", err)
		}
	})
}

// TestSourceEnds makes sure that it is said when no more events come.
func TestSourceEnds(t *testing.T) {
	root := t.TempDir()
	s := newFake()
	ends := endingSource{s, make(chan fsnotify.Event)}
	close(ends.events)
	err := New(Options{Root: root, Source: func() (Source, error) { return ends, nil }}).Watch(t.Context(), func(string, bool) {})
	if err == nil || !strings.Contains(err.Error(), "no more events") {
		t.Errorf("Watch: %v", err)
	}
}

type endingSource struct {
	*fakeSource
	events chan fsnotify.Event
}

func (s endingSource) Events() <-chan fsnotify.Event { return s.events }
