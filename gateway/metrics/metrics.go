// Package metrics counts what the gateway does, in the form that Prometheus reads.
//
// What happens is counted where it happens ([Metrics.Received], [Metrics.Attempted],
// …), by labels that are resolved once; how things stand ([State]) is asked for when
// somebody reads. Labels are doors, destinations, states and words of this package:
// never a path, a file's or a user's name.
package metrics

import (
	"cmp"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// How a transfer into the gateway ended.
const (
	Stored  = "stored"  // committed
	Aborted = "aborted" // the client broke it off, or it was cut
	Refused = "refused" // by a rule: no route, a quota, a type, a lock
	Failed  = "failed"  // our fault: the disk, the database
)

// Results lists them.
var Results = []string{Stored, Aborted, Refused, Failed}

// labelsMost is how many different destinations, or webhooks, doors and kinds, are told
// apart; more are counted together as "other". It bounds what a configuration that is
// reloaded again and again leaves behind.
const labelsMost = 100

// Options of New.
type Options struct {
	Version string
	// State tells how things stand. It is called for each reading, by one goroutine
	// at a time, and has to be cheap. nil: nothing is known.
	State func() State
}

// Metrics is what one gateway counts, in a registry of its own. It is safe for
// concurrent use, and a nil one counts nothing.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler

	transfers   *prometheus.CounterVec
	bytesIn     *prometheus.CounterVec
	putTime     *prometheus.HistogramVec
	outcomes    *prometheus.CounterVec
	bytesOut    *prometheus.CounterVec
	requestTime *prometheus.HistogramVec
	delay       *prometheus.HistogramVec
	deliveries  *prometheus.CounterVec
	links       *prometheus.CounterVec

	mu     sync.Mutex
	labels map[string]map[string]bool // the values of each that were seen
	doors  sync.Map                   // doorKey to *doorCounters
	out    sync.Map                   // a destination's name to *outCounters
}

// New returns metrics that nothing was counted in.
func New(o Options) *Metrics {
	m := &Metrics{registry: prometheus.NewPedanticRegistry(), labels: make(map[string]map[string]bool)}
	m.makeCounters()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "slipway_build_info", Help: "The version that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": cmp.Or(o.Version, "devel"), "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if o.State != nil {
		m.registry.MustRegister(newStates(o.State))
	}
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
	return m
}

func (m *Metrics) makeCounters() {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, first, factor float64, n int, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(first, factor, n),
		}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.transfers = counter("slipway_transfers_total", "Files that came in, by door and by how that ended.", "door", "result")
	m.bytesIn = counter("slipway_transfer_bytes_total", "Bytes of files that came in, by door and by how that ended.", "door", "result")
	m.putTime = histogram("slipway_put_duration_seconds", "From the first byte of a file that was stored to its commit.", 0.001, 4, 10, "door")
	m.outcomes = counter("slipway_outcomes_total", "What came of uploads that were taken in hand, by destination and kind.", "destination", "kind")
	m.bytesOut = counter("slipway_sent_bytes_total", "Bytes that went out to a destination, also in vain.", "destination")
	m.requestTime = histogram("slipway_request_duration_seconds", "Time that a request with a picture took.", 0.01, 3, 10, "destination")
	m.delay = histogram("slipway_commit_to_sent_seconds", "From the commit of a file to its being at a destination, the quiet time included.", 0.25, 4, 10, "destination")
	m.deliveries = counter("slipway_webhook_deliveries_total", "Attempts to deliver a webhook, by how they ended.", "webhook", "result")
	m.links = counter("slipway_links_total", "Links to pictures that were taken in hand, by what came of them.", "result")
}

// Handler answers with what was counted, in the form that the client asks for.
func (m *Metrics) Handler() http.Handler { return m.handler }

// Gatherer gives what the handler shows, for tests.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

type doorKey struct{ door, result string }

// doorCounters are those of one door and result, so that counting looks up no
// labels.
type doorCounters struct {
	files, bytes prometheus.Counter
	time         prometheus.Observer // nil but for Stored
}

// Received counts one transfer into the gateway: the door that it came by, one of
// Results, how many bytes came, and how long it took.
func (m *Metrics) Received(door, result string, bytes int64, took time.Duration) {
	if m == nil {
		return
	}
	c := m.door(doorKey{cmp.Or(door, "other"), result})
	c.files.Inc()
	c.bytes.Add(float64(max(bytes, 0)))
	if c.time != nil {
		c.time.Observe(took.Seconds())
	}
}

func (m *Metrics) door(k doorKey) *doorCounters {
	if c, ok := m.doors.Load(k); ok {
		return c.(*doorCounters)
	}
	door := m.label("door", k.door)
	c := &doorCounters{files: m.transfers.WithLabelValues(door, k.result), bytes: m.bytesIn.WithLabelValues(door, k.result)}
	if k.result == Stored {
		c.time = m.putTime.WithLabelValues(door)
	}
	kept, _ := m.doors.LoadOrStore(k, c)
	return kept.(*doorCounters)
}

// outCounters are those of one destination.
type outCounters struct {
	name           string
	bytes          prometheus.Counter
	request, delay prometheus.Observer
	kinds          sync.Map // kind to prometheus.Counter
}

// Attempt is what came of one upload that was taken in hand.
type Attempt struct {
	Destination string
	// Kind is a word for what came of it: "done", "reused", "temporary",
	// "permanent", "refused", "ambiguous", "duplicate", …
	Kind string
	// Request is how long the request took; 0: none was made.
	Request time.Duration
	Bytes   int64 // that went out
	// Delay is how long after its commit the file was at the destination; 0: it is
	// not.
	Delay time.Duration
}

// Attempted counts one attempt.
func (m *Metrics) Attempted(a Attempt) {
	if m == nil {
		return
	}
	c := m.destination(a.Destination)
	c.kind(m, cmp.Or(a.Kind, "returned")).Inc()
	c.bytes.Add(float64(max(a.Bytes, 0)))
	if a.Request > 0 {
		c.request.Observe(a.Request.Seconds())
	}
	if a.Delay > 0 {
		c.delay.Observe(a.Delay.Seconds())
	}
}

func (m *Metrics) destination(name string) *outCounters {
	name = m.label("destination", name)
	if c, ok := m.out.Load(name); ok {
		return c.(*outCounters)
	}
	c := &outCounters{
		name: name, bytes: m.bytesOut.WithLabelValues(name),
		request: m.requestTime.WithLabelValues(name), delay: m.delay.WithLabelValues(name),
	}
	kept, _ := m.out.LoadOrStore(name, c)
	return kept.(*outCounters)
}

func (c *outCounters) kind(m *Metrics, kind string) prometheus.Counter {
	if k, ok := c.kinds.Load(kind); ok {
		return k.(prometheus.Counter)
	}
	k := m.outcomes.WithLabelValues(c.name, m.label("kind", kind))
	c.kinds.Store(kind, k)
	return k
}

// How a delivery of a webhook ended.
const (
	Delivered = "delivered"
	Again     = "again"    // it is tried again
	GivenUp   = "given-up" // for good
)

// Delivered counts an attempt to deliver a webhook: its name, and Delivered, Again or
// GivenUp.
func (m *Metrics) Delivered(webhook, result string) {
	if m != nil {
		m.deliveries.WithLabelValues(m.label("webhook", webhook), result).Inc()
	}
}

// label returns value, or "other" where there are too many of its kind.
func (m *Metrics) label(kind, value string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := m.labels[kind]
	switch {
	case seen[value]:
	case len(seen) >= labelsMost:
		return "other"
	case seen == nil:
		m.labels[kind] = map[string]bool{value: true}
	default:
		seen[value] = true
	}
	return value
}
