package watch_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"slipway/watch"
)

// TestRandom does random things to a folder, with hints that are delayed, dropped,
// reordered or wrong. After all is quiet the virtual filesystem has what the folder
// has, and every content was put as often as it came up at a place, and no more.
func TestRandom(t *testing.T) { random(t, false) }

// TestRandomCrashes does the same, and the program crashes between any two steps.
func TestRandomCrashes(t *testing.T) { random(t, true) }

func random(t *testing.T, crashes bool) {
	rapid.Check(t, func(rt *rapid.T) {
		var caught any // rapid's way out of a failed run must not leave the bubble
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer os.RemoveAll(w.root)
			defer w.halt()
			defer func() { caught = recover() }()
			w.o.Follow, w.o.Hints = true, w.hints
			m := &mess{world: w, rt: rt, before: make(map[string]string), stands: make(map[string]standing)}
			w.start()
			for range rapid.IntRange(1, 4).Draw(rt, "bursts") {
				m.burst(crashes)
				m.quiet()
			}
		})
		if caught != nil {
			panic(caught)
		}
	})
}

// mess is what is done to a folder.
type mess struct {
	*world
	rt      *rapid.T
	before  map[string]string // what the folder had when it was quiet last
	seen    int               // versions that were put before
	n       int               // of the last content
	told    []hint            // delayed
	passing map[string]bool   // contents that stood for long enough to be taken
	stands  map[string]standing
	done    []string // in this burst
	crashed bool
	moved   bool // directories were, ever
	dirs    bool // directories were moved in this burst
	paused  bool // time has passed in it
}

// standing is a content that was at a path at the end of each pause since a time.
type standing struct {
	content string
	since   time.Time
}

type hint struct {
	dir string
	all bool
}

// fresh returns a content that nothing else has; each has another length.
func (m *mess) fresh() string {
	m.n++
	return strings.Repeat("x", m.n) + fmt.Sprint(m.n)
}

var names = []string{"a.jpg", "b.jpg", "c.jpg"}
var folders = []string{"", "d", "e", "d/f", "d/g", "e/f"}

func (m *mess) path(label string) string {
	return path.Join(rapid.SampledFrom(folders).Draw(m.rt, label+" in"), rapid.SampledFrom(names).Draw(m.rt, label))
}

// files returns what is on disk.
func (m *mess) files() map[string]string {
	files := make(map[string]string)
	err := filepath.WalkDir(m.root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(p, ".part") {
			var b []byte
			b, err = os.ReadFile(p)
			rel, _ := filepath.Rel(m.root, p)
			files[filepath.ToSlash(rel)] = string(b)
		}
		return err
	})
	m.ok(err)
	return files
}

func (m *mess) some(label string) (string, bool) {
	files := slices.Sorted(maps.Keys(m.files()))
	if len(files) == 0 {
		return "", false
	}
	return rapid.SampledFrom(files).Draw(m.rt, label), true
}

// burst does a few things.
func (m *mess) burst(crashes bool) {
	m.passing, m.dirs, m.paused, m.done = make(map[string]bool), false, false, nil
	for range rapid.IntRange(1, 12).Draw(m.rt, "operations") {
		if crashes && rapid.IntRange(0, 3).Draw(m.rt, "crash") == 0 {
			m.crash()
		}
		m.do()
	}
}

// crash makes the program end at its nth step from now, some time later, and starts
// it again.
func (m *mess) crash() {
	m.crashed = true
	m.cut.After(rapid.IntRange(0, 12).Draw(m.rt, "after"))
	m.pass(rapid.SampledFrom([]time.Duration{0, 3 * time.Second, 10 * time.Second, 2 * time.Minute}).Draw(m.rt, "until"))
	if rapid.Bool().Draw(m.rt, "meanwhile") {
		m.halt()
		m.do()
	}
	m.halt()
	m.cut.Off()
	m.start()
}

// pass lets time pass; what stands for longer than the settle time may be taken.
func (m *mess) pass(d time.Duration) {
	m.paused = m.paused || d > 0
	files := m.files()
	for p, c := range files {
		if s, ok := m.stands[p]; !ok || s.content != c {
			m.stands[p] = standing{c, time.Now()}
		}
	}
	m.wait(d)
	for p, s := range m.stands {
		if c, still := files[p]; !still || c != s.content {
			delete(m.stands, p)
		} else if time.Since(s.since) >= 3*time.Second {
			m.passing[c] = true
		}
	}
}

// do does one thing.
func (m *mess) do() {
	to := m.path("to")
	if info, err := os.Stat(m.at(path.Dir(to))); err == nil && !info.IsDir() {
		return
	}
	from, some := m.some("from")
	what := rapid.SampledFrom([]string{
		"create", "partial", "append", "truncate", "empty", "replace", "move", "move", "folder", "copy", "delete", "touch", "pause", "hints",
	}).Draw(m.rt, "what")
	m.note(what, from, to)
	switch {
	case what == "create":
		m.write(to, m.fresh())
	case what == "partial":
		m.write(to, m.fresh())
		m.pass(rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(m.rt, "writing"))
		m.append(to, m.fresh())
	case what == "folder":
		m.folder()
		return
	case what == "pause":
		m.pass(rapid.SampledFrom([]time.Duration{time.Second, 4 * time.Second, 70 * time.Second}).Draw(m.rt, "pause"))
		return
	case what == "hints":
		m.release()
		return
	case !some:
		return
	case what == "append":
		m.append(from, m.fresh())
		to = from
	case what == "truncate" || what == "empty":
		size := int64(0)
		if info, err := os.Stat(m.at(from)); err == nil && what == "truncate" {
			size = info.Size() / 2
		}
		m.ok(os.Truncate(m.at(from), size))
		to = from
	case what == "replace":
		m.write(from+".part", m.fresh())
		m.rename(from+".part", from)
		to = from
	case what == "move":
		m.rename(from, to)
	case what == "copy":
		if from != to {
			m.write(to, m.files()[from])
		}
	case what == "delete":
		m.remove(from)
	case what == "touch":
		m.ok(os.Chtimes(m.at(from), time.Unix(int64(m.n), 1), time.Unix(int64(m.n), 1)))
		to = from
	}
	m.hint(path.Dir(to))
	m.hint(path.Dir(from))
}

// note notes what is done.
func (m *mess) note(what, from, to string) { m.done = append(m.done, what+" "+from+" "+to) }

// folder moves a directory.
func (m *mess) folder() {
	from := rapid.SampledFrom(folders[1:]).Draw(m.rt, "folder")
	to := rapid.SampledFrom(folders[1:]).Draw(m.rt, "folder to")
	if strings.HasPrefix(to+"/", from+"/") || strings.HasPrefix(from+"/", to+"/") {
		return
	}
	m.ok(os.MkdirAll(m.at(path.Dir(to)), 0o755))
	if os.Rename(m.at(from), m.at(to)) == nil { // onto an empty one, or none
		m.dirs, m.moved = true, true
	}
	m.hint(path.Dir(from))
	m.hint(path.Dir(to))
}

// hint tells of a directory: now, later, wrongly or never.
func (m *mess) hint(dir string) {
	if dir == "." {
		dir = ""
	}
	switch rapid.IntRange(0, 5).Draw(m.rt, "hint") {
	case 0, 1:
		m.hints.tell(dir, false)
	case 2:
		m.hints.tell(dir, true)
	case 3:
		m.told = append(m.told, hint{dir, false})
	case 4:
		m.hints.tell("d/nowhere", true)
	}
}

// release tells what was delayed, the last first.
func (m *mess) release() {
	for _, h := range slices.Backward(m.told) {
		m.hints.tell(h.dir, h.all)
	}
	m.told = nil
}

// quiet waits until nothing happens, and compares.
func (m *mess) quiet() {
	m.wait(6 * time.Minute)
	if strings.Contains(m.f.Status().Problem, "count as deleted") {
		m.f.Release() // at a start nothing of what was remembered was there
		m.wait(4 * time.Minute)
	}
	now := m.files()
	for p, c := range now {
		if c != "" {
			continue
		}
		delete(now, p) // an empty file says nothing of what was there before
		had := m.tree.Files()["/inbox/"+p]
		for c := range m.passing {
			if sha256.Sum256([]byte(c)) == had {
				now[p] = c
			}
		}
		for _, c := range m.before {
			if sha256.Sum256([]byte(c)) == had {
				now[p] = c
			}
		}
	}
	m.release()
	m.wait(2 * time.Minute)
	m.compare(now)
	m.before, m.seen = now, len(m.tree.Versions())
}

// leftovers takes entries out of the comparison whose files went after a crash that
// came between two steps: between the intent to put other bytes onto an entry and the
// putting, whose bytes it has is not known, and between the move of a directory and the
// note of it, whose entries these are. Then they stay.
func (m *mess) leftovers(tree, want map[string][32]byte) {
	known := make(map[string]watch.Known)
	for _, k := range m.memory.All() {
		known["/inbox/"+k.Path] = k
	}
	for p, sum := range maps.Clone(tree) {
		if _, wanted := want[p]; wanted {
			continue
		}
		k, had := known[p]
		if had && k.State == watch.Gone && k.Sum != sum || !had && m.moved {
			delete(tree, p)
			m.ok(m.tree.Remove(p))
		}
	}
}

func (m *mess) compare(now map[string]string) {
	tree := m.tree.Files()
	want := make(map[string][32]byte)
	for p, c := range now {
		want["/inbox/"+p] = sha256.Sum256([]byte(c))
	}
	if m.crashed {
		m.leftovers(tree, want)
	}
	if !maps.Equal(tree, want) {
		m.rt.Fatalf("the tree has %v, the folder %v\n%+v\n%+v", slices.Sorted(maps.Keys(tree)), slices.Sorted(maps.Keys(want)), m.f.Status(), m.memory.All())
	}
	put := make(map[[32]byte]int)
	for _, v := range m.tree.Versions()[m.seen:] {
		put[v.Sum]++
	}
	for c := range m.contents(now) {
		least, most := m.demanded(c, now)
		if n := put[sha256.Sum256([]byte(c))]; n < least || n > most {
			m.rt.Fatalf("a content of %d bytes was put %d times; %d to %d are right\nbefore %v\nnow %v\ndone %q\nversions %v\nmoves %v\n%+v", len(c), n, least, most,
				short(m.before), short(now), m.done, m.tree.Versions()[m.seen:], m.tree.Moves(), m.memory.All())
		}
		delete(put, sha256.Sum256([]byte(c)))
	}
	for c := range m.passing {
		delete(put, sha256.Sum256([]byte(c)))
	}
	if len(put) > 0 {
		m.rt.Fatalf("%d contents were put that never stood still", len(put))
	}
}

// short returns the lengths, by which contents differ.
func short(files map[string]string) map[string]int {
	lengths := make(map[string]int)
	for p, c := range files {
		lengths[p] = len(c)
	}
	return lengths
}

func (m *mess) contents(now map[string]string) map[string]bool {
	all := make(map[string]bool)
	for _, c := range now {
		all[c] = true
	}
	return all
}

// demanded returns how often c has to be put, at least and at most. Paths that have
// other bytes now want a version; new paths want one each, but for those that
// something with the bytes was moved to. With time passing in between it may have
// been taken where it was for a while, and with directories moved, whose files keep
// their entries, it cannot be said which one came from where.
func (m *mess) demanded(c string, now map[string]string) (least, most int) {
	changed, came, went := 0, 0, 0
	for p, is := range now {
		was, had := m.before[p]
		switch {
		case is == c && had && was != c:
			changed++
		case is == c && !had:
			came++
		}
	}
	for p, was := range m.before {
		if _, still := now[p]; was == c && !still {
			went++
		}
	}
	least = changed + max(0, came-went)
	most = least
	if m.dirs {
		least, most = max(0, changed+came-went-changed), changed+came
	}
	if m.paused {
		least, most = 0, len(folders)*len(names)
		if _, had := m.contents(m.before)[c]; !had {
			least = 1
		}
	}
	return least, most
}
