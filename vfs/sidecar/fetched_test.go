package sidecar_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"slipway/vfs/sidecar"
)

func TestLinksOfFile(t *testing.T) {
	v, f, r := newView(sidecar.Options{File: []string{"json", "url"}, CanRetry: true})
	id := f.put(t, "/a.txt")
	r.of[id] = sidecar.Receipt{Changed: noon, Links: []sidecar.Link{
		{URL: "https://e.example/1.jpg", State: "done", Picture: "1.jpg"},
		{URL: "https://e.example/2.jpg", State: "failed", Error: "it is gone", Remedy: "Look\nfor it.", Tries: 3},
		{URL: "https://e.example/3.jpg", State: "settling", Error: "no answer", NextTry: noon.Add(time.Minute)},
		{URL: "https://e.example/4.jpg", State: "skipped", Error: "it is ours"},
		{State: "settling"},
	}}
	if got := strings.Join(names(t, v, "/"), " "); got != "a.txt a.txt.error.txt a.txt.json" {
		t.Fatal(got)
	}
	want := `a.txt

https://e.example/2.jpg: not fetched; given up after 3 tries.
  What happened: it is gone
  What to do: Look` + "\ufffd" + `for it.

https://e.example/3.jpg: not fetched yet.
  What happened: no answer
  Next try: 2026-07-01T12:01:00Z

Delete this file to try again now.
`
	if got := read(t, v, "/a.txt.error.txt"); got != want {
		t.Errorf("%s", got)
	}
	var receipt struct {
		Uploads []any
		Links   []struct {
			URL, State, Picture, Error, Remedy string
			NextTry                            time.Time `json:"next_try"`
		}
	}
	if err := json.Unmarshal([]byte(read(t, v, "/a.txt.json")), &receipt); err != nil || len(receipt.Uploads) != 0 || len(receipt.Links) != 5 {
		t.Fatalf("%+v %v", receipt, err)
	}
	if l := receipt.Links; l[0].Picture != "1.jpg" || l[1].Error != "it is gone" || l[1].Remedy != "Look\nfor it." || !l[2].NextTry.Equal(noon.Add(time.Minute)) || l[3].State != "skipped" {
		t.Errorf("%+v", l)
	}
	if err := v.Remove("/a.txt.error.txt"); err != nil || len(r.retried) != 1 {
		t.Error(err, r.retried)
	}
	r.of[id] = sidecar.Receipt{Changed: noon, Links: []sidecar.Link{{State: "failed", Error: "it is no link"}}}
	if got := read(t, v, "/a.txt.error.txt"); !strings.Contains(got, "The links in it: not fetched.\n  What happened: it is no link\n") {
		t.Error(got)
	}
}
