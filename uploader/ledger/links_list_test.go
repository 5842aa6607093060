package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/uploader/ledger"
	"slipway/vfs"
)

// listed describes what a query lists, page by page: "a.url u1=failed".
func (w *world) listed(q ledger.LinkQuery) (list []string) {
	w.t.Helper()
	for range 20 {
		p, err := w.l.LinkList(w.t.Context(), q)
		w.must(err)
		for _, k := range p.Links {
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s=%s %s", k.Path, k.URL, k.State, k.Picture)))
		}
		if q.After = p.Next; p.Next == "" {
			return list
		}
	}
	w.t.Fatal("the list has no end")
	return nil
}

func (w *world) lists(q ledger.LinkQuery, want ...string) {
	w.t.Helper()
	if got := w.listed(q); !slices.Equal(got, want) {
		w.t.Errorf("%+v lists\n%q, want\n%q", q, got, want)
	}
}

// TestLinkList: each link once, those to come last first, of a state, of a folder, of a
// file, in pages of any length.
func TestLinkList(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a := w.put("/l/a.url", "1")
		w.found("u1", "u2", "u3 it is no link")
		w.pass(time.Second)
		first := w.links(2)
		p, err := w.fetched(first[0], "/l/a.jpg", "picture")
		w.must(err)
		w.must(w.l.LinkLater(t.Context(), first[1], time.Hour, "no answer", ""))
		b := w.put("/l/sub/b.url", "2")
		w.found("v1")
		w.pass(time.Second)
		w.must(w.l.LinkSkip(t.Context(), w.links(1)[0], "ours"))
		bad := w.put("/l/sub/bad.url", "3")
		w.must(w.l.LinkFileFailed(t.Context(), w.linkFile(), "no link", "write one"))
		w.pass(time.Second)
		text := w.put("/l/sub/text.url", "4")
		w.must(w.l.LinkFilePlain(t.Context(), w.linkFile(), "a text"))
		w.pass(time.Second)
		w.quiet = time.Minute
		w.put("/l/sub/new.url", "5") // not read yet

		all := []string{
			"/l/a.url u2=settling", "/l/sub/new.url =settling", "/l/sub/bad.url =failed", "/l/sub/b.url v1=skipped", "/l/a.url u3=failed", "/l/a.url u1=done a.jpg",
		}
		for limit := range 8 {
			w.lists(ledger.LinkQuery{Limit: limit}, all...)
			w.lists(ledger.LinkQuery{Limit: limit, Budget: 1}, all...)
			w.lists(ledger.LinkQuery{Limit: limit, Dir: b.Parent}, all[1], all[2], all[3])
			w.lists(ledger.LinkQuery{Limit: limit, Dir: a.Parent, States: []string{"failed"}}, all[2], all[4])
		}
		w.lists(ledger.LinkQuery{Entry: a.ID}, all[0], all[4], all[5])
		w.lists(ledger.LinkQuery{Entry: bad.ID, States: []string{"failed"}}, all[2])
		w.lists(ledger.LinkQuery{Entry: text.ID})
		w.lists(ledger.LinkQuery{States: []string{"settling"}}, all[0], all[1])
		w.lists(ledger.LinkQuery{States: []string{"done", "skipped"}}, all[3], all[5])
		if _, err := w.l.LinkList(t.Context(), ledger.LinkQuery{After: "x"}); !errors.Is(err, ledger.ErrCursor) {
			t.Error(err)
		}

		tallies, err := w.l.LinkTallies(t.Context(), []vfs.ID{a.ID, b.ID, bad.ID, text.ID, p.ID})
		w.must(err)
		if got, want := fmt.Sprint(tallies), fmt.Sprint(map[vfs.ID]map[string]int{a.ID: {"done": 1, "failed": 1, "settling": 1}, b.ID: {"skipped": 1}, bad.ID: {"failed": 1}}); got != want {
			t.Errorf("%s, want %s", got, want)
		}

		// A picture that was moved away is not beside its link; what was removed is not
		// listed, whatever became of its links.
		w.move(p, "/l/sub/secret.jpg")
		w.lists(ledger.LinkQuery{States: []string{"done"}}, "/l/a.url u1=done")
		w.remove(a)
		w.lists(ledger.LinkQuery{}, all[1], all[2], all[3])
	})
}

// TestLinkListSieves: below a folder with more links than are sorted at once, all are
// found all the same.
func TestLinkListSieves(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const n = 5100
		urls := make([]string, n)
		for i := range urls {
			urls[i] = fmt.Sprintf("u%d", i)
		}
		f := w.put("/l/many/a.url", "1")
		w.found(urls...)
		w.put("/l/few/b.url", "2")
		w.found("v1")
		w.pass(time.Second) // so that those of another folder come first
		w.put("/l/other/c.url", "3")
		w.found(urls[:1200]...)
		p, err := w.l.LinkList(t.Context(), ledger.LinkQuery{Dir: f.Parent, Budget: 1})
		if err != nil || len(p.Links) > 0 || !p.Partly || p.Next == "" {
			t.Errorf("what is cut short: %d links, %v, next %q, %v", len(p.Links), p.Partly, p.Next, err)
		}
		if got := w.listed(ledger.LinkQuery{Dir: f.Parent, Limit: 1000, Budget: 1}); len(got) != n {
			t.Errorf("%d links, cut short", len(got))
		}
		got := w.listed(ledger.LinkQuery{Dir: f.Parent, Limit: 1000})
		if slices.Sort(got); len(got) != n || len(slices.Compact(got)) != n || strings.Contains(got[0], "few") {
			t.Errorf("%d links, first %q", len(got), got[0])
		}
		if got := w.listed(ledger.LinkQuery{Entry: f.ID, Limit: 1000}); len(got) != n {
			t.Errorf("%d links of the file", len(got))
		}
	})
}
