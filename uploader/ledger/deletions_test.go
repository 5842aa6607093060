package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
)

// host puts content at p and has its destination take it as the picture id.
func (w *world) host(p, content, id string) vfs.Entry {
	w.t.Helper()
	e := w.put(p, content)
	w.finish(w.claim("one", 1)[0], done(id))
	return e
}

// hostMany hosts n files in dir, each with bytes of its own, in a few transactions.
func (w *world) hostMany(dir string, n int) (es []vfs.Entry) {
	w.t.Helper()
	for i := range n {
		es = append(es, w.put(fmt.Sprintf("%s/%03d.jpg", dir, i), dir+fmt.Sprint(i)))
	}
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		for _, e := range es {
			_, err := tx.Exec(ctx, `INSERT INTO hosted (host, destination, sha256, remote, url, viewer_url, thumbnail_url, delete_url, identical, awaiting,
				album, category, created, expires, deleted, inline, size, type) SELECT host, destination, sha256, key, 'https://host/' || key, '', '', 'secret', 0, 0,
				'', '', created, 0, 0, 0, size, type FROM uploads WHERE entry = $1`, int64(e.ID))
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE uploads SET state = 'done', reason = '', finished = created, blob = NULL,
				hosted = (SELECT max(id) FROM hosted WHERE remote = uploads.key) WHERE entry = $1`, int64(e.ID))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return es
}

// removeTree removes a directory and all below it.
func (w *world) removeTree(p string) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx vfs.Tx) error { return w.removeTreeIn(ctx, tx, p) })
}

func (w *world) removeTreeIn(ctx context.Context, tx vfs.Tx, p string) error {
	top, err := w.dir(ctx, tx, p)
	if err != nil {
		return err
	}
	c := vfs.Change{Kind: vfs.Removed, Path: p, Entry: vfs.Entry{ID: top, Dir: true, Name: path.Base(p)}}
	if c.Entry.Parent, err = w.dir(ctx, tx, path.Dir(p)); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `WITH RECURSIVE tree (id) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT e.id FROM entries e JOIN tree ON e.parent = tree.id)
		DELETE FROM entries WHERE id IN (SELECT id FROM tree) RETURNING id, dir`, int64(top))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id vfs.ID
		var dir int64
		if err := rows.Scan(&id, &dir); err != nil {
			return err
		}
		if dir != 0 {
			c.Dirs = append(c.Dirs, id)
		} else {
			c.IDs = append(c.IDs, id)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	return w.l.OnCommit(ctx, tx, []vfs.Change{c})
}

func deletionRequest(n int) uploader.DeletionRequest {
	r := uploader.DeletionRequest{Deletes: true, ClaimRequest: request("one", n)}
	return r
}

// takes claims deletions of destination one, n of them.
func (w *world) takes(n int) []uploader.ClaimedDeletion {
	w.t.Helper()
	got, _, err := w.l.ClaimDeletions(w.t.Context(), deletionRequest(max(n, 10)))
	if err != nil {
		w.t.Fatal(err)
	}
	if len(got) != n {
		w.t.Fatalf("%d deletions were taken in hand, want %d; %s", len(got), n, w.deletions())
	}
	return got
}

func (w *world) deleted(cs ...uploader.ClaimedDeletion) {
	w.t.Helper()
	for _, c := range cs {
		if err := w.l.FinishDeletion(w.t.Context(), c, uploader.DeletionOutcome{State: uploader.Deleted, Requested: true}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// deletions describes them, oldest first: "deleted kept: It was …".
func (w *world) deletions() string {
	w.t.Helper()
	ds, err := w.l.Deletions(w.t.Context(), ledger.DeletionQuery{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, d := range ds {
		s := d.Picture.Result.ID + ":" + string(d.State)
		if d.State == uploader.DeletionKept {
			s += "(" + d.Error + ")"
		}
		all = append([]string{s}, all...)
	}
	return strings.Join(all, " ")
}

func (w *world) wantDeletions(want string) {
	w.t.Helper()
	if got := w.deletions(); got != want {
		w.t.Fatalf("deletions are %q, want %q", got, want)
	}
}

func TestDeletionAfterTheGrace(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/keep/x.jpg", "K", "0"))
		w.wantDeletions("")
		e := w.host("/a/del/x.jpg", "X", "1")
		w.remove(e)
		w.wantDeletions("1:waiting")
		w.takes(0)
		w.pass(10*time.Minute - time.Second)
		w.takes(0)
		w.pass(2 * time.Second)
		if w.db.Postgres() {
			w.pass(0)
		}
		c := w.takes(1)[0]
		if c.DeleteURL.Reveal() != "https://host/delete/1" || c.Picture.DeleteURL != "" || c.Result().ID != "1" ||
			c.Path != "/a/del/x.jpg" || c.Entry != e.ID || c.Why != uploader.WhyRemoved {
			t.Errorf("%+v", c)
		}
		w.takes(0)
		w.deleted(c)
		w.wantDeletions("1:deleted")
		ds, err := w.l.Deletions(t.Context(), ledger.DeletionQuery{Entries: []vfs.ID{e.ID}, Prefix: "/a/del"})
		if err != nil || len(ds) != 1 || ds[0].Finished.IsZero() || ds[0].Picture.Deleted.IsZero() || ds[0].Picture.DeleteURL != "" {
			t.Errorf("%+v, %v", ds, err)
		}
		if err := w.l.FinishDeletion(t.Context(), c, uploader.DeletionOutcome{State: uploader.Deleted}); !errors.Is(err, uploader.ErrLost) {
			t.Error(err)
		}
		// The same bytes again are sent again.
		w.put("/a/del/x.jpg", "X")
		if c := w.claim("one", 1)[0]; len(c.Known) != 0 {
			t.Errorf("what was deleted is referred to: %+v", c.Known)
		}
	})
}

func TestDeletionIsCalledOff(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world, e vfs.Entry)
		want string
	}{
		"put back": {func(w *world, _ vfs.Entry) {
			w.put("/a/del/y.jpg", "X")
			c := w.claim("one", 1)[0]
			if len(c.Known) != 1 {
				w.t.Fatalf("%d known", len(c.Known))
			}
			w.finish(c, uploader.Outcome{State: uploader.Done, Reason: uploader.ReasonReused, Picture: &c.Known[0]})
		}, "1:kept(A file that is here has this picture's bytes and its address.)"},
		"expired": {func(w *world, _ vfs.Entry) {
			w.tx(func(ctx context.Context, tx vfs.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE hosted SET expires = 1")
				return err
			})
		}, "1:kept(It had expired at the host already.)"},
		"away": {func(w *world, e vfs.Entry) {
			other := w.put("/b/x.jpg", "X")
			w.tx(func(ctx context.Context, tx vfs.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO released (ref, sha256, since, stage, place) VALUES ($1, $2, 1, 'gone', $2)", string(other.Blob), e.SHA256[:])
				return err
			})
		}, "1:kept(The bytes of a file that is here were let go, and this picture has them.)"},
		"refused": {func(w *world, _ vfs.Entry) {
			if n, err := w.l.RefuseDeletions(w.t.Context(), ledger.DeletionQuery{Prefix: "/a"}); n != 1 || err != nil {
				w.t.Fatal(n, err)
			}
		}, "1:kept(A person decided to keep it.)"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				e := w.host("/a/del/x.jpg", "X", "1")
				w.remove(e)
				c.do(w, e)
				w.pass(11 * time.Minute)
				w.takes(0)
				w.wantDeletions(c.want)
			})
		})
	}
}

func TestDeletionWaitsForUploadsOfTheSameBytes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.put("/a/del/y.jpg", "X")
		w.pass(11 * time.Minute)
		w.takes(0)
		w.wantDeletions("1:waiting")
		c := w.claim("one", 1)[0]
		w.pass(11 * time.Minute)
		w.takes(0) // it may come to refer to the picture
		w.finish(c, uploader.Outcome{State: uploader.Failed, Kind: "permanent"})
		w.pass(2 * time.Hour)
		w.takes(1)
	})
}

// From when the host is asked on nothing refers to the picture, whatever was decided
// before.
func TestNothingRefersToWhatIsBeingDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(11 * time.Minute)
		d := w.takes(1)[0]
		e := w.put("/a/del/y.jpg", "X")
		w.idle("one") // it waits
		w.want(e, "one:settling/same-bytes")
		w.deleted(d)
		c := w.claim("one", 1)[0]
		// A worker that decided to refer to it long ago.
		o := uploader.Outcome{State: uploader.Done, Reason: uploader.ReasonReused, Picture: &d.Picture}
		w.finish(c, o)
		w.want(e, "one:settling")
		w.finish(w.claim("one", 1)[0], done("2"))
		w.want(e, "one:done")
	})
}

func TestDeletionFails(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(11 * time.Minute)
		c := w.takes(1)[0]
		end := func(o uploader.DeletionOutcome) {
			t.Helper()
			o.Requested = true
			if err := w.l.FinishDeletion(t.Context(), c, o); err != nil {
				t.Fatal(err)
			}
		}
		end(uploader.DeletionOutcome{State: uploader.Deleting, Wait: time.Minute, Error: "busy", Tries: 1})
		w.takes(0)
		w.pass(2 * time.Minute)
		c = w.takes(1)[0]
		w.pass(2 * time.Minute) // the process is gone, and its claim with it
		lost := c
		c = w.takes(1)[0]
		if err := w.l.FinishDeletion(t.Context(), lost, uploader.DeletionOutcome{State: uploader.Deleted}); !errors.Is(err, uploader.ErrLost) {
			t.Error(err)
		}
		end(uploader.DeletionOutcome{State: uploader.DeletionFailed, Error: "it will not", There: true})
		w.wantDeletions("1:failed")
		w.put("/a/del/y.jpg", "X") // the requests before that one may have deleted it
		u := w.claim("one", 1)[0]
		if len(u.Known) != 0 {
			t.Fatal("a picture that a lost request may have deleted is referred to")
		}
		w.finish(u, uploader.Outcome{State: uploader.Failed})
		if n, err := w.l.RetryDeletions(t.Context(), ledger.DeletionQuery{IDs: []int64{c.ID}}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		c = w.takes(1)[0]
		end(uploader.DeletionOutcome{State: uploader.DeletionFailed, Error: "too many tries"})
		w.put("/a/del/z.jpg", "X") // nobody knows
		if u := w.claim("one", 1)[0]; len(u.Known) != 0 {
			t.Error("a picture that may be gone is referred to")
		}
		counts, err := w.l.DeletionCounts(t.Context())
		if err != nil || counts["one"][uploader.DeletionFailed] != 1 {
			t.Error(counts, err)
		}
	})
}

func TestHostThatCannotDelete(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(11 * time.Minute)
		r := deletionRequest(10)
		r.Deletes = false
		if got, _, err := w.l.ClaimDeletions(t.Context(), r); len(got) != 0 || err != nil {
			t.Fatal(got, err)
		}
		if s := w.deletions(); !strings.Contains(s, "1:kept(This host cannot delete") {
			t.Error(s)
		}
	})
}

func TestPausesDelayDeletions(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(11 * time.Minute)
		if err := w.l.Pause(t.Context(), "one", "holiday"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.l.ClaimDeletions(t.Context(), deletionRequest(1)); !errors.Is(err, uploader.ErrPaused) {
			t.Fatal(err)
		}
		ds, err := w.l.Deletions(t.Context(), ledger.DeletionQuery{})
		if err != nil || !strings.Contains(ds[0].Error, "holiday") {
			t.Error(ds, err)
		}
		if err := w.l.Resume(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		r := deletionRequest(1)
		r.Limits.PerMinute = 1
		c, _, err := w.l.ClaimDeletions(t.Context(), r)
		if err != nil || len(c) != 1 {
			t.Fatal(c, err)
		}
		w.deleted(c...)
		w.remove(w.host("/a/del/y.jpg", "Y", "2"))
		w.pass(11 * time.Minute)
		w.remove(w.host("/a/del/z.jpg", "Z", "3"))
		if c, _, err := w.l.ClaimDeletions(t.Context(), r); err != nil || len(c) != 0 {
			t.Error("more than a request a minute", c, err)
		}
	})
}

// An upload that was being sent when its file was removed, and is at the host all the
// same.
func TestLateUploadOfARemovedFile(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/del/x.jpg", "X")
		c := w.claim("one", 1)[0]
		w.remove(e)
		w.wantDeletions("")
		w.finish(c, done("1"))
		w.wantDeletions("1:waiting")
		w.pass(11 * time.Minute)
		w.deleted(w.takes(1)...)
	})
}

func TestCopiesShareAPicture(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a := w.host("/a/del/x.jpg", "X", "1")
		b := w.put("/a/del/y.jpg", "X")
		c := w.claim("one", 1)[0]
		w.finish(c, uploader.Outcome{State: uploader.Done, Picture: &c.Known[0]})
		w.remove(a)
		w.pass(5 * time.Minute)
		w.remove(b)
		w.wantDeletions("1:waiting")
		w.pass(6 * time.Minute)
		w.takes(0) // the grace is that of the last
		w.pass(5 * time.Minute)
		w.deleted(w.takes(1)...)
	})
}

// What is the same picture to the host, of other bytes, stays where a file needs it.
func TestTheHostsPictureOfOtherBytes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.host("/a/del/y.jpg", "Y", "1")
		w.remove(w.host("/a/del/x.jpg", "X", "1"))
		w.pass(11 * time.Minute)
		w.takes(0)
		if s := w.deletions(); !strings.HasPrefix(s, "1:kept(A file") {
			t.Error(s)
		}
	})
}

func TestDeleteOld(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		doneOld := func(id string) uploader.Outcome {
			o := done(id)
			o.OnReplace = uploader.DeleteOld
			return o
		}
		w.put("/a/x.jpg", "A")
		w.finish(w.claim("one", 1)[0], doneOld("1"))
		w.put("/a/x.jpg", "B")
		w.finish(w.claim("one", 1)[0], doneOld("2"))
		w.wantDeletions("1:waiting")
		e := w.put("/a/x.jpg", "A") // back again: it needs nothing
		w.want(e, "one:done one:done")
		w.wantDeletions("1:waiting 2:waiting")
		w.pass(11 * time.Minute)
		c := w.takes(1)
		w.wantDeletions("1:kept(A file that is here has this picture's bytes and its address.) 2:deleting")
		if c[0].Why != uploader.WhyReplaced {
			t.Errorf("%+v", c[0])
		}
		w.deleted(c...)
		us, err := w.l.Receipt(t.Context(), e.ID)
		if err != nil || len(us) != 2 || us[0].Picture.Deleted.IsZero() == us[1].Picture.Deleted.IsZero() {
			t.Errorf("the receipt does not tell which one is gone: %+v, %v", us, err)
		}
		// What was deleted is sent again when its bytes come back.
		w.put("/a/x.jpg", "B")
		u := w.claim("one", 1)[0]
		if len(u.Known) != 0 || u.SHA256 != sum("B") {
			t.Errorf("%+v", u)
		}
		w.finish(u, doneOld("3"))
		w.want(e, "one:done one:done")
	})
}

// Where a route keeps earlier versions, the removal of another file does not take them.
func TestPreviousOfAnotherFileIsKept(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a := w.host("/a/del/x.jpg", "X", "1")
		w.put("/a/y.jpg", "X")
		c := w.claim("one", 1)[0]
		w.finish(c, uploader.Outcome{State: uploader.Done, Picture: &c.Known[0]})
		w.host("/a/y.jpg", "Y", "2")
		w.remove(a)
		w.pass(11 * time.Minute)
		w.takes(0)
		w.wantDeletions("1:kept(It is the earlier version of a file that is here, whose route keeps those.)")
		// By hand it goes.
		if _, err := w.l.DeleteHosted(t.Context(), c.Known[0].ID); err != nil {
			t.Fatal(err)
		}
		w.deleted(w.takes(1)...)
		if _, err := w.l.DeleteHosted(t.Context(), c.Known[0].ID); !errors.Is(err, uploader.ErrState) {
			t.Error(err)
		}
	})
}

// The bytes that a picture was kept for at the local host go with it.
func TestDeletedPictureLetsItsBlobGo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		e := w.put("/a/del/x.jpg", "X")
		o := done("1")
		o.HoldBlob = true
		w.finish(w.claim("one", 1)[0], o)
		w.remove(e)
		w.pass(11 * time.Minute)
		c := w.takes(1)
		w.tx(func(ctx context.Context, tx vfs.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM garbage")
			return err
		})
		w.deleted(c...)
		if n := w.count("SELECT count(*) FROM garbage WHERE ref = $1", string(e.Blob)); n != 1 {
			t.Error("the blob is still held")
		}
		if _, found, err := w.l.HostedByToken(t.Context(), "1"); found || err != nil {
			t.Error("it is still served", err)
		}
	})
}

// A tree whose move has not been followed yet, removed: the rule of where it is now
// decides.
func TestRemovalDuringReroute(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.hostMany("/a/del", 3)
		w.move(w.lookup("/a/del"), "/a/kept")
		w.removeTree("/a/kept")
		w.wantDeletions("")
	})
}
