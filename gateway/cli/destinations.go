package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
)

// pauseCommand stops or starts one destination.
func (p *program) pauseCommand(verb, short string, do func(operate.Gateway, context.Context, string) error) *cobra.Command {
	c := &cobra.Command{
		Use: verb + " DESTINATION", Short: short, Args: words(1, 1),
		Long: short + ". Its uploads stay as they are.",
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				s := selection{destination: args[0]}
				if args[0] == "" {
					return usagef("the name of the destination is empty")
				}
				if err := s.known(c.Context(), g); err != nil {
					return err
				}
				if err := do(g, c.Context(), args[0]); err != nil {
					return err
				}
				p.Say("%s: %sd.", args[0], verb)
				return nil
			})
		},
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return p.ask(c, destinationNames), cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

func (p *program) destinationsCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "destinations", Short: "List the destinations and how they are", Args: words(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				all, err := g.Destinations(c.Context())
				if err != nil {
					return err
				}
				if !asJSON {
					return p.destinationTable(all)
				}
				for _, d := range all {
					if err := p.Object(d); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

func (p *program) destinationTable(all []operate.Destination) error {
	t := show.NewTable(p.Out, "DESTINATION", "DRIVER", "HOST", "STATE", "SINCE", "NEXT TRY", "UPLOADS")
	for _, d := range all {
		state := "ready"
		switch {
		case d.Paused:
			state = "paused"
		case !d.Configured:
			state = "not configured"
		}
		t.Row(show.Plain(d.Name), show.Or(d.Driver), show.Or(d.Host), state, show.When(d.Since), show.When(d.Probe), counts(d.Counts))
	}
	t.End()
	for _, d := range all {
		if d.Error != "" {
			p.Say("%s: %s", d.Name, show.Sentences(d.Error, d.Remedy))
		}
	}
	return p.Out.Err
}

// counts shows uploads by state, in the order of an upload's life.
func counts(by map[string]int) string {
	var parts []string
	for _, state := range operate.States {
		if n := by[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return show.Or(strings.Join(parts, ", "))
}

// completionTime is how long a shell waits for what is asked of a gateway.
const completionTime = time.Second

// complete has the shell complete a flag with words of the running gateway.
func (p *program) complete(c *cobra.Command, flag string, words func(context.Context, operate.Gateway) []string) {
	err := c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return p.ask(c, words), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		p.Complain(err) // there is no such flag: a mistake in this package
	}
}

// ask asks the running gateway for words; without one there are none.
func (p *program) ask(c *cobra.Command, words func(context.Context, operate.Gateway) []string) (found []string) {
	ctx, cancel := context.WithTimeout(c.Context(), completionTime)
	defer cancel()
	p.with(ctx, NeedRunning, func(g operate.Gateway) error { //nolint:errcheck // then there are no words
		found = words(ctx, g)
		return nil
	})
	return found
}

func destinationNames(ctx context.Context, g operate.Gateway) []string {
	all, err := g.Destinations(ctx)
	if err != nil {
		return nil
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}
