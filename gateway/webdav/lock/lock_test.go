package lock

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func grant(t *testing.T, tab *Table, l Lock) Lock {
	t.Helper()
	if l.Timeout == 0 {
		l.Timeout = time.Minute
	}
	l, err := tab.Create(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			have, want Lock
			err        error
		}{
			{Lock{Root: "/a"}, Lock{Root: "/a"}, ErrLocked},
			{Lock{Root: "/a"}, Lock{Root: "/ab"}, nil},
			{Lock{Root: "/a"}, Lock{Root: "/a/b"}, nil},
			{Lock{Root: "/a", Deep: true}, Lock{Root: "/a/b/c"}, ErrLocked},
			{Lock{Root: "/", Deep: true}, Lock{Root: "/a"}, ErrLocked},
			{Lock{Root: "/a/b/c"}, Lock{Root: "/a", Deep: true}, ErrLocked},
			{Lock{Root: "/a/b"}, Lock{Root: "/", Deep: true}, ErrLocked},
			{Lock{Root: "/a/b"}, Lock{Root: "/a"}, nil},
			{Lock{Root: "/a", Shared: true}, Lock{Root: "/a", Shared: true}, nil},
			{Lock{Root: "/a", Shared: true}, Lock{Root: "/a"}, ErrLocked},
			{Lock{Root: "/a"}, Lock{Root: "/a", Shared: true}, ErrLocked},
			{Lock{Root: "/a/b", Shared: true}, Lock{Root: "/a", Deep: true, Shared: true}, nil},
			{Lock{Root: "/a/b", Shared: true}, Lock{Root: "/a", Deep: true}, ErrLocked},
		} {
			tab := NewTable(Options{})
			grant(t, tab, tt.have)
			tt.want.Timeout = time.Minute
			if _, err := tab.Create(t.Context(), tt.want); !errors.Is(err, tt.err) {
				t.Errorf("%+v after %+v: %v", tt.want, tt.have, err)
			}
			time.Sleep(time.Minute)
			if _, err := tab.Create(t.Context(), tt.want); err != nil {
				t.Errorf("%+v after an expired lock: %v", tt.want, err)
			}
		}
	})
}

func TestBlocking(t *testing.T) {
	tab := NewTable(Options{})
	l := grant(t, tab, Lock{Root: "/d/f", User: "u"})
	for _, tt := range []struct {
		path    string
		scope   Scope
		holder  Holder
		blocked bool
	}{
		{"/d/f", Content, Holder{User: "u"}, true},
		{"/d/f", Content, Holder{User: "u", Tokens: []string{"x", l.Token}}, false},
		{"/d/f", Content, Holder{User: "v", Tokens: []string{l.Token}}, true},
		{"/d", Content, Holder{}, false},
		{"/d", Binding, Holder{}, false},
		{"/d", Tree, Holder{}, true},
		{"/", Tree, Holder{}, true},
		{"/d/f/x", Binding, Holder{}, true},
		{"/d/f/x/y", Tree, Holder{}, false},
		{"/d/ff", Tree, Holder{}, false},
	} {
		if blocked := tab.Blocking(tt.path, tt.scope, tt.holder); len(blocked) > 0 != tt.blocked {
			t.Errorf("%+v: %v", tt, blocked)
		}
	}
}

// TestBlockingNamesAll: every locked path is named once, but not those held.
func TestBlockingNamesAll(t *testing.T) {
	tab := NewTable(Options{})
	mine := grant(t, tab, Lock{Root: "/d/mine", User: "u"})
	for _, root := range []string{"/d/b", "/d/a", "/d/shared", "/d/shared", "/e"} {
		grant(t, tab, Lock{Root: root, Shared: root == "/d/shared"})
	}
	var roots []string
	for _, l := range tab.Blocking("/d", Tree, Holder{User: "u", Tokens: []string{mine.Token}}) {
		roots = append(roots, l.Root)
	}
	if !slices.Equal(roots, []string{"/d/a", "/d/b", "/d/shared"}) {
		t.Errorf("%q", roots)
	}
}

// TestForgets: what ends leaves nothing behind.
func TestForgets(t *testing.T) {
	tab := NewTable(Options{})
	for i := range 100 {
		grant(t, tab, Lock{Root: fmt.Sprintf("/d/%d", i), User: "u"})
	}
	if any, err := tab.Drop(t.Context(), "/d/1"); !any || err != nil {
		t.Errorf("%v %v", any, err)
	}
	if len(tab.byToken) != 99 || len(tab.byRoot) != 99 || tab.byUser["u"] != 99 {
		t.Errorf("%d locks at %d roots, %d of the user", len(tab.byToken), len(tab.byRoot), tab.byUser["u"])
	}
	if _, err := tab.Drop(t.Context(), "/d"); err != nil {
		t.Error(err)
	}
	if n := len(tab.byToken) + len(tab.byRoot) + len(tab.byUser) + len(tab.owed); n != 0 {
		t.Errorf("%d things are left", n)
	}
	if any, err := tab.Drop(t.Context(), "/d"); any || err != nil {
		t.Errorf("%v %v", any, err)
	}
}

// TestDropBelow: the lock on what was overwritten stays.
func TestDropBelow(t *testing.T) {
	tab := NewTable(Options{})
	top, in := grant(t, tab, Lock{Root: "/d"}), grant(t, tab, Lock{Root: "/d/x/y"})
	if _, err := tab.DropBelow(t.Context(), "/d"); err != nil {
		t.Fatal(err)
	}
	if _, ok := tab.Get(top.Token); !ok {
		t.Error("the lock on the path itself is gone")
	}
	if _, ok := tab.Get(in.Token); ok {
		t.Error("the lock below stayed")
	}
}

// TestLimits: one user cannot take what others need, and what ended makes room.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := NewTable(Options{Max: 5, MaxPerUser: 3})
		try := func(n int, user string) error {
			_, err := tab.Create(t.Context(), Lock{Root: fmt.Sprint("/", n), User: user, Timeout: time.Minute})
			return err
		}
		for i, tt := range []struct {
			user string
			want error
		}{{"a", nil}, {"a", nil}, {"a", nil}, {"a", ErrUserFull}, {"b", nil}, {"b", nil}, {"b", ErrFull}, {"c", ErrFull}} {
			if err := try(i, tt.user); !errors.Is(err, tt.want) {
				t.Errorf("%d, %s: %v", i, tt.user, err)
			}
		}
		if _, err := tab.Drop(t.Context(), "/0"); err != nil {
			t.Fatal(err)
		}
		if err := try(10, "a"); err != nil {
			t.Errorf("one was given back: %v", err)
		}
		time.Sleep(time.Minute)
		for i := range 3 {
			if err := try(20+i, "a"); err != nil {
				t.Errorf("all had ended: %v", err)
			}
		}
	})
}

func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := NewTable(Options{})
		l := grant(t, tab, Lock{Root: "/a", User: "u"})
		time.Sleep(59 * time.Second)
		if _, err := tab.Refresh(t.Context(), l.Token, "v", time.Minute); !errors.Is(err, ErrNoLock) {
			t.Errorf("another user refreshed it: %v", err)
		}
		if l, err := tab.Refresh(t.Context(), l.Token, "u", time.Hour); err != nil || !l.Expires.Equal(time.Now().Add(time.Hour)) {
			t.Errorf("%+v %v", l, err)
		}
		time.Sleep(time.Hour)
		if _, err := tab.Refresh(t.Context(), l.Token, "u", time.Hour); !errors.Is(err, ErrNoLock) {
			t.Errorf("an ended lock was refreshed: %v", err)
		}
		if _, ok := tab.Get(l.Token); ok {
			t.Error("an ended lock lives")
		}
	})
}

func TestRemove(t *testing.T) {
	tab := NewTable(Options{})
	l := grant(t, tab, Lock{Root: "/a", User: "u"})
	for _, tt := range []struct {
		user string
		want error
	}{{"v", ErrNoLock}, {"u", nil}, {"u", ErrNoLock}} {
		if err := tab.Remove(t.Context(), l.Token, tt.user); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.user, err, tt.want)
		}
	}
}
