package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
)

// deletionsCommand lists what is or was to be deleted at hosts.
func (p *program) deletionsCommand() *cobra.Command {
	asJSON := false
	s := &selection{}
	c := &cobra.Command{
		Use: "deletions", Short: "List pictures that are deleted at their hosts, the newest first", Args: words(0, 0),
		Long: `List the pictures whose files are gone and whose route says on_delete = "delete" or
on_replace = "delete-old": those that are to be deleted at their hosts and when, those
that were and why, and those that wait for an answer, as too many came at once. Answer
with "slipway queue release --path FOLDER" or "slipway queue refuse --path FOLDER".`,
		Example: "  slipway queue deletions --state waiting,paused --path /holiday",
	}
	c.Flags().StringSliceVar(&s.states, "state", nil, "only these `states`: "+strings.Join(operate.DeletionStates, ", "))
	c.Flags().StringVar(&s.destination, "destination", "", "only this `destination`")
	c.Flags().StringVar(&s.path, "path", "", "only of this `path`, or what was below it")
	c.Flags().IntVar(&s.limit, "limit", 0, "at most this `number`; 0: all")
	p.complete(c, "state", func(context.Context, operate.Gateway) []string { return operate.DeletionStates })
	p.complete(c, "destination", destinationNames)
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, _ []string) error {
		f, err := s.deletions(c)
		if err != nil {
			return err
		}
		return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
			if err := s.known(c.Context(), g); err != nil {
				return err
			}
			return p.listDeletions(c.Context(), g, f, s.limit, asJSON)
		})
	}
	return c
}

// deletions checks the selection, as filter does.
func (s *selection) deletions(c *cobra.Command) (operate.DeletionFilter, error) {
	f := operate.DeletionFilter{States: s.states, Destination: s.destination}
	if err := s.check(c, operate.DeletionStates); err != nil {
		return f, err
	}
	if s.path != "" {
		f.Path = inside(s.path)
	}
	return f, nil
}

// deletionsAtOnce is how many deletions are asked for at a time.
const deletionsAtOnce = 500

// listDeletions shows deletions page by page, and the brakes after them.
func (p *program) listDeletions(ctx context.Context, g operate.Gateway, f operate.DeletionFilter, limit int, asJSON bool) error {
	t := show.NewTable(p.Out, "ID", "STATE", "WHY", "DESTINATION", "DUE", "CHANGED", "PATH", "PICTURE")
	var brakes []operate.Brake
	for left := limit; ; {
		f.Limit = deletionsAtOnce
		if limit > 0 {
			f.Limit = min(left, f.Limit)
		}
		page, err := g.Deletions(ctx, f)
		if err != nil {
			return err
		}
		brakes = page.Brakes
		for _, d := range page.Deletions {
			if asJSON {
				if err := p.Object(d); err != nil {
					return err
				}
				continue
			}
			t.Row(fmt.Sprint(d.ID), show.Or(d.State), show.Or(d.Why), show.Or(d.Destination), show.When(d.Due), show.When(d.Changed), show.Or(d.Path), picture(d))
		}
		left -= len(page.Deletions)
		if f.After = page.Next; page.Next == 0 || limit > 0 && left <= 0 {
			break
		}
	}
	if asJSON {
		return p.Out.Err
	}
	t.End()
	if t.Rows() == 0 {
		p.Note("There are no such deletions.")
	}
	for _, b := range brakes {
		p.Note("%s", braked(b))
	}
	return p.Out.Err
}

// braked says which deletions wait for an answer, and how to give it.
func braked(b operate.Brake) string {
	return fmt.Sprintf("So many files were removed in %s at once that %s at the hosts for your answer: `slipway queue release --path %s` deletes the pictures there, `slipway queue refuse --path %s` keeps them.",
		show.Plain(b.Folder), waitFor(b.Waiting), argument(b.Folder), argument(b.Folder))
}

// waitFor returns "1 deletion waits", "2 deletions wait".
func waitFor(n int) string {
	if n == 1 {
		return "1 deletion waits"
	}
	return show.Count(n, "deletion") + " wait"
}

// argument writes a path as a shell takes it.
func argument(path string) string {
	path = show.Plain(path)
	if strings.ContainsFunc(path, func(r rune) bool {
		return r != '/' && r != '.' && r != '_' && r != '-' && (r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// picture is which picture it is, or what is wrong with its deletion.
func picture(d operate.Deletion) string {
	if d.Error != "" {
		return show.Or(strings.TrimSpace(d.Error + " " + d.Remedy))
	}
	return show.Or(d.URL)
}

// deletion says what is about to become of a picture of a file that is gone, or has
// other bytes.
func (p *program) deletion(d operate.Deletion) {
	text := map[string]string{
		"waiting": "is to be deleted there at " + show.When(d.Due), "deleting": "is being deleted there",
		"paused": "is to be deleted there when somebody says so (`slipway queue deletions`)", "failed": "could not be deleted there",
	}[d.State]
	why := map[string]string{"removed": "the file was removed", "replaced": "it has other bytes now", "by-hand": "somebody wanted it gone"}[d.Why]
	p.Say("%s: an earlier picture %s, as %s.", show.Plain(d.Destination), text, why)
	if more := show.Sentence(show.Sentences(d.Error, d.Remedy)); more != "" && d.State != "paused" {
		p.Say("  %s", more)
	}
}

// refuseCommand keeps pictures that are about to be deleted.
func (p *program) refuseCommand() *cobra.Command {
	s := &selection{}
	c := &cobra.Command{
		Use: "refuse {ID… | --all | --path P | --destination D}", Short: "Keep pictures that are to be deleted at their hosts",
		Long: `Keep pictures at their hosts that are to be deleted there, whether they wait for
their time or for an answer. The ids are those of "slipway queue deletions". The files
themselves are gone all the same.`,
		Example: "  slipway queue refuse --path /holiday",
	}
	c.Flags().StringVar(&s.destination, "destination", "", "only at this `destination`")
	c.Flags().StringVar(&s.path, "path", "", "only of this `path`, or what was below it")
	c.Flags().BoolVar(&s.all, "all", false, "all deletions")
	p.complete(c, "destination", destinationNames)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 && s.path == "" && s.destination == "" && !s.all && s.filled(c) == nil {
			return usagef("say which deletions: their ids, or --path, --destination, or --all")
		}
		ids, f, err := s.explicit(c, args)
		if err != nil {
			return err
		}
		return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
			if err := s.known(c.Context(), g); err != nil {
				return err
			}
			n, err := g.AnswerDeletions(c.Context(), operate.DeletionAnswer{Verb: operate.Refuse, IDs: ids, Path: f.Path, Destination: f.Destination})
			if err != nil {
				return err
			}
			p.Say("%s will be kept at the hosts.", show.Count(n.Changed, "picture"))
			if len(ids) > 0 && n.Changed < len(ids) {
				p.Complain(fmt.Errorf("%s not waiting for deletion; `slipway queue deletions` shows how they stand", are(len(ids)-n.Changed)))
				return failed()
			}
			return nil
		})
	}
	return c
}

// are returns "1 of them is", "2 of them are".
func are(n int) string {
	if n == 1 {
		return "1 of them is"
	}
	return strconv.Itoa(n) + " of them are"
}

// alsoDeletions does a verb for uploads to the deletions that it is for too, where a
// path is named. Nobody is to let hundreds of pictures be deleted who only wanted all
// uploads to go on; ids and states are those of uploads.
func (p *program) alsoDeletions(ctx context.Context, g operate.Gateway, verb operate.Verb, ids []int64, f operate.Filter, asJSON bool) error {
	if f.Path == "" || len(ids) > 0 || len(f.States) > 0 || verb != operate.Release && verb != operate.Retry {
		return nil
	}
	n, err := g.AnswerDeletions(ctx, operate.DeletionAnswer{Verb: verb, Path: f.Path, Destination: f.Destination})
	if err == nil && n.Changed > 0 && !asJSON {
		does := map[operate.Verb]string{operate.Release: "will be deleted at the hosts", operate.Retry: "will be tried again to be deleted at the hosts"}[verb]
		p.Say("%s %s.", show.Count(n.Changed, "picture"), does)
	}
	return err
}
