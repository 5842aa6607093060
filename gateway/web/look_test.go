package web

import (
	"net/url"
	"testing"

	"slipway/gateway/web/browsertest"
)

// TestLooks looks at every page, with names that mean harm, on a desk and on a
// phone, light and dark: nothing runs that is not the page's, axe finds nothing, and
// nothing is wider than the window.
func TestLooks(t *testing.T) {
	b := browsertest.Start(t)
	s := newSite(t)
	b.Size(1200, 900)
	b.Scheme("light")
	b.Go(s.server.URL + "/sign-in")
	b.Accessible("sign-in")
	b.Shoot("fake-sign-in")
	b.Type("[name=name]", "ann")
	b.Type("[name=password]", "right")
	b.Click("button.main")
	b.Says("h1", "Now")
	for name, address := range map[string]string{
		"now": "/", "files": "/files/inbox/?view=list", "grid": "/files/inbox/?view=grid", "file": filesLink("/inbox/" + hostile[0]),
		"failed": filesLink("/inbox/" + hostile[5]), "uploads": "/uploads", "none": "/uploads?text=x&state=done&path=/nowhere",
		"drop": "/drop/inbox/", "connect": "/connect", "guide": "/connect#windows", "tokens": "/tokens", "everything": "/files/inbox/?all=1", "problem": "/nowhere", "deletions": "/deletions", "links": "/links",
	} {
		b.Go(s.server.URL + address)
		for _, scheme := range []string{"light", "dark"} {
			b.Scheme(scheme)
			b.Size(1200, 900)
			b.Accessible(name + " " + scheme)
			b.Shoot("fake-" + name + "-" + scheme)
			b.Size(360, 780)
			b.Shoot("fake-" + name + "-" + scheme + "-phone")
			if scheme == "dark" {
				b.Accessible(name + " on a phone")
			}
			var wide int
			b.Run(&wide, "return document.documentElement.scrollWidth")
			if wide > 360 {
				var who string
				b.Run(&who, "return [...document.querySelectorAll('main *')].filter(e=>e.getBoundingClientRect().right>361).map(e=>e.tagName+'.'+e.className).slice(0,8).join(' ')")
				t.Errorf("%s is %d pixels wide on a phone: %s", name, wide, who)
			}
		}
	}
	b.Quiet("the server responded with a status of 404", url.PathEscape("thumbnail"))
}
