package property

import (
	"encoding/xml"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"slipway/gateway/webdav/davxml"
	"slipway/gateway/webdav/multistatus"
)

func describe(t *testing.T, body string, brief bool, path string, change func(*Resource, *Source)) string {
	t.Helper()
	asked, err := davxml.ParsePropfind([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"a.jpg": {Data: []byte("abc"), ModTime: when}, "dir": {Mode: fs.ModeDir, ModTime: when}}
	info, err := fs.Stat(files, path)
	if err != nil {
		t.Fatal(err)
	}
	s := source()
	r := &Resource{Info: info, Path: "/" + path}
	if change != nil {
		change(r, s)
	}
	q := NewQuery(asked, brief)
	var b strings.Builder
	w := multistatus.New(&b)
	q.Write(w, s, r)
	w.EndResponse()
	w.Close()
	return strings.NewReplacer("</D:response></D:multistatus>\n", "", "<D:propstat><D:prop>", "[", "</D:prop><D:status>HTTP/1.1 ", " ",
		"</D:status></D:propstat>", "]").Replace(b.String())
}

var when = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)

// source is of a tree whose files all are the same.
func source() *Source {
	return &Source{
		ETag: func(i fs.FileInfo) string {
			if i.IsDir() {
				return ""
			}
			return `"tag"`
		},
		ContentType: func(fs.FileInfo) string { return "image/jpeg" },
		Created:     func(fs.FileInfo) time.Time { return when },
		Checksums:   func(fs.FileInfo) []string { return nil },
		Locks:       func(p string) string { return "<lock of=\"" + p + "\"/>" },
		Used:        -1, Available: -1,
	}
}

const (
	times  = `<D:getlastmodified>Thu, 02 Jan 2020 03:04:05 GMT</D:getlastmodified>`
	file   = `<D:resourcetype/><D:getcontentlength>3</D:getcontentlength>` + times
	folder = `<D:resourcetype><D:collection/></D:resourcetype>` + times
	made   = `<D:creationdate>2020-01-02T03:04:05Z</D:creationdate>`
)

// untimed is a file of which no time is known.
type untimed struct{ fs.FileInfo }

func (untimed) ModTime() time.Time { return time.Time{} }

func TestQuery(t *testing.T) {
	dead := func(r *Resource, _ *Source) {
		r.Dead = map[xml.Name]string{
			{Space: "u", Local: "b"}: `<b xmlns="u">2</b>`, {Space: "u", Local: "a"}: `<a xmlns="u">1</a>`,
			win32Modified: `<never xmlns="seen"/>`,
		}
	}
	const win = `<Z:Win32LastModifiedTime xmlns:Z="urn:schemas-microsoft-com:">Thu, 02 Jan 2020 03:04:05 GMT</Z:Win32LastModifiedTime>`
	named := func(props string) string {
		return `<D:propfind xmlns:D="DAV:" xmlns:S="urn:x-slipway:dav" xmlns:u="u" xmlns:oc="http://owncloud.org/ns" xmlns:Z="urn:schemas-microsoft-com:"><D:prop>` +
			props + `</D:prop></D:propfind>`
	}
	uploads := func(r *Resource, _ *Source) {
		r.Uploads = []Upload{
			{Destination: "a", State: "done"},
			{Destination: "b<", State: "done", URL: "https://x/?a&b", ViewerURL: "v"},
			{Destination: "c", State: "held", Reason: "no-album", URL: "never"},
			{Destination: "d", State: "sending"},
		}
	}
	timeless := func(r *Resource, _ *Source) { r.Info = untimed{r.Info} }
	for _, tt := range []struct {
		body   string
		brief  bool
		path   string
		change func(*Resource, *Source)
		want   string
	}{
		{"", false, "a.jpg", nil, "[" + file + `<D:getetag>"tag"</D:getetag><D:getcontenttype>image/jpeg</D:getcontenttype>` + made +
			`<D:displayname>a.jpg</D:displayname> 200 OK]`},
		{"", false, "dir", nil, "[" + folder + made + `<D:displayname>dir</D:displayname> 200 OK]`},
		{"", true, "a.jpg", dead, "[" + file + " 200 OK]"},
		{"", true, "dir", nil, "[" + folder + " 200 OK]"},
		{"", false, "dir", dead, "[" + folder + made + `<D:displayname>dir</D:displayname><a xmlns="u">1</a><b xmlns="u">2</b>` + win + ` 200 OK]`},
		{`<propfind xmlns="DAV:"><propname/></propfind>`, false, "dir", dead, `[<D:resourcetype/><D:getlastmodified/><D:creationdate/><D:displayname/>` +
			`<D:supportedlock/><D:lockdiscovery/><x:a xmlns:x="u"/><x:b xmlns:x="u"/><x:Win32LastModifiedTime xmlns:x="urn:schemas-microsoft-com:"/> 200 OK]`},
		{`<propfind xmlns="DAV:"><allprop/><include><lockdiscovery/><x/><b xmlns="u"/></include></propfind>`, false, "dir", dead,
			"[" + folder + made + `<D:displayname>dir</D:displayname><D:lockdiscovery><lock of="/dir"/></D:lockdiscovery>` +
				`<a xmlns="u">1</a><b xmlns="u">2</b>` + win + ` 200 OK][<D:x/> 404 Not Found]`},
		{named(`<u:a/><u:none/><none/><D:getetag/><Z:Win32LastModifiedTime/>`), false, "dir", dead,
			`[<a xmlns="u">1</a>` + win + ` 200 OK][<n0:none/><none/><D:getetag/> 404 Not Found]`},
		{named(`<u:a/><Z:Win32LastModifiedTime/>`), false, "dir", nil, `[<n0:a/><Z:Win32LastModifiedTime/> 404 Not Found]`},
		{named(``), false, "dir", nil, `[ 200 OK]`},
		// The topmost folder has no time: none is told, and not the year 1.
		{"", true, "dir", timeless, `[<D:resourcetype><D:collection/></D:resourcetype> 200 OK]`},
		{named(`<D:getlastmodified/>`), false, "dir", timeless, `[<D:getlastmodified/> 404 Not Found]`},
		{named(`<D:quota-used-bytes/><D:quota-available-bytes/>`), false, "dir", func(_ *Resource, s *Source) { s.Used = 5 },
			`[<D:quota-used-bytes>5</D:quota-used-bytes> 200 OK][<D:quota-available-bytes/> 404 Not Found]`},
		{named(`<D:quota-used-bytes/>`), false, "a.jpg", func(_ *Resource, s *Source) { s.Used = 5 }, `[<D:quota-used-bytes/> 404 Not Found]`},
		{named(`<oc:checksums/>`), false, "a.jpg", func(_ *Resource, s *Source) {
			s.Checksums = func(fs.FileInfo) []string { return []string{"SHA1:00", "MD5:01"} }
		}, `[<oc:checksums><oc:checksum>SHA1:00 MD5:01</oc:checksum></oc:checksums> 200 OK]`},
		{named(`<oc:checksums/>`), false, "a.jpg", nil, `[<oc:checksums/> 404 Not Found]`},
		{named(`<S:state/><S:url/>`), false, "a.jpg", uploads, `[<S:state>held</S:state><S:url>https://x/?a&amp;b</S:url> 200 OK]`},
		{named(`<S:uploads/>`), false, "a.jpg", func(r *Resource, s *Source) { uploads(r, s); r.Uploads = r.Uploads[1:3] },
			`[<S:uploads><S:upload><S:destination>b&lt;</S:destination><S:state>done</S:state><S:url>https://x/?a&amp;b</S:url><S:viewer-url>v</S:viewer-url></S:upload>` +
				`<S:upload><S:destination>c</S:destination><S:state>held</S:state><S:reason>no-album</S:reason><S:url>never</S:url></S:upload></S:uploads> 200 OK]`},
		{named(`<S:state/><S:url/><S:uploads/>`), false, "a.jpg", nil, `[<S:state/><S:url/><S:uploads/> 404 Not Found]`},
	} {
		if got := describe(t, tt.body, tt.brief, tt.path, tt.change); got != tt.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", tt.body, tt.path, got, tt.want)
		}
	}
}
