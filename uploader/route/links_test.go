package route

import (
	"strings"
	"testing"
)

func TestLinks(t *testing.T) {
	tab := table(t, `
[[route]]
path = "/follow/{rest...}"
to = ["anh"]
links = true
on_type = "refuse"
[[route]]
path = "/captions/{rest...}"
to = ["home"]
links = true
companions = "0s"
[[route]]
path = "/plain/{rest...}"
to = ["home"]
`, func(o *Options) { o.Sidecar = func(p string) bool { return strings.HasSuffix(p, ".jpg.url") } })
	for path, want := range map[string]bool{
		"/follow/a.url": true, "/follow/sub/A.URL": true, "/follow/a.webloc": true, "/follow/a.desktop": true, "/follow/a.txt": true,
		"/follow/a.jpg.webloc": true, "/captions/a.url": true,
		"/follow/a.jpg.url": false, "/follow/a.jpg": false, "/follow/url": false, "/follow/.a.url.tmp": false, "/follow/._a.url": false,
		"/captions/a.txt": false, "/plain/a.url": false, "/plain/a.txt": false, "/nowhere/a.url": false,
	} {
		if got := tab.Links(path); got != want {
			t.Errorf("Links(%s) = %v", path, got)
		}
		if want && len(tab.Owed(path, "text/plain", 10)) > 0 {
			t.Errorf("%s is owed itself", path)
		}
	}
	if err := tab.Admit("/follow/a.url", 10); err != nil {
		t.Errorf("a file with links is refused for its type: %v", err)
	}
	if err := tab.Admit("/follow/a.exe", 10); err == nil {
		t.Error("on_type has no effect")
	}
	if x := tab.Explain(t.Context(), "/follow/a.url", "", 10, nil); x.Why != linksText || x.Refused != "" || len(x.Destinations) != 1 || x.Destinations[0].Owed {
		t.Errorf("it is explained as %+v", x)
	}
	if got := tab.LinksMax("/follow/a.jpg"); got != 100e6 {
		t.Errorf("the limit is %d", got)
	}
	if tab.LinksMax("/plain/a.jpg") != 0 || tab.LinksMax("/nowhere/a.jpg") != 0 {
		t.Error("a limit is told where there is none")
	}
}
