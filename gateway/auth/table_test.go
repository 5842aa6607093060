package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	home      = netip.MustParseAddr("192.0.2.1")
	office    = netip.MustParseAddr("192.0.2.2")
	elsewhere = netip.MustParseAddr("198.51.100.7")
)

func ann() User { return User{Name: "ann", Rights: Full, Password: cheap("right")} }
func bob() User { return User{Name: "bob", Rights: Drop, Password: cheap("other")} }

func table(t testing.TB, users ...User) *Table {
	t.Helper()
	tab, err := New(users, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// want checks one sign-in and the error it ends in; nil: none.
func want(t testing.TB, tab *Table, name, password string, addr netip.Addr, wanted error) {
	t.Helper()
	u, err := tab.Check(context.Background(), name, password, addr)
	if !errors.Is(err, wanted) {
		t.Errorf("%s/%s from %v: %v, want %v", name, password, addr, err, wanted)
	}
	if err == nil && u.Name != name || err != nil && u.Name != "" {
		t.Errorf("%s/%s from %v: user %q with error %v", name, password, addr, u.Name, err)
	}
}

func TestNewRefuses(t *testing.T) {
	with := func(f func(*User)) []User { u := ann(); f(&u); return []User{u} }
	for what, users := range map[string][]User{
		"no name":                       with(func(u *User) { u.Name = "" }),
		"a colon":                       with(func(u *User) { u.Name = "a:b" }),
		"a line break":                  with(func(u *User) { u.Name = "a\nb" }),
		"a long name":                   with(func(u *User) { u.Name = strings.Repeat("a", MaxName+1) }),
		"not UTF-8":                     with(func(u *User) { u.Name = "a\xff" }),
		"no password":                   with(func(u *User) { u.Password = Password{} }),
		"no rights":                     with(func(u *User) { u.Rights = 0 }),
		"other rights":                  with(func(u *User) { u.Rights = 4 }),
		"a quota below 0":               with(func(u *User) { u.Quota = -1 }),
		"relative home":                 with(func(u *User) { u.Home = "ann" }),
		"the same name":                 {ann(), ann()},
		"the same name in another form": {{Name: "caf\u00e9", Rights: Full, Password: cheap("x")}, {Name: "cafe\u0301", Rights: Full, Password: cheap("x")}},
	} {
		if _, err := New(users, Options{}); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

func TestParseRights(t *testing.T) {
	for s, r := range map[string]Rights{"": Full, "full": Full, "drop": Drop, "read": Read} {
		if got, err := ParseRights(s); err != nil || got != r {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	if _, err := ParseRights("Full"); err == nil {
		t.Error("Full is accepted")
	}
	if s := Drop.String() + Rights(9).String(); s != "droprights(9)" {
		t.Error(s)
	}
}

func TestCheck(t *testing.T) {
	u := ann()
	u.Home, u.Quota = "/people/../ann/", 5
	tab := table(t, u, User{Name: "plain", Rights: Read, Password: PlainPassword("geheim")})
	got, err := tab.Check(t.Context(), "ann", "right", home)
	if err != nil || got.Home != "/ann" || got.Quota != 5 || got.Rights != Full {
		t.Errorf("%+v, %v", got, err)
	}
	want(t, tab, "plain", "geheim", home, nil)
	want(t, tab, "plain", "Geheim", home, ErrWrong)
	want(t, tab, "ann", "wrong", home, ErrWrong)
	want(t, tab, "nobody", "right", office, ErrWrong)
	want(t, tab, "", "", elsewhere, ErrWrong)
	want(t, tab, "ann", strings.Repeat("x", MaxPassword+1), home, ErrWrong)
	want(t, tab, strings.Repeat("x", MaxName+1), "right", home, ErrWrong)
}

func TestExpiredAccountsAreToldSoWithTheRightPasswordOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := ann()
		u.Expires = time.Now().Add(time.Minute)
		tab := table(t, u)
		want(t, tab, "ann", "right", home, nil)
		time.Sleep(time.Minute) // the remembered answer is younger than its life
		want(t, tab, "ann", "right", home, ErrExpired)
		want(t, tab, "ann", "wrong", home, ErrWrong)
		want(t, tab, "ann", "right", office, ErrExpired)
	})
}

// Whether an answer was remembered shows where the hash was changed behind the
// table's back.
func TestRightAnswersAreRememberedForFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		want(t, tab, "ann", "right", home, nil)
		*tab.roll.users["ann"].Password.argon = *cheap("changed").argon
		time.Sleep(cacheLife - 1)
		want(t, tab, "ann", "right", home, nil)
		want(t, tab, "ann", "right", office, nil)
		time.Sleep(time.Nanosecond)
		want(t, tab, "ann", "right", home, ErrWrong)
	})
}

func TestReloadForgetsAnswersAndKeepsCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		want(t, tab, "ann", "right", home, nil)
		want(t, tab, "ann", "new", office, ErrWrong)
		if err := tab.Reload([]User{{Name: "ann", Rights: Read, Password: cheap("new")}}); err != nil {
			t.Fatal(err)
		}
		want(t, tab, "ann", "new", office, ErrTooMany)
		want(t, tab, "ann", "right", home, ErrWrong)
		time.Sleep(firstDelay)
		want(t, tab, "ann", "new", office, nil)
		if err := tab.Reload([]User{{}}); err == nil {
			t.Error("a broken user is accepted")
		}
		want(t, tab, "ann", "new", office, nil)
		if err := tab.Reload(nil); err != nil {
			t.Fatal(err)
		}
		want(t, tab, "ann", "new", office, ErrWrong)
	})
}

func TestEqualQuestionsShareOneCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		tab.slots.Acquire(t.Context(), tab.size) //nolint:errcheck // free
		gone, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := tab.Check(gone, "ann", "right", home); !errors.Is(err, context.Canceled) {
				t.Errorf("the first, who left: %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() { want(t, tab, "ann", "right", home, nil) })
		}
		synctest.Wait()
		if tab.waiting != 1 {
			t.Errorf("%d checks wait for 21 equal questions", tab.waiting)
		}
		leave()
		synctest.Wait()
		if tab.waiting != 1 {
			t.Errorf("%d checks wait after the first left", tab.waiting)
		}
		tab.slots.Release(tab.size)
		wg.Wait()
		if tab.waiting != 0 || len(tab.roll.flights) != 0 {
			t.Errorf("left behind: %d waiting, %d flights", tab.waiting, len(tab.roll.flights))
		}
	})
}

func TestACallerWhoLeavesIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		tab.slots.Acquire(t.Context(), tab.size) //nolint:errcheck // free
		var wg sync.WaitGroup
		wg.Go(func() { want(t, tab, "ann", "right", home, nil) })
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := tab.Check(short, "ann", "right", home); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who joined: %v", err)
		}
		tab.slots.Release(tab.size)
		wg.Wait()
	})
}

func TestParallelGuessesDoNotSlipPastTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		tab.slots.Acquire(t.Context(), tab.size) //nolint:errcheck // free
		var wrong, refused int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				_, err := tab.Check(t.Context(), "ann", fmt.Sprint(i), home)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, ErrWrong):
					wrong++
				case errors.Is(err, ErrTooMany):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		tab.slots.Release(tab.size)
		wg.Wait()
		if wrong > maxParallel || wrong+refused != 50 {
			t.Errorf("%d guesses were checked, %d refused", wrong, refused)
		}
	})
}

func TestMemoryOfParallelChecksIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, User{Name: "big", Rights: Full, Password: Password{argon: &argon{memory: maxMemory, time: 1, threads: 1, salt: make([]byte, 8), key: make([]byte, 16)}}})
		tab.slots.Acquire(t.Context(), 1) //nolint:errcheck // free
		var wg sync.WaitGroup
		wg.Go(func() { want(t, tab, "big", "guess", home, ErrWrong) })
		synctest.Wait()
		if tab.waiting != 1 {
			t.Error("a check larger than the bound does not wait for the whole of it")
		}
		tab.slots.Release(1)
		wg.Wait()
	})
}

func TestALongLineIsForThoseWhoWereHereBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann(), bob())
		want(t, tab, "ann", "right", home, nil)
		if err := tab.Reload([]User{ann(), bob()}); err != nil {
			t.Fatal(err)
		}
		tab.slots.Acquire(t.Context(), tab.size) //nolint:errcheck // free
		var wg sync.WaitGroup
		for i := range maxWaiting {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			wg.Go(func() { want(t, tab, "nobody", "guess", addr, ErrWrong) })
		}
		synctest.Wait()
		want(t, tab, "bob", "other", office, ErrTooMany)
		wg.Go(func() { want(t, tab, "ann", "right", home, nil) })
		synctest.Wait()
		tab.slots.Release(tab.size)
		wg.Wait()
		want(t, tab, "bob", "other", office, nil)
	})
}

// A wrong name is checked against a hash as costly as a user's, and no name gets
// in by knowing that hash's password.
func TestDecoys(t *testing.T) {
	tab := table(t, ann())
	if got := tab.decoyFor(tab.roll, "nobody", Password{}); got.argon != tab.roll.users["ann"].Password.argon {
		t.Error("a wrong name does not cost what the only user does")
	}
	want(t, tab, "nobody", "right", home, ErrWrong)

	plain := PlainPassword("geheim")
	tab = table(t, User{Name: "plain", Rights: Full, Password: plain})
	for _, p := range []Password{{}, plain} {
		if got := tab.decoyFor(tab.roll, "x", p); got.argon == nil || got.argon.memory != newMemory || got.argon.time != newTime {
			t.Errorf("a wrong plain password costs %+v", got.argon)
		}
	}
	tab = table(t)
	if got := tab.decoyFor(tab.roll, "x", Password{}); got.argon == nil {
		t.Error("without users a wrong name costs nothing")
	}
	want(t, tab, "x", "", home, ErrWrong)

	tab = table(t, ann(), bob())
	for i := range 20 {
		name := fmt.Sprint(i)
		first, second := tab.decoyFor(tab.roll, name, Password{}), tab.decoyFor(tab.roll, name, Password{})
		if first.argon != second.argon {
			t.Error("a wrong name's cost changes")
		}
	}
}

func TestLogNamesUsersOnly(t *testing.T) {
	var out bytes.Buffer
	tab, err := New([]User{ann()}, Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	want(t, tab, "ann", "wr0ng-1", home, ErrWrong)
	want(t, tab, "hunter2", "wr0ng-2", office, ErrWrong)
	s := out.String()
	if !strings.Contains(s, "user=ann address=192.0.2.1") || !strings.Contains(s, "address=192.0.2.2") {
		t.Errorf("log: %s", s)
	}
	if strings.Contains(s, "hunter2") || strings.Contains(s, "wr0ng") || strings.Contains(s, "right") {
		t.Errorf("the log shows a secret: %s", s)
	}
}

func BenchmarkCheckCached(b *testing.B) {
	tab := table(b, ann())
	want(b, tab, "ann", "right", home, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tab.Check(b.Context(), "ann", "right", home); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		if _, err := Hash([]byte("password")); err != nil {
			b.Fatal(err)
		}
	}
}

// TestStill: a session goes on as long as its account is what it was.
func TestStill(t *testing.T) {
	now := time.Unix(1e9, 0)
	hash, err := HashedPassword("$2a$04$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")
	if err != nil {
		t.Fatal(err)
	}
	users := func(change func(*User)) []User {
		u := User{Name: "ann", Home: "/ann", Rights: Full, Quota: 5, Password: PlainPassword("right")}
		change(&u)
		return []User{u}
	}
	tab, err := New(users(func(*User) {}), Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ann, err := tab.Check(t.Context(), "ann", "right", home)
	if err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		change func(*User)
		want   error
	}{
		"nothing":  {func(*User) {}, nil},
		"slash":    {func(u *User) { u.Home = "/ann/" }, nil},
		"longer":   {func(u *User) { u.Expires = now.Add(1) }, nil},
		"expired":  {func(u *User) { u.Expires = now }, ErrExpired},
		"gone":     {func(u *User) { u.Name = "bob" }, ErrChanged},
		"home":     {func(u *User) { u.Home = "/" }, ErrChanged},
		"rights":   {func(u *User) { u.Rights = Read }, ErrChanged},
		"quota":    {func(u *User) { u.Quota = 6 }, ErrChanged},
		"tls":      {func(u *User) { u.RequireTLS = true }, ErrChanged},
		"password": {func(u *User) { u.Password = PlainPassword("other") }, ErrChanged},
		"hash":     {func(u *User) { u.Password = hash }, ErrChanged},
	} {
		if err := tab.Reload(users(tt.change)); err != nil {
			t.Fatal(err)
		}
		if err := tab.Still(ann); err != tt.want {
			t.Errorf("%s changed: %v, want %v", what, err, tt.want)
		}
	}
	ann.Password = hash
	if err := tab.Reload([]User{ann}); err != nil {
		t.Fatal(err)
	}
	if err := tab.Still(ann); err != nil {
		t.Errorf("with the same hash: %v", err)
	}
	if p := cheap("right"); !(Password{argon: &argon{}}).same(Password{argon: &argon{}}) || p.same(cheap("other")) || p.same(hash) {
		t.Error("hashes are not told apart")
	}
}
