package webdav

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestConditionsOnEveryMethod: what changes something does so only in the state
// that the request expects (RFC 9110 §13.1), and nothing is changed by the others.
func TestConditionsOnEveryMethod(t *testing.T) {
	patch := `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="urn:a">1</a></D:prop></D:set></D:propertyupdate>`
	past, future := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	tag := tagOf([]byte("A"))
	for _, tt := range []struct {
		request string // method, path, destination
		body    string
		code    int // where nothing is asked
	}{
		{"PUT /dav/a", "new", 204}, {"DELETE /dav/a", "", 204}, {"MOVE /dav/a /dav/b", "", 204}, {"COPY /dav/a /dav/b", "", 204},
		{"PROPPATCH /dav/a", patch, 207}, {"LOCK /dav/a", lockBody, 200},
	} {
		for header, holds := range map[string]bool{
			"If-Match: " + tag: true, "If-Match: *": true, `If-Match: "x", ` + tag: true, `If-Match: "x"`: false, "If-Match: W/" + tag: false,
			"If-None-Match: " + tag: false, "If-None-Match: W/" + tag: false, "If-None-Match: *": false, `If-None-Match: "x"`: true,
			"If-None-Match: undefined": true, "If-None-Match: " + strings.Trim(tag, `"`): true, // Joplin
			"If-Unmodified-Since: " + past: false, "If-Unmodified-Since: " + future: true, "If-Unmodified-Since: yesterday": true,
			"If: ([" + tag + "])": true, `If: (["x"])`: false, "If: (Not [" + tag + "])": false, `If: (["x"]) (Not ["x"])`: true,
			"If: </dav/b> ([" + tagOf([]byte("B")) + "])": true, "If: </dav/b> ([" + tag + "])": false,
			"If: (<opaquelocktoken:none>)": false, "If: (Not <DAV:no-lock>)": true, "If: <http://elsewhere/dav/a> ([" + tag + "])": true,
		} {
			d := open(t)
			d.seed("/a=A", "/b=B")
			part := strings.Fields(tt.request + " -")
			code := tt.code
			if !holds {
				code = 412
			}
			d.want(code, part[0], part[1], tt.body, "Destination: "+part[2], header)
			if !holds {
				d.holds("/a", "A")
				d.holds("/b", "B")
				d.want(204, "PUT", "/dav/a", "unlocked")
			}
		}
	}
}

// TestConditionsOnNothing: where nothing stands, nothing matches.
func TestConditionsOnNothing(t *testing.T) {
	d := open(t)
	d.want(412, "PUT", "/dav/f", "x", "If-Match: *")
	d.want(412, "MKCOL", "/dav/d", "", "If-Match: *")
	d.want(412, "LOCK", "/dav/f", lockBody, "If-Match: *")
	d.want(412, "DELETE", "/dav/f", "", "If-Match: *")
	d.want(412, "DELETE", "/dav/f", "", `If: (["x"])`)
	d.holds("/f", "-")
	d.want(201, "PUT", "/dav/f", "x", "If-None-Match: *")
	d.want(412, "PUT", "/dav/f", "y", "If-None-Match: *")
	d.want(201, "MKCOL", "/dav/d", "", "If-None-Match: *")
	d.want(405, "MKCOL", "/dav/d", "", "If-None-Match: *") // as without it (RFC 9110 §13.2.1)
	d.want(412, "GET", "/dav/f", "", `If: (["nope"])`)
	d.want(412, "HEAD", "/dav/f", "", `If: (<opaquelocktoken:x>)`)
	d.want(412, "PROPFIND", "/dav/f", "", `If-Match: "nope"`, "Depth: 0")
	d.want(201, "LOCK", "/dav/g", lockBody, "If-None-Match: *")
}

// TestConditionsOfLocks: refreshing and giving back ask as well.
func TestConditionsOfLocks(t *testing.T) {
	d := open(t)
	token := d.lock("/dav/f")
	d.want(412, "LOCK", "/dav/f", "", "If: (<"+token+">)", `If-Match: "x"`)
	d.want(412, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">", `If-Match: "x"`)
	d.want(412, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">", "If: (Not <"+token+">)")
	d.want(204, "UNLOCK", "/dav/f", "", "Lock-Token: <"+token+">", "If: (<"+token+">)")
}

// TestIfBeforeLocks: whoever has a stale token learns that first (412), whoever
// has none learns of the lock (423).
func TestIfBeforeLocks(t *testing.T) {
	d := open(t)
	d.seed("/a=A", "/b=B")
	d.lock("/dav/a")
	for _, request := range []string{"PUT /dav/a", "DELETE /dav/a", "MOVE /dav/a /dav/c", "MOVE /dav/b /dav/a", "COPY /dav/b /dav/a"} {
		part := strings.Fields(request + " -")
		d.want(423, part[0], part[1], "", "Destination: "+part[2])
		d.want(412, part[0], part[1], "", "Destination: "+part[2], "If: (<opaquelocktoken:stale>)")
	}
	d.want(400, "PUT", "/dav/a", "x", "If: (<a>")
	d.want(400, "PUT", "/dav/a", "x", "If: "+strings.Repeat(`(["x"])`, 2000))
}

// TestOtherSpelling: a name can be moved to another spelling of itself, and not
// be copied onto it.
func TestOtherSpelling(t *testing.T) {
	d := open(t, func(o *Options) { o.Key = strings.ToLower })
	d.seed("/a=A", "/dir/f=F")
	d.want(403, "COPY", "/dav/a", "", "Destination: /dav/A")
	d.want(403, "MOVE", "/dav/dir", "", "Destination: /dav/DIR/in")
	d.want(403, "MOVE", "/dav/dir/f", "", "Destination: /dav/Dir")
	d.want(201, "MOVE", "/dav/a", "", "Destination: /dav/A")
	d.holds("/A", "A")
}

func FuzzOverwrite(f *testing.F) {
	for _, s := range []string{"", "T", "F", "t", " F ", "true", "TF"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		yes, err := overwrite(s)
		if err != nil && (yes || answerTo(err).code != 400) {
			t.Errorf("%q: %v %v", s, yes, err)
		}
		if no := strings.EqualFold(strings.TrimSpace(s), "F"); err == nil && yes == no {
			t.Errorf("%q: %v", s, yes)
		}
	})
}
