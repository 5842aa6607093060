package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"slipway/gateway/auth"
)

func (p *program) passwdCommand() *cobra.Command {
	stdin := false
	c := &cobra.Command{
		Use: "passwd", Short: "Make the hash of a password, for the configuration", Args: words(0, 0),
		Long: `Ask for a password twice, without showing it, and print its hash alone: the value of
"password" in a [[user]] of the configuration.`,
		RunE: func(c *cobra.Command, _ []string) error {
			password, err := p.password(c.Context(), stdin)
			if err != nil {
				return err
			}
			hash, err := auth.Hash(password)
			if err != nil {
				return err
			}
			p.Say("%s", hash)
			return nil
		},
	}
	c.Flags().BoolVar(&stdin, "stdin", false, "read the password from the first line of the standard input")
	return c
}

// password reads a password from the standard input, or asks twice.
func (p *program) password(ctx context.Context, stdin bool) ([]byte, error) {
	if stdin {
		return firstLine(p.env.Stdin)
	}
	ask := p.env.Ask
	if ask == nil {
		ask = p.askTerminal
	}
	first, err := ask(ctx, "Password: ")
	if err != nil {
		return nil, err
	}
	again, err := ask(ctx, "Again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, again) {
		return nil, errors.New("the two are not the same; try again")
	}
	return first, nil
}

// firstLine reads one line, without what ends it. A longer one than any password
// is an error of [auth.Hash].
func firstLine(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, auth.MaxPassword+2))
	if err != nil {
		return nil, fmt.Errorf("reading the password: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// askTerminal asks at the terminal. When ctx ends first, the terminal shows again
// what is typed; the read itself ends with the process.
func (p *program) askTerminal(ctx context.Context, prompt string) ([]byte, error) {
	f, ok := p.env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, usagef("the standard input is no terminal; give the password there with --stdin (user add: --password-stdin)")
	}
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(p.Err, prompt)     //nolint:errcheck // the screen
	defer fmt.Fprintln(p.Err, "") //nolint:errcheck // the screen
	type answer struct {
		password []byte
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		password, err := term.ReadPassword(fd)
		answers <- answer{password, err}
	}()
	select {
	case a := <-answers:
		return a.password, a.err
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}
