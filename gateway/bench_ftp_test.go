package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"slipway/gateway/certs"
)

// The bare server is the library that our door is built on, with its own way of
// serving a directory: afero.OsFs below a path. It has one user, hashes nothing,
// knows of no owed upload, and leaves it to the system when its files come to the
// disk. It runs in a process of its own, as ours does, so that processor time is
// that of the servers alone.

// The environment of a bare server.
const (
	benchBare = "SLIPWAY_BENCH_BARE" // its directory
	benchTLS  = "SLIPWAY_BENCH_TLS"  // "1.3": TLS 1.3 rather than 1.2, which ours speaks
)

// TestServeBareFTP is the bare server, in the process that startBenchFTP starts.
func TestServeBareFTP(t *testing.T) {
	dir := os.Getenv(benchBare)
	if dir == "" {
		return // in the tests there is nothing to serve
	}
	ctx, stop := signal.NotifyContext(t.Context(), stopSignals...)
	defer stop()
	root, data := filepath.Join(dir, "root"), filepath.Join(dir, "data")
	m, err := certs.Load(certs.Options{DataDir: dir, Hosts: []string{"127.0.0.1"}})
	err = errors.Join(err, os.MkdirAll(filepath.Join(root, "in"), 0o700), os.MkdirAll(data, 0o700))
	l, listenErr := net.Listen("tcp", "127.0.0.1:0")
	if err := errors.Join(err, listenErr); err != nil {
		t.Fatal(err)
	}
	d := bareDriver{listener: l, fs: afero.NewBasePathFs(afero.NewOsFs(), root), tls: m.FTPConfig()}
	if os.Getenv(benchTLS) == "1.3" {
		// An unread ticket would make a reset of the client's close, and lose its upload.
		d.tls = d.tls.Clone()
		d.tls.MaxVersion, d.tls.SessionTicketsDisabled = tls.VersionTLS13, true
	}
	text, err := json.Marshal(map[string]string{"ftp": l.Addr().String()})
	if err := errors.Join(err, os.WriteFile(filepath.Join(data, "addresses.json"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	server := ftpserver.NewFtpServer(d)
	server.Logger = slog.New(slog.DiscardHandler)
	context.AfterFunc(ctx, func() { server.Stop() })
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
}

// bareDriver lets everybody into a directory.
type bareDriver struct {
	listener net.Listener
	fs       afero.Fs
	tls      *tls.Config
}

func (d bareDriver) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{Listener: d.listener, DefaultTransferType: ftpserver.TransferTypeBinary}, nil
}

func (d bareDriver) ClientConnected(ftpserver.ClientContext) (string, error) { return "bare", nil }

func (d bareDriver) ClientDisconnected(ftpserver.ClientContext) {}

func (d bareDriver) AuthUser(ftpserver.ClientContext, string, string) (ftpserver.ClientDriver, error) {
	return d.fs, nil
}

func (d bareDriver) GetTLSConfig() (*tls.Config, error) { return d.tls, nil }

// serveFTPOurs starts our gateway with its FTP door.
func serveFTPOurs(b *testing.B) *benchServer {
	b.Helper()
	dir := b.TempDir()
	config := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("data_dir = %q\n%s", filepath.Join(dir, "data"), atRest) + `
[storage]
unrouted = "store"
[web]
listen = ""
[ftp]
listen = "127.0.0.1:0"
[[user]]
name = "bench"
password = "env:` + benchPassword + `"
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return startBenchFTP(b, dir, "TestServeForBenchmarks", benchConfig+"="+config, benchPassword+"=secret")
}

// serveFTPBare starts a bare server with a version of TLS.
func serveFTPBare(b *testing.B, version string) *benchServer {
	b.Helper()
	dir := b.TempDir()
	return startBenchFTP(b, dir, "TestServeBareFTP", benchBare+"="+dir, benchTLS+"="+version)
}

// startBenchFTP starts a server in dir, which is a test of this binary, and waits until
// it is bound. It stops with b.
func startBenchFTP(b *testing.B, dir, test string, env ...string) *benchServer {
	b.Helper()
	args := []string{"-test.run=^" + test + "$", "-test.timeout=0"}
	if dir := os.Getenv(benchProfile); dir != "" {
		name := strings.NewReplacer("/", "-").Replace(b.Name()) + "-" + test
		args = append(args, "-test.cpuprofile="+filepath.Join(dir, name+".pprof"), "-test.memprofile="+filepath.Join(dir, name+".mem"))
	}
	s := &benchServer{b: b, cmd: exec.Command(os.Args[0], args...)}
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stderr, s.cmd.Stdout = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.stop)
	for range 60_000 {
		var bound map[string]string
		text, err := os.ReadFile(filepath.Join(dir, "data", "addresses.json"))
		if err == nil && json.Unmarshal(text, &bound) == nil && bound["ftp"] != "" {
			s.addr = bound["ftp"]
			s.dialFTP(nil).close()
			return s
		}
		time.Sleep(time.Millisecond)
	}
	s.b.Fatalf("the server did not start:\n%s", s.log.String())
	return nil
}

// ftpLine is a control connection that costs little, because it shares the machine
// with what it measures.
type ftpLine struct {
	b    *testing.B
	host string
	conn net.Conn
	text *textproto.Conn
	tls  *tls.Config // nil: data connections are plain
}

// dialFTP signs in, under explicit TLS where config is not nil.
func (s *benchServer) dialFTP(config *tls.Config) *ftpLine {
	s.b.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.b.Fatal(err)
	}
	host, _, _ := net.SplitHostPort(s.addr)
	c := &ftpLine{b: s.b, host: host, conn: conn, text: textproto.NewConn(conn)}
	if _, _, err := c.text.ReadResponse(220); err != nil {
		s.b.Fatal(err)
	}
	if config != nil {
		c.must(234, "AUTH TLS")
		c.tls, c.conn = config, tls.Client(conn, config)
		c.text = textproto.NewConn(c.conn)
		c.must(200, "PBSZ 0")
		c.must(200, "PROT P")
	}
	c.must(331, "USER bench")
	c.must(230, "PASS secret")
	c.must(200, "TYPE I")
	return c
}

func (c *ftpLine) close() { c.conn.Close() }

// do sends a command and expects a reply.
func (c *ftpLine) do(want int, line string) (string, error) {
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		return "", err
	}
	_, text, err := c.text.ReadResponse(want)
	if err != nil {
		err = fmt.Errorf("%s: %w", line, err)
	}
	return text, err
}

// must is do, and ends the benchmark where the reply is another.
func (c *ftpLine) must(want int, line string) {
	c.b.Helper()
	if _, err := c.do(want, line); err != nil {
		c.b.Fatal(err)
	}
}

// transfer gives move the data connection of a command, by EPSV, and waits for 226.
func (c *ftpLine) transfer(line string, move func(net.Conn) error) error {
	text, err := c.do(229, "EPSV")
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(text, "(|||")
	port, _, _ = strings.Cut(port, "|)")
	conn, err := net.Dial("tcp", net.JoinHostPort(c.host, port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := c.do(150, line); err != nil {
		return err
	}
	if c.tls != nil {
		conn = tls.Client(conn, c.tls)
	}
	if err := errors.Join(move(conn), conn.Close()); err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	_, _, err = c.text.ReadResponse(226)
	return err
}

// store sends r.
func (c *ftpLine) store(r io.Reader, name string) error {
	return c.transfer("STOR "+name, func(conn net.Conn) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{r}, make([]byte, 256<<10))
		return err
	})
}

// drain runs a command that sends, and returns how many bytes came.
func (c *ftpLine) drain(line string) (n int64, err error) {
	err = c.transfer(line, func(conn net.Conn) error {
		n, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{conn}, make([]byte, 256<<10))
		return err
	})
	return n, err
}

// newFTPContest starts ours and a bare server. Where versions of TLS are given,
// there is a bare server for each.
func newFTPContest(b *testing.B, versions ...string) *contest {
	b.Helper()
	c := &contest{b: b, contestants: contestants{{name: "ours", benchServer: serveFTPOurs(b)}}}
	for _, v := range versions {
		c.contestants = append(c.contestants, &contestant{name: "bare-tls" + v, benchServer: serveFTPBare(b, v)})
	}
	if len(versions) == 0 {
		c.contestants = append(c.contestants, &contestant{name: "bare", benchServer: serveFTPBare(b, "")})
	}
	return c
}

// reportFTP says what came of all rounds, as report does. The aim is for processor
// time, or for time on the wall; 0: there is none. A round is n units, such as files.
func (c *contest) reportFTP(what, unit string, n int, aimed float64, wall bool) {
	ours, bare := c.contestants[0], c.contestants[1]
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
	if aimed == 0 {
		return
	}
	byWall, byCPU, of := ours.median()/bare.median(), ours.work()/max(bare.work(), 1e-9), "processor time"
	reached := byCPU <= aimed
	if wall {
		of, reached = "time", byWall <= aimed
	}
	aim(c.b, fmt.Sprintf("%s ≤ %.1f × the %s of ftpserverlib over a directory", what, aimed, of), reached,
		"%.2f × on the wall, %.2f × of processor time", byWall, byCPU)
}

// timed returns how long f took.
func timed(b *testing.B, f func() error) time.Duration {
	start := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// storeFile stores the first size bytes of a file by c.
func (c *ftpLine) storeFile(source string, size int64, name string) time.Duration {
	f, err := os.Open(source)
	if err != nil {
		c.b.Fatal(err)
	}
	defer f.Close()
	return timed(c.b, func() error { return c.store(io.LimitReader(f, size), name) })
}

// BenchmarkFTPLarge stores a file of 1 GiB and gets it back. Ours hashes it, and
// has it on the disk before 226. Each is stored under a name of its own: the memory
// of a file deleted just now is given out again at a fraction of the cost.
func BenchmarkFTPLarge(b *testing.B) {
	if testing.Short() {
		b.Skip("it writes 1 GiB ten times")
	}
	source := filepath.Join(b.TempDir(), "source")
	makeLarge(b, source)
	p := newFTPContest(b)
	b.Run("STOR-256MiB", func(b *testing.B) {
		// Memory is found fast for as much as this, so that hashing weighs most.
		const size = 256 << 20
		q := p.again(b)
		for i := range 6 {
			q.round(func(s *benchServer) time.Duration {
				c := s.dialFTP(nil)
				defer c.close()
				return c.storeFile(source, size, fmt.Sprintf("/in/part-%d.bin", i))
			})
		}
		q.reportFTP("STOR of 256 MiB", "MiB", size>>20, 1.5, false)
	})
	b.Run("STOR", func(b *testing.B) {
		q := p.again(b)
		for i := range 5 {
			q.round(func(s *benchServer) time.Duration {
				c := s.dialFTP(nil)
				defer c.close()
				return c.storeFile(source, largeSize, fmt.Sprintf("/in/large-%d.bin", i))
			})
		}
		q.reportFTP("STOR of 1 GiB", "MiB", largeSize>>20, 1.5, false)
	})
	b.Run("RETR", func(b *testing.B) {
		q := p.again(b)
		for range 5 {
			q.round(func(s *benchServer) time.Duration {
				c := s.dialFTP(nil)
				defer c.close()
				return timed(b, func() error {
					n, err := c.drain("RETR /in/large-4.bin")
					if err == nil && n != largeSize {
						err = fmt.Errorf("%d bytes came", n)
					}
					return err
				})
			})
		}
		q.reportFTP("RETR of 1 GiB", "MiB", largeSize>>20, 1.1, false)
	})
}

// again is a contest of the same servers for a benchmark of its own.
func (c *contest) again(b *testing.B) *contest {
	q := &contest{b: b}
	for _, s := range c.contestants {
		q.contestants = append(q.contestants, &contestant{benchServer: s.benchServer, name: s.name})
	}
	return q
}

// BenchmarkFTPSmall stores 2,000 files of 4 KiB over 4 connections. Ours has each
// of them durable, and what it owes written down, before 226.
func BenchmarkFTPSmall(b *testing.B) {
	p := newFTPContest(b)
	for i := range 8 {
		p.round(func(s *benchServer) time.Duration {
			dir := fmt.Sprintf("/in/%d", i)
			c := s.dialFTP(nil)
			defer c.close()
			c.must(257, "MKD "+dir)
			return timed(b, func() error { return s.storeMany(dir, smallFiles, smallSize) })
		})
	}
	p.reportFTP(fmt.Sprintf("STOR of %d × 4 KiB over %d connections", smallFiles, smallConns), "file", smallFiles, 1.2, true)
}

// storeMany stores n different files of size bytes over smallConns connections.
func (s *benchServer) storeMany(dir string, n, size int) error {
	var all sync.WaitGroup
	errs := make([]error, smallConns)
	for worker := range smallConns {
		c := s.dialFTP(nil)
		all.Go(func() {
			defer c.close()
			body := make([]byte, size)
			rand.Read(body)
			for i := worker; i < n && errs[worker] == nil; i += smallConns {
				binary.LittleEndian.PutUint64(body, uint64(i))
				errs[worker] = c.store(bytes.NewReader(body), fmt.Sprintf("%s/photo-%06d.bin", dir, i))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// BenchmarkFTPList lists 10,000 files: with ours once where they owe nothing, as
// the bare server's, and once with as many receipts beside them.
func BenchmarkFTPList(b *testing.B) {
	const files = 10_000
	p := newFTPContest(b)
	ours := p.contestants[0].benchServer
	for _, s := range p.contestants {
		timed(b, func() error { return s.storeMany("/in", files, 64) })
	}
	c := ours.dialFTP(nil)
	defer c.close()
	c.must(257, "MKD /rest")
	timed(b, func() error { return ours.storeMany("/rest", files, 64) })
	for _, verb := range []string{"LIST", "MLSD"} {
		for _, dir := range []struct{ name, path string }{{"files", "/rest"}, {"receipts", "/in"}} {
			b.Run(verb+"/"+dir.name, func(b *testing.B) { p.listFTP(b, verb, dir.path, files) })
		}
	}
}

// listFTP lists ours at path, and the bare one's /in.
func (c *contest) listFTP(b *testing.B, verb, path string, files int) {
	q := c.again(b)
	const lists = 5 // a round, for processor time is counted in steps of 10 ms
	for range 8 {
		q.round(func(s *benchServer) time.Duration {
			at := "/in"
			if s == q.contestants[0].benchServer {
				at = path
			}
			line := s.dialFTP(nil)
			defer line.close()
			return timed(b, func() error {
				for range lists {
					if n, err := line.drain(verb + " " + at); err != nil || n < int64(40*files) {
						return fmt.Errorf("%d bytes came: %w", n, err)
					}
				}
				return nil
			})
		})
	}
	q.reportFTP(fmt.Sprintf("%s of %d files", verb, files), "file", lists*files, 1, false)
}

// BenchmarkFTPS stores a file of 256 MiB under TLS, ours under 1.2, which is the
// only one that it speaks, and the bare ones under each. Hashing is more than half
// of what the bare server does in all, so that there is no aim.
func BenchmarkFTPS(b *testing.B) {
	const size = 256 << 20
	if testing.Short() {
		b.Skip("it makes a file of 1 GiB")
	}
	source := filepath.Join(b.TempDir(), "source")
	makeLarge(b, source)
	p := newFTPContest(b, "1.2", "1.3")
	for i := range 6 {
		p.round(func(s *benchServer) time.Duration {
			config := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
			c := s.dialFTP(config)
			defer c.close()
			return c.storeFile(source, size, fmt.Sprintf("/in/large-%d.bin", i))
		})
	}
	p.reportFTP("FTPS STOR of 256 MiB", "MiB", size>>20, 0, false)
}
