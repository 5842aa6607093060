package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/control"
	"slipway/gateway/operate"
	"slipway/gateway/progress"
)

// importPatience is how long `watch --once` goes on.
const importPatience = time.Hour

func (p *program) watchCommand() *cobra.Command {
	var once, release, asJSON bool
	var timeout time.Duration
	var o operate.ImportOptions
	c := &cobra.Command{
		Use: "watch", Short: "Show the watched folders, or take what is in them", Args: words(0, 0),
		Long: `Show the watched folders of the configuration and how they stand. While "slipway
serve" runs it follows them by itself.

With --once, take what is in them now, wait until it is where it is owed to, and say
what came of it. It works with a gateway that runs, and without one, and so from cron;
two at a time do not disturb each other. Ends with 1 where a file could not be taken
or sent, and with 3 where something was not finished in time: the next run, or a
gateway that runs, goes on with it. With --dry-run nothing is changed, and what would
be done is shown.`,
		Example: "  slipway watch --once --dry-run\n  slipway watch --once --folder /srv/scans --timeout 10m",
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Folder != "" {
				var err error
				if o.Folder, err = filepath.Abs(o.Folder); err != nil {
					return err
				}
			}
			switch {
			case release && (once || o.Folder == ""):
				return usagef("--release goes with --folder alone: it names the folder whose deletions are right")
			case o.DryRun && !once:
				return usagef("--dry-run goes with --once")
			case once && timeout <= 0:
				return usagef("--timeout has to be more than 0")
			case release:
				return p.with(c.Context(), NeedRunning, func(g operate.Gateway) error { return p.releaseWatch(c.Context(), g, o.Folder) })
			case once:
				return p.importOnce(c.Context(), o, timeout, asJSON)
			}
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error { return p.watches(c.Context(), g, o.Folder, asJSON) })
		},
	}
	c.Flags().BoolVar(&once, "once", false, "take what is there, and end")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "with --once: only say what would be done")
	c.Flags().BoolVar(&release, "release", false, "let follow what the brake on mass deletes keeps: the files were meant to go")
	c.Flags().StringVar(&o.Folder, "folder", "", "of all watched folders, only this `folder`")
	c.Flags().DurationVar(&timeout, "timeout", importPatience, "the `time` that --once takes at the most")
	jsonFlag(c, &asJSON)
	return c
}

// releaseWatch agrees to what a watched folder asks, and says what that was.
func (p *program) releaseWatch(ctx context.Context, g operate.Gateway, folder string) error {
	all, err := g.Watches(ctx)
	if err != nil {
		return err
	}
	if err := g.ReleaseWatch(ctx, folder); err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(w operate.Watch) bool { return sameFolder(w.Folder, folder) })
	switch {
	case i < 0 || all[i].Asks || all[i].Braked:
		p.Say("%s: released; it goes on as if all were right there.", folder)
	case all[i].Problem != "":
		p.Say("%s: nothing waited for your answer. This is in its way, and stays so: %s", all[i].Folder, all[i].Problem)
	default:
		p.Say("%s: nothing waited for your answer.", all[i].Folder)
	}
	return nil
}

// sameFolder reports whether two paths lead to one folder, as the gateway tells it.
func sameFolder(a, b string) bool {
	if a == b {
		return true
	}
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// watches lists the watched folders.
func (p *program) watches(ctx context.Context, g operate.Gateway, folder string, asJSON bool) error {
	all, err := g.Watches(ctx)
	if err != nil {
		return err
	}
	t := show.NewTable(p.Out, "FOLDER", "INTO", "MODE", "FILES", "TAKEN", "WAITING", "FAILED", "SCANNED")
	found := false
	var shown []operate.Watch
	for _, w := range all {
		if folder != "" && w.Folder != folder {
			continue
		}
		found = true
		if asJSON {
			p.Object(w) //nolint:errcheck // sticky
			continue
		}
		shown = append(shown, w)
		t.Row(show.Plain(w.Folder), show.Plain(w.Into), modeOf(w), fmt.Sprint(w.Files), fmt.Sprint(w.Known["taken"]), fmt.Sprint(w.Waiting.Files),
			fmt.Sprint(w.Failed.Files+w.Refused.Files), show.When(w.Scanned))
	}
	t.End()
	for _, w := range shown {
		p.watchTroubles(w)
	}
	switch {
	case !found && folder != "":
		return usagef("%s is not watched", folder)
	case !found && !asJSON:
		p.Note("No folder is watched. Add one to the configuration, as [[watch]].")
	}
	return nil
}

// modeOf says how a folder is followed.
func modeOf(w operate.Watch) string {
	switch {
	case w.Mode == "":
		return "off"
	case w.Total.Files > 0:
		through := w.Taken.Files + w.Same.Files + w.Failed.Files + w.Refused.Files
		return fmt.Sprintf("%s, first scan: %d of %s%s", w.Mode, through, show.Count(w.Total.Files, "file"), leftOf(w.Left))
	case w.Scanning && w.Scanned.IsZero():
		return w.Mode + ", first scan"
	}
	return w.Mode
}

// watchLine says in one line how a folder stands.
func watchLine(w operate.Watch) string {
	line := fmt.Sprintf("%s → %s (%s, %s)", show.Plain(w.Folder), show.Plain(w.Into), modeOf(w), show.Count(w.Files, "file"))
	if n := w.Failed.Files + w.Refused.Files; n > 0 {
		line += fmt.Sprintf(", %d not taken", n)
	}
	if w.Problem != "" {
		line += ": " + show.Plain(w.Problem)
	}
	return line
}

// askedOf says how people answer what a folder asks; "": it asks nothing.
func askedOf(w operate.Watch) string {
	switch answer := "slipway watch --release --folder " + argument(w.Folder); {
	case w.Braked:
		return "many files were deleted at once, and nothing follows from it. If they were meant to go: " + answer
	case w.Asks:
		return "what is missing there waits for your answer. If all is right as it is, and stays so: " + answer
	}
	return ""
}

// watchTroubles says what people have to know of a folder.
func (p *program) watchTroubles(w operate.Watch) {
	tell := func(format string, args ...any) { p.Say("%s: %s", w.Folder, fmt.Sprintf(format, args...)) }
	if w.Problem != "" {
		tell("%s", w.Problem)
	}
	if w.Why != "" && w.Mode != "" {
		tell("looked at every so often: %s", w.Why)
	}
	if text := askedOf(w); text != "" {
		tell("%s", text)
	}
	for _, t := range w.Troubles {
		next := ""
		if !t.Next.IsZero() {
			next = "; tried again at " + show.When(t.Next)
		}
		tell("%s: %s%s", t.Path, t.Error, next)
	}
}

// importTries is how often an import begins anew that was in the process of another
// command, which ended before it.
const importTries = 20

// importOnce takes what is in watched folders, by the gateway that runs or by itself.
func (p *program) importOnce(ctx context.Context, o operate.ImportOptions, timeout time.Duration, asJSON bool) error {
	need := NeedUploads
	if o.DryRun {
		need = NeedRecords
	}
	late, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 1; ; try++ {
		run := &importRun{program: p, o: o, asJSON: asJSON}
		err := p.with(ctx, need, func(g operate.Gateway) error { return run.run(late, g) })
		again := errors.Is(err, control.ErrCut) || errors.Is(err, control.ErrLocked)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !again || try == importTries || late.Err() != nil {
			return run.result(err, late.Err() != nil)
		}
		select {
		case <-time.After(time.Duration(try) * 100 * time.Millisecond):
		case <-late.Done():
		}
	}
}

// importRun is one import as a person or a script sees it.
type importRun struct {
	*program
	o      operate.ImportOptions
	asJSON bool
	bar    *progress.Progress
	file   *progress.File // of the folder that is under way

	failed, late bool
}

func (r *importRun) run(ctx context.Context, g operate.Gateway) error {
	r.bar = newProgress(r.Err)
	defer r.bar.Close()
	for i, err := range g.Import(ctx, r.o) {
		if err != nil {
			return err
		}
		switch {
		case r.asJSON && i.File != nil && i.File.Step == "same": // as the summary counts
		case r.asJSON && i.Progress == nil:
			r.bar.Print(func() { r.Object(i) }) //nolint:errcheck // sticky
		case i.Progress != nil:
			r.moved(i.Folder, *i.Progress)
		case i.File != nil:
			r.bar.Print(func() { r.told(i.Folder, *i.File) })
		}
		if i.File != nil {
			r.failed = r.failed || i.File.Step == "fail" || i.File.Step == "refuse" || i.File.Step == operate.ImportUnsent
		}
		if i.Summary != nil {
			r.through(i.Folder, *i.Summary)
		}
	}
	return nil
}

// result is what the command ends with.
func (r *importRun) result(err error, late bool) error {
	if late && (err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, control.ErrCut) || errors.Is(err, control.ErrLocked)) {
		return &exitError{exitLate, errors.New("not finished in time; what is left goes on by itself while a gateway runs, or with the next run")}
	}
	switch {
	case err != nil:
		return err
	case r.failed:
		return failed()
	case r.late:
		return &exitError{code: exitLate}
	}
	return nil
}
