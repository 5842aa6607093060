package metrics

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// full is a state in which everything is known.
func full() State {
	n := 3.0
	return State{
		At: time.Unix(1700000000, 0),
		Destinations: []Destination{{Name: "home", Uploads: map[string]float64{"done": 7, "failed": 1}, Deletions: map[string]float64{"paused": 21},
			Paused: "refused", Oldest: time.Now().Add(-time.Minute), Active: 2}},
		Hosts:    []Host{{Name: "anh.im", Windows: []Window{{Per: time.Hour, Limit: 500, Used: 20}}, Until: time.Now().Add(time.Minute)}},
		Webhooks: []Webhook{{Name: "site", Waiting: 4, GivenUp: 1, Oldest: time.Now().Add(-time.Hour)}},
		Partials: &n, PartialBytes: &n, Blobs: &n, Garbage: &n, Free: &n,
		Ready: map[string]bool{"database": true, "data": false},
	}
}

// counted is what shows every metric that there is.
func counted() *Metrics {
	m := New(Options{Version: "1.2.3", State: full})
	m.Received("ftp", Stored, 1000, time.Second)
	m.Received("ftp", Aborted, 10, time.Second)
	m.Attempted(Attempt{Destination: "home", Kind: "done", Request: time.Second, Bytes: 1000, Delay: 3 * time.Second})
	m.Attempted(Attempt{Destination: "home", Kind: "temporary", Request: time.Second, Bytes: 20})
	m.Attempted(Attempt{Destination: "home"})
	m.Delivered("site", Delivered)
	return m
}

func shown(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	return w.Body.String()
}

func TestShown(t *testing.T) {
	text := shown(t, counted())
	for _, want := range []string{
		`slipway_build_info{goversion="go`, `,version="1.2.3"} 1`,
		`slipway_transfers_total{door="ftp",result="stored"} 1`,
		`slipway_transfer_bytes_total{door="ftp",result="aborted"} 10`,
		`slipway_put_duration_seconds_count{door="ftp"} 1`,
		`slipway_outcomes_total{destination="home",kind="temporary"} 1`,
		`slipway_outcomes_total{destination="home",kind="returned"} 1`,
		`slipway_sent_bytes_total{destination="home"} 1020`,
		`slipway_request_duration_seconds_count{destination="home"} 2`,
		`slipway_commit_to_sent_seconds_count{destination="home"} 1`,
		`slipway_uploads{destination="home",state="done"} 7`,
		`slipway_deletions{destination="home",state="paused"} 21`,
		`slipway_destination_paused{destination="home",reason="refused"} 1`,
		`slipway_destination_paused{destination="home",reason="by-hand"} 0`,
		`slipway_rate_window_used{host="anh.im",window="1h0m0s"} 20`,
		`slipway_webhooks_waiting{webhook="site"} 4`,
		`slipway_webhook_deliveries_total{result="delivered",webhook="site"} 1`,
		`slipway_ready{check="data"} 0`, `slipway_partials 3`, `slipway_counted_timestamp_seconds 1.7e+09`,
		"go_goroutines ", "process_start_time_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// TestUnknownIsLeftOut: what is not known has no line, rather than a 0 that is false.
func TestUnknownIsLeftOut(t *testing.T) {
	text := shown(t, New(Options{State: func() State { return State{} }}))
	for _, name := range []string{"slipway_partials", "slipway_blobs", "slipway_disk_free_bytes", "slipway_counted", "slipway_uploads"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is shown", name)
		}
	}
}

// TestNames has Prometheus' own linter look at every name, unit and help text.
func TestNames(t *testing.T) {
	families, err := counted().Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	ours := families[:0]
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "slipway_") {
			ours = append(ours, f)
		}
	}
	if len(ours) < 20 {
		t.Fatalf("%d metrics only", len(ours))
	}
	problems, err := promlint.NewWithMetricFamilies(ours).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestBounded: names that a configuration makes up one after the other do not pile up.
func TestBounded(t *testing.T) {
	m := New(Options{})
	for i := range 3 * labelsMost {
		m.Attempted(Attempt{Destination: fmt.Sprint("d", i), Kind: "done", Bytes: 1})
		m.Delivered(fmt.Sprint("w", i), Again)
		m.Received(fmt.Sprint("door", i), Stored, 1, 0)
	}
	for name, c := range map[string]int{
		"destinations": testutil.CollectAndCount(m.bytesOut), "webhooks": testutil.CollectAndCount(m.deliveries), "doors": testutil.CollectAndCount(m.transfers),
	} {
		if c > labelsMost+1 {
			t.Errorf("%d %s are told apart", c, name)
		}
	}
	if n := testutil.ToFloat64(m.bytesOut.WithLabelValues("other")); n != 2*labelsMost {
		t.Errorf("%v bytes are counted as others'", n)
	}
}

// TestNil: what has no metrics counts nothing, and does not fail.
func TestNil(t *testing.T) {
	var m *Metrics
	m.Received("ftp", Stored, 1, 1)
	m.Attempted(Attempt{})
	m.Delivered("x", Again)
}

func BenchmarkReceived(b *testing.B) {
	m := New(Options{})
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Received("webdav", Stored, 4096, time.Millisecond)
		}
	})
}

func BenchmarkAttempted(b *testing.B) {
	m := New(Options{})
	a := Attempt{Destination: "home", Kind: "done", Request: time.Second, Bytes: 4096, Delay: time.Second}
	b.ReportAllocs()
	for b.Loop() {
		m.Attempted(a)
	}
}
