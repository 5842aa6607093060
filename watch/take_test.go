package watch_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

func TestStartAndPolling(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.write("2026/may/b.jpg", "B")
		w.start()
		w.took()
		w.wait(3 * time.Second)
		w.took("a.jpg=A", "2026/may/b.jpg=B")
		w.write("2026/c.jpg", "C")
		w.wait(50 * time.Second)
		w.took("a.jpg=A", "2026/may/b.jpg=B")
		w.wait(14 * time.Second)
		w.took("a.jpg=A", "2026/may/b.jpg=B", "2026/c.jpg=C")
		s := w.f.Status()
		if s.Mode != watch.Polling || s.Why == "" || s.Files != 3 || s.Dirs != 3 || s.Taken.Files != 3 || s.Known[watch.Taken] != 3 || s.Problem != "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestHintsHurry(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		w.start()
		if s := w.f.Status(); s.Mode != watch.Events {
			t.Errorf("%+v", s)
		}
		w.wait(10 * time.Second)
		w.write("new/deep/a.jpg", "A")
		w.hints.tell("new/deep", false) // of a directory that nobody has seen yet
		w.wait(3*time.Second + 100*time.Millisecond)
		w.took("new/deep/a.jpg=A")
	})
}

func TestWithoutHintsWhy(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.hints.err = fmt.Errorf("the limit of inotify watches is reached")
		w.o.Hints = w.hints
		w.start()
		if s := w.f.Status(); s.Mode != watch.Polling || s.Why != "the limit of inotify watches is reached" {
			t.Errorf("%+v", s)
		}
		w.hints.mu.Lock()
		w.hints.err = nil
		w.hints.mu.Unlock()
		w.wait(61 * time.Second)
		if s := w.f.Status(); s.Mode != watch.Events {
			t.Errorf("%+v", s)
		}
	})
}

func TestSettling(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		w.start()
		w.write("slow.jpg", "0")
		for i := range 5 {
			w.hints.tell("", false)
			w.wait(2 * time.Second)
			w.append("slow.jpg", fmt.Sprint(i+1))
			w.took()
		}
		e := w.explain("slow.jpg")
		if e.State != watch.Settling || e.Until.IsZero() || e.Virtual != "/inbox/slow.jpg" {
			t.Errorf("%+v", e)
		}
		w.wait(5 * time.Second) // no hint: the sample sees it
		w.took("slow.jpg=012345")
		e = w.explain("slow.jpg")
		if e.State != watch.Taken || e.Entry != w.tree.Entry("/inbox/slow.jpg") || !strings.Contains(e.Text, "taken as entry") {
			t.Errorf("%+v", e)
		}
	})
}

func TestLongerOnNetwork(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Place = remote{}
		w.write("a.jpg", "A")
		w.start()
		w.wait(9 * time.Second)
		w.took()
		w.wait(time.Second)
		w.took("a.jpg=A")
	})
}

type remote struct{ local }

func (remote) Network(string) bool { return true }

// TestSurpriseDoubles: a writer that pauses for longer than the settle time.
func TestSurpriseDoubles(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Hints = w.hints
		w.start()
		w.write("scan.tif", "page1")
		w.hints.tell("", false)
		w.wait(4 * time.Second)
		w.took("scan.tif=page1")
		for i := range 4 {
			w.append("scan.tif", fmt.Sprint("page", i+2))
			w.hints.tell("", false)
			w.wait(5 * time.Second) // less than the doubled time
		}
		w.wait(5 * time.Second)
		w.took("scan.tif=page1", "scan.tif=page1page2page3page4page5")
	})
}

// TestChangedWhileReading: the file grows between the first byte and the last.
func TestChangedWhileReading(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.mov", "half")
		w.o.Takers = 1
		grown := false
		w.o.Tree = growing{w.tree, func() {
			if !grown {
				grown = true
				w.append("a.mov", "+rest")
			}
		}}
		w.start()
		w.wait(4 * time.Second)
		w.took()
		w.wait(6 * time.Second)
		w.took("a.mov=half+rest")
	})
}

func TestVanishedWhileReading(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.mov", "A")
		w.o.Tree = growing{w.tree, func() { w.remove("a.mov") }}
		w.start()
		w.wait(10 * time.Second)
		w.took()
		if s := w.f.Status(); s.Failed.Files+s.Waiting.Files != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestEmptyNever(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("placeholder.jpg", "")
		w.start()
		w.wait(130 * time.Second)
		w.took()
		if e := w.explain("placeholder.jpg"); e.State != watch.Empty {
			t.Errorf("%+v", e)
		}
		w.write("placeholder.jpg", "now")
		w.wait(65 * time.Second)
		w.took("placeholder.jpg=now")
		w.write("placeholder.jpg", "") // truncated, to be written again
		w.wait(300 * time.Second)
		w.state("placeholder.jpg", watch.Taken)
		w.holds("placeholder.jpg=now")
	})
}

func TestTouchedAndChanged(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.start()
		w.wait(4 * time.Second)
		w.ok(os.Chtimes(w.at("a.jpg"), time.Unix(1, 0), time.Unix(1, 0)))
		w.wait(70 * time.Second)
		w.took("a.jpg=A")
		if k := w.memory.All()[0]; k.Stat.Modified != time.Unix(1, 0).UnixNano() {
			t.Errorf("the touch was not noted: %+v", k)
		}
		entry := w.tree.Entry("/inbox/a.jpg")
		w.write("a.jpg", "B")
		w.wait(70 * time.Second)
		w.took("a.jpg=A", "a.jpg=B")
		w.write("a.jpg.new", "C")
		w.rename("a.jpg.new", "a.jpg") // an editor's safe save
		w.wait(70 * time.Second)
		w.took("a.jpg=A", "a.jpg=B", "a.jpg=C")
		if k := w.memory.All()[0]; k.Entry != entry || w.tree.Entry("/inbox/a.jpg") != entry {
			t.Errorf("not versions of one entry: %+v", k)
		}
	})
}

type refusal string

func (r refusal) Error() string   { return string(r) }
func (r refusal) Reason() string  { return string(r) }
func (r refusal) Forbidden() bool { return true }

// TestRefused: asked again only when the file or the configuration changes.
func TestRefused(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		asked := 0
		refuse := true
		w.tree.Refuse = func(name string, _ int64) error {
			if !strings.HasSuffix(name, ".txt") {
				return nil
			}
			if asked++; refuse {
				return refusal("no route takes it")
			}
			return nil
		}
		w.write("a.txt", "A")
		w.write("b.jpg", "B")
		w.start()
		w.wait(time.Hour)
		w.took("b.jpg=B")
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		if e := w.explain("a.txt"); e.State != watch.Refused || !strings.Contains(e.Text, "no route takes it") {
			t.Errorf("%+v", e)
		}
		if s := w.f.Status(); s.Refused.Files != 1 || s.Failed.Files != 0 || !s.Troubles[0].Next.IsZero() {
			t.Errorf("%+v", s)
		}
		w.append("a.txt", "+")
		w.wait(70 * time.Second)
		if asked != 2 {
			t.Errorf("asked %d times after a change", asked)
		}
		refuse = false
		w.f.Reconsider()
		w.wait(4 * time.Second)
		w.took("b.jpg=B", "a.txt=A+")
	})
}

// TestSteadyStateReadsNoMemory: equal digests are looked at no further.
func TestSteadyStateReadsNoMemory(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		for i := range 50 {
			w.write(fmt.Sprintf("d%d/a.jpg", i), fmt.Sprint(i))
		}
		w.start()
		w.wait(10 * time.Minute)
		before := w.memory.Reads()
		w.wait(time.Hour)
		if after := w.memory.Reads(); after != before {
			t.Errorf("the memory was read %d times in an hour without changes", after-before)
		}
		w.write("d7/b.jpg", "new")
		w.wait(64 * time.Second)
		if after := w.memory.Reads(); after-before > 10 {
			t.Errorf("the memory was read %d times for one file", after-before)
		}
		if n := len(w.tree.Versions()); n != 51 {
			t.Errorf("%d versions", n)
		}
	})
}
