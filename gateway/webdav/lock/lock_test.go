package lock

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func table(now *time.Time, max int) *Table {
	*now = time.Unix(1000, 0)
	return NewTable(func() time.Time { return *now }, max)
}

func TestConflicts(t *testing.T) {
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
		var now time.Time
		tab := table(&now, 10)
		tt.have.Timeout, tt.want.Timeout = time.Minute, time.Minute
		if _, err := tab.Create(tt.have); err != nil {
			t.Fatal(err)
		}
		if _, err := tab.Create(tt.want); !errors.Is(err, tt.err) {
			t.Errorf("%+v after %+v: %v", tt.want, tt.have, err)
		}
		now = now.Add(time.Minute)
		if _, err := tab.Create(tt.want); err != nil {
			t.Errorf("%+v after an expired lock: %v", tt.want, err)
		}
	}
}

func TestBlocking(t *testing.T) {
	var now time.Time
	tab := table(&now, 10)
	l, err := tab.Create(Lock{Root: "/d/f", User: "u", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
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
		if _, blocked := tab.Blocking(tt.path, tt.scope, tt.holder); blocked != tt.blocked {
			t.Errorf("%+v: %v", tt, blocked)
		}
	}
}

// TestForgets: what ends leaves nothing behind.
func TestForgets(t *testing.T) {
	var now time.Time
	tab := table(&now, 100)
	for i := range 100 {
		if _, err := tab.Create(Lock{Root: fmt.Sprintf("/d/%d", i), Timeout: time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tab.Create(Lock{Root: "/x", Timeout: time.Minute}); !errors.Is(err, ErrFull) {
		t.Errorf("beyond the limit: %v", err)
	}
	tab.Drop("/d/1")
	if len(tab.byToken) != 99 || len(tab.byRoot) != 99 {
		t.Errorf("%d locks at %d roots", len(tab.byToken), len(tab.byRoot))
	}
	tab.Drop("/d")
	if len(tab.byToken) != 0 || len(tab.byRoot) != 0 {
		t.Errorf("%d locks at %d roots", len(tab.byToken), len(tab.byRoot))
	}
}

func TestRefresh(t *testing.T) {
	var now time.Time
	tab := table(&now, 100)
	l, err := tab.Create(Lock{Root: "/a", User: "u", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(59 * time.Second)
	if _, ok := tab.Refresh(l.Token, "v", time.Minute); ok {
		t.Error("another user refreshed it")
	}
	if l, ok := tab.Refresh(l.Token, "u", time.Hour); !ok || l.Expires != now.Add(time.Hour) {
		t.Errorf("%+v %v", l, ok)
	}
	now = now.Add(time.Hour)
	if _, ok := tab.Refresh(l.Token, "u", time.Hour); ok {
		t.Error("an ended lock was refreshed")
	}
	if _, ok := tab.Get(l.Token); ok {
		t.Error("an ended lock lives")
	}
}
