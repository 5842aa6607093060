package watch_test

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway/watch"
)

// late is an after that may be late.
type late struct {
	*after
	held atomic.Bool
}

func (a *late) Update(ctx context.Context, k watch.Known, o *watch.Outcome, store watch.Store) (watch.Known, bool, error) {
	if a.held.Load() {
		return k, false, nil
	}
	return a.after.Update(ctx, k, o, store)
}

// TestOurs: sidecars of which nothing is remembered are left alone, whether the memory
// was lost or they were moved here with their file, and a person's are taken.
func TestOurs(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		a := &late{after: &after{w: w}}
		w.o.Beside, w.o.Hints = a, w.hints
		w.o.Ours = func(rel string) (string, bool) { return strings.CutSuffix(rel, ".url") }
		w.write("lost.jpg", "L")
		w.write("lost.jpg.url", "done")
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.took("lost.jpg=L", "a.jpg=A")
		w.outcome("a.jpg", complete)
		w.has("a.jpg.url", "done")

		a.held.Store(true)
		w.ok(os.Mkdir(w.at("d"), 0o755))
		w.rename("a.jpg", "d/a.jpg")
		w.rename("a.jpg.url", "d/a.jpg.url")
		for _, name := range []string{"d/other.txt", "d/more.txt"} {
			w.write(name, "O")
			w.hints.tell("", true)
			w.wait(10 * time.Second)
		}
		w.took("lost.jpg=L", "a.jpg=A", "d/other.txt=O", "d/more.txt=O")
		w.state("d/a.jpg", watch.Taken)

		w.write("b.jpg", "B") // of which nothing was written yet
		w.wait(2 * time.Minute)
		w.write("b.jpg.url", "a person's")
		w.wait(2 * time.Minute)
		w.took("lost.jpg=L", "a.jpg=A", "d/other.txt=O", "d/more.txt=O", "b.jpg=B", "b.jpg.url=a person's")
	})
}

// ancient makes sidecars older than everything.
type ancient struct{}

func (ancient) Network(string) bool { return false }

func (ancient) Stat(info fs.FileInfo) watch.Stat {
	s := watch.Stat{Inode: 1, Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if strings.HasSuffix(info.Name(), ".url") {
		s.Modified = 1
	}
	return s
}

// TestOursLost: a sidecar that was there before its file was taken is left alone also
// once something is remembered of that.
func TestOursLost(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		a := &late{after: &after{w: w}}
		a.held.Store(true)
		w.o.Beside, w.o.Hints, w.o.Place = a, w.hints, ancient{}
		w.o.Ours = func(rel string) (string, bool) { return strings.CutSuffix(rel, ".url") }
		w.write("lost.jpg", "L")
		w.write("lost.jpg.url", "done")
		w.start()
		w.wait(4 * time.Second)
		w.state("lost.jpg", watch.Taken)
		w.write("more.txt", "M")
		w.wait(2 * time.Minute)
		w.took("lost.jpg=L", "more.txt=M")
	})
}
