package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// atRest owes every file to a destination, but not before the measurement ends.
const atRest = `
[settle]
quiet = "1h"
ceiling = "2h"
[destination.home]
driver = "local"
[[route]]
path = "/in/{rest...}"
to = ["home"]
`

const largeSize = 1 << 30

// BenchmarkPutLarge sends a file of 1 GiB and compares with a plain copy of the
// same file with fsync on the same disk: both read it from the page cache.
func BenchmarkPutLarge(b *testing.B) {
	dir := b.TempDir()
	source := filepath.Join(dir, "source")
	makeLarge(b, source)
	s := bench{dir: dir, config: atRest}.serve(b)
	c := s.dial()
	defer c.close()
	var ratios, plains, puts []float64
	for i := range 5 {
		clean()
		plain := plainCopy(b, source, filepath.Join(dir, "copy"))
		clean()
		put := c.putFile(source, fmt.Sprintf("/in/large-%d.bin", i))
		plains, puts = append(plains, plain.Seconds()), append(puts, put.Seconds())
		ratios = append(ratios, put.Seconds()/plain.Seconds())
		c.must(204, "DELETE", fmt.Sprintf("/in/large-%d.bin", i), "", nil)
	}
	ratio := quantile(ratios, 0.5)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(plains, 0.5), "plain-s")
	b.ReportMetric(quantile(puts, 0.5), "put-s")
	b.ReportMetric(ratio, "ratio")
	aim(b, "PUT of 1 GiB ≤ 1.3 × a plain copy with fsync", ratio <= 1.3, "%.2f ×", ratio)
}

func makeLarge(b *testing.B, name string) {
	f, err := os.Create(name)
	if err == nil {
		_, err = io.CopyN(f, rand.Reader, largeSize)
	}
	if err != nil {
		b.Fatal(err)
	}
	f.Close()
}

// plainCopy copies by reading and writing, as a program without our duties would.
func plainCopy(b *testing.B, from, to string) time.Duration {
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	defer os.Remove(to)
	start := time.Now()
	out, err := os.Create(to)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, 1<<20)); err != nil {
		b.Fatal(err)
	}
	if err := out.Sync(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// putFile sends a file as curl does: by reading and writing.
func (c *client) putFile(from, to string) time.Duration {
	in, err := os.Open(from)
	if err != nil {
		c.b.Fatal(err)
	}
	defer in.Close()
	start := time.Now()
	if err := c.send("PUT", to, "", largeSize, nil); err != nil {
		c.b.Fatal(err)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{c.conn}, struct{ io.Reader }{in}, make([]byte, 256<<10)); err != nil {
		c.b.Fatal(err)
	}
	if status, _, err := c.receive(); status != 201 || err != nil {
		c.b.Fatalf("PUT %s: status %d, error %v", to, status, err)
	}
	return time.Since(start)
}

const (
	smallFiles = 2000
	smallSize  = 4 << 10
	smallConns = 4
)

// BenchmarkPutSmall sends 2,000 files of 4 KiB over 4 connections, each owed to a
// destination, and compares with the same server without fsync.
func BenchmarkPutSmall(b *testing.B) {
	durable := bench{dir: b.TempDir(), config: atRest}.serve(b)
	unsafe := bench{dir: b.TempDir(), config: atRest, unsafe: true}.serve(b)
	var with, without []float64
	before := durable.cpu()
	for round := range 8 {
		clean()
		with = append(with, durable.putSmall(round))
		clean()
		without = append(without, unsafe.putSmall(round))
	}
	rate, ratio := quantile(with, 0.5), quantile(with, 0.5)/quantile(without, 0.5)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "files/s")
	b.ReportMetric(quantile(without, 0.5), "unsafe-files/s")
	b.ReportMetric(ratio, "ratio")
	work := (durable.cpu() - before) / time.Duration(smallFiles*len(with))
	b.ReportMetric(float64(work.Microseconds()), "cpu-µs/file")
	b.Logf("files a second, durable: %.0f; without fsync: %.0f; the server's processor time is %v a file", with, without, work)
	aim(b, "2,000 × 4 KiB over 4 connections ≥ 3,000 files/s, durable", rate >= 3000, "%.0f/s, %.2f of what it is without fsync", rate, ratio)
}

// putSmall returns files a second.
func (s *benchServer) putSmall(round int) float64 {
	dir := fmt.Sprintf("/in/%d", round)
	c := s.dial()
	defer c.close()
	c.must(201, "MKCOL", dir, "", nil)
	start := time.Now()
	s.putMany(dir, smallFiles, smallSize)
	return smallFiles / time.Since(start).Seconds()
}

// putMany sends n different files of size bytes over smallConns connections.
func (s *benchServer) putMany(dir string, n, size int) {
	var all sync.WaitGroup
	for worker := range smallConns {
		all.Go(func() {
			c := s.dial()
			defer c.close()
			body := make([]byte, size)
			rand.Read(body)
			for i := worker; i < n; i += smallConns {
				binary.LittleEndian.PutUint64(body, uint64(i))
				c.must(201, "PUT", fmt.Sprintf("%s/photo-%06d.bin", dir, i), "", body)
			}
		})
	}
	all.Wait()
}

// listed is how many files a listing has.
const listed = 10_000

// propfinds are what listings are asked for.
var propfinds = []struct{ name, text string }{
	{"allprop", ""},
	{"named", `<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getcontentlength/><D:getlastmodified/><D:getetag/><D:resourcetype/></D:prop></D:propfind>`},
}

// BenchmarkList lists 10,000 files, sidecars shown, with Depth 1.
func BenchmarkList(b *testing.B) {
	const files = listed
	s := bench{dir: b.TempDir(), config: atRest}.serve(b)
	s.putMany("/in", files, 64)
	c := s.dial()
	defer c.close()
	for _, body := range propfinds {
		b.Run(body.name, func(b *testing.B) {
			var times []time.Duration
			var n int64
			for b.Loop() {
				for range 5 {
					start := time.Now()
					n = c.must(207, "PROPFIND", "/in/", "Depth: 1\r\n", []byte(body.text))
					times = append(times, time.Since(start))
				}
			}
			peak, _ := s.memory()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(quantile(times, 0.5)), "ms")
			b.ReportMetric(float64(n)/(2*files), "B/entry")
			b.Logf("%d files and their receipts: %.0f ms, %.0f bytes for each of %d, %.0f MiB resident at the most",
				files, ms(quantile(times, 0.5)), float64(n)/(2*files), 2*files, mib(peak))
		})
	}
}
