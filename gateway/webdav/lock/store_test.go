package lock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// rows is a Store in memory that can be slow and can fail, before or after what
// it was asked to do.
type rows struct {
	mu      sync.Mutex
	by      map[string]Lock
	deletes int
	during  func()             // called while a Save or Delete is under way
	fail    func() (int, bool) // where to fail: 0 before, 1 after; false: not
}

var errStore = errors.New("the disk is full")

func newRows() *rows { return &rows{by: map[string]Lock{}} }

func (r *rows) Load(context.Context) ([]Lock, error) {
	return slices.Collect(maps.Values(r.by)), nil
}

func (r *rows) Save(_ context.Context, l Lock) error {
	return r.do(func() { r.by[l.Token] = l })
}

func (r *rows) Delete(_ context.Context, tokens ...string) error {
	return r.do(func() {
		r.deletes++
		for _, token := range tokens {
			delete(r.by, token)
		}
	})
}

func (r *rows) do(f func()) error {
	if r.during != nil {
		r.during()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, fails := 0, false
	if r.fail != nil {
		at, fails = r.fail()
	}
	if fails && at == 0 {
		return errStore
	}
	if f(); fails {
		return errStore
	}
	return nil
}

// same fails unless the store has what the table has.
func (r *rows) same(t *testing.T, tab *Table) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for token, l := range tab.byToken {
		if row, ok := r.by[token]; !ok || row != l.Lock {
			t.Errorf("the table has %+v, the store %+v", l.Lock, row)
		}
	}
	if len(r.by) != len(tab.byToken) {
		t.Errorf("%d rows, %d locks", len(r.by), len(tab.byToken))
	}
}

// TestOneWins: of many who lock the same path exactly one gets it, however slow
// the store is, and readers do not wait for the store.
func TestOneWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows()
		store.during = func() { time.Sleep(time.Second) }
		tab := NewTable(Options{Store: store})
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				switch _, err := tab.Create(t.Context(), Lock{Root: "/f", User: fmt.Sprint(i), Timeout: time.Minute}); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrLocked):
					lost.Add(1)
				}
			})
		}
		synctest.Wait() // the store is at work
		if l := tab.Covering("/f"); len(l) != 0 {
			t.Errorf("granted before it was stored: %+v", l)
		}
		if b := tab.Blocking("/f", Content, Holder{}); len(b) != 1 {
			t.Errorf("%d locks exclude others while one is being stored", len(b))
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 99 || len(tab.Covering("/f")) != 1 {
			t.Errorf("%d won, %d lost, %d locks", won.Load(), lost.Load(), len(tab.Covering("/f")))
		}
		store.same(t, tab)
	})
}

// TestStoreFails: what the store did not take is not granted, not refreshed and
// not given back, and nothing of it is left.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for at := range 2 {
			store := newRows()
			tab := NewTable(Options{Store: store, Unlocked: func(context.Context, string) { t.Error("unlocked") }})
			l := grant(t, tab, Lock{Root: "/a", User: "u"})
			time.Sleep(30 * time.Second)
			store.fail = func() (int, bool) { return at, true }
			if _, err := tab.Create(t.Context(), Lock{Root: "/b", Timeout: time.Minute}); !errors.Is(err, errStore) {
				t.Errorf("Create: %v", err)
			}
			if len(tab.Blocking("/b", Content, Holder{})) > 0 {
				t.Error("a lock that was refused is in the way")
			}
			if _, err := tab.Refresh(t.Context(), l.Token, "u", time.Hour); !errors.Is(err, errStore) {
				t.Errorf("Refresh: %v", err)
			}
			if err := tab.Remove(t.Context(), l.Token, "u"); !errors.Is(err, errStore) {
				t.Errorf("Remove: %v", err)
			}
			if got, ok := tab.Get(l.Token); !ok || got != l {
				t.Errorf("the lock was %+v and is %+v, %v", l, got, ok)
			}
			if err := tab.Sweep(t.Context()); !errors.Is(err, errStore) {
				t.Errorf("Sweep: %v", err)
			}
			store.fail = nil
			if err := tab.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
			store.same(t, tab)
			time.Sleep(30 * time.Second)
			if err := tab.Sweep(t.Context()); err != nil || len(store.by) != 0 {
				t.Errorf("%v; %d expired rows are left", err, len(store.by))
			}
		}
	})
}

// TestRemoveFails: a lock that could not be given back has its row again as soon
// as the store works.
func TestRemoveFails(t *testing.T) {
	for at := range 2 {
		store := newRows()
		tab := NewTable(Options{Store: store})
		l := grant(t, tab, Lock{Root: "/a", User: "u"})
		store.fail = func() (int, bool) { return at, true }
		if err := tab.Remove(t.Context(), l.Token, "u"); !errors.Is(err, errStore) {
			t.Errorf("%v", err)
		}
		store.fail = nil
		if err := tab.Sweep(t.Context()); err != nil || !tab.Any() {
			t.Errorf("%v, a lock: %v", err, tab.Any())
		}
		store.same(t, tab)
	}
}

// TestDropFails: what was locked is gone, and so is the lock, whatever the store
// says; the row goes as soon as it can.
func TestDropFails(t *testing.T) {
	store := newRows()
	tab := NewTable(Options{Store: store})
	grant(t, tab, Lock{Root: "/d/a"})
	store.fail = func() (int, bool) { return 0, true }
	if any, err := tab.Drop(t.Context(), "/d"); !any || !errors.Is(err, errStore) {
		t.Errorf("%v %v", any, err)
	}
	if tab.Any() || len(store.by) != 1 {
		t.Errorf("%v, %d rows", tab.Any(), len(store.by))
	}
	store.fail = nil
	if err := tab.Sweep(t.Context()); err != nil || len(store.by) != 0 {
		t.Errorf("%v, %d rows", err, len(store.by))
	}
}

// TestDropDuring: a folder that is deleted while a lock in it is being
// stored takes the lock along, and a refresh does not bring it back.
func TestDropDuring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows()
		store.during = func() { time.Sleep(time.Second) }
		tab := NewTable(Options{Store: store})
		l := grant(t, tab, Lock{Root: "/d/a", User: "u"})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := tab.Create(t.Context(), Lock{Root: "/d/b", Timeout: time.Minute}); !errors.Is(err, ErrNoLock) {
				t.Errorf("Create: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := tab.Refresh(t.Context(), l.Token, "u", time.Hour); !errors.Is(err, ErrNoLock) {
				t.Errorf("Refresh: %v", err)
			}
		})
		synctest.Wait()
		if _, err := tab.Drop(t.Context(), "/d"); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if tab.Any() || len(store.by) != 0 {
			t.Errorf("%v, rows %v", tab.Any(), store.by)
		}
	})
}

// TestRefreshHolds: a lock does not end while its refresh is being stored.
func TestRefreshHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows()
		tab := NewTable(Options{Store: store})
		l := grant(t, tab, Lock{Root: "/a", User: "u", Timeout: time.Second})
		store.during = func() { time.Sleep(time.Minute) }
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := tab.Refresh(t.Context(), l.Token, "u", time.Hour); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(30 * time.Second)
		if _, err := tab.Create(t.Context(), Lock{Root: "/a", User: "v", Timeout: time.Second}); !errors.Is(err, ErrLocked) {
			t.Errorf("somebody else got it: %v", err)
		}
		wg.Wait()
	})
}

// TestStoreFailsAtRandom: after whatever happened at once, table and rows are
// equal as soon as the store works again.
func TestStoreFailsAtRandom(t *testing.T) {
	store := newRows()
	var calls atomic.Uint32
	store.fail = func() (int, bool) { n := calls.Add(1); return int(n/3) % 2, n%3 == 0 }
	tab := NewTable(Options{Store: store})
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			user, tokens := fmt.Sprint(i%3), []string{}
			dice := rand.New(rand.NewPCG(1, uint64(i)))
			for range 400 {
				root := fmt.Sprintf("/%d/%d", dice.IntN(3), dice.IntN(5))
				token := ""
				if len(tokens) > 0 {
					token = tokens[dice.IntN(len(tokens))]
				}
				switch dice.IntN(6) {
				case 0, 1:
					if l, err := tab.Create(ctx, Lock{Root: root, User: user, Shared: dice.IntN(2) == 0, Timeout: time.Hour}); err == nil {
						tokens = append(tokens, l.Token)
					}
				case 2:
					tab.Refresh(ctx, token, user, time.Hour+time.Duration(dice.IntN(1000)))
				case 3:
					tab.Remove(ctx, token, user)
				case 4:
					tab.Drop(ctx, root[:2])
				case 5:
					tab.Sweep(ctx)
				}
			}
		})
	}
	wg.Wait()
	grantMust := func() { // something must be there to be compared
		store.fail = nil
		for i := range 5 {
			tab.Create(ctx, Lock{Root: fmt.Sprint("/end/", i), Timeout: time.Hour})
		}
	}
	grantMust()
	if err := tab.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if len(tab.byToken) < 5 || len(tab.owed) > 0 {
		t.Errorf("%d locks, %d owed", len(tab.byToken), len(tab.owed))
	}
	store.same(t, tab)
}

// TestLoad: a new table goes on where the one before ended.
func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows()
		tab := NewTable(Options{Store: store})
		stays := grant(t, tab, Lock{Root: "/a", Deep: true, User: "u", Owner: "me", Timeout: time.Hour})
		grant(t, tab, Lock{Root: "/gone", User: "u", Timeout: time.Hour})
		grant(t, tab, Lock{Root: "/ended", User: "u", Timeout: time.Second})
		far := Lock{Token: "t:far", Root: "/far", Timeout: time.Minute, Expires: time.Now().Add(1000 * time.Hour)}
		store.by[far.Token] = far
		time.Sleep(time.Minute)

		tab = NewTable(Options{Store: store, MaxPerUser: 2})
		if err := tab.Load(t.Context(), func(l Lock) (bool, error) { return l.Root != "/gone", nil }); err != nil {
			t.Fatal(err)
		}
		if got := tab.Covering("/a/b"); len(got) != 1 || got[0] != stays {
			t.Errorf("%+v", got)
		}
		if len(tab.byToken) != 2 || len(store.by) != 2 {
			t.Errorf("%d locks, %d rows", len(tab.byToken), len(store.by))
		}
		if l, _ := tab.Get(far.Token); l.Expires.After(time.Now().Add(time.Minute)) {
			t.Errorf("the clock was wrong once, and the lock lives until %v", l.Expires)
		}
		grant(t, tab, Lock{Root: "/b", User: "u"})
		if _, err := tab.Create(t.Context(), Lock{Root: "/c", User: "u"}); !errors.Is(err, ErrUserFull) {
			t.Errorf("loaded locks do not count: %v", err)
		}
		if err := NewTable(Options{Store: store}).Load(t.Context(), func(Lock) (bool, error) { return false, errStore }); !errors.Is(err, errStore) {
			t.Errorf("%v", err)
		}
	})
}

// TestUnlocked: whoever waits for a path is told, after the lock is gone.
func TestUnlocked(t *testing.T) {
	var told []string
	var tab *Table
	tab = NewTable(Options{Store: newRows(), Unlocked: func(_ context.Context, root string) {
		if len(tab.Covering(root)) > 0 {
			t.Error("it is still locked")
		}
		told = append(told, root)
	}})
	l := grant(t, tab, Lock{Root: "/a", User: "u"})
	if err := tab.Remove(t.Context(), l.Token, "u"); err != nil || !slices.Equal(told, []string{"/a"}) {
		t.Errorf("%v, told %q", err, told)
	}
}
