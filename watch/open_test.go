//go:build linux

package watch_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"slipway/watch"
)

// TestOpenForWriting: a file that somebody still writes to is never taken, however long
// he pauses, and whoever opens it meanwhile waits for nobody.
func TestOpenForWriting(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		h, err := os.Create(w.at("a.jpg"))
		w.ok(err)
		defer h.Close()
		_, err = h.WriteString("half")
		w.ok(err)
		w.start()
		for range 20 {
			w.wait(time.Minute)
			w.took()
			e := w.explain("a.jpg")
			if e.State != watch.Settling || !strings.Contains(e.Text, "open for writing") || time.Until(e.Until) > 13*time.Second {
				t.Fatalf("%+v", e)
			}
			if s := w.f.Status(); s.Waiting.Files != 1 {
				t.Fatalf("%+v", s)
			}
		}
		_, err = h.WriteString(", and the other half")
		w.ok(err)
		w.wait(time.Minute)
		w.took()
		w.ok(h.Close())
		w.wait(13 * time.Second)
		w.took("a.jpg=half, and the other half")
		w.append("a.jpg", "!")
		w.wait(2 * time.Minute)
		w.took("a.jpg=half, and the other half", "a.jpg=half, and the other half!")
	})
}

// TestOpenedWhileRead: somebody opens the file for writing while it is read, and has
// written nothing yet when that ends.
func TestOpenedWhileRead(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.write("a.jpg", "half")
		var h *os.File
		w.o.Place = opened{func() {
			if h == nil {
				var err error
				h, err = os.OpenFile(w.at("a.jpg"), os.O_WRONLY|os.O_APPEND, 0)
				w.ok(err)
			}
		}}
		w.start()
		w.wait(time.Minute)
		w.took()
		_, err := h.WriteString(", half")
		w.ok(err)
		w.ok(h.Close())
		w.wait(time.Minute)
		w.took("a.jpg=half, half")
	})
}

// opened has something happen just after a file was found to be nobody's.
type opened struct{ then func() }

func (opened) Network(string) bool              { return false }
func (opened) Stat(info os.FileInfo) watch.Stat { return local{}.Stat(info) }
func (o opened) Writing(file *os.File) bool {
	defer o.then()
	return local{}.Writing(file)
}
