package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSequences sends the requests that WebDAV clients were seen to send, in their
// order, to a whole gateway, and looks that every sequence ends with one upload of
// the right bytes under the right name, and with none of anything else. Each runs
// three times: as it is, with every reply to a PUT of bytes lost, and with every
// such PUT cut in its middle; the client then repeats it.
//
// testdata/sequences has a file for each family of clients; its README says how
// they are written. All run in one gateway, each in a folder of its own.
func TestSequences(t *testing.T) {
	files, err := filepath.Glob("testdata/sequences/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sequences: %v", err)
	}
	g := startIngest(t, 50*time.Millisecond, nil)
	var runs []*sequenceRun
	for _, file := range files {
		for _, s := range readSequences(t, file) {
			runs = append(runs, s.runs(g, len(runs))...)
		}
	}
	t.Run("send", func(t *testing.T) {
		for _, r := range runs {
			t.Run(r.run, func(t *testing.T) {
				t.Parallel()
				r.send(t)
				r.sent = !t.Failed()
			})
		}
	})
	g.Settle(t)
	runs = slices.DeleteFunc(runs, func(r *sequenceRun) bool { return !r.sent }) // failed, or left out by -run
	requests := 0
	for _, r := range runs {
		t.Run("arrived/"+r.run, r.arrived)
		requests += len(r.host)
	}
	if got := len(g.site.Requests()) - g.site.Probes(); got != requests && !t.Failed() {
		t.Errorf("the host got %d requests with a file, want %d", got, requests)
	}
}

// fault is what happens to each PUT of bytes before it succeeds.
type fault string

const (
	noFault   fault = "plain"
	lostReply fault = "lost reply" // all of it arrives, and the client does not wait for the reply
	cutInBody fault = "cut"        // the connection ends in the middle of the body
)

// runs returns how a sequence is run.
func (s *sequence) runs(g *ingestGateway, n int) (all []*sequenceRun) {
	faults := []fault{noFault}
	if slices.ContainsFunc(s.steps, step.carriesBytes) {
		faults = append(faults, lostReply, cutInBody)
	}
	for i, f := range faults {
		all = append(all, &sequenceRun{sequence: s, fault: f, landing: landing{
			run: s.family + "/" + s.name + "/" + string(f), g: g,
			dir:    fmt.Sprintf("/in/%s-%d", s.family, n+i),
			vars:   map[string]string{},
			bodies: s.texts,
		}})
	}
	return all
}

// sequenceRun is one sequence in one folder, with or without faults.
type sequenceRun struct {
	*sequence
	landing
	fault fault
	sent  bool // all requests were answered as they should
	http  *http.Client
}

// send makes the requests.
func (r *sequenceRun) send(t *testing.T) {
	r.begin(t)
	base := "http://" + r.g.app.address("web")
	transport := &http.Transport{ExpectContinueTimeout: patience, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	r.http = &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	r.vars["url"], r.vars["host"] = base, strings.TrimPrefix(base, "http://")
	r.vars["dir"] = davPrefix + r.dir
	for _, s := range r.steps {
		if s.request() {
			r.request(s)
			continue
		}
		r.verb(s.method, s.args)
	}
}
