package uploader_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"slipway/uploader"
	"slipway/vfs/blob"
)

// posting is a driver that posts the bytes to a server and records before the
// last one, as a host's that is not idempotent.
type posting struct {
	url    string
	client *http.Client
}

func (d posting) Properties() uploader.Properties {
	return uploader.Properties{Host: "bench", RefusesRepeats: 24 * time.Hour}
}

func (d posting) Send(ctx context.Context, p uploader.Picture) (uploader.Result, error) {
	r, err := p.Open(ctx)
	if err != nil {
		return uploader.Result{}, err
	}
	defer r.Close()
	body := &recording{r: io.LimitReader(r, p.Size-1), last: r, p: p}
	if err := d.post(ctx, body, p.Size); err != nil {
		return uploader.Result{}, err
	}
	return uploader.Result{ID: p.Upload, URL: d.url + p.Upload}, nil
}

func (d posting) post(ctx context.Context, body io.Reader, size int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, body)
	if err != nil {
		return err
	}
	req.ContentLength = size
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// recording reads all but the last byte, then asks, then reads that.
type recording struct {
	r, last io.Reader
	p       uploader.Picture
	sent    int64
	asked   bool
}

func (r *recording) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err == io.EOF && !r.asked {
		r.asked = true
		if err := r.p.BeforeLastByte(); err != nil {
			return 0, err
		}
		r.r = r.last
		n, err = r.r.Read(b)
	}
	r.sent += int64(n)
	r.p.Progress(r.sent)
	return n, err
}

func benchServer(b *testing.B, got func()) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got != nil {
			got()
		}
		_, _ = io.Copy(md5.New(), r.Body)
	}))
	b.Cleanup(s.Close)
	return s
}

// durable is a world on a database with fsync, whose blobs are content.
func durable(b *testing.B, content []byte, d uploader.Driver, slots int) *world {
	w := &world{t: b, source: filepath.Join(b.TempDir(), "index.db"), hosts: map[string]*fakeHost{}}
	w.host("one", uploader.Properties{})
	w.hosts["one"].props.Host = d.Properties().Host
	w.durable = true
	w.open()
	w.config.Destinations = []uploader.Destination{{Name: "one", Driver: d, Slots: slots}}
	w.config.Open = func(context.Context, uploader.Upload) (blob.Reader, error) {
		return reader{bytes.NewReader(content)}, nil
	}
	return w
}

// BenchmarkForward sends 200 × 1 MiB against a bare loop of the same requests;
// "ratio" is the loop's time by ours.
func BenchmarkForward(b *testing.B) {
	const files = 200
	content := make([]byte, 1<<20)
	for _, slots := range []int{1, 4} {
		b.Run(fmt.Sprint(slots, " slots"), func(b *testing.B) {
			d := posting{url: benchServer(b, nil).URL, client: &http.Client{}}
			var ours, loop time.Duration
			for range b.N {
				begin := time.Now()
				for range files {
					if err := d.post(b.Context(), bytes.NewReader(content), int64(len(content))); err != nil {
						b.Fatal(err)
					}
				}
				loop += time.Since(begin)
				w := durable(b, content, d, slots)
				for i := range files {
					w.putSize(fmt.Sprintf("/one/%d", i), fmt.Sprint(i), int64(len(content)))
				}
				begin = time.Now()
				w.start()
				w.await(b, files)
				ours += time.Since(begin)
				w.close()
			}
			b.ReportMetric(loop.Seconds()/ours.Seconds(), "ratio")
			b.ReportMetric(float64(b.N*files)/ours.Seconds(), "files/s")
		})
	}
}

// await waits until n uploads are done.
func (w *world) await(b *testing.B, n int) {
	for {
		s, err := w.l.Stats(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if s["one"].Count[uploader.Done] >= n {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// BenchmarkLatency is the time from a commit that is answered to its request's
// arrival, with no quiet time.
func BenchmarkLatency(b *testing.B) {
	arrived := make(chan time.Time, 1)
	content := make([]byte, 1000)
	d := posting{url: benchServer(b, func() { arrived <- time.Now() }).URL, client: &http.Client{}}
	w := durable(b, content, d, 2)
	w.start()
	var all []time.Duration
	for i := range b.N {
		w.putSize(fmt.Sprintf("/one/%d", i), fmt.Sprint(i), int64(len(content)))
		begin := time.Now()
		all = append(all, (<-arrived).Sub(begin))
	}
	w.close()
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
}
