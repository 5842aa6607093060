package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	xdav "golang.org/x/net/webdav"
)

// The plain server is the Handler of golang.org/x/net/webdav over its Dir, under
// the same kind of HTTP server, in a process of its own as ours. It knows no users,
// hashes nothing and owes nothing to anybody, and leaves it to the system when its
// files come to the disk, unless it is synced.

// servePlain serves dir until ctx ends, and writes its address to a file as ours does.
func servePlain(ctx context.Context, t *testing.T, dir, addresses string) {
	for _, d := range []string{filepath.Join(dir, "in"), filepath.Dir(addresses)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"web": l.Addr().String()})
	if err == nil {
		err = os.WriteFile(addresses, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	handler := &xdav.Handler{Prefix: davPrefix, FileSystem: xdav.Dir(dir), LockSystem: xdav.NewMemLS()}
	if os.Getenv(benchSynced) != "" {
		handler.FileSystem = syncedDir{xdav.Dir(dir)}
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	if err := serveHTTP(ctx, server, l); err != nil {
		t.Fatal(err)
	}
}

// syncedDir has each file that was written on the disk when it is closed, and the
// name it has in its folder.
type syncedDir struct{ xdav.Dir }

func (d syncedDir) OpenFile(ctx context.Context, name string, flag int, perm os.FileMode) (xdav.File, error) {
	f, err := d.Dir.OpenFile(ctx, name, flag, perm)
	if err != nil || flag&os.O_CREATE == 0 {
		return f, err
	}
	return syncedFile{f.(*os.File)}, nil
}

type syncedFile struct{ *os.File }

func (f syncedFile) Close() error {
	err := errors.Join(f.Sync(), f.File.Close())
	folder, openErr := os.Open(filepath.Dir(f.Name()))
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	return errors.Join(err, folder.Sync(), folder.Close())
}

// contest is our server and plain ones, which take turns.
type contest struct {
	b *testing.B
	contestants
}

type contestants []*contestant

type contestant struct {
	*benchServer
	name string
	wall []float64 // seconds a round
	used []float64 // seconds of the server's processor time a round
}

// newContest starts them, ours first. more is added to our configuration.
func newContest(b *testing.B, more string) *contest {
	b.Helper()
	return &contest{b, contestants{
		{name: "ours", benchServer: bench{dir: b.TempDir(), config: atRest + more}.serve(b)},
		{name: "x/net", benchServer: bench{dir: b.TempDir(), plain: true}.serve(b)},
		{name: "x/net-synced", benchServer: bench{dir: b.TempDir(), plain: true, synced: true}.serve(b)},
	}}
}

// round lets all do the same, one after the other. f returns how long it took on
// the wall.
func (c *contest) round(f func(s *benchServer) time.Duration) {
	for _, s := range c.contestants {
		clean()
		before := s.cpu()
		s.wall = append(s.wall, f(s.benchServer).Seconds())
		s.used = append(s.used, (s.cpu() - before).Seconds())
	}
}

// report says what came of all rounds, the time on the wall by medians and that of
// the processors by means, because it is counted in steps of 10 ms. A round is n
// units, such as files.
func (c *contest) report(what, unit string, n int, aimed float64) {
	ours, plain := c.contestants[0], c.contestants[1]
	c.b.ReportMetric(0, "ns/op")
	for _, s := range c.contestants {
		c.b.ReportMetric(s.median()*1e3, s.name+"-ms")
		c.b.Logf("%-12s %6.0f ms on the wall (%d rounds: %.3f s), %.1f µs of processor time a %s",
			s.name, s.median()*1e3, len(s.wall), s.wall, s.work()*1e6/float64(n), unit)
		if s != ours {
			c.b.ReportMetric(ours.median()/s.median(), "wall/"+s.name)
			c.b.ReportMetric(ours.work()/max(s.work(), 1e-9), "cpu/"+s.name)
		}
	}
	aim(c.b, fmt.Sprintf("%s ≤ %.1f × golang.org/x/net/webdav", what, aimed), ours.median() <= aimed*plain.median(),
		"%.2f × on the wall, %.2f × of processor time", ours.median()/plain.median(), ours.work()/max(plain.work(), 1e-9))
}

func (s *contestant) median() float64 { return quantile(s.wall, 0.5) }

func (s *contestant) work() float64 {
	sum := 0.0
	for _, c := range s.used {
		sum += c
	}
	return sum / float64(len(s.used))
}

// BenchmarkPlainPutLarge sends a file of 1 GiB to each. Ours hashes it and syncs it
// to the disk before the answer.
func BenchmarkPlainPutLarge(b *testing.B) {
	if testing.Short() {
		b.Skip("it writes 1 GiB fifteen times")
	}
	source := filepath.Join(b.TempDir(), "source")
	makeLarge(b, source)
	p := newContest(b, "")
	for i := range 5 {
		name := fmt.Sprintf("/in/large-%d.bin", i)
		p.round(func(s *benchServer) time.Duration {
			c := s.dial()
			defer c.close()
			took := c.putFile(source, name)
			c.must(204, "DELETE", name, "", nil)
			return took
		})
	}
	p.report("PUT of 1 GiB", "MiB", largeSize>>20, 1)
}

// BenchmarkPlainPutSmall sends 2,000 files of 4 KiB over 4 connections to each.
// Ours has each of them durable, and what it owes written down, before the answer.
func BenchmarkPlainPutSmall(b *testing.B) {
	p := newContest(b, "")
	for i := range 8 {
		p.round(func(s *benchServer) time.Duration {
			return time.Duration(smallFiles / s.putSmall(i) * float64(time.Second))
		})
	}
	p.report(fmt.Sprintf("PUT of %d × 4 KiB over %d connections", smallFiles, smallConns), "file", smallFiles, 1)
}

// BenchmarkPlainList lists 10,000 files with each: with ours once where they owe
// nothing, as the plain server's, and once with as many receipts beside them.
func BenchmarkPlainList(b *testing.B) {
	p := newContest(b, "[storage]\nunrouted = \"store\"\n")
	p.contestants = p.contestants[:2] // nothing is written
	for _, s := range p.contestants {
		s.putMany("/in", listed, 64)
	}
	ours := p.contestants[0]
	c := ours.dial()
	defer c.close()
	c.must(201, "MKCOL", "/rest", "", nil)
	ours.putMany("/rest", listed, 64)
	for _, body := range propfinds {
		for _, dir := range []struct{ name, path string }{{"files", "/rest/"}, {"receipts", "/in/"}} {
			b.Run(body.name+"/"+dir.name, func(b *testing.B) { p.list(b, body.text, dir.path) })
		}
	}
	peak, _ := ours.memory()
	b.Logf("ours had %.1f MiB resident at the most", mib(peak))
}

// list lists ours at path, and the plain one's /in.
func (c *contest) list(b *testing.B, body, path string) {
	q := contest{b: b}
	for _, s := range c.contestants {
		q.contestants = append(q.contestants, &contestant{benchServer: s.benchServer, name: s.name})
	}
	for range 8 {
		q.round(func(s *benchServer) time.Duration {
			at := "/in/"
			if s == q.contestants[0].benchServer {
				at = path
			}
			c := s.dial()
			defer c.close()
			start := time.Now()
			c.must(207, "PROPFIND", at, "Depth: 1\r\n", []byte(body))
			return time.Since(start)
		})
	}
	q.report("PROPFIND of 10,000 files", "file", listed, 0.2)
}
