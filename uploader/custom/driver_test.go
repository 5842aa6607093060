package custom

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"slipway/uploader"
)

func simple(change func(*Config)) Config {
	c := Config{URL: "https://host.example/upload", FileField: "file", Result: Result{URL: "{json:url}", Error: "{json:error}"}}
	if change != nil {
		change(&c)
	}
	return c
}

func driver(t *testing.T, w *wire, c Config) *Driver {
	t.Helper()
	d, err := New(c, wired(w))
	if err != nil {
		t.Fatal(err)
	}
	return fixed(d)
}

// TestStatuses: every status is of a kind, and says what to do where waiting is not all.
func TestStatuses(t *testing.T) {
	for _, test := range []struct {
		status  int
		headers map[string]string
		body    string
		kind    uploader.Kind
		says    string
	}{
		{200, nil, `{"url":"javascript:alert(1)"}`, uploader.Unusual, "no address"},
		{200, nil, `{"url":"ftp://host.example/1"}`, uploader.Unusual, "no address"},
		{200, nil, `{"url":"https://"}`, uploader.Unusual, "no address"},
		{200, nil, `{"url":"https://h.example/\n1"}`, uploader.Unusual, "no address"},
		{200, nil, ``, uploader.Unusual, "answered nothing"},
		{204, nil, ``, uploader.Unusual, "answered nothing"},
		{200, nil, `{"error":"no"}`, uploader.Temporary, `it says "no"`},
		{200, nil, `{"error":"quota exceeded"}`, uploader.Refused, "quota"},
		{200, nil, `{"error":"Invalid token"}`, uploader.Refused, "token"},
		{200, nil, `{"error":"rate limit, try again later"}`, uploader.RetryAfter, "rate limit"},
		{301, map[string]string{"Location": "https://www.host.example/up?key=1"}, ``, uploader.Refused, "https://www.host.example/up"},
		{302, map[string]string{"Location": "/login"}, ``, uploader.Refused, "/login"},
		{307, nil, ``, uploader.Refused, "does not give"},
		{400, nil, `{"error":"no luck"}`, uploader.Temporary, "no luck"},
		{400, nil, `{"error":"bad image file"}`, uploader.Permanent, "bad image file"},
		{400, nil, `{"error":"invalid image"}`, uploader.Permanent, "invalid image"},
		{400, nil, `x`, uploader.Temporary, "refused"},
		{401, nil, ``, uploader.Refused, "account"},
		{402, nil, ``, uploader.Refused, "room"},
		{403, nil, ``, uploader.Refused, "account"},
		{403, nil, `{"error":"file type not allowed"}`, uploader.Permanent, "file type"},
		{404, nil, ``, uploader.Refused, "takes no uploads"},
		{405, nil, ``, uploader.Refused, "takes no uploads"},
		{409, nil, ``, uploader.Temporary, "refused"},
		{413, nil, `<html>`, uploader.Permanent, "limit"},
		{415, nil, ``, uploader.Permanent, "does not take this file"},
		{422, nil, ``, uploader.Permanent, "does not take this file"},
		{429, map[string]string{"Retry-After": "90"}, ``, uploader.RetryAfter, "slow down"},
		{429, map[string]string{"Retry-After": "Wed, 04 Mar 2026 05:07:37 GMT"}, ``, uploader.RetryAfter, "slow down"},
		{503, map[string]string{"Retry-After": "90"}, ``, uploader.RetryAfter, "slow down"},
		{500, nil, `<html>`, uploader.Unusual, "failed"},
		{502, nil, ``, uploader.Unusual, "failed"},
		{507, nil, ``, uploader.Refused, "room"},
	} {
		w := &wire{t: t, status: test.status, headers: test.headers, body: test.body}
		r, err := driver(t, w, simple(nil)).Send(t.Context(), picture("", ""))
		e := uploader.AsError(err)
		if err == nil || e.Kind != test.kind || !strings.Contains(e.Message, test.says) || !e.BodySent || e.Code == "" {
			t.Errorf("%d %q: %v (%v), %+v; want %v, %q", test.status, test.body, err, e.Kind, r, test.kind, test.says)
		}
		if e.Remedy == "" && (e.Kind == uploader.Refused || e.Kind == uploader.Permanent) {
			t.Errorf("%d %q: no remedy", test.status, test.body)
		}
		if e.Kind == uploader.RetryAfter && test.headers != nil && (e.After < 89*time.Second || e.After > 90*time.Second) {
			t.Errorf("%d: after %v", test.status, e.After)
		}
	}
}

// TestStatusesOfConfig: the configuration says which statuses are a success, and which
// say that the host has the bytes already.
func TestStatusesOfConfig(t *testing.T) {
	c := simple(func(c *Config) { c.Success, c.Existing = []int{201}, []int{409} })
	for status, want := range map[int]string{200: "temporary", 201: "done", 409: "existing"} {
		w := &wire{t: t, status: status, body: `{"url":"https://h.example/1"}`}
		r, err := driver(t, w, c).Send(t.Context(), picture("", ""))
		got := "done"
		if err != nil {
			got = uploader.AsError(err).Kind.String()
		} else if r.Existing {
			got = "existing"
		}
		if got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
	w := &wire{t: t, status: 409, body: "there"}
	if _, err := driver(t, w, c).Send(t.Context(), picture("", "")); uploader.AsError(err).Kind != uploader.Duplicate {
		t.Errorf("%v", err)
	}
	c = simple(func(c *Config) { c.Result.OK = "{json:ok}" })
	for text, want := range map[string]bool{`true`: true, `1`: true, `"success"`: true, `false`: false, `0`: false, `"error"`: false, `null`: false} {
		w := &wire{t: t, status: 200, body: `{"ok":` + text + `,"url":"https://h.example/1"}`}
		if _, err := driver(t, w, c).Send(t.Context(), picture("", "")); (err == nil) != want {
			t.Errorf("ok = %s: %v", text, err)
		}
	}
}

// TestIdentical: only the checksum of the very bytes proves them.
func TestIdentical(t *testing.T) {
	m, s1, s2 := md5.Sum(content), sha1.Sum(content), sha256.Sum256(content)
	c := simple(func(c *Config) { c.Result.Identical = "{json:sum}" })
	for sum, want := range map[string]bool{
		hex.EncodeToString(m[:]): true, strings.ToUpper(hex.EncodeToString(m[:])): true, `\"` + hex.EncodeToString(m[:]) + `\"`: true,
		base64.StdEncoding.EncodeToString(m[:]): true, hex.EncodeToString(s1[:]): true, hex.EncodeToString(s2[:]): true,
		base64.StdEncoding.EncodeToString(s2[:]): true, `W/\"` + hex.EncodeToString(m[:]) + `\"`: false, "": false, hex.EncodeToString(m[:15]): false,
		hex.EncodeToString(m[:]) + "-2": false, strings.Repeat("0", 32): false, hex.EncodeToString(s2[:16]): false,
	} {
		w := &wire{t: t, status: 200, body: `{"url":"https://h.example/1","sum":"` + sum + `"}`}
		r, err := driver(t, w, c).Send(t.Context(), picture("", ""))
		if err != nil || r.Identical != want {
			t.Errorf("%q: identical %v, %v", sum, r.Identical, err)
		}
	}
	for _, body := range []Config{
		simple(func(c *Config) { c.Body, c.FileField = "binary", "" }),
		simple(func(c *Config) { c.Body, c.Data = "json", `{"f":"{file:base64}"}` }),
		simple(func(c *Config) { c.Body, c.Arguments = "form", map[string]string{"f": "{file:base64}"} }),
		simple(func(c *Config) { c.FileField, c.Arguments = "", map[string]string{"f": "{file:base64}"} }),
	} {
		body.Result.Identical = "{json:sum}"
		w := &wire{t: t, status: 200, body: `{"url":"https://h.example/1","sum":"` + hex.EncodeToString(s2[:]) + `"}`}
		if r, err := driver(t, w, body).Send(t.Context(), picture("", "")); err != nil || !r.Identical {
			t.Errorf("%s: %+v, %v", body.Body, r, err)
		}
	}
}

// TestSecrets: no secret, nor what is made of one, is in an error, a result, a note, a
// log, or what fmt shows of a driver.
func TestSecrets(t *testing.T) {
	const token, password, literal = "t0k3n/with+chars", "pass word?", "literal-key-77"
	c := simple(func(c *Config) {
		c.URL += "/{secret:token}"
		c.Secrets = map[string]uploader.Secret{"token": token, "password": password}
		c.Parameters = map[string]string{"key": "{secret:token}"}
		c.Headers = map[string]string{"Authorization": "Basic {base64:user:{secret:password}}", "X-Api-Key": literal}
		c.Arguments = map[string]string{"token": "{secret:token}"}
		c.Result = Result{URL: "{json:url}", Viewer: "{json:view}", Thumbnail: "{json:thumb}", Deletion: "{json:del}", ID: "{json:id}", Error: "{response}"}
	})
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + password))
	forms := []string{token, "t0k3n%2Fwith%2Bchars", password, "pass%20word%3F", "pass+word%3F", basic, literal}
	clean := func(what string, v any) {
		t.Helper()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			text := fmt.Sprintf(verb, v)
			for _, secret := range forms {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %s shows %s", what, verb, secret)
				}
			}
		}
	}
	d := driver(t, &wire{t: t}, c)
	clean("driver", d)
	clean("properties", d.Properties())
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "driver", d)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "driver", d)
	clean("log", log.String())
	for _, secret := range forms {
		for _, status := range []int{200, 301, 400, 401, 500} {
			w := &wire{t: t, status: status, body: "bad " + secret + " ", headers: map[string]string{"Location": "https://h.example/" + secret}}
			_, err := driver(t, w, c).Send(t.Context(), picture("", ""))
			if err == nil {
				t.Fatal("no error")
			}
			clean(fmt.Sprint(status, " with ", secret), err)
			clean("the error's fields", *uploader.AsError(err))
		}
		w := &wire{t: t, status: 200, body: `{"url":"https://h.example/1","view":"https://h.example/` + secret + `","thumb":"https://h.example/?k=` + secret + `","id":"` + secret + `"}`}
		r, err := driver(t, w, c).Send(t.Context(), picture("", ""))
		if err != nil || r.ViewerURL+r.ThumbnailURL+r.ID != "" {
			t.Errorf("%+v, %v", r, err)
		}
		clean("result", r)
		w = &wire{t: t, status: 200, body: `{"url":"https://h.example/` + secret + `"}`}
		r, err = driver(t, w, c).Send(t.Context(), picture("", ""))
		if err == nil {
			t.Errorf("an address with a secret is taken: %v", r)
		}
		clean("error", err)
	}
	w := &wire{t: t, status: 405, body: token}
	notes, err := driver(t, w, c).Check(t.Context())
	if err != nil || len(notes) < 5 || w.request.Method != "HEAD" || w.request.URL.Path != "/" || len(w.request.Header["Authorization"]) > 0 {
		t.Errorf("%q, %v, %v", notes, err, w.request)
	}
	clean("notes", notes)
}

// TestCheckExplains: what an upload will do is said before the first.
func TestCheckExplains(t *testing.T) {
	c := simple(func(c *Config) {
		c.URL = "http://host.example/upload"
		c.File, c.FileName = []byte(`{"Version":"17.0.0","RequestURL":"https://x.example","FileFormName":"f","Mystery":1,"DeletionURL":"{json:del}","Body":"MultipartFormData"}`), "x.sxcu"
		c.Headers = map[string]string{"X-Plain": "visible-text", "X-Title": "{key:title}"}
		c.DeleteMethod = "DELETE"
	})
	d := driver(t, &wire{t: t, status: 200}, c)
	notes, err := d.Check(t.Context())
	all := strings.Join(notes, "\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Sends each file by POST to http://host.example/upload.", "Headers: X-Plain, X-Title ({key:title}).", "the file in file", "The picture's address is {json:url}.",
		"Pictures are deleted by DELETE to {json:del}", "lost waits for you", "left out: mystery", "plain http", "seen at the first upload", "Functions: {key:title} {json:url} {json:del} {json:error}",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not said in\n%s", want, all)
		}
	}
	if strings.Contains(all, "visible-text") {
		t.Errorf("a header's value is shown:\n%s", all)
	}
	if keys := d.Properties().Keys; len(keys) != 1 || keys[0] != "title" {
		t.Errorf("keys %q", keys)
	}
}

// TestDelete: only the right host is asked, and only a clear answer counts.
func TestDelete(t *testing.T) {
	const page = `<html><form method="post"><button>Really?</button></form></html>`
	html := map[string]string{"Content-Type": "text/html"}
	with := func(change func(*Config)) Config {
		return simple(func(c *Config) {
			c.Result.Deletion = "{json:del}"
			c.Secrets = map[string]uploader.Secret{"token": "s3cr3t-token"}
			c.DeleteHeaders = map[string]string{"Authorization": "Bearer {secret:token}"}
			if change != nil {
				change(c)
			}
		})
	}
	const own, other = "https://HOST.example:443/d/h4sh", "https://other.example/d/h4sh"
	for _, test := range []struct {
		name    string
		config  Config
		url     string
		status  int
		headers map[string]string
		body    string
		want    string // "" for done, else a kind
		asked   string // the method; "": nobody was asked
		header  bool
	}{
		{"done", with(nil), own, 200, nil, "deleted", "", "GET", true},
		{"by DELETE", with(func(c *Config) { c.DeleteMethod = "delete" }), own, 204, nil, "", "", "DELETE", true},
		{"gone before", with(nil), own, 404, nil, "", "", "GET", true},
		{"gone for good", with(nil), own, 410, nil, "", "", "GET", true},
		{"sent home", with(nil), own, 302, map[string]string{"Location": "/"}, "", "", "GET", true},
		{"sent to sign in", with(nil), own, 302, map[string]string{"Location": "/login?next=/d"}, "", "permanent", "GET", true},
		{"a page that asks", with(nil), own, 200, html, page, "permanent", "GET", true},
		{"key refused", with(nil), own, 401, nil, "s3cr3t-token", "refused", "GET", true},
		{"not allowed", with(nil), own, 405, nil, "", "permanent", "GET", true},
		{"slow down", with(nil), own, 429, nil, "", "retry-after", "GET", true},
		{"failed", with(nil), own, 500, nil, "", "temporary", "GET", true},
		{"another host", with(nil), other, 200, nil, "", "permanent", "", false},
		{"another port", with(nil), "https://host.example:8443/d", 200, nil, "", "permanent", "", false},
		{"plain http", with(nil), "http://host.example/d", 200, nil, "", "permanent", "", false},
		{"a listed host", with(func(c *Config) { c.DeleteHosts = []string{"Other.example"} }), other, 200, nil, "", "", "GET", false},
		{"a listed host in plain", with(func(c *Config) { c.DeleteHosts = []string{"other.example"} }), "http://other.example/d", 200, nil, "", "permanent", "", false},
		{"no address", with(nil), "", 200, nil, "", "permanent", "", false},
		{"none", with(func(c *Config) { c.DeleteMethod = "none" }), own, 200, nil, "", "permanent", "", false},
	} {
		w := &wire{t: t, status: test.status, headers: test.headers, body: test.body}
		d := driver(t, w, test.config)
		if d.Properties().Deletes != (test.name != "none") {
			t.Errorf("%s: Deletes is %v", test.name, d.Properties().Deletes)
		}
		err := d.Delete(t.Context(), uploader.Result{DeleteURL: test.url})
		kind := ""
		if err != nil {
			e := uploader.AsError(err)
			kind = e.Kind.String()
			if text := fmt.Sprintf("%#v %v", *e, e); strings.Contains(text, "h4sh") || strings.Contains(text, "s3cr3t") || e.Kind == uploader.Permanent && e.Remedy == "" {
				t.Errorf("%s: %s", test.name, text)
			}
		}
		asked, header := "", false
		if w.request != nil {
			asked, header = w.request.Method, w.request.Header.Get("Authorization") != ""
		}
		if kind != test.want || asked != test.asked || header != test.header {
			t.Errorf("%s: %q (%v), asked by %q, with headers %v", test.name, kind, err, asked, header)
		}
	}
}

// TestExpirations: hosts that want seconds get them.
func TestExpirations(t *testing.T) {
	for in, want := range map[string]string{"": "", "3600": "3600", "PT5M": "300", "P3D": "259200", "P1Y2M1W3DT4H5M6S": "37598706", "soon": "soon", "P": "0"} {
		if got := seconds(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestCancelledBeforehand: what is read before the request hears the end of its context.
func TestCancelledBeforehand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := &wire{t: t, status: 200}
	d := driver(t, w, simple(func(c *Config) {
		c.Body, c.FileField, c.Arguments = "form", "", map[string]string{"f": "{file:base64}"}
	}))
	_, err := d.Send(ctx, picture("", ""))
	if e := uploader.AsError(err); err == nil || e.Kind != uploader.Temporary || e.BodySent || w.n != 0 {
		t.Errorf("%v, %d requests", err, w.n)
	}
}
