package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
)

func listed(all []ledger.Shown) string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name+"="+strings.TrimPrefix(s.URL, "https://host/"))
	}
	return strings.Join(names, " ")
}

// TestAlbum: only what is hosted is shown: by name and page by page, and the newest
// first; of two hosts the first of the route.
func TestAlbum(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		a := w.put("/ab/a.jpg", "A")
		b := w.put("/ab/b.jpg", "B")
		w.put("/ab/waiting.jpg", "W")
		replaced := w.put("/ab/replaced.jpg", "R")
		lost := w.put("/ab/lost.jpg", "L")
		other := w.put("/a/elsewhere.jpg", "E")
		at := make(map[string]uploader.Claimed)
		for _, destination := range []string{"two", "one"} {
			n := 5
			if destination == "one" {
				n = 6
			}
			for _, c := range w.claim(destination, n) {
				at[fmt.Sprint(c.Entry, destination)] = c
			}
		}
		send := func(id int64, destination, url string) {
			w.pass(time.Second)
			o := done(url)
			if url == "" {
				o.Picture.URL = ""
			}
			w.finish(at[fmt.Sprint(id, destination)], o)
		}
		send(int64(b.ID), "one", "b1")
		send(int64(a.ID), "two", "a2")
		send(int64(replaced.ID), "one", "r1")
		send(int64(lost.ID), "one", "")
		send(int64(other.ID), "one", "e1")
		send(int64(a.ID), "one", "a1")
		w.put("/ab/replaced.jpg", "RR")

		dir := a.Parent
		all, err := w.l.Album(ctx, dir, "", 10)
		if err != nil || listed(all) != "a.jpg=a1 b.jpg=b1" || all[0].Type != "image/jpeg" || all[0].Key == "" {
			t.Errorf("%+v %v", all, err)
		}
		if page, err := w.l.Album(ctx, dir, "a.jpg", 10); err != nil || listed(page) != "b.jpg=b1" {
			t.Errorf("%+v %v", page, err)
		}
		if page, err := w.l.Album(ctx, dir, "", 1); err != nil || listed(page) != "a.jpg=a1" {
			t.Errorf("%+v %v", page, err)
		}
		newest, err := w.l.Newest(ctx, dir, 10)
		if err != nil || listed(newest) != "a.jpg=a1 b.jpg=b1" {
			t.Errorf("%+v %v", newest, err)
		}
		if newest, err := w.l.Newest(ctx, dir, 1); err != nil || listed(newest) != "a.jpg=a1" {
			t.Errorf("%+v %v", newest, err)
		}
		dirs, err := w.l.Dirs(ctx, 1, 10)
		if err != nil || len(dirs) != 2 || dirs[0].Name != "a" || dirs[1].Name != "ab" || dirs[1].ID != dir {
			t.Errorf("%+v %v", dirs, err)
		}
	})
}

// TestAlbumPages: pages that rows of one picture straddle lose none and repeat none.
func TestAlbumPages(t *testing.T) {
	w := newWorld(t, sqlite(t))
	const n = 700
	e := w.put("/ab/0000.jpg", "0")
	for i := 1; i < n; i++ {
		w.put(fmt.Sprintf("/ab/%04d.jpg", i), fmt.Sprint(i))
	}
	for _, d := range []string{"one", "two"} {
		for left := n; left > 0; {
			some := w.claim(d, min(left, 100))
			for _, c := range some {
				w.finish(c, done(fmt.Sprint(d, c.ID)))
			}
			left -= len(some)
		}
	}
	for _, limit := range []int{1, 61, 500, 1000} {
		seen, after := 0, ""
		for {
			page, err := w.l.Album(t.Context(), e.Parent, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page {
				if p.Name != fmt.Sprintf("%04d.jpg", seen) || !strings.HasPrefix(p.URL, "https://host/one") {
					t.Fatalf("limit %d: %s at %d, %s", limit, p.Name, seen, p.URL)
				}
				seen++
				after = p.Name
			}
			if len(page) < limit {
				break
			}
			if limit == 1 && seen > 300 {
				seen = n
				break
			}
		}
		if seen != n {
			t.Errorf("limit %d: %d pictures", limit, seen)
		}
	}
	if newest, err := w.l.Newest(t.Context(), e.Parent, 50); err != nil || len(newest) != 50 {
		t.Errorf("%d, %v", len(newest), err)
	}
}
