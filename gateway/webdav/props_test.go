package webdav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"slipway/gateway/webdav/davxml/davxmltest"
)

// writer makes XML at random, within what RFC 4918 §4.3 has kept.
type xmlWriter struct {
	*rand.Rand
	b strings.Builder
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// element writes one whose prefixes p, q and none may be used.
func (w *xmlWriter) element(tag string, depth int) {
	fmt.Fprintf(&w.b, "<%s", tag)
	for _, a := range []string{`%s="a&lt;&quot;&#10;'"`, `p:%s="p"`, `q:%s="ü"`, `xml:lang="%s"`, `xmlns:q="urn:other-%s"`, `xmlns="urn:inner-%s"`} {
		if w.IntN(3) == 0 {
			fmt.Fprintf(&w.b, " "+a, pick(w.Rand, "a", "b"))
		}
	}
	if w.IntN(5) == 0 {
		w.b.WriteString("/>")
		return
	}
	w.b.WriteString(">")
	for range w.IntN(4) {
		if depth == 0 || w.IntN(2) == 0 {
			w.b.WriteString(pick(w.Rand, " x ", "&amp;&lt;", "]]&gt;", "<![CDATA[<&]]>", "\n\t", "&#13;", "𐀀ﬀ", "<!-- - -->", "<?a b?>"))
			continue
		}
		w.element(pick(w.Rand, "a", "p:a", "q:b"), depth-1)
	}
	fmt.Fprintf(&w.b, "</%s>", tag)
}

// TestPropertiesComeBack: what was set is told again, the same in all that RFC 4918
// §4.3 counts, by name and among all.
func TestPropertiesComeBack(t *testing.T) {
	d := open(t)
	d.seed("/f=x")
	prop := xml.Name{Space: "DAV:", Local: "prop"}
	for seed := range uint64(400) {
		w := &xmlWriter{Rand: rand.New(rand.NewPCG(seed, 1))}
		clear(d.fs.props)
		tag := pick(w.Rand, "a", "p:a", "q:b")
		w.element(tag, 3)
		declare := pick(w.Rand, ` xmlns:p="urn:p&amp;" xmlns:q="DAV:q"`, ` xmlns:p="urn:p&amp;" xmlns:q="DAV:q" xmlns="urn:default"`)
		sent := `<D:propertyupdate xmlns:D="DAV:"` + declare + `><D:set><D:prop>` + w.b.String() + `</D:prop></D:set></D:propertyupdate>`
		d.want(207, "PROPPATCH", "/dav/f", sent)
		want, err := davxmltest.Children(sent, prop)
		if err != nil || len(want) != 1 {
			t.Fatal(err, want)
		}
		if len(d.fs.props["/f"]) != 1 {
			t.Fatalf("%s\nis kept as %v", sent, d.fs.props["/f"])
		}
		for name := range d.fs.props["/f"] {
			named := fmt.Sprintf(`<D:propfind xmlns:D="DAV:"><D:prop><%s xmlns=%q/></D:prop></D:propfind>`, name.Local, strings.ReplaceAll(name.Space, "&", "&amp;"))
			for _, body := range []string{named, ""} {
				r := d.want(207, "PROPFIND", "/dav/f", body, "Depth: 0")
				got, err := davxmltest.Children(r.body, prop)
				if err != nil || !slices.Contains(got, want[0]) {
					t.Fatalf("seed %d: %v\nsent %s\nwant %s\n got %s", seed, err, sent, want[0], got)
				}
			}
		}
	}
}

func patchOf(inner string) string {
	return `<D:propertyupdate xmlns:D="DAV:" xmlns:u="u" xmlns:Z="urn:schemas-microsoft-com:">` + inner + `</D:propertyupdate>`
}

func setOf(props string) string { return patchOf("<D:set><D:prop>" + props + "</D:prop></D:set>") }

func TestProppatchAllOrNothing(t *testing.T) {
	d := open(t)
	d.seed("/a=x", "/dir")
	a := xml.Name{Space: "u", Local: "a"}
	r := d.want(207, "PROPPATCH", "/dav/a", setOf(`<u:a>1</u:a><D:getetag>x</D:getetag>`))
	for _, part := range []string{"<D:prop><n0:a/></D:prop><D:status>HTTP/1.1 424 ", "<D:getetag/></D:prop><D:status>HTTP/1.1 403 ", "<D:cannot-modify-protected-property/>"} {
		if !strings.Contains(r.body, part) {
			t.Errorf("%s is missing: %s", part, r.body)
		}
	}
	if d.fs.props["/a"] != nil {
		t.Errorf("%v is kept", d.fs.props["/a"])
	}
	r = d.want(207, "PROPPATCH", "/dav/dir", setOf(`<u:a>1</u:a>`))
	if d.fs.props["/dir"][a] != `<u:a xmlns:u="u">1</u:a>` || !strings.Contains(r.body, "<D:href>/dav/dir/</D:href>") {
		t.Errorf("%v %s", d.fs.props["/dir"], r.body)
	}
	for err, status := range map[error]string{syscall.ENOSPC: "507 Insufficient Storage", fs.ErrPermission: "403 Forbidden"} {
		d.fs.propsErr = err
		if r := d.want(207, "PROPPATCH", "/dav/dir", setOf(`<u:a>2</u:a><u:b/>`)); !strings.Contains(r.body, "<n0:a/><n0:b/></D:prop><D:status>HTTP/1.1 "+status) {
			t.Errorf("%v: %s", err, r.body)
		}
	}
	d.fs.propsErr = errors.New("the disk is on fire")
	d.want(500, "PROPPATCH", "/dav/dir", setOf(`<u:a>2</u:a>`))
	d.want(500, "PROPFIND", "/dav/dir", "", "Depth: 1")
	d.want(207, "PROPFIND", "/dav/dir", "", "Depth: 1", "User-Agent: Microsoft-WebDAV-MiniRedir/10.0") // it wants none
	d.fs.propsErr = nil
	d.want(412, "PROPPATCH", "/dav/a", setOf(`<u:a/>`), `If-Match: "other"`)
	d.want(207, "PROPPATCH", "/dav/a", setOf(`<u:a/>`), "If-Match: "+tagOf([]byte("x")))
	for _, body := range []string{"", " ", "<a/>", patchOf(""), patchOf("<D:set/>"), `<!DOCTYPE a>` + setOf("<u:a/>")} {
		d.want(400, "PROPPATCH", "/dav/a", body)
	}
}

// TestTimes: both clients' ways set the time; Windows is told what it is now.
func TestTimes(t *testing.T) {
	d := open(t)
	d.seed("/f=x")
	at := func() string { return d.want(200, "HEAD", "/dav/f", "").Header.Get("Last-Modified") }
	named := `<propfind xmlns="DAV:"><prop><Win32LastModifiedTime xmlns="urn:schemas-microsoft-com:"/></prop></propfind>`
	const early, late = "Thu, 02 Jan 2020 03:04:05 GMT", "Fri, 03 Jan 2020 03:04:05 GMT"
	d.want(207, "PROPPATCH", "/dav/f", setOf(`<D:getlastmodified>`+early+`</D:getlastmodified>`))
	if at() != early || !strings.Contains(d.want(207, "PROPFIND", "/dav/f", named).body, "404 Not Found") {
		t.Errorf("%s", at())
	}
	d.want(207, "PROPPATCH", "/dav/f", setOf(`<Z:Win32LastModifiedTime> `+late+` </Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>`))
	if r := d.want(207, "PROPFIND", "/dav/f", named); at() != late || !strings.Contains(r.body, ">"+late+"</") {
		t.Errorf("%s %s", at(), r.body)
	}
	d.want(204, "PUT", "/dav/f", "y", "X-OC-Mtime: 1577934245")
	r := d.want(207, "PROPFIND", "/dav/f", "", "Depth: 0")
	if !strings.Contains(r.body, ">"+early+"</Z:Win32") || !strings.Contains(r.body, ">00000020</Z:Win32FileAttributes>") {
		t.Errorf("%s", r.body)
	}
	if r := d.want(207, "PROPPATCH", "/dav/f", setOf(`<D:getlastmodified>yesterday</D:getlastmodified>`)); !strings.Contains(r.body, "409 Conflict") || at() != early {
		t.Errorf("%s", r.body)
	}
}

// TestVerifiedChecksums: what the client proved is told as ownCloud tells it.
func TestVerifiedChecksums(t *testing.T) {
	d := open(t)
	body := `<propfind xmlns="DAV:"><prop><checksums xmlns="http://owncloud.org/ns"/></prop></propfind>`
	d.want(201, "PUT", "/dav/f", "abc", "OC-Checksum: SHA1:A9993E364706816ABA3E25717850C26C9CD0D89D MD5:900150983cd24fb0d6963f7d28e17f72",
		"Content-MD5: kAFQmDzST7DWlj99KOF/cg==", "Repr-Digest: sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==:")
	r := d.want(207, "PROPFIND", "/dav/f", body)
	if !strings.Contains(r.body, `<oc:checksums><oc:checksum>SHA1:a9993e364706816aba3e25717850c26c9cd0d89d MD5:900150983cd24fb0d6963f7d28e17f72</oc:checksum></oc:checksums>`) {
		t.Errorf("%s", r.body)
	}
	d.want(204, "PUT", "/dav/f", "abcd")
	if r := d.want(207, "PROPFIND", "/dav/f", body); !strings.Contains(r.body, "404 Not Found") {
		t.Errorf("%s", r.body)
	}
}

func TestUploadsByName(t *testing.T) {
	asked := 0
	var fails error
	d := open(t, func(o *Options) {
		o.Uploads = func(r *http.Request, infos []fs.FileInfo) (all [][]Upload, err error) {
			asked++
			for _, info := range infos {
				var u []Upload
				if info.Name() == "b" {
					u = []Upload{{Destination: "home", State: "sending"}, {Destination: "anh", State: "done", URL: "https://anh.im/b"}}
				}
				all = append(all, u)
			}
			return all, fails
		}
	})
	d.seed("/d/a=x", "/d/b=x", "/d/c=x")
	body := `<propfind xmlns="DAV:"><prop><s:state xmlns:s="urn:x-slipway:dav"/><s:url xmlns:s="urn:x-slipway:dav"/></prop></propfind>`
	d.want(207, "PROPFIND", "/dav/d", "", "Depth: 1")
	if asked != 0 {
		t.Errorf("uploads were looked up that nobody asked for")
	}
	r := d.want(207, "PROPFIND", "/dav/d", body, "Depth: 1")
	if asked != 1 || !strings.Contains(r.body, "<D:href>/dav/d/b</D:href><D:propstat><D:prop><S:state>sending</S:state><S:url>https://anh.im/b</S:url>") ||
		strings.Count(r.body, "404") != 3 {
		t.Errorf("asked %d times\n%s", asked, r.body)
	}
	fails = errors.New("no ledger")
	d.want(500, "PROPFIND", "/dav/d", body, "Depth: 1")
}

// TestDiscovery: locks are told where they hold, also from a folder above.
func TestDiscovery(t *testing.T) {
	d := open(t)
	d.seed("/d/e/f=x", "/g=x")
	token := d.lock("/dav/d", "Depth: infinity")
	body := `<propfind xmlns="DAV:"><prop><lockdiscovery/><supportedlock/></prop></propfind>`
	for path, held := range map[string]int{"/d": 1, "/d/e": 1, "/d/e/f": 1, "/g": 0, "/": 0} {
		r := d.want(207, "PROPFIND", "/dav"+path, body, "Depth: 0")
		locks, err := davxmltest.Children(r.body, xml.Name{Space: "DAV:", Local: "lockdiscovery"})
		if err != nil || len(locks) != held || strings.Count(r.body, token) != held || !strings.Contains(r.body, "<D:supportedlock><D:lockentry>") {
			t.Errorf("%s: %v %q\n%s", path, err, locks, r.body)
		}
	}
	d.want(412, "PROPFIND", "/dav/g", "", "Depth: 0", "If: (<"+token+">)")
	d.want(207, "PROPFIND", "/dav/d/e", "", "Depth: 0", "If: (<"+token+">)")
	d.want(423, "PROPPATCH", "/dav/d/e/f", setOf("<u:a/>"))
	d.want(207, "PROPPATCH", "/dav/d/e/f", setOf("<u:a/>"), "If: (<"+token+">)")
}
