package uploader_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/blob"
)

var errDead = errors.New("the process is gone")

// mortal is the ledger's database in a process that is killed at one of its
// writes: before it, or when it is durable and nobody has heard so.
type mortal struct {
	vfs.Database
	mu    sync.Mutex
	left  int // writes until then; negative: it lives on
	after bool
	died  chan struct{}
}

func (m *mortal) Write(ctx context.Context, f func(context.Context, vfs.Tx) error) error {
	m.mu.Lock()
	if m.left > 0 {
		m.left--
	}
	last, dead := m.left == 0 && !m.isDead(), m.isDead()
	if last {
		close(m.died)
	}
	m.mu.Unlock()
	if dead || last && !m.after {
		return errDead
	}
	err := m.Database.Write(ctx, f)
	if last {
		return errDead
	}
	return err
}

func (m *mortal) isDead() bool {
	select {
	case <-m.died:
		return true
	default:
		return false
	}
}

// mortally makes the process that starts next one that is killed at its n-th
// write; n < 0: it lives.
func (w *world) mortally(n int, after bool) *mortal {
	m := &mortal{Database: w.db, left: n, after: after, died: make(chan struct{})}
	if n == 0 {
		m.left = -1
	}
	w.database = m
	w.ledger()
	return m
}

func TestCutAtEveryWrite(t *testing.T) {
	for name, props := range map[string]uploader.Properties{"refusing": refusing, "idempotent": {Idempotent: true}, "plain": {}} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(name, after), func(t *testing.T) {
				for n := 1; n <= 16; n += (slowdown + 1) / 2 {
					bubble(t, func(t *testing.T, w *world) { cutAt(t, w, props, n, after) })
				}
			})
		}
	}
}

func cutAt(t *testing.T, w *world, props uploader.Properties, n int, after bool) {
	h := w.host("one", props)
	h.then(step{}, fails(errBusy))
	m := w.mortally(n, after)
	es := []vfs.Entry{w.put("/one/a.jpg", "A"), w.put("/one/b.jpg", "B"), w.put("/one/c.jpg", "A"), w.put("/one/d.jpg", "D")}
	w.start()
	later(time.Hour)
	if !m.isDead() && n < 8 {
		t.Errorf("it was not killed at write %d", n)
	}
	w.halt()
	w.mortally(-1, false)
	w.start()
	later(time.Hour)
	for _, e := range es {
		u := w.upload(e)
		waits := u.State == uploader.AmbiguousState || u.Reason == uploader.ReasonSameBytes
		if u.State != uploader.Done && !(name(props) == "plain" && waits) {
			t.Errorf("killed at write %d: %s is %s/%s: %s", n, u.Path, u.State, u.Reason, u.Error)
		}
		if stored := h.stored[e.SHA256]; stored != 1 && !(name(props) == "plain" && waits && stored == 0) {
			t.Errorf("killed at write %d: %s was stored %d times", n, u.Path, stored)
		}
	}
}

func name(p uploader.Properties) string {
	switch {
	case p.Idempotent:
		return "idempotent"
	case p.RefusesRepeats > 0:
		return "refusing"
	}
	return "plain"
}

// TestNeverTwiceNeverLost does anything to files, hosts and the process, in any
// order; in the end each host has what is wanted, once.
func TestNeverTwiceNeverLost(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		var caught any // rapid stops a run by a panic, which must be its own goroutine's
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, filepath.Join(dir, fmt.Sprint(run)))
			defer w.close()
			defer func() { caught = recover() }()
			anything(rt, w)
		})
		if caught != nil {
			panic(caught)
		}
	})
}

func anything(rt *rapid.T, w *world) {
	one, two := refusing, uploader.Properties{Idempotent: true}
	if w.deletes = rapid.Bool().Draw(rt, "deletes"); w.deletes {
		one.Deletes, two.Deletes = true, true
	}
	two.Replaces = rapid.Bool().Draw(rt, "replaces")
	w.plan.OnReplace = rapid.SampledFrom([]string{uploader.KeepHosted, uploader.DeleteOld}).Draw(rt, "on_replace")
	hosts := []*fakeHost{w.host("one", one), w.host("two", two)}
	for _, h := range hosts {
		h.delay = 300 * time.Millisecond
		h.erasing = func(id string) { w.unreferred(rt, h, id) }
	}
	w.config.Grace = time.Second
	w.copies = make(map[blob.Sum]blob.Sum)
	w.config.Variant = func(ctx context.Context, u uploader.Upload, open func(context.Context) (io.ReadSeekCloser, error)) (uploader.Variant, error) {
		v, err := variants(ctx, u, open)
		if a, ok := v.(altered); ok {
			w.set(func() { w.copies[sha256.Sum256([]byte(a))] = u.SHA256 })
		}
		return v, err
	}
	w.config.Tries = 1 << 20
	paths := rapid.SampledFrom([]string{"/one/a.jpg", "/one/b.jpg", "/one/d/c.jpg", "/two/a.jpg", "/two/d/b.jpg", "/un/a.jpg", "/un/d/b.jpg"})
	dirs := rapid.SampledFrom([]string{"/one/d", "/two/d", "/un/d", "/two/e"})
	contents := rapid.SampledFrom([]string{"A", "B", "C", "D"})
	apply := func(op vfs.Op) { _, _, _ = w.tree.Apply(context.Background(), op) } // what is not there is not there
	for _, d := range []string{"/one/d", "/two/d", "/un/d"} {
		apply(vfs.Mkdir{Path: d, Parents: true})
	}
	w.start()
	rt.Repeat(map[string]func(*rapid.T){
		"put":    func(rt *rapid.T) { w.put(paths.Draw(rt, "path"), contents.Draw(rt, "content")) },
		"remove": func(rt *rapid.T) { apply(vfs.Remove{Path: paths.Draw(rt, "path")}) },
		"move": func(rt *rapid.T) {
			apply(vfs.Move{From: paths.Draw(rt, "from"), To: paths.Draw(rt, "to"), Overwrite: true})
		},
		"copy": func(rt *rapid.T) {
			apply(vfs.Copy{From: paths.Draw(rt, "from"), To: paths.Draw(rt, "to"), Overwrite: true})
		},
		"move tree": func(rt *rapid.T) {
			apply(vfs.Move{From: dirs.Draw(rt, "from"), To: dirs.Draw(rt, "to"), Overwrite: true})
		},
		"wait": func(rt *rapid.T) {
			later(time.Duration(rapid.IntRange(1, 2000).Draw(rt, "ms")) * time.Millisecond)
		},
		"wait long": func(rt *rapid.T) {
			later(time.Duration(rapid.IntRange(1, 700).Draw(rt, "seconds")) * time.Second)
		},
		"fail to delete": func(rt *rapid.T) {
			h := hosts[rapid.IntRange(0, 1).Draw(rt, "host")]
			h.mu.Lock()
			defer h.mu.Unlock()
			h.refusals = append(h.refusals, rapid.SampledFrom([]error{errBusy, errDial, errRefused, errFlood, errLost}).Draw(rt, "error"))
		},
		"fail": func(rt *rapid.T) {
			hosts[rapid.IntRange(0, 1).Draw(rt, "host")].then(rapid.SampledFrom([]step{fails(errBusy), fails(errDial), fails(errRefused),
				fails(errFlood), {err: errLost}, {store: true, err: errLost}, {err: errHTML}, {store: true, err: errHTML}}).Draw(rt, "step"))
		},
		"restart": func(rt *rapid.T) { w.halt(); w.mortally(-1, false); w.start() },
		"kill": func(rt *rapid.T) {
			w.halt()
			w.mortally(rapid.IntRange(1, 6).Draw(rt, "write"), rapid.Bool().Draw(rt, "after"))
			w.start()
		},
	})
	w.halt()
	for _, h := range hosts {
		h.script, h.refusals = nil, nil
	}
	w.mortally(-1, false)
	w.start()
	later(3 * time.Hour)
	judge(rt, w, hosts)
}

// unreferred checks that no file that is here has the picture that a host is asked to
// delete.
func (w *world) unreferred(rt *rapid.T, h *fakeHost, id string) {
	var n int
	err := w.db.Read(context.Background(), func(ctx context.Context, tx vfs.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM hosted h JOIN uploads u ON u.hosted = h.id JOIN entries e ON e.id = u.entry AND e.sha256 = u.sha256
			WHERE h.host = $1 AND h.remote = $2`, h.props.Host, id).Scan(&n)
	})
	if err != nil || n > 0 {
		rt.Errorf("%s is asked to delete %s, which %d files have: %v", h.props.Host, id, n, err)
	}
}

// judge checks what must be true in the end.
func judge(rt *rapid.T, w *world, hosts []*fakeHost) {
	for _, state := range []uploader.DeletionState{uploader.DeletionWaiting, uploader.DeletionPaused, uploader.Deleting, uploader.DeletionFailed} {
		ds, err := w.l.Deletions(context.Background(), ledger.DeletionQuery{States: []uploader.DeletionState{state}})
		if err != nil || len(ds) > 0 {
			rt.Errorf("deletions are %s in the end: %+v, %v", state, ds, err)
		}
	}
	ds, err := w.l.Deletions(context.Background(), ledger.DeletionQuery{States: []uploader.DeletionState{uploader.Deleted}, Limit: 1000})
	for _, d := range ds {
		if sum, ok := w.hosts[d.Picture.Destination].pictures[d.Picture.Result.ID]; ok {
			rt.Errorf("%+v is still there, as %v: %v", d, sum, err)
		}
	}
	for _, h := range hosts {
		for sum, n := range h.stored {
			if n > 1 {
				rt.Errorf("%s has %v %d times", h.props.Host, sum, n)
			}
		}
	}
	for _, p := range []string{"/one", "/one/d", "/two", "/two/d", "/two/e"} {
		dir, err := w.tree.Lookup(context.Background(), p)
		if err != nil {
			continue
		}
		es, err := w.tree.List(context.Background(), dir.ID, "", 100)
		if err != nil {
			rt.Fatal(err)
		}
		for _, e := range es {
			if !e.Dir {
				judgeFile(rt, w, p+"/"+e.Name, e)
			}
		}
	}
}

func judgeFile(rt *rapid.T, w *world, p string, e vfs.Entry) {
	d := p[1:4]
	us, err := w.l.Entry(context.Background(), e.ID)
	if err != nil {
		rt.Fatal(err)
	}
	for _, u := range us {
		if (u.Blob != blob.Ref("")) != u.State.Live() {
			rt.Errorf("%s is %s and its blob is %q", u.Path, u.State, u.Blob)
		}
		if u.Destination != d || !u.Present {
			continue
		}
		h, sum := w.hosts[d], e.SHA256
		// Bytes whose address another picture took go as a copy, which takes it from nobody.
		if u.State == uploader.Done && u.Picture != nil && h.props.Replaces && w.copies[h.pictures[u.Picture.Result.ID]] == sum {
			sum = h.pictures[u.Picture.Result.ID]
		}
		if n := h.stored[sum]; n != 1 {
			rt.Errorf("%s is at its host %d times: %+v", p, n, u)
		}
		if u.State != uploader.Done && u.Reason != uploader.ReasonDuplicate {
			rt.Errorf("%s ended as %+v", p, u)
		}
		if u.State == uploader.Done && u.Reason != uploader.ReasonNoURL {
			if has := h.pictures[u.Picture.Result.ID]; has != sum {
				rt.Errorf("the address of %s shows %v: %+v %+v", p, has, u, u.Picture)
			}
		}
		if u.Path != p {
			rt.Errorf("%s is thought to be at %s", p, u.Path)
		}
		return
	}
	rt.Errorf("%s has no upload to %s: %+v", p, d, us)
}
