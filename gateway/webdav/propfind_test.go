package webdav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"
)

// propfindPage is of how many files properties are fetched at a time.
const propfindPage = 500

const explorer = "User-Agent: Microsoft-WebDAV-MiniRedir/10.0.19045"

// TestLargeListing: 10,000 files are described in pages, and in few bytes each.
func TestLargeListing(t *testing.T) {
	d := open(t)
	const n = 10_000
	for i := range n {
		if err := afero.WriteFile(d.fs.Fs, fmt.Sprintf("/dir/IMG_20260101_%03d.jpg", i), []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if len("IMG_20260101_000.jpg") != 20 {
		t.Fatal("the names are not plain")
	}
	for _, tt := range []struct {
		header, body string
		most         int // bytes for an entry
	}{
		{"X: y", "", 480},
		{explorer, "", 290}, // 1,000,000 bytes hold 3,400
		{"X: y", `<propfind xmlns="DAV:"><prop><getcontentlength/><none/></prop></propfind>`, 290},
	} {
		d.fs.asked = nil
		r := d.want(207, "PROPFIND", "/dav/dir", tt.body, "Depth: 1", tt.header)
		each := len(r.body) / n
		t.Logf("%s %s: %d bytes for each entry", tt.header, tt.body, each)
		if got := strings.Count(r.body, "<D:response>"); got != n+1 || each > tt.most {
			t.Errorf("%s %s: %d responses of %d bytes", tt.header, tt.body, got, each)
		}
		if len(d.fs.asked) > 0 && slices.Max(d.fs.asked) > propfindPage {
			t.Errorf("properties of %d files at a time", slices.Max(d.fs.asked))
		}
	}
}

// TestHostileNames: names are told as they are, in hrefs that lead to them.
func TestHostileNames(t *testing.T) {
	d := open(t)
	names := []string{`<D:prop>&amp;"'`, "a b%20c%", "?x=1#y", "ä-𐀀-ﷺ", "]]>", "..x", "~!*()[]{}|\\^`", ";:@=+$,&", "\u0085\u2028\uFFFD"}
	for _, name := range names {
		if err := afero.WriteFile(d.fs.Fs, "/dir/"+name, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	d.seed("/dir/sub & dir")
	r := d.want(207, "PROPFIND", "/dav/dir", "", "Depth: 1")
	var m struct {
		Responses []struct {
			Href string `xml:"href"`
			Name string `xml:"propstat>prop>displayname"`
		} `xml:"response"`
	}
	if err := xml.Unmarshal([]byte(r.body), &m); err != nil || len(m.Responses) != len(names)+2 {
		t.Fatalf("%v\n%s", err, r.body)
	}
	for _, e := range m.Responses[1:] {
		u, err := url.Parse(e.Href)
		if err != nil || u.Path != "/dav/dir/"+e.Name && u.Path != "/dav/dir/sub & dir/" {
			t.Errorf("%q leads to %q, %v", e.Href, u.Path, err)
		}
		if e.Name != "sub & dir" && !slices.Contains(names, e.Name) {
			t.Errorf("who is %q?", e.Name)
		}
		d.want(207, "PROPFIND", e.Href, "", "Depth: 0")
	}
}

// TestListingBreaks: a listing that cannot be completed is refused, or, once it has
// begun, cut off: never shown as if it were whole.
func TestListingBreaks(t *testing.T) {
	broken := errors.New("the index is gone")
	for page := range 3 {
		d := open(t) // a request that was broken off may still be at work on the one before
		for i := range 3 * propfindPage {
			d.seed(fmt.Sprintf("/dir/%d=x", i))
		}
		d.fs.readdir = func(p int) error {
			if p == page {
				return broken
			}
			return nil
		}
		if page == 0 {
			d.want(500, "PROPFIND", "/dav/dir", "", "Depth: 1")
			continue
		}
		r, err := http.NewRequest("PROPFIND", d.url+"/dav/dir", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Depth", "1")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			continue // cut off before anything was sent
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil {
			t.Errorf("page %d failed, and the client was shown %d bytes as if they were all", page, len(body))
		}
	}
}

// TestPageBorders: a folder of exactly one page, one more, one less.
func TestPageBorders(t *testing.T) {
	for _, n := range []int{0, 1, propfindPage - 2, propfindPage - 1, propfindPage, propfindPage + 1, 2*propfindPage - 1} {
		d := open(t)
		d.seed("/dir")
		for i := range n {
			d.seed(fmt.Sprintf("/dir/%d=x", i))
		}
		r := d.want(207, "PROPFIND", "/dav/dir", "", "Depth: 1")
		if got := strings.Count(r.body, "<D:response>"); got != n+1 || !strings.HasSuffix(r.body, "</D:multistatus>\n") {
			t.Errorf("%d of %d entries", got-1, n)
		}
	}
}
