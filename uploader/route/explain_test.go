package route

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExplain(t *testing.T) {
	tab := table(t, shop+threeRoutes, folders(map[string]string{"/shop/shoes/.album.toml": "title = 'Shoe {stem}'\n[at.anh]\nnsfw = false"}), func(o *Options) {
		o.Sidecar = func(path string) bool { return strings.HasSuffix(path, ".url") }
	})
	got := tab.Explain(t.Context(), "/shop/shoes/a.jpg", "", 101e6, picture(new(int)))
	want := Explanation{
		Path: "/shop/shoes/a.jpg", Type: "image/jpeg", Size: 101e6, Route: 1, Pattern: "/shop/{category}/{rest...}",
		Captures: map[string]string{"category": "shoes", "rest": "a.jpg"},
	}
	keys := func(noEffect string, nsfw ExplainedKey, category ExplainedKey) []ExplainedKey {
		all := []ExplainedKey{
			{Key: "album_id", Source: "route 1", Written: "{album}", Value: "shoes"},
			category,
			{Key: "title", Source: "/shop/shoes/.album.toml", Written: "Shoe {stem}", Value: "Shoe a"},
			{Key: "description", Source: "route 1", Written: "{dir} {album} {path} {rest} {name}", Value: "/shop/shoes shoes /shop/shoes/a.jpg a.jpg a.jpg"},
			{Key: "tags", Source: "route 1", Written: `["{keywords}" "shop, {category}" "SEA"]`, Value: `["sea" "Sun" "shop" "shoes"]`},
			nsfw,
			{Key: "expiration", Source: "route 1", Written: "P{exif.days}D", Value: "P3D"},
			{Key: "width", Source: "route 1", Written: "800", Value: "800"},
			{Key: "use_file_date", Source: "route 1", Written: "true", Value: "true"},
		}
		for i := range all {
			all[i].NoEffect = strings.Contains(noEffect, "*") && !strings.Contains(noEffect, all[i].Key)
		}
		return all
	}
	nsfw := ExplainedKey{Key: "nsfw", Source: "route 1", Written: "true", Value: "true"}
	category := ExplainedKey{Key: "category_id", Source: "route 1", Written: "{category}", Value: "shoes"}
	want.Destinations = []ExplainedDestination{
		{Destination: "anh", Host: "anh.im", Why: "it takes files up to 100 MB",
			Keys: keys("", ExplainedKey{Key: "nsfw", Source: "/shop/shoes/.album.toml, at.anh", Written: "false", Value: "false"}, category)},
		{Destination: "home", Host: "local", Owed: true, Keys: keys("*", nsfw, category)},
		{Destination: "cms", Host: "en.anqicms.com", Owed: true, Keys: keys("* category_id", nsfw,
			ExplainedKey{Key: "category_id", Source: "route 1, at.cms", Written: "{rest|category}", Value: "a.jpg"}),
			Held:   `category_id (route 1, at.cms) comes to "a.jpg", which is not among the categories of the route`,
			Remedy: `add it to the route in the configuration, as in categories = { "a.jpg" = ID }, and reload that; then delete the .error.txt beside the picture, or run "slipway queue release"`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
}

func TestExplainWhy(t *testing.T) {
	tab := table(t, threeRoutes, func(o *Options) {
		o.Sidecar = func(path string) bool { return strings.HasSuffix(path, ".url") }
	})
	tests := []struct {
		path, mediaType string
		size            int64
		why, refused    string
		first           string // why the first destination does not get it
	}{
		{"/x/a.jpg", "", 5, "no route matches this path", "nothing is forwarded from /x/; put the file into /inbox/, /holiday/, /jpegs/, /anh/{album}/, /holiday/late/", ""},
		{"/inbox/a.jpg", "", 0, "an empty file is a placeholder and is never forwarded", "", "an empty file is a placeholder and is never forwarded"},
		{"/inbox/.album.toml", "", 5, "files of this name are kept and never forwarded: temporary and system files, and .album.toml", "", "files of this name are kept and never forwarded: temporary and system files, and .album.toml"},
		{"/inbox/a.jpg.url", "", 5, "this is the name of a sidecar; such a file is kept and never forwarded", "", "this is the name of a sidecar; such a file is kept and never forwarded"},
		{"/jpegs/a.mp4", "", 5, "the route's types (image/*, .mov, raw_*.dat) do not include it", "no destination of this folder takes files like a.mp4; they take image/*, .mov, raw_*.dat", "the route's types (image/*, .mov, raw_*.dat) do not include it"},
		{"/holiday/a.svg", "", 5, "", "", "it does not take files of type image/svg+xml"},
		{"/holiday/a.what", "", 5, "", "", "it does not take files of type unknown"},
		{"/inbox/a.jpg", "", 5, "", "", ""},
	}
	for _, tt := range tests {
		e := tab.Explain(t.Context(), tt.path, tt.mediaType, tt.size, nil)
		first := ""
		if len(e.Destinations) > 0 {
			first = e.Destinations[0].Why
			if e.Destinations[0].Owed != (first == "") {
				t.Errorf("%s: owed and why disagree", tt.path)
			}
		}
		if diff := cmp.Diff([]string{tt.why, tt.refused, tt.first}, []string{e.Why, e.Refused, first}); diff != "" {
			t.Errorf("%s: %s", tt.path, diff)
		}
	}
}
