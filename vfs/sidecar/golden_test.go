package sidecar_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"slipway/vfs/blob"
	"slipway/vfs/sidecar"
)

// full is a receipt with everything in it: done, done elsewhere, in trouble.
func full() sidecar.Receipt {
	return sidecar.Receipt{
		Changed: noon,
		Uploads: []sidecar.Upload{
			{Destination: "cms", State: "settling", Reason: "backoff", Attempts: 3, NextTry: noon.Add(90 * time.Second), Error: "the host answered HTTP 503", Trouble: true},
			{Destination: "anh", State: "done", URL: "https://i.example/a.jpg", ViewerURL: "https://example/v/a", ThumbnailURL: "https://i.example/a.th.jpg",
				ID: "Zf", Album: "Gd", Attempts: 1, SentAt: noon.In(time.FixedZone("", 7200)), Notes: []string{"The host keeps it for a year."}},
			{Destination: "home", State: "done", URL: "http://127.0.0.1:8080/i/x/a.jpg", Attempts: 1, SentAt: noon},
			{Destination: "big", State: "failed", Attempts: 1, Error: "the picture is too large", Remedy: "send a smaller one", Trouble: true},
		},
		Previous: []sidecar.Upload{{Destination: "anh", State: "done", URL: "https://i.example/old.jpg", SHA256: blob.Sum{0, 0xff}, Attempts: 1, SentAt: noon}},
	}
}

// style is how a gallery looks, which its tests need not repeat.
var style = regexp.MustCompile(`(?s)<style>.+</style>`)

func TestGolden(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/in box/a_b.jpg")] = full()
	for name, want := range map[string]string{
		"a_b.jpg.url": "[InternetShortcut]\r\nURL=https://i.example/a.jpg\r\n",
		"a_b.jpg.txt": "https://i.example/a.jpg\nhttp://127.0.0.1:8080/i/x/a.jpg\n",
		"a_b.jpg.md":  "![a\\_b.jpg](https://i.example/a.jpg)\n![a\\_b.jpg](http://127.0.0.1:8080/i/x/a.jpg)\n",
		"a_b.jpg.html": `<img src="https://i.example/a.jpg" alt="a_b.jpg">` + "\n" +
			`<img src="http://127.0.0.1:8080/i/x/a.jpg" alt="a_b.jpg">` + "\n",
		"a_b.jpg.bbcode": "[img]https://i.example/a.jpg[/img]\n[img]http://127.0.0.1:8080/i/x/a.jpg[/img]\n",
		"a_b.jpg.error.txt": `a_b.jpg

cms: not sent yet, after 3 tries.
  What happened: the host answered HTTP 503
  Next try: 2026-07-01T12:01:30Z

big: not sent; given up after 1 try.
  What happened: the picture is too large
  What to do: send a smaller one

Delete this file to try again now.
`,
		"a_b.jpg.json": `{"version":1,"path":"/in box/a_b.jpg","size":12,"sha256":"f2dac78a86a6ee93e2d4ad25c5a2f94fa7a5e1f4cee5ff0e13c2a3ab5b48b33d","modified":"2026-07-01T12:00:00Z","uploads":[` +
			`{"destination":"cms","state":"settling","reason":"backoff","url":"","viewer_url":"","thumbnail_url":"","id":"","album":"","category":"","attempts":3,"sent_at":null,"next_try":"2026-07-01T12:01:30Z","error":"the host answered HTTP 503"},` +
			`{"destination":"anh","state":"done","reason":"","url":"https://i.example/a.jpg","viewer_url":"https://example/v/a","thumbnail_url":"https://i.example/a.th.jpg","id":"Zf","album":"Gd","category":"","attempts":1,"sent_at":"2026-07-01T12:00:00Z","error":"","notes":["The host keeps it for a year."]},` +
			`{"destination":"home","state":"done","reason":"","url":"http://127.0.0.1:8080/i/x/a.jpg","viewer_url":"","thumbnail_url":"","id":"","album":"","category":"","attempts":1,"sent_at":"2026-07-01T12:00:00Z","error":""},` +
			`{"destination":"big","state":"failed","reason":"","url":"","viewer_url":"","thumbnail_url":"","id":"","album":"","category":"","attempts":1,"sent_at":null,"error":"the picture is too large","remedy":"send a smaller one"}],"previous":[` +
			`{"destination":"anh","state":"done","reason":"","url":"https://i.example/old.jpg","viewer_url":"","thumbnail_url":"","id":"","album":"","category":"","attempts":1,"sent_at":"2026-07-01T12:00:00Z","error":"","sha256":"00ff` + strings.Repeat("00", 30) + `"}]}` + "\n",
		"_links.md": "# in box\n\n" +
			"- [a\\_b.jpg](https://i.example/a.jpg) ([anh](https://example/v/a))\n" +
			"- [a\\_b.jpg](http://127.0.0.1:8080/i/x/a.jpg)\n",
		"_links.csv": "file,destination,url,viewer_url,thumbnail_url,size,sha256,sent_at\r\n" +
			"a_b.jpg,anh,https://i.example/a.jpg,https://example/v/a,https://i.example/a.th.jpg,12,SUM,2026-07-01T12:00:00Z\r\n" +
			"a_b.jpg,home,http://127.0.0.1:8080/i/x/a.jpg,,,12,SUM,2026-07-01T12:00:00Z\r\n",
		"_links.html": `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>in box</title>
<style></style>
</head>
<body>
<h1>in box</h1>
<main>
<figure><a href="https://i.example/a.jpg"><img src="https://i.example/a.th.jpg" alt="a_b.jpg" loading="lazy"></a><figcaption><b>a_b.jpg</b><p><a href="https://i.example/a.jpg">anh</a> · <a href="https://example/v/a">page</a><code>https://i.example/a.jpg</code></p><p><a href="http://127.0.0.1:8080/i/x/a.jpg">home</a><code>http://127.0.0.1:8080/i/x/a.jpg</code></p></figcaption></figure>
</main>
</body>
</html>
`,
	} {
		got := read(t, v, "/in box/"+name)
		got = style.ReplaceAllString(got, "<style></style>")
		got = strings.ReplaceAll(got, sum(inner, t, "/in box/a_b.jpg"), "SUM")
		want = strings.ReplaceAll(want, "f2dac78a86a6ee93e2d4ad25c5a2f94fa7a5e1f4cee5ff0e13c2a3ab5b48b33d", "SUM")
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestOtherThanPicturesAreLinked(t *testing.T) {
	v, inner, source := newView(all)
	source.of[inner.put(t, "/report.pdf")] = done("https://h/r(1)[2].pdf")
	for name, want := range map[string]string{
		"/report.pdf.md":     "[report.pdf](https://h/r%281%29%5B2%5D.pdf)\n",
		"/report.pdf.html":   "<a href=\"https://h/r(1)[2].pdf\">report.pdf</a>\n",
		"/report.pdf.bbcode": "[url]https://h/r(1)%5B2%5D.pdf[/url]\n",
	} {
		if got := read(t, v, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestErrorTextOfEachState(t *testing.T) {
	for _, test := range []struct {
		upload sidecar.Upload
		want   string
	}{
		{sidecar.Upload{State: "failed", Attempts: 20}, "not sent; given up after 20 tries."},
		{sidecar.Upload{State: "held", Reason: "no-album"}, "not sent; it waits until this is put right."},
		{sidecar.Upload{State: "ambiguous", Attempts: 1}, "it is not known whether the picture arrived."},
		{sidecar.Upload{State: "settling", Attempts: 1}, "not sent yet, after 1 try."},
		{sidecar.Upload{State: "settling"}, "not sent yet."},
		{sidecar.Upload{State: "done", Reason: "no-url"}, "sent, but its URL is not known."},
	} {
		opts := all
		opts.CanRetry = false
		v, inner, source := newView(opts)
		test.upload.Destination, test.upload.Trouble = "anh", true
		source.of[inner.put(t, "/a.jpg")] = sidecar.Receipt{Uploads: []sidecar.Upload{test.upload}}
		if got, want := read(t, v, "/a.jpg.error.txt"), "a.jpg\n\nanh: "+test.want+"\n"; got != want {
			t.Errorf("%s: %q, want %q", test.upload.State, got, want)
		}
		opts.CanRetry = true // by all of them
		v, inner, source = newView(opts)
		source.of[inner.put(t, "/a.jpg")] = sidecar.Receipt{Uploads: []sidecar.Upload{test.upload}}
		if got := read(t, v, "/a.jpg.error.txt"); !strings.HasSuffix(got, "\nDelete this file to try again now.\n") {
			t.Errorf("%s: %q", test.upload.State, got)
		}
	}
}
