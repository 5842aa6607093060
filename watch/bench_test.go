//go:build unix

package watch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"slipway/watch"
	"slipway/watch/watchtest"
)

// fill makes a folder with 100 files in each of 1,000 directories, or with -short of
// 20, and returns how many files.
func fill(b *testing.B, w *world) (files int) {
	b.Helper()
	dirs := 1000
	if testing.Short() {
		dirs = 20
	}
	for d := range dirs {
		dir := filepath.Join(w.root, fmt.Sprintf("%02d/%03d", d%50, d))
		w.ok(os.MkdirAll(dir, 0o755))
		for i := range 100 {
			w.ok(os.WriteFile(fmt.Sprintf("%s/%03d.jpg", dir, i), fmt.Appendf(nil, "%d-%d", d, i), 0o644))
		}
	}
	return dirs * 100
}

// BenchmarkFirstScan takes all files of a folder.
func BenchmarkFirstScan(b *testing.B) {
	w := newWorld(b)
	w.o.Settle = 10 * time.Millisecond
	files := fill(b, w)
	for b.Loop() {
		memory, tree := new(watchtest.Memory), watchtest.NewTree("/inbox")
		w.o.Memory, w.o.Tree, w.o.Outcomes = memory, tree, tree
		s, err := watch.New(w.o).Scan(b.Context(), watch.ScanOptions{})
		w.ok(err)
		if s.Taken.Files != files {
			b.Fatalf("%+v", s)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(files), "µs/file")
}

// BenchmarkSteady rescans a folder in which nothing happens. percent is what rescans
// every 60 s take of one core, heap what the folder holds in memory.
func BenchmarkSteady(b *testing.B) {
	w := newWorld(b)
	w.o.Settle = 10 * time.Millisecond
	files := fill(b, w)
	var before, after runtime.MemStats
	ctx, cancel := context.WithCancel(b.Context())
	f := watch.New(w.o)
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	for f.Status().Taken.Files < files {
		time.Sleep(10 * time.Millisecond)
	}
	rescan(f)
	rescan(f)
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu := used()
	for b.Loop() {
		rescan(f)
	}
	per := (used() - cpu) / time.Duration(b.N)
	b.ReportMetric(per.Seconds()/60*100, "percent")
	b.ReportMetric(per.Seconds()*1e3, "cpu-ms/scan")
	cancel()
	w.ok(<-done)
	f, w.f = nil, nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(int64(before.HeapAlloc)-int64(after.HeapAlloc))/1e6, "heap-MB")
	runtime.KeepAlive(w)
}

// BenchmarkBigDirectory puts one more file into a directory with 40,000 (with -short:
// 4,000), and waits until it is taken. late is how long after the settle time that is.
func BenchmarkBigDirectory(b *testing.B) {
	w := newWorld(b)
	w.o.Settle, w.o.Hints = 100*time.Millisecond, w.hints
	files := 40_000
	if testing.Short() {
		files /= 10
	}
	for i := range files {
		w.ok(os.WriteFile(fmt.Sprintf("%s/%05d.jpg", w.root, i), fmt.Append(nil, i), 0o644))
	}
	ctx, cancel := context.WithCancel(b.Context())
	f := watch.New(w.o)
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	for f.Status().Taken.Files < files {
		time.Sleep(10 * time.Millisecond)
	}
	n, late := 0, time.Duration(0)
	for b.Loop() {
		time.Sleep(2 * time.Second)
		began := time.Now()
		w.ok(os.WriteFile(fmt.Sprintf("%s/new%d.jpg", w.root, n), fmt.Append(nil, "new", n), 0o644))
		w.hints.tell("", false)
		for n++; f.Status().Taken.Files < files+n; {
			time.Sleep(time.Millisecond)
		}
		late += time.Since(began) - w.o.Settle
	}
	b.ReportMetric(float64(late.Milliseconds())/float64(n), "late-ms")
	cancel()
	w.ok(<-done)
}

// rescan waits for a whole scan.
func rescan(f *watch.Folder) {
	last := f.Status().Scanned
	f.Rescan()
	for f.Status().Scanned.Equal(last) {
		time.Sleep(time.Millisecond)
	}
}

// used returns the processor time of this process.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBurst writes 5,000 files, and waits until all are taken.
func BenchmarkBurst(b *testing.B) {
	w := newWorld(b)
	w.o.Settle, w.o.Hints = 100*time.Millisecond, w.hints
	ctx, cancel := context.WithCancel(b.Context())
	f := watch.New(w.o)
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	n := 0
	for b.Loop() {
		n++
		dir := fmt.Sprintf("burst%d", n)
		w.ok(os.Mkdir(w.at(dir), 0o755))
		for i := range 5000 {
			w.ok(os.WriteFile(fmt.Sprintf("%s/%s/%04d.jpg", w.root, dir, i), fmt.Appendf(nil, "%d-%d", n, i), 0o644))
			if i%50 == 0 {
				w.hints.tell(dir, false)
			}
		}
		w.hints.tell(dir, false)
		for len(w.tree.Versions()) < n*5000 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	cancel()
	w.ok(<-done)
}
