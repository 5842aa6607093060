package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"slipway/uploader/anqicms/anqicmstest"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/form"
	"slipway/uploader/whole/wholetest"
	"slipway/vfs"
	"slipway/vfs/index"
)

// picture returns a JPEG of size bytes that differs by seed.
func picture(size int, seed uint64) []byte {
	p := wholetest.JPEG(16, 16, 1)
	head := p[:len(p)-2] // without its end
	body := make([]byte, size-len(head)-2)
	r := rand.New(rand.NewPCG(seed, 7))
	for i := range body {
		body[i] = byte(r.UintN(255)) // entropy-coded data without FF
	}
	return bytes.Join([][]byte{head, body, {0xff, 0xd9}}, nil)
}

// host is a site under test that notes when requests come and answers go.
type host struct {
	*httptest.Server
	arrived chan time.Time // if not nil: of each request
	mu      sync.Mutex
	first   time.Time
	last    time.Time
	done    atomic.Int64
}

func newHost(b *testing.B, site http.Handler) *host {
	h := &host{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		if h.arrived != nil {
			h.arrived <- now
		}
		h.mu.Lock()
		if h.first.IsZero() {
			h.first = now
		}
		h.mu.Unlock()
		site.ServeHTTP(w, r)
		h.mu.Lock()
		h.last = time.Now()
		h.mu.Unlock()
		h.done.Add(1)
	}))
	b.Cleanup(h.Close)
	return h
}

// took waits for n answers and returns the time from the first request's arrival
// to the last answer.
func (h *host) took(b *testing.B, n int64) time.Duration {
	b.Helper()
	for end := time.Now().Add(2 * time.Minute); h.done.Load() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%d of %d pictures arrived", h.done.Load(), n)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last.Sub(h.first)
}

// destination is the configuration of a site at url, to which /in goes.
func destination(driver, url, quiet string, concurrency int) string {
	secret := "key"
	if driver == "anqicms" {
		secret = "token"
	}
	return fmt.Sprintf(`
[settle]
quiet = %q
ceiling = "2h"
[destination.site]
driver = %q
url = %q
%s = "secret"
concurrency = %d
per_minute = 0
per_hour = 0
per_day = 0
[[route]]
path = "/in/{rest...}"
to = ["site"]
`, quiet, driver, url, secret, concurrency)
}

// BenchmarkLatency measures the time from the answer to a PUT to the arrival of
// the picture's request at the host, with no quiet time.
func BenchmarkLatency(b *testing.B) {
	const files = 500
	site := anqicmstest.New(anqicmstest.Config{Token: "secret"})
	defer site.Close()
	h := newHost(b, site)
	h.arrived = make(chan time.Time, 16)
	s := bench{dir: b.TempDir(), config: destination("anqicms", h.URL, "0s", 4)}.serve(b)
	c := s.dial()
	defer c.close()
	var times []time.Duration
	for i := range files {
		c.must(201, "PUT", fmt.Sprintf("/in/%d.jpg", i), "", picture(20<<10, uint64(i)))
		answered := time.Now()
		select {
		case at := <-h.arrived:
			times = append(times, at.Sub(answered))
		case <-time.After(10 * time.Second):
			b.Fatalf("picture %d was not sent:\n%s", i, s.log.String())
		}
		time.Sleep(2 * time.Millisecond) // its outcome is written
	}
	p50, p99 := quantile(times, 0.5), quantile(times, 0.99)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(p50), "p50-ms")
	b.ReportMetric(ms(p99), "p99-ms")
	aim(b, "commit to send, p50 ≤ 5 ms", p50 <= 5*time.Millisecond, "p50 %.2f ms, p99 %.2f ms", ms(p50), ms(p99))
}

const (
	forwardFiles = 200
	forwardSize  = 1 << 20
	forwardConns = 4
)

// BenchmarkForward sends 200 × 1 MiB that wait, and compares with a bare loop of
// the same requests, ready in memory, to the same site with as many at a time.
// The sites take as long for a picture as is said; real ones take longer.
func BenchmarkForward(b *testing.B) {
	for _, work := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run("chevereto/"+work.String(), func(b *testing.B) {
			forward(b, "chevereto", func() http.Handler {
				return cheveretotest.New(cheveretotest.Config{Key: "secret", Delay: work})
			})
		})
		b.Run("anqicms/"+work.String(), func(b *testing.B) {
			forward(b, "anqicms", func() http.Handler {
				return anqicmstest.New(anqicmstest.Config{Token: "secret", Work: work})
			})
		})
	}
}

func forward(b *testing.B, driver string, site func() http.Handler) {
	pictures := make([][]byte, forwardFiles)
	for i := range pictures {
		pictures[i] = picture(forwardSize, uint64(i))
	}
	var ratios, bares, ours []float64
	for range 3 {
		clean()
		bare := bareLoop(b, driver, site(), pictures)
		clean()
		own := forwardAll(b, driver, site(), pictures)
		bares, ours = append(bares, bare.Seconds()), append(ours, own.Seconds())
		ratios = append(ratios, bare.Seconds()/own.Seconds())
	}
	ratio := quantile(ratios, 0.5)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(forwardFiles/quantile(bares, 0.5), "bare-files/s")
	b.ReportMetric(forwardFiles/quantile(ours, 0.5), "files/s")
	b.ReportMetric(ratio, "ratio")
	aim(b, "forwarding 200 × 1 MiB ≥ 0.95 of a bare loop", ratio >= 0.95, "%.2f (%.3f s against %.3f s)", ratio, quantile(ours, 0.5), quantile(bares, 0.5))
}

// forwardAll returns how long the gateway takes for pictures that are all due when
// it starts.
func forwardAll(b *testing.B, driver string, site http.Handler, pictures [][]byte) time.Duration {
	h := newHost(b, site)
	defer h.Close()
	o := bench{dir: b.TempDir(), config: destination(driver, h.URL, "1h", forwardConns)}
	s := o.serve(b)
	c := s.dial()
	for i, p := range pictures {
		c.must(201, "PUT", fmt.Sprintf("/in/%d.jpg", i), "", p)
	}
	c.close()
	s.stop()
	o.makeDue(b)
	s = o.serve(b)
	defer s.stop()
	return h.took(b, int64(len(pictures)))
}

// makeDue ends the quiet time of everything while no server runs.
func (o bench) makeDue(b *testing.B) {
	db, err := index.Open(b.Context(), filepath.Join(o.dir, "data", "index.db"), index.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	err = db.Write(b.Context(), func(ctx context.Context, tx vfs.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE uploads SET due = id")
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// bareLoop posts the same forms from memory.
func bareLoop(b *testing.B, driver string, site http.Handler, pictures [][]byte) time.Duration {
	h := newHost(b, site)
	defer h.Close()
	address, field := h.URL+"/api/1/upload", "source"
	if driver == "anqicms" {
		address, field = h.URL+anqicmstest.UploadPath+"?token=secret", "file"
	}
	requests := make(chan *http.Request, len(pictures))
	for i, p := range pictures {
		f := form.New(nil, form.File{Field: field, Name: fmt.Sprintf("%d.jpg", i), Type: "image/jpeg", Size: int64(len(p))})
		body, err := io.ReadAll(f.Reader(bytes.NewReader(p), nil, nil))
		if err != nil {
			b.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Content-Type", f.ContentType())
		r.Header.Set("X-Api-Key", "secret")
		requests <- r
	}
	close(requests)
	client := form.NewHTTP()
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for range forwardConns {
		all.Go(func() {
			for r := range requests {
				reply, err := client.Do(r)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, reply.Body)
				reply.Body.Close()
			}
		})
	}
	all.Wait()
	return h.took(b, int64(len(pictures)))
}
