package chevereto

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"slipway/uploader"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/form"
	"slipway/uploader/uploadertest"
)

// unlinked is the hash of a delete link that no error may show.
const unlinked = "8721050c4d9a1cd77b739b0426b8499b3b42bfc584c1e611"

// deleting returns a driver whose site answers deletions with answer.
func deleting(t *testing.T, answer http.HandlerFunc) (d *Driver, link string) {
	site := httptest.NewServer(answer)
	t.Cleanup(site.Close)
	client := form.NewClient("test")
	t.Cleanup(client.HTTP.CloseIdleConnections)
	d, err := New(Config{URL: site.URL, Key: testKey}, client)
	if err != nil {
		t.Fatal(err)
	}
	return d, site.URL + "/image/evw/delete/" + unlinked
}

// secretFree asserts that an error shows neither the link nor the key.
func secretFree(t *testing.T, err error) *uploader.Error {
	t.Helper()
	e := uploader.AsError(err)
	for _, shown := range []string{e.Error(), e.Message, e.Remedy, e.Code} {
		if strings.Contains(shown, unlinked) || strings.Contains(shown, testKey) {
			t.Errorf("it shows a secret: %s", shown)
		}
	}
	return e
}

func TestDeleteRequest(t *testing.T) {
	var got *http.Request
	d, link := deleting(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.Header().Set("Location", "/image/evw?deleted")
		w.WriteHeader(http.StatusMovedPermanently)
	})
	if err := d.Delete(t.Context(), uploader.Result{DeleteURL: link + "#top"}); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPost || got.URL.Path != "/image/evw/delete/"+unlinked || got.ContentLength != 0 {
		t.Errorf("%s %s, %d bytes", got.Method, got.URL, got.ContentLength)
	}
	if got.Header.Get("X-Api-Key") != "" || got.Header.Get("Cookie") != "" {
		t.Errorf("the key went along: %v", got.Header)
	}
}

// TestDeleteAnswers: only 301 to "…?deleted" and 404 say that the picture is gone.
func TestDeleteAnswers(t *testing.T) {
	self := "/image/evw/delete/" + unlinked
	for _, test := range []struct {
		status         int
		location, body string
		gone           bool
		kind           uploader.Kind
	}{
		{301, "/image/evw?deleted", "", true, 0},
		{302, "/image/evw/?lang=de&deleted=1", "", true, 0},
		{404, "", "<html>", true, 0},
		{410, "", "", true, 0},
		{301, self, "", false, uploader.Refused}, // to https, or a slash
		{301, self + "/?deleted", "", false, uploader.Refused},
		{301, "https://elsewhere.example/image/evw?deleted", "", false, uploader.Refused},
		{302, "/login", "", false, uploader.Refused},
		{301, "", "", false, uploader.Refused},
		{200, "", "<html>maintenance " + unlinked, false, uploader.Refused},
		{200, "", "", false, uploader.Refused},
		{204, "", "", false, uploader.Temporary},
		{403, "", "<html>" + unlinked, false, uploader.Temporary},
		{403, "", "", false, uploader.RetryAfter},
		{405, "", "<html>", false, uploader.Temporary},
		{429, "", "<html>", false, uploader.RetryAfter},
		{500, "", "<html>" + unlinked, false, uploader.Unusual},
		{502, "", "<html>", false, uploader.Unusual},
	} {
		d, link := deleting(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("X-Echo", link0)
			if test.location != "" {
				w.Header().Set("Location", test.location)
			}
			w.WriteHeader(test.status)
			w.Write([]byte(test.body))
		})
		err := d.Delete(t.Context(), uploader.Result{DeleteURL: link})
		if gone := err == nil; gone != test.gone {
			t.Errorf("%d %s %q: gone %v, %v", test.status, test.location, test.body, gone, err)
			continue
		}
		if err != nil {
			if e := secretFree(t, err); e.Kind != test.kind || e.Message == "" {
				t.Errorf("%d %s: %v %v", test.status, test.location, e.Kind, err)
			}
		}
	}
}

const link0 = "https://pics.example/image/evw/delete/" + unlinked

// TestDeleteElsewhere: a link that a hostile reply might hold is not opened.
func TestDeleteElsewhere(t *testing.T) {
	var opened atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { opened.Add(1) }))
	defer other.Close()
	d, link := deleting(t, func(http.ResponseWriter, *http.Request) { opened.Add(1) })
	host := strings.TrimPrefix(strings.Split(link, "/image")[0], "http://")
	for _, url := range []string{
		"", " ", "evw", "/image/evw/delete/" + unlinked, other.URL + "/image/evw/delete/" + unlinked, "ftp://" + host + "/delete/" + unlinked,
		"file:///etc/" + unlinked, "http://user:" + unlinked + "@" + host + "/x", "http://" + host, "http://" + host + "/", "http://%zz/" + unlinked,
		"javascript:alert(1)//" + unlinked, "http://" + host + ".evil.example/" + unlinked, "http:" + host + "/" + unlinked,
	} {
		err := d.Delete(t.Context(), uploader.Result{DeleteURL: url})
		if e := secretFree(t, err); err == nil || e.Kind != uploader.Permanent || e.Message == "" || e.Remedy == "" {
			t.Errorf("%q: %v", url, err)
		}
	}
	if n := opened.Load(); n != 0 {
		t.Errorf("%d links were opened", n)
	}
}

// TestDeleteSecurely: a site that has https is not spoken to without it.
func TestDeleteSecurely(t *testing.T) {
	d, err := New(Config{URL: "https://pics.example", Key: testKey}, form.NewClient("test"))
	if err != nil {
		t.Fatal(err)
	}
	link, err := d.deleteLink("http://PICS.example./image/evw/delete/" + unlinked)
	if err != nil || link.Scheme != "https" {
		t.Errorf("%v, %v", link, err)
	}
}

// TestDeleteUnreachable: what a transport says of an address does not hold the link.
func TestDeleteUnreachable(t *testing.T) {
	d, link := deleting(t, nil)
	d.client.HTTP = &http.Client{Transport: broken{}}
	secretFree(t, d.Delete(t.Context(), uploader.Result{DeleteURL: link}))
}

type broken struct{}

func (broken) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, errors.New("malformed HTTP at " + r.URL.String())
}

// TestDeleteMaintenance: the site's own maintenance keeps the picture and the link.
func TestDeleteMaintenance(t *testing.T) {
	s := cheveretotest.New(cheveretotest.Config{Key: testKey})
	defer s.Close()
	uploads, _ := deleting(t, s.ServeHTTP)
	r, err := uploads.Send(t.Context(), picture("a.jpg", "image/jpeg", []byte("\xff\xd8\xff\xe0"+strings.Repeat("x", 200)+"\xff\xd9")))
	if err != nil {
		t.Fatal(err)
	}
	s.Configure(func(c *cheveretotest.Config) { c.Maintenance = true })
	if err := uploads.Delete(t.Context(), r); err == nil || s.Count() != 1 {
		t.Errorf("in maintenance: %v, %d pictures", err, s.Count())
	}
	s.Configure(func(c *cheveretotest.Config) { c.Maintenance = false })
	s.FailNextSmall(uploadertest.LoseReply)
	if err := uploads.Delete(t.Context(), r); err == nil || s.Count() != 0 {
		t.Errorf("lost: %v, %d pictures", err, s.Count())
	}
	if err := uploads.Delete(t.Context(), r); err != nil {
		t.Errorf("once more: %v", err)
	}
	if got := strings.Join(s.Deletions(), " "); got != "POST POST POST" {
		t.Errorf("%s: a link was opened by itself", got)
	}
}
