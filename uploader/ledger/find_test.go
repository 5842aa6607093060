package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// all pages through q and checks the order.
func (w *world) all(q ledger.Query) (us []uploader.Upload) {
	w.t.Helper()
	for {
		p, err := w.l.Find(w.t.Context(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		us = append(us, p.Uploads...)
		if p.Next == "" {
			break
		}
		if !p.Partly && len(p.Uploads) != q.Limit {
			w.t.Fatalf("a page of %d, and more follow", len(p.Uploads))
		}
		q.After = p.Next
	}
	if !slices.IsSortedFunc(us, func(a, b uploader.Upload) int {
		if c := b.Changed.Compare(a.Changed); c != 0 {
			return c
		}
		return int(b.ID - a.ID)
	}) {
		w.t.Fatal("not newest first")
	}
	return us
}

func paths(us []uploader.Upload) string {
	var s []string
	for _, u := range us {
		s = append(s, u.Path)
	}
	return strings.Join(s, " ")
}

// worded lets the ledger's housekeeping run until the words are written.
func (w *world) worded() {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.l.Run(ctx) }()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if w.count(`SELECT count(*) FROM (SELECT id FROM uploads WHERE id > (SELECT upload FROM indexed) UNION ALL SELECT id FROM renamed
			UNION ALL SELECT id FROM reroutes) AS pending`) == 0 {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatal("the words are never written")
		}
	}
	stop()
	<-ended
}

// TestFindBeyondTheCount: times before 1678 and after 2262, which 64 bits of
// nanoseconds do not reach, are as early and as late as can be.
func TestFindBeyondTheCount(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.put("/a/x.jpg", "X")
		for _, year := range []int{1, 1600, 1677, 1678, 1970, 2261, 2262, 2263, 5000, 9999} {
			at := time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC)
			since, before := "", "/a/x.jpg"
			if year < 2026 {
				since, before = before, since
			}
			if got := paths(w.all(ledger.Query{Since: at})); got != since {
				t.Errorf("since %d: %q", year, got)
			}
			if got := paths(w.all(ledger.Query{Before: at})); got != before {
				t.Errorf("before %d: %q", year, got)
			}
		}
	})
}

func TestFind(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		sec := func() { w.pass(time.Second) }
		x := w.put("/a/trip/IMG_20240101.jpg", "X")
		sec()
		w.put("/ab/Élan/DSC0002.JPG", "Y")
		sec()
		z := w.put("/b/trip/deep/假期照片.jpg", "Z")
		sec()
		w.put("/a/last.jpg", "L")
		w.pass(time.Second)
		w.finish(w.claim("two", 2)[0], done("1"))
		trip, since := w.lookup("/a/trip"), w.clock()
		const all = "/b/trip/deep/假期照片.jpg /ab/Élan/DSC0002.JPG /a/last.jpg /ab/Élan/DSC0002.JPG /a/trip/IMG_20240101.jpg"
		for _, worded := range []bool{false, true} {
			for i, tt := range []struct {
				q    ledger.Query
				want string
			}{
				{ledger.Query{}, all},
				{ledger.Query{Limit: 2}, all},
				{ledger.Query{Destination: "one"}, "/a/last.jpg /ab/Élan/DSC0002.JPG /a/trip/IMG_20240101.jpg"},
				{ledger.Query{States: []uploader.State{uploader.Done}}, "/ab/Élan/DSC0002.JPG"},
				{ledger.Query{States: []uploader.State{uploader.Done, uploader.Sending}}, "/b/trip/deep/假期照片.jpg /ab/Élan/DSC0002.JPG"},
				{ledger.Query{States: []uploader.State{uploader.Failed}}, ""},
				{ledger.Query{Dir: trip.ID}, "/a/trip/IMG_20240101.jpg"},
				{ledger.Query{Dir: w.lookup("/b").ID}, "/b/trip/deep/假期照片.jpg"},
				{ledger.Query{Dir: w.lookup("/b").ID, Destination: "one"}, ""},
				{ledger.Query{Dir: vfs.Root, Text: "trip"}, "/b/trip/deep/假期照片.jpg /a/trip/IMG_20240101.jpg"},
				{ledger.Query{Text: "img 2024"}, "/a/trip/IMG_20240101.jpg"},
				{ledger.Query{Text: "2024 TRIP"}, "/a/trip/IMG_20240101.jpg"},
				{ledger.Query{Text: "024"}, ""},
				{ledger.Query{Text: "0002"}, "/ab/Élan/DSC0002.JPG /ab/Élan/DSC0002.JPG"},
				{ledger.Query{Text: "élan", Destination: "two"}, "/ab/Élan/DSC0002.JPG"},
				{ledger.Query{Text: "E\u0301LAN", Destination: "two"}, "/ab/Élan/DSC0002.JPG"},
				{ledger.Query{Text: "照片"}, "/b/trip/deep/假期照片.jpg"},
				{ledger.Query{Text: "照片", Dir: trip.ID}, ""},
				{ledger.Query{Text: "***"}, ""},
				{ledger.Query{Text: "%"}, ""},
				{ledger.Query{Entry: x.ID}, "/a/trip/IMG_20240101.jpg"},
				{ledger.Query{Since: since}, "/b/trip/deep/假期照片.jpg /ab/Élan/DSC0002.JPG"},
				{ledger.Query{Before: since, Limit: 1}, "/a/last.jpg /ab/Élan/DSC0002.JPG /a/trip/IMG_20240101.jpg"},
				{ledger.Query{Since: since.Add(-4 * time.Second), Before: since.Add(-time.Second)}, "/ab/Élan/DSC0002.JPG /a/trip/IMG_20240101.jpg"},
			} {
				if got := paths(w.all(tt.q)); got != tt.want {
					t.Errorf("%d (worded %v) %+v:\n got %s\nwant %s", i, worded, tt.q, got, tt.want)
				}
			}
			w.worded()
		}
		// What moved is found where it is, under its new name.
		w.pass(time.Second)
		w.move(x, "/b/Summer.jpg")
		w.move(w.lookup("/b/trip"), "/ab/tour")
		w.worded()
		for text, want := range map[string]string{
			"img": "", "summer": "/b/Summer.jpg /b/Summer.jpg", "trip": "", "tour": "/ab/tour/deep/假期照片.jpg",
		} {
			var got []string
			for _, u := range w.all(ledger.Query{Text: text}) {
				if u.Entry == x.ID || u.Entry == z.ID && u.Destination == "two" {
					got = append(got, u.Path)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %v, want %s", text, got, want)
			}
		}
		if got := paths(w.all(ledger.Query{Dir: w.lookup("/a").ID})); got != "/a/last.jpg" {
			t.Errorf("in /a: %s", got)
		}
	})
}

// TestFindPresent: earlier bytes are left out where only present ones are asked for.
func TestFindPresent(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/x.jpg", "old")
		w.pass(time.Second)
		e = w.put("/a/x.jpg", "new")
		if got := w.all(ledger.Query{Present: true}); len(got) != 1 || got[0].SHA256 != e.SHA256 || len(w.all(ledger.Query{})) != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// TestFindRemoved: uploads of what was removed are found where it was, however
// much of that is gone, and counted there.
func TestFindRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		home, in, deep := w.lookup("/a"), w.lookup("/a/in"), w.lookup("/a/in/deep")
		e := w.put("/a/in/deep/x.jpg", "X")
		w.put("/ab/other.jpg", "O")
		w.remove(e)
		w.worded()
		is := func(what string) {
			t.Helper()
			for _, q := range []ledger.Query{{Dir: home.ID}, {Text: "x"}, {Dir: home.ID, Text: "x jpg"}} {
				if got := paths(w.all(q)); got != "/a/in/deep/x.jpg" {
					t.Errorf("%s, %+v: %s", what, q, got)
				}
			}
			counts, err := w.l.Tallies(t.Context(), home.ID)
			if err != nil || len(counts) != 1 || counts["one"][uploader.Dropped] != 1 || len(counts["one"]) != 1 {
				t.Errorf("%s: %v, %v", what, counts, err)
			}
		}
		is("a file")
		deep.Parent, in.Parent = in.ID, home.ID
		w.removeDir(deep)
		is("its folder")
		w.removeDir(in)
		is("the folder above")
		all, err := w.l.Tallies(t.Context(), vfs.Root)
		if err != nil || all["one"][uploader.Settling] != 1 || all["two"][uploader.Settling] != 1 || all["one"][uploader.Dropped] != 1 {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// removeDir removes a directory that is empty.
func (w *world) removeDir(e vfs.Entry) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM entries WHERE id = $1", int64(e.ID)); err != nil {
			return err
		}
		return w.l.OnCommit(ctx, tx, []vfs.Change{{Kind: vfs.Removed, Entry: e, Path: "/gone", Dirs: []vfs.ID{e.ID}}})
	})
}

func TestFindCursor(t *testing.T) {
	w := newWorld(t, sqlite(t))
	for _, after := range []string{"x", "1", ".", "1.", "1.2.3", "-", "zz.ZZ", "+1.2", "1e3.1e3.", "9999999999999999.1"} {
		if _, err := w.l.Find(t.Context(), ledger.Query{After: after}); !errors.Is(err, ledger.ErrCursor) {
			t.Errorf("%q: %v", after, err)
		}
	}
}

// TestFindIsComplete compares pages with a look at everything, for trees, moves and
// removals of every sort.
func TestFindIsComplete(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		rapid.Check(t, func(r *rapid.T) {
			top := fmt.Sprintf("/ab/%d", w.next)
			var files []vfs.Entry
			at := make(map[vfs.ID]string)
			name := rapid.SampledFrom([]string{"Ab", "ab1", "c-d", "d", "cd/ab", "cd/x", "e/f/ab"})
			for range rapid.IntRange(1, 8).Draw(r, "files") {
				p := top + "/" + name.Draw(r, "name")
				e := w.put(p, fmt.Sprint(w.next))
				if _, known := at[e.ID]; !known {
					files = append(files, e)
				}
				at[e.ID] = p
				if rapid.Bool().Draw(r, "later") {
					w.pass(time.Second)
				}
			}
			if i := rapid.IntRange(0, len(files)-1).Draw(r, "moved"); rapid.Bool().Draw(r, "move") {
				files[i] = w.move(files[i], top+fmt.Sprint("/m/n", i))
				at[files[i].ID] = top + fmt.Sprint("/m/n", i)
			}
			if i := rapid.IntRange(0, len(files)-1).Draw(r, "removed"); rapid.Bool().Draw(r, "remove") {
				w.remove(files[i])
			}
			dir := top + rapid.SampledFrom([]string{"", "/cd", "/m", "/e", "/e/f"}).Draw(r, "dir")
			q := ledger.Query{Dir: w.lookup(dir).ID, Limit: rapid.IntRange(1, 4).Draw(r, "limit"),
				Text: rapid.SampledFrom([]string{"", "ab", "c d", "x", "n"}).Draw(r, "text"), Destination: rapid.SampledFrom([]string{"", "two"}).Draw(r, "to")}
			var want int
			for _, e := range files {
				us, err := w.l.Entry(t.Context(), e.ID)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range us {
					if strings.HasPrefix(at[e.ID], dir+"/") && (q.Destination == "" || u.Destination == q.Destination) && has(at[e.ID], q.Text) {
						want++
					}
				}
			}
			if got := w.all(q); len(got) != want {
				r.Fatalf("%s %+v: %d found (%s), want %d", dir, q, len(got), paths(got), want)
			}
		})
	})
}

// has is the search's rule, said in another way.
func has(p, text string) bool {
	for _, w := range strings.Fields(text) {
		if !strings.Contains(" "+strings.NewReplacer("/", " ", "-", " ", ".", " ").Replace(strings.ToLower(p)), " "+w) {
			return false
		}
	}
	return true
}
