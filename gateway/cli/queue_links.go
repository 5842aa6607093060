package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
)

// linksAtOnce is how many links are asked for at a time.
const linksAtOnce = 500

// linksCommand lists the links whose pictures are fetched.
func (p *program) linksCommand() *cobra.Command {
	asJSON := false
	s := &selection{}
	c := &cobra.Command{
		Use: "links", Short: "List the links in files whose pictures are fetched", Args: words(0, 0),
		Long: `List the links in dropped files (.url, .webloc, .desktop, lists in .txt) whose pictures
are fetched, where a route says "links = true": those whose next try is to come first,
then those that were tried, the latest first. A line without a link is of a file that is
not read yet, or cannot be. Have links that failed, or wait after an error, tried again
now with "slipway queue retry --path FILE"; to give a link up, remove its file.`,
		Example: "  slipway queue links --state failed --path /holiday",
	}
	c.Flags().StringSliceVar(&s.states, "state", nil, "only these `states`: "+strings.Join(operate.LinkStates, ", "))
	c.Flags().StringVar(&s.path, "path", "", "only in this `path`, or below it")
	c.Flags().IntVar(&s.limit, "limit", 0, "at most this `number`; 0: all")
	p.complete(c, "state", func(context.Context, operate.Gateway) []string { return operate.LinkStates })
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := s.check(c, operate.LinkStates); err != nil {
			return err
		}
		f := operate.LinkFilter{States: s.states}
		if s.path != "" {
			f.Path = inside(s.path)
		}
		return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error { return p.listLinks(c.Context(), g, f, s.limit, asJSON) })
	}
	return c
}

// listLinks shows links page by page.
func (p *program) listLinks(ctx context.Context, g operate.Gateway, f operate.LinkFilter, limit int, asJSON bool) error {
	t := show.NewTable(p.Out, "STATE", "TRIES", "NEXT TRY", "CHANGED", "FILE", "LINK", "RESULT")
	defer t.End()
	for left := limit; ; {
		f.Limit = linksAtOnce
		if limit > 0 {
			f.Limit = min(left, f.Limit)
		}
		page, err := g.Links(ctx, f)
		if err != nil {
			return err
		}
		for _, k := range page.Links {
			if asJSON {
				if err := p.Object(k); err != nil {
					return err
				}
				continue
			}
			state := show.Or(k.State)
			if k.Fetching {
				state = "fetching"
			}
			t.Row(state, fmt.Sprint(k.Tries), show.When(k.NextTry), show.When(k.Changed), show.Or(k.Path), show.Or(k.URL), linkResult(k))
		}
		left -= len(page.Links)
		if f.After = page.Next; page.Next == "" || limit > 0 && left <= 0 {
			break
		}
	}
	if !asJSON && t.Rows() == 0 {
		p.Note("There are no such links.")
	}
	return p.Out.Err
}

// linkResult is what came of a link so far.
func linkResult(k operate.ListedLink) string {
	if k.Error != "" {
		return show.Plain(show.Sentences(k.Error, k.Remedy))
	}
	return show.Or(k.Picture)
}

// alsoLinks has links tried again with the uploads of what a path names, as
// alsoDeletions does.
func (p *program) alsoLinks(ctx context.Context, g operate.Gateway, verb operate.Verb, ids []int64, f operate.Filter, asJSON bool) error {
	if f.Path == "" || len(ids) > 0 || len(f.States) > 0 || f.Destination != "" || verb != operate.Retry {
		return nil
	}
	n, err := g.RetryLinks(ctx, f.Path)
	if operate.KindOf(err) == operate.NotFound {
		return nil // nothing is there any more, and what was there has uploads at the most
	}
	if err == nil && n.Changed > 0 && !asJSON {
		p.Say("%s will be fetched again.", show.Count(n.Changed, "link"))
	}
	return err
}

// noteLinks says beside a list of all uploads that links wait or failed, which are no
// uploads.
func (p *program) noteLinks(ctx context.Context, g operate.Gateway, f operate.Filter) error {
	if len(f.States) > 0 || f.Destination != "" {
		return nil
	}
	page, err := g.Links(ctx, operate.LinkFilter{States: []string{"settling", "failed"}, Path: f.Path, Limit: 1})
	if err == nil && len(page.Links) > 0 {
		p.Note("There are links whose pictures are not fetched, too: `slipway queue links` lists them.")
	}
	return err
}
