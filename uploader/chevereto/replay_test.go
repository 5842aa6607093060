package chevereto

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"slipway/uploader"
	"slipway/uploader/form"
)

// exchange is one recorded request and reply; keys and hosts were replaced.
type exchange struct {
	Name     string
	Curl     string
	Response struct {
		Status  int
		Headers map[string]string
		Body    string
	}
}

func exchanges(t testing.TB) []exchange {
	t.Helper()
	b, err := os.ReadFile("testdata/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 200 {
		t.Fatalf("%d exchanges", len(all))
	}
	return all
}

func (x exchange) reply() form.Reply {
	r := form.Reply{Status: x.Response.Status, Header: http.Header{}, Body: []byte(x.Response.Body), BodySent: true}
	for name, value := range x.Response.Headers {
		r.Header.Set(name, value)
	}
	return r
}

// picture is what was sent, as far as the judgement depends on it.
func (x exchange) picture() uploader.Picture {
	p := uploader.Picture{Type: "image/jpeg"}
	if strings.Contains(x.Curl, "type=video") {
		p.Type = "video/mp4"
	}
	if strings.Contains(x.Curl, "width=") {
		p.Keys.Width = 100
	}
	return p
}

// classes is every answer that was recorded, by status, code and message, with
// its class. A message of "" stands for pages.
var classes = []struct {
	status        int
	code, message string
	kind          uploader.Kind
}{
	{400, "100", "No key provided", uploader.Refused},
	{400, "100", "Invalid API key.", uploader.Refused},
	{400, "100", "No action provided", uploader.Refused},
	{400, "100", "Invalid video file provided", uploader.Permanent},
	{400, "110", "Invalid API version.", uploader.Refused},
	{400, "120", "Invalid API action", uploader.Refused},
	{400, "120", "Invalid base64 string", uploader.Refused}, // Never ours.
	{400, "130", "Empty upload source", uploader.Permanent},
	{400, "130", "Empty source", uploader.Permanent},
	{400, "130", "Upload using base64 source must be done using POST method.", uploader.Permanent},
	{400, "130", "Flooding detected. You can only upload 3 images per minute", uploader.RetryAfter},
	{400, "130", "Flooding detected. You can only upload 5 images per hour", uploader.RetryAfter},
	{400, "130", "检测到洪水攻击。 您只能每 minute 上传 1 图片", uploader.RetryAfter},
	{400, "401", "Request denied", uploader.Refused},
	{400, "101", "Duplicated upload", uploader.Duplicate},
	{400, "102", "Duplicated upload", uploader.Duplicate},
	{400, "101", "重复上传", uploader.Duplicate},
	{400, "400", "File too big - max 1 MB", uploader.Permanent},
	{400, "400", "File too big - max 10 MB", uploader.Permanent},
	{400, "400", "Stop words found", uploader.Permanent},
	{400, "403", "URL uploading is disabled", uploader.Temporary}, // Never ours: unknown.
	{400, "601", "File too big (UPLOAD_ERR_INI_SIZE)", uploader.Permanent},
	{400, "610", "Can't get target upload source info", uploader.Permanent},
	{400, "610", "Target width is greater than the original image width", uploader.Permanent},
	{400, "1", "Invalid image geometry", uploader.Permanent},
	{400, "613", "Unavailable image format", uploader.Permanent},
	{400, "600", "FFprobe error", uploader.Permanent},
	{400, "0", "getimagesize", uploader.Permanent},
	{400, "0", "fopen", uploader.Temporary},
	{400, "425", "negative or zero image size", uploader.Permanent},
	{400, "22001", "SQLSTATE[22001]", uploader.Permanent},
	{400, "22007", "SQLSTATE[22007]", uploader.Permanent},
	{413, "", "", uploader.Permanent},
	{500, "", "", uploader.Unusual},
	{404, "", "", uploader.Refused},
	{301, "", "", uploader.Refused},
	{302, "", "", uploader.Refused},
	{200, "", "", uploader.Refused}, // Maintenance, and what format=txt says.
}

func TestReplay(t *testing.T) {
	d := driver(t, Config{URL: "https://pics.example"})
	met := make([]int, len(classes))
	var done, awaiting int
	for _, x := range exchanges(t) {
		a, ok := decode(x.reply())
		if ok {
			r := a.result("")
			if r.ID == "" || r.DeleteURL == "" || r.ViewerURL == "" || r.Awaiting != (r.URL == "") {
				t.Errorf("%s: %+v", x.Name, r)
			}
			if u, err := url.Parse(r.URL); err != nil || !r.Awaiting && u.Host != "pics.example" {
				t.Errorf("%s: URL %q", x.Name, r.URL)
			}
			if done++; r.Awaiting {
				awaiting++
			}
			continue
		}
		e := d.judge(x.picture(), x.reply(), a)
		found := false
		for i, c := range classes {
			if c.status == x.Response.Status && c.code == a.code && strings.HasPrefix(a.said, c.message) && (c.message != "" || a.said == "") {
				found = true
				if met[i]++; e.Kind != c.kind {
					t.Errorf("%s: %v, want %v: %v", x.Name, e.Kind, c.kind, e)
				}
			}
		}
		if !found {
			t.Errorf("%s has no class: %d %q %q", x.Name, x.Response.Status, a.code, a.said)
		}
		if e.Message == "" || e.Code == "" || e.Kind != uploader.Temporary && e.Remedy == "" && e.Kind != uploader.Unusual && e.Kind != uploader.RetryAfter {
			t.Errorf("%s: incomplete %#v", x.Name, e)
		}
		if strings.Contains(e.Error()+e.Remedy, "alice_key") {
			t.Errorf("%s shows the key: %v", x.Name, e)
		}
	}
	for i, n := range met {
		if n == 0 {
			t.Errorf("%+v was not recorded", classes[i])
		}
	}
	if done != 94 || awaiting != 1 {
		t.Errorf("%d successes, %d awaiting", done, awaiting)
	}
}

func TestReplayDetails(t *testing.T) {
	byName := map[string]exchange{}
	for _, x := range exchanges(t) {
		byName[x.Name] = x
	}
	d := driver(t, Config{URL: "https://pics.example"})
	a, _ := decode(byName["31-meta-all"].reply())
	r := a.result("50e8c759a499089e5c98634354f84de2")
	if r.ID != "7XO" || r.Expires.Format("2006-01-02 15:04:05 MST") != "2026-11-21 22:53:41 UTC" || r.Identical ||
		r.ThumbnailURL != "https://pics.example/images/2026/11/21/a869263f09c0f445d.th.jpg" {
		t.Errorf("resized: %+v", r)
	}
	a, _ = decode(byName["000-smoke"].reply())
	if r := a.result("FF30BC050587C0490D8DB9B048E332A0"); !r.Identical || !r.Expires.IsZero() {
		t.Errorf("as sent: %+v", r)
	}
	a, ok := decode(byName["166-image-param-imgbb"].reply())
	if r := a.result(""); !ok || r.ID != "h3M" || r.URL == "" {
		t.Errorf("ImgBB's dialect: %v %+v", ok, r)
	}
	a, ok = decode(byName["121-moderate-all"].reply())
	if r := a.result("727fbffc4e0462a0bacc1cd33e0b060d"); !ok || !r.Awaiting || r.URL != "" || r.ID != "fLO" || !r.Identical {
		t.Errorf("moderated: %v %+v", ok, r)
	}
	for name, want := range map[string]string{
		"03-multipart-key-query": "https://pics.example/api/1/upload/", "33-format-redirect": "https://pics.example/image/7kP",
	} {
		x := byName[name]
		a, _ := decode(x.reply())
		if e := d.judge(x.picture(), x.reply(), a); !strings.HasSuffix(e.Message, want) || !strings.HasSuffix(e.Remedy, want) {
			t.Errorf("%s: %q, %q", name, e.Message, e.Remedy)
		}
	}
	for name, want := range map[string]string{"130-flood-1": "1m0s", "135-flood-hour": "12m0s", "136-flood-zh": "1m0s"} {
		x := byName[name]
		a, _ := decode(x.reply())
		if e := d.judge(x.picture(), x.reply(), a); e.After.String() != want {
			t.Errorf("%s: after %v, want %v", name, e.After, want)
		}
	}
	x := byName["161-width-huge"]
	a, _ = decode(x.reply())
	if e := d.judge(x.picture(), x.reply(), a); !strings.Contains(e.Message, "pixels wide") {
		t.Errorf("too wide: %v", e)
	}
}

func FuzzReply(f *testing.F) {
	for _, x := range exchanges(f) {
		f.Add(x.Response.Status, x.Response.Headers["Content-Type"], []byte(x.Response.Body), x.Response.Headers["Location"])
	}
	f.Add(500, "application/json", []byte(`{"status_code":200,"image":{"url":"https://pics.example/a.jpg"}}`), "")
	f.Add(200, "text/html", []byte(`{"status_code":200,"image":{"url":"javascript:x","is_approved":"0"}}`), "")
	d := driver(f, Config{URL: "https://pics.example"})
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte, location string) {
		r := form.Reply{Status: status, Header: http.Header{"Content-Type": {kind}, "Location": {location}}, Body: body, BodySent: true}
		a, ok := decode(r)
		if ok {
			res := a.result("x")
			if res.URL == "" && !res.Awaiting || status != 200 {
				t.Fatalf("success without a URL: %+v", res)
			}
			for _, s := range []string{res.URL, res.ViewerURL, res.DeleteURL, res.ThumbnailURL} {
				if s != "" && !strings.HasPrefix(s, "http") || strings.ContainsAny(s, "\r\n<>\" ") {
					t.Fatalf("address %q", s)
				}
			}
			return
		}
		e := d.judge(uploader.Picture{Type: "image/png"}, r, a)
		if e.Message == "" || e.Kind == uploader.RetryAfter && e.After <= 0 || e.Kind == uploader.Ambiguous {
			t.Fatalf("%#v", e)
		}
	})
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`<div data-object="{&quot;filename&quot;:&quot;a-12345678.jpg&quot;,&quot;url&quot;:&quot;https://x/a.jpg&quot;}">`))
	f.Add([]byte(`<div data-object='%7B%22title%22%3A%22a%2012345678%22%7D'>`))
	f.Fuzz(func(t *testing.T, page []byte) {
		for _, o := range pictures(page) {
			if o == nil {
				t.Fatal("nil object")
			}
			named(o, "12345678")
			answer{image: o}.result("")
		}
	})
}
