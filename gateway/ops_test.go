package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"slipway/gateway/metrics"
	"slipway/vfs"
)

// metric waits until the metrics of s have a line, and fails if they do not come to.
func (s davSite) metric(line string) {
	s.Helper()
	text := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if text = s.want(200, "", "GET", "/metrics", "").body; strings.Contains(text, "\n"+line+"\n") {
			return
		}
	}
	s.Errorf("no %s in\n%s", line, grep(text, strings.SplitN(line, "{", 2)[0]))
}

// grep returns the lines of text that have a word.
func grep(text, word string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestMetrics: what comes in and goes out is counted, and how things stand is shown.
func TestMetrics(t *testing.T) {
	s := newSite(t)
	body := pictureOf("a")
	s.want(201, "full", "PUT", "/dav/inbox/a.gif", body)
	s.done("/dav/inbox/a.gif")
	s.want(403, "full", "PUT", "/dav/elsewhere.gif", body)
	s.metric(`slipway_transfers_total{door="webdav",result="stored"} 1`)
	s.metric(`slipway_outcomes_total{destination="home",kind="done"} 1`)
	s.metric(`slipway_commit_to_sent_seconds_count{destination="home"} 1`)
	s.metric(`slipway_request_duration_seconds_count{destination="home"} 1`)
	s.metric(`slipway_uploads{destination="home",state="done"} 1`)
	s.metric(`slipway_uploads{destination="home",state="failed"} 0`)
	s.metric(`slipway_destination_paused{destination="home",reason="by-hand"} 0`)
	s.metric(`slipway_partials 0`)
	s.metric(`slipway_blobs 1`)
	s.metric(`slipway_ready{check="database"} 1`)
	text := s.want(200, "", "GET", "/metrics", "").body
	if !strings.Contains(text, `version="test"`) || strings.Contains(text, "a.gif") || strings.Contains(text, "full") {
		t.Error(grep(text, "slipway_"))
	}
}

// TestWhoReadsMetrics: without a word from the configuration, programs on this
// machine that are no proxy.
func TestWhoReadsMetrics(t *testing.T) {
	s := newSite(t)
	for _, field := range []string{"X-Forwarded-For: 192.0.2.7", "X-Real-IP: 192.0.2.7", "Forwarded: for=192.0.2.7"} {
		s.want(403, "", "GET", "/metrics", "", field)
		s.want(403, "full", "GET", "/metrics", "", field)
	}
	s.want(200, "", "HEAD", "/metrics", "")
	s.want(405, "", "POST", "/metrics", "")

	elsewhere := []string{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https"}
	a, _ := testApp(t, strings.Replace(webOnly, "[ftp]", "metrics_token = \"env:TOKEN\"\n[ftp]", 1), map[string]string{"PASSWORD": "correct-horse", "TOKEN": "abc"})
	s = davSite{t, "http://" + a.address("web")}
	s.want(200, "", "GET", "/metrics", "", append(elsewhere, "Authorization: Bearer abc")...)
	s.want(401, "", "GET", "/metrics", "", append(elsewhere, "Authorization: Bearer abd")...)
	s.want(401, "", "GET", "/metrics", "", "Authorization: Bearer ")
	s.want(403, "", "GET", "/metrics", "", append(elsewhere[:1:1], "Authorization: Bearer abc")...) // unencrypted
	s.want(403, "", "GET", "/metrics", "", elsewhere...)

	a, _ = testApp(t, strings.Replace(webOnly, "[ftp]", "metrics = \"users\"\n[ftp]", 1), map[string]string{"PASSWORD": "correct-horse"})
	s = davSite{t, "http://" + a.address("web")}
	s.want(200, "full", "GET", "/metrics", "")
	s.want(403, "read", "GET", "/metrics", "")
	s.want(403, "drop", "GET", "/metrics", "")
	s.want(401, "", "GET", "/metrics", "")

	a, _ = testApp(t, strings.Replace(webOnly, "[ftp]", "metrics = \"off\"\nmetrics_token = \"env:TOKEN\"\n[ftp]", 1), map[string]string{"PASSWORD": "correct-horse", "TOKEN": "abc"})
	s = davSite{t, "http://" + a.address("web")}
	s.want(404, "full", "GET", "/metrics", "")
	s.want(404, "", "GET", "/metrics", "", "Authorization: Bearer abc")
}

// TestReady: ready while everything works, and in words what does not.
func TestReady(t *testing.T) {
	a, _ := testApp(t, webOnly, map[string]string{"PASSWORD": "correct-horse"})
	s := davSite{t, "http://" + a.address("web")}
	if got := s.want(200, "", "GET", "/readyz", ""); got.body != "ok\n" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v", got)
	}
	var told struct {
		Ready  bool
		Checks []readiness
	}
	if err := json.Unmarshal([]byte(s.want(200, "", "GET", "/readyz?verbose", "").body), &told); err != nil || !told.Ready || len(told.Checks) != 4 {
		t.Errorf("%+v %v", told, err)
	}
	a.stopping.Store(true)
	a.wrote.Lock()
	a.wrote.at, a.wrote.err = time.Now().Add(time.Hour), errors.New("disk full on /secret")
	a.wrote.Unlock()
	got := s.want(503, "", "GET", "/readyz", "")
	if want := "data: the data directory cannot be written to: is its disk full, or read-only?\nrunning: the gateway is stopping\n"; got.body != want {
		t.Errorf("%q", got.body)
	}
	if err := json.Unmarshal([]byte(s.want(503, "", "GET", "/readyz?verbose", "").body), &told); err != nil || told.Ready || told.Checks[1].OK || !told.Checks[0].OK {
		t.Errorf("%+v %v", told, err)
	}
	s.metric(`slipway_ready{check="data"} 0`)
	s.want(200, "", "GET", "/healthz", "")
}

// TestReadyTriesTheDisk: a data directory that is gone is noticed.
func TestReadyTriesTheDisk(t *testing.T) {
	dir := t.TempDir()
	a := &app{}
	a.settings.Store(&settings{config: &Config{DataDir: dir + "/data"}})
	if err := os.WriteFile(dir+"/data", nil, 0o600); err != nil { // a file where the folder was
		t.Fatal(err)
	}
	if err := a.dataWritable(); err == nil {
		t.Error("a file is a directory that can be written to")
	}
	a.wrote.at = time.Time{}
	if err := errors.Join(os.Remove(dir+"/data"), os.Mkdir(dir+"/data", 0o700), a.dataWritable()); err != nil {
		t.Error(err)
	}
}

func TestTransferResult(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, metrics.Stored},
		{&vfs.Refusal{Kind: vfs.TooLarge}, metrics.Refused},
		{&fs.PathError{Op: "close", Path: "/a", Err: vfs.ErrQuota}, metrics.Refused},
		{&fs.PathError{Op: "close", Path: "/a", Err: vfs.ErrReadOnly}, metrics.Refused},
		{&fs.PathError{Op: "close", Path: "/a", Err: errors.Join(vfs.ErrAborted, errors.New("cut"))}, metrics.Aborted},
		{errors.New("disk"), metrics.Failed},
	} {
		if got := transferResult(tt.err); got != tt.want {
			t.Errorf("%v is %s, want %s", tt.err, got, tt.want)
		}
	}
}

// BenchmarkMetricsHandler reads the metrics of a small gateway.
func BenchmarkMetricsHandler(b *testing.B) {
	m := metrics.New(metrics.Options{State: func() metrics.State { return metrics.State{} }})
	for b.Loop() {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
}
