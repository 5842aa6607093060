package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
)

// deskOf is the desk of a user with a home and rights.
func (w *linkWorld) deskOf(name, home string, rights auth.Rights) operate.Desk {
	return w.a.desk(auth.User{Name: name, Home: home, Rights: rights}, annsAddress, doorPage)
}

// linksOf describes what a desk lists: "/a.url failed".
func (w *linkWorld) linksOf(d operate.Desk, f operate.LinkFilter) (list []string) {
	w.Helper()
	page, err := d.Links(w.Context(), f)
	if err != nil {
		w.Fatal(err)
	}
	for _, k := range page.Links {
		s := k.Path + " " + k.State
		if k.Fetching {
			s += " now"
		}
		list = append(list, strings.TrimSpace(s+" "+k.Picture))
	}
	return list
}

// TestLinksListed: who sees which links, in which states; what is fetched now is said,
// and what failed is tried again by those alone who may.
func TestLinksListed(t *testing.T) {
	w := newLinkWorld(t, linking)
	begun, release := make(chan struct{}), make(chan struct{})
	w.says("/slow", func(rw http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		rw.Write(pictureAt("/slow"))
	})
	w.says("/gone", http.NotFound)
	gone := w.drop("/inbox/ann/gone.url", shortcutTo(w.site+"/gone"))
	w.became(gone, "failed")
	w.became(w.drop("/inbox/ok.url", shortcutTo(w.site+"/ok")), "done(ok.jpg)")
	slow := w.drop("/inbox/ann/slow.url", shortcutTo(w.site+"/slow"))
	<-begun

	root, ann := w.deskOf("root", "/", auth.Full), w.deskOf("ann", "/inbox/ann", auth.Full)
	if got, want := w.linksOf(root, operate.LinkFilter{}), []string{"/inbox/ann/slow.url settling now", "/inbox/ok.url done ok.jpg", "/inbox/ann/gone.url failed"}; !slices.Equal(got, want) {
		t.Errorf("root sees %q, want %q", got, want)
	}
	if got, want := w.linksOf(ann, operate.LinkFilter{}), []string{"/slow.url settling now", "/gone.url failed"}; !slices.Equal(got, want) {
		t.Errorf("ann sees %q, want %q", got, want)
	}
	for path, want := range map[string]int{"/gone.url": 1, "/../ok.url": 0, "/inbox/ok.url": 0, "/none/x": 0, "/": 2} {
		if got := w.linksOf(ann, operate.LinkFilter{Path: path}); len(got) != want {
			t.Errorf("ann sees at %s %q", path, got)
		}
	}
	if got := w.linksOf(w.deskOf("bob", "/inbox/an", auth.Full), operate.LinkFilter{}); len(got) != 0 {
		t.Errorf("bob sees %q", got)
	}
	if x, err := ann.Explain(t.Context(), "/slow.url"); err != nil || len(x.Links) != 1 || !x.Links[0].Fetching {
		t.Errorf("%+v, %v", x.Links, err)
	}
	page, err := ann.Files(t.Context(), "/", "", 10)
	if err != nil || fmt.Sprint(page.Entries[0].Links, page.Entries[1].Links) != "map[failed:1] map[settling:1]" {
		t.Errorf("%+v, %v", page.Entries, err)
	}

	for name, err := range map[string]error{
		"states": second(ann.Links(t.Context(), operate.LinkFilter{States: []string{"dropped"}})), "limit": second(ann.Links(t.Context(), operate.LinkFilter{Limit: 1001})),
		"after": second(ann.Links(t.Context(), operate.LinkFilter{After: "x"})), "path": second(ann.Links(t.Context(), operate.LinkFilter{Path: "a\x00"})),
	} {
		if operate.KindOf(err) != operate.Usage {
			t.Errorf("a wrong %s: %v", name, err)
		}
	}
	forbidden(t, second(w.deskOf("ann", "/inbox/ann", auth.Drop).Links(t.Context(), operate.LinkFilter{})))
	forbidden(t, second(w.deskOf("ann", "/inbox/ann", auth.Read).RetryLinks(t.Context(), "/")))
	if _, err := ann.RetryLinks(t.Context(), "/none.url"); operate.KindOf(err) != operate.NotFound {
		t.Error(err)
	}
	if n, err := w.deskOf("bob", "/inbox", auth.Full).RetryLinks(t.Context(), "/ok.url"); err != nil || n.Changed != 0 {
		t.Error(n, err)
	}

	w.says("/gone", nil)
	if n, err := ann.RetryLinks(t.Context(), "/"); err != nil || n.Changed != 1 {
		t.Error(n, err)
	}
	for end := time.Now().Add(20 * time.Second); len(w.linksOf(ann, operate.LinkFilter{States: []string{"done"}})) == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	w.became(gone, "done(gone.jpg)")
	close(release)
	w.became(slow, "done(slow.jpg)")
	if w.a.linking.has(slow.ID, w.site+"/slow") {
		for end := time.Now().Add(20 * time.Second); w.a.linking.has(slow.ID, w.site+"/slow"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("it is being fetched for ever")
			}
		}
	}
	if err := w.a.fs.Remove("/inbox/ann/gone.url"); err != nil {
		t.Fatal(err)
	}
	if got := w.linksOf(ann, operate.LinkFilter{Path: "/gone.url"}); len(got) != 0 {
		t.Errorf("what was removed is listed: %q", got)
	}
}

// second is the error of a call with two results.
func second[T any](_ T, err error) error { return err }
