package watch_test

import (
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"slipway/watch"
)

// scan scans once.
func (w *world) scan(o watch.ScanOptions) watch.Summary {
	w.Helper()
	w.halt()
	w.f = watch.New(w.o)
	s, err := w.f.Scan(w.Context(), o)
	w.ok(err)
	synctest.Wait()
	return s
}

func TestScanOnce(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.tree.Refuse = func(name string, _ int64) error {
			if name == "/inbox/no.txt" {
				return refusal("no route takes it")
			}
			return nil
		}
		w.write("a.jpg", "A")
		w.write("sub/b.jpg", "BB")
		w.write("no.txt", "N")
		w.write("empty.jpg", "")
		began := time.Now()
		var steps []string
		var last watch.Progress
		s := w.scan(watch.ScanOptions{
			Step:     func(s watch.Step) { steps = append(steps, s.Kind+" "+s.Path) },
			Progress: func(p watch.Progress) { last = p },
		})
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		slices.Sort(steps)
		if !slices.Equal(steps, []string{"refuse no.txt", "take a.jpg", "take sub/b.jpg"}) {
			t.Errorf("steps %q", steps)
		}
		w.took("a.jpg=A", "sub/b.jpg=BB")
		if s.Found != (watch.Amount{Files: 3, Bytes: 4}) || s.Taken != (watch.Amount{Files: 2, Bytes: 3}) || s.Refused.Files != 1 || s.Empty != 1 ||
			s.Waiting.Files != 0 || s.Total.Files != 3 || len(s.Troubles) != 1 || s.Problem != "" || last.Taken != s.Taken {
			t.Errorf("%+v", s)
		}
		w.rename("a.jpg", "c.jpg")
		s = w.scan(watch.ScanOptions{})
		if s.Same.Files != 1 || s.Moved.Files != 1 || s.Taken.Files != 0 {
			t.Errorf("%+v", s)
		}
		w.took("a.jpg=A", "sub/b.jpg=BB")
		began = time.Now()
		if s = w.scan(watch.ScanOptions{}); s.Same.Files != 2 || time.Since(began) > 3500*time.Millisecond {
			t.Errorf("%v: %+v", time.Since(began), s)
		}
	})
}

// TestScanOfWhatChanges ends in spite of a file that is always written to.
func TestScanOfWhatChanges(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("log.jpg", "0")
		w.write("a.jpg", "A")
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
					h, err := os.OpenFile(w.at("log.jpg"), os.O_WRONLY|os.O_APPEND, 0)
					if err != nil {
						return
					}
					h.WriteString(".") //nolint:errcheck // The test will see.
					h.Close()
				}
			}
		}()
		s := w.scan(watch.ScanOptions{})
		close(stop)
		w.took("a.jpg=A")
		if s.Waiting.Files != 1 || s.Took < 10*time.Minute || s.Took > 11*time.Minute {
			t.Errorf("%+v", s)
		}
	})
}

// TestScanFollows: from one run to the next, deletions are followed too.
func TestScanFollows(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Follow = true
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.scan(watch.ScanOptions{})
		w.remove("a.jpg")
		w.scan(watch.ScanOptions{})
		w.holds("a.jpg=A", "b.jpg=B")
		w.wait(5 * time.Minute)
		w.scan(watch.ScanOptions{})
		w.holds("b.jpg=B")
	})
}

func TestScanOfNothing(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.ok(os.Remove(w.root))
		if s := w.scan(watch.ScanOptions{}); s.Problem == "" || s.Found.Files != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestDryRun(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "A")
		w.write("b.jpg", "B")
		w.scan(watch.ScanOptions{})
		remembered := len(w.memory.All())
		w.tree.Refuse = func(name string, _ int64) error {
			if name == "/inbox/no.txt" {
				return refusal("no route takes it")
			}
			return nil
		}
		w.rename("b.jpg", "sub/b.jpg")
		w.write("c.jpg", "C")
		w.write("no.txt", "N")
		var steps []string
		began := time.Now()
		s := w.scan(watch.ScanOptions{DryRun: true, Step: func(s watch.Step) { steps = append(steps, s.Kind+" "+s.Path+" "+s.From+s.Why) }})
		if time.Since(began) != 0 {
			t.Error("a dry run waits for nothing")
		}
		if want := []string{"same a.jpg ", "take c.jpg ", "refuse no.txt no route takes it", "move sub/b.jpg b.jpg"}; !slices.Equal(steps, want) {
			t.Errorf("steps %q, want %q", steps, want)
		}
		if s.Taken.Files != 1 || s.Moved.Files != 1 || s.Same.Files != 1 || s.Refused.Files != 1 {
			t.Errorf("%+v", s)
		}
		w.took("a.jpg=A", "b.jpg=B")
		w.holds("a.jpg=A", "b.jpg=B")
		if n := len(w.memory.All()); n != remembered {
			t.Errorf("%d files are remembered, not %d", n, remembered)
		}
	})
}

func TestExplain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("x.part", "X")
		w.start()
		w.write("sub/new.jpg", "N")
		for _, tt := range []struct {
			rel   string
			state watch.State
		}{{"x.part", watch.Ignored}, {"sub/new.jpg", watch.Unseen}, {"nothing.jpg", watch.Unknown}, {"sub", watch.Unseen}, {"", watch.Unseen}, {"../../etc/passwd", watch.Unknown}} {
			if e := w.explain(tt.rel); e.State != tt.state || e.Text == "" {
				t.Errorf("%s: %+v", tt.rel, e)
			}
		}
	})
}

// TestTwice: two runs at a time would take everything twice.
func TestTwice(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.start()
		if _, err := w.f.Scan(t.Context(), watch.ScanOptions{}); err == nil {
			t.Error("a second run began")
		}
	})
}
