package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/progress"
)

// newProgress is for what is shown while it goes on, on a terminal alone.
func newProgress(w io.Writer) *progress.Progress {
	if f, ok := w.(*os.File); ok {
		return progress.ForTerminal(f, 0)
	}
	return progress.New(w, progress.Options{})
}

// moved shows how far a folder has come.
func (r *importRun) moved(folder string, now operate.ImportProgress) {
	if r.file == nil {
		r.file = r.bar.File(folder, -1)
	}
	r.file.Note(progressOf(now))
}

// progressOf says how far an import has come: "1,200 of 5,000 files (2.1 of 9.0 GiB),
// about 12m left".
func progressOf(now operate.ImportProgress) string {
	seen := now.Taken.Files + now.Same.Files
	switch {
	case now.Owed > 0:
		return show.Count(now.Owed, "upload") + " to go" + leftOf(now.Left)
	case now.Total.Files == 0 && now.Waiting.Files == 0:
		return "looking: " + show.Count(now.Found.Files, "file")
	}
	text := fmt.Sprintf("%d of %s", seen, show.Count(max(now.Total.Files, seen+now.Waiting.Files), "file"))
	if now.Total.Bytes > 0 {
		text += fmt.Sprintf(" (%s of %s)", progress.Bytes(now.Taken.Bytes+now.Same.Bytes), progress.Bytes(now.Total.Bytes))
	}
	return text + leftOf(now.Left)
}

// leftOf says how long the rest lasts: ", about 12m left"; "": it is not known.
func leftOf(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ", about " + roundly(d) + " left"
}

// roundly shows a time span as people say it.
func roundly(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	case d >= time.Minute:
		d = d.Round(10 * time.Second)
	}
	return max(d.Round(time.Second), time.Second).String()
}

// told says what was done with a file: everything in a dry run, else what went wrong.
func (r *importRun) told(folder string, f operate.ImportedFile) {
	file := filepath.Join(folder, filepath.FromSlash(f.Path))
	if !r.o.DryRun {
		if f.Step == "fail" || f.Step == "refuse" || f.Step == operate.ImportUnsent {
			r.Complain(fmt.Errorf("%s: %s", file, f.Why))
		}
		return
	}
	why := ""
	if f.Why != "" {
		why = ": " + f.Why
	}
	switch f.Step {
	case "take":
		to := "kept, and sent nowhere"
		if len(f.Destinations) > 0 {
			to = "to " + strings.Join(f.Destinations, ", ")
		}
		r.Say("take    %s  →  %s (%s, %s%s)", file, f.To, progress.Bytes(f.Size), to, why)
	case "move":
		r.Say("move    %s  →  %s%s", f.From, f.To, why)
	case "remove":
		r.Say("remove  %s%s", f.To, why)
	case "refuse", "fail":
		r.Say("%-7s %s%s", f.Step, file, why)
	}
}

// through says what an import of a folder came to.
func (r *importRun) through(folder string, s operate.ImportSummary) {
	if r.file != nil {
		r.file.Leave()
		r.file = nil
	}
	r.failed = r.failed || s.Failed.Files+s.Refused.Files+s.Unsent > 0 || s.Problem != ""
	r.late = r.late || s.Waiting.Files > 0 || s.Owed > 0
	if r.asJSON {
		return
	}
	r.bar.Print(func() {
		if s.Problem != "" {
			r.Complain(fmt.Errorf("%s: %s", folder, s.Problem))
			return
		}
		r.Say("%s: %s", folder, r.summary(s))
	})
}

// summary puts what there is of it in one line.
func (r *importRun) summary(s operate.ImportSummary) string {
	var parts []string
	add := func(n int, format string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	taken := "%d taken"
	if r.o.DryRun {
		taken = "%d to be taken"
	}
	if s.Taken.Bytes > 0 {
		taken += " (" + progress.Bytes(s.Taken.Bytes) + ")"
	}
	add(s.Taken.Files, taken)
	add(s.Moved.Files, "%d renamed")
	add(s.Same.Files, "%d known already")
	add(s.Empty, "%d empty")
	add(s.Waiting.Files, "%d still changing")
	add(s.Refused.Files, "%d refused")
	add(s.Failed.Files, "%d failed")
	add(s.Unsent, "%d not sent")
	if len(parts) == 0 {
		return "nothing is there"
	}
	return strings.Join(parts, ", ")
}
