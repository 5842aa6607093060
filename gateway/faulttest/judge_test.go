package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway/gateway/crashtest/programtest"
)

// receipt is a picture's .json.
type receipt struct {
	SHA256  string
	Uploads []struct {
		State, Reason, URL, Error string
		Attempts                  int
		NextTry                   string `json:"next_try"`
		Notes                     []string
	}
}

func (c *trial) path(name string) string { return "/" + c.id + "/" + name }

func (c *trial) put(name string, p programtest.Picture) {
	if err := c.table.dav.PutBytes(context.Background(), c.path(name), p.Bytes()); err != nil {
		c.table.t.Fatalf("%s: %v\n%s", c.path(name), err, c.table.log.Tail(2000))
	}
}

// get returns a file, "" where there is none.
func (c *trial) get(t *testing.T, name string) string {
	t.Helper()
	b, err := c.table.dav.Get(context.Background(), c.path(name))
	var refused *programtest.StatusError
	if errors.As(err, &refused) && refused.Code == http.StatusNotFound {
		return ""
	}
	if err != nil {
		t.Fatalf("%s: %v", c.path(name), err)
	}
	c.table.innocent(c.path(name), string(b[:min(len(b), 64<<10)]))
	return string(b)
}

// read returns a picture's receipt and how its upload stands, "state/reason".
func (c *trial) read(t *testing.T, name string) (r receipt, stands string) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.get(t, name+".json")), &r); err != nil {
		t.Fatalf("%s: %v", c.path(name+".json"), err)
	}
	if len(r.Uploads) != 1 {
		t.Fatalf("%s has %d uploads", c.path(name), len(r.Uploads))
	}
	return r, strings.TrimSuffix(r.Uploads[0].State+"/"+r.Uploads[0].Reason, "/")
}

// waitFor waits until a picture's upload stands as state says.
func (c *trial) waitFor(t *testing.T, name, state string) receipt {
	t.Helper()
	for ; ; time.Sleep(20 * time.Millisecond) {
		r, stands := c.read(t, name)
		if stands == state {
			return r
		}
		if time.Now().After(c.table.until) {
			t.Fatalf("%s is %s, want %s; it says %q", c.path(name), stands, state, r.Uploads[0].Error)
		}
	}
}

// resolveTime is somewhat less than the time after which lost replies are looked
// into.
const resolveTime = 8 * time.Second

// troubled judges a trial while its fault lasts.
func (c *trial) troubled(t *testing.T) {
	r := c.waitFor(t, "first.jpg", c.want.state)
	text := c.errorText(t)
	// What an ambiguous upload was first told is overwritten when it is looked into.
	if c.want.state == ambiguous && time.Since(c.table.begun) > resolveTime {
		return
	}
	for _, says := range append(c.want.more, c.want.says) {
		if !strings.Contains(r.Uploads[0].Error, says) {
			t.Errorf("the receipt says %q, want %q", r.Uploads[0].Error, says)
		}
		if !strings.Contains(text, says) {
			t.Errorf("the .error.txt does not say %q:\n%s", says, text)
		}
	}
	if !strings.Contains(text, "What to do") && !strings.Contains(text, "Next try") {
		t.Errorf("the .error.txt says neither what to do nor when it is tried again:\n%s", text)
	}
	if c.get(t, "first.jpg.url") != "" {
		t.Error("there is a .url already")
	}
	if n := c.proxy.Bodies(); c.want.state != backoff && n > 1 {
		t.Errorf("%d requests were made while it was %s", n, c.want.state)
	}
	c.intact(t)
}

// errorText returns the .error.txt, which is away while a try is under way.
func (c *trial) errorText(t *testing.T) string {
	t.Helper()
	for ; ; time.Sleep(20 * time.Millisecond) {
		if text := c.get(t, "first.jpg.error.txt"); text != "" || time.Now().After(c.table.until) {
			return text
		}
	}
}

// intact compares the file with what was put.
func (c *trial) intact(t *testing.T) {
	t.Helper()
	got, err := c.table.dav.Get(context.Background(), c.path("first.jpg"))
	if err != nil || !bytes.Equal(got, c.first.Bytes()) {
		t.Errorf("the file is not there whole: %d bytes, %v", len(got), err)
	}
}

// ended judges a trial once its fault is gone and time has passed.
func (c *trial) ended(t *testing.T) {
	end, copies := c.want.end, max(c.want.copies, 1)
	if end == "" {
		end = done
	}
	r := c.waitFor(t, "first.jpg", end)
	c.waitFor(t, "second.jpg", done)
	c.intact(t)
	c.outcome(t, r, end)
	total, first := c.pictures()
	if first != 1 || total != copies+1 {
		t.Errorf("the host has %d pictures, %d of them with the very bytes of the first file; want %d and 1", total, first, copies+1)
	}
	for _, name := range []string{"_links.html", "_links.md", "_links.csv"} {
		c.get(t, name) // for secrets
	}
}

// asked judges a trial that ended without a URL after a person has removed the .error.txt:
// it ends as it did while the host has the picture, and with a URL once it was deleted there.
func (c *trial) asked(t *testing.T) {
	if c.want.end != noURL {
		return
	}
	ctx, before := context.Background(), c.proxy.Bodies()
	again := func(end string) receipt {
		t.Helper()
		if err := c.table.dav.Delete(ctx, c.path("first.jpg.error.txt")); err != nil {
			t.Fatal(err)
		}
		c.waitFor(t, "first.jpg", "settling/quiet")
		return c.waitFor(t, "first.jpg", end)
	}
	c.outcome(t, again(noURL), noURL)
	c.deleteThere(t)
	c.outcome(t, again(done), done)
	if total, first := c.pictures(); first != 1 || total != 2 || c.proxy.Bodies() != before+2 {
		t.Errorf("%d pictures, %d of the first file, after %d requests; want 2, 1 and 2", total, first, c.proxy.Bodies()-before)
	}
	c.intact(t)
}

// deleteThere deletes the first picture at the host, as a person does on its site.
func (c *trial) deleteThere(t *testing.T) {
	t.Helper()
	for _, p := range c.chev.Stored() {
		if p.SHA256 != c.first.SHA256 {
			continue
		}
		resp, err := http.Post(c.site.URL+"/image/"+p.ID+"/delete/"+p.DeleteHash, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if _, first := c.pictures(); first != 0 {
		t.Fatal("the host has it still")
	}
}

// outcome judges the receipts of an upload that has ended.
func (c *trial) outcome(t *testing.T, r receipt, end string) {
	t.Helper()
	u, shortcut, text := r.Uploads[0], c.get(t, "first.jpg.url"), c.get(t, "first.jpg.error.txt")
	switch end {
	case done:
		if u.URL == "" || !strings.Contains(shortcut, "URL="+u.URL+"\r\n") {
			t.Errorf("the URL is %q, and the .url says %q", u.URL, shortcut)
		}
		if c.chev != nil && c.want.copies == 0 {
			c.fetch(t, u.URL)
		}
	case noURL:
		if u.URL != "" || shortcut != "" || !strings.Contains(strings.Join(u.Notes, " "), "address was lost") {
			t.Errorf("URL %q, .url %q, notes %q: want none, and a word about it", u.URL, shortcut, u.Notes)
		}
		if !strings.Contains(text, "its URL is not known") || !strings.Contains(text, "What to do") || !strings.Contains(text, "Delete this file to try again") {
			t.Errorf("the .error.txt says %q", text)
		}
		return
	case heldReply:
		if !strings.Contains(text, "What to do") {
			t.Errorf("the .error.txt says %q", text)
		}
		return
	}
	if text != "" {
		t.Errorf("there still is an .error.txt:\n%s", text)
	}
}

// fetch compares what the host serves.
func (c *trial) fetch(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(b, c.first.Bytes()) {
		t.Errorf("%s serves %d other bytes: %v", url, len(b), err)
	}
}

// pictures returns how many the host has, and how many with the first file's bytes.
func (c *trial) pictures() (total, first int) {
	if c.chev != nil {
		for _, p := range c.chev.Stored() {
			total++
			if p.SHA256 == c.first.SHA256 {
				first++
			}
		}
		return total, first
	}
	for _, f := range c.cms.Stored() {
		total++
		if f.MD5 == c.first.MD5 {
			first++
		}
	}
	return total, first
}
