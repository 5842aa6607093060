package route

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/uploader"
	"slipway/uploader/route/keys"
)

const albumRoute = `
[[route]]
path = "/a/{year}/{rest...}"
to = ["anh", "home"]
title = "route"
description = "route"
tags = "route"
album_id = "route"
width = 1
at.anh.description = "route at"
at.anh.tags = "route at"
at.anh.album_id = "route at"
`

func TestFolderOrder(t *testing.T) {
	tab := table(t, albumRoute, folders(map[string]string{
		"/.album.toml":            "title = 'root'\nwidth = 2\nnsfw = true\nat.home.title = 'no'",
		"/a/.album.toml":          "album_id = 'far'\ntags = 'far'\nwidth = 3\n[at.anh]\nuse_file_date = true\nwidth = 4",
		"/a/24/sea/.album.toml":   "album_id = '{year}-{album}-{stem}'\ntags = []\ntitle = ''",
		"/a/24/other/.album.toml": "this is no TOML",
	}))
	tests := map[string]uploader.Keys{
		"/a/24/sea/deep/p.jpg": {AlbumID: "24-deep-p", Description: "route at", Width: 4, NSFW: true, UseFileDate: true},
		"/a/24/p.jpg":          {AlbumID: "far", Title: "root", Description: "route at", Tags: []string{"far"}, Width: 4, NSFW: true, UseFileDate: true},
	}
	for path, want := range tests {
		got, err := plan(t, tab, path, "anh")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", path, err, diff)
		}
	}
	if got, err := plan(t, table(t, albumRoute), "/a/24/p.jpg", "anh"); err != nil || got.AlbumID != "route at" || got.Title != "route" || got.Width != 1 {
		t.Errorf("without files: %+v, %v", got, err)
	}
}

func TestFolderErrors(t *testing.T) {
	const path = "/a/24/.album.toml"
	tests := []struct{ text, want string }{
		{"titel = 'x'", `:1:1: unknown key "titel" at the top of the file; did you mean "title"?`},
		{"title = 5.5", `:1:1: title: text or a whole number is expected, as in "{album}" or 7`},
		{"\nwidth = 'big'", `:2:1: width is text where a whole number is expected; write width = 5`},
		{"tags = 5", `:1:1: tags: text or a list of texts is expected, as in "{keywords}" or ["holiday", "{keywords}"]`},
		{"title = beach", `:1:9: not valid TOML: expected value but found “…” instead; text is written in quotes: title = "…"`},
		{"title = '{stm}'", `:1:1: title: character 2: unknown name "stm"; did you mean "stem"?`},
		{"title = '{month}'", `:1:1: title: character 2: unknown name "month"; known here: album, caption, dir, ext, keywords, name, path, rest, stem, title, year, and exif.…, iptc.…, xmp.…`},
		{"title = '{'\nexpiration = 'soon'", `:1:1: title: character 1: "{" without "}" after it; write "{{" for a single brace; ` + path + `:2:1: expiration: "soon" is neither a time span as in "PT5M", "P3D" or "P1Y2M" (ISO 8601) nor a number of seconds above 0`},
		{"at.hme.title = 'x'", `:1:1: at.hme: there is no destination "hme"; did you mean "home"?`},
		{"[at.home]\n\ntile = 'x'", `:3:1: unknown key "tile" in [at.home]; did you mean "title"?`},
		{"[at.home]\n\ntitle = '{x}'", `:3:1: at.home.title: character 2: unknown name "x"; known here: album, caption, dir, ext, keywords, name, path, rest, stem, title, year, and exif.…, iptc.…, xmp.…`},
		{"#" + strings.Repeat("x", FolderFileMax), ` is over 64 KiB`},
	}
	for _, tt := range tests {
		tab := table(t, albumRoute, folders(map[string]string{path: tt.text}))
		for range 2 { // the second time from the cache
			_, err := plan(t, tab, "/a/24/x/p.jpg", "anh")
			h, ok := errors.AsType[*uploader.Hold](err)
			if !ok || h.Reason != uploader.ReasonSettings || h.Remedy == "" || h.Text != path+tt.want {
				t.Errorf("%.40s\n got %v\nwant %s", tt.text, err, path+tt.want)
			}
		}
	}
}

// TestFolderChanges: the file is read anew, and an unreadable one is no lasting trouble.
func TestFolderChanges(t *testing.T) {
	files := map[string]string{"/a/.album.toml": "title = 'one'"}
	tab := table(t, albumRoute, folders(files))
	for _, want := range []string{"one", "two"} {
		if want == "two" {
			files["/a/.album.toml"] = "title = 'two'"
		}
		if got, err := plan(t, tab, "/a/24/p.jpg", "anh"); err != nil || got.Title != want {
			t.Errorf("%q, %v, want %q", got.Title, err, want)
		}
	}
	delete(files, "/a/.album.toml")
	if got, err := plan(t, tab, "/a/24/p.jpg", "anh"); err != nil || got.Title != "route" {
		t.Errorf("%q, %v", got.Title, err)
	}
	for i := range 3 * foldersCached {
		files[fmt.Sprintf("/a/%d/.album.toml", i)] = "title = 'x'"
		if _, err := plan(t, tab, fmt.Sprintf("/a/%d/p.jpg", i), "anh"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(tab.folders.files); n > foldersCached {
		t.Errorf("%d files cached", n)
	}
	trouble := table(t, albumRoute, func(o *Options) {
		o.Folder = func(ctx context.Context, _ string) ([]byte, error) { return nil, context.DeadlineExceeded }
	})
	_, err := plan(t, trouble, "/a/24/p.jpg", "anh")
	if _, held := errors.AsType[*uploader.Hold](err); held || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestConcurrentPlans(t *testing.T) {
	files := map[string]string{}
	for i := range 8 {
		files[fmt.Sprintf("/a/%d/.album.toml", i)] = fmt.Sprintf("title = 'x%d {stem}'", i)
	}
	tab := table(t, albumRoute, folders(files))
	for i := range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 50 {
				got, err := plan(t, tab, fmt.Sprintf("/a/%d/p.jpg", i), "anh")
				if want := fmt.Sprintf("x%d p", i); err != nil || got.Title != want {
					t.Errorf("%q, %v, want %q", got.Title, err, want)
				}
			}
		})
	}
}

// FuzzFolderFile checks that no .album.toml does more than hold an upload, and
// that what it sets is fit to be sent.
func FuzzFolderFile(f *testing.F) {
	for _, s := range []string{
		"title = '{year} {exif.Model|stem}'\ntags = ['a', '{rest}']\nwidth = 5", "[at.anh]\nalbum_id = 7\nexpiration = 'P3D'",
		"at.home = { title = '{x}' }", "title = \"{\\u007b\"", "expiration = '{year}'\nnsfw = true\nuse_file_date = false", "category_id = '{stem}'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tab := table(t, albumRoute, folders(map[string]string{"/a/24/.album.toml": text}))
		p, err := tab.Plan(t.Context(), uploader.Upload{Path: "/a/24/p.jpg", Destination: "anh"}, picture(new(int)))
		if err != nil {
			if h, ok := errors.AsType[*uploader.Hold](err); !ok || h.Text == "" || h.Remedy == "" {
				t.Errorf("%v", err)
			}
			return
		}
		if p.Keys.Width < 0 || p.Keys.CategoryID != "" && !isNumber(p.Keys.CategoryID) {
			t.Errorf("%+v", p.Keys)
		}
		if _, err := keys.ParseExpiration(p.Keys.Expiration); err != nil && p.Keys.Expiration != "" {
			t.Errorf("%+v", p.Keys)
		}
	})
}
