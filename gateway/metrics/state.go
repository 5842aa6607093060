package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is how things stand at one moment. What is not known is left out: a pointer
// that is nil, a map without the key.
type State struct {
	// At is when the numbers were counted, which may be a while ago where that is
	// dear; zero: they were not.
	At           time.Time
	Destinations []Destination
	Hosts        []Host
	Webhooks     []Webhook

	Partials, PartialBytes *float64 // transfers that were cut and are kept
	Blobs                  *float64 // bytes that are kept under a name of their own
	Garbage                *float64 // of those, the ones that nothing may need any more
	Free                   *float64 // bytes on the disk that the data lie on

	Ready map[string]bool // by check
}

// Destination is how one stands.
type Destination struct {
	Name    string
	Uploads map[string]float64 // by state
	// Deletions are pictures that are deleted there, or are to be, by state.
	Deletions map[string]float64
	// Paused says why nothing is sent; "": it is not paused.
	Paused string
	// Oldest is when the upload became due that waits longest; zero: none is due.
	Oldest time.Time
	Active float64 // requests under way
}

// Host is how the limits of one stand.
type Host struct {
	Name    string
	Windows []Window
	Until   time.Time // nothing is sent before, because the host asked so; zero: it did not
}

// Window is a limit on requests within a rolling time.
type Window struct {
	Per         time.Duration
	Limit, Used float64
}

// Webhook is what waits for one.
type Webhook struct {
	Name             string
	Waiting, GivenUp float64
	Oldest           time.Time // when the one that waits longest came; zero: none waits
}

// states is a collector of State.
type states struct {
	mu    sync.Mutex
	state func() State
	all   []*prometheus.Desc

	uploads, deletions, paused, age, active, limit, used, until *prometheus.Desc
	waiting, givenUp, hookAge                                   *prometheus.Desc
	partials, partialBytes, blobs, garbage, free, when          *prometheus.Desc
	ready                                                       *prometheus.Desc
}

func newStates(state func() State) *states {
	s := &states{state: state}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		d := prometheus.NewDesc(name, help, labels, nil)
		s.all = append(s.all, d)
		return d
	}
	s.uploads = desc("slipway_uploads", "Uploads by destination and state.", "destination", "state")
	s.deletions = desc("slipway_deletions", "Pictures that are deleted at hosts, or are to be, by destination and state.", "destination", "state")
	s.paused = desc("slipway_destination_paused", "1 while a destination is paused, by reason.", "destination", "reason")
	s.age = desc("slipway_oldest_due_age_seconds", "How long the upload waits that has been due longest; 0 if none is due.", "destination")
	s.active = desc("slipway_requests_active", "Requests with a picture that are under way.", "destination")
	s.limit = desc("slipway_rate_window_limit", "Requests that a host takes within a rolling window.", "host", "window")
	s.used = desc("slipway_rate_window_used", "Of those, how many were made.", "host", "window")
	s.until = desc("slipway_host_pause_seconds", "How long nothing is sent to a host because it asked to slow down.", "host")
	s.waiting = desc("slipway_webhooks_waiting", "Messages of a webhook that wait to be delivered.", "webhook")
	s.givenUp = desc("slipway_webhooks_given_up", "Messages of a webhook that were given up and are still kept.", "webhook")
	s.hookAge = desc("slipway_webhook_oldest_age_seconds", "How long the message of a webhook waits that came first; 0 if none waits.", "webhook")
	s.partials = desc("slipway_partials", "Transfers that broke off and can be continued.")
	s.partialBytes = desc("slipway_partial_bytes", "Bytes kept of them.")
	s.blobs = desc("slipway_blobs", "Versions of files whose bytes are kept.")
	s.garbage = desc("slipway_blobs_garbage", "Of those, and of bytes already let go, how many the collector has to look at.")
	s.free = desc("slipway_disk_free_bytes", "Room on the disk that the data lie on.")
	s.when = desc("slipway_counted_timestamp_seconds", "When the numbers of uploads and of kept bytes were counted.")
	s.ready = desc("slipway_ready", "1 where a check of /readyz passes.", "check")
	return s
}

// Describe implements prometheus.Collector.
func (s *states) Describe(c chan<- *prometheus.Desc) {
	for _, d := range s.all {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (s *states) Collect(c chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, st := time.Now(), s.state()
	g := gauges{c, now}
	for _, d := range st.Destinations {
		for state, n := range d.Uploads {
			g.set(s.uploads, n, d.Name, state)
		}
		for state, n := range d.Deletions {
			g.set(s.deletions, n, d.Name, state)
		}
		for _, reason := range pauseReasons {
			g.set(s.paused, one(d.Paused == reason), d.Name, reason)
		}
		g.set(s.age, g.age(d.Oldest), d.Name)
		g.set(s.active, d.Active, d.Name)
	}
	for _, h := range st.Hosts {
		for _, w := range h.Windows {
			g.set(s.limit, w.Limit, h.Name, w.Per.String())
			g.set(s.used, w.Used, h.Name, w.Per.String())
		}
		g.set(s.until, max(0, h.Until.Sub(now).Seconds()), h.Name)
	}
	for _, w := range st.Webhooks {
		g.set(s.waiting, w.Waiting, w.Name)
		g.set(s.givenUp, w.GivenUp, w.Name)
		g.set(s.hookAge, g.age(w.Oldest), w.Name)
	}
	for check, ok := range st.Ready {
		g.set(s.ready, one(ok), check)
	}
	for d, n := range map[*prometheus.Desc]*float64{
		s.partials: st.Partials, s.partialBytes: st.PartialBytes, s.blobs: st.Blobs, s.garbage: st.Garbage, s.free: st.Free,
	} {
		if n != nil {
			g.set(d, *n)
		}
	}
	if !st.At.IsZero() {
		g.set(s.when, float64(st.At.UnixNano())/1e9)
	}
}

// pauseReasons are why a destination is paused, as the ledger names them.
var pauseReasons = []string{"refused", "by-hand"}

// gauges writes them.
type gauges struct {
	c   chan<- prometheus.Metric
	now time.Time
}

func (g gauges) set(d *prometheus.Desc, n float64, labels ...string) {
	g.c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
}

// age returns how long ago t was; 0 where it is zero or to come.
func (g gauges) age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, g.now.Sub(t).Seconds())
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
