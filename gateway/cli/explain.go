package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

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
					return p.object(e)
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
		p.say("%s: nothing is there yet.", e.Path)
	case e.Entry.Dir:
		p.say("%s: a folder.", e.Path)
	default:
		p.say("%s: a file of %s, changed %s.", e.Path, progress.Bytes(e.Entry.Size), when(e.Entry.Modified))
	}
	if e.Route == 0 {
		p.say("No route matches it.")
	} else {
		p.say("Route %d takes it: %s", e.Route, e.Pattern)
	}
	p.pairs("  with ", e.Captures)
	if e.Refused != "" {
		p.say("Such a file is refused: %s", e.Refused)
	}
	if e.Why != "" {
		p.say("Nothing is sent: %s", e.Why)
	}
	for _, t := range e.Takes {
		p.taker(t)
	}
}

// taker says what one destination does with it.
func (p *program) taker(t operate.Taker) {
	p.say("")
	switch {
	case !t.Owed:
		p.say("%s: is not sent there: %s", t.Destination, t.Why)
	case t.Held != "":
		p.say("%s: would be held: %s", t.Destination, sentences(t.Held, t.Remedy))
	default:
		p.say("%s: is sent there.", t.Destination)
	}
	p.pairs("  ", t.Keys)
	if u := t.Upload; u != nil {
		p.say("  upload %d: %s, %s", u.ID, stateOf(*u), count(u.Attempts, "attempt"))
		if u.URL != "" {
			p.say("  %s", u.URL)
		}
		if text := sentences(u.Error, u.Remedy); text != "" {
			p.say("  %s", text)
		}
	}
	if t.Waiting != "" {
		p.say("  %s", t.Waiting)
	}
}

func (p *program) pairs(indent string, m map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p.say("%s%s = %s", indent, k, m[k])
	}
}

// stateOf is an upload's state with its reason: "held (no-album)".
func stateOf(u operate.Upload) string {
	if u.Reason == "" {
		return u.State
	}
	return fmt.Sprintf("%s (%s)", u.State, u.Reason)
}
