package route

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/uploader"
)

const withCompanions = `
[[route]]
path = "/talk/{rest...}"
to = ["anh", "home"]
companions = "30s"
on_type = "refuse"
[[route]]
path = "/titled/{rest...}"
to = ["anh"]
title = "{companion.title|stem}"
companions = "0s"
[[route]]
path = "/plain/{rest...}"
to = ["home"]
`

func TestCompanions(t *testing.T) {
	tab := table(t, withCompanions)
	for path, want := range map[string]struct {
		wait  time.Duration
		count bool
	}{"/talk/a.jpg": {30 * time.Second, true}, "/titled/a.jpg": {0, true}, "/plain/a.jpg": {}, "/nowhere/a.jpg": {}} {
		if wait, count := tab.Companions(path); wait != want.wait || count != want.count {
			t.Errorf("%s: %v %v", path, wait, count)
		}
	}
	for path, want := range map[string]int{"/talk/a.jpg": 2, "/talk/a.xmp": 0, "/talk/a.jpg.JSON": 0, "/plain/a.txt": 1} {
		if owed := tab.Owed(path, "", 10); len(owed) != want {
			t.Errorf("%s is owed to %v", path, owed)
		}
		if err := tab.Admit(path, 10); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if x := tab.Explain(t.Context(), "/talk/a.xmp", "", 10, nil); x.Why == "" || x.Destinations[0].Owed {
		t.Errorf("it is explained as %+v", x)
	}
}

// TestCompanionsSpeakLast: what they say stands where nobody else says anything,
// and an empty text of theirs sends nothing.
func TestCompanionsSpeakLast(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		said       map[string]string
		options    func(*Options)
		want       uploader.Keys
	}{
		{"alone", "/talk/a.jpg", map[string]string{"companion.title": "T", "companion.caption": "C", "companion.keywords": "x, y"}, nil,
			uploader.Keys{Title: "T", Description: "C", Tags: []string{"x", "y"}}},
		{"nothing", "/talk/a.jpg", map[string]string{"title": "of the picture, which the host reads itself"}, nil, uploader.Keys{}},
		{"the route's title", "/titled/a.jpg", map[string]string{"companion.caption": "C"}, nil, uploader.Keys{Title: "a", Description: "C"}},
		{"the folder's", "/talk/a.jpg", map[string]string{"companion.title": "T"}, folders(map[string]string{"/talk/.album.toml": `title = "F"`}),
			uploader.Keys{Title: "F"}},
	} {
		var change []func(*Options)
		if tt.options != nil {
			change = append(change, tt.options)
		}
		p, err := table(t, withCompanions, change...).Plan(t.Context(), uploader.Upload{Path: tt.path, Destination: "anh"},
			func() (map[string]string, error) { return tt.said, nil })
		if diff := cmp.Diff(tt.want, p.Keys); err != nil || diff != "" {
			t.Errorf("%s: %v %s", tt.name, err, diff)
		}
	}
}

func TestCompanionsErrors(t *testing.T) {
	for _, wait := range []string{"soon", "-1s", "2h"} {
		_, errs := NewTable(decode(t, "[[route]]\npath = \"/a/{rest...}\"\nto = [\"anh\"]\ncompanions = \""+wait+"\"\n"), Options{Destinations: destinations()})
		if len(errs) != 1 {
			t.Errorf("%q: %v", wait, errs)
		}
	}
}
