// Package programtest runs the program as people do, as a process of its own,
// for tests that kill it or look at everything that it says.
package programtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"slipway/gateway/control"
	"slipway/gateway/operate"
)

// BinaryVariable names a program that is built already, which [Build] then returns.
const BinaryVariable = "SLIPWAY_TEST_PROGRAM"

// Build compiles the program of this checkout once for a test, with these flags of
// go build, or takes the one that [BinaryVariable] names, and returns its path.
func Build(t testing.TB, flags ...string) string {
	t.Helper()
	if given := os.Getenv(BinaryVariable); given != "" {
		return given
	}
	path := filepath.Join(t.TempDir(), "slipway")
	args := append(append([]string{"build"}, flags...), "-o", path, "slipway/gateway")
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("the program does not build: %v\n%s", err, out)
	}
	return path
}

// Options say what is started.
type Options struct {
	Program string   // its path
	Config  string   // path of config.toml
	DataDir string   // as the configuration has it, absolute
	Env     []string // NAME=value, beside PATH; nothing else is handed on
	Log     *Log     // what it writes; nil: thrown away
}

// Process is one run of `serve`. It is safe for concurrent use.
type Process struct {
	o    Options
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; read it after done
	once sync.Once
	addr string
}

// startTime is how long a start may take; the machine may be busy.
const startTime = 30 * time.Second

// Launch starts the program and does not wait for it to be ready.
func Launch(o Options) (*Process, error) {
	// A killed process leaves its addresses behind.
	if err := os.Remove(addresses(o)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	cmd := exec.Command(o.Program, "serve", "--config", o.Config)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(o.DataDir)}, o.Env...)
	if o.Log != nil {
		cmd.Stdout, cmd.Stderr = o.Log, o.Log
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{o: o, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func addresses(o Options) string { return filepath.Join(o.DataDir, "addresses.json") }

// Start starts the program and waits until it answers.
func Start(ctx context.Context, o Options) (*Process, error) {
	p, err := Launch(o)
	if err != nil {
		return nil, err
	}
	if err := p.Ready(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// Ready waits until the program answers.
func (p *Process) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if p.answers(ctx) {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("the program ended before it was ready: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("the program did not become ready: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// answers reports whether both WebDAV and the control socket do.
func (p *Process) answers(ctx context.Context) bool {
	bound, err := control.ReadAddresses(p.o.DataDir)
	if err != nil {
		return false
	}
	web, err := net.Dial("tcp", bound["web"])
	if err != nil {
		return false
	}
	web.Close() //nolint:errcheck // only dialled
	c, err := control.Dial(ctx, p.o.DataDir)
	if err != nil {
		return false
	}
	c.Close()
	p.addr = bound["web"]
	return true
}

// Client returns a client for a user's files, which [Process.Ready] must precede.
func (p *Process) Client(user, password string) *Client {
	return NewClient("http://"+p.addr+"/dav", user, password)
}

// Kill ends the process as kill -9 does, if it still runs, and returns when it is
// gone.
func (p *Process) Kill() {
	p.once.Do(func() { p.cmd.Process.Kill() }) //nolint:errcheck // it may have ended by itself
	<-p.done
}

// Stop ends the process as a service manager does, and returns how it ended.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(startTime):
		p.Kill()
		return errors.New("the program did not stop when it was told to")
	}
}

// Done is closed when the process has ended, however it did.
func (p *Process) Done() <-chan struct{} { return p.done }

// Gateway returns what commands speak to, and a function that ends it.
func (p *Process) Gateway(ctx context.Context) (operate.Gateway, func(), error) {
	c, err := control.Dial(ctx, p.o.DataDir)
	if err != nil {
		return nil, nil, err
	}
	return operate.NewClient(c), c.Close, nil
}

// Uploads returns the uploads that f selects.
func (p *Process) Uploads(ctx context.Context, f operate.Filter) (all []operate.Upload, err error) {
	g, end, err := p.Gateway(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	for u, err := range g.Uploads(ctx, f) {
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// Run runs a command of the program beside `serve`, and returns what it printed.
func (p *Process) Run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, p.o.Program, append(args, "--config", p.o.Config)...)
	cmd.Env = p.cmd.Env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Log keeps what a process writes. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write keeps b.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String returns all that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Tail returns the last n bytes or fewer.
func (l *Log) Tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}
