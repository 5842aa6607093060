package webdav

import (
	"strings"
	"testing"
	"time"
)

// awayError is why a file cannot be read.
type awayError struct{ passing bool }

func (e awayError) Error() string             { return "away" }
func (e awayError) Reason() string            { return "its host is away; try again later" }
func (e awayError) Forbidden() bool           { return !e.passing }
func (e awayError) Unavailable() bool         { return e.passing }
func (e awayError) RetryAfter() time.Duration { return 7 * time.Second }

// TestAway: a file whose bytes cannot be read now is answered by 503 and when to ask
// again, one whose bytes are lost by 403; only what has bytes in it needs them.
func TestAway(t *testing.T) {
	d := open(t)
	d.seed("/a.jpg=picture")
	tag := d.want(200, "GET", "/dav/a.jpg", "").Header.Get("ETag")
	for code, after := range map[int]string{503: "7", 403: ""} {
		d.fs.reading = awayError{code == 503}
		for _, headers := range [][]string{nil, {"Range: bytes=1-2"}, {`If-None-Match: "other"`}, {"If-Match: " + tag}} {
			r := d.want(code, "GET", "/dav/a.jpg", "", headers...)
			if r.Header.Get("Retry-After") != after || !strings.Contains(r.body, "its host is away") || r.Header.Get("ETag") != "" {
				t.Errorf("%v: %q, %v", headers, r.body, r.Header)
			}
		}
		d.fs.opens = 0
		d.want(200, "HEAD", "/dav/a.jpg", "")
		d.want(206, "HEAD", "/dav/a.jpg", "", "Range: bytes=1-2")
		d.want(207, "PROPFIND", "/dav/", "", "Depth: 1")
		if r := d.want(304, "GET", "/dav/a.jpg", "", "If-None-Match: "+tag); r.Header.Get("ETag") != tag || r.body != "" {
			t.Errorf("of what the client has: %q, %v", r.body, r.Header)
		}
		d.want(412, "GET", "/dav/a.jpg", "", "If-None-Match: "+tag, `If-Match: "other"`)
		if d.fs.opens != 1 { // the folder
			t.Errorf("%d were opened for it", d.fs.opens)
		}
	}
}
