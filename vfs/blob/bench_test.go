package blob_test

import (
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"slipway/vfs/blob"
)

// endless is a source as fast as memory.
type endless struct{ block []byte }

func (e endless) Read(p []byte) (int, error) { return copy(p, e.block), nil }

// BenchmarkLarge compares storing 1 GiB (64 MiB with -short), hashed and durable,
// with a plain copy and fsync to the same disk; the ratio is what it costs.
func BenchmarkLarge(b *testing.B) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 64 << 20
	}
	d, dir := newDisk(b, blob.DiskOptions{})
	source := endless{pattern(1 << 20)}
	b.SetBytes(size)
	var plain, stored time.Duration
	for b.Loop() {
		start := time.Now()
		plainCopy(b, filepath.Join(dir, "plain"), io.LimitReader(source, size))
		plain += time.Since(start)

		start = time.Now()
		w := create(b, d)
		if _, err := io.Copy(w, io.LimitReader(source, size)); err != nil {
			b.Fatal(err)
		}
		info, err := w.Commit(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		stored += time.Since(start)
		d.Remove(b.Context(), info.Ref)
	}
	b.ReportMetric(plain.Seconds()/float64(b.N), "plain-s/op")
	b.ReportMetric(stored.Seconds()/float64(b.N), "stored-s/op")
	b.ReportMetric(stored.Seconds()/plain.Seconds(), "ratio")
}

func plainCopy(b *testing.B, name string, r io.Reader) {
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(name)
	defer f.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, r, make([]byte, 1<<20)); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkInline stages and commits 4 KiB, which the transaction carries.
func BenchmarkInline(b *testing.B) {
	d, _ := newDisk(b, blob.DiskOptions{})
	p := pattern(4096)
	b.ReportAllocs()
	for b.Loop() {
		w, err := d.Create(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		w.Write(p)
		if _, err := w.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFiles commits 128 KiB each, alone and with eight writers.
func BenchmarkFiles(b *testing.B) {
	p := pattern(128 << 10)
	store := func(b *testing.B, d *blob.Disk) {
		w, err := d.Create(b.Context())
		if err != nil {
			b.Error(err)
			return
		}
		w.Write(p)
		if _, err := w.Commit(b.Context()); err != nil {
			b.Error(err)
		}
	}
	b.Run("1", func(b *testing.B) {
		d, _ := newDisk(b, blob.DiskOptions{})
		for b.Loop() {
			store(b, d)
		}
	})
	b.Run("8", func(b *testing.B) {
		d, _ := newDisk(b, blob.DiskOptions{})
		b.SetParallelism(4)
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				n.Add(1)
				store(b, d)
			}
		})
		b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "files/s")
	})
}
