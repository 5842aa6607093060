package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
)

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the gateway, until it is interrupted", Args: words(0, 0),
		Long: `Run the gateway: open the doors of the configuration and send what lands behind
them. It stops in good order on SIGINT and SIGTERM, and reads certificates and
configuration again on SIGHUP or "slipway reload".`,
		RunE: func(c *cobra.Command, _ []string) error {
			err := p.env.Serve(c.Context(), p.config)
			if ctx := c.Context(); ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil
			}
			return err
		},
	}
}

func (p *program) checkCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "check", Short: "Read the configuration and try every destination", Args: words(0, 0),
		Long: `Read the configuration strictly and reach every destination with a request that
uploads nothing, then say for each what works. Ends with 1 where something will not
work, and with 2 where the configuration itself is wrong.`,
		RunE: func(c *cobra.Command, _ []string) error {
			bad := 0
			err := p.env.Check(c.Context(), p.config, func(l CheckLine) {
				if !l.OK {
					bad++
				}
				if asJSON {
					p.Object(l) //nolint:errcheck // sticky
				} else {
					p.checked(l)
				}
			})
			if err == nil && bad > 0 {
				return failed()
			}
			return err
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// checked shows one thing that was checked.
func (p *program) checked(l CheckLine) {
	mark := "✓"
	if !l.OK {
		mark = "✗"
	}
	p.Say("%s %s: %s", mark, l.Subject, l.Text)
	if l.Remedy != "" {
		p.Say("    → %s", l.Remedy)
	}
	for _, note := range l.Notes {
		p.Say("    note: %s", note)
	}
}

func (p *program) initCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init [DIR]", Short: "Write a config.toml to begin with", Args: words(0, 1),
		Long: `Write a complete config.toml with comments, which runs as it is, into DIR (made
where it is missing), or to where --config says. What is there already is never
overwritten.`,
		RunE: func(c *cobra.Command, args []string) error {
			file := p.config
			if len(args) == 1 {
				if c.Flags().Changed("config") {
					return usagef("give either a folder or --config")
				}
				file = filepath.Join(args[0], "config.toml")
			}
			return p.writeConfig(file)
		},
	}
}

func (p *program) writeConfig(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	// It will hold hashes and keys.
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already, and was left as it is", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(p.env.Template)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	flag := ""
	if file != "config.toml" {
		flag = " --config " + file
	}
	p.Say("Wrote %s. What to do next:", file)
	p.Say("  1. Put in your image hosts and folders; it runs as it is, too.")
	p.Say("  2. slipway check%s    says whether every host can be reached", flag)
	p.Say("  3. slipway serve%s    starts the gateway; without users it makes one and shows the password", flag)
	return nil
}

func (p *program) statusCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "status", Short: "Say what runs, and where", Args: words(0, 0),
		Long: `Say what runs, and at which addresses, and below that what waits for you: deletions
that many came of at once, at hosts and in watched folders, and links that failed. Ends
with 1 where no gateway runs.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), NeedRunning, func(g operate.Gateway) error {
				s, err := g.Status(c.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return p.Object(s)
				}
				p.status(s)
				return p.asks(c.Context(), g, s)
			})
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

func (p *program) status(s operate.Status) {
	state := "stopping or starting: no door is open"
	if s.Serving {
		state = "serving"
	}
	t := show.NewTable(p.Out, "STATE", state)
	t.Row("VERSION", show.Or(s.Version))
	t.Row("PROCESS", fmt.Sprint(s.PID))
	t.Row("STARTED", show.When(s.Started))
	t.Row("DATA", show.Or(s.DataDir))
	for _, door := range slices.Sorted(maps.Keys(s.Addresses)) {
		t.Row(strings.ToUpper(show.Plain(door)), show.Plain(s.Addresses[door]))
	}
	for _, w := range s.Webhooks {
		t.Row("WEBHOOK", webhook(w))
	}
	for _, w := range s.Watches {
		t.Row("WATCH", watchLine(w))
	}
	for _, k := range s.Keeping {
		t.Row("KEPT", show.Plain(k.Setting+": "+k.Text))
	}
	t.End()
}

// asks says what waits for a person, and what to do.
func (p *program) asks(ctx context.Context, g operate.Gateway, s operate.Status) error {
	for _, w := range s.Watches {
		if text := askedOf(w); text != "" {
			p.Say("%s: %s", w.Folder, text)
		}
	}
	deletions, err := g.Deletions(ctx, operate.DeletionFilter{Limit: 1})
	if err != nil {
		return err
	}
	for _, b := range deletions.Brakes {
		p.Say("%s", braked(b))
	}
	failed, err := g.Links(ctx, operate.LinkFilter{States: []string{"failed"}, Limit: linksAtOnce})
	if n := len(failed.Links); n > 0 {
		count := show.Count(n, "link")
		if failed.Next != "" {
			count += " or more"
		}
		p.Say("%s failed: `slipway queue links --state failed` says which and why, `slipway queue retry --path FILE` tries again.", count)
	}
	return err
}

// webhook says how the messages of one stand.
func webhook(w operate.Webhook) string {
	text := show.Plain(w.Name) + ": "
	switch {
	case w.Waiting == 0:
		text += "nothing waits"
	default:
		text += fmt.Sprintf("%d waiting since %s", w.Waiting, show.When(w.Oldest))
	}
	if w.GivenUp > 0 {
		text += fmt.Sprintf(", %d given up", w.GivenUp)
	}
	if w.Error != "" {
		text += ": " + show.Plain(w.Error)
	}
	return text
}

func (p *program) reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reload", Short: "Have the running gateway read its configuration again", Args: words(0, 0),
		Long: `Have the running gateway read certificates, users, routes and destinations again.
Files that are waiting already keep the destinations they have.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), NeedRunning, func(g operate.Gateway) error {
				r, err := g.Reload(c.Context())
				if err != nil {
					return err
				}
				p.reloaded(r)
				return nil
			})
		},
	}
}

func (p *program) reloaded(r operate.Reloaded) {
	if len(r.Changed) == 0 {
		p.Say("Read again; nothing changed.")
	} else {
		p.Say("Read again; in use now: %s.", strings.Join(r.Changed, ", "))
	}
	if len(r.Restart) > 0 {
		p.Say("These need a restart: %s.", strings.Join(r.Restart, ", "))
	}
}

func (p *program) versionCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: words(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return p.Object(map[string]string{"version": p.env.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			p.Say("slipway %s (%s, %s/%s)", p.env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

func jsonFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "json", false, "answer in JSON, one object a line")
}
