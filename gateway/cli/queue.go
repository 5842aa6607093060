package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/strict"
)

func (p *program) queueCommand() *cobra.Command {
	return p.group("queue", "See and steer the uploads", `See the uploads, one for each file and destination, and steer them. None of these
commands ever deletes a file.`,
		p.queueListCommand(),
		p.verbCommand(operate.Retry, "Try again now", `Try uploads again now, with fresh tries: failed, held, ambiguous or waiting ones. An
ambiguous one may get to its host a second time. So may one that is done without a URL
("no-url", as the host's reply was lost), once you have looked for its picture there:
its id, or --state done, sends it again, and nothing else does. With --path, and without
--state, this tries failed deletions at hosts again as well, and, without
--destination, links whose pictures could not be fetched.`),
		p.verbCommand(operate.Hold, "Keep uploads back", "Keep waiting uploads back until they are released."),
		p.verbCommand(operate.Release, "Let held uploads go on", `Let held uploads go on, whatever held them. With --path, and without --state, this
lets the pictures of what was there be deleted at their hosts as well, where too many
were to go at once to be deleted without a question; see "slipway queue deletions".`),
		p.verbCommand(operate.Drop, "Never send uploads (deletes no file)", `Never send uploads that were not sent yet. This never deletes files: they stay where
they are, and so does what is at the host already.`),
		p.deletionsCommand(),
		p.linksCommand(),
		p.refuseCommand(),
		p.pauseCommand("pause", "Stop sending to a destination", operate.Gateway.Pause),
		p.pauseCommand("resume", "Send to a destination again", operate.Gateway.Resume),
	)
}

// selection is which uploads a command is about.
type selection struct {
	states            []string
	destination, path string
	limit             int
	all               bool
}

func (p *program) selectionFlags(c *cobra.Command) *selection {
	s := &selection{}
	c.Flags().StringSliceVar(&s.states, "state", nil, "only these `states`: "+strings.Join(operate.States, ", "))
	c.Flags().StringVar(&s.destination, "destination", "", "only this `destination`")
	c.Flags().StringVar(&s.path, "path", "", "only this `path`, or what is below it")
	p.complete(c, "state", func(context.Context, operate.Gateway) []string { return operate.States })
	p.complete(c, "destination", destinationNames)
	return s
}

// filled checks that no value is empty: most likely it was meant to hold something,
// and the command would be about everything instead.
func (s *selection) filled(c *cobra.Command) error {
	for flag, empty := range map[string]bool{"state": len(s.states) == 0, "destination": s.destination == "", "path": s.path == ""} {
		if empty && c.Flags().Changed(flag) {
			return usagef("--%s is empty", flag)
		}
	}
	return nil
}

// filter checks the selection.
func (s *selection) filter(c *cobra.Command) (operate.Filter, error) {
	f := operate.Filter{States: s.states, Destination: s.destination, Limit: s.limit}
	if err := s.check(c, operate.States); err != nil {
		return f, err
	}
	if s.path != "" {
		f.Path = inside(s.path)
	}
	return f, nil
}

// check checks the selection, whose states are some of states.
func (s *selection) check(c *cobra.Command, states []string) error {
	if err := s.filled(c); err != nil {
		return err
	}
	for _, state := range s.states {
		if !slices.Contains(states, state) {
			return usagef("there is no state %q; %s", state, strict.Suggest(state, states))
		}
	}
	if s.limit < 0 {
		return usagef("--limit is negative")
	}
	return nil
}

// known is an error where the selection names a destination that there is not.
func (s *selection) known(ctx context.Context, g operate.Gateway) error {
	if s.destination == "" {
		return nil
	}
	all, err := g.Destinations(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	if slices.Contains(names, s.destination) {
		return nil
	}
	return usagef("there is no destination %q; %s", s.destination, strict.Suggest(s.destination, names))
}

func (p *program) queueListCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "list", Short: "List uploads, the oldest first", Args: words(0, 0),
		Example: "  slipway queue list --state failed,held --destination anh",
	}
	s := p.selectionFlags(c)
	c.Flags().IntVar(&s.limit, "limit", 0, "at most this `number`; 0: all")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, _ []string) error {
		f, err := s.filter(c)
		if err != nil {
			return err
		}
		return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
			if err := s.known(c.Context(), g); err != nil {
				return err
			}
			if asJSON {
				return p.uploadObjects(g.Uploads(c.Context(), f))
			}
			if err := p.uploadTable(g.Uploads(c.Context(), f)); err != nil {
				return err
			}
			return p.noteLinks(c.Context(), g, f)
		})
	}
	return c
}

func (p *program) uploadObjects(uploads iter.Seq2[operate.Upload, error]) error {
	for u, err := range uploads {
		if err != nil {
			return err
		}
		if err := p.Object(show.ForScripts(u)); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) uploadTable(uploads iter.Seq2[operate.Upload, error]) error {
	t := show.NewTable(p.Out, "ID", "STATE", "REASON", "DESTINATION", "ATTEMPTS", "DUE", "PATH", "RESULT")
	defer t.End()
	for u, err := range uploads {
		if err != nil {
			return err
		}
		t.Row(fmt.Sprint(u.ID), show.Or(u.State), show.Or(u.Reason), show.Or(u.Destination), fmt.Sprint(u.Attempts), show.When(u.Due), show.Or(u.Path), result(u))
	}
	if t.Rows() == 0 {
		p.Note("There are no such uploads.")
	}
	return p.Out.Err
}

// result is what came of an upload so far.
func result(u operate.Upload) string {
	if u.URL != "" && u.Error == "" {
		return show.Plain(u.URL)
	}
	return show.Or(u.Error)
}

// verbCommand does verb to uploads.
func (p *program) verbCommand(verb operate.Verb, short, long string) *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: string(verb) + " {ID… | --all | --state S | --destination D | --path P}", Short: short, Long: long,
		Example: fmt.Sprintf("  slipway queue %s 12 13\n  slipway queue %s --destination anh --path /holiday", verb, verb),
	}
	s := p.selectionFlags(c)
	c.Flags().BoolVar(&s.all, "all", false, "all uploads")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		ids, f, err := s.explicit(c, args)
		if err != nil {
			return err
		}
		return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
			if err := s.known(c.Context(), g); err != nil {
				return err
			}
			if err := p.act(c.Context(), g, verb, ids, f, asJSON); err != nil {
				return err
			}
			if err := p.alsoDeletions(c.Context(), g, verb, ids, f, asJSON); err != nil {
				return err
			}
			return p.alsoLinks(c.Context(), g, verb, ids, f, asJSON)
		})
	}
	return c
}

// explicit is the selection of a command that changes things: ids, or a filter,
// or all, and exactly one of them.
func (s *selection) explicit(c *cobra.Command, args []string) ([]int64, operate.Filter, error) {
	f, err := s.filter(c)
	if err != nil {
		return nil, f, err
	}
	filtered := len(f.States) > 0 || f.Destination != "" || f.Path != ""
	ways := 0
	for _, way := range []bool{len(args) > 0, filtered, s.all} {
		if way {
			ways++
		}
	}
	switch {
	case ways == 0:
		return nil, f, usagef("say which uploads: their ids, or --state, --destination, --path, or --all")
	case ways > 1:
		return nil, f, usagef("give either ids, or --state, --destination and --path, or --all")
	}
	ids := make([]int64, len(args))
	for i, arg := range args {
		if ids[i], err = strconv.ParseInt(arg, 10, 64); err != nil || ids[i] <= 0 {
			return nil, f, usagef("%q is not the id of an upload, which is a number (`slipway queue list` shows them)", arg)
		}
	}
	return ids, f, nil
}

// act does verb and says what came of it. That it does not apply to an upload is
// a failure where that one was named.
func (p *program) act(ctx context.Context, g operate.Gateway, verb operate.Verb, ids []int64, f operate.Filter, asJSON bool) error {
	missing := slices.Clone(ids)
	done, refused := 0, 0
	for u, err := range g.Act(ctx, verb, ids, f) {
		if err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(id int64) bool { return id == u.ID })
		if asJSON {
			if err := p.Object(show.ForScripts(u)); err != nil {
				return err
			}
		}
		if u.Refused == "" {
			done++
			continue
		}
		refused++
		if len(ids) > 0 {
			p.Complain(errors.New(about(u.ID, u.Refused)))
		}
	}
	for _, id := range missing {
		p.Complain(fmt.Errorf("upload %d: there is no such upload", id))
	}
	if !asJSON {
		p.acted(verb, done, refused, len(ids) == 0)
	}
	if len(ids) > 0 && refused+len(missing) > 0 {
		return failed()
	}
	return nil
}

// about begins a text with the upload that it is about, where it does not itself.
func about(id int64, text string) string {
	if start := fmt.Sprintf("upload %d", id); !strings.HasPrefix(text, start) {
		text = start + ": " + text
	}
	return text
}

// acted sums up what a verb did.
func (p *program) acted(verb operate.Verb, done, refused int, selected bool) {
	did := map[operate.Verb]string{operate.Retry: "will be tried again now", operate.Hold: "held", operate.Release: "released",
		operate.Drop: "dropped; no file was deleted"}[verb]
	text := fmt.Sprintf("%s %s.", show.Count(done, "upload"), did)
	if selected && refused > 0 {
		text += fmt.Sprintf(" It does not apply to %d more.", refused)
	}
	p.Say("%s", text)
}
