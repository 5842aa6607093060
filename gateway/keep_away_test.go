package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	fetching "slipway/gateway/fetch"
	"slipway/uploader"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/vfs"
	"slipway/vfs/elsewhere"
)

// fails answers requests with a status and headers, a name and a value each.
func fails(status int, headers ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		return true
	}
}

// hangsUp answers with a part of size bytes.
func hangsUp(size int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		w.WriteHeader(http.StatusOK)
		w.Write(make([]byte, size/2)) //nolint:errcheck // it is cut
		panic(http.ErrAbortHandler)
	}
}

// readers returns how every door answers who wants the bytes of a file.
func (k *keeper) readers(name string, page *pageClient, ftp *ftpClient) map[string]string {
	k.Helper()
	answers := make(map[string]string)
	door := func(door string, status int, h http.Header, body []byte) {
		answers[door] = fmt.Sprintf("%d %s %s", status, h.Get("Retry-After"), body)
	}
	status, body, h := k.get(name)
	door("WebDAV", status, h, body)
	status, body, h = k.get(name, "Range", "bytes=5-9")
	door("WebDAV, a range", status, h, body)
	root := "http://" + k.address("web")
	entry := fmt.Sprint(k.entry(name).ID)
	for way, address := range map[string]string{"page": page.address("/raw", name), "API": root + "/api/v1/content" + name,
		"page, small": root + "/thumbnail/" + entry, "API, small": root + "/api/v1/thumbnails/" + entry} {
		r, err := http.NewRequestWithContext(k.Context(), http.MethodGet, address, nil)
		if err != nil {
			k.Fatal(err)
		}
		client := page.http
		if strings.HasPrefix(way, "API") {
			client = k.dav.http
			r.SetBasicAuth(ingestUser, ingestPassword)
		}
		resp, err := client.Do(r)
		if err != nil {
			k.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			k.Fatal(err)
		}
		door(way, resp.StatusCode, resp.Header, body)
	}
	data, err := ftp.Get(name)
	answers["FTP"] = fmt.Sprint(string(data), err)
	return answers
}

// TestKeepHostAway: while a host is away, whoever reads what only it has is asked to
// come again, by every door and in words, and nothing else is in his way; what the host
// has lost is said to be lost; and when it is back all is as before.
func TestKeepHostAway(t *testing.T) {
	k := startKeeper(t, keepRoute+"[storage]\nkeep = \"until-sent\"")
	data := picture(150_000, 1)
	e := k.put("/in/a.jpg", data)
	if n := k.pass(); n != 1 || k.here(e) {
		t.Fatalf("%d files went", n)
	}
	page := newPageClient(t, "http://"+k.address("web"), ingestUser, ingestPassword)
	ftp := dialFTP(t, k.address("ftp"), ingestUser, ingestPassword)
	tag := `"` + e.SHA256.String() + `"`
	if _, _, h := k.request(http.MethodHead, "/in/a.jpg"); h.Get("Etag") != "" {
		tag = h.Get("Etag")
	}
	for name, tt := range map[string]struct {
		front  func(http.ResponseWriter, *http.Request) bool
		after  string // "": it is lost
		reason string
	}{
		"502":         {fails(502), "30", "answered 502 Bad Gateway"},
		"503":         {fails(503, "Retry-After", "7"), "7", "answered 503"},
		"429":         {fails(429, "Retry-After", "100000"), "3600", "answered 429"},
		"cut":         {hangsUp(len(data)), "30", "sent a part of it only"},
		"not there":   {fails(404), "", "not at 127.0.0.1 any more (404)"},
		"other bytes": {func(w http.ResponseWriter, _ *http.Request) bool { w.Write(picture(len(data), 2)); return true }, "", "gives other bytes"},
	} {
		k.behind(tt.front)
		k.away(name, "/in/a.jpg", tag, tt.after, tt.reason, page, ftp)
	}
	k.behind(nil)
	if status, body, _ := k.get("/in/a.jpg", "Range", "bytes=5-9"); status != 206 || !bytes.Equal(body, data[5:10]) {
		t.Errorf("afterwards: %d, %d bytes", status, len(body))
	}
	if got, err := ftp.Get("/in/a.jpg"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("afterwards over FTP: %d bytes, error %v", len(got), err)
	}
	k.behind(nil)
	k.host.CloseClientConnections()
	k.host.Close()
	k.away("refused", "/in/a.jpg", tag, "30", "it cannot be reached: connection refused", page, ftp)
	if strings.Contains(k.log.String(), "level=ERROR") {
		t.Errorf("it was logged as trouble of the gateway: %s", k.log.String())
	}
}

// away looks at a file whose bytes cannot be read: after is of Retry-After, "" where they
// are lost.
func (k *keeper) away(how, name, tag, after, reason string, page *pageClient, ftp *ftpClient) {
	k.Helper()
	web, code := "503 "+after+" ", "450 "
	if after == "" {
		web, code = "403  ", "553 "
	}
	for door, answer := range k.readers(name, page, ftp) {
		want := web
		if door == "FTP" {
			want = code
		}
		if !strings.Contains(answer, want) || !strings.Contains(answer, reason) || strings.Contains(answer, "dial tcp") {
			k.Errorf("%s, %s: %q; want %q and %q", how, door, answer, want, reason)
		}
	}
	asked := k.requests()
	for want, request := range map[int][]string{
		200: {http.MethodHead, name}, 206: {http.MethodHead, name, "Range", "bytes=5-9"}, 304: {http.MethodGet, name, "If-None-Match", tag},
		207: {"PROPFIND", "/in", "Depth", "1"},
	} {
		if status, _, _ := k.request(request[0], request[1], request[2:]...); status != want {
			k.Errorf("%s: %v is answered %d", how, request, status)
		}
	}
	if _, _, err := ftp.do(213, "SIZE %s", name); err != nil {
		k.Errorf("%s: %v", how, err)
	}
	for _, r := range [][]string{{http.MethodHead, page.address("/raw", name)}, {http.MethodHead, page.root + "/api/v1/content" + name},
		{http.MethodGet, page.root + "/api/v1/content" + name, tag}, {http.MethodGet, page.address("/raw", name), tag}} {
		request, err := http.NewRequestWithContext(k.Context(), r[0], r[1], nil)
		if err != nil {
			k.Fatal(err)
		}
		want := http.StatusOK
		if len(r) > 2 {
			want = http.StatusNotModified
			request.Header.Set("If-None-Match", r[2])
		}
		resp, err := page.http.Do(request)
		if err != nil {
			k.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != want {
			k.Errorf("%s: %s %s is answered %d", how, r[0], r[1], resp.StatusCode)
		}
	}
	if n := k.requests() - asked; n != 0 {
		k.Errorf("%s: the host was asked %d times for a look", how, n)
	}
}

// TestKeepHostAwayUpload: an upload that needs bytes of a host that is away waits for
// them, says so and is sent when it is back; where the host has lost them it is held.
func TestKeepHostAwayUpload(t *testing.T) {
	second := cheveretotest.New(cheveretotest.Config{Key: "right-key-1", RandomNames: true})
	server := httptest.NewServer(second)
	t.Cleanup(func() { second.Close(); server.CloseClientConnections(); server.Close() })
	k := startKeeper(t, keepRoute+fmt.Sprintf(`
[destination.second]
driver = "chevereto"
url = %q
key = "right-key-1"
per_minute = 0
per_hour = 0
per_day = 0
[[route]]
path = "/second/{rest...}"
to = ["second"]
[storage]
keep = "until-sent"
`, server.URL))
	e := k.put("/in/a.jpg", picture(150_000, 1))
	if n := k.pass(); n != 1 || k.here(e) {
		t.Fatalf("%d files went", n)
	}
	k.behind(fails(502))
	if _, err := k.dav.do("COPY", "/in/a.jpg", nil, "Destination", k.dav.address("/second/a.jpg")); err != nil {
		t.Fatal(err)
	}
	copied := k.entry("/second/a.jpg")
	u := k.until(copied, func(u uploader.Upload) bool { return u.State != uploader.Sending && u.Error != "" })
	if u.State != uploader.Settling || u.Reason != uploader.ReasonBackoff || u.Tries != 0 || !u.Due.After(u.Changed) ||
		!strings.Contains(u.Error, "answered 502") || !strings.Contains(u.Remedy, "Try again later") {
		t.Errorf("while the host is away: %+v", u)
	}
	k.behind(fails(404))
	again := func() {
		t.Helper()
		if err := k.ledger.Retry(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
	}
	again()
	u = k.until(copied, func(u uploader.Upload) bool { return u.State == uploader.Held })
	if u.Reason != uploader.ReasonAway || !strings.Contains(u.Error, "not at 127.0.0.1 any more") {
		t.Errorf("where it is lost: %+v", u)
	}
	k.behind(nil)
	again()
	k.until(copied, func(u uploader.Upload) bool { return u.State == uploader.Done })
	if n := len(second.Stored()); n != 1 {
		t.Errorf("%d pictures were sent", n)
	}
}

// until waits until the upload of an entry is as is says.
func (k *keeper) until(e vfs.Entry, is func(uploader.Upload) bool) uploader.Upload {
	k.Helper()
	changed, cancel := k.ledger.Watch()
	defer cancel()
	ctx, stop := context.WithTimeout(k.Context(), patience)
	defer stop()
	for {
		all, err := k.ledger.Entry(ctx, e.ID)
		if err != nil {
			k.Fatal(err)
		}
		if len(all) == 1 && is(all[0]) {
			return all[0]
		}
		select {
		case <-changed:
		case <-ctx.Done():
			k.Fatalf("it did not come to be so: %+v", all)
		}
	}
}

// names finds addresses as it is told, one answer after the other, the last for ever.
type lookups []any

func (n *lookups) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	answer := (*n)[0]
	if len(*n) > 1 {
		*n = (*n)[1:]
	}
	if err, ok := answer.(error); ok {
		return nil, err
	}
	return []netip.Addr{answer.(netip.Addr)}, nil
}

// TestKeepHostNames: that a name cannot be found out passes, also where it is said not to
// be there, and where the host's own address could not be told from a neighbour's for it;
// that another's name leads into the own network lasts.
func TestKeepHostNames(t *testing.T) {
	a, _ := testApp(t, `
[web]
listen = ""
[ftp]
listen = ""
[[user]]
name = "demo"
password = "env:PASSWORD"
[destination.host]
driver = "chevereto"
url = "http://host.example:8080"
key = "right-key-1"
[[route]]
path = "/in/{rest...}"
to = ["host"]
`, map[string]string{"PASSWORD": ingestPassword})
	gone := &net.DNSError{Err: "no such host", Name: "host.example", IsNotFound: true}
	busy := &net.DNSError{Err: "server misbehaving", Name: "host.example", IsTemporary: true}
	near := netip.MustParseAddr("10.9.8.7")
	for name, tt := range map[string]struct {
		names   lookups
		url     string
		passing bool
		want    string
	}{
		"none of that name":   {lookups{gone}, "http://host.example:8080/a.jpg", true, "there is no site called host.example"},
		"no answer":           {lookups{busy}, "http://host.example:8080/a.jpg", true, "the address of host.example could not be found out"},
		"own, at second":      {lookups{busy, near}, "http://host.example:8080/a.jpg", true, "server misbehaving"},
		"another's":           {lookups{near}, "http://10.1.2.3/a.jpg", false, "private network"},
		"another's, no names": {lookups{busy}, "http://files.example/a.jpg", true, "files.example"},
	} {
		a.keeping.resolver = fetching.Resolver(&tt.names)
		err := elsewhere.Compare(t.Context(), a.remote("host.example:8080", tt.url, 100), [32]byte{}, 100)
		var away *vfs.AwayError
		if !errors.As(err, &away) || away.Passing != tt.passing || !strings.Contains(away.Text, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
