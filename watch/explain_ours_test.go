package watch_test

import (
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

// TestExplainOurs: a file that can only be one of ours waits for nothing.
func TestExplainOurs(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Ours = func(rel string) (string, bool) { return "", rel == "_links.csv" }
		w.o.Beside = &after{w: w}
		w.write("a.jpg", "a")
		w.write("_links.csv", "file,url")
		w.start()
		w.wait(time.Minute)
		w.has("a.jpg.url", "waiting")
		for _, rel := range []string{"_links.csv", "a.jpg.url"} {
			if x := w.explain(rel); x.State != watch.Ignored {
				t.Errorf("%s is %+v", rel, x)
			}
		}
		if x := w.explain("other.jpg.url"); x.State != watch.Unknown {
			t.Errorf("what is not there is %+v", x)
		}
		w.took("a.jpg=a")
	})
}

// TestExplainSidecar: a sidecar is said to be one, and of which file, unless a person put
// it beside a file that has none.
func TestExplainSidecar(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.o.Beside = &after{w: w}
		w.o.Ours = func(rel string) (string, bool) {
			of, ours := strings.CutSuffix(rel, ".txt")
			return of, ours
		}
		w.write("d/a.jpg", "a")
		w.start()
		w.wait(time.Minute)
		w.outcome("d/a.jpg", complete)
		w.has("d/a.jpg.url", "done")
		w.write("d/a.jpg.txt", "mine")
		w.write("d/b.jpg.txt", "old")
		for rel, want := range map[string]string{"d/a.jpg.url": "the sidecar of d/a.jpg,", "d/b.jpg.txt": "the sidecar of d/b.jpg,"} {
			if x := w.explain(rel); x.State != watch.Ignored || !strings.Contains(x.Text, want) {
				t.Errorf("%s is %+v", rel, x)
			}
		}
		if x := w.explain("d/a.jpg.txt"); x.State == watch.Ignored {
			t.Errorf("a person's file is %+v", x)
		}
		if !w.explain("d").Dir || !w.explain("").Dir || w.explain("d/a.jpg").Dir {
			t.Error("it is not known what is a directory")
		}
	})
}
