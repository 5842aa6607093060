package multistatus

import (
	"encoding/xml"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"slipway/gateway/webdav/davxml/davxmltest"
)

func TestWriter(t *testing.T) {
	var b strings.Builder
	n := &Namespaces{}
	known, strange, none := n.Tag(xml.Name{Space: "urn:x-slipway:dav", Local: "a"}), n.Tag(xml.Name{Space: `u"&`, Local: "b"}), n.Tag(xml.Name{Local: "c"})
	w := New(&b)
	w.Open(n)
	w.Response("/d/", `ä&'"<%?#`, true)
	mark := w.Mark()
	w.Text("never seen")
	w.Rewind(mark)
	w.Propstat()
	w.End("D:x", w.Start("D:x"))
	m := w.Start(known)
	w.Text("<&>\x00")
	w.Int(-5)
	w.Time(time.Date(2020, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), time.RFC3339)
	w.End(known, m)
	w.EndPropstat(200, "")
	w.Propstat()
	w.Empty(strange)
	w.Empty(none)
	w.EmptyOf(xml.Name{Local: "d"})
	w.EmptyOf(xml.Name{Space: `v"`, Local: "e"})
	w.EndPropstat(403, "cannot-modify-protected-property")
	w.EndResponse()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const want = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<D:multistatus xmlns:D="DAV:" xmlns:S="urn:x-slipway:dav" xmlns:n1="u&#34;&amp;">` +
		`<D:response><D:href>/d/%C3%A4&amp;%27%22%3C%25%3F%23/</D:href>` +
		`<D:propstat><D:prop><D:x/><S:a>&lt;&amp;&gt;` + "\uFFFD" + `-52020-01-02T02:04:05Z</S:a></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>` +
		`<D:propstat><D:prop><n1:b/><c/><d/><x:e xmlns:x="v&#34;"/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status>` +
		`<D:error><D:cannot-modify-protected-property/></D:error></D:propstat></D:response></D:multistatus>` + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if _, err := davxmltest.Canonical(b.String()); err != nil {
		t.Error(err)
	}
}

// counting fails after some bytes.
type counting struct{ written, most int }

func (c *counting) Write(p []byte) (int, error) {
	if c.written += len(p); c.written > c.most {
		return 0, errors.New("the client left")
	}
	return len(p), nil
}

// TestStreaming: what was written is let go, and a client that leaves is noticed.
func TestStreaming(t *testing.T) {
	c := &counting{most: 1 << 20}
	w := New(c)
	w.Open(&Namespaces{})
	for range 20_000 {
		w.Response("/", strings.Repeat("x", 100), false)
		w.EndResponse()
		if len(w.buf) > flushAt+1000 {
			t.Fatalf("%d bytes are kept", len(w.buf))
		}
		if w.Err() != nil {
			break
		}
	}
	if w.Err() == nil || w.Close() == nil || c.written > c.most+2*flushAt {
		t.Errorf("%v after %d bytes", w.Err(), c.written)
	}
}

func FuzzPath(f *testing.F) {
	f.Add("/a b/%2f/ä?#[]!'()*~;:@&=+$,")
	f.Fuzz(func(t *testing.T, p string) {
		p = "/" + p
		if got, want := Path(p), (&url.URL{Path: p}).EscapedPath(); got != want {
			t.Errorf("%q: %q, net/url says %q", p, got, want)
		}
	})
}
