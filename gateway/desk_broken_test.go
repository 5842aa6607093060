package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"slipway/gateway/operate"
)

// breakOff sends the first bytes of a file as FTP does, and is cut.
func (o office) breakOff(user string, from netip.Addr, name string, n int) {
	o.Helper()
	u, err := o.a.users.Check(o.Context(), user, "correct-horse", netip.Addr{})
	if err != nil {
		o.Fatal(err)
	}
	f, err := o.a.view(u, from, doorRules{name: doorFTP, apart: true}).Create(name)
	if err != nil {
		o.Fatal(err)
	}
	if _, err := f.Write(make([]byte, n)); err != nil {
		o.Fatal(err)
	}
	f.(interface{ KeepPartial() }).KeepPartial()
	f.(interface{ TransferError(error) }).TransferError(errors.New("cut"))
	if f.Close() == nil {
		o.Fatal("half a file was taken")
	}
}

// TestDeskBrokenOff: what broke off is told to those whose home it is for, until when it
// is kept, from where to those who may know, and not while it goes on.
func TestDeskBrokenOff(t *testing.T) {
	o := newOffice(t)
	o.breakOff("ann", annsAddress, "/Mu\u0308nchen.jpg", 500_000)
	o.breakOff("drops", netip.MustParseAddr("2001:db8:1:2:3::4"), "/cam.jpg", 7)
	o.breakOff("root", annsAddress, "/homes/an/theirs.jpg", 5)
	deep := "/" + strings.Repeat(strings.Repeat("d", 250)+"/", 4)
	o.mkdir(o.desk("ann"), deep)
	o.breakOff("ann", annsAddress, deep+"long.jpg", 5) // whose path nobody can tell
	told := func(d operate.Desk) (list []string) {
		t.Helper()
		all, err := d.BrokenOff(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range all {
			list = append(list, fmt.Sprint(b.Path, " ", b.User, " ", b.From, " ", b.Size))
			if b.Until.Sub(b.Since) != 24*time.Hour || time.Since(b.Since) < 0 {
				t.Errorf("%+v", b)
			}
		}
		slices.Sort(list)
		return list
	}
	const home = "/homes/ann"
	for user, want := range map[string][]string{
		"root":  {home + "/M\u00fcnchen.jpg ann 192.0.2.1 500000", home + "/cam.jpg drops 2001:db8:1:2::/64 7", "/homes/an/theirs.jpg root 192.0.2.1 5"},
		"ann":   {"/M\u00fcnchen.jpg ann 192.0.2.1 500000", "/cam.jpg drops  7"},
		"looks": {"/M\u00fcnchen.jpg ann  500000", "/cam.jpg drops  7"},
		"bob":   {"/theirs.jpg root  5"},
		"drops": nil,
	} {
		slices.Sort(want)
		if got := told(o.desk(user)); !slices.Equal(got, want) {
			t.Errorf("%s is told %q, want %q", user, got, want)
		}
	}
	if got := told(o.deskFrom("drops", netip.MustParseAddr("2001:db8:1:2::9"))); !slices.Equal(got, []string{"/cam.jpg drops 2001:db8:1:2::/64 7"}) {
		t.Errorf("who drops is told %q where it came from", got)
	}

	// While it goes on it is a transfer, and when it is whole it is a file.
	u, err := o.a.users.Check(t.Context(), "ann", "correct-horse", netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := o.a.view(u, annsAddress, doorRules{name: doorFTP, apart: true}).(interface {
		Resume(string, int64) (afero.File, error)
	}).Resume("/Mu\u0308nchen.jpg", 500_000)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := told(o.desk("ann")); !slices.Equal(got, []string{"/cam.jpg drops  7"}) {
			t.Errorf("while it goes on, and then: %q", got)
		}
		f.Close() //nolint:errcheck // the second time it is closed
	}
}

// TestPartialAt: a key tells the path and where it came from, whatever it is.
func TestPartialAt(t *testing.T) {
	for key, want := range map[string][2]string{
		"/a/b":                   {"/a/b", ""},
		"/10.0.0.1/32/b":         {"/10.0.0.1/32/b", ""},
		"192.0.2.1/32/a":         {"/a", "192.0.2.1"},
		"2001:db8::/64/homes/ü":  {"/homes/ü", "2001:db8::/64"},
		"":                       {},
		"nonsense/64/a":          {},
		"192.0.2.1/32":           {},
		strings.Repeat("ab", 32): {},
	} {
		if at, from := partialAt(key); at != want[0] || from != want[1] {
			t.Errorf("%q: %q from %q", key, at, from)
		}
	}
}
