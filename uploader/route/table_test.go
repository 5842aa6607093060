package route

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/uploader"
	"slipway/uploader/route/settings"
	"slipway/vfs"
)

// destinations are three as they are in life.
func destinations() map[string]uploader.Properties {
	return map[string]uploader.Properties{
		"home": {Driver: "local", Host: "local"},
		"anh": {
			Driver: "chevereto", Host: "anh.im", MaxSize: 100e6,
			Types: []string{"image/jpeg", "image/png", "image/gif", "video/mp4"},
			Keys:  []string{"title", "description", "tags", "album_id", "category_id", "width", "expiration", "nsfw", "use_file_date"},
		},
		"cms": {Driver: "anqicms", Host: "en.anqicms.com", RefusedExtensions: []string{".php"}, Keys: []string{"category_id"}},
	}
}

// decode reads routes as config.toml has them.
func decode(t testing.TB, text string) []Config {
	t.Helper()
	var c struct {
		Routes []Config `toml:"route"`
	}
	if err := settings.Decode([]byte(text), "config.toml", &c); err != nil {
		t.Fatal(err)
	}
	return c.Routes
}

// table makes a table of routes that must be right.
func table(t testing.TB, text string, change ...func(*Options)) *Table {
	t.Helper()
	o := Options{Destinations: destinations()}
	for _, f := range change {
		f(&o)
	}
	tab, errs := NewTable(decode(t, text), o)
	if len(errs) > 0 {
		t.Fatal(errors.Join(errs...))
	}
	return tab
}

const threeRoutes = `
[[route]]
path = "/inbox/{rest...}"
to = ["home"]
[[route]]
path = "/holiday/{rest...}"
to = ["anh", "home", "cms"]
[[route]]
path = "/jpegs/{rest...}"
to = ["home", "anh"]
types = ["image/*", "mov", "RAW_*.dat"]
on_same_name = "version"
on_type = "refuse"
[[route]]
path = "/anh/{album}/{rest...}"
to = ["anh"]
on_type = "refuse"
on_same_name = "replace"
public = true
[[route]]
path = "/holiday/late/{rest...}"
to = ["anh"]
`

func TestOwed(t *testing.T) {
	tab := table(t, threeRoutes, func(o *Options) {
		o.Sidecar = func(path string) bool { return strings.HasSuffix(path, ".jpg.url") }
	})
	tests := []struct {
		path, mediaType string
		size            int64
		want            string
	}{
		{"/inbox/a.jpg", "image/jpeg", 5, "home@local#0"},
		{"/inbox/sub/a.bin", "application/octet-stream", 5, "home@local#0"},
		{"/holiday/a.jpg", "image/jpeg", 5, "anh@anh.im#0 home@local#1 cms@en.anqicms.com#2"},
		{"/holiday/a.jpg", "IMAGE/JPEG; q=1", 5, "anh@anh.im#0 home@local#1 cms@en.anqicms.com#2"},
		{"/holiday/a.jpg", "image/jpg", 5, "anh@anh.im#0 home@local#1 cms@en.anqicms.com#2"},
		{"/holiday/a.pdf", "application/pdf", 5, "home@local#1 cms@en.anqicms.com#2"},
		{"/holiday/a.PHP", "text/plain", 5, "home@local#1"},
		{"/holiday/a.jpg", "image/jpeg", 100e6, "anh@anh.im#0 home@local#1 cms@en.anqicms.com#2"},
		{"/holiday/a.jpg", "image/jpeg", 100e6 + 1, "home@local#1 cms@en.anqicms.com#2"},
		{"/holiday/a.jpg", "", -1, "anh@anh.im#0 home@local#1 cms@en.anqicms.com#2"},
		{"/holiday/a", "", -1, "home@local#1 cms@en.anqicms.com#2"},
		{"/jpegs/a.jpg", "image/jpeg", 5, "home@local#0 anh@anh.im#1"},
		{"/jpegs/a.webp", "image/webp", 5, "home@local#0"},
		{"/jpegs/a.MOV", "video/quicktime", 5, "home@local#0"},
		{"/jpegs/a.mp4", "video/mp4", 5, ""},
		{"/jpegs/raw_1.DAT", "application/octet-stream", 5, "home@local#0"},
		{"/jpegs/a.png", "image/", 5, ""},
		{"/inbox/a.jpg", "image/jpeg", 0, ""},
		{"/inbox/.DS_Store", "application/octet-stream", 5, ""},
		{"/inbox/.Trashes/501/a.jpg", "image/jpeg", 5, ""},
		{"/inbox/a.jpg.part", "image/jpeg", 5, ""},
		{"/inbox/.album.toml", "text/plain", 5, ""},
		{"/inbox/a.jpg.url", "text/plain", 5, ""},
		{"/other/a.jpg", "image/jpeg", 5, ""},
	}
	for _, tt := range tests {
		var got []string
		for _, o := range tab.Owed(tt.path, tt.mediaType, tt.size) {
			got = append(got, o.Destination+"@"+o.Host+"#"+string(rune('0'+o.Order)))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s %s %d: got %q, want %q", tt.path, tt.mediaType, tt.size, s, tt.want)
		}
	}
}

func TestAdmit(t *testing.T) {
	tab := table(t, threeRoutes, func(o *Options) { o.MaxSizes = map[string]int64{"home": 200e6, "cms": 50e6, "anh": 1e12} })
	const elsewhere = "put the file into "
	const folders = "/inbox/, /holiday/, /jpegs/, /anh/{album}/, /holiday/late/"
	tests := []struct {
		path string
		size int64
		kind vfs.RefusalKind
		want string // "": admitted
	}{
		{"/inbox/a.jpg", 5, 0, ""},
		{"/inbox/a.jpg", 200e6, 0, ""},
		{"/inbox/a.jpg", 250e6, vfs.TooLarge, "a.jpg has 250 MB, and the most that a destination of this folder takes is 200 MB (home); make the file smaller, or put it into another folder"},
		{"/holiday/a.jpg", 200000001, vfs.TooLarge, "a.jpg has 200000001 bytes, and the most that a destination of this folder takes is 200000000 bytes (home); make the file smaller, or put it into another folder"},
		{"/holiday/a.jpg", 150e6, 0, ""},
		{"/anh/x/a.jpg", 150e6, vfs.TooLarge, "a.jpg has 150 MB, and the most that a destination of this folder takes is 100 MB (anh); make the file smaller, or put it into another folder"},
		{"/anh/x/a.jpg", -1, 0, ""},
		{"/anh/x/a.tiff", 5, vfs.WrongType, "no destination of this folder takes files like a.tiff; they take image/jpeg, image/png, image/gif, video/mp4"},
		{"/anh/x/a.JPG", 5, 0, ""},
		{"/anh/x/noext", 5, 0, ""},
		{"/anh/x/.album.toml", 5, 0, ""},
		{"/anh/x/a.xyz.part", 5, 0, ""},
		{"/jpegs/a.txt", 5, vfs.WrongType, "no destination of this folder takes files like a.txt; they take image/*, .mov, raw_*.dat"},
		{"/jpegs/a.tiff", 5, 0, ""},
		{"/jpegs/raw_2.dat", 5, 0, ""},
		{"/holiday/a.txt", 5, 0, ""},
		{"/x/y/a.jpg", 5, vfs.Forbidden, "nothing is forwarded from /x/y/; " + elsewhere + folders},
		{"/a.jpg", -1, vfs.Forbidden, "nothing is forwarded from /; " + elsewhere + folders},
		{"/anh/a.jpg", 5, vfs.Forbidden, "nothing is forwarded from /anh/; " + elsewhere + "/anh/{album}/"},
		{"/a.jpg", 0, 0, ""},
		{"/._a.jpg", 5, 0, ""},
		{"/.Trashes/x/a.jpg", 5, 0, ""},
		{"/x/a.part", 5, 0, ""},
	}
	for _, tt := range tests {
		err := tab.Admit(tt.path, tt.size)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.path, err)
			}
			continue
		}
		r, ok := errors.AsType[*vfs.Refusal](err)
		if !ok || r.Kind != tt.kind || r.Text != tt.want || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s %d\n got %v\nwant %s", tt.path, tt.size, err, tt.want)
		}
	}
	if err := table(t, threeRoutes, func(o *Options) { o.Unrouted = StoreUnrouted }).Admit("/x/a.jpg", 5); err != nil {
		t.Errorf("stored: %v", err)
	}
	if err := table(t, "").Admit("/x/a.jpg", 5); err == nil || !strings.Contains(err.Error(), "there is no route yet") {
		t.Errorf("without routes: %v", err)
	}
}

func TestSameName(t *testing.T) {
	tab := table(t, threeRoutes)
	type answer struct {
		How  vfs.SameName
		Said bool
	}
	tests := map[string]answer{
		"/inbox/a.jpg": {vfs.Replace, false}, "/jpegs/a.jpg": {vfs.Version, true}, "/anh/x/a.jpg": {vfs.Replace, true}, "/x/a.jpg": {vfs.Replace, false},
	}
	for path, want := range tests {
		how, said := tab.SameName(path)
		if diff := cmp.Diff(want, answer{how, said}); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if !tab.Public("/anh/x/a.jpg") || tab.Public("/inbox/a.jpg") || tab.Public("/x") {
		t.Error("wrong about public")
	}
}

// TestNewTableErrors is the wording of what is wrong in a configuration.
func TestNewTableErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"pattern", `path = "/a/"`, `config.toml:3:1: route 1 (/a/): path: character 4: the path ends with "/"; write "/a/{rest...}" for everything in that folder`},
		{"no path", `title = "x"`, `config.toml:1:1: route 1 (): path: character 1: a path begins with "/"; write "/"`},
		{"destination", `to = ["home", "amh"]`, `config.toml:3:1: route 1 (/a/{rest...}): to: there is no destination "amh"; did you mean "anh"?`},
		{"none", `to = []`, `config.toml:3:1: route 1 (/a/{rest...}): to: no destination is named; write to = ["…"] with the name of a [destination.…]`},
		{"twice", `to = ["home", "home"]`, `config.toml:3:1: route 1 (/a/{rest...}): to: "home" is there twice; name it once`},
		{"template", `title = "{stem"`, `config.toml:3:1: route 1 (/a/{rest...}): title: character 1: "{" without "}" after it; write "{{" for a single brace`},
		{"name", `title = "{stm}"`, `config.toml:3:1: route 1 (/a/{rest...}): title: character 2: unknown name "stm"; did you mean "stem"?`},
		{"tag", `tags = ["a", "{rst}"]`, `config.toml:3:1: route 1 (/a/{rest...}): tags: character 2: unknown name "rst"; did you mean "rest"?`},
		{"override", "\nat.anh.title = '{x'", `config.toml:4:1: route 1 (/a/{rest...}): at.anh.title: character 1: "{" without "}" after it; write "{{" for a single brace`},
		{"override of another", `at.cms.title = 'x'`, `config.toml:3:1: route 1 (/a/{rest...}): at.cms: the route does not go to "cms"; known here: anh, home`},
		{"override misspelled", `at.hme.title = 'x'`, `config.toml:3:1: route 1 (/a/{rest...}): at.hme: the route does not go to "hme"; did you mean "home"?`},
		{"expiration", `expiration = "3 days"`, `config.toml:3:1: route 1 (/a/{rest...}): expiration: "3 days" is neither a time span as in "PT5M", "P3D" or "P1Y2M" (ISO 8601) nor a number of seconds above 0`},
		{"expiration in an override", `at.anh.expiration = 0`, `config.toml:3:1: route 1 (/a/{rest...}): at.anh.expiration: "0" is neither a time span as in "PT5M", "P3D" or "P1Y2M" (ISO 8601) nor a number of seconds above 0`},
		{"width", `width = -1`, `config.toml:3:1: route 1 (/a/{rest...}): width: -1 is no width; write a number of pixels, or 0 for the picture as it is`},
		{"category", `category_id = "shoez"` + "\ncategories = { shoes = 3 }", `config.toml:3:1: route 1 (/a/{rest...}): category_id: "shoez" is neither a whole number nor one of the names in categories; did you mean "shoes"?`},
		{"category at", `at.anh.category_id = "x"`, `config.toml:3:1: route 1 (/a/{rest...}): at.anh.category_id: "x" is neither a whole number nor one of the names in categories; none is known here`},
		{"category's id", `category_id = "{stem}"` + "\ncategories = { shoes = 'three' }", `config.toml:4:1: route 1 (/a/{rest...}): categories: the id of "shoes" is "three"; it must be a whole number from 0 to 4294967295`},
		{"word", `on_unknown = "holt"`, `config.toml:3:1: route 1 (/a/{rest...}): on_unknown: "holt" is not known; did you mean "hold"?`},
		{"other word", `on_lost_reply = "ask"`, `config.toml:3:1: route 1 (/a/{rest...}): on_lost_reply: "ask" is not known; known here: hold, new-copy, no-url`},
		{"delete misspelled", `on_delete = "delte"`, `config.toml:3:1: route 1 (/a/{rest...}): on_delete: "delte" is not known; did you mean "delete"?`},
		{"replace misspelled", `on_replace = "old"`, `config.toml:3:1: route 1 (/a/{rest...}): on_replace: "old" is not known; known here: delete-old, keep`},
		{"strip misspelled", `strip = "gsp"`, `config.toml:3:1: route 1 (/a/{rest...}): strip: "gsp" is not known; did you mean "gps"?`},
		{"keep", `keep = "7"`, `config.toml:3:1: route 1 (/a/{rest...}): keep: "7" has no unit; write a time span as in "30d", or a size as in "50GB"`},
		{"keep misspelled", `keep = "until_sent"`, `config.toml:3:1: route 1 (/a/{rest...}): keep: "until_sent" is not known; write "always", "until-sent", a time span as in "30d", or a size as in "50GB"`},
		{"media type", `types = ["image/j*"]`, `config.toml:3:1: route 1 (/a/{rest...}): types: "image/j*" is not a media type; write "image/*" for all of them`},
		{"broken media type", `types = ["image/"]`, `config.toml:3:1: route 1 (/a/{rest...}): types: "image/" is not a media type; write it as in "image/jpeg" or "image/*"`},
		{"no type", `types = ["pictures"]`, `config.toml:3:1: route 1 (/a/{rest...}): types: "pictures" is neither a media type nor an extension; write it as in "image/jpeg", "image/*", ".jpg" or "IMG_*.jpg"`},
		{"bad glob", `types = ["[a"]`, `config.toml:3:1: route 1 (/a/{rest...}): types: "[a" is not a pattern of names; write it as in "IMG_*.jpg"`},
		{"several", "title = '{'\non_type = 'x'", "config.toml:3:1: route 1 (/a/{rest...}): title: character 1: \"{\" without \"}\" after it; write \"{{\" for a single brace\n" +
			`config.toml:4:1: route 1 (/a/{rest...}): on_type: "x" is not known; known here: refuse, store`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "[[route]]\n# the keys of a route\n" + tt.text
			if !strings.HasPrefix(tt.text, "path") && tt.name != "no path" {
				text += "\npath = '/a/{rest...}'"
			}
			if !strings.HasPrefix(tt.text, "to") {
				text += "\nto = ['anh', 'home']"
			}
			tab, errs := NewTable(decode(t, text), Options{Destinations: destinations()})
			if got := joined(errs); got != tt.want || tab != nil {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
	_, errs := NewTable(nil, Options{Unrouted: "stroe"})
	if got := joined(errs); got != `unrouted = "stroe": did you mean "store"?` {
		t.Error(got)
	}
}

func joined(errs []error) string {
	s := make([]string, len(errs))
	for i, e := range errs {
		s[i] = e.Error()
	}
	return strings.Join(s, "\n")
}

func TestWarnings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"none", "title = 't'\nto = ['anh', 'home']\nexpiration = 'P3D'", ""},
		{"no effect", "title = 't'\nto = ['home', 'cms']", `config.toml:2:1: route 1 (/a/{rest...}): title has no effect at this route's destinations; home takes none of these keys, cms takes category_id`},
		{"no effect there", "at.cms.tags = 't'\nto = ['cms']", `config.toml:2:1: route 1 (/a/{rest...}): at.cms.tags has no effect there; cms takes category_id`},
		{"short", "expiration = 'PT1M'\nto = ['anh']", `config.toml:2:1: route 1 (/a/{rest...}): expiration "PT1M" is under 5 minutes, which hosts take as 5 minutes`},
		{"long", "at.anh.expiration = 'P2Y'\nto = ['anh']", `config.toml:2:1: route 1 (/a/{rest...}): at.anh.expiration "P2Y" is over a year, which hosts take as a year`},
		{"names unused", "albums = { a = 'x' }\nto = ['anh']", `config.toml:2:1: route 1 (/a/{rest...}): albums has no effect before album_id says which name to look up, as in album_id = "{album}"`},
		{"shadowed", "to = ['anh']\n[[route]]\nto = ['home']\npath = '/a/b/{x}'", `config.toml:6:1: route 2 (/a/b/{x}): path is never reached, because route 1 (/a/{rest...}) comes first and matches all of it; put this route before that one`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			head, tail, more := strings.Cut(tt.text, "\n[[")
			text := "[[route]]\n" + head + "\npath = '/a/{rest...}'"
			if more {
				text += "\n[[" + tail
			}
			if got := strings.Join(table(t, text).Warnings(), "\n"); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func BenchmarkOwed(b *testing.B) {
	var text strings.Builder
	for i := range 20 {
		text.WriteString("[[route]]\npath = '/folder" + string(rune('a'+i)) + "/{album}/{rest...}'\nto = ['anh', 'home', 'cms']\n")
	}
	tab := table(b, text.String())
	b.ReportAllocs()
	for b.Loop() {
		if len(tab.Owed("/foldert/Wedding 2024/cards/DSC_0001.JPG", "image/jpeg", 5<<20)) != 3 {
			b.Fatal("not owed")
		}
	}
}
