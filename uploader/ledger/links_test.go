package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway/uploader/ledger"
	"slipway/vfs"
)

// linkFile returns the one file with links that is due.
func (w *world) linkFile() ledger.LinkFile {
	w.t.Helper()
	files, err := w.l.LinkFiles(w.t.Context(), 10)
	if err != nil || len(files) != 1 {
		w.t.Fatalf("%d files with links are due: %v", len(files), err)
	}
	return files[0]
}

// found reads the file with links that is due: it has those of urls.
func (w *world) found(urls ...string) {
	w.t.Helper()
	var links []ledger.LinkFound
	for _, u := range urls {
		address, wrong, _ := strings.Cut(u, " ")
		links = append(links, ledger.LinkFound{URL: address, Error: wrong})
	}
	w.must(w.l.LinksRead(w.t.Context(), w.linkFile(), links))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// links returns the n links that are due.
func (w *world) links(n int) []ledger.Link {
	w.t.Helper()
	links, _, err := w.l.LinksDue(w.t.Context(), 10)
	if err != nil || len(links) != n {
		w.t.Fatalf("%v are due, want %d: %v", links, n, err)
	}
	return links
}

// fetched commits a picture for a link as the index does.
func (w *world) fetched(k ledger.Link, p, content string) (e vfs.Entry, err error) {
	err = w.db.Write(w.t.Context(), func(ctx context.Context, tx vfs.Tx) error {
		if e, err = w.putIn(ctx, tx, p, content); err != nil {
			return err
		}
		return w.l.OnCommit(ctx, tx, []vfs.Change{{Kind: vfs.Stored, Entry: e, Path: p, Errand: k.ID}})
	})
	return e, err
}

// standing describes a file with links: "done: a=done(x.jpg) b=failed".
func (w *world) standing(file vfs.Entry) string {
	w.t.Helper()
	f, err := w.l.LinksOf(w.t.Context(), file.ID)
	w.must(err)
	if f == nil {
		return "none"
	}
	s := f.State + ":"
	for _, k := range f.Links {
		s += fmt.Sprintf(" %s=%s", k.URL, k.State)
		if k.Picture != "" {
			s += "(" + k.Picture + ")"
		}
	}
	return s
}

func (w *world) stands(file vfs.Entry, want string) {
	w.t.Helper()
	if got := w.standing(file); got != want {
		w.t.Fatalf("it stands %q, want %q", got, want)
	}
}

func TestLinksFromFileToPicture(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.quiet = 2 * time.Second
		f := w.put("/l/a.url", "1")
		w.put("/l/plain.jpg", "x")
		w.stands(f, "settling:")
		if files, err := w.l.LinkFiles(t.Context(), 10); err != nil || len(files) > 0 {
			t.Fatal("it is read before it has settled", files, err)
		}
		if _, next, err := w.l.LinksDue(t.Context(), 10); err != nil || !next.Equal(w.clock().Add(w.quiet)) {
			t.Fatal(next, err)
		}
		w.pass(w.quiet)
		w.reopen() // as after a crash
		if got := w.linkFile(); got.Path != "/l/a.url" || got.Entry != f.ID || got.Blob != f.Blob || got.SHA256 != f.SHA256 || got.Size != 1 || !got.Inline {
			t.Fatalf("%+v", got)
		}
		w.found("u1", "u2", "u3 it is no link")
		w.stands(f, "done: u1=settling u2=settling u3=failed")
		links := w.links(2)
		if k := links[0]; k.Path != "/l/a.url" || k.Folder != f.Parent || k.URL != "u1" || k.Order != 1 || k.File != f.ID {
			t.Fatalf("%+v", k)
		}
		p, err := w.fetched(links[0], "/l/a.jpg", "picture")
		w.must(err)
		w.stands(f, "done: u1=done(a.jpg) u2=settling u3=failed")

		// The same once more is no second picture: its commit is undone.
		if _, err := w.fetched(links[0], "/l/a (1).jpg", "picture"); !errors.Is(err, ledger.ErrLink) {
			t.Fatal(err)
		}
		if n := w.count("SELECT count(*) FROM entries WHERE key = 'a (1).jpg'"); n > 0 {
			t.Fatal("there is a second picture")
		}
		w.must(w.l.LinkLater(t.Context(), links[1], time.Minute, "no answer", "wait"))
		w.links(0)
		w.pass(time.Minute)
		w.must(w.l.LinkFail(t.Context(), w.links(1)[0], "gone", "look"))
		got, err := w.l.LinksOf(t.Context(), f.ID)
		w.must(err)
		if k := got.Links[1]; k.State != "failed" || k.Error != "gone" || k.Remedy != "look" || k.Tries != 2 || !k.Due.IsZero() {
			t.Errorf("%+v", k)
		}
		in, err := w.l.LinksIn(t.Context(), f.Parent)
		if err != nil || len(in) != 1 || len(in[f.ID].Links) != 3 {
			t.Errorf("%+v %v", in, err)
		}
		counts, err := w.l.LinkCounts(t.Context())
		if err != nil || counts["done"] != 1 || counts["failed"] != 2 {
			t.Error(counts, err)
		}

		// Somebody removes the .error.txt.
		w.must(w.l.RetryLinks(t.Context(), f.ID, w.clock().Add(time.Second)))
		w.links(0)
		w.pass(time.Second)
		w.links(2)
		w.remove(f)
		w.stands(f, "none")
		if _, err := w.fetched(links[1], "/l/late.jpg", "late"); !errors.Is(err, ledger.ErrLink) {
			t.Error("a picture came for a file that is gone:", err)
		}
		if n := w.count("SELECT count(*) FROM entries WHERE id = $1", int64(p.ID)); n != 1 {
			t.Error("the picture went with its link")
		}
	})
}

func TestLinksOfChangedFile(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		f := w.put("/l/a.url", "1")
		w.found("u1", "u2", "u3")
		links := w.links(3)
		_, err := w.fetched(links[0], "/l/1.jpg", "one")
		w.must(err)

		stale := ledger.LinkFile{Entry: f.ID, SHA256: f.SHA256}
		w.put("/l/a.url", "2")
		w.must(w.l.LinksRead(t.Context(), stale, []ledger.LinkFound{{URL: "u9"}}))
		w.stands(f, "settling: u1=done(1.jpg) u2=settling u3=settling")
		w.found("u4", "u3", "u1")
		w.stands(f, "done: u1=done(1.jpg) u4=settling u3=settling")
		if _, err := w.fetched(links[1], "/l/2.jpg", "two"); !errors.Is(err, ledger.ErrLink) {
			t.Error("what the file has no more was fetched:", err)
		}
		w.links(2)

		// The same bytes again: what failed gets fresh tries, and nothing else happens.
		w.must(w.l.LinkFail(t.Context(), w.links(2)[0], "x", ""))
		w.put("/l/a.url", "2")
		w.found("u4", "u3", "u1")
		w.stands(f, "done: u1=done(1.jpg) u4=settling u3=settling")
	})
}

func TestLinksFollowTheirFile(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		f := w.put("/l/a.url", "1")
		w.found("u1")
		f = w.move(f, "/l/b/c.url")
		if k := w.links(1)[0]; k.Path != "/l/b/c.url" || k.Folder != f.Parent {
			t.Fatalf("%+v", k)
		}
		w.stands(f, "done: u1=settling")
		f = w.move(f, "/elsewhere/c.url")
		w.stands(f, "none")
		w.links(0)
		f = w.move(f, "/l/c.url")
		w.found("u1")
		w.links(1)
		f = w.move(f, "/l/c.jpg")
		w.links(0)
		w.stands(f, "none")
	})
}

func TestLinkKnown(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		known := func(k ledger.Link) (vfs.ID, bool) {
			t.Helper()
			p, ours, err := w.l.LinkKnown(t.Context(), k)
			w.must(err)
			return p, ours
		}
		f := w.put("/l/a.url", "1")
		w.found("u1")
		k := w.links(1)[0]
		if p, ours := known(k); p != 0 || ours {
			t.Fatal("it is known before it was fetched")
		}
		p, err := w.fetched(k, "/l/a.jpg", "one")
		w.must(err)
		w.remove(f)
		again := w.put("/l/again.url", "1")
		w.found("u1")
		k = w.links(1)[0]
		if got, _ := known(k); got != p.ID {
			t.Fatal("the picture beside it is not known", got)
		}
		w.must(w.l.LinkHas(t.Context(), k, p.ID))
		w.stands(again, "done: u1=done(a.jpg)")

		// Another folder is to have its own, unless it was copied together.
		w.put("/l/sub/a.url", "1")
		w.found("u1")
		k = w.links(1)[0]
		if got, _ := known(k); got != 0 {
			t.Fatal(got)
		}
		copied := w.put("/l/sub/copy.jpg", "one")
		if got, _ := known(k); got != copied.ID {
			t.Fatal("the copied picture is not known", got)
		}
		w.must(w.l.LinkSkip(t.Context(), k, "ours"))

		// A person who removed the picture and drops the link again wants it again.
		w.remove(p)
		w.put("/l/third.url", "1")
		w.found("u1")
		if got, _ := known(w.links(1)[0]); got != 0 {
			t.Fatal(got)
		}
		w.put("/a/x.jpg", "X")
		w.finish(w.claim("one", 1)[0], done("7"))
		if _, ours := known(ledger.Link{URL: "https://host/7", Folder: f.Parent}); !ours {
			t.Fatal("a picture of ours is not known")
		}
	})
}

func TestLinkFiles(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		f := w.put("/l/a.url", "1")
		w.locked[f.ID] = true
		if got := w.linkFile(); !got.Locked {
			t.Error("it is locked")
		}
		w.must(w.l.LinkFileLater(t.Context(), w.linkFile(), 5*time.Second, ""))
		if files, _ := w.l.LinkFiles(t.Context(), 10); len(files) > 0 {
			t.Error("it is not later")
		}
		w.pass(5 * time.Second)
		w.must(w.l.LinkFileLater(t.Context(), w.linkFile(), 0, "the disk"))
		if got := w.linkFile(); got.Tries != 1 {
			t.Errorf("%+v", got)
		}
		w.must(w.l.LinkFileFailed(t.Context(), w.linkFile(), "no link", "write one"))
		w.stands(f, "failed:")
		w.must(w.l.RetryLinks(t.Context(), f.ID, w.clock()))
		w.must(w.l.LinkFilePlain(t.Context(), w.linkFile(), "a text"))
		w.stands(f, "plain:")
		got, err := w.l.LinksOf(t.Context(), f.ID)
		if err != nil || got.Error != "a text" {
			t.Errorf("%+v %v", got, err)
		}
		empty := w.put("/l/empty.url", "")
		w.stands(empty, "none")
	})
}
