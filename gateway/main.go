// Command slipway is an ingestion gateway: drop a picture into a folder, and find
// its URL beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/term"

	"slipway"
	"slipway/gateway/cli"
	"slipway/gateway/control"
	"slipway/gateway/operate"
)

// version is set when a release is built.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals...)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr))
}

// program is what one run of the program works with.
type program struct {
	version string
	getenv  func(string) (string, bool)
	stderr  io.Writer
	// grace is how long deletions at hosts wait; 0: as long as package ledger says.
	// Tests do not wait for so long.
	grace time.Duration
}

// run is the program, for main and for tests. It returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) (string, bool), stdin io.Reader, stdout, stderr io.Writer) int {
	return program{version: buildVersion(), getenv: getenv, stderr: stderr}.run(ctx, args, stdin, stdout)
}

func (p program) run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) int {
	getenv, stderr := p.getenv, p.stderr
	return cli.Run(ctx, args, cli.Env{
		Stdin: stdin, Stdout: stdout, Stderr: stderr, Version: p.version, Getenv: getenv,
		Open: p.open, Serve: p.serve, Check: p.check, Certificate: p.certificate, Template: slipway.ConfigTemplate,
	})
}

// buildVersion returns the version that was built, or "devel".
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func (p program) options(c *Config) appOptions {
	return appOptions{
		config: c, log: newLogger(c.Log, p.stderr), version: p.version, getenv: p.getenv,
		notice: func(format string, args ...any) { fmt.Fprintf(p.stderr, format, args...) }, grace: p.grace,
	}
}

// once is options for one command: of its uploads it tells itself, and what is logged
// does not run into the line that shows how far they are.
func (p program) once(c *Config) appOptions {
	if level := slog.Level(0); level.UnmarshalText([]byte(c.Log.Level)) != nil || level == slog.LevelInfo {
		quiet := *c
		quiet.Log.Level = slog.LevelWarn.String()
		c = &quiet
	}
	o := p.options(c)
	if f, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) && c.Log.Format != "json" {
		o.log = slog.New(slog.NewTextHandler(overLine{f}, &slog.HandlerOptions{Level: levelOf(c.Log)}))
	}
	return o
}

// overLine writes lines over what stands on the terminal's last one.
type overLine struct{ io.Writer }

func (w overLine) Write(line []byte) (int, error) {
	if _, err := w.Writer.Write(append([]byte("\r\x1b[K"), line...)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// usage marks an error of the configuration, which ends with exit code 2.
func usage(err error) error { return usageError{err} }

type usageError struct{ error }

// Is makes it cli.ErrUsage.
func (usageError) Is(target error) bool { return target == cli.ErrUsage }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

// certificate reads the file of the certificate that the gateway of a configuration
// shows.
func (p program) certificate(_ context.Context, path string) ([]byte, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, usage(err)
	}
	name := c.resolve(c.TLS.CertFile)
	switch {
	case len(c.TLS.ACMEDomains) > 0:
		return nil, errors.New("the certificate comes from a public authority, which devices know already")
	case name == "":
		name = filepath.Join(c.dataDir(), "cert.pem")
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) && c.TLS.CertFile == "" {
		return nil, errors.New("the certificate is made at the first start with TLS; start `slipway serve` once")
	}
	return text, err
}

// open reaches the gateway that runs in the data directory, or opens the
// directory for this one command.
func (p program) open(ctx context.Context, path string, need cli.Need) (operate.Gateway, func() error, error) {
	c, err := loadConfig(path)
	if err != nil {
		return nil, nil, usage(err)
	}
	client, err := control.Dial(ctx, c.dataDir())
	if err == nil {
		return operate.NewClient(client), func() error { client.Close(); return nil }, nil
	}
	if need == cli.NeedRunning || !errors.Is(err, control.ErrNotRunning) {
		return nil, nil, err
	}
	a, err := openApp(ctx, p.once(c))
	if err != nil {
		return nil, nil, err
	}
	if need != cli.NeedUploads {
		return operations{a}, a.close, nil
	}
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- a.run(runCtx, nil) }()
	return operations{a}, func() error {
		stop()
		return errors.Join(<-done, a.close())
	}, nil
}
