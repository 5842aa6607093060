package route

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/uploader"
)

// folders gives a table .album.toml files by their paths.
func folders(files map[string]string) func(*Options) {
	return func(o *Options) {
		o.Folder = func(_ context.Context, path string) ([]byte, error) {
			if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") {
				return nil, errors.New("not a clean path: " + path)
			}
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
	}
}

// picture returns metadata and counts how often it is asked.
func picture(calls *int) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		*calls++
		return map[string]string{"exif.Model": "X100", "exif.days": "3", "keywords": "sea, Sun,,sea", "title": ""}, nil
	}
}

func plan(t *testing.T, tab *Table, path, destination string) (uploader.Keys, error) {
	t.Helper()
	calls := 0
	p, err := tab.Plan(t.Context(), uploader.Upload{Path: path, Destination: destination}, picture(&calls))
	if calls > 1 {
		t.Errorf("metadata was read %d times", calls)
	}
	return p.Keys, err
}

const shop = `
[[route]]
path = "/shop/{category}/{rest...}"
to = ["anh", "home", "cms"]
title = "{category}: {title|stem} ({ext}) {exif.model}"
description = "{dir} {album} {path} {rest} {name}"
tags = ["{keywords}", "shop, {category}", "SEA"]
album_id = "{album}"
category_id = "{category}"
categories = { shoes = 3, Hats = 7, hats = 8, "caf\u00e9" = 9, Boots = 11, "Gloves" = 12, "gloveS" = 13 }
on_duplicate = "hold"
on_lost_reply = "new-copy"
nsfw = true
width = 800
use_file_date = true
expiration = "P{exif.days}D"
at.cms.category_id = "{rest|category}"
`

func TestPlan(t *testing.T) {
	tab := table(t, shop+"[[route]]\npath = '/shop/{rest...}'\nto = ['anh']\ntitle = '{title}'\n")
	calls := 0
	got, err := tab.Plan(t.Context(), uploader.Upload{Path: "/shop/shoes/new/a.b.JPG", Destination: "anh"}, picture(&calls))
	want := uploader.Plan{OnDuplicate: "hold", OnLostReply: "new-copy", OnReplace: "keep", Strip: "none", Keys: uploader.Keys{
		AlbumID: "new", CategoryID: "3", Title: "shoes: a.b (JPG) X100",
		Description: "/shop/shoes/new new /shop/shoes/new/a.b.JPG new/a.b.JPG a.b.JPG",
		Tags:        []string{"sea", "Sun", "shop", "shoes"}, NSFW: true, Width: 800, UseFileDate: true, Expiration: "P3D",
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || calls != 1 {
		t.Errorf("%v, %d calls: %s", err, calls, diff)
	}

	got, err = tab.Plan(t.Context(), uploader.Upload{Path: "/shop/a.jpg", Destination: "anh"}, nil)
	want = uploader.Plan{OnDuplicate: "reuse", OnLostReply: "no-url", OnReplace: "keep", Strip: "none"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("defaults: %v: %s", err, diff)
	}

	calls = 0
	got, err = tab.Plan(t.Context(), uploader.Upload{Path: "/shop/shoes/new/a.jpg", Destination: "home"}, picture(&calls))
	want = uploader.Plan{OnDuplicate: "hold", OnLostReply: "new-copy", OnReplace: "keep", Strip: "none"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || calls != 0 {
		t.Errorf("a destination without keys: %v, %d calls: %s", err, calls, diff)
	}

	// The first route does not go there, and was changed since; nothing is said then.
	got, err = table(t, threeRoutes).Plan(t.Context(), uploader.Upload{Path: "/elsewhere/a.jpg", Destination: "anh"}, nil)
	want = uploader.Plan{OnDuplicate: "reuse", OnLostReply: "no-url", OnReplace: "keep", Strip: "none"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("no route: %v: %s", err, diff)
	}
	if _, err := tab.Plan(t.Context(), uploader.Upload{Path: "/shop/a.jpg", Destination: "gone"}, nil); err == nil || uploader.AsError(err).Kind != uploader.Temporary {
		t.Errorf("a destination that is gone: %v", err)
	}
	broken := func() (map[string]string, error) { return nil, fs.ErrClosed }
	if _, err := tab.Plan(t.Context(), uploader.Upload{Path: "/shop/a.jpg", Destination: "anh"}, broken); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("metadata that cannot be read: %v", err)
	}
}

func TestCategories(t *testing.T) {
	const released = `; then delete the .error.txt beside the picture, or run "slipway queue release"`
	tests := []struct{ folder, change, want, text, remedy string }{
		{folder: "shoes", want: "3"},
		{folder: "SHOES", want: "3"},
		{folder: "Hats", want: "7"},
		{folder: "hats", want: "8"},
		{folder: "boots", want: "11"},
		{folder: "cafe\u0301", want: "9"},
		{folder: "13", want: "13"},
		{folder: "HATS", text: `category_id (route 1, at.cms) comes to "HATS", which is not among the categories of the route`,
			remedy: `add it to the route in the configuration, as in categories = { HATS = ID }, and reload that, or rename it if "Hats" is meant` + released},
		{folder: "new bags", text: `category_id (route 1, at.cms) comes to "new bags", which is not among the categories of the route`,
			remedy: `add it to the route in the configuration, as in categories = { "new bags" = ID }, and reload that` + released},
		{folder: "5", text: `category_id (route 1, at.cms) comes to "5", which is not among the categories of the route`,
			remedy: `add it to the route in the configuration, as in categories = { 5 = ID }, and reload that` + released},
		{folder: "bags", change: "on_unknown = 'none'"},
	}
	for _, tt := range tests {
		text := strings.Replace(shop, "{rest|category}", "{category}", 1)
		text = strings.Replace(text, "nsfw = true", tt.change, 1)
		keys, err := plan(t, table(t, text), "/shop/"+tt.folder+"/a.jpg", "cms")
		if tt.text == "" {
			if err != nil || keys.CategoryID != tt.want {
				t.Errorf("%s: %q, %v, want %q", tt.folder, keys.CategoryID, err, tt.want)
			}
			continue
		}
		want := uploader.Hold{Reason: uploader.ReasonNoAlbum, Text: tt.text, Remedy: tt.remedy}
		h, ok := errors.AsType[*uploader.Hold](err)
		if !ok {
			t.Errorf("%s: %v", tt.folder, err)
			continue
		}
		if diff := cmp.Diff(want, *h); diff != "" {
			t.Errorf("%s: %s", tt.folder, diff)
		}
	}
	rejecting := strings.Replace(shop, "nsfw = true", "on_unknown = 'reject'", 1)
	_, err := plan(t, table(t, rejecting), "/shop/bags/a.jpg", "anh")
	if e := uploader.AsError(err); e.Kind != uploader.Permanent || !strings.Contains(e.Message, `"bags"`) || e.Remedy == "" {
		t.Errorf("rejecting: %v", err)
	}
}

func TestIDs(t *testing.T) {
	tests := []struct{ name, keys, path, album, category, hold string }{
		{"as they are", "album_id = '{x}'\ncategory_id = '{x}'", "/a/12/p.jpg", "12", "12", ""},
		{"no number", "category_id = '{x}'", "/a/shoes/p.jpg", "", "", `category_id (route 1) comes to "shoes", and anh wants a number`},
		{"negative", "category_id = '{x}'", "/a/-1/p.jpg", "", "", `category_id (route 1) comes to "-1", and anh wants a number`},
		{"too large", "category_id = '{x}'", "/a/4294967296/p.jpg", "", "", `category_id (route 1) comes to "4294967296", and anh wants a number`},
		{"nothing", "category_id = '{title}'", "/a/12/p.jpg", "", "", ""},
		{"a constant that is an id", "album_id = 'ZfGd'\nalbums = { summer = 'Xy' }", "/a/12/p.jpg", "ZfGd", "", ""},
		{"a constant that is a name", "album_id = 'summer'\nalbums = { summer = 'Xy' }", "/a/12/p.jpg", "Xy", "", ""},
		{"a name", "album_id = '{x}'\nalbums = { summer = 'Xy' }", "/a/Summer/p.jpg", "Xy", "", ""},
		{"an unknown name", "album_id = '{x}'\nalbums = { summer = 'Xy' }", "/a/winter/p.jpg", "", "", `album_id (route 1) comes to "winter", which is not among the albums of the route`},
		{"sent without", "album_id = '{x}'\nalbums = { summer = 'Xy' }\non_unknown = 'none'", "/a/winter/p.jpg", "", "", ""},
		{"a number as written", "album_id = 12\ncategory_id = 0", "/a/x/p.jpg", "12", "0", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, err := plan(t, table(t, "[[route]]\npath = '/a/{x}/{rest...}'\nto = ['anh']\n"+tt.keys), tt.path, "anh")
			if tt.hold != "" {
				if h, ok := errors.AsType[*uploader.Hold](err); !ok || h.Text != tt.hold || h.Reason != uploader.ReasonNoAlbum {
					t.Errorf("got %v\nwant %s", err, tt.hold)
				}
				return
			}
			if err != nil || keys.AlbumID != tt.album || keys.CategoryID != tt.category {
				t.Errorf("album %q, category %q, %v", keys.AlbumID, keys.CategoryID, err)
			}
		})
	}
}

// TestBadExpiration: a host would answer 200 and delete the picture in 5 minutes.
func TestBadExpiration(t *testing.T) {
	tab := table(t, "[[route]]\npath = '/a/{x}/{rest...}'\nto = ['anh']\nexpiration = '{x}'")
	if keys, err := plan(t, tab, "/a/P3D/p.jpg", "anh"); err != nil || keys.Expiration != "P3D" {
		t.Errorf("%q, %v", keys.Expiration, err)
	}
	_, err := plan(t, tab, "/a/soon/p.jpg", "anh")
	h, ok := errors.AsType[*uploader.Hold](err)
	if !ok || h.Reason != uploader.ReasonSettings || !strings.HasPrefix(h.Text, `expiration (route 1) comes to "soon", which is neither a time span`) {
		t.Errorf("got %v", err)
	}
}
