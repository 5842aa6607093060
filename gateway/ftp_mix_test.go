package main

import (
	"testing"

	"slipway/gateway/ingesttest"
)

// TestFTPTwoCut: two cameras of one account at two addresses are cut at the same
// name, and each goes on with its own picture.
func TestFTPTwoCut(t *testing.T) {
	g := startFTP(t, "")
	g.must(g.dial().Mkdir(ingesttest.Folder))
	one, two := shot(1), shot(2)
	n := len(one) / 2
	a, b := g.signIn("127.0.0.1"), g.signIn("127.0.0.2")
	g.must(a.PutCut(dsc, one, n))
	g.must(b.PutCut(dsc, two, n+40))
	for c, want := range map[*ftpClient]int{a: n, b: n + 40, g.signIn("127.0.0.3"): -1} {
		if got, err := c.size(dsc); err == nil && got != int64(want) || err != nil && want >= 0 {
			t.Errorf("SIZE is %d, want %d (%v)", got, want, err)
		}
	}
	g.must(a.PutAt(dsc, int64(n), one[n:]))
	g.must(b.PutAt(dsc, int64(n+40), two[n+40:]))
	g.holds(a, dsc, two)
	g.holds(a, numbered(1), one)
	g.sent(dsc, dsc)
}

// TestFTPNoMix: whoever was cut, and comes back where another's whole picture stands
// by then, does not spoil that, and can send his own from the start. The bytes that
// were kept of it count for nothing any more, because both have one address.
func TestFTPNoMix(t *testing.T) {
	one, two := shot(1), shot(2)
	n := len(one) / 2
	g := startFTP(t, "")
	g.must(g.dial().Mkdir(ingesttest.Folder))
	a, b := g.dial(), g.dial()
	g.must(a.PutCut(dsc, one, n))
	g.put(b, dsc, two)
	if err := a.PutAt(dsc, int64(n), one[n:]); err == nil {
		t.Error("the mix is taken")
	}
	g.holds(a, dsc, two)
	g.must(a.PutAt(dsc, int64(len(two)), nil)) // which asks whether all has come
	g.must(b.PutAt(dsc, int64(n), two[n:]))    // whose own it is
	g.holds(a, dsc, two)
	g.put(a, dsc, one)
	g.holds(a, dsc, one)
	g.holds(a, numbered(1), two)
	g.sent(dsc, dsc)
}

func (g ftpGateway) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}
