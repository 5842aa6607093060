package property

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
)

func answer(p *Patch) string {
	var b strings.Builder
	w := multistatus.New(&b)
	n := p.Namespaces()
	p.Write(w, n)
	w.EndResponse()
	w.Close()
	return strings.NewReplacer("</D:response></D:multistatus>\n", "", "<D:propstat><D:prop>", "[", "</D:prop><D:status>HTTP/1.1", "",
		"</D:status>", "", "</D:propstat>", "]").Replace(b.String())
}

func TestPatch(t *testing.T) {
	a, b := xml.Name{Space: "u", Local: "a"}, xml.Name{Space: "u", Local: "b"}
	set := func(n xml.Name, text string) davxml.Change {
		return davxml.Change{Name: n, Value: "<" + n.Local + ">" + text, Text: text}
	}
	remove := func(n xml.Name) davxml.Change { return davxml.Change{Name: n, Remove: true} }
	const early, late = "Thu, 02 Jan 2020 03:04:05 GMT", "Fri, 03 Jan 2020 03:04:05 GMT"
	when := time.Date(2020, 1, 3, 3, 4, 5, 0, time.UTC)
	for i, tt := range []struct {
		changes  []davxml.Change
		set      map[xml.Name]string
		remove   []xml.Name
		modified time.Time
		refused  bool
		answer   string
	}{
		{changes: []davxml.Change{set(a, "1"), set(b, "2"), set(a, "3")}, set: map[xml.Name]string{a: "<a>3", b: "<b>2"},
			answer: "[<n0:a/><n0:b/> 200 OK]"},
		{changes: []davxml.Change{set(a, "1"), remove(a), remove(b), set(b, "2")}, set: map[xml.Name]string{b: "<b>2"}, remove: []xml.Name{a},
			answer: "[<n0:a/><n0:b/> 200 OK]"},
		{changes: []davxml.Change{set(davModified, early), set(win32Modified, late)}, set: map[xml.Name]string{win32Modified: "<Win32LastModifiedTime>" + late},
			modified: when, answer: "[<D:getlastmodified/><Z:Win32LastModifiedTime/> 200 OK]"},
		{changes: []davxml.Change{remove(win32Modified), set(davModified, late)}, remove: []xml.Name{win32Modified},
			modified: when, answer: "[<Z:Win32LastModifiedTime/><D:getlastmodified/> 200 OK]"},
		{changes: []davxml.Change{set(a, "1"), set(dav("getetag"), "x"), set(a, "2"), remove(dav("displayname"))}, refused: true,
			answer: "[<n0:a/> 424 Failed Dependency][<D:getetag/><D:displayname/> 403 Forbidden<D:error><D:cannot-modify-protected-property/></D:error>]"},
		{changes: []davxml.Change{remove(davModified), set(a, "1")}, refused: true,
			answer: "[<D:getlastmodified/> 403 Forbidden<D:error><D:cannot-modify-protected-property/></D:error>][<n0:a/> 424 Failed Dependency]"},
		{changes: []davxml.Change{set(davModified, "yesterday"), set(davModified, late)}, refused: true, answer: "[<D:getlastmodified/> 409 Conflict]"},
		{changes: []davxml.Change{set(xml.Name{Space: Own, Local: "state"}, "done")}, refused: true,
			answer: "[<S:state/> 403 Forbidden<D:error><D:cannot-modify-protected-property/></D:error>]"},
	} {
		p := NewPatch(tt.changes)
		if p.Refused() != tt.refused || answer(p) != tt.answer {
			t.Errorf("%d: refused %t, %s", i, p.Refused(), answer(p))
		}
		if !tt.refused && (!maps.Equal(p.Set, tt.set) || !slices.Equal(p.Remove, tt.remove) || !p.Modified.Equal(tt.modified)) {
			t.Errorf("%d: %+v", i, p)
		}
	}
	p := NewPatch([]davxml.Change{set(a, "1"), set(b, "1")})
	p.Fail(507, "quota-not-exceeded")
	if got := answer(p); got != "[<n0:a/><n0:b/> 507 Insufficient Storage<D:error><D:quota-not-exceeded/></D:error>]" {
		t.Error(got)
	}
}
