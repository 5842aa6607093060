package custom

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slipway/uploader"
)

// FuzzReply checks that whatever a host answers ends in a web address or in an error
// with words, and that neither shows the secret.
func FuzzReply(f *testing.F) {
	for _, status := range []int{200, 201, 204, 302, 303, 400, 401, 413, 429, 500, 0, 999} {
		for _, body := range []string{"", `{"url":"https://h.example/1"}`, `{"url":"/i/1"}`, `{"error":{"message":"s3cr3t-token"}}`, "https://h.example/s3cr3t-token", "<html>", `{"url":{}}`, "//h", "\x00"} {
			f.Add(status, "/x?y=s3cr3t-token", body)
		}
	}
	files := []Config{
		simple(func(c *Config) { c.Result.URL = "{first:{json:url}|{response}}" }),
		simple(func(c *Config) { c.Result = Result{URL: "{responseurl}", Error: "{response}", ID: "{response}"} }),
		simple(func(c *Config) {
			c.Result = Result{URL: "{header:Location}", Viewer: "{response}", Error: "{json:error.message}"}
		}),
	}
	f.Fuzz(func(t *testing.T, status int, location, body string) {
		for _, c := range files {
			c.Secrets = map[string]uploader.Secret{"token": "s3cr3t-token"}
			c.Headers = map[string]string{"Authorization": "{secret:token}"}
			w := &wire{t: t, status: status, headers: map[string]string{"Location": location, "Retry-After": body}, body: body}
			d, err := New(c, wired(w))
			if err != nil {
				t.Fatal(err)
			}
			r, err := d.Send(t.Context(), picture("", ""))
			if w.n != 1 {
				t.Fatalf("%d requests", w.n)
			}
			if err != nil {
				e := uploader.AsError(err)
				if e.Message == "" || strings.Contains(e.Error()+e.Remedy, "s3cr3t-token") {
					t.Fatalf("%#v", *e)
				}
				continue
			}
			for _, address := range []string{r.URL, r.ViewerURL} {
				u, err := url.Parse(address)
				if address == "" && address != r.URL {
					continue
				}
				if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(address, " \"<>\n") {
					t.Fatalf("%+v", r)
				}
			}
			if strings.Contains(r.URL+r.ViewerURL+r.ID, "s3cr3t-token") {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// FuzzFile checks that whatever file makes a driver, its request goes to the host that
// the file names, on one line each, with the length that was announced.
func FuzzFile(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.sxcu")
	if err != nil || len(files) < 50 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "a.jpg")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		w := &wire{t: t, status: 200, body: `{"url":"https://host.example/i/1.jpg"}`}
		d, err := New(Config{File: text, FileName: "x.sxcu", Secrets: map[string]uploader.Secret{"token": "s3cr3t-token"}}, wired(w))
		if err != nil {
			if d != nil || !strings.Contains(err.Error(), "x.sxcu") && !strings.Contains(err.Error(), "{") && !strings.Contains(err.Error(), ":") {
				t.Fatalf("%v", err)
			}
			return
		}
		if _, err := d.Send(t.Context(), picture(name, "")); err != nil && w.n == 0 {
			return
		}
		if w.n != 1 || w.request.URL.Host != d.Properties().Host {
			t.Fatalf("%d requests, to %s", w.n, w.request.URL)
		}
		for header, values := range w.request.Header {
			if strings.ContainsAny(header+strings.Join(values, ""), "\r\n\x00") {
				t.Fatalf("header %q: %q", header, values)
			}
		}
		d.explain()
	})
}
