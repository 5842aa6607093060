package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/strict"
)

// program is one run of the command line.
type program struct {
	*show.Screen
	env    Env
	config string // --config
	ran    bool   // the command line was understood, and the command began
}

func newProgram(env Env) *program {
	return &program{Screen: &show.Screen{Out: &show.Sticky{W: env.Stdout}, Err: env.Stderr}, env: env}
}

const rootLong = `Slipway sends every picture that lands in a folder to the image hosts you choose,
and puts the URL beside it.

Begin with "slipway init", then "slipway check", then "slipway serve".`

const exitCodes = `Every command ends with one of these codes:

  0  it did what was asked
  1  something failed: the error output says what, and what to do
  2  the command line or the configuration is wrong; nothing was done
  3  something was not finished in time (put, watch or replay, --timeout); it goes on by itself
     while a gateway runs. Of map: not every old address has a new one yet

A command that is interrupted (Ctrl-C) ends with 1; "slipway serve" then stops in
good order, with 0.`

// root is all commands.
func (p *program) root() *cobra.Command {
	root := p.group("slipway", "Drop a picture into a folder; find its URL beside it", rootLong,
		p.serveCommand(), p.checkCommand(), p.initCommand(), p.passwdCommand(), p.userCommand(), p.tokenCommand(),
		p.putCommand(), p.watchCommand(), p.lsCommand(), p.explainCommand(), p.queueCommand(), p.replayCommand(), p.mapCommand(), p.destinationsCommand(),
		p.statusCommand(), p.reloadCommand(), p.certificateCommand(), p.versionCommand(),
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodes},
	)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentPreRun = func(*cobra.Command, []string) { p.ran = true }
	root.SetIn(p.env.Stdin)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if not .HasSubCommands}}", 1))
	root.SetHelpCommand(p.helpCommand())
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		p.onlyHolds(c)
	}
	config := "config.toml"
	if p.env.Getenv != nil {
		if v, ok := p.env.Getenv("SLIPWAY_CONFIG"); ok && v != "" {
			config = v
		}
	}
	root.PersistentFlags().StringVar(&p.config, "config", config, "the configuration `file` (or $SLIPWAY_CONFIG)")
	return root
}

// group is a command that only holds others. Alone, or with a word that is none
// of them, it is an error.
func (p *program) group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long}
	c.AddCommand(commands...)
	p.onlyHolds(c)
	return c
}

// onlyHolds makes c an error where it is called itself.
func (p *program) onlyHolds(c *cobra.Command) {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		p.ran = false
		if len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		c.SetOut(p.Err)
		return errors.Join(c.Usage(), errors.New("say which command"))
	}
}

func unknownCommand(c *cobra.Command, word string) error {
	return usagef("there is no command %q; %s (`%s --help` tells more)", c.CommandPath()+" "+word, strict.Suggest(word, names(c)), c.CommandPath())
}

// words demands from min to max words after a command; a max below 0 is no limit.
func words(min, max int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if n := len(args); n < min || max >= 0 && n > max {
			return usagef("%s given; it is called as: %s", show.Count(n, "word"), c.UseLine())
		}
		return nil
	}
}

// names returns what may follow c.
func names(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// flagError names the flag that was probably meant.
func flagError(c *cobra.Command, err error) error {
	if args := c.Flags().Args(); c.HasSubCommands() && len(args) > 0 {
		return unknownCommand(c, args[0])
	}
	var unknown interface{ GetSpecifiedName() string }
	if !errors.As(err, &unknown) || !strings.HasPrefix(err.Error(), "unknown flag") {
		return usagef("%w (`%s --help` tells more)", err, c.CommandPath())
	}
	var flags []string
	for line := range strings.Lines(c.Flags().FlagUsages()) {
		if _, rest, ok := strings.Cut(line, "--"); ok {
			flags = append(flags, strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '[' || r == '\n' })[0])
		}
	}
	near := strict.Nearest(unknown.GetSpecifiedName(), flags)
	if near == "" {
		return usagef("%w (`%s --help` lists them)", err, c.CommandPath())
	}
	return usagef("%w; did you mean --%s?", err, near)
}

// helpCommand is cobra's, with an error for what there is no help on.
func (p *program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help on a command, or on exit-codes",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 && (about.HasSubCommands() || !about.Runnable()) {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			about, _, err := c.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(about), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// with gives f the gateway that the command needs.
func (p *program) with(ctx context.Context, need Need, f func(operate.Gateway) error) (err error) {
	g, end, err := p.env.Open(ctx, p.config, need)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := end(); err == nil && closeErr != nil {
			err = fmt.Errorf("closing the data directory: %w", closeErr)
		}
	}()
	return f(g)
}

// inside returns p as a path of the gateway's: absolute, and clean.
func inside(p string) string { return path.Clean("/" + p) }
