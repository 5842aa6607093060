package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// waits returns how long addr is told to wait for name.
func waits(t *testing.T, tab *Table, name, password string, addr netip.Addr) time.Duration {
	t.Helper()
	_, err := tab.Check(t.Context(), name, password, addr)
	var many *TooManyError
	if err == nil || !errors.As(err, &many) {
		t.Fatalf("%s from %v: %v, not a wait", name, addr, err)
	}
	return many.RetryAfter
}

func TestTheWaitDoublesUpToAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		for i, seconds := range []float64{0.5, 1, 2, 4, 8, 16, 32, 60, 60} {
			want(t, tab, "ann", fmt.Sprint(i), home, ErrWrong)
			got := waits(t, tab, "ann", "right", home)
			if got.Seconds() != seconds {
				t.Fatalf("after %d wrong passwords: %v, want %v s", i+1, got, seconds)
			}
			time.Sleep(got - 1)
			if rest := waits(t, tab, "ann", "right", home); rest != 1 {
				t.Fatalf("%v are left, want 1ns", rest)
			}
			time.Sleep(time.Nanosecond)
		}
		want(t, tab, "ann", "right", home, nil)
		want(t, tab, "ann", "again", home, ErrWrong)
		if got := waits(t, tab, "ann", "right", home); got != firstDelay {
			t.Errorf("after a success the wait is %v", got)
		}
	})
}

func TestARememberedAnswerClearsItsCounterToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		want(t, tab, "ann", "right", office, nil)
		for i := range 3 {
			want(t, tab, "ann", fmt.Sprint(i), home, ErrWrong)
			time.Sleep(2 * time.Second)
		}
		want(t, tab, "ann", "right", home, nil)
		want(t, tab, "ann", "x", home, ErrWrong)
		if got := waits(t, tab, "ann", "right", home); got != firstDelay {
			t.Errorf("the wait is %v", got)
		}
	})
}

func TestCountersDecay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		for i := range 4 {
			want(t, tab, "ann", fmt.Sprint(i), home, ErrWrong)
			time.Sleep(10 * time.Second)
		}
		time.Sleep(2 * decay) // 4 failures, of which 2 are left
		want(t, tab, "ann", "x", home, ErrWrong)
		if got := waits(t, tab, "ann", "right", home); got != 2*time.Second {
			t.Errorf("after two minutes the third counts %v", got)
		}
		time.Sleep(time.Hour)
		want(t, tab, "ann", "y", home, ErrWrong)
		if got := waits(t, tab, "ann", "right", home); got != firstDelay {
			t.Errorf("after an hour the first counts %v", got)
		}
	})
}

func TestTheSameWrongPasswordCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		for range 100 { // a client with an old password saved
			want(t, tab, "ann", "old", home, ErrWrong)
		}
		if got := waits(t, tab, "ann", "right", home); got != firstDelay {
			t.Errorf("its neighbour waits %v", got)
		}
		time.Sleep(firstDelay)
		want(t, tab, "ann", "old", home, ErrWrong)
		want(t, tab, "ann", "right", home, nil)
		time.Sleep(cacheLife)
		want(t, tab, "ann", "old", home, ErrWrong)
		if got := waits(t, tab, "ann", "right", home); got != firstDelay {
			t.Errorf("five minutes later it counts %v", got)
		}
	})
}

func TestOthersCannotLockAUserOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann())
		want(t, tab, "ann", "right", home, nil)
		for i := range 60 { // sixty strangers
			want(t, tab, "ann", fmt.Sprint(i), netip.AddrFrom4([4]byte{10, 0, byte(i), 1}), ErrWrong)
		}
		if err := tab.Reload([]User{ann()}); err != nil { // so that nothing is remembered
			t.Fatal(err)
		}
		before := time.Now()
		want(t, tab, "ann", "right", home, nil)
		if d := time.Since(before); d != 0 {
			t.Errorf("who was here before waits %v", d)
		}
		if err := tab.Reload([]User{ann()}); err != nil {
			t.Fatal(err)
		}
		want(t, tab, "ann", "right", elsewhere, nil)
		if d := time.Since(before); d != maxSlow {
			t.Errorf("the owner on a journey waits %v, want %v", d, maxSlow)
		}
		before = time.Now()
		want(t, tab, "ann", "right", elsewhere, nil)
		if d := time.Since(before); d != 0 {
			t.Errorf("and the second time %v", d)
		}
	})
}

func TestGuessingAtManyNamesHoldsTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := table(t, ann(), bob())
		want(t, tab, "ann", "right", home, nil)
		for i := range freePerAddr {
			want(t, tab, fmt.Sprint(i), "guess", home, ErrWrong)
		}
		want(t, tab, "bob", "no", home, ErrWrong)
		time.Sleep(firstDelay)
		want(t, tab, "cyd", "guess", home, ErrWrong)
		if got := waits(t, tab, "dan", "guess", home); got != 2*firstDelay {
			t.Errorf("the address waits %v", got)
		}
		want(t, tab, "ann", "right", home, nil)   // ann lives there
		want(t, tab, "bob", "other", office, nil) // and bob is elsewhere
		waits(t, tab, "bob", "other", home)
		time.Sleep(2 * firstDelay)
		want(t, tab, "bob", "other", home, nil)
	})
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if same := Network(netip.MustParseAddr(c.a)) == Network(netip.MustParseAddr(c.b)); same != c.same {
			t.Errorf("%s and %s count as one: %v", c.a, c.b, same)
		}
	}
	if Network(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address is not the zero prefix")
	}
}

func TestTablesAreBounded(t *testing.T) {
	g := newGuard()
	now := time.Now()
	for i := range 3 * guardEntries {
		w := who{Network(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), fmt.Sprint(i)}
		g.failed(w, now)
		g.passed(who{w.addr, "x"})
	}
	for what, n := range map[string]int{"both": g.both.order.Len(), "addrs": len(g.addrs.entries), "names": len(g.names.entries), "known": len(g.known.entries)} {
		if n != guardEntries {
			t.Errorf("%s holds %d entries", what, n)
		}
	}
}

func TestLRU(t *testing.T) {
	l := newLRU[string, int](2)
	l.put("a", 1)
	l.put("b", 2)
	l.get("a")
	l.put("c", 3)
	if _, ok := l.get("b"); ok {
		t.Error("b was used longest ago and is still there")
	}
	l.put("a", 4)
	l.remove("c")
	l.remove("c")
	if v, ok := l.get("a"); !ok || v != 4 || len(l.entries) != 1 || l.order.Len() != 1 {
		t.Errorf("a is %d, %v; %d entries", v, ok, len(l.entries))
	}
}

// TestRace lets every method run at once; the race detector judges.
func TestRace(t *testing.T) {
	tab := table(t, ann(), bob())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				tab.Check(t.Context(), "ann", "right", home)             //nolint:errcheck // any answer will do
				tab.Check(t.Context(), "bob", fmt.Sprint(n%5*i), office) //nolint:errcheck // likewise
				if n%10 == 0 {
					tab.Reload([]User{ann(), bob()}) //nolint:errcheck // they are right
				}
			}
		})
	}
	wg.Wait()
	want(t, tab, "ann", "right", home, nil)
}
