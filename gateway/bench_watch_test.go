package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"slipway/gateway/control"
	"slipway/gateway/operate"
	"slipway/uploader/chevereto/cheveretotest"
)

const (
	watchSettle  = time.Second
	watchLateAim = 100 * time.Millisecond // beyond the time of rest
	watchBurst   = 5_000
	watchMany    = 100_000
	watchDirs    = 1_000
	watchIdle    = 2 * time.Minute
	watchIdleAim = 1.0 // per cent of one core
)

// watchOf is the configuration of a watched folder, which it makes.
func watchOf(b *testing.B, dir, more string) (folder, config string) {
	b.Helper()
	folder = filepath.Join(dir, "drop")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	return folder, fmt.Sprintf("[[watch]]\nfolder = %q\ninto = \"/in\"\nsettle = %q\n%s\n", folder, watchSettle, more)
}

// drop writes a picture into a watched folder.
func drop(b *testing.B, file string, size int, seed uint64) {
	b.Helper()
	if err := os.WriteFile(file, picture(size, seed), 0o600); err != nil {
		b.Fatal(err)
	}
}

// watch returns how the first watched folder stands.
func (s *benchServer) watch(dir string) operate.Watch {
	s.b.Helper()
	c, err := control.Dial(s.b.Context(), filepath.Join(dir, "data"))
	if err != nil {
		s.b.Fatal(err)
	}
	defer c.Close()
	all, err := operate.NewClient(c).Watches(s.b.Context())
	if err != nil || len(all) != 1 {
		s.b.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

// BenchmarkWatchLatency measures the time from the last write of a file in a watched
// folder to the arrival of its upload at the host.
func BenchmarkWatchLatency(b *testing.B) {
	const files = 30
	site := cheveretotest.New(cheveretotest.Config{Key: "secret"})
	b.Cleanup(site.Close)
	h := newHost(b, site)
	h.arrived = make(chan time.Time, files)
	dir := b.TempDir()
	folder, config := watchOf(b, dir, "")
	bench{dir: dir, config: destination("chevereto", h.URL, "0s", 4) + config}.serve(b)
	time.Sleep(2 * time.Second)
	var late []time.Duration
	for i := range files {
		drop(b, filepath.Join(folder, fmt.Sprintf("%d.jpg", i)), 100_000, uint64(i))
		wrote := time.Now()
		select {
		case at := <-h.arrived:
			late = append(late, at.Sub(wrote)-watchSettle)
		case <-time.After(time.Minute):
			b.Fatalf("file %d never arrived", i)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(quantile(late, 0.5)), "ms-beyond-settle")
	b.ReportMetric(ms(quantile(late, 1)), "ms-beyond-settle-most")
	aim(b, "last write to upload ≤ settle + 100 ms", quantile(late, 0.5) <= watchLateAim, "settle + %.0f ms, %.0f ms at the most", ms(quantile(late, 0.5)), ms(quantile(late, 1)))
}

// BenchmarkWatchBurst writes 5,000 files at once, and waits until each has arrived, and
// until each has its URL beside it.
func BenchmarkWatchBurst(b *testing.B) {
	site := cheveretotest.New(cheveretotest.Config{Key: "secret"})
	b.Cleanup(site.Close)
	h := newHost(b, site)
	dir := b.TempDir()
	folder, config := watchOf(b, dir, "")
	s := bench{dir: dir, config: destination("chevereto", h.URL, "0s", 8) + config}.serve(b)
	start := time.Now()
	for i := range watchBurst {
		sub := filepath.Join(folder, fmt.Sprint(i%50))
		if i < 50 {
			if err := os.Mkdir(sub, 0o700); err != nil {
				b.Fatal(err)
			}
		}
		drop(b, filepath.Join(sub, fmt.Sprintf("%d.jpg", i)), 3000, uint64(i))
	}
	wrote := time.Since(start)
	h.took(b, watchBurst)
	all := time.Since(start)
	for {
		urls, err := filepath.Glob(filepath.Join(folder, "*/*.jpg.url"))
		if err != nil || time.Since(start) > 10*time.Minute {
			b.Fatalf("%d files have their URL: %v", len(urls), err)
		}
		if len(urls) == watchBurst {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	told := time.Since(start) - all
	time.Sleep(3 * time.Second)
	peak, _ := s.memory()
	n := site.Count()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(all.Seconds(), "s")
	b.ReportMetric(told.Seconds(), "s-to-last-url")
	b.ReportMetric(float64(n), "files")
	aim(b, "a burst of 5,000 files without a loss", n == watchBurst && h.done.Load() == watchBurst,
		"%d in %d requests; written in %.1f s, all sent after %.1f s, the last URL %.1f s later, %.0f MiB",
		n, h.done.Load(), wrote.Seconds(), all.Seconds(), told.Seconds(), mib(peak))
}

// BenchmarkWatchMany measures the first scan of 100,000 files in 1,000 folders for a
// host that is down, a start that finds them all again, and what the program costs
// while nothing happens.
func BenchmarkWatchMany(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	l.Close() // nobody listens there
	dir := b.TempDir()
	folder, config := watchOf(b, dir, "sidecars = []")
	for i := range watchMany {
		sub := filepath.Join(folder, fmt.Sprintf("%03d", i%watchDirs))
		if i < watchDirs {
			if err := os.Mkdir(sub, 0o700); err != nil {
				b.Fatal(err)
			}
		}
		drop(b, filepath.Join(sub, fmt.Sprintf("%06d.jpg", i)), 1500, uint64(i))
	}
	o := bench{dir: dir, config: destination("chevereto", "http://"+l.Addr().String(), "0s", 4) + config}
	start := time.Now()
	s := o.serve(b)
	for s.watch(dir).Known["taken"] < watchMany {
		if time.Since(start) > 20*time.Minute {
			b.Fatalf("after %v: %+v", time.Since(start), s.watch(dir))
		}
		time.Sleep(250 * time.Millisecond)
	}
	first := time.Since(start)
	firstCPU := s.cpu()
	peak, _ := s.memory()
	s.stop()
	s = o.serve(b)
	start = time.Now()
	for s.watch(dir).Scanned.IsZero() {
		time.Sleep(50 * time.Millisecond)
	}
	again := time.Since(start)
	if err := s.pause(dir); err != nil { // a host that is down is tried again, which is no part of this
		b.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	before := s.cpu()
	time.Sleep(watchIdle)
	share := float64(s.cpu()-before) / float64(watchIdle) * 100
	idlePeak, idle := s.memory()
	w := s.watch(dir)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(first.Seconds(), "s-first")
	b.ReportMetric(again.Seconds(), "s-again")
	b.ReportMetric(share, "%-of-a-core-idle")
	b.ReportMetric(mib(idle), "MiB-idle")
	b.Logf("first scan and taking of %d files: %.0f s, %.0f s of processor time, %.0f MiB at the most; a start with all of them known: %.1f s, %.0f MiB at the most; a rescan %.2f s; %d files in %d folders, %s",
		watchMany, first.Seconds(), firstCPU.Seconds(), mib(peak), again.Seconds(), mib(idlePeak), w.Took.Seconds(), w.Files, w.Directories, w.Mode)
	aim(b, "nothing happens: ≤ 1 % of one core with 60 s rescans", share <= watchIdleAim, "%.2f %%, %.0f MiB", share, mib(idle))
}

// pause stops the site, as `slipway queue pause` does.
func (s *benchServer) pause(dir string) error {
	c, err := control.Dial(s.b.Context(), filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer c.Close()
	return operate.NewClient(c).Pause(s.b.Context(), "site")
}
