package hosttest_test

import (
	"testing"

	"slipway/uploader/custom/hosttest"
	"slipway/uploader/uploadertest"
)

// TestFailNext: an upload by PUT fails on demand as one by POST does, and what is no
// upload passes.
func TestFailNext(t *testing.T) {
	dav := start(t, hosttest.WebDAV(hosttest.Config{Folders: []string{"pictures"}}))
	lsky := start(t, hosttest.Lsky(hosttest.Config{}))
	for _, h := range []*host{dav, lsky} {
		h.FailNext(uploadertest.HTML502, uploadertest.TooMany)
	}
	if a := dav.do(dav.request("GET", "/public/pictures/a.jpg", nil)); a.status != 404 {
		t.Errorf("a GET: %d", a.status)
	}
	for _, want := range []int{502, 429, 201} {
		if a := dav.do(dav.request("PUT", "/dav/pictures/a.jpg", jpeg("1"))); a.status != want {
			t.Errorf("PUT: %d, want %d", a.status, want)
		}
	}
	for _, want := range []int{502, 429, 200} {
		if a := lsky.upload("/api/v1/upload", "file", "a.jpg", jpeg("1")); a.status != want {
			t.Errorf("POST: %d, want %d", a.status, want)
		}
	}
	if len(dav.Requests()) != 3 || len(lsky.Requests()) != 3 || dav.Count() != 1 || lsky.Count() != 1 {
		t.Errorf("%d and %d uploads, %d and %d pictures", len(dav.Requests()), len(lsky.Requests()), dav.Count(), lsky.Count())
	}
}
