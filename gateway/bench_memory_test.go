package main

import (
	"crypto/rand"
	"net"
	"testing"
	"time"
)

const (
	memoryAim   = 64 << 20 // bytes
	waitingRows = 100_000
)

// BenchmarkMemoryLarge measures the server's memory with a file of 4 GiB in
// flight. The transfer is then cut off, which discards it.
func BenchmarkMemoryLarge(b *testing.B) {
	const size = 4 << 30
	s := bench{dir: b.TempDir(), config: atRest}.serve(b)
	c := s.dial()
	defer c.close()
	block := make([]byte, 1<<20)
	rand.Read(block)
	if err := c.send("PUT", "/in/huge.bin", "", size, nil); err != nil {
		b.Fatal(err)
	}
	for range size/len(block) - 1 {
		if _, err := c.conn.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	peak, now := s.memory()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(mib(peak), "peak-MiB")
	b.ReportMetric(mib(now), "MiB")
	aim(b, "memory with 4 GiB in flight ≤ 64 MiB", peak <= memoryAim, "%.1f MiB at the most, %.1f MiB at its end", mib(peak), mib(now))
}

// BenchmarkWaiting measures the server's memory with 100,000 uploads that wait for
// a host that is down, while they come and after a new start, and how long that
// start takes.
func BenchmarkWaiting(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	l.Close() // nobody listens there
	o := bench{dir: b.TempDir(), config: destination("chevereto", "http://"+l.Addr().String(), "0s", 4)}
	empty := o.serve(b)
	empty.stop()
	full := o.serve(b)
	full.putMany("/in", waitingRows, 64)
	time.Sleep(3 * time.Second)
	peak, now := full.memory()
	full.stop()
	again := o.serve(b)
	time.Sleep(3 * time.Second) // it tries to send
	peakAgain, nowAgain := again.memory()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(mib(peak), "peak-MiB")
	b.ReportMetric(mib(peakAgain), "restart-peak-MiB")
	b.ReportMetric(ms(again.took), "start-ms")
	b.ReportMetric(ms(empty.took), "empty-start-ms")
	aim(b, "memory with 100,000 uploads waiting ≤ 64 MiB", max(peak, peakAgain) <= memoryAim,
		"%.1f MiB at the most while they came, then %.1f MiB; after a new start %.1f MiB at the most, then %.1f MiB",
		mib(peak), mib(now), mib(peakAgain), mib(nowAgain))
	aim(b, "thousands of waiting rows do not slow the start", again.took < empty.took+time.Second,
		"%.0f ms with 100,000 waiting, %.0f ms without", ms(again.took), ms(empty.took))
}
