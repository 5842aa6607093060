package webdav

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spf13/afero"

	"slipway/gateway/webdav/lock"
)

// lockRows is a lock.Store in memory that can fail.
type lockRows struct {
	sync.Map // token to lock.Lock
	fail     atomic.Bool
}

func (r *lockRows) err() error {
	if r.fail.Load() {
		return errors.New("the disk is full")
	}
	return nil
}

func (r *lockRows) Load(context.Context) (locks []lock.Lock, err error) {
	r.Range(func(_, l any) bool { locks = append(locks, l.(lock.Lock)); return true })
	return locks, r.err()
}

func (r *lockRows) Save(_ context.Context, l lock.Lock) error {
	r.Store(l.Token, l)
	return r.err()
}

func (r *lockRows) Delete(_ context.Context, tokens ...string) error {
	if err := r.err(); err != nil {
		return err
	}
	for _, token := range tokens {
		r.Map.Delete(token)
	}
	return nil
}

// TestLockStoreFails: what the database does not take is not granted, and leaves
// no file; what it does not give back is still held.
func TestLockStoreFails(t *testing.T) {
	rows := &lockRows{}
	d := open(t, func(o *Options) { o.LockStore = rows })
	d.seed("/f=x")
	token := d.lock("/dav/f")
	rows.fail.Store(true)
	d.want(500, "LOCK", "/dav/new", lockBody)
	d.holds("/new", "-")
	d.want(500, "LOCK", "/dav/f", "", "If: (<"+token+">)")
	d.want(500, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">")
	d.want(423, "PUT", "/dav/f", "y")
	d.want(201, "PUT", "/dav/new", "y")
	d.want(204, "DELETE", "/dav/f", "", "If: (<"+token+">)") // the file goes, whatever becomes of the row
	d.want(201, "PUT", "/dav/f", "y")
	rows.fail.Store(false)
	d.want(200, "LOCK", "/dav/new", lockBody)
}

// TestLocksAreLoaded: another door goes on with the locks of the one before, but
// for those on what is gone.
func TestLocksAreLoaded(t *testing.T) {
	rows := &lockRows{}
	first := open(t, func(o *Options) { o.LockStore = rows })
	token, gone := first.lock("/dav/f"), first.lock("/dav/gone")
	first.fs.Fs.Remove("/gone")
	h := New(Options{
		Prefix: "/dav", LockStore: rows,
		FS: func(*http.Request) (afero.Fs, error) { return first.fs, nil },
	})
	err := h.LoadLocks(t.Context(), func(path string) (bool, error) { return afero.Exists(first.fs.Fs, path) })
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	d := &door{t, first.fs, s.URL, nil}
	d.want(423, "PUT", "/dav/f", "x")
	d.want(204, "PUT", "/dav/f", "x", "If: (<"+token+">)")
	d.want(412, "PUT", "/dav/gone", "x", "If: (<"+gone+">)")
	d.want(201, "PUT", "/dav/gone", "x")
	if !h.Locked("/f") || h.Locked("/gone") {
		t.Error("Locked says something else")
	}
	d.want(204, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">")
	if locks, _ := rows.Load(t.Context()); len(locks) != 0 {
		t.Errorf("rows are left: %+v", locks)
	}
}

func TestLockUserLimit(t *testing.T) {
	d := open(t, func(o *Options) { o.MaxUserLocks = 2 })
	d.lock("/dav/a", "User: anna")
	d.lock("/dav/b", "User: anna")
	if r := d.want(507, "LOCK", "/dav/c", lockBody, "User: anna"); !strings.Contains(r.body, "give some back") {
		t.Errorf("the words: %s", r.body)
	}
	d.holds("/c", "-")
	d.lock("/dav/c", "User: ben")
}

// TestLockOneWins: of many who lock a path where nothing stands one gets it.
func TestLockOneWins(t *testing.T) {
	d := open(t, func(o *Options) { o.LockStore = &lockRows{} })
	var made, refused atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			switch r := d.do("LOCK", "/dav/f", lockBody); r.StatusCode {
			case 201:
				made.Add(1)
			case 423:
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || refused.Load() != 99 || len(d.fs.commits) != 1 {
		t.Errorf("%d made it, %d were refused, committed %q", made.Load(), refused.Load(), d.fs.commits)
	}
}

// TestLockRefreshDuringPut: the owner's upload is long, and its lock is kept.
func TestLockRefreshDuringPut(t *testing.T) {
	d := open(t)
	token := d.lock("/dav/f")
	body, send := io.Pipe()
	r, err := http.NewRequest("PUT", d.url+"/dav/f", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("If", "(<"+token+">)")
	code := make(chan int)
	go func() {
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			code <- 0
			return
		}
		resp.Body.Close()
		code <- resp.StatusCode
	}()
	io.WriteString(send, "one, ")
	d.want(200, "LOCK", "/dav/f", "", "If: (<"+token+">)", "Timeout: Second-1000")
	io.WriteString(send, "two")
	send.Close()
	if got := <-code; got != 204 {
		t.Errorf("PUT: %d", got)
	}
	d.holds("/f", "one, two")
}

// TestLockedMembers: whoever may not change a member of a folder changes nothing,
// and learns which members are locked.
func TestLockedMembers(t *testing.T) {
	d := open(t)
	d.seed("/dir/a=A", "/dir/sub/b=B", "/dir/c=C", "/x=X", "/other/a=O")
	a := d.lock("/dav/dir/a", "User: anna")
	d.lock("/dav/dir/sub/b", "User: anna")
	for _, request := range []string{"DELETE /dav/dir", "MOVE /dav/dir /dav/new", "MOVE /dav/x /dav/dir", "COPY /dav/other /dav/dir"} {
		part := strings.Fields(request + " -")
		r := d.want(423, part[0], part[1], "", "Destination: "+part[2])
		if !strings.Contains(r.body, "<D:lock-token-submitted><D:href>/dav/dir/a</D:href><D:href>/dav/dir/sub/b</D:href></D:lock") {
			t.Errorf("%s: %s", request, r.body)
		}
		r = d.want(423, part[0], part[1], "", "Destination: "+part[2], "If: </dav/dir/a> (<"+a+">)", "User: anna")
		if strings.Contains(r.body, "dir/a<") || !strings.Contains(r.body, "/dav/dir/sub/b<") {
			t.Errorf("%s with one token: %s", request, r.body)
		}
	}
	for _, want := range []string{"/dir/a=A", "/dir/sub/b=B", "/dir/c=C", "/x=X"} {
		file, content, _ := strings.Cut(want, "=")
		d.holds(file, content)
	}
	d.want(201, "COPY", "/dav/dir", "", "Destination: /dav/copy") // reading is free,
	d.want(204, "PUT", "/dav/copy/a", "x")                        // and the copy is not locked
}

// TestLockOfOverwritten: the lock on a destination stays, those on members of what
// it replaced end (RFC 4918 §7.6).
func TestLockOfOverwritten(t *testing.T) {
	for _, method := range []string{"MOVE", "COPY"} {
		d := open(t)
		d.seed("/src/new=N", "/dst/old=O")
		top, member := d.lock("/dav/dst", "Depth: 0"), d.lock("/dav/dst/old", "Depth: 0")
		d.want(423, method, "/dav/src", "", "Destination: /dav/dst", "If: </dav/dst> (<"+top+">)")
		d.want(204, method, "/dav/src", "", "Destination: /dav/dst", "If: </dav/dst> (<"+top+">) </dav/dst/old> (<"+member+">)")
		d.want(423, "PUT", "/dav/dst/old", "x") // the folder is still locked,
		d.want(409, "UNLOCK", "/dav/dst/old", "", "Lock-Token: <"+member+">")
		d.want(201, "PUT", "/dav/dst/old", "x", "If: </dav/dst> (<"+top+">)") // its old member is not
	}
}

// TestUnlockedIsTold: what waits for a path is told where it is now.
func TestUnlockedIsTold(t *testing.T) {
	var told []string
	d := open(t, func(o *Options) {
		o.Unlocked = func(_ context.Context, path string) { told = append(told, path) }
	})
	d.seed("/a=A", "/b=B", "/c=C", "/d=D")
	a, b, c := d.lock("/dav/a"), d.lock("/dav/b"), d.lock("/dav/c")
	d.want(204, "UNLOCK", "/dav/a", "", "Lock-Token: <"+a+">")
	d.want(201, "MOVE", "/dav/b", "", "Destination: /dav/b2", "If: (<"+b+">)")
	d.want(204, "DELETE", "/dav/c", "", "If: (<"+c+">)")
	d.want(201, "MOVE", "/dav/d", "", "Destination: /dav/d2")
	if !slices.Equal(told, []string{"/a", "/b2"}) {
		t.Errorf("told %q", told)
	}
}

// taken is a tree in which another door always comes first.
type taken struct{ *fakeFS }

func (f taken) WithContext(context.Context) afero.Fs { return f }

func (f taken) OpenFile(p string, flag int, mode os.FileMode) (afero.File, error) {
	if flag&os.O_CREATE == 0 {
		return f.fakeFS.OpenFile(p, flag, mode)
	}
	if err := afero.WriteFile(f.Fs, p, []byte("theirs"), 0o666); err != nil || flag&os.O_EXCL == 0 {
		return nil, errors.Join(err, errors.New("it would be overwritten"))
	}
	return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrExist}
}

// TestLockKeepsWhatComes: a file that appears while its path is locked stays.
func TestLockKeepsWhatComes(t *testing.T) {
	fake := newFake()
	d := open(t, func(o *Options) { o.FS = func(*http.Request) (afero.Fs, error) { return taken{fake}, nil } })
	d.fs = fake
	d.want(200, "LOCK", "/dav/f", lockBody)
	d.holds("/f", "theirs")
	d.want(423, "DELETE", "/dav/f", "")
}

func FuzzLockToken(f *testing.F) {
	for _, s := range []string{"<opaquelocktoken:9f3e4b48-3fa2-4eb1-9f16-173f0cf9b755>", " <opaquelocktoken:x> ", "opaquelocktoken:x", "<>", "<<a>>", "<a> <b>", "<", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token, ok := parseLockToken(s)
		if ok && (token == "" || "<"+token+">" != strings.TrimSpace(s) || strings.ContainsAny(token, "<>")) {
			t.Errorf("%q gave %q", s, token)
		}
	})
}
