package ledger_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"slipway/uploader"
	"slipway/uploader/ledger"
	"slipway/vfs"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

// world is a database with entries, a ledger over it and a clock to turn.
type world struct {
	t       testing.TB
	db      vfs.Database
	open    func() vfs.Database // opens the same database again
	l       *ledger.Ledger
	router  router
	quiet   time.Duration
	ceiling time.Duration
	locked  map[vfs.ID]bool
	mu      sync.Mutex
	now     time.Time
	next    vfs.ID
}

// router routes "/a/…" to one, "/b/…" to two, "/ab/…" to both, nothing else.
// one and two are hosts of their own; three is another account on one's.
type router struct{}

// OnDelete deletes below folders whose names begin with "del", but not below those that
// begin with "safe".
func (router) OnDelete(p string) string {
	if strings.Contains(p, "/del") && !strings.Contains(p, "/safe") {
		return uploader.DeleteHosted
	}
	return uploader.KeepHosted
}

func (router) Links(p string) bool {
	return strings.HasPrefix(p, "/l/") && strings.HasSuffix(p, ".url")
}
func (router) Owed(p, mediaType string, size int64) (owed []uploader.Owed) {
	if size == 0 || strings.HasSuffix(p, ".part") {
		return nil
	}
	top, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	for i, d := range map[string][]string{"a": {"one"}, "b": {"two"}, "ab": {"one", "two"}, "c": {"three"}}[top] {
		owed = append(owed, uploader.Owed{Destination: d, Host: hosts[d], Order: i})
	}
	return owed
}

var hosts = map[string]string{"one": "host1", "two": "host2", "three": "host1"}

func (router) Plan(context.Context, uploader.Upload, func() (map[string]string, error)) (uploader.Plan, error) {
	return uploader.Plan{}, nil
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, sqlite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, postgres(t))) })
}

func sqlite(t testing.TB) string { return filepath.Join(t.TempDir(), "index.db") }

func postgres(t testing.TB) string {
	dsn := os.Getenv("SLIPWAY_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/test"
	}
	db, err := sql.Open("pgx", dsn)
	if err == nil {
		defer db.Close()
		err = db.PingContext(t.Context())
	}
	if err != nil {
		t.Skipf("PostgreSQL is not reachable (set SLIPWAY_TEST_POSTGRES): %v", err)
	}
	schema := fmt.Sprintf("ledger_%d", time.Now().UnixNano())
	if _, err := db.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db, err := sql.Open("pgx", dsn)
		if err == nil {
			_, err = db.Exec("DROP SCHEMA " + schema + " CASCADE")
			db.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func newWorld(t testing.TB, source string) *world {
	w := &world{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), next: 2, locked: make(map[vfs.ID]bool)}
	w.open = func() vfs.Database {
		db, err := index.Open(t.Context(), source, index.Options{Unsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	w.db = w.open()
	w.reopen()
	return w
}

// reopen makes a ledger as a process that starts does.
func (w *world) reopen() {
	w.t.Helper()
	l, err := ledger.New(w.t.Context(), w.db, ledger.Options{
		Router: w.router, Destinations: []string{"one", "two", "three"}, Clock: w.clock,
		Quiet:   func(vfs.Change) time.Duration { return w.quiet },
		Ceiling: func() time.Duration { return w.ceiling },
		Locked: func(_ context.Context, _ vfs.Tx, ids []vfs.ID) (map[vfs.ID]bool, error) {
			return w.locked, nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.l = l
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// tx runs f in a transaction.
func (w *world) tx(f func(ctx context.Context, tx vfs.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func sum(content string) blob.Sum { return sha256.Sum256([]byte(content)) }

// put stores content at p, which need not exist, as the index does.
func (w *world) put(p, content string) vfs.Entry {
	w.t.Helper()
	var e vfs.Entry
	w.tx(func(ctx context.Context, tx vfs.Tx) (err error) {
		e, err = w.putIn(ctx, tx, p, content)
		return err
	})
	return e
}

func (w *world) putIn(ctx context.Context, tx vfs.Tx, p, content string) (vfs.Entry, error) {
	e := vfs.Entry{Name: path.Base(p), Size: int64(len(content)), SHA256: sum(content), Type: "image/jpeg", Inline: true, Blob: blob.NewRef(w.clock())}
	var err error
	if e.Parent, err = w.dir(ctx, tx, path.Dir(p)); err != nil {
		return e, err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO blobs (ref, size, sha256, bytes, created) VALUES ($1, $2, $3, $4, 0)", string(e.Blob), e.Size, e.SHA256[:], []byte(content)); err != nil {
		return e, err
	}
	err = tx.QueryRow(ctx, "SELECT id FROM entries WHERE parent = $1 AND key = $2", int64(e.Parent), e.Name).Scan(&e.ID)
	if err == sql.ErrNoRows {
		e.ID = w.next
		w.next++
		_, err = tx.Exec(ctx, "INSERT INTO entries (id, parent, name, key, dir, blob, inline, size, sha256, type, modified, created) VALUES ($1, $2, $3, $3, 0, $4, 1, $5, $6, $7, 0, 0)",
			int64(e.ID), int64(e.Parent), e.Name, string(e.Blob), e.Size, e.SHA256[:], e.Type)
	} else if err == nil {
		_, err = tx.Exec(ctx, "UPDATE entries SET blob = $1, size = $2, sha256 = $3 WHERE id = $4", string(e.Blob), e.Size, e.SHA256[:], int64(e.ID))
	}
	if err != nil {
		return e, err
	}
	return e, w.l.OnCommit(ctx, tx, []vfs.Change{{Kind: vfs.Stored, Entry: e, Path: p}})
}

// dir returns the directory at p, making it.
func (w *world) dir(ctx context.Context, tx vfs.Tx, p string) (vfs.ID, error) {
	if p == "/" {
		return vfs.Root, nil
	}
	parent, err := w.dir(ctx, tx, path.Dir(p))
	if err != nil {
		return 0, err
	}
	var id vfs.ID
	err = tx.QueryRow(ctx, "SELECT id FROM entries WHERE parent = $1 AND key = $2", int64(parent), path.Base(p)).Scan(&id)
	if err != sql.ErrNoRows {
		return id, err
	}
	id = w.next
	w.next++
	_, err = tx.Exec(ctx, "INSERT INTO entries (id, parent, name, key, dir, blob, inline, size, sha256, type, modified, created) VALUES ($1, $2, $3, $3, 1, NULL, 0, 0, NULL, '', 0, 0)", int64(id), int64(parent), path.Base(p))
	return id, err
}

// move renames e, a file or directory, to p.
func (w *world) move(e vfs.Entry, p string) vfs.Entry {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		parent, err := w.dir(ctx, tx, path.Dir(p))
		if err != nil {
			return err
		}
		e.Parent, e.Name = parent, path.Base(p)
		if _, err := tx.Exec(ctx, "UPDATE entries SET parent = $1, name = $2, key = $2 WHERE id = $3", int64(parent), e.Name, int64(e.ID)); err != nil {
			return err
		}
		return w.l.OnCommit(ctx, tx, []vfs.Change{{Kind: vfs.Moved, Entry: e, Path: p}})
	})
	return e
}

// remove removes files.
func (w *world) remove(es ...vfs.Entry) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx vfs.Tx) error {
		var ids []vfs.ID
		p, err := index.PathOf(ctx, tx, es[0].ID)
		if err != nil {
			return err
		}
		for _, e := range es {
			ids = append(ids, e.ID)
			if _, err := tx.Exec(ctx, "DELETE FROM entries WHERE id = $1", int64(e.ID)); err != nil {
				return err
			}
		}
		return w.l.OnCommit(ctx, tx, []vfs.Change{{Kind: vfs.Removed, Entry: es[0], Path: p, IDs: ids}})
	})
}

func (w *world) lookup(p string) vfs.Entry {
	w.t.Helper()
	var e vfs.Entry
	w.tx(func(ctx context.Context, tx vfs.Tx) (err error) {
		e.ID, err = w.dir(ctx, tx, p)
		e.Dir = true
		return err
	})
	return e
}

func request(destination string, n int) uploader.ClaimRequest {
	return uploader.ClaimRequest{Destination: destination, Host: hosts[destination], N: n, Free: n, Lease: time.Minute}
}

// claim claims n rows, which must be there.
func (w *world) claim(destination string, n int) []uploader.Claimed {
	w.t.Helper()
	got, _, err := w.l.Claim(w.t.Context(), request(destination, n))
	if err != nil {
		w.t.Fatal(err)
	}
	if len(got) != n {
		w.t.Fatalf("claimed %d rows for %s, want %d", len(got), destination, n)
	}
	return got
}

// idle checks that nothing can be claimed, and returns when to look again.
func (w *world) idle(destination string) time.Time {
	w.t.Helper()
	got, next, err := w.l.Claim(w.t.Context(), request(destination, 10))
	if err != nil {
		w.t.Fatal(err)
	}
	if len(got) != 0 {
		w.t.Fatalf("claimed %d rows for %s, want none", len(got), destination)
	}
	return next
}

func (w *world) finish(c uploader.Claimed, o uploader.Outcome) {
	w.t.Helper()
	if err := w.l.Finish(w.t.Context(), c, o); err != nil {
		w.t.Fatal(err)
	}
}

// done is the outcome of a success.
func done(id string) uploader.Outcome {
	return uploader.Outcome{State: uploader.Done, Kind: "done", Requested: true,
		Picture: &uploader.Hosted{Result: uploader.Result{ID: id, URL: "https://host/" + id, DeleteURL: "https://host/delete/" + id}}}
}

// states describes the rows of an entry: "one:settling/quiet two:done".
func (w *world) states(e vfs.Entry) string {
	w.t.Helper()
	us, err := w.l.Entry(w.t.Context(), e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var s []string
	for _, u := range us {
		d := u.Destination + ":" + string(u.State)
		if u.Reason != "" {
			d += "/" + u.Reason
		}
		s = append(s, d)
	}
	return strings.Join(s, " ")
}

func (w *world) want(e vfs.Entry, states string) {
	w.t.Helper()
	if got := w.states(e); got != states {
		w.t.Fatalf("rows are %q, want %q", got, states)
	}
}

// garbage returns how many blobs were let go of and are not referred to.
func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx vfs.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&n) })
	return n
}

func TestCommitClaimDone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.quiet = 2 * time.Second
		e := w.put("/ab/x.jpg", "X")
		w.want(e, "one:settling/quiet two:settling/quiet")
		if next := w.idle("one"); !next.Equal(w.clock().Add(2*time.Second)) && w.db.Postgres() == false {
			t.Errorf("next look at %v", next)
		}
		w.pass(2 * time.Second)
		c := w.claim("one", 1)[0]
		if c.Path != "/ab/x.jpg" || c.Attempt != 1 || c.Attempts != 1 || !c.Present || c.Blob != e.Blob || len(c.Key) != 26 {
			t.Errorf("claimed %+v", c)
		}
		w.want(e, "one:sending two:settling/quiet")
		if err := w.l.Sent(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		o := done("7")
		o.Sent = w.clock()
		w.finish(c, o)
		w.want(e, "one:done two:settling/quiet")
		us, err := w.l.Entry(t.Context(), e.ID)
		if err != nil || us[0].Picture == nil || us[0].Picture.URL != "https://host/7" || us[0].Blob != "" || us[0].Picture.DeleteURL != "" || us[0].Sent.IsZero() {
			t.Fatalf("%+v, %v", us[0], err)
		}
		if u, err := w.l.DeleteURL(t.Context(), us[0].Picture.ID); err != nil || u.Reveal() != "https://host/delete/7" {
			t.Fatal(u.Reveal(), err)
		}
		if n := w.count("SELECT count(*) FROM garbage WHERE ref = $1", string(e.Blob)); n != 1 {
			t.Errorf("the blob was let go of %d times", n)
		}
	})
}
