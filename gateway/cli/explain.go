package cli

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/progress"
)

func (p *program) explainCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "explain PATH", Short: "Say what becomes of a file, and why", Args: words(1, 1),
		Long: `Say which route takes the file at PATH, where it goes, with which album and title,
and what it waits for. The file need not be there yet.`,
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef("the path is empty")
			}
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				e, err := g.Explain(c.Context(), inside(args[0]))
				if err != nil {
					return err
				}
				if asJSON {
					return p.Object(e)
				}
				p.explain(e)
				return nil
			})
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// explain says it in plain words.
func (p *program) explain(e operate.Explanation) {
	switch {
	case e.Entry == nil:
		p.Say("%s: nothing is there yet.", e.Path)
	case e.Entry.Dir:
		p.Say("%s: a folder.", e.Path)
	default:
		p.Say("%s: a file of %s, changed %s.", e.Path, progress.Bytes(e.Entry.Size), show.When(e.Entry.Modified))
	}
	if e.Route == 0 {
		p.Say("No route matches it.")
	} else {
		p.Say("Route %d takes it: %s", e.Route, e.Pattern)
	}
	p.pairs("  with ", e.Captures)
	if e.Refused != "" {
		p.Say("Such a file is refused: %s", e.Refused)
	}
	if e.Why != "" {
		p.Say("Nothing is sent: %s", e.Why)
	}
	for _, t := range e.Takes {
		p.taker(t)
	}
}

// taker says what one destination does with it.
func (p *program) taker(t operate.Taker) {
	p.Say("")
	switch {
	case !t.Owed:
		p.Say("%s: is not sent there: %s", t.Destination, t.Why)
	case t.Held != "":
		p.Say("%s: would be held: %s", t.Destination, show.Sentences(t.Held, t.Remedy))
	default:
		p.Say("%s: is sent there.", t.Destination)
	}
	p.pairs("  ", t.Keys)
	if u := t.Upload; u != nil {
		p.Say("  upload %d: %s, %s", u.ID, show.StateOf(*u), show.Count(u.Attempts, "attempt"))
		if u.URL != "" {
			p.Say("  %s", u.URL)
		}
		if text := show.Sentences(u.Error, u.Remedy); text != "" {
			p.Say("  %s", text)
		}
	}
	if t.Waiting != "" {
		p.Say("  %s", t.Waiting)
	}
}

func (p *program) pairs(indent string, m map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p.Say("%s%s = %s", indent, k, m[k])
	}
}
