// Package cli is the program's command line: what people and scripts type, what
// they read in answer, and the exit codes. What the commands work on comes in an
// [Env], so that tests can take its place.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"slipway/gateway/operate"
	"slipway/gateway/strict"
)

// The exit codes, which `slipway help exit-codes` explains.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitLate   = 3
)

// ErrUsage is what an error of an [Env]'s functions is, to errors.Is, whose cause
// is the command line or the configuration: the program ends with exit code 2.
// [strict.Error] and [strict.Errors] count as such too.
var ErrUsage = operate.ErrUsage

// Need is what a command needs of the gateway that it works with.
type Need int

const (
	// NeedRecords: the files and uploads as they are recorded. Where no gateway runs,
	// the data directory is opened, and nothing is sent.
	NeedRecords Need = iota
	// NeedUploads: that what is owed is sent, until the command is through. Where no
	// gateway runs, the data directory is opened and its uploads are worked on.
	NeedUploads
	// NeedRunning: a gateway that runs. Where none does, that is the error,
	// control.ErrNotRunning.
	NeedRunning
)

// Env is what the commands work with.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Version        string
	// Getenv looks a variable of the environment up, as [os.LookupEnv] does.
	Getenv func(string) (string, bool)
	// Open reaches the gateway of a configuration. The function that it returns
	// ends the connection, or closes the data directory; it is called once.
	Open func(ctx context.Context, configPath string, need Need) (operate.Gateway, func() error, error)
	// Serve runs the gateway until ctx ends, which is no error.
	Serve func(ctx context.Context, configPath string) error
	// Check reads the configuration, tries every destination and reports each thing
	// it looked at, one after the other. Its error says that it could not go on; a
	// line that is not OK is none.
	Check func(ctx context.Context, configPath string, report func(CheckLine)) error
	// Certificate returns the file, in PEM form, of the certificate that the gateway
	// shows.
	Certificate func(ctx context.Context, configPath string) ([]byte, error)
	// Template is a complete config.toml, with comments.
	Template []byte
	// Ask asks the person at the terminal for a password, without echo; nil: at
	// Stdin.
	Ask func(ctx context.Context, prompt string) ([]byte, error)
}

// CheckLine is one thing that `slipway check` looked at.
type CheckLine struct {
	// Subject is what it is: "config.toml", "destination anh".
	Subject string `json:"subject"`
	// OK is whether it will work.
	OK bool `json:"ok"`
	// Text says what was found, Remedy what to do about it, and Notes what cannot be
	// seen from here, or is worth knowing.
	Text   string   `json:"text"`
	Remedy string   `json:"remedy,omitempty"`
	Notes  []string `json:"notes,omitempty"`
}

// Run does what args (without the program's name) ask for, until ctx ends at the
// latest, and returns the exit code: 0 for success, 1 where something failed or
// ctx ended, 2 for a wrong command line or configuration, 3 where something was
// not finished in time.
func Run(ctx context.Context, args []string, env Env) int {
	p := newProgram(env)
	root := p.root()
	root.SetArgs(append([]string{}, args...)) // nil would be those of the process
	err := root.ExecuteContext(ctx)
	if err != nil && !p.ran { // so it was cobra's, or one of how it was called
		err = usageError{err}
	}
	if err == nil && p.Out.Err != nil {
		err = fmt.Errorf("the answer cannot be written: %w", p.Out.Err)
	}
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		err = errors.New("interrupted")
	}
	p.Complain(err)
	return exitCode(err)
}

// exitError is an error with the code that the program ends with. With a nil err
// everything was said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// failed ends the program with 1 when everything was said already.
func failed() error { return &exitError{code: exitFailed} }

// usageError makes an error one of usage, and says no more than it says.
type usageError struct{ error }

func (usageError) Is(target error) bool { return target == ErrUsage }
func (e usageError) Unwrap() error      { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	var exit *exitError
	var mistake *strict.Error
	var mistakes strict.Errors
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, ErrUsage), errors.As(err, &mistakes), errors.As(err, &mistake):
		return exitUsage
	}
	return exitFailed
}
