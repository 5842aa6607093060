package watch_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway/watch"
)

// disks are file systems whose numbers are always the same, as those of cards in a
// reader are: what tells one from the other is what is on it, and perhaps its volume.
type disks struct {
	local
	volume atomic.Value
	usb    atomic.Bool // something is mounted at "usb"; its files' names begin so
}

func (d *disks) Volume(string) string { v, _ := d.volume.Load().(string); return v }

func (d *disks) Stat(info fs.FileInfo) watch.Stat {
	s := d.local.Stat(info)
	s.Device = 7
	if info.IsDir() {
		s.Inode = 1
	}
	if d.usb.Load() && strings.HasPrefix(info.Name(), "usb") {
		s.Device = 8
	}
	return s
}

// TestOtherDisk: another file system that is mounted at the place of the known one, with
// its numbers, is another, also when files of it were taken, and after a restart of the
// following. When the known one is back, all is as it was.
func TestOtherDisk(t *testing.T) {
	for _, seen := range []bool{false, true} {
		in(t, func(t *testing.T, w *world) {
			d := new(disks)
			w.o.Place, w.o.Follow = d, true
			d.volume.Store("one")
			w.write("a.jpg", "A")
			w.write("d/b.jpg", "B")
			w.start()
			w.wait(4 * time.Second)
			w.ok(os.Rename(w.root, w.root+".away"))
			if seen {
				w.wait(2 * time.Minute)
			} else {
				d.volume.Store("two") // it was changed between two looks
			}
			w.ok(os.Mkdir(w.root, 0o755))
			w.wait(5 * time.Minute)
			w.holds("a.jpg=A", "d/b.jpg=B")
			w.write("c.jpg", "C")
			w.wait(5 * time.Minute)
			w.holds("a.jpg=A", "d/b.jpg=B", "c.jpg=C")
			if s := w.f.Status(); !strings.Contains(s.Problem, "nothing that is remembered stands in the folder") {
				t.Errorf("%+v", s)
			}
			w.ok(w.tree.Remove("/inbox/c.jpg"))
			w.ok(os.Rename(w.root, w.root+".two"))
			if seen {
				w.wait(2 * time.Minute)
			}
			d.volume.Store("one")
			w.ok(os.Rename(w.root+".away", w.root))
			w.remove("a.jpg")
			w.wait(10 * time.Minute)
			w.holds("d/b.jpg=B")
		})
	}
}

// TestOtherDiskBelow: so it is with what is mounted below the folder.
func TestOtherDiskBelow(t *testing.T) {
	for _, back := range []time.Duration{0, 5 * time.Minute, -24 * time.Hour} {
		otherDiskBelow(t, true, back)
	}
	otherDiskBelow(t, false, 0)
}

// otherDiskBelow does so where that was seen or not, and the clock was then set back.
func otherDiskBelow(t *testing.T, seen bool, back time.Duration) {
	in(t, func(t *testing.T, w *world) {
		var off atomic.Int64
		w.o.Clock = func() time.Time { return time.Now().Add(-time.Duration(off.Load())) }
		d := new(disks)
		d.usb.Store(true)
		w.o.Place, w.o.Follow, w.o.Hints = d, true, w.hints
		w.write("a.jpg", "A")
		w.write("usb/usb-1.jpg", "1")
		w.write("usb/usb/usb-2.jpg", "2")
		w.start()
		w.wait(4 * time.Second)
		away := filepath.Join(t.TempDir(), "away")
		w.ok(os.Rename(w.at("usb"), away))
		w.ok(os.Mkdir(w.at("usb"), 0o755))
		if seen {
			d.usb.Store(false)
			w.hints.tell("", true)
			w.wait(2 * time.Minute)
			d.usb.Store(true)
		}
		w.halt()
		off.Store(int64(back))
		w.again() // the looks that were put off are not waited for
		w.write("usb/usb-3.jpg", "3")
		w.hints.tell("", true)
		w.wait(40 * time.Minute)
		w.holds("a.jpg=A", "usb/usb-1.jpg=1", "usb/usb/usb-2.jpg=2", "usb/usb-3.jpg=3")
		if s := w.f.Status(); !strings.Contains(s.Problem, "mounted at usb now") {
			t.Errorf("%+v", s)
		}
		w.ok(w.tree.Remove("/inbox/usb/usb-3.jpg"))
		w.remove("usb")
		w.ok(os.Rename(away, w.at("usb")))
		w.remove("usb/usb-1.jpg")
		w.wait(10 * time.Minute)
		w.holds("a.jpg=A", "usb/usb/usb-2.jpg=2")
	})
}
