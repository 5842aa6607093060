package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/progress"
)

func (p *program) replayCommand() *cobra.Command {
	var asJSON bool
	var timeout time.Duration
	var o operate.ReplayOptions
	c := &cobra.Command{
		Use: "replay PATH --to DESTINATION", Short: "Send files that are here to a destination, new or the same", Args: words(1, 1),
		Long: `Owe the files at or below PATH to a destination, from the bytes that are kept, whatever
their routes say: all that it does not have yet. So a library moves to another host, or
what went wrong is made good. Nobody's files change.

With --only failed, only what failed there, was dropped, or is held by a check; with
--only all, also what is there already. Slipway sends the same bytes to one host once:
those refer to the picture that is there, unless it was deleted or has expired, or what
the route takes out of pictures (strip, rotate) is another thing now.

Files that the destination does not take are listed, and so are those that are never
forwarded. Ended in the middle, or called again, it neither leaves out nor doubles
anything. Files that come in meanwhile go first, and the replay takes what they leave of
the host's limits. Uploads go while a gateway runs; with --wait this command waits for them, and
sends them itself where none runs. It then ends with 1 where one cannot be sent, and
with 3 where some were not in time: they go on by themselves, or with the next run.`,
		Example: "  slipway replay /holiday --to newhost --dry-run\n  slipway replay /holiday --to newhost --wait --timeout 8h\n" +
			"  slipway map /holiday --from anh --to newhost --format sed > new.sed",
		RunE: func(c *cobra.Command, args []string) error {
			o.Path = inside(args[0])
			switch {
			case o.To == "":
				return usagef("say where to, with --to DESTINATION")
			case o.Only == "" && c.Flags().Changed("only"):
				return usagef("--only is %s or %s", operate.OnlyFailed, operate.OnlyAll)
			case o.Wait && o.DryRun:
				return usagef("--wait does not go with --dry-run, which sends nothing")
			case timeout <= 0:
				return usagef("--timeout has to be more than 0")
			case c.Flags().Changed("timeout") && !o.Wait:
				return usagef("--timeout goes with --wait")
			}
			return p.replay(c.Context(), o, timeout, asJSON)
		},
	}
	c.Flags().StringVar(&o.To, "to", "", "the `destination`")
	c.Flags().StringVar(&o.Only, "only", "", "`what`: failed, or all")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "only say what would be owed")
	c.Flags().BoolVar(&o.Wait, "wait", false, "wait until all are there")
	c.Flags().DurationVar(&timeout, "timeout", importPatience, "the `time` that --wait takes at the most")
	p.complete(c, "to", destinationNames)
	p.complete(c, "only", func(context.Context, operate.Gateway) []string {
		return []string{operate.OnlyFailed, operate.OnlyAll}
	})
	jsonFlag(c, &asJSON)
	return c
}

// replay owes, by the gateway that runs or by itself.
func (p *program) replay(ctx context.Context, o operate.ReplayOptions, timeout time.Duration, asJSON bool) error {
	need, late := NeedRecords, ctx
	if o.Wait {
		need = NeedUploads
		var cancel context.CancelFunc
		late, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	r := &replayRun{program: p, o: o, asJSON: asJSON}
	err := p.with(ctx, need, func(g operate.Gateway) error { return r.run(late, g) })
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case late.Err() != nil && errors.Is(err, context.DeadlineExceeded):
		text := "not all was sent in time; the rest goes on by itself while a gateway runs, or with the next run"
		return &exitError{exitLate, errors.New(text + newerOf(r.newer, "; ", " before it"))}
	case err != nil:
		return err
	case r.failed:
		return failed()
	case r.late:
		return &exitError{code: exitLate}
	}
	return nil
}

// replayRun is one replay as a person or a script sees it.
type replayRun struct {
	*program
	o      operate.ReplayOptions
	asJSON bool
	bar    *progress.Progress
	file   *progress.File

	failed, late bool
	newer        int // uploads that go first, as last told
}

func (r *replayRun) run(ctx context.Context, g operate.Gateway) error {
	r.bar = newProgress(r.Err)
	defer r.bar.Close()
	for step, err := range g.Replay(ctx, r.o) {
		if err != nil {
			return err
		}
		if f := step.File; f != nil {
			r.failed = r.failed || f.Step == operate.ReplayUnsent
		}
		if step.Progress != nil {
			r.moved(*step.Progress)
		} else if err := r.told(step); err != nil {
			return err
		}
		if step.Summary != nil {
			r.through(ctx, g, *step.Summary)
		}
	}
	return nil
}

// moved shows how far the replay has come.
func (r *replayRun) moved(now operate.ReplayProgress) {
	if r.file == nil {
		r.file = r.bar.File(r.o.To, -1)
	}
	if r.newer = now.Newer; now.Waiting > 0 {
		r.file.Note(show.Count(now.Waiting, "upload") + " to go" + leftOf(now.Left) + newerOf(now.Newer, ", ", " first"))
		return
	}
	r.file.Note(fmt.Sprintf("looking: %s, %d owed", show.Count(now.Looked.Files, "file"), now.Owed.Files))
}

// newerOf says how many newer uploads go first, between two words; nothing where none
// does.
func newerOf(n int, before, after string) string {
	switch {
	case n <= 0:
		return ""
	case n == 1:
		return before + "1 newer one goes" + after
	case n >= 1000: // no more are counted
		return before + "1000 or more newer ones go" + after
	}
	return fmt.Sprintf("%s%d newer ones go%s", before, n, after)
}

// told shows what is said of a file.
func (r *replayRun) told(step operate.Replay) (err error) {
	f := step.File
	r.bar.Print(func() {
		switch {
		case r.asJSON:
			err = r.Object(step)
		case f == nil:
		case f.Step == operate.ReplayUnsent:
			r.Complain(fmt.Errorf("%s: %s: %s", f.Path, f.Destination, f.Why))
		case f.Step == operate.ReplaySkip:
			r.Say("skip  %s: %s", f.Path, f.Why)
		case r.o.DryRun:
			r.Say("owe   %s (%s)", f.Path, progress.Bytes(f.Size))
		}
	})
	return err
}

// through says what it came to.
func (r *replayRun) through(ctx context.Context, g operate.Gateway, s operate.ReplaySummary) {
	if r.file != nil {
		r.file.Leave()
		r.file = nil
	}
	r.late = r.late || s.Changed.Files > 0
	r.bar.Print(func() {
		if !r.asJSON {
			r.Say("%s to %s: %s", r.o.Path, r.o.To, replaySummary(s, r.o.DryRun))
		}
		if s.Problem != "" {
			r.Note("%s takes nothing now: %s", r.o.To, s.Problem)
		}
		if s.Changed.Files > 0 {
			r.Note("%s changed meanwhile; run this again.", show.Count(s.Changed.Files, "file"))
		}
		if r.o.DryRun || r.o.Wait || s.Owed.Files+s.Waiting.Files == 0 {
			return
		}
		if status, err := g.Status(ctx); err == nil && !status.Serving {
			r.Note("Nothing is sent before a gateway runs (slipway serve), or with --wait.")
		}
	})
}

// replaySummary puts what there is of it in one line.
func replaySummary(s operate.ReplaySummary, dry bool) string {
	var parts []string
	count := func(a operate.Amount, format string) {
		if a.Files > 0 {
			parts = append(parts, fmt.Sprintf(format, a.Files))
		}
	}
	owed := "%d owed (" + progress.Bytes(s.Owed.Bytes) + ")"
	if dry {
		owed = "%d to be owed (" + progress.Bytes(s.Owed.Bytes) + ")"
	}
	count(s.Owed, owed)
	count(s.Waiting, "%d on their way already")
	count(s.There, "%d there already")
	count(s.Kept, "%d held by hand or without a certain end")
	count(s.Other, "%d that did not fail")
	count(s.Skipped, "%d skipped")
	count(s.Changed, "%d changed meanwhile")
	if s.Unsent > 0 {
		parts = append(parts, fmt.Sprintf("%d not sent", s.Unsent))
	}
	if len(parts) == 0 {
		return "there are no files"
	}
	return strings.Join(parts, ", ")
}
