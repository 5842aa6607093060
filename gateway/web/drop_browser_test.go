package web

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"slipway/gateway/operate"
	"slipway/gateway/web/browsertest"
)

// dropping drops files by their names; those that are called large are.
const dropping = `const dt = new DataTransfer();
	for (const name of arguments[0]) dt.items.add(new File([name.startsWith("large") ? "x".repeat(2000) : name], name));
	document.querySelector("main").dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: dt}))`

// opened is a browser at an address of the fake gateway, signed in.
func opened(t *testing.T, s *site, address string) *browsertest.Browser {
	b := browsertest.Start(t)
	b.Size(1200, 900)
	b.Go(s.server.URL + "/sign-in")
	b.Type("[name=name]", "ann")
	b.Type("[name=password]", "right")
	b.Click("button.main")
	b.Says("h1", "Now")
	b.Go(s.server.URL + address)
	return b
}

// row is the selector of a file's row, of so many, by when it was dropped.
func row(i, all int) string { return fmt.Sprintf("#queue > li:nth-child(%d) .state", all-i) }

// TestDropMany: of many files that wait, what becomes of each is shown, and those that
// were not stored are counted.
func TestDropMany(t *testing.T) {
	s := newSite(t)
	s.desk.tree.refuse = refusal{text: "at most 1 kB there"}
	const all = 260
	names := make([]string, all)
	for i := range all {
		names[i] = fmt.Sprintf("many-%03d.jpg", i)
		s.desk.uploads = append(s.desk.uploads, operate.Upload{ID: int64(5000 + i), Path: "/inbox/" + names[i], Destination: "home", State: "settling", Reason: "quiet", Present: true})
	}
	b := opened(t, s, "/drop/inbox/")
	b.Run(nil, dropping, slices.Concat(names, []string{"large.jpg"}))
	b.Says("#summary", "260 stored, 1 not stored.")
	b.Says(row(all-1, all+1), "Waiting")
	s.desk.mu.Lock()
	for i := range s.desk.uploads {
		if id := s.desk.uploads[i].ID; id == 5000 || id == 5130 {
			s.desk.uploads[i].State = "done"
		}
	}
	s.desk.mu.Unlock()
	s.desk.changes <- operate.Change{All: true}
	for _, i := range []int{0, 130} {
		b.Says(row(i, all+1), "Done")
	}
	b.Says(row(1, all+1), "Waiting")
	b.Says(row(259, all+1), "Waiting")

	b.Go(s.server.URL + "/drop/inbox/")
	b.Run(nil, dropping, []string{"large.jpg"})
	b.Says("#summary", "1 not stored.")
	b.Run(nil, dropping, []string{"t.part"}) // small
	b.Says("#summary", "1 stored, 1 not stored.")
	b.Quiet("507", "413")
}

// TestDropSignedOut: a session that ends while files are dropped costs none of them.
func TestDropSignedOut(t *testing.T) {
	s := newSite(t)
	b := opened(t, s, "/drop/inbox/")
	s.sessions.mu.Lock()
	s.sessions.in, s.sessions.next = map[string]bool{}, "another"
	s.sessions.mu.Unlock()
	b.Run(nil, dropping, []string{"one.jpg", "two.jpg", "three.jpg", "four.jpg", "five.jpg"})
	b.Says("#line", "Nothing that you chose is forgotten")
	b.Says("#queue > li:first-child .state", "Waiting")
	b.Accessible("signed out while dropping")
	b.Shoot("fake-drop-signed-out")
	// As in another tab.
	b.Run(nil, `return fetch("/sign-in", {method: "POST", body: new URLSearchParams({name: "ann", password: "right"})}).then(() => 0)`)
	b.Click("#line button")
	b.Says("#summary", "5 stored.")
	if text := b.Text("#line"); text != "" {
		t.Errorf("it says still: %s", text)
	}

	// And where nobody noticed: the page's proof is of the session before.
	s.sessions.mu.Lock()
	s.sessions.in, s.sessions.next = map[string]bool{}, "third"
	s.sessions.mu.Unlock()
	b.Run(nil, `return fetch("/sign-in", {method: "POST", body: new URLSearchParams({name: "ann", password: "right"})}).then(() => 0)`)
	b.Run(nil, dropping, []string{"six.jpg"})
	b.Says("#summary", "6 stored.")
	for _, name := range []string{"one", "five", "six"} {
		s.holds("/inbox/"+name+".jpg", name+".jpg")
	}
	b.Quiet("401", "403")
}

// TestNowAlone: what becomes of the focus after a verb, and what a page says that
// nothing reaches any more.
func TestNowAlone(t *testing.T) {
	s := newSite(t)
	s.desk.moves = true
	b := opened(t, s, "/")
	for i := range 3 {
		before := b.Text("#trouble li:first-child a.file")
		b.Run(nil, "document.querySelector('#trouble li:first-child [value=retry]').focus()")
		b.Click("#trouble li:first-child [value=retry]")
		b.Says("#said", "1 upload will be tried again.")
		var at string
		for range 100 {
			b.Run(&at, "const a = document.activeElement, li = a.closest('#trouble li'); return li && document.querySelector('#trouble li') === li ? a.textContent : a.nodeName")
			if at == b.Text("#trouble li:first-child a.file") && at != before {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if first := b.Text("#trouble li:first-child a.file"); at != first || first == before {
			t.Errorf("%d: the focus is at %q after %q; the first is %q", i, at, before, first)
		}
	}
	b.Offline(true)
	s.server.CloseClientConnections()
	b.Says("#line", "No connection to the gateway since")
	b.Shoot("fake-now-offline")
	b.Accessible("now, without a connection")
	b.Offline(false)
	for range 200 {
		if b.Text("#line") == "" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if text := b.Text("#line"); text != "" {
		t.Errorf("it says still: %s", text)
	}
	b.Quiet("ERR_", "404")
}

// TestChooseAll: all of a page is said to be no more than that, and the bar of verbs
// goes with the last file.
func TestChooseAll(t *testing.T) {
	s := newSite(t)
	for i := range 120 {
		s.desk.add(int64(2000+i), fmt.Sprintf("/inbox/many %03d.jpg", i), "failed")
	}
	b := opened(t, s, "/uploads?state=failed")
	b.Click("[data-all]")
	b.Says("[data-chosen]", "100 chosen, all of this page. There are more: the next 100")
	b.Accessible("all chosen")
	b.Shoot("fake-uploads-all")
	s.desk.mu.Lock()
	s.desk.uploads = nil
	s.desk.mu.Unlock()
	s.desk.changes <- operate.Change{All: true}
	b.Says("#listing", "Nothing matches")
	var hidden bool
	for range 100 {
		if b.Run(&hidden, "return document.querySelector('.tools').hidden"); hidden {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("there are verbs for nothing")
}
