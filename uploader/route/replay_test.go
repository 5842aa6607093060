package route

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/uploader"
)

const replayed = `
[[route]]
path = "/trips/{trip}/{rest...}"
to = ["cms", "home"]
types = ["image/*", "video/mp4"]
album_id = "{trip}"
category_id = "{trip}"
categories = { rome = 3 }
title = "{trip}: {stem}"
tags = ["x"]
nsfw = true
strip = "gps"
rotate = true
on_duplicate = "new-copy"
on_replace = "delete-old"
links = true
at.home.title = "home"
`

// TestPlanOfAnotherDestination: a file is sent to a destination that its route does not
// go to, with what the route says of pictures and without ids of other hosts; and above
// all without what the route takes out of it.
func TestPlanOfAnotherDestination(t *testing.T) {
	tab := table(t, replayed, folders(map[string]string{"/trips/rome/b/.album.toml": "album_id = \"here\"\ntitle = \"folder\"\n"}))
	want := uploader.Plan{OnDuplicate: "new-copy", OnLostReply: "no-url", OnReplace: "delete-old", Strip: "gps", Rotate: true,
		Keys: uploader.Keys{Title: "rome: a", Tags: []string{"x"}, NSFW: true}}
	got, err := tab.Plan(t.Context(), uploader.Upload{Path: "/trips/rome/a.jpg", Destination: "anh"}, nil)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
	k, err := plan(t, tab, "/trips/rome/b/a.jpg", "anh")
	if err != nil || k.AlbumID != "here" || k.Title != "folder" || k.CategoryID != "" {
		t.Error(k, err)
	}
	if k, err := plan(t, tab, "/nowhere/a.jpg", "anh"); err != nil || !cmp.Equal(k, uploader.Keys{}) {
		t.Error(k, err)
	}
}

func TestTakes(t *testing.T) {
	tab := table(t, replayed)
	for _, c := range []struct {
		path, kind  string
		size        int64
		destination string
		order       int
		why         string // a part; "": it is taken
	}{
		{"/trips/rome/a.jpg", "image/jpeg", 5, "home", 1, ""},
		{"/trips/rome/a.jpg", "image/jpeg", 5, "cms", 0, ""},
		{"/trips/rome/a.jpg", "image/jpeg", 5, "anh", 2, ""},
		{"/nowhere/a.jpg", "", 5, "anh", 0, ""},
		{"/trips/rome/a.jpg", "image/jpeg", 0, "home", 0, "empty"},
		{"/trips/rome/a.jpg.part", "image/jpeg", 5, "home", 0, "temporary"},
		{"/trips/rome/.DS_Store", "", 5, "home", 0, "system"},
		{"/trips/rome/.album.toml", "", 5, "home", 0, ".album.toml"},
		{"/trips/rome/b.txt", "text/plain", 5, "home", 0, "links"},
		{"/trips/rome/b.pdf", "application/pdf", 5, "home", 0, "types of its route"},
		{"/nowhere/b.pdf", "application/pdf", 5, "anh", 0, "does not take"},
		{"/trips/rome/a.jpg", "image/jpeg", 5, "none", 0, "no such destination"},
	} {
		o, why := tab.Takes(c.path, c.kind, c.size, c.destination)
		if (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s to %s: %q, want %q", c.path, c.destination, why, c.why)
		}
		if why == "" && (o.Destination != c.destination || o.Host == "" || o.Order != c.order) {
			t.Errorf("%s to %s: %+v, want order %d", c.path, c.destination, o, c.order)
		}
	}
	for path, want := range map[string]string{"/trips/rome/a.jpg": "new-copy", "/nowhere/a.jpg": "reuse"} {
		for _, d := range []string{"home", "anh"} {
			if got := tab.Repeats(path, d); got != want {
				t.Errorf("%s to %s: %s", path, d, got)
			}
		}
	}
}
