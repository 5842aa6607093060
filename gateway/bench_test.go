package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The benchmarks measure the program as people run it: a process of its own, over
// loopback, with its files on the disk of the temporary folder. Run them with
// `make bench`. Each makes as many rounds as it needs, whatever b.N is, and reports
// their median. With SLIPWAY_BENCH_PROFILE=DIR the servers write profiles there, of
// the processor, of memory, and of what waits.

// The environment of a server under measurement.
const (
	benchConfig   = "SLIPWAY_BENCH_CONFIG"
	benchUnsafe   = "SLIPWAY_BENCH_UNSAFE"
	benchPlain    = "SLIPWAY_BENCH_PLAIN"
	benchSynced   = "SLIPWAY_BENCH_SYNCED"
	benchProfile  = "SLIPWAY_BENCH_PROFILE"
	benchPassword = "SLIPWAY_BENCH_PASSWORD"
)

// TestServeForBenchmarks is the server of the benchmarks, in the process that
// benchServer starts.
func TestServeForBenchmarks(t *testing.T) {
	path := os.Getenv(benchConfig)
	if path == "" {
		return // in the tests there is nothing to serve
	}
	ctx, stop := signal.NotifyContext(t.Context(), stopSignals...)
	defer stop()
	if dir := os.Getenv(benchPlain); dir != "" {
		servePlain(ctx, t, dir, filepath.Join(filepath.Dir(path), "data", "addresses.json"))
		return
	}
	c, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := openApp(ctx, appOptions{
		config: c, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		getenv: os.LookupEnv, notice: func(string, ...any) {}, unsafe: os.Getenv(benchUnsafe) != "",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.run(ctx, func() {}), a.close()); err != nil {
		t.Fatal(err)
	}
}

// bench is what a server under measurement is made of.
type bench struct {
	dir    string // its data directory
	config string // beyond what all have in common: destinations, routes, quiet
	unsafe bool   // without fsync
	plain  bool   // golang.org/x/net/webdav over a directory instead of ours
	synced bool   // that with fsync
}

// benchServer is a running one.
type benchServer struct {
	b    *testing.B
	cmd  *exec.Cmd
	addr string
	took time.Duration // from the start to the first answer
	log  bytes.Buffer
}

// serve starts a server and waits until it answers. It stops with b.
func (o bench) serve(b *testing.B) *benchServer {
	b.Helper()
	config := filepath.Join(o.dir, "config.toml")
	text := fmt.Sprintf("data_dir = %q\n%s\n", filepath.Join(o.dir, "data"), o.config) + `
[web]
listen = "127.0.0.1:0"
[ftp]
listen = ""
[[user]]
name = "bench"
password = "env:` + benchPassword + `"
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	args := []string{"-test.run=^TestServeForBenchmarks$", "-test.timeout=0"}
	if dir := os.Getenv(benchProfile); dir != "" {
		name := strings.NewReplacer("/", "-").Replace(b.Name()) + "-" + strconv.FormatInt(time.Now().UnixMilli(), 36)
		if o.plain {
			name += "-plain"
		}
		name = filepath.Join(dir, name)
		args = append(args, "-test.cpuprofile="+name+".pprof", "-test.mutexprofile="+name+".mutex", "-test.blockprofile="+name+".block",
			"-test.memprofile="+name+".mem")
	}
	s := &benchServer{b: b, cmd: exec.Command(os.Args[0], args...)}
	s.cmd.Env = append(os.Environ(), benchConfig+"="+config, benchPassword+"=secret")
	if o.unsafe {
		s.cmd.Env = append(s.cmd.Env, benchUnsafe+"=1")
	}
	if o.plain {
		s.cmd.Env = append(s.cmd.Env, benchPlain+"="+filepath.Join(o.dir, "plain"))
	}
	if o.synced {
		s.cmd.Env = append(s.cmd.Env, benchSynced+"=1")
	}
	s.cmd.Stderr, s.cmd.Stdout = &s.log, &s.log
	addresses := filepath.Join(o.dir, "data", "addresses.json")
	os.Remove(addresses)
	started := time.Now()
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.stop)
	s.wait(addresses)
	s.took = time.Since(started)
	return s
}

// wait waits until the server is bound and answers.
func (s *benchServer) wait(addresses string) {
	s.b.Helper()
	for range 60_000 {
		var bound map[string]string
		text, err := os.ReadFile(addresses)
		if err == nil && json.Unmarshal(text, &bound) == nil && bound["web"] != "" {
			s.addr = bound["web"]
			c := s.dial()
			defer c.close()
			c.must(207, "PROPFIND", "/", "Depth: 0\r\n", nil)
			return
		}
		time.Sleep(time.Millisecond)
	}
	s.b.Fatalf("the server did not start:\n%s", s.log.String())
}

// stop ends the server gracefully. It may be called again.
func (s *benchServer) stop() {
	if s.cmd.ProcessState != nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		s.b.Errorf("the server ended badly: %v\n%s", err, s.log.String())
	}
}

// memory returns the most memory that was resident, and what is now, in bytes.
func (s *benchServer) memory() (peak, now int64) {
	s.b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.b.Skip("this system does not tell a process's memory")
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmHWM":
			peak = n << 10
		case "VmRSS":
			now = n << 10
		}
	}
	return peak, now
}

// cpu returns how much processor time the server has used, in steps of 10 ms;
// other programs on the machine disturb it less than the time on the wall. It is 0
// where that is not known.
func (s *benchServer) cpu() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid)) //nolint:errcheck // As said above.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// client is an HTTP/1.1 client on one connection that costs little, because it
// shares the machine with what it measures.
type client struct {
	b      *testing.B
	conn   net.Conn
	r      *bufio.Reader
	header string
	buf    []byte
}

func (s *benchServer) dial() *client {
	s.b.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.b.Fatal(err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte("bench:secret"))
	return &client{b: s.b, conn: conn, r: bufio.NewReaderSize(conn, 64<<10), header: "Host: " + s.addr + "\r\nAuthorization: Basic " + basic + "\r\n"}
}

func (c *client) close() { c.conn.Close() }

// send writes a request's head and, in the same packet, its body or the
// beginning of it.
func (c *client) send(method, path, header string, size int64, body []byte) error {
	c.buf = append(c.buf[:0], method+" /dav"+path+" HTTP/1.1\r\n"+c.header+header+"Content-Length: "...)
	c.buf = strconv.AppendInt(c.buf, size, 10)
	c.buf = append(append(c.buf, "\r\n\r\n"...), body...)
	_, err := c.conn.Write(c.buf)
	return err
}

// receive reads an answer. It returns its status and how long its body is.
func (c *client) receive() (status int, n int64, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	length, chunked := int64(0), false
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return status, 0, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.ParseInt(string(v), 10, 64)
		}
		chunked = chunked || bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked"))
	}
	if !chunked {
		n, err := io.CopyN(io.Discard, c.r, length)
		return status, n, err
	}
	return c.chunks(status)
}

func (c *client) chunks(status int) (int, int64, error) {
	text := textproto.NewReader(c.r)
	for total := int64(0); ; {
		line, err := text.ReadLine()
		if err != nil {
			return status, total, err
		}
		n, err := strconv.ParseInt(line, 16, 64)
		if err != nil {
			return status, total, err
		}
		if _, err := c.r.Discard(int(n) + 2); err != nil || n == 0 {
			return status, total, err
		}
		total += n
	}
}

// must makes a request, expects a status, and returns how long the answer is.
func (c *client) must(want int, method, path, header string, body []byte) int64 {
	status, n, err := 0, int64(0), c.send(method, path, header, int64(len(body)), body)
	if err == nil {
		status, n, err = c.receive()
	}
	if err != nil || status != want {
		c.b.Errorf("%s %s: status %d instead of %d, error %v", method, path, status, want, err)
	}
	return n
}

// aim says what was to be reached and what was.
func aim(b *testing.B, what string, reached bool, format string, args ...any) {
	b.Helper()
	word := "reached"
	if !reached {
		word = "MISSED"
	}
	b.Logf("aim %s: got %s (%s)", what, fmt.Sprintf(format, args...), word)
}

// quantile returns the q-th part of a list, 0 the least and 1 the greatest.
func quantile[T int64 | float64 | time.Duration](list []T, q float64) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
