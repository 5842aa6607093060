package cli

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
and what it waits for. The file need not be there yet. PATH is one of the gateway's,
or a file of this machine that lies in a watched folder.`,
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "" {
				return usagef("the path is empty")
			}
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				e, err := explained(c.Context(), g, args[0])
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

// explained asks about a file of a watched folder, where name is one, or else about
// the gateway's path name.
func explained(ctx context.Context, g operate.Gateway, name string) (operate.Explanation, error) {
	file, err := filepath.Abs(name)
	if err != nil {
		return operate.Explanation{}, err
	}
	e, err := g.ExplainFile(ctx, file)
	if !errors.Is(err, fs.ErrNotExist) {
		return e, err
	}
	inside, insideErr := g.Explain(ctx, inside(name))
	if _, here := os.Lstat(file); here == nil && insideErr == nil && inside.Entry == nil {
		return e, err // it is a file of this machine that is meant
	}
	return inside, insideErr
}

// local says how the file in a watched folder stands.
func (p *program) local(l operate.LocalFile) {
	p.Say("%s: in the watched folder %s: %s.", l.File, l.Folder, l.State)
	for _, text := range []string{l.Text, l.After} {
		if text != "" {
			p.Say("%s", show.Sentence(text))
		}
	}
	if !l.Until.IsZero() {
		p.Say("That is until %s.", show.When(l.Until))
	}
}

// explain says it in plain words.
func (p *program) explain(e operate.Explanation) {
	if e.Local != nil {
		p.local(*e.Local)
		if e.Local.Aside {
			return
		}
		p.Say("")
	}
	switch {
	case e.Entry == nil:
		p.Say("%s: nothing is there yet.", e.Path)
	case e.Entry.Dir:
		p.Say("%s: a folder.", e.Path)
	default:
		p.Say("%s: a file of %s, changed %s.", e.Path, progress.Bytes(e.Entry.Size), show.When(e.Entry.Modified))
	}
	if e.Bytes != "" {
		p.Say("%s", show.Sentence(e.Bytes))
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
	for _, l := range e.Links {
		p.link(l)
	}
	for _, d := range e.Deletions {
		p.deletion(d)
	}
	for _, t := range e.Takes {
		p.taker(t)
	}
}

// link says what became of a link.
func (p *program) link(l operate.Link) {
	subject := l.URL
	if subject == "" {
		subject = "its links"
	}
	switch {
	case l.Picture != "":
		p.Say("%s: fetched as %s", subject, l.Picture)
	case l.State == "done":
		p.Say("%s: fetched; the picture is not beside it any more", subject)
	case l.Fetching:
		p.Say("%s: is being fetched now", subject)
	case l.State == "settling" && l.URL == "":
		p.Say("%s: will be looked at", subject)
	case l.State == "settling":
		p.Say("%s: will be fetched", subject)
	case l.State == "plain":
		p.Say("%s: there are none", subject)
	case l.State == "skipped":
		p.Say("%s: not fetched, and need not be", subject)
	default:
		p.Say("%s: not fetched", subject)
	}
	if text := show.Sentence(show.Sentences(l.Error, l.Remedy)); text != "" {
		p.Say("  %s", text)
	}
	if !l.NextTry.IsZero() {
		p.Say("  The next try is %s.", show.When(l.NextTry))
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
		if text := show.Sentence(show.Sentences(u.Error, u.Remedy)); text != "" {
			p.Say("  %s", text)
		}
	}
	waiting := t.Waiting
	if u := t.Upload; u != nil && u.Error != "" { // it was said already
		if short, said := strings.CutSuffix(waiting, ": "+u.Error); said {
			waiting = short + "."
		}
	}
	if waiting != "" {
		p.Say("  %s", waiting)
	}
}

func (p *program) pairs(indent string, m map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p.Say("%s%s = %s", indent, k, m[k])
	}
}
